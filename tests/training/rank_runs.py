"""One of several processes: whole runs by all of them, interrupted, resumed and refused."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from rank_processes import tell
from small_runs import After, checkpoint_of, small_config

from groundling.errors import GroundlingError
from groundling.interruption import Interrupted
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.logs import read_metrics
from groundling.training.ranks import Ranks, join_job


def refused(config: TrainConfig, folder: Path, **options: Any) -> str:
    """The kind and the message of the error."""
    try:
        Trainer(config, folder, **options)
    except GroundlingError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def states_are_equal(one: Any, other: Any) -> bool:
    """Whether all tensors in two states are."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(states_are_equal(value, other[key]) for key, value in one.items())
    return True


def main(folder: Path, ranks: Ranks) -> dict[str, Any]:
    config = small_config(6, evaluate_every=0, checkpoint_seconds=1e9)
    whole = Trainer(config, folder / "whole").run()
    first = Trainer(config, folder / "parts")
    own_envs = first.envs.num_envs
    first.run(stop_after_updates=3)
    resumed = Trainer(config, folder / "parts", resume=True)
    resumed.run()

    stopped = Trainer(config, folder / "stopped")
    send = After(2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        stopped.run(send if ranks.rank == 1 else None)  # the signal comes to one of them alone
        stop = ""
    except Interrupted as error:
        stop = str(error)
    at_stop = stopped.updates
    Trainer(config, folder / "stopped", resume=True).run()

    # a minibatch of the whole rollout of the job is more than the frames of one process
    large = small_config(1, evaluate_every=0, ppo=PPOConfig(num_steps=12, minibatch_size=96, num_epochs=1))
    Trainer(large, folder / "large").run()
    grpo = GRPOConfig(group_size=4, num_steps=12, minibatch_size=48)

    other = dataclasses.replace(config, seed=5) if ranks.rank == 1 else config
    alone = dataclasses.replace(config, task="BabyAI-Nowhere-v0") if ranks.rank == 1 else config
    number = torch.zeros(())
    version = number._version
    ranks.copy_first([number])
    missing = folder / ("whole" if ranks.is_first else "nowhere")
    found: dict[str, Any] = {
        "frames": whole.frames,
        "own_envs": own_envs,
        "stop": stop,
        "at_stop": at_stop,
        "odd": refused(small_config(num_envs=9), folder / "odd"),
        "many": refused(small_config(num_envs=1, ppo=PPOConfig(num_steps=12, minibatch_size=12)), folder / "many"),
        "groups": refused(small_config(algorithm="grpo", num_envs=12, settings=(grpo,)), folder / "groups"),
        "infonce": refused(small_config(algorithm="infonce"), folder / "infonce"),
        "agile": refused(small_config(reward=("agile",)), folder / "agile"),
        "used": refused(config, folder / "whole"),
        "one of them has no task": refused(alone, folder / "alone"),
        "told of a copy": number._version > version,
        "different": refused(other, folder / "different"),
        "one of them has no checkpoint": refused(config, missing, resume=True),
        "folders": sorted(path.name for path in folder.iterdir() if path.is_dir()),
    }
    if ranks.is_first:
        one, two, three = (checkpoint_of(folder / name) for name in ("whole", "parts", "stopped"))
        found["fingerprints"] = [part.fingerprint for part in (one, two, three)]
        pairs = zip([one.algorithm, *one.ranks], [two.algorithm, *two.ranks], strict=True)
        found["states_are_equal"] = all(states_are_equal(ours, theirs) for ours, theirs in pairs)
        found["processes"] = one.processes
        first_envs, second_envs = (state["collector"]["envs"] for state in (one.algorithm, one.ranks[0]["algorithm"]))
        found["same_episodes"] = states_are_equal(first_envs, second_envs)
        rows = [read_metrics(folder / name) for name in ("whole", "parts")]
        found["logged"] = [row["frames"] for row in rows[0]]
        speed = "frames_per_second"
        found["same_metrics"] = [{**row, speed: 0} for row in rows[0]] == [{**row, speed: 0} for row in rows[1]]
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    joined = join_job()
    place = Path(sys.argv[1])
    tell(sys.argv[1], main(place / "runs", joined))
