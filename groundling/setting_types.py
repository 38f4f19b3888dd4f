"""Settings of the types that their dataclass says: ordinary arguments become these, others are refused by name."""

from __future__ import annotations

import dataclasses
import math
import os
import types
import typing
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from groundling.errors import ConfigurationError

MOST: Final = 2**31 - 1
MAY_BE_INFINITE: Final = {"infinite": True}


def check_settings(settings: Any) -> None:
    """Refuse settings of another type than the class says, and numbers that are not finite.

    What means the same becomes what the class says, in place: NumPy's numbers, ``1e6`` for a whole number, a path for
    text, a list for a tuple. Dataclasses inside are checked as well.

    Args:
        settings: an instance of a dataclass, which may be frozen. A field with ``MAY_BE_INFINITE`` as its metadata may.

    Raises:
        ConfigurationError: the message names the setting.
    """
    kind: Any = type(settings)
    for name, hint in _hints(kind).items():
        value = getattr(settings, name)
        if isinstance(value, float) and math.isinf(value) and name in _infinite(kind):
            continue
        checked = _as_type(name, value, hint)
        if checked is not value:
            object.__setattr__(settings, name, checked)


def whole_number(name: str, value: Any) -> int:
    """A whole number: an integer, of Python's or NumPy's, or a float that is one.

    Raises:
        ConfigurationError: if it is something else; the message names it.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise _refused(name, "a whole number", value)
    if isinstance(value, float | np.floating) and (not math.isfinite(value) or value != int(value)):
        raise _refused(name, "a whole number", value)
    return int(value)


def count_of(name: str, value: Any, *, most: int = MOST) -> int:
    """A whole number of at least 1, and no more than there can be in a computer's memory.

    Raises:
        ConfigurationError: if it is something else; the message names it.
    """
    number = whole_number(name, value)
    if not 1 <= number <= most:
        raise ConfigurationError(f"{name} must be at least 1{f' and at most {most:,}' * (number > most)}, got {value}")
    return number


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of the fields of a dataclass; none where they cannot be told."""
    try:
        hints = typing.get_type_hints(kind)
    except (NameError, TypeError):  # of a user's own class, which imports them for type checkers only
        return {}
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.name in hints}


@cache
def _infinite(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(kind) if field.metadata == MAY_BE_INFINITE)


def _as_type(name: str, value: Any, hint: Any) -> Any:
    """The value as the type says."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        check_settings(value)
        return value
    kind, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in (types.UnionType, typing.Union):
        if value is None and type(None) in inner:
            return None
        others = [one for one in inner if one is not type(None)]
        return _as_type(name, value, others[0]) if len(others) == 1 else value
    if kind is bool:
        if not isinstance(value, bool | np.bool_):
            raise _refused(name, "True or False", value)
        return value if isinstance(value, bool) else bool(value)
    if kind is int:
        return value if type(value) is int else whole_number(name, value)
    if kind is float:
        return _finite(name, value)
    if kind is str:
        return _text(name, value)
    if kind is tuple:
        return _tuple(name, value, inner)
    return value


def _finite(name: str, value: Any) -> Any:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise _refused(name, "a number", value)
    if not math.isfinite(value):
        raise _refused(name, "a finite number", value)
    return value.item() if isinstance(value, np.generic) else value


def _text(name: str, value: Any) -> Any:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise _refused(name, "text", value)
    return value if type(value) is str else str(value)


def _tuple(name: str, value: Any, inner: Sequence[Any]) -> Any:
    if not isinstance(value, list | tuple) and np.ndim(value) != 1:
        raise _refused(name, "a tuple", value)
    kinds = [inner[0]] * len(value) if len(inner) == 2 and inner[1] is ... else list(inner)
    if len(kinds) != len(value):
        return value
    checked = tuple(_as_type(name, part, kind) for part, kind in zip(value, kinds, strict=True))
    same = isinstance(value, tuple) and all(one is other for one, other in zip(checked, value, strict=True))
    return value if same else checked


def _refused(name: str, what: str, value: Any) -> ConfigurationError:
    shown = repr(value)
    return ConfigurationError(f"{name} is {what}, not {shown if len(shown) <= 60 else shown[:57] + '...'}")
