"""How environments are made: single ones and vector environments, by an id or by what stands at a place."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable
from typing import Any

from .rows import SingleRows, VectorRows, is_vector, mode_of, resets_rows


def make_rows(maker: dict[str, Any], count: int) -> Any:
    """So many environments; 0: as many as one call makes. For the maker see the package.

    A function or class with an argument ``num_envs`` makes a vector environment of as many as are wanted, without it
    one of as many as it likes. Where a vector environment begins episodes in the step after their end, and cannot begin
    one alone, one is made for each row instead: then resetting it is exact.

    Raises:
        TypeError: if what is made is no environment, or a vector environment that cannot be used; the message says why.
    """
    make, takes_count = maker_of(maker)
    autoreset = str(maker.get("autoreset", ""))
    wanted = max(count, 1)
    made = make(wanted) if takes_count else make(None)
    if not (hasattr(made, "reset") and hasattr(made, "step")):
        raise TypeError(f"it gave a {type(made).__name__}, which is no environment")
    if not is_vector(made):
        if takes_count:
            raise TypeError(
                f"it takes num_envs and gave a {type(made).__name__}, which is no VectorEnv: return one, or leave "
                "num_envs out"
            )
        return SingleRows([made] + [make(None) for _ in range(wanted - 1)])
    mode = mode_of(made, autoreset)
    is_batch = takes_count and resets_rows(made, mode)
    if takes_count and made.num_envs != wanted:
        raise TypeError(f"{wanted} environments were asked for, {made.num_envs} were made")
    if is_batch:
        return VectorRows([made], mode, is_batch=True)
    if takes_count and wanted > 1:
        made.close()
        made = make(1)
    more = wanted - 1 if takes_count else (wanted - 1) // made.num_envs
    return VectorRows([made] + [make(1) for _ in range(more)], mode)


def maker_of(maker: dict[str, Any]) -> tuple[Callable[[Any], Any], bool]:
    """A function that makes one, given a number where it takes one, and whether it does.

    Where there is no display, the variables ``without_display`` are set first, unless they are.
    """
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        for name, value in maker.get("without_display", {}).items():
            os.environ.setdefault(name, value)
    for module in maker.get("imports", ()):
        importlib.import_module(module)
    options = dict(maker.get("options", {}))
    if maker["kind"] == "id":
        return maker_of_id(maker["id"], options, bool(maker.get("vector", False)))
    found = find_place(maker["place"])
    if "num_envs" in options or not takes_num_envs(found):
        return (lambda count: found(**options)), False
    return (lambda count: found(num_envs=count, **options)), True


def maker_of_id(id: str, options: dict[str, Any], vector: bool) -> tuple[Callable[[Any], Any], bool]:
    """As :func:`maker_of`, of an id; a vector environment where there is nothing else, or it is asked for.

    Raises:
        ValueError: if it is asked for, and there is none.
    """
    gym = gym_package()
    if gym.__name__ != "gymnasium":
        return (lambda count: gym.make(id, **options)), False
    known = gym.envs.registration.registry.get(id)
    entry = getattr(known, "vector_entry_point", None)
    if vector and entry is None:
        raise ValueError(f"{id} has no vector environment of its own (vector_entry_point): leave vector=True out")
    if vector or (entry is not None and known.entry_point is None):
        return (
            lambda count: gym.make_vec(id, num_envs=count, vectorization_mode="vector_entry_point", **options)
        ), True
    options.setdefault("disable_env_checker", True)
    return (lambda count: gym.make(id, **options)), False


def takes_num_envs(found: Any) -> bool:
    """Whether a function or class has an argument ``num_envs``."""
    try:
        return "num_envs" in inspect.signature(found).parameters
    except (TypeError, ValueError):
        return False


def gym_package() -> Any:
    """Gymnasium, or else gym."""
    for name in ("gymnasium", "gym"):
        if importlib.util.find_spec(name) is not None:
            return importlib.import_module(name)
    raise ImportError(f"this Python ({sys.executable}) has neither gymnasium nor gym")


def find_place(place: str) -> Any:
    """What stands at ``"my_file.py:name"`` or ``"package.module:name"``."""
    where, _, name = place.rpartition(":")
    if not where.endswith(".py"):
        return getattr(importlib.import_module(where), name)
    path = os.path.abspath(os.path.expanduser(where))
    sys.path.append(os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("foreign_" + re.sub(r"\W", "_", os.path.basename(path)), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, name)
