"""A program: runs what is written for a GPU through Numba's real CUDA target, on a driver whose device is the host.

Everything but the machine code is real: kernels are typed and compiled, arrays allocated and copied, launches described
to the driver. It reads the arrays out of a launch's parameters as the kernel's signature says, and runs the kernel's
Python function on them. Arguments: the driver's shared library (of ``host_driver.c``), and levels. Prints JSON.
Exits with 3 where NVIDIA's compiler library (NVVM) is not installed.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
import warnings
from dataclasses import replace
from types import FunctionType
from typing import Any

os.environ["NUMBA_CUDA_DRIVER"] = sys.argv[1]  # read when Numba is imported

import numpy as np
from numba import cuda, types
from numba.core.dispatcher import Dispatcher
from numba.cuda.cudadrv.nvvm import NVVM, NvvmSupportError
from numba.np.numpy_support import as_dtype

Parameters = Any
SCALARS = {
    types.int64: ctypes.c_int64,
    types.uint64: ctypes.c_uint64,
    types.float64: ctypes.c_double,
    types.boolean: ctypes.c_bool,
}
RUN: dict[str, int] = {}
DRIVER = ctypes.CDLL(sys.argv[1])


class Grid:
    """Stands for ``numba.cuda`` in a kernel."""

    thread = 0

    @classmethod
    def grid(cls, dimensions: int) -> int:
        return cls.thread


_plain: dict[Any, Any] = {}


def plain(kernel: Any) -> Any:
    """The Python function of a kernel over the Python functions that it calls."""
    python = getattr(kernel, "py_func", kernel)
    if python not in _plain:
        names = dict(python.__globals__)
        for name in python.__code__.co_names:
            if name == "cuda":
                names[name] = Grid
            elif isinstance(names.get(name), Dispatcher):
                names[name] = plain(names[name])
        _plain[python] = FunctionType(python.__code__, names)
    return _plain[python]


def read(kind: Any, parameters: Parameters, place: int) -> tuple[Any, int]:
    """An argument of this type from the parameters of a launch, and the place of the next one."""
    if isinstance(kind, types.BaseNamedTuple):
        parts = []
        for part in kind:
            value, place = read(part, parameters, place)
            parts.append(value)
        return kind.instance_class(*parts), place
    if not isinstance(kind, types.Array):
        return ctypes.cast(parameters[place], ctypes.POINTER(SCALARS[kind]))[0], place + 1

    def number(offset: int) -> int:
        return int(ctypes.cast(parameters[place + offset], ctypes.POINTER(ctypes.c_ssize_t))[0])

    shape = tuple(number(5 + axis) for axis in range(kind.ndim))
    strides = tuple(number(5 + kind.ndim + axis) for axis in range(kind.ndim))
    dtype = as_dtype(kind.dtype)
    assert (number(2), number(3)) == (int(np.prod(shape)), dtype.itemsize)
    memory = (ctypes.c_char * (number(2) * number(3))).from_address(number(4)) if number(2) else bytearray(8)
    return np.ndarray(shape, dtype, buffer=memory, strides=strides), place + 5 + 2 * kind.ndim


def launched(name: bytes, blocks: int, threads: int, parameters: Parameters) -> None:
    """Run a kernel on the arguments that the driver was given."""
    from groundling.envs.engine.cuda import kernels, launching

    try:
        for own, dispatcher in zip(kernels.Kernels._fields, launching._compiled(), strict=True):
            for compiled in dispatcher.overloads.values():
                if compiled.entry_name == name.decode():
                    arguments, place = [], 0
                    for kind in compiled.argument_types:
                        value, place = read(kind, parameters, place)
                        arguments.append(value)
                    for Grid.thread in range(blocks * threads):
                        plain(dispatcher)(*arguments)
                    RUN[own] = RUN.get(own, 0) + 1
                    return
        raise KeyError(name)
    except BaseException:  # it cannot be raised through the driver
        traceback.print_exc()
        os._exit(1)


CALLED = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p))(
    launched
)


def counted(name: str) -> int:
    return ctypes.c_long.in_dll(DRIVER, name).value


def steady_steps(*, rover: bool) -> dict[str, Any]:
    """What a step costs of the driver's calls once everything is made, and whether its launches are prepared."""
    from cuda_parity import CAMERA

    from groundling.envs import EpisodeBank
    from groundling.envs.device_vector import DeviceVectorEnv
    from groundling.envs.engine.cuda.launching import PreparedLaunch
    from groundling.envs.engine.embodiment import GRID

    prepared: list[PreparedLaunch] = []
    make = PreparedLaunch.__init__

    def made(self: PreparedLaunch, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        prepared.append(self)

    PreparedLaunch.__init__ = made  # type: ignore[method-assign]
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(4))
    embodiment = GRID.changed(body="rover", camera=CAMERA) if rover else GRID
    envs = DeviceVectorEnv(bank, 8, copy=False, embodiment=embodiment)
    envs.reset(seed=0)
    actions = cuda.to_device(np.full(8, 2))
    envs.step(actions)
    names = ("copies", "allocations", "launches", "waits")
    before = {name: counted(name) for name in names}
    for _ in range(5):
        envs.step(actions)
    spent = {name: (counted(name) - before[name]) / 5 for name in names}
    PreparedLaunch.__init__ = make  # type: ignore[method-assign]
    return {**spent, "is_prepared": all(launch.is_prepared for launch in prepared)}


def main() -> int:
    try:
        NVVM()
    except NvvmSupportError as error:
        print(error, file=sys.stderr)
        return 3
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "overflow", RuntimeWarning)  # integers of NumPy wrap as a GPU's do
    DRIVER.call_back(CALLED)
    from cuda_parity import Options, compare_level

    options = Options(num_envs=4, steps=12, senses=True)
    found = {level: compare_level(level, options) for level in sys.argv[2:]}
    found["rovers"] = compare_level("BabyAI-PickupLoc-v0", replace(options, num_envs=3, rover=True))
    steps = {"step": steady_steps(rover=False), "rover_step": steady_steps(rover=True)}
    print(json.dumps({"levels": found, "kernels": RUN, **steps}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
