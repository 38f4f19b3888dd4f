"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from groundling.eval.doctor.record import RunRecord


Numbers = Sequence[float] | NDArray[np.float64]


class State(Enum):
    """How it stands with what a check looks at."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    NONE = "not applicable"


WORST_FIRST: Final = (State.RED, State.YELLOW, State.GREEN, State.NONE)


@dataclass(frozen=True)
class Panel:
    """A small figure.

    Attributes:
        title: above it.
        series: numbers (x, y) by name.
        kind: lines, points or bars; of bars x are names.
        x_label: below it.
        marks: horizontal lines by name, such as limits.
    """

    title: str
    series: Mapping[str, tuple[Sequence[str] | Numbers, Numbers]]
    kind: Literal["lines", "points", "bars"] = "lines"
    x_label: str = "frames"
    marks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What a check saw.

    Attributes:
        state: how it stands.
        seen: one sentence with the numbers that it rests on.
        advice: what to try; empty where nothing is wrong.
        numbers: the same numbers by name.
        panels: small figures.
    """

    state: State
    seen: str
    advice: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    panels: tuple[Panel, ...] = ()


class Check(Protocol):
    """A check: a function whose docstring begins with what it asks, in one line.

    A function with the attribute ``only_reads_logs = True`` (see :func:`reads_logs`) plays nothing, and is asked again
    at every look while a run trains; others are asked when there is a new checkpoint.
    """

    __name__: str
    __doc__: str | None

    def __call__(self, run: RunRecord) -> Finding:
        """Look at a run."""


def reads_logs(check: Check) -> Check:
    """Mark a check as one that plays no episodes."""
    check.only_reads_logs = True  # type: ignore[attr-defined]
    return check


def title_of(check: Check) -> str:
    """What a check asks, in one line."""
    return (check.__doc__ or check.__name__).strip().splitlines()[0].rstrip(".")


def not_applicable(why: str) -> Finding:
    """The finding of a check that has nothing to look at."""
    return Finding(State.NONE, why)


def worst(*states: State) -> State:
    """The worst of some states."""
    return min(states, key=WORST_FIRST.index)


def graded(value: float, *, yellow: float, red: float) -> State:
    """The state of a number that should be small (``yellow < red``) or large (``yellow > red``); NaN is red."""
    if yellow < red:
        return State.GREEN if value <= yellow else State.YELLOW if value <= red else State.RED
    return State.GREEN if value >= yellow else State.YELLOW if value >= red else State.RED
