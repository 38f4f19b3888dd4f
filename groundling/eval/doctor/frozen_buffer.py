"""A check of learning itself: can the run's own algorithm fit a buffer that does not change?"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundling.errors import ConfigurationError
from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable
from groundling.eval.doctor.record import RunRecord
from groundling.training.algorithms.base import OnPolicy
from groundling.training.loop import Trainer

FRAMES = 2048
UPDATES = 40, 5  # at most and at least; fewer where each has many gradient steps
MOST_FRAMES = 65_536  # until episodes have ended, where an algorithm waits for that
MOST_STEPS = 1500  # gradient steps in all
LIMITS = 0.5, 0.9  # what is left of the loss
FITTED = 1e-4  # a value loss that leaves nothing to fit
LOSSES = ("imitation_loss", "value_loss")  # the first one that is logged is judged


def frozen_buffer(run: RunRecord) -> Finding:
    """Can the agent learn one frozen buffer by heart?

    The run's algorithm, with its settings and its first learning rate, updates a copy of the agent up to forty times on
    the same 2,048 frames. A network, an optimizer and a loss that work bring the loss down whatever the task is. A
    penalty that keeps the run near the policy it began from is left out.
    """
    if run.probes is None:
        return not_applicable("there is no checkpoint yet")
    config = run.config
    steps = config.rollout_frames // config.num_envs
    # what divides the run's environments suits algorithms that play them in groups
    own = config.algorithm_settings
    others = tuple(value for value in config.settings if type(value) is not type(own))
    divisors = [n for n in range(1, config.num_envs + 1) if config.num_envs % n == 0]
    num_envs = max(n for n in divisors if n * steps <= max(FRAMES, steps))
    try:
        small = dataclasses.replace(
            config.alone(config.task_ids[0]),
            num_envs=num_envs,
            evaluate_every=0,
            init="",
            device="cpu",
            settings=(*others, _fitting(own, num_envs * steps)),
        )
    except ConfigurationError as error:
        return not_applicable(f"{run.algorithm} does not work on so few frames: {error}")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(small, Path(folder) / "frozen")
        try:
            if not isinstance(trainer.algorithm, OnPolicy):
                return not_applicable(f"{run.algorithm} does not learn from rollouts that could be kept")
            trainer.agent.load_state_dict(run.probes.checkpoint.agent)
            rollout, frames = _whole(trainer.algorithm, most=math.ceil(MOST_FRAMES / small.rollout_frames))
            if not frames:
                return not_applicable(f"no episode came to its end in {MOST_FRAMES:,} frames")
            steps = gradient_steps(small.algorithm_settings, frames)
            updates = max(UPDATES[1], min(UPDATES[0], MOST_STEPS // steps))
            losses = [trainer.algorithm.update(rollout, 0.0) for _ in range(updates)]
        finally:
            trainer.close()
    return judge_losses(losses, frames, run.algorithm)


def judge_losses(losses: Sequence[Mapping[str, float]], frames: int, algorithm: str) -> Finding:
    """What the losses of updates on one buffer say.

    Args:
        losses: metrics of each update.
        frames: of the buffer.
        algorithm: its title.
    """
    name = next((name for name in LOSSES if name in losses[0]), None)
    if name is None:
        return not_applicable(f"{algorithm} logs no {' or '.join(LOSSES)}; the loss of a policy alone has no floor")
    values = [row[name] for row in losses]
    first, last = values[0], values[-1]
    left = last / first if first > 0 else 1.0
    numbers = {"first": first, "last": last, "left": left, "frames": float(frames)}
    what = name.replace("_", " ")
    panel = Panel(
        f"{what} on a frozen buffer", {what: (list(range(1, len(values) + 1)), values)}, x_label="update", marks={}
    )
    seen = (
        f"{what} on {frames:,} frozen frames from {first:.3g} to {last:.3g} in {len(values)} updates ({left:.0%} left)"
    )
    if not math.isfinite(left):
        return Finding(State.RED, f"{seen}: it is not finite", "a smaller learning rate", numbers, (panel,))
    if first < FITTED and last < FITTED:
        return Finding(State.GREEN, f"{seen}: there is nothing left to fit", "", numbers, (panel,))
    state = graded(left, yellow=LIMITS[0], red=LIMITS[1])
    advice = (
        "nothing learns, whatever the task: is the learning rate far too small or too large, are parameters frozen or "
        "units dead, does the agent see and read what the label depends on?"
    )
    return Finding(state, seen, "" if state is State.GREEN else advice, numbers, (panel,))


def _whole(algorithm: OnPolicy, most: int) -> tuple[Any, int]:
    """What an algorithm learns from, and its frames: of algorithms that wait for the ends of episodes, the first that
    is as large as half a rollout, or the last of so many.
    """
    for _ in range(most):
        batch: Any = algorithm.collect()
        frames = int(batch.action.numel())
        if 2 * frames >= algorithm.run.config.rollout_frames:
            break
    return batch, frames


def gradient_steps(settings: Any, frames: int) -> int:
    """Gradient steps of an update of so many frames, as far as the settings of an algorithm say; else 1."""
    size = getattr(settings, "minibatch_size", 0) or frames
    return int(getattr(settings, "num_epochs", 1)) * math.ceil(frames / size)


def _fitting(settings: Any, frames: int) -> Any:
    """Settings whose minibatches are no larger than so many frames, for a run that begins from no other one."""
    changes: dict[str, Any] = {"kl_coef": 0.0} if hasattr(settings, "kl_coef") else {}
    if size := getattr(settings, "minibatch_size", 0):
        changes["minibatch_size"] = min(size, frames)
    return dataclasses.replace(settings, **changes)
