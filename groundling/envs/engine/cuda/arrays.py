"""Arrays on the device: the named tuples of ``engine/state.py`` there and back."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numba import cuda
from numpy.typing import NDArray

DeviceArray = Any  # of Numba: PyTorch and CuPy read it without a copy, by ``__cuda_array_interface__``
Arrays = TypeVar("Arrays", bound=tuple[Any, ...])


def to_device(arrays: Arrays) -> Arrays:
    """The same named tuple with copies of its arrays on the device, and its numbers as they are."""
    copies: Arrays = type(arrays)(*(cuda.to_device(part) if isinstance(part, np.ndarray) else part for part in arrays))
    return copies


def copy_to_host(array: DeviceArray, host: NDArray[Any]) -> None:
    """Copy an array of the device over one of the host; waits for the device."""
    if host.size:
        array.copy_to_host(host)


def copy_to_device(host: NDArray[Any], array: DeviceArray) -> None:
    """Copy an array of the host over one of the device."""
    if host.size:
        array.copy_to_device(np.ascontiguousarray(host))


def copy_of(array: DeviceArray) -> DeviceArray:
    """A copy on the device."""
    made = cuda.device_array(array.shape, array.dtype)
    made.copy_to_device(array)
    return made


def as_device_array(array: Any) -> DeviceArray:
    """An array of the device as Numba's, without a copy: PyTorch's, CuPy's, Numba's own. One of the host is copied."""
    if cuda.cudadrv.devicearray.is_cuda_ndarray(array):
        return array
    if hasattr(array, "__cuda_array_interface__"):
        return cuda.as_cuda_array(array, sync=False)
    return cuda.to_device(np.ascontiguousarray(array))
