"""A program: compiles what would be launched on a GPU to its assembly (PTX), and to machine code where there is ptxas.

No GPU is needed, only NVIDIA's compiler library (NVVM). Environments are run whose launches compile instead of running.
Prints JSON: for each kernel the bytes of stack that a thread needs, the bytes that are spilled, and its registers.
Exits with 3 where there is no NVVM.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import cuda
from numba.cuda import dispatcher
from numba.cuda.cudadrv.nvvm import NVVM, NvvmSupportError
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

CAPABILITY = (8, 0)
FOUND: dict[str, dict[str, int]] = {}


class Device:
    compute_capability = CAPABILITY


class Compiled:
    """A kernel that is compiled where it would be launched."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.signatures: set[Any] = set()

    def __call__(self, *args: Any) -> None:
        signature = tuple(numba.typeof(plain(arg)) for arg in args)
        if signature in self.signatures:
            return
        self.signatures.add(signature)
        assembly, result = cuda.compile_ptx(self.function, signature, cc=CAPABILITY)
        assert result == numba.types.none
        assert ".visible .entry" in assembly
        name = self.function.__name__
        FOUND[f"{name} {len(self.signatures)}" if len(self.signatures) > 1 else name] = assembled(assembly)


def plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return type(value)(*map(plain, value))
    return value._ary if isinstance(value, FakeCUDAArray) else value


def assembled(assembly: str) -> dict[str, int]:
    ptxas = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
    if ptxas is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(assembly)
        command = [ptxas, "-v", f"-arch=sm_{CAPABILITY[0]}{CAPABILITY[1]}", source, "-o", Path(folder, "out")]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    numbers = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", told)
    registers = re.search(r"Used (\d+) registers", told)
    assert numbers is not None
    assert registers is not None
    stack, stores, loads = map(int, numbers.groups())
    joined = assembly.count("fma.rn.f64")  # products and sums that are rounded once
    return {"stack": stack, "spilled": stores + loads, "registers": int(registers[1]), "joined": joined}


def main() -> int:
    try:
        NVVM()
    except NvvmSupportError as error:
        print(error, file=sys.stderr)
        return 3
    warnings.simplefilter("ignore")
    dispatcher.get_current_device = Device
    cuda.to_device = lambda array: FakeCUDAArray(np.array(array))
    cuda.device_array = lambda shape, dtype: FakeCUDAArray(np.zeros(shape, dtype))
    cuda.is_available = lambda: True

    from groundling.envs import EpisodeBank
    from groundling.envs.banks.sources import embodiment_of
    from groundling.envs.device_vector import DeviceVectorEnv
    from groundling.envs.engine.cuda import kernels, launching, rovers, senses, worlds
    from groundling.envs.first_person import Camera

    compiled = kernels.Kernels(*map(Compiled, kernels.PYTHON_KERNELS))
    for module in (launching, rovers, senses, worlds):
        module.launchers = lambda grid: compiled  # type: ignore[attr-defined]
    launching.is_simulated = lambda: True  # every launch is an ordinary one
    for level in sys.argv[1:]:
        bank = EpisodeBank.of_seeds(level, range(2))
        embodiment = embodiment_of(bank)
        changed = embodiment.changed(body="grid", explored_radius=3, previous_action=True)
        camera = Camera(width=32, height=24, depth=True, segmentation=True, standing=True)
        rover = embodiment.changed(body="rover", camera=camera, previous_action=True)
        for chosen in (embodiment.changed(body="grid"), changed, rover):
            envs = DeviceVectorEnv(bank, 2, embodiment=chosen, copy=False)
            envs.reset(seed=0)
            envs.step(cuda.to_device(np.zeros(2, dtype=np.int64)))
    unseen = set(kernels.Kernels._fields) - {name.split()[0] for name in FOUND}
    print(json.dumps({"kernels": FOUND, "never_launched": sorted(unseen)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
