"""Which code of a user's own may run: what the person named, not what a file that somebody sent names.

Run folders, banks, demonstrations and files of options name tasks, rewards, encoders and interpreters by strings that
stand for code. Whoever reads such a file hands its content to :func:`note_received`; whatever imports or starts code
asks :func:`permit` first. On a command line only what its arguments name is run (or all, with ``--trust-code``); in a
Python program all that was not read from a file, and what is in a file that was read with ``trust_code=True``.
While :func:`only_named_code` holds, nothing else makes code run than that the person named it or that it ran already.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from groundling.errors import UntrustedCodeError

NAMED_VARIABLE: Final = "GROUNDLING_NAMED_CODE"  # what the command that started this process may run, as JSON
OPTION: Final = "--trust-code"
_PARTING: Final = ":?&=,"  # between the parts of a name, such as "gym:module:ID?python=PATH"


class _State:
    """What this process knows; the sets grow only, but for what a command line adds while its command runs."""

    def __init__(self) -> None:
        self.named: set[str] = set()  # origins that the person named, or that ran already
        self.trusted: set[str] = set()  # texts of files that the person trusts
        self.received: dict[str, str] = {}  # texts of other files, and the file of each
        self.has_run = False
        self.is_command = False
        self.trusts_all = False


_STATE: Final = _State()
_ASKER: Final[ContextVar[str]] = ContextVar("asker", default="")  # who asks, where only named code is run


def note_received(content: Any, path: Path | str, *, trust_code: bool = False) -> None:
    """Note that all texts in some plain content came from a file.

    Args:
        content: dicts, lists, texts; what is nothing of these is passed over.
        path: of the file.
        trust_code: whether the person trusts the file, so that the code that it names may run.
    """
    for text in _texts_in(content):
        if trust_code or _STATE.trusts_all:
            _STATE.trusted.add(text)
        else:
            _STATE.received.setdefault(text, str(path))


def permit(place: str, told: str | None = None) -> None:
    """Refuse code that nobody but a file asks for, before it is imported or started.

    Args:
        place: a file of Python code, a module, or a program.
        told: the whole name by which it was asked for, ``"my_file.py:MyTask"``.

    Raises:
        UntrustedCodeError: naming what would have run, and the file that asks for it.
    """
    origin = _origin(place)
    if not is_permitted(place, told):
        told = told or place
        if asker := _ASKER.get():
            raise UntrustedCodeError(
                f"{asker} names code: {_described(place)} would be run. It is not, whatever {OPTION} says: name it on "
                "the command line yourself"
            )
        raise UntrustedCodeError(
            f"{_asker(told)} names code: {_described(place)} would be run. If you trust it, name it on the command "
            f"line or add {OPTION} (in Python: trust_code=True)"
        )
    _STATE.named.add(origin)
    _STATE.has_run = True


def has_run_code() -> bool:
    """Whether any code was permitted, since the command line was read or in this process."""
    return _STATE.has_run


def is_permitted(place: str, told: str | None = None) -> bool:
    """Whether :func:`permit` would let it run."""
    if _origin(place) in _STATE.named:
        return True
    if _ASKER.get():
        return False
    if _STATE.trusts_all:
        return True
    told = told or place
    if any(told in text for text in _STATE.trusted):
        return True
    return not _STATE.is_command and not any(told in text for text in _STATE.received)


def name_code(*names: str) -> None:
    """The person names this code: it may run from now on."""
    for name in names:
        _STATE.named |= _origins_in(name)


@contextmanager
def command_line(arguments: Sequence[str], *, trust_code: bool) -> Iterator[None]:
    """While a command runs, only what its arguments name is run (or what the command that started it may run)."""
    before = _STATE.is_command, _STATE.trusts_all, _STATE.has_run, set(_STATE.named), set(_STATE.trusted)
    _STATE.is_command, _STATE.trusts_all, _STATE.has_run = True, trust_code, False
    _STATE.named = set(json.loads(os.environ.get(NAMED_VARIABLE, "[]")))
    _STATE.trusted = set()
    for place, argument in enumerate(arguments):
        name_code(argument)
        if place and arguments[place - 1].endswith("python"):  # --simulator-python PATH
            _STATE.named.add(_origin(argument))
    told = set(_STATE.named)
    try:
        yield
    finally:
        _STATE.is_command, _STATE.trusts_all, _STATE.has_run, _STATE.named, _STATE.trusted = before
        _STATE.named |= told  # the person named it in this process


@contextmanager
def trusting_code(trust: bool = True) -> Iterator[None]:
    """A context in which all code runs that any file names, if ``trust`` is set."""
    before = _STATE.trusts_all
    _STATE.trusts_all = before or trust
    try:
        yield
    finally:
        _STATE.trusts_all = before


@contextmanager
def only_named_code(asker: str) -> Iterator[None]:
    """A context of this thread in which only code runs that the person named, or that ran already; no file is trusted.

    Args:
        asker: who asks for what is done in it, for messages: "a link".
    """
    before = _ASKER.set(asker)
    try:
        yield
    finally:
        _ASKER.reset(before)


def for_other_process() -> tuple[list[str], dict[str, str]]:
    """Options and variables with which another command may run what this one may."""
    return [OPTION] * _STATE.trusts_all, {NAMED_VARIABLE: json.dumps(sorted(_STATE.named))}


def _texts_in(content: Any) -> Iterator[str]:
    todo: list[Any] = [content]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            todo += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            todo += part


def _origin(place: str) -> str:
    """What tells code apart: the resolved path of a file, the name of a module or program."""
    return str(Path(place).expanduser().resolve()) if place.endswith(".py") else place


def _origins_in(name: str) -> set[str]:
    """The origins that a name of the person's own may mean: whatever stands before a colon, and programs."""
    found = set()
    starts = [0, *(place + 1 for place, letter in enumerate(name) if letter in _PARTING)]
    for end in (place for place, letter in enumerate(name) if letter == ":"):
        found |= {_origin(name[start:end]) for start in starts if start < end}
    for part in name.split("python=")[1:]:
        found.add(_origin(part.partition("&")[0]))
    return found


def _asker(told: str) -> str:
    files: Iterable[str] = (file for text, file in _STATE.received.items() if told in text)
    return next(iter(files), f"{told!r}, which stands in a file,")


def _described(place: str) -> str:
    """Code in words: where it is, as far as that can be told without running any."""
    if place.endswith(".py"):
        return f"the file {_origin(place)}"
    if os.sep in place:
        return f"the program {place}"
    try:
        found = importlib.machinery.PathFinder.find_spec(place.partition(".")[0])
    except (ImportError, ValueError, AttributeError):
        found = None
    where = f" ({found.origin or next(iter(found.submodule_search_locations or ()), '')})" if found else ""
    return f"{place}{where}"
