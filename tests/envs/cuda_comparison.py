"""A program: steps environments of levels on the CPU and under Numba's CUDA simulator, side by side, and compares.

Prints JSON: for each level how many episodes ended, and how many of them succeeded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from dataclasses import replace
from typing import Any

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"  # read when Numba is imported

import numpy as np

from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank, GroundlingVectorEnv
from groundling.envs.catalog import find_family
from groundling.envs.device_vector import DeviceVectorEnv


class Difference(AssertionError):
    """What is not the same on both."""


def compare(name: str, host: Any, device: Any, rows: Any = slice(None)) -> None:
    found = device.copy_to_host()
    if host.dtype != found.dtype or host.shape != found.shape:
        raise Difference(f"{name} is {host.dtype} {host.shape} on the CPU, {found.dtype} {found.shape} on the device")
    if not np.array_equal(host[rows], found[rows]):
        first = tuple(np.argwhere(host[rows] != found[rows])[0].tolist())
        values = f"{host[rows][first]} on the CPU, {found[rows][first]} on the device"
        raise Difference(f"{name} differs, first at {first}: {values}")


def compare_all(name: str, host: dict[str, Any], device: dict[str, Any], rows: Any = slice(None)) -> None:
    if set(host) != set(device):
        raise Difference(f"{name}: {sorted(host)} on the CPU, {sorted(device)} on the device")
    for key, array in host.items():
        compare(f"{name} {key}", array, device[key], rows)


def compare_states(cpu: GroundlingVectorEnv, gpu: DeviceVectorEnv) -> None:
    host, device = cpu.state_dict(), gpu.state_dict()
    if set(host) != set(device):
        raise Difference(f"states have {sorted(set(host) ^ set(device))} on one side")
    for key, array in host.items():
        if not np.array_equal(array, device[key]):
            raise Difference(f"{key} of the state is {array} on the CPU, on the device {device[key]}")


def run(level: str, num_envs: int, steps: int, senses: dict[str, Any]) -> dict[str, int]:
    """Compare all that two environments return and keep; half of the agents follow an expert."""
    rng = np.random.default_rng(0)
    bank = EpisodeBank.of_seeds(level, range(6))
    limits = bank.max_steps.copy()
    limits[::3] = np.minimum(limits[::3], rng.integers(8, 20, size=2))  # some episodes end by time
    bank = replace(bank, max_steps=limits)
    family = find_family(level)
    embodiment = family.embodiment().changed(body="grid", **senses)  # type: ignore[attr-defined]
    cpu = GroundlingVectorEnv(bank, num_envs, seed=3, embodiment=embodiment)
    gpu = DeviceVectorEnv(bank, num_envs, seed=3, embodiment=embodiment, copy=False, threads=3)
    expert = family.expert(cpu) or Expert(cpu.worlds, sees="world")
    compare_all("reset", cpu.reset(seed=5)[0], gpu.reset(seed=5)[0])
    counts = {"ended": 0, "succeeded": 0}
    guided = np.arange(num_envs) % 2 == 0
    for step in range(steps):
        actions = rng.integers(cpu.worlds.num_actions, size=num_envs)
        told = expert.actions()
        actions = np.where(guided & ~expert.lost, told, actions)
        there, here = gpu.step(actions), cpu.step(actions)
        compare_all("observation", here[0], there[0])
        for name, place in (("reward", 1), ("terminated", 2), ("truncated", 3)):
            compare(name, here[place], there[place])
        ended = cpu.worlds.outcomes.ended
        compare("ended", ended, there[4]["_final_info"])
        if ended.any():
            final, told_there = here[4]["final_info"], there[4]["final_info"]
            compare_all("final observation", cpu.worlds.last_seen(), there[4]["final_obs"], ended)
            compare("success", final["success"], told_there["success"])
            compare("return", final["episode"]["r"], told_there["episode"]["r"])
            compare("length", final["episode"]["l"], told_there["episode"]["l"])
            compare("row", cpu.worlds.outcomes.episode, told_there["episode_row"], ended)
            counts["ended"] += int(ended.sum())
            counts["succeeded"] += int(final["success"].sum())
        if step == steps // 3:  # a state of one goes on in the other
            compare_all("loaded on the device", cpu.worlds.seen(), gpu.load_state_dict(cpu.state_dict()))
        if step == steps // 2:
            cpu.load_state_dict(gpu.state_dict())
            mask = rng.random(num_envs) < 0.5
            options = {"reset_mask": mask}
            compare_all("masked reset", cpu.reset(options=options)[0], gpu.reset(options=options)[0])
    compare_states(cpu, gpu)
    if cpu.instructions != gpu.instructions:
        raise Difference(f"sentences are {cpu.instructions} on the CPU, on the device {gpu.instructions}")
    return counts


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("levels", nargs="+")
    parser.add_argument("--envs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--senses", action="store_true")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # integers of the simulator's wrap as a GPU's do
    senses = {"explored_radius": 3, "previous_action": True} if asked.senses else {}
    found = {}
    for level in asked.levels:
        try:
            found[level] = run(level, asked.envs, asked.steps, senses)
        except Difference as difference:
            print(f"{level}: {difference}", file=sys.stderr)
            return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
