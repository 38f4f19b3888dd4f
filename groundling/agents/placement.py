"""Where the arrays of an agent are: how those of the host get to its device in one copy, and what is known there.

An agent on the CPU reads arrays where they are. For an agent elsewhere all arrays of an observation are packed into one
block of memory, which is copied at once and without waiting, and unpacked as views on the device. What is on a device
is not checked there, since the host would have to wait for every answer: values are checked where they leave the host.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ALIGNMENT = 16  # bytes: where each array of a block begins, whatever its type


def is_on_host(array: Tensor) -> bool:
    """Whether the host can look into a tensor without waiting for a device."""
    return array.device.type == "cpu"


class Place(NamedTuple):
    """Where in a block the array of a name stands.

    Attributes:
        start: first byte.
        size: bytes.
        shape: of the array.
        dtype: of its numbers.
    """

    start: int
    size: int
    shape: tuple[int, ...]
    dtype: torch.dtype


class Layout:
    """Where arrays of known shapes and types stand in a block of bytes, one behind the other.

    Args:
        arrays: shape and type of each by its name.

    Attributes:
        places: where each stands.
        size: of the block, in bytes.
    """

    def __init__(self, arrays: Mapping[str, tuple[tuple[int, ...], torch.dtype]]) -> None:
        self.places: dict[str, Place] = {}
        end = 0
        for name, (shape, dtype) in arrays.items():
            size = math.prod(shape) * dtype.itemsize
            self.places[name] = Place(end, size, tuple(shape), dtype)
            end += -(-size // ALIGNMENT) * ALIGNMENT
        self.size = end

    def unpacked(self, blocks: Tensor) -> dict[str, Tensor]:
        """The arrays in blocks [..., size] uint8, as views [..., *shape] by name."""
        found = {}
        for name, place in self.places.items():
            flat = blocks.narrow(-1, place.start, place.size).view(place.dtype)
            found[name] = flat.unflatten(-1, place.shape) if place.shape else flat.squeeze(-1)
        return found


def host_block(*shape: int, device: torch.device) -> Tensor:
    """Bytes [*shape] uint8 of the host's memory from which a copy to the device need not be waited for."""
    return torch.zeros(*shape, dtype=torch.uint8, pin_memory=device.type == "cuda")


def as_host_array(array: Any) -> NDArray[Any]:
    """An array of the host as NumPy has it."""
    return array.numpy() if isinstance(array, Tensor) else np.asarray(array)


def is_of_host(array: Any) -> bool:
    """Whether an array of an observation is on the host: a NumPy array, a list, or a tensor of the CPU."""
    if isinstance(array, Tensor):
        return is_on_host(array)
    return not hasattr(array, "__cuda_array_interface__")


def moved(arrays: Mapping[str, Any], device: torch.device) -> dict[str, Tensor]:
    """Arrays on the device; those of the host get there in one copy, which is not waited for."""
    host = {name: as_host_array(array) for name, array in arrays.items() if is_of_host(array)}
    there = {name: torch.as_tensor(array, device=device) for name, array in arrays.items() if name not in host}
    if not host:
        return there
    layout = Layout({name: (array.shape, _dtype_of(array)) for name, array in host.items()})
    block = host_block(layout.size, device=device)
    for name, view in layout.unpacked(block).items():
        view.numpy()[...] = host[name]
    return {**there, **layout.unpacked(block.to(device, non_blocking=True))}


def _dtype_of(array: NDArray[Any]) -> torch.dtype:
    """PyTorch's type of an array's numbers."""
    return torch.from_numpy(np.empty(0, dtype=array.dtype)).dtype
