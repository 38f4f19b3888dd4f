"""Parity of environments on a GPU with those on the CPU: the same seeds and actions in both, compared at every step.

    python benchmarks/cuda_parity.py [--levels ID ID] [--num-envs 64] [--steps 200] [--senses] [--rover]
    NUMBA_ENABLE_CUDASIM=1 python benchmarks/cuda_parity.py --num-envs 4 --steps 80   (without a GPU: Numba's simulator)

Everything that a step returns, the observations that episodes end with, and the whole state are compared; a state of
one goes on in the other. All must be equal, but for the pictures of rovers: on the CPU the compiler may reorder their
arithmetic, so colors may differ by a level, depths by a tenth of a thousandth, and of some pixels, at the edges of
things, more. On a GPU itself sines are rounded otherwise, so that poses and rewards of rovers may differ by a
billionth. Half of the agents follow an expert, the others take random actions. Prints, as its last line,
a JSON object: for each level how many episodes ended, and how many of them succeeded. A difference ends it with
status 2 and names the first number that differs.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from launch import launch

from groundling.agents.bots import Expert, RoverExpert
from groundling.envs import EpisodeBank, GroundlingVectorEnv
from groundling.envs.catalog import find_family
from groundling.envs.device_vector import DeviceVectorEnv
from groundling.envs.engine.cuda.batch import THREADS
from groundling.envs.engine.cuda.building import is_simulated
from groundling.envs.engine.rover import Rover
from groundling.envs.families.banked import BankFamily
from groundling.envs.first_person import Camera, Randomization
from groundling.errors import GroundlingError

# Every verb and flag of goals, doors, keys, boxes, traps, floors, holders, manuals, answers.
LEVELS = (
    "BabyAI-GoToLocal-v0",
    "BabyAI-GoToImpUnlock-v0",
    "BabyAI-PickupLoc-v0",
    "BabyAI-UnblockPickup-v0",
    "BabyAI-OpenDoorsOrderN4-v0",
    "BabyAI-PutNextS5N2Carrying-v0",
    "BabyAI-Synth-v0",
    "BabyAI-BossLevel-v0",
    "MiniGrid-GoToDoor-5x5-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "MiniGrid-MemoryS7-v0",
    "MiniGrid-ObstructedMaze-2Dlhb-v1",
    "MiniGrid-UnlockPickup-v0",
    "groundling/RoomGoTo-v0",
    "groundling/RoomSequence-v0",
    "groundling/RoomCounting-v0",
    "groundling/HouseUnlockBox-v0",
    "groundling/ReadBoxes-v0",
    "groundling/ReadKeys-v0",
    "groundling/ReadBeacons-v0",
    "groundling/FurnishedHouseBringSmall-v0",
    "groundling/Questions-Stop-v0",
)
Senses = dict[str, Any]
MORE_SENSES: Senses = {"explored_radius": 3, "previous_action": True}
ROVER_SENSES: Senses = {"previous_action": True}  # rovers have no map
ROVER = Rover(step_length_m=0.5, turn_angle_deg=30.0, slides=True)
CAMERA = Camera(
    width=18,
    height=12,
    depth=True,
    segmentation=True,
    randomization=Randomization(pixel_noise=0.02, lighting=0.5, textures=True, colors=0.5),
)
EDGES = 0.005  # of the pixels, that may show something else
DEPTHS = 1e-4  # of a depth, that it may differ by
ROUNDED = 1e-9  # that what a GPU computes of a rover may differ by


@dataclass(frozen=True)
class Options:
    """Compare both.

    Attributes:
        levels: ids of levels and tasks.
        num_envs: environments side by side.
        steps: of each level.
        senses: add a map of what was seen, and the action taken last.
        rover: drive rovers with small cameras, instead of the body of the grid.
        device: of the environments.
    """

    levels: tuple[str, ...] = LEVELS
    num_envs: int = 64
    steps: int = 200
    senses: bool = False
    rover: bool = False
    device: str = "cuda"


class Difference(GroundlingError):
    """What is not the same on both."""


def are_alike(name: str, host: Any, found: Any) -> bool:
    """Whether what a rover has is the same on both but for rounding, see above."""
    if name.endswith("image"):
        differ = np.abs(host.astype(int) - found.astype(int)) > 1
    elif name.endswith("depth"):
        differ = np.abs(host - found) > DEPTHS * host
    elif name.endswith("segmentation"):
        differ = host != found
    elif host.dtype == np.float64 and not is_simulated():
        differ = np.abs(host - found) > ROUNDED
        return not differ.any()
    else:
        return np.array_equal(host, found)
    return host.size == 0 or bool(differ.mean() <= EDGES)


def compare(name: str, host: Any, device: Any, rows: Any = slice(None), *, rover: bool = False) -> None:
    found = device.copy_to_host()
    if host.dtype != found.dtype or host.shape != found.shape:
        raise Difference(f"{name} is {host.dtype} {host.shape} on the CPU, {found.dtype} {found.shape} on the device")
    if rover and are_alike(name, host[rows], found[rows]):
        return
    if not np.array_equal(host[rows], found[rows]):
        first = tuple(np.argwhere(host[rows] != found[rows])[0].tolist())
        values = f"{host[rows][first]} on the CPU, {found[rows][first]} on the device"
        raise Difference(f"{name} differs, first at {first}: {values}")


def compare_all(
    name: str, host: dict[str, Any], device: dict[str, Any], rows: Any = slice(None), *, rover: bool = False
) -> None:
    if set(host) != set(device):
        raise Difference(f"{name}: {sorted(host)} on the CPU, {sorted(device)} on the device")
    for key, array in host.items():
        compare(f"{name} {key}", array, device[key], rows, rover=rover)


def compare_states(cpu: GroundlingVectorEnv, gpu: DeviceVectorEnv, *, rover: bool = False) -> None:
    host, device = cpu.state_dict(), gpu.state_dict()
    if set(host) != set(device):
        raise Difference(f"states have {sorted(set(host) ^ set(device))} on one side")
    for key, array in host.items():
        if not (np.array_equal(array, device[key]) or (rover and are_alike(key, array, device[key]))):
            raise Difference(f"{key} of the state is {array} on the CPU, on the device {device[key]}")


def compare_level(level: str, options: Options) -> dict[str, int]:
    """Compare all that two environments return and keep; half of the agents follow an expert."""
    rover = options.rover
    num_envs, senses = options.num_envs, MORE_SENSES if options.senses else {}
    if rover:
        senses = {"body": ROVER, "camera": CAMERA, **(ROVER_SENSES if options.senses else {})}
    threads = 3 if is_simulated() else THREADS  # of a block: several blocks there as well, the last one not full
    rng = np.random.default_rng(0)
    bank = EpisodeBank.of_seeds(level, range(6))
    limits = bank.max_steps.copy()
    limits[::3] = np.minimum(limits[::3], rng.integers(8, 20, size=2))  # some episodes end by time
    bank = replace(bank, max_steps=limits)
    family = cast(BankFamily, find_family(level))
    embodiment = family.embodiment().changed(**{"body": "grid", **senses})
    if rover:
        embodiment = replace(embodiment, time_scale=1)
    cpu = GroundlingVectorEnv(bank, num_envs, seed=3, embodiment=embodiment)
    gpu = DeviceVectorEnv(
        bank, num_envs, seed=3, embodiment=embodiment, copy=False, device=options.device, threads=threads
    )
    worlds: Any = cpu.worlds
    expert = RoverExpert(worlds) if rover else family.expert(cpu) or Expert(worlds, sees="world")
    compare_all("reset", cpu.reset(seed=5)[0], gpu.reset(seed=5)[0], rover=rover)
    counts = {"ended": 0, "succeeded": 0}
    first, second = options.steps // 6, options.steps // 4
    saved: dict[str, Any] = {}
    guided = np.arange(num_envs) % 2 == 0
    for step in range(options.steps):
        actions = rng.integers(cpu.worlds.num_actions, size=num_envs)
        told = expert.actions()
        known = ~expert.lost & (told < cpu.worlds.num_actions)  # tasks of a rover may have fewer than the grid
        actions = np.where(guided & known, told, actions)
        there, here = gpu.step(actions), cpu.step(actions)
        compare_all("observation", here[0], there[0], rover=rover)
        for name, place in (("reward", 1), ("terminated", 2), ("truncated", 3)):
            compare(name, here[place], there[place], rover=rover)
        ended = cpu.worlds.outcomes.ended
        compare("ended", ended, there[4]["_final_info"])
        if ended.any():
            final, told_there = here[4]["final_info"], there[4]["final_info"]
            compare_all("final observation", cpu.worlds.last_seen(), there[4]["final_obs"], ended, rover=rover)
            compare("success", final["success"], told_there["success"])
            compare("return", final["episode"]["r"], told_there["episode"]["r"], rover=rover)
            compare("length", final["episode"]["l"], told_there["episode"]["l"])
            compare("row", cpu.worlds.outcomes.episode, told_there["episode_row"], ended)
            counts["ended"] += int(ended.sum())
            counts["succeeded"] += int(final["success"].sum())
        for source, begins, loaded in ((gpu, 1, first), (cpu, first + 1, second)):
            if step == begins:
                saved = source.state_dict()
            if step == loaded:  # both go back, to a state of one of them
                compare_all("loaded", cpu.load_state_dict(saved), gpu.load_state_dict(saved), rover=rover)
        if step == second:
            mask = rng.random(num_envs) < 0.5
            masked = {"reset_mask": mask}
            compare_all("masked reset", cpu.reset(options=masked)[0], gpu.reset(options=masked)[0], rover=rover)
    compare_states(cpu, gpu, rover=rover)
    if cpu.instructions != gpu.instructions:
        raise Difference(f"sentences are {cpu.instructions} on the CPU, on the device {gpu.instructions}")
    return counts


def main(options: Options) -> None:
    """Compare every level, and say what happened in it."""
    warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # integers of the simulator's wrap as a GPU's do
    found = {}
    for level in options.levels:
        try:
            found[level] = compare_level(level, options)
        except Difference as difference:
            raise Difference(f"{level}: {difference}") from difference
        print(level, found[level], flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    launch(main, Options, __doc__)
