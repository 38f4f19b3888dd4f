"""Runs that somebody sent: what their evaluation does not need is left out where its code may not run.

An agent acts without the algorithm and the rewards that trained it. Where these are code that only the run itself
names (see ``groundling.trust``), they are replaced by placeholders, so that the run can be evaluated all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from groundling.errors import UntrustedCodeError
from groundling.own_code import is_place
from groundling.registry import Registry
from groundling.training.algorithms import LEFT_OUT
from groundling.trust import OPTION, is_permitted


def without_code(values: Mapping[str, Any], algorithms: Registry[Any], rewards: Registry[Any]) -> dict[str, Any]:
    """The plain configuration of a run, whose algorithm and rewards are left out where their code may not run."""
    found = dict(values)
    if isinstance(name := found.get("algorithm"), str) and _may_not_run(name, algorithms):
        found["algorithm"] = LEFT_OUT + name
    if isinstance(names := found.get("reward"), list | tuple):
        found["reward"] = [
            LEFT_OUT + name if isinstance(name, str) and _may_not_run(name, rewards) else name for name in names
        ]
    return found


def is_left_out(name: str) -> bool:
    """Whether a part of this name was left out."""
    return name.startswith(LEFT_OUT)


def _may_not_run(name: str, registry: Registry[Any]) -> bool:
    if name in registry.names() or not is_place(name):
        return False
    return not is_permitted(name.rpartition(":")[0], name)


def refuse(name: str) -> NoReturn:
    """Say that a part was left out.

    Raises:
        UntrustedCodeError: always.
    """
    raise UntrustedCodeError(
        f"the code of {name.removeprefix(LEFT_OUT)} was left out, as only a received run names it: if you trust it, "
        f"name it on the command line or add {OPTION} (in Python: trust_code=True)"
    )


def left_out_reward(name: str) -> Any:
    """What stands for a reward that was left out: it refuses to be made."""

    def make(*_: Any) -> NoReturn:
        refuse(name)

    return make
