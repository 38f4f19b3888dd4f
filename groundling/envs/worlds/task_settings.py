"""Settings of a task as frozen dataclasses, and the checks of their values."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, dataclass_transform

from groundling.errors import ConfigurationError

_Member = TypeVar("_Member", bound=StrEnum)
_Own = TypeVar("_Own", bound=str)


@dataclass_transform(kw_only_default=True)  # frozen, but mypy takes frozen fields without annotations for methods
class Settings:
    """Makes its subclasses frozen dataclasses, in which a plain class attribute changes an inherited default."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = [base for base in cls.__bases__ if dataclasses.is_dataclass(base)]
        inherited = {field.name: field for base in bases for field in dataclasses.fields(base)}
        annotations = inspect.get_annotations(cls)
        for name, value in vars(cls).items():
            if name in inherited and name not in annotations:
                annotations[name] = inherited[name].type
            elif not (name.startswith("_") or name in annotations or callable(value) or hasattr(cls.__base__, name)):
                _refuse_misspelt(cls, name, inherited)
        cls.__annotations__ = annotations
        doc = cls.__doc__
        dataclass(frozen=True, kw_only=True)(cls)
        cls.__doc__ = doc  # a dataclass without a docstring gets its signature for one


def _refuse_misspelt(cls: type[Any], name: str, inherited: dict[str, Any]) -> None:
    close = difflib.get_close_matches(name, inherited, n=1, cutoff=0.8)
    if close:
        raise ConfigurationError(
            f"{cls.__name__}.{name} is no setting; did you mean {close[0]}? A new setting is annotated: {name}: int = 1"
        )


def refuse_ignored(cls: type[Any]) -> None:
    """Refuse what a task cannot decide, and what would therefore never be asked.

    Raises:
        ConfigurationError: naming it, where it is decided, and what to do instead.
    """
    for name in (*vars(cls), *inspect.get_annotations(cls)):
        for names, what in _DECIDED_ELSEWHERE.items():
            if name in names:
                raise ConfigurationError(f"{cls.__name__}.{name} would never be used: {what}")


_DECIDED_ELSEWHERE: Final[dict[tuple[str, ...], str]] = {
    ("reward", "rewards", "reward_fn", "reward_function", "compute_reward"): (
        "rewards are chosen for a run, by --reward (FILE.py:CLASS), not by the task. Write the reward as a class of "
        "its own and train with it; the task says by its goal what counts as success"
    ),
    ("step", "reset", "done", "is_done", "terminated", "truncated", "success", "is_success", "close"): (
        "a task's worlds are played by compiled rules, which end an episode when its goal is reached, when a strict "
        "goal has failed, or after max_steps. Return the goal that you mean from sample"
    ),
    ("action_space", "actions", "verbs"): (
        "a task has the actions of its body and the verbs of groundling.language (GoTo, PickUp, Open, PutNextTo, "
        "PutNear, PutIn). Say what is to be done by these, joined by And, Then or After"
    ),
    ("observe", "observation", "observation_space", "render"): (
        "what an agent sees is its body's: choose --body and --camera for a run. What things look like is said by "
        "OwnType and OwnColor"
    ),
}


def check_integer(task: object, name: str, least: int, reason: str = "") -> None:
    """Refuse a setting that is no integer of at least this; the reason says why so many."""
    value = getattr(task, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        why = f": {reason}" if reason else ""
        raise ConfigurationError(f"{type(task).__name__}: {name} is an integer of at least {least}, got {value!r}{why}")


def members(task: object, name: str, kind: type[_Member], own: type[_Own]) -> tuple[_Member | _Own, ...]:
    """A setting's words as members of the language's, or as the task's own that they are.

    Raises:
        ConfigurationError: if one is neither, comes twice, or there is none.
    """
    values = getattr(task, name)
    if isinstance(values, str) or not isinstance(values, tuple | list) or not values:
        raise ConfigurationError(f"{type(task).__name__}: {name} is a tuple of at least one of {', '.join(kind)}")
    for value in values:
        if not isinstance(value, own) and value not in list(kind):
            close = difflib.get_close_matches(str(value), list(kind), n=1)
            hint = f"; did you mean {close[0]}?" if close else f": choose among {', '.join(kind)}"
            raise ConfigurationError(
                f"{type(task).__name__}: {value!r} of {name} is unknown{hint}. One that the language lacks is brought "
                f"by {own.__name__}"
            )
    if len(set(values)) < len(values):
        raise ConfigurationError(f"{type(task).__name__}: {name} names one twice: {', '.join(values)}")
    return tuple(value if isinstance(value, own) else kind(value) for value in values)
