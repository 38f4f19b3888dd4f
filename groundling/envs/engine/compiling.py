"""How kernels are compiled, and how Numba's cache on disk learns of changes in the files that they are made of."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numba
from numba.core import event

from groundling.files import cache_folder

_Function = TypeVar("_Function", bound=Callable[..., Any])

_log = logging.getLogger(__name__)
_config: Any = numba.config
_warned: list[str] = []


class FirstCompilation(event.Listener):
    """Says once in a terminal that kernels are compiled, as the first command after an installation waits for that."""

    def __init__(self) -> None:
        self.is_told = False

    def on_start(self, event: Any) -> None:
        """Something is compiled; what is read from the cache on disk is not."""
        is_ours = event.data["dispatcher"].py_func.__module__.startswith("groundling.")
        if is_ours and not self.is_told and sys.stderr.isatty():
            _log.info("compiling the simulator for this machine, once; this takes up to a minute ...")
            self.is_told = True

    def on_end(self, event: Any) -> None:
        """Nothing to say."""


FIRST_COMPILATION = FirstCompilation()
event.register("numba:compile", FIRST_COMPILATION)


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
        compiled: Any = numba.njit(nogil=True, _nrt=False)(function)  # type: ignore[call-overload]
        if _enable_cache(compiled):
            cache_file = compiled._cache._cache_file
            cache_file._source_stamp = stamp
            cache_file._load_index = _unless_unreadable(cache_file._load_index)
        return compiled

    return compile


def _enable_cache(compiled: Any) -> bool:
    """Have what is compiled kept on disk: where Numba would, beside the source, or else with our other cached files.

    Returns:
        whether it is: of a package that cannot be written, under a home that cannot be either, everything is compiled
        again in every process, which is logged.
    """
    try:
        compiled.enable_caching()
        return True
    except RuntimeError:  # Numba found no folder that can be written
        pass
    before = _config.CACHE_DIR
    try:
        folder = cache_folder() / "kernels"
        folder.mkdir(parents=True, exist_ok=True)
        _config.CACHE_DIR = str(folder)
        compiled.enable_caching()
        return True
    except (RuntimeError, OSError) as error:
        _warn_once(str(error))
        return False
    finally:
        _config.CACHE_DIR = before  # it is that of all functions in the process, the user's included


def _warn_once(why: str) -> None:
    if not _warned:
        _warned.append(why)
        _log.warning(
            "compiled code cannot be kept on disk (%s), so that every start compiles it again, for minutes: set "
            "GROUNDLING_CACHE to a folder that can be written",
            why,
        )


def _unless_unreadable(load_index: Callable[[], dict[Any, Any]]) -> Callable[[], dict[Any, Any]]:
    """How Numba reads its index; empty where an older version left one whose types are in modules that have moved."""

    def load() -> dict[Any, Any]:
        try:
            return load_index()
        except Exception:  # whatever a pickle may raise
            return {}

    return load


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
