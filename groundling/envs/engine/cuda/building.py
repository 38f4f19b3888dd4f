"""The engine's scalar functions for a GPU: the Python functions that the CPU's are compiled from, compiled once more.

There is no second set of rules. Under Numba's simulator (``NUMBA_ENABLE_CUDASIM=1``, read when Numba is imported) the
same functions run as plain Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import FunctionType
from typing import Any, TypeVar

import numba
from numba import cuda
from numba.core.dispatcher import Dispatcher

from groundling.errors import ConfigurationError

_Function = TypeVar("_Function", bound=Callable[..., Any])

_config: Any = numba.config
_built: dict[Any, Any] = {}
_stand_ins: dict[Any, Any] = {}


def _larger(one: Any, other: Any) -> Any:
    return other if other > one else one


def _smaller(one: Any, other: Any) -> Any:
    return other if other < one else one


_BUILT_IN = {"max": _larger, "min": _smaller}  # of two: Numba's own for a GPU do not compile there


def is_simulated() -> bool:
    """Whether Numba's simulator stands in for a GPU in this process."""
    return bool(_config.ENABLE_CUDASIM)


def select_device(name: str) -> None:
    """Have this thread use a GPU.

    Args:
        name: "cuda", the one that is in use already or else the first, or "cuda:N".

    Raises:
        ConfigurationError: if there is no such GPU that Numba can use; the message says what is missing.
    """
    number = name.partition(":")[2]
    if is_simulated():
        return
    if not cuda.is_available():
        reason = " ".join(str(cuda.cuda_error() or "CUDA_VISIBLE_DEVICES may hide it").split()).rstrip(".: ")
        raise ConfigurationError(
            f"environments cannot be on {name!r}: Numba finds no GPU ({reason}). Leave env_device at 'cpu'"
        )
    if number:
        if int(number) >= len(cuda.gpus):
            raise ConfigurationError(
                f"environments cannot be on {name!r}: there are {len(cuda.gpus)} GPUs, from cuda:0"
            )
        cuda.select_device(int(number))


def stands_in_for(kernel: Any) -> Callable[[_Function], _Function]:
    """A decorator of what is to be called on a GPU in the place of a kernel, in all that is built from then on.

    It is for what reads memory in another way, not for other rules.

    Args:
        kernel: what ``compiling``'s decorators returned; the function has its arguments.
    """

    def register(function: _Function) -> _Function:
        _stand_ins[kernel] = function
        return function

    return register


@contextmanager
def rounded_as_on_the_cpu() -> Iterator[None]:
    """While it is open, kernels are compiled with a rounding after each product and each sum.

    A GPU's compiler joins the two into one otherwise, so that a reward differs from the CPU's in its last bit. Numba
    has no option for it, so the function that hands its options to the compiler is given one more; where a version has
    no such function, nothing is changed.
    """
    module: Any = sys.modules.get("numba.cuda.cudadrv.nvvm")
    plain = getattr(module, "compile_ir", None)
    if plain is None:
        yield
        return
    module.compile_ir = partial(plain, fma=False)
    try:
        yield
    finally:
        module.compile_ir = plain


@cache
def _built_in(name: str) -> Any:
    return cuda.jit(device=True)(_BUILT_IN[name])


def device_function(kernel: Any) -> Any:
    """The function of a compiled kernel as one that kernels on the GPU call.

    Args:
        kernel: what ``compiling``'s decorators returned. The kernels that it calls are built in the same way.
    """
    if kernel not in _built:
        python = _stand_ins.get(kernel, kernel.py_func)
        names = dict(python.__globals__)
        for name in python.__code__.co_names:
            if isinstance(names.get(name), Dispatcher):
                names[name] = device_function(names[name])
            elif name in _BUILT_IN and name not in names and not is_simulated():
                names[name] = _built_in(name)
        function = FunctionType(python.__code__, names, python.__name__, python.__defaults__, python.__closure__)
        function.__module__, function.__qualname__ = python.__module__, python.__qualname__
        _built[kernel] = function if is_simulated() else cuda.jit(device=True)(function)
    return _built[kernel]
