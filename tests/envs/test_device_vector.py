"""Environments on a GPU: equal to those on the CPU step by step, under Numba's simulator; compiled for a real GPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundling.envs import EpisodeBank, make_vec
from groundling.envs.catalog import find_family
from groundling.envs.device_vector import DeviceVectorEnv
from groundling.envs.families.options import WorldOptions
from groundling.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
PARITY = ROOT / "benchmarks" / "cuda_parity.py"
CHECKS = Path(__file__).with_name("device_checks.py")
ASSEMBLY = Path(__file__).with_name("cuda_assembly.py")
DRIVER = Path(__file__).with_name("host_driver.py")


def run(program: Path, *arguments: str, simulate: bool) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own: whether Numba is to simulate a GPU is read when it is imported."""
    path = os.pathsep.join([str(ROOT), str(PARITY.parent)])
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": str(int(simulate)), "PYTHONPATH": path}
    command = [sys.executable, str(program), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def compared(*arguments: str) -> dict[str, dict[str, int]]:
    done = run(PARITY, *arguments, simulate=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, int]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_device_does_what_the_cpu_does() -> None:
    found = compared("--levels", "BabyAI-PickupLoc-v0", "--senses", "--num-envs", "5", "--steps", "24")
    assert found["BabyAI-PickupLoc-v0"]["succeeded"] >= 3


def test_rovers_on_the_device_do_and_see_what_those_on_the_cpu_do() -> None:
    found = compared("--levels", "groundling/GroundedRoom-Easy-v0", "--rover", "--num-envs", "3", "--steps", "18")
    assert found["groundling/GroundedRoom-Easy-v0"]["succeeded"] >= 1


def test_checks_that_need_the_simulator_pass() -> None:
    arguments = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CHECKS)]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_device_does_what_the_cpu_does_on_twenty_levels() -> None:
    found = compared("--num-envs", "4", "--steps", "80")
    assert len(found) >= 20
    assert all(0 < counts["succeeded"] <= counts["ended"] for counts in found.values()), found


@pytest.mark.slow
def test_rovers_on_the_device_do_and_see_what_those_on_the_cpu_do_on_twenty_levels() -> None:
    found = compared("--rover", "--senses", "--num-envs", "4", "--steps", "24")
    assert len(found) >= 20
    assert sum(counts["succeeded"] for counts in found.values()) >= 20, found
    assert sum(bool(counts["ended"]) for counts in found.values()) >= 20, found


@pytest.mark.slow
def test_device_shows_every_sense_as_the_cpu_does() -> None:
    levels = ("groundling/FurnishedHouseBringSmall-v0", "groundling/ReadBoxes-v0", "groundling/Questions-Stop-v0")
    assert all(
        counts["ended"]
        for counts in compared("--levels", *levels, "--senses", "--num-envs", "5", "--steps", "40").values()
    )


@pytest.mark.slow
def test_every_kernel_compiles_for_a_real_gpu_without_a_stack() -> None:
    levels = ("groundling/FurnishedHouseBringSmall-v0", "groundling/ReadBeacons-v0", "groundling/Questions-Stop-v0")
    done = run(ASSEMBLY, *levels, simulate=False)
    if done.returncode == 3:
        pytest.skip(f"NVIDIA's compiler library (NVVM) is not installed: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert not found["never_launched"]
    for name, numbers in found["kernels"].items():  # empty where there is no ptxas
        # the sine of an angle needs some, for angles that are large
        allowed = 80 if name.split()[0] in ("step_rovers", "cast_rays", "draw_rows") else 0
        assert numbers.get("stack", 0) <= allowed, f"{name} keeps arrays in memory of its own"
        assert not numbers.get("spilled"), f"{name} has more values than registers"
    assert not found["kernels"]["step"].get("joined"), "rewards are not rounded as on the CPU"


@pytest.mark.slow
def test_real_launches_hand_over_every_array_and_a_step_copies_nothing(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    driver = tmp_path / "libdriver.so"
    source = DRIVER.with_suffix(".c")
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", driver, source], check=True)
    done = run(DRIVER, str(driver), "BabyAI-PickupLoc-v0", "groundling/Questions-Stop-v0", simulate=False)
    if done.returncode == 3:
        pytest.skip(f"NVIDIA's compiler library (NVVM) is not installed: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(counts["ended"] for counts in found["levels"].values())
    expected = {"copies": 0, "allocations": 0, "launches": 1, "waits": 0, "is_prepared": True}
    assert found["step"] == expected
    # a step, the last pictures of episodes and the next ones, the pictures: rays and rows each
    assert found["rover_step"] == {**expected, "launches": 6}


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
    for family in ("groundling/RTFM-Simple-6x6-v0", "groundling/GroundedDoom-Easy-v0"):
        with pytest.raises(ConfigurationError, match="leave env_device at 'cpu'"):
            find_family(family).check(WorldOptions(env_device="cuda"))
