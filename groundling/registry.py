"""Registries: what is named by a string, found in one way for every kind.

A name is looked up among the built-in ones, then among the entry points of installed packages, and last read as a place
in code of the user's own: ``"my_file.py:Name"`` or ``"package.module:Name"``.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import inspect
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, Generic, TypeVar

from groundling.errors import ConfigurationError, ExtensionError
from groundling.own_code import import_place, is_place

T = TypeVar("T")


class Registry(Generic[T]):
    """Everything of one kind that a string can name; what is built in is imported when it is asked for.

    Args:
        kind: what it is called in messages, "algorithm".
        builtin: places (``"package.module:Name"``) by name.
        entry_points: the group of entry points of other packages.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str], *, entry_points: str) -> None:
        self.kind = kind
        self.entry_points = entry_points
        self._places = dict(builtin)
        self._found: dict[str, T] = {}

    def register(self, name: str, value: T) -> None:
        """Add one in this process.

        Raises:
            ConfigurationError: if the name is another one's.
        """
        if name in self.names() and self._found.get(name) is not value:
            raise ConfigurationError(f"there is {self._a_kind} {name!r} already: choose another name")
        self._found[name] = value

    def names(self) -> tuple[str, ...]:
        """Every name, the built-in ones first."""
        others = [entry.name for entry in installed(self.entry_points)]
        return tuple(dict.fromkeys([*self._places, *others, *self._found]))

    def find(self, name: str) -> T:
        """What this name stands for.

        Raises:
            ConfigurationError: if there is no such name; the message names those that there are.
            ExtensionError: if it is a place in code that cannot be imported or does not hold it.
        """
        if not isinstance(name, str):
            raise ConfigurationError(f"{self._a_kind} is named by a text, not by {name!r}")
        if name in self._found:
            return self._found[name]
        found: Any
        if name in self._places:
            module, _, attribute = self._places[name].partition(":")
            found = getattr(importlib.import_module(module), attribute)
        elif entry := next((entry for entry in installed(self.entry_points) if entry.name == name), None):
            try:
                found = entry.load()
            except Exception as error:
                raise ExtensionError(f"the {self.kind} {name!r} of an installed package: {error}") from error
        elif is_place(name):
            return import_place(name)  # a file may be edited and imported again
        else:
            close = difflib.get_close_matches(name, self.names(), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f": choose one of {', '.join(self.names())}"
            raise ConfigurationError(
                f"there is no {self.kind} {name!r}{hint} (or name your own as my_file.py:Class or package.module:Class)"
            )
        self._found[name] = found
        return found

    def name_of(self, value: T) -> str | None:
        """The name under which something that was found or registered stands; None if under none."""
        return next((name for name, found in self._found.items() if found is value), None)

    def sentence(self, name: str) -> str:
        """One sentence on what this name stands for; errors as :meth:`find`."""
        return sentence_of(self.find(name))

    @property
    def _a_kind(self) -> str:
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"


def sentence_of(value: Any) -> str:
    """What a class or function is, in one sentence: its own ``summary``, or else the first one of its docstring."""
    text = getattr(value, "__dict__", {}).get("summary", "") or " ".join(
        inspect.cleandoc(value.__doc__ or "").split("\n\n")[0].split()
    )
    text = re.sub(r":\w+:`~?([\w.]+)`|``([^`]*)``", lambda found: found[1] or found[2], text)
    first = re.split(r"(?<=[\w)\"])[.?!](?= [A-Z])", text)[0].rstrip(".")
    return first[:1].upper() + first[1:]


def installed(group: str) -> importlib.metadata.EntryPoints:
    """The entry points of a group that installed packages have.

    The folders are searched once for each ``sys.path``: a search takes milliseconds, and a run asks hundreds of times.
    """
    return _entry_points(group, tuple(sys.path))


@cache
def _entry_points(group: str, path: tuple[str, ...]) -> importlib.metadata.EntryPoints:
    """Searched in the folders of ``sys.path``, which ``path`` is."""
    return importlib.metadata.entry_points(group=group)
