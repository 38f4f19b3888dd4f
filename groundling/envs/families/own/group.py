"""The families of tasks that are written as classes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

from groundling.envs.families.own.family import TaskFamily
from groundling.envs.families.own.registered import (
    find_registered,
    registered_tasks,
    remembered,
    source_of_class,
)
from groundling.envs.gymnasium_ids import register_id
from groundling.envs.worlds.task import Task
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import TaskError
from groundling.own_code import reference_of

OWN_MODULE = "groundling."


class OwnTasks:
    """Tasks that are registered under an id, and Task classes of a user's own."""

    wanted = "a Task class"

    def ids(self) -> Sequence[str]:
        """The ids of all tasks: the library's own, those of packages, those registered in this process."""
        return registered_tasks()

    def find(self, id: str) -> TaskFamily | None:
        """A registered task."""
        source = find_registered(id)
        return None if source is None else TaskFamily(source, _reference(source))

    def wrap(self, thing: Any, reference: str) -> TaskFamily | None:
        """A Task class, or a task with its settings."""
        if isinstance(thing, Task):
            return TaskFamily(remembered(TaskSource(_unregistered_id(reference), thing)))
        if not (isinstance(thing, type) and issubclass(thing, Task)):
            return None
        if inspect.isabstract(thing):
            raise TaskError(f"{reference}: {thing.__name__} has no method sample")
        return TaskFamily(source_of_class(thing, reference))

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in registered_tasks():
            register_id(id)


def _reference(source: TaskSource) -> str:
    cls = type(source.task)
    if cls.__module__.startswith(OWN_MODULE) or find_registered(source.id, of_packages=True) is not None:
        return source.id
    if cls.__module__ not in sys.modules:
        return ""
    return reference_of(cls, source.id if source.id in registered_tasks() else "")


def _unregistered_id(reference: str) -> str:
    place, _, name = reference.rpartition(":")
    return f"{place.removesuffix('.py').replace('/', '.').rpartition('.')[2]}/{name}"


GROUP = OwnTasks()
