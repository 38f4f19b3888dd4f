"""How kernels are compiled, and how Numba's cache on disk learns of changes in the files that they are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiler(*files: str) -> Callable[[_Function], _Function]:
    """A decorator that compiles what Python calls, without the interpreter's lock and Numba's memory manager.

    The memory manager counts references with locked instructions at every use of an array: switched off, a step is four
    times as fast, and a kernel that allocates does not compile.

    Numba keeps the result on disk until the file of the function changes, and does not look at what that file imports.

    Args:
        files: every source file whose kernels or constants the function is made of, its own included; a change in
            any of them compiles it again.
    """
    stamp = tuple(crc32(Path(file).read_bytes()) for file in files)

    def compile(function: _Function) -> _Function:
        compiled: Any = numba.njit(cache=True, nogil=True, _nrt=False)(function)  # type: ignore[call-overload]
        compiled._cache._cache_file._source_stamp = stamp
        return compiled

    return compile


def inner_kernel(function: _Function) -> _Function:
    """Compile what only kernels call: a way in from Python would double the time to compile."""
    compiled: _Function = numba.njit(nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)  # type: ignore[call-overload]
    return compiled


def inlined_kernel(function: _Function) -> _Function:
    """As :func:`inner_kernel`, and copied into every kernel that calls it: for what the innermost loops call.

    Each array counts as seven arguments of a call, so that to hand over a scene takes longer than most of what is done
    with it.
    """
    compiled: _Function = numba.njit(  # type: ignore[call-overload]
        nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True
    )(function)
    return compiled
