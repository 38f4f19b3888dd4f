"""The catalog: ids to families. This is the only file that lists them, by the places of their groups."""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from groundling.envs.families.base import EnvFamily, FamilyGroup
from groundling.errors import (
    ConfigurationError,
    ExtensionError,
    GroundlingError,
    TaskError,
    UnknownEnvironmentError,
    UnsupportedLevelError,
)
from groundling.own_code import import_place, is_place, split_place
from groundling.registry import Registry
from groundling.trust import permit

GROUPS: Final = Registry[Any](
    "family",
    {
        "own": "groundling.envs.families.own.group:GROUP",
        "chaplot": "groundling.envs.families.chaplot.group:GROUP",
        "babyai": "groundling.envs.families.babyai.group:GROUP",
        "manuals": "groundling.envs.families.manuals.group:GROUP",
        "gridlu": "groundling.envs.families.gridlu.group:GROUP",
        "questions": "groundling.envs.families.questions.group:GROUP",
        "montezuma": "groundling.envs.families.montezuma.group:GROUP",
        "textworld": "groundling.envs.families.textworld.group:GROUP",
        "simulated": "groundling.envs.families.simulated.group:GROUP",
        "foreign": "groundling.envs.families.foreign.group:GROUP",
        "habitat": "groundling.envs.families.habitat.group:GROUP",
        "envpool": "groundling.envs.families.envpool.group:GROUP",
    },
    entry_points="groundling.families",
)

_log = logging.getLogger(__name__)

INTERPRETER: Final = "python"  # the setting of families whose worlds run in another Python
SETTINGS_MARK: Final = "?"  # between an id and the settings of its family
_ID_OF_PLACE = re.compile(r"(?P<place>.+\.py|[A-Za-z_][\w.]*):(?P<id>[\w./-]+-v\d+)")  # Gymnasium's module:Env-Id-v0


def find_family(id: str) -> EnvFamily:
    """The family of an id.

    Args:
        id: one of :func:`known_ids`; ``"gym:ID"`` for any environment that Gymnasium makes, ``"envpool:ID"``
            for EnvPool's; ``"my_file.py:Name"`` or
            ``"package.module:Name"`` of a family, a task, a level of MiniGrid ...; ``"package.module:Env-Id-v0"``,
            which imports the module and then is that id; or the id of a level that is registered with Gymnasium in this
            process. Settings that a family has of its own stand behind it: ``"ID?texts=FOLDER&frames=3"``.

    Raises:
        UnknownEnvironmentError: if there is none; the message names the nearest ids.
        UnsupportedLevelError: if it is one that cannot be used; the message says why.
        TaskError: if a file or module cannot be imported, or what it has of this name is no environment.
        ConfigurationError: if the family does not have such a setting.
        UntrustedCodeError: if it is in code that only a received file names.
    """
    id, has_settings, told = id.partition(SETTINGS_MARK)
    if has_settings:
        settings = _settings(told)
        if python := settings.get(INTERPRETER):
            permit(python)
        chosen = find_family(id).with_settings(settings)
        chosen.reference = f"{chosen.reference}{SETTINGS_MARK}{told}"
        return chosen
    family = _known(id)
    if family is not None:
        return family
    if found := _ID_OF_PLACE.fullmatch(id):
        _import(id)
        family = _known(found["id"])
        if family is None:
            raise UnknownEnvironmentError(f"{found['place']} was imported, but registers no {found['id']!r}")
        family.reference = id
        return family
    if is_place(id):
        return _wrapped(id)
    raise UnknownEnvironmentError(unknown_message(id, known_ids()))


def _settings(told: str) -> dict[str, str]:
    """Settings as ``"name=value&other=value"``."""
    found = {}
    for part in told.split("&"):
        name, is_given, value = part.partition("=")
        if not is_given or not value:
            raise ConfigurationError(f"settings of a task are told as NAME=VALUE&NAME=VALUE, not as {part!r}")
        found[name] = value
    return found


def known_ids() -> list[str]:
    """Every id that :func:`find_family` knows without the name of a file or module."""
    return list(dict.fromkeys(id for group in groups() for id in group.ids()))


def is_known(id: str) -> bool:
    """Whether an id is one of :func:`known_ids`."""
    return any(id in group.ids() for group in groups())


def groups() -> Iterator[FamilyGroup]:
    """The groups of families: the built-in ones first, then those of installed packages."""
    for name in GROUPS.names():
        found = GROUPS.find(name)
        yield Single(family_of(found, name)) if _is_family(found) else found


class Single:
    """A group of one family, as an installed package may have it."""

    wanted = ""

    def __init__(self, family: EnvFamily) -> None:
        self.family = family

    def ids(self) -> tuple[str, ...]:
        """Its id."""
        return (self.family.id,)

    def find(self, id: str) -> EnvFamily | None:
        """It, if this is its id."""
        return self.family if id == self.family.id else None

    def wrap(self, thing: Any, reference: str) -> None:
        """It is the only one."""

    def register(self) -> None:
        """Gymnasium's registry is left alone."""


def family_of(thing: Any, reference: str) -> EnvFamily:
    """The family of a class or an instance of ``EnvFamily``.

    Raises:
        TaskError: if it lacks something, or cannot be made without arguments.
    """
    if isinstance(thing, type):
        if inspect.isabstract(thing):
            missing = ", ".join(sorted(getattr(thing, "__abstractmethods__", ())))
            raise TaskError(f"{reference}: {thing.__name__} has no {missing}")
        try:
            thing = thing()
        except GroundlingError:
            raise
        except TypeError as error:
            raise TaskError(f"{reference}: {thing.__name__}() cannot be made: {error}") from error
    lacking = [name for name in ("id", "description", "spec") if not hasattr(thing, name)]
    if lacking:
        raise TaskError(f"{reference}: {type(thing).__name__} has no {', '.join(lacking)}")
    found: EnvFamily = thing
    return found


def unknown_message(id: str, known: Iterable[str]) -> str:
    """One line that names the ids nearest to an unknown one."""
    ids = list(known)
    bare = {_bare(name).lower(): name for name in reversed(ids)}
    close = difflib.get_close_matches(_bare(id).lower(), bare, n=3, cutoff=0.5)
    nearest = f"; the nearest are {', '.join(bare[name] for name in close)}" if close else ""
    return f"there is no environment {id!r}{nearest}. `groundling tasks` lists all {len(ids)}"


def _bare(id: str) -> str:
    """An id without its namespace and version, as far as they are no more than that."""
    return re.sub(r"^([A-Za-z]+-(?=[A-Z])|\w+/)|-v\d+$", "", id)


def _known(id: str) -> EnvFamily | None:
    refusal: UnsupportedLevelError | None = None
    for group in groups():
        try:
            found = group.find(id)
        except UnsupportedLevelError as error:
            refusal = refusal or error  # another group may know what to do with it
            continue
        if found is not None:
            return found
    if refusal is not None:
        raise refusal
    return None


def _import(id: str) -> None:
    try:
        split_place(id)
    except ExtensionError as error:
        raise TaskError(str(error)) from error


def _wrapped(id: str) -> EnvFamily:
    """The family of what stands at a place."""
    try:
        thing = import_place(id)
    except ExtensionError as error:
        raise TaskError(str(error)) from error
    reference = id
    if _is_family(thing):
        family = family_of(thing, id)
    else:
        found = _first_wrapped(thing, id)
        if found is None:
            wanted = ["a family (a class derived from EnvFamily)", *filter(None, (g.wanted for g in groups()))]
            raise TaskError(f"{id} is {_what(thing)}, no environment: it has to be {', '.join(wanted)}")
        family = found
    family.reference = family.reference or reference
    return family


def _first_wrapped(thing: Any, id: str) -> EnvFamily | None:
    """What the first group makes of it that can use it; where others refused it, that is logged with their reason."""
    refusal: UnsupportedLevelError | None = None
    for group in groups():
        try:
            family = group.wrap(thing, id)
        except UnsupportedLevelError as error:
            refusal = refusal or error
            continue
        if family is not None:
            if refusal is not None:
                _warn(f"{id} is run as it is, many times slower than a compiled level: {refusal}")
            return family
    if refusal is not None:
        raise refusal
    return None


@cache
def _warn(message: str) -> None:
    """Log a warning, once."""
    _log.warning(message)


def _is_family(thing: Any) -> bool:
    return isinstance(thing, EnvFamily) or (isinstance(thing, type) and issubclass(thing, EnvFamily))


def _what(thing: Any) -> str:
    return f"the class {thing.__name__}" if isinstance(thing, type) else f"of the type {type(thing).__name__}"
