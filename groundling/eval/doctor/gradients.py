"""Checks of gradients and advantages, from the log alone."""

from __future__ import annotations

import numpy as np

from groundling.eval.doctor.finding import Finding, Panel, State, graded, not_applicable, reads_logs, worst
from groundling.eval.doctor.record import RunRecord

VANISHED = 1e-7
ALWAYS_CLIPPED = 0.98
GROWTH = 10.0, 100.0  # of the norm, from the first tenth of a run to its last quarter
EXTREME = 30.0, 100.0  # standard deviations
LEAST_SPREAD = 1e-6


@reads_logs
def gradients(run: RunRecord) -> Finding:
    """Are gradients finite, there, and seldom clipped?

    The norm is that before clipping. Where every gradient is clipped, max_grad_norm and not the loss says how long a
    step is.
    """
    frames, values = run.curve("gradient_norm")
    broken = any(
        not np.isfinite(row[name])
        for row in run.metrics
        for name in ("gradient_norm", "value_loss", "policy_loss", "imitation_loss")
        if name in row
    )
    # an update that no whole episode came to had nothing to learn from, and is no sign of anything
    learned = [row for row in run.metrics if row.get("learned_episodes", 1) > 0]
    silent = any("gradient_norm" in row for row in learned) and "gradient_norm" not in learned[-1]
    if broken or silent:  # NaN is left out of the log
        return Finding(
            State.RED,
            "losses or gradients are not finite any more",
            "a smaller learning rate and max_grad_norm; look for infinite rewards or observations",
            {"finite": 0.0},
        )
    if not len(values):
        return not_applicable(f"{run.algorithm} logs no gradient norm")
    first, now, clipped = run.first("gradient_norm"), run.last("gradient_norm"), run.last("gradient_clipped")
    numbers = {"norm": now, "first": first, "largest": float(values.max()), "clipped": clipped}
    panels = [Panel("gradient norm before clipping", {"norm": (frames, values)})]
    seen = f"median norm {now:.3g} (at first {first:.3g}, largest {values.max():.3g})"
    if np.isfinite(clipped):
        seen += f", {clipped:.0%} of the gradients clipped"
        panels.append(Panel("share of gradients that were clipped", {"clipped": run.curve("gradient_clipped")}))
    if now < VANISHED:
        return Finding(
            State.RED,
            f"{seen}: there is none",
            "is anything trainable? a network whose units are dead, or a reward that is always the same",
            numbers,
            tuple(panels),
        )
    state = graded(now / max(first, VANISHED), yellow=GROWTH[0], red=GROWTH[1])
    advice = "a smaller learning rate; normalize rewards" if state is not State.GREEN else ""
    if clipped > ALWAYS_CLIPPED:
        state = worst(state, State.YELLOW)
        advice = "a larger max_grad_norm, or a smaller learning rate: clipping sets the length of every step" + (
            f"; {advice}" if advice else ""
        )
    return Finding(state, seen, advice, numbers, tuple(panels))


@reads_logs
def advantages(run: RunRecord) -> Finding:
    """Do advantages tell good actions from bad ones?

    Their standard deviation over a rollout, and the largest one in standard deviations: where a few frames have all of
    it, an update follows these few.
    """
    frames, values = run.curve("advantage_spread")
    if not len(values):
        return not_applicable(f"{run.algorithm} logs no advantages")
    spread, extreme = run.last("advantage_spread"), run.last("advantage_extreme")
    numbers = {"spread": spread, "extreme": extreme, "mean": run.last("advantage_mean")}
    panels = [Panel("spread of the advantages", {"standard deviation": (frames, values)})]
    if np.isfinite(extreme):
        largest = {"largest, in standard deviations": run.curve("advantage_extreme")}
        panels.append(Panel("largest advantage", largest, marks={"extreme": EXTREME[0]}))
    seen = f"standard deviation {spread:.2g}, the largest {extreme:.0f} of these away"
    if not spread > LEAST_SPREAD:
        return Finding(
            State.RED,
            f"standard deviation {spread:.2g}: all actions look alike",
            "no reward was found in these rollouts: an easier task, longer rollouts, imitation first; with normalized "
            "advantages the updates follow noise",
            numbers,
            tuple(panels),
        )
    state = graded(extreme, yellow=EXTREME[0], red=EXTREME[1]) if np.isfinite(extreme) else State.GREEN
    advice = (
        "rare rewards carry all: larger rollouts (--num-envs), or clip the reward" if state is not State.GREEN else ""
    )
    return Finding(state, seen, advice, numbers, tuple(panels))
