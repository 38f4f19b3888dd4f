"""How drawing is compiled: arithmetic on float32 that the compiler may reorder, so that it fills vector registers.

Division by zero gives an infinity instead of an exception (a branch in every loop), and what only Python sees differs
from machine to machine in the last bits; on one machine pictures repeat exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

_Function = TypeVar("_Function", bound=Callable[..., Any])

_REORDERED = {"contract", "arcp", "nsz", "afn", "reassoc"}  # infinities and their like keep their meaning


def drawing_kernel(function: _Function, **more: bool) -> _Function:
    """Compile what only a renderer's entry point calls, with more options of Numba's."""
    compiled: _Function = numba.njit(  # type: ignore[call-overload]
        nogil=True,
        _nrt=False,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        fastmath=_REORDERED,
        error_model="numpy",
        **more,
    )(function)
    return compiled


def inlined_drawing_kernel(function: _Function) -> _Function:
    """As :func:`drawing_kernel`, and copied into what calls it: for what the innermost loops call."""
    return drawing_kernel(function, forceinline=True)


F = np.float32
ZERO, HALF, ONE, TWO = F(0), F(0.5), F(1), F(2)
TINY_STEP = F(1e-6)  # a ray's component that is not less, so that it can be divided by
BYTE, EIGHT, SIXTEEN, TWENTY_FOUR = np.int32(255), np.int32(8), np.int32(16), np.int32(24)


@inlined_drawing_kernel
def floor_of(value: np.float32) -> np.float32:
    """The whole number below; Numba has another function for it on a GPU (``engine/cuda/camera.py``)."""
    return np.floor(value)


@inlined_drawing_kernel
def root_of(value: np.float32) -> np.float32:
    """The square root; Numba has another function for it on a GPU (``engine/cuda/camera.py``)."""
    return np.sqrt(value)


@drawing_kernel
def hash64(value: np.uint64) -> np.uint64:
    """Well mixed bits (splitmix64)."""
    mixed = value + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@drawing_kernel
def draw_from(style: np.uint64, stream: int) -> np.float32:
    """A number in [-1, 1), the same for the same style and stream."""
    bits = hash64(hash64(style) + np.uint64(stream))
    return F(np.int64(bits >> np.uint64(40))) * F(2.0**-23) - ONE


@drawing_kernel
def draw_index(style: np.uint64, stream: int, count: int) -> int:
    """An integer in [0, count), the same for the same style and stream."""
    bits = hash64(hash64(style) + np.uint64(stream))
    return int((bits >> np.uint64(33)) % np.uint64(count))


@drawing_kernel
def chosen(mask: np.int32, one: np.int32, other: np.int32) -> np.int32:
    """The first where the mask is -1, the other where it is 0; as arithmetic, so that no branch comes of it."""
    return np.int32(other ^ np.int32(np.int32(one ^ other) & mask))


@drawing_kernel
def packed(red: np.int32, green: np.int32, blue: np.int32, code: np.uint32) -> np.uint32:
    """A pixel; every step is 32 bits wide, which Numba would widen to 64."""
    low = np.uint32(np.uint32(red) | np.uint32(np.uint32(green) << np.uint32(8)))
    high = np.uint32(np.uint32(np.uint32(blue) << np.uint32(16)) | code)
    return np.uint32(low | high)
