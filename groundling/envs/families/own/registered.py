"""Where tasks are registered and found: the library's own, those of packages, files and modules that users name."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from groundling.envs.gymnasium_ids import register_id
from groundling.envs.worlds.task import Task
from groundling.envs.worlds.task_source import TaskSource, check_names
from groundling.errors import ConfigurationError, ExtensionError, TaskError
from groundling.own_code import is_place, origin_of, split_place

ENTRY_POINTS = "groundling.tasks"
OWN_NAMESPACE = "groundling"

_ID = re.compile(r"(?P<namespace>[A-Za-z0-9_.-]+)/[A-Za-z0-9_.-]+-v\d+")
_log = logging.getLogger(__name__)

_Class = TypeVar("_Class", bound=type[Task])
_registry: dict[str, TaskSource] = {}
_unregistered: dict[str, TaskSource] = {}  # that were found in files and modules, by the ids that their banks bear
_of_packages: set[str] = set()  # the ids that are there wherever Groundling and its extensions are installed
_state = {"is_loaded": False}


def register(id: str, **settings: Any) -> Callable[[_Class], _Class]:
    """Register a task under an id; a decorator that a class may carry several times, with different settings.

    Args:
        id: ``"namespace/Name-v0"``.
        settings: instead of the class's own.

    Raises:
        ConfigurationError: if the id is malformed or another class's, or a setting is unknown or cannot work.
    """
    found = _ID.fullmatch(id)
    if found is None:
        raise ConfigurationError(f"{id!r} is not the id of a task: write it as 'namespace/Name-v0'")
    namespace = found["namespace"]

    def decorate(cls: _Class) -> _Class:
        if not (isinstance(cls, type) and issubclass(cls, Task)):
            raise ConfigurationError(f"{id}: only subclasses of Task can be registered, not {cls!r}")
        if namespace == OWN_NAMESPACE and not cls.__module__.startswith(f"{OWN_NAMESPACE}."):
            raise ConfigurationError(f"{id}: the namespace {OWN_NAMESPACE}/ is the library's own; choose another")
        if inspect.isabstract(cls):
            raise ConfigurationError(f"{id}: {cls.__name__} has no method sample")
        older = _registry.get(id)
        if older is not None and origin_of(type(older.task)) != origin_of(cls):
            raise ConfigurationError(
                f"{id} is the id of {type(older.task).__module__}.{type(older.task).__qualname__} already: "
                f"register {cls.__qualname__} under another"
            )
        check_names(cls, settings)
        _registry[id] = TaskSource(id, cls(**settings))
        register_id(id)
        return cls

    return decorate


def registered_tasks() -> list[str]:
    """The ids of all tasks: the library's own, those of installed packages, those registered in this process."""
    _load()
    return list(_registry)


def find_task(id: str) -> TaskSource | None:
    """The task of this id; None if it is neither registered nor names a file or module.

    Args:
        id: of a registered task, or ``"my_tasks.py:MyTask"`` / ``"package.module:MyTask"``. A class that is registered
            comes with the id and the settings of the registration next to it. One that is not is found again by the id
            of its source, ``"my_tasks/MyTask"``, as the banks name it.

    Raises:
        TaskError: if the file or module cannot be imported or has no such task.
    """
    registered = find_registered(id)
    if registered is not None or not is_place(id):
        return registered
    try:
        module, name = split_place(id)
    except ExtensionError as error:
        raise TaskError(str(error)) from error
    place = id.rpartition(":")[0]
    cls = getattr(module, name, None)
    if not (isinstance(cls, type) and issubclass(cls, Task)) or inspect.isabstract(cls):
        raise TaskError(_no_such_task(place, name, module))
    return source_of_class(cls, id)


def find_registered(id: str, *, of_packages: bool = False) -> TaskSource | None:
    """The task that is registered under an id; None if there is none.

    Args:
        id: ``"namespace/Name-v0"``, or ``"file/Name"`` of one that is not registered, and was found in this process.
        of_packages: only one of the library's own or of an installed package.
    """
    _load()
    if of_packages:
        return _registry.get(id) if id in _of_packages else None
    return _registry.get(id) or _unregistered.get(id)


def source_of_class(cls: type[Task], place: str) -> TaskSource:
    """The source of a class: as it is registered, or under an id of the place where it stands."""
    own = [source for source in _registry.values() if type(source.task) is cls]
    if own:
        return own[0]
    file, _, name = place.rpartition(":")
    stem = Path(file).stem if file.endswith(".py") else file.rpartition(".")[2]
    return remembered(TaskSource(f"{stem}/{name}", cls()))


def remembered(source: TaskSource) -> TaskSource:
    """A source of a task that is not registered; from now on it is found by its id, as its banks name it."""
    _unregistered[source.id] = source
    return source


def _no_such_task(place: str, name: str, module: types.ModuleType) -> str:
    known = [
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Task) and value.__module__ == module.__name__
    ]
    if not known:
        return f"{place} has no task {name!r}, nor any other subclass of Task"
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"{place} has no task {name!r}; " + (
        f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(known)}"
    )


def _load() -> None:
    """Import the library's own tasks and those of installed packages, once."""
    if _state["is_loaded"]:
        return
    _state["is_loaded"] = True
    before = set(_registry)
    importlib.import_module("groundling.envs.tasks")
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except Exception as error:
            _log.warning(
                "the tasks %s (%s) cannot be imported: %s: %s", entry.name, entry.value, type(error).__name__, error
            )
    _of_packages.update(_registry.keys() - before)
