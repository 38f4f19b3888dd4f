"""Environments on a GPU: equal to those on the CPU step by step, under Numba's simulator; compiled for a real GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from groundling.envs import EpisodeBank, make_vec
from groundling.envs.catalog import find_family
from groundling.envs.device_vector import DeviceVectorEnv
from groundling.envs.families.options import WorldOptions
from groundling.errors import ConfigurationError

HERE = Path(__file__).parent

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


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of this folder, in a process of its own: what Numba is to do is read when it is imported."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    command = [sys.executable, str(HERE / program), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def compared(*arguments: str) -> dict[str, dict[str, int]]:
    done = run("cuda_comparison.py", *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


def test_device_does_what_the_cpu_does() -> None:
    found = compared("BabyAI-PickupLoc-v0", "--senses", "--steps", "24")
    assert found["BabyAI-PickupLoc-v0"]["succeeded"] >= 3


@pytest.mark.slow
def test_device_does_what_the_cpu_does_on_twenty_levels() -> None:
    found = compared(*LEVELS, "--envs", "4", "--steps", "80")
    assert set(found) == set(LEVELS)
    assert all(0 < counts["succeeded"] <= counts["ended"] for counts in found.values()), found


@pytest.mark.slow
def test_device_shows_every_sense_as_the_cpu_does() -> None:
    levels = ("groundling/FurnishedHouseBringSmall-v0", "groundling/ReadBoxes-v0", "groundling/Questions-Stop-v0")
    assert all(counts["ended"] for counts in compared(*levels, "--senses").values())


@pytest.mark.slow
def test_every_kernel_compiles_for_a_real_gpu_without_a_stack() -> None:
    levels = ("groundling/FurnishedHouseBringSmall-v0", "groundling/ReadBeacons-v0", "groundling/Questions-Stop-v0")
    done = run("cuda_assembly.py", *levels)
    if done.returncode == 3:
        pytest.skip(f"NVIDIA's compiler library (NVVM) is not installed: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert not found["never_launched"]
    for name, numbers in found["kernels"].items():  # empty where there is no ptxas
        assert not numbers.get("stack"), f"{name} keeps arrays in memory of its own"
        assert not numbers.get("spilled"), f"{name} has more values than registers"


def test_device_that_is_not_there_is_refused_with_the_reason() -> None:
    from numba import cuda

    if cuda.is_available():
        pytest.skip("there is a GPU")
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(2))
    with pytest.raises(ConfigurationError, match="Numba finds no GPU") as told:
        DeviceVectorEnv(bank, 2)
    assert "\n" not in str(told.value)
    for name in ("gpu", "cuda:", "cuda:one", "cpu:1"):
        with pytest.raises(ConfigurationError, match="'cpu', 'cuda' or 'cuda:N', not"):
            DeviceVectorEnv(bank, 2, device=name)


def test_what_only_the_cpu_does_is_refused() -> None:
    task = "groundling/RoomGoTo-v0"
    for options, reason in (
        ({"num_threads": 2}, "num_threads are the CPU's"),
        ({"render_mode": "rgb_array"}, "leave render_mode out"),
        ({"env_device": "gpu"}, "'cpu', 'cuda' or 'cuda:N', not 'gpu'"),
    ):
        with pytest.raises(ConfigurationError, match=reason):
            make_vec(task, 2, bank_size=4, **{"env_device": "cuda", **options})
    for family, world in (("groundling/RTFM-Simple-6x6-v0", WorldOptions()), (task, WorldOptions(body="rover"))):
        with pytest.raises(ConfigurationError, match="leave env_device at 'cpu'"):
            find_family(family).check(replace(world, env_device="cuda"))
