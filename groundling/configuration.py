"""Configurations that are open: parts named by a string bring settings of their own, a frozen dataclass each.

A configuration keeps them in ``settings``, a tuple of such values, and hands each out by its class. In a call they may
also be given as plain keywords, as if they were the configuration's own.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar

from groundling.errors import ConfigurationError

S = TypeVar("S")
C = TypeVar("C", bound=type[Any])


class Open:
    """What open configurations have in common."""

    settings: tuple[Any, ...]

    def settings_of(self, kind: type[S]) -> S:
        """The settings of this class: those that were given, else its defaults."""
        for value in self.settings:
            if type(value) is kind:
                return value
        return kind()

    @classmethod
    def place_settings(cls, values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """Put keywords that are no fields into ``settings``.

        Args:
            values: keywords that are fields.
            others: those that are not.

        Returns:
            The fields.

        Raises:
            ConfigurationError: if one is no part's setting either.
        """
        raise NotImplementedError


def accepts_settings(cls: C) -> C:
    """Let an open configuration, a frozen dataclass, be made with the settings of its parts as keywords."""
    names = {field.name for field in dataclasses.fields(cls)}
    make = cls.__init__

    @wraps(make)
    def __init__(self: Any, *args: Any, **values: Any) -> None:
        others = {name: values.pop(name) for name in list(values) if name not in names}
        make(self, *args, **(cls.place_settings(values, others) if others else values))

    cls.__init__ = __init__
    return cls


def changed(settings: Iterable[Any], kind: type[Any], changes: Mapping[str, Any]) -> tuple[Any, ...]:
    """Settings with those of one class changed; they are added where there are none.

    Raises:
        ConfigurationError: if the class has no such setting.
    """
    known = [field.name for field in dataclasses.fields(kind)]
    refuse_unknown(changes, known, kind.__name__)
    others = tuple(value for value in settings if type(value) is not kind)
    own = next((value for value in settings if type(value) is kind), kind())
    return (*others, dataclasses.replace(own, **changes))


def refuse_unknown(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse names that are not known.

    Raises:
        ConfigurationError: naming the nearest one, or all.
    """
    known = list(known)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            told = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}"
            raise ConfigurationError(f"{what} has no setting {name!r}; {told}")


def plain(value: Any) -> Any:
    """A settings value as plain ones, as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def from_plain(kind: type[S], values: Mapping[str, Any]) -> S:
    """Read :func:`plain` settings back; lists become tuples.

    Raises:
        ConfigurationError: if the class has no such setting, or refuses a value.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    refuse_unknown(values, fields, kind.__name__)
    read = getattr(kind, "from_dict", None)
    if read is not None:
        return read(dict(values))
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
