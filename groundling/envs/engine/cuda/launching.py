"""Launching kernels on the same arrays again and again, without describing these anew each time.

A step is given some sixty arrays, and Numba takes half a millisecond of the CPU to describe them to the driver at every
launch: more than a thousand environments take to be stepped. They stay the same, so it is done once.
"""

from __future__ import annotations

import ctypes
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np
from numba import cuda, typeof
from numba.core.errors import NumbaPerformanceWarning

from groundling.envs.engine.cuda.arrays import DeviceArray, as_device_array
from groundling.envs.engine.cuda.building import is_simulated, rounded_as_on_the_cpu
from groundling.envs.engine.cuda.kernels import PYTHON_KERNELS, Kernels

DRAWING = ("cast_rays", "draw_rows")  # whose arithmetic may be reordered on the CPU as well
Grid = tuple[int, int]  # blocks, and threads of a block
DATA = 4  # the pointer's place among the numbers that describe an array: it comes after two owners, size and item size


@cache
def launchers(grid: Grid) -> Kernels:
    """The kernels to be launched so, compiled for the GPU of this process when each is first launched."""
    kernels = Kernels(*map(cuda.jit, PYTHON_KERNELS)) if is_simulated() else _compiled()
    with warnings.catch_warnings():  # of grids that do not fill a GPU, which is so with few environments
        warnings.simplefilter("ignore", NumbaPerformanceWarning)
        return Kernels(*(kernel[grid] for kernel in kernels))


@cache
def _compiled() -> Kernels:
    """Once for all grids: the simulator's hold one grid each."""
    return Kernels(*map(cuda.jit, PYTHON_KERNELS))


class PreparedLaunch:
    """One kernel on arguments that stay the same, or of which one array alone changes.

    What Numba does at a launch is done here in its two halves, by functions that are not of its public interface; where
    a version has others, every launch is an ordinary one.

    Args:
        name: of the kernel, a field of ``Kernels``.
        grid: of the launch.
        before: the arguments, or those before the array that changes.
        array: one like that: contiguous, of the same shape and type; None where nothing changes.
        after: the arguments after it.

    Attributes:
        is_prepared: whether the arguments are described once.
    """

    def __init__(
        self,
        name: str,
        grid: Grid,
        before: tuple[Any, ...],
        array: DeviceArray | None = None,
        after: tuple[Any, ...] = (),
    ) -> None:
        self._ordinary = getattr(launchers(grid), name)
        self._compiling = nullcontext if name in DRAWING else rounded_as_on_the_cpu
        self._before, self._after = before, after
        self._changes = array is not None
        if array is not None:
            self._shape, self._dtype = tuple(array.shape), np.dtype(array.dtype)
        self._run: Callable[[], None] | None = None
        self._pointer: Any = None
        if not is_simulated():
            try:
                self._prepare(getattr(_compiled(), name), grid, array)
            except (AttributeError, ImportError, TypeError):  # another version of Numba
                self._run = None

    @property
    def is_prepared(self) -> bool:
        """See above."""
        return self._run is not None

    def __call__(self, array: Any = None) -> None:
        """Launch it, where an array changes with this one of the device, of whatever library."""
        if self._run is not None and (not self._changes or self._is_pointed_at(array)):
            try:
                self._run()
                return
            except (AttributeError, TypeError):  # another version of Numba, which has launched nothing
                self._run = None
        changing = (as_device_array(array),) if self._changes else ()
        with self._compiling():
            self._ordinary(*self._before, *changing, *self._after)

    def _is_pointed_at(self, array: Any) -> bool:
        """Write down the place of the array that changes; whether it is described as the first one, its place apart."""
        interface = getattr(array, "__cuda_array_interface__", None)
        if interface is None or not self._is_alike(interface):
            return False
        self._pointer.value = interface["data"][0]
        return True

    def _is_alike(self, interface: dict[str, Any]) -> bool:
        """Whether an array has the shape, type and order of the first one."""
        strides = interface.get("strides")
        return (
            tuple(interface["shape"]) == self._shape
            and np.dtype(interface["typestr"]) == self._dtype
            and (strides is None or tuple(strides) == (self._dtype.itemsize,))
        )

    def _prepare(self, dispatcher: Any, grid: Grid, array: DeviceArray | None) -> None:
        changing = () if array is None else (array,)
        arguments = (*self._before, *changing, *self._after)
        with self._compiling():
            kernel = dispatcher.compile(tuple(map(typeof, arguments)))
        numbers: list[Any] = []
        for place, (kind, value) in enumerate(zip(kernel.argument_types, arguments, strict=True)):
            start = len(numbers)
            kernel._prepare_args(kind, value, 0, [], numbers)
            if self._changes and place == len(self._before):
                self._pointer = numbers[start + DATA]
                if not isinstance(self._pointer, ctypes.c_void_p):
                    raise TypeError("the pointer of an array stands elsewhere")
        self._run = _launch_of(kernel, grid, numbers, self._ordinary)


def _launch_of(kernel: Any, grid: Grid, numbers: list[Any], configured: Any) -> Callable[[], None]:
    """What launches a compiled kernel on numbers that are read at each launch."""
    blocks, threads = grid
    loaded = kernel._codelibrary.get_cufunc  # it also has the present thread use the GPU
    module = sys.modules[type(kernel).__module__]
    if hasattr(module, "LaunchConfig"):  # the package numba-cuda
        config = module.LaunchConfig(grid=(blocks, 1, 1), block=(threads, 1, 1), shmem_size=0)
        return lambda: module.launch(configured.stream, config, loaded().kernel, *numbers)
    driver: Any = module.driver  # the target that is built into Numba
    places = (ctypes.c_void_p * len(numbers))(*map(ctypes.addressof, numbers))
    run = driver.driver.cuLaunchKernel
    if driver.USE_NV_BINDING:
        raise ImportError("NVIDIA's Python binding takes other arguments")

    def launch() -> None:
        run(loaded().handle, blocks, 1, 1, threads, 1, 1, 0, None, places, None)
        assert numbers  # held for as long as their addresses are

    return launch
