"""Environments of other packages: ``gym:ENV_ID``, and functions and classes of a user's own that make them.

``gym:my_file.py:make_env`` is a function or class as well, whose file is read by the Python of the environments alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final

import gymnasium
from gymnasium.vector import VectorEnv

from groundling.envs.families.foreign.family import ForeignFamily
from groundling.envs.families.foreign.packages import package_of, package_of_modules
from groundling.trust import permit

SCHEME: Final = "gym:"


class ForeignEnvironments:
    """Whatever Gymnasium makes by an id, or a function or a class derived from ``gymnasium.Env`` makes."""

    wanted = "a function that makes a Gymnasium environment or VectorEnv, or a class derived from one of them"

    def ids(self) -> Sequence[str]:
        """None by name: there are thousands."""
        return ()

    def find(self, id: str) -> ForeignFamily | None:
        """An id of Gymnasium's behind ``gym:``; ``gym:module:ID`` imports the module first."""
        if not id.startswith(SCHEME):
            return None
        own = id.removeprefix(SCHEME)
        module, _, name = own.rpartition(":")
        if module:
            permit(module, own)
        if module.endswith(".py"):
            return ForeignFamily(id, {"kind": "place", "place": own})
        own_module = {"is_own": True} if module else {}
        package = package_of(name)
        imports = [*package.imports, *([module] if module else [])]
        return ForeignFamily(id, {"kind": "id", "id": name, "imports": imports, **own_module}, package)

    def wrap(self, thing: Any, reference: str) -> ForeignFamily | None:
        """A function or class at a place."""
        is_class = isinstance(thing, type)
        if is_class and not issubclass(thing, gymnasium.Env | VectorEnv):
            return None
        if not is_class and not inspect.isfunction(thing):
            return None
        bases = [base.__module__ for base in thing.__mro__] if is_class else []
        package = package_of_modules(bases)
        return ForeignFamily(reference, {"kind": "place", "place": reference}, package)

    def register(self) -> None:
        """Gymnasium's registry is left alone."""


GROUP = ForeignEnvironments()
