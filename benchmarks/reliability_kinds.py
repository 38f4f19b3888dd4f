"""What a kind of reliability trial is, and how bad the outcome of a trial can be; see ``reliability.py``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from groundling.errors import GroundlingError


class Grade(IntEnum):
    """How a trial ended, from the best to the worst; from ``WRONG_ERROR`` on it failed."""

    UNCHANGED = 0  # the result is the right one
    REFUSED = 1  # one line of an error of ours, and what was there before is unchanged
    WRONG_ERROR = 2  # another exception, or an error that does not say what is wrong
    WRONG_RESULT = 3  # it went on with something else than what is right
    LOST = 4  # work or results are gone
    HUNG = 5  # it did not end
    CRASHED = 6  # the process died, read foreign memory, or ran code that nobody asked for

    @property
    def failed(self) -> bool:
        """Whether this must never happen."""
        return self >= Grade.WRONG_ERROR


class Outcome(NamedTuple):
    """How one trial ended.

    Attributes:
        grade: see :class:`Grade`.
        what: in a few words; of the worst outcome it is shown in the table.
    """

    grade: Grade
    what: str


@dataclass(frozen=True)
class Kind:
    """Trials of one kind. A module ``reliability_*.py`` lists its own in a tuple ``KINDS``.

    Attributes:
        name: by which ``--only`` finds it; the key of its row.
        row: what was tried, in a few words, for the table.
        trials: how many there are in the benchmark.
        run: gives the outcome of each trial; is called with how many, the seed of all draws, and an empty folder.
    """

    name: str
    row: str
    trials: int
    run: Callable[[int, int, Path], Iterator[Outcome]]


class _OutOfTime(BaseException):
    """A trial takes too long; no handler of errors catches it."""


def within(seconds: float, trial: Callable[[], Outcome]) -> Outcome:
    """The outcome of a trial; of one that does not end in time, or that raises, what that means.

    A trial tells itself how an error of ours that it expected is to be graded; any that comes here has one line.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return trial()
    except _OutOfTime:
        return Outcome(Grade.HUNG, f"it did not end within {seconds:g} s")
    except GroundlingError as error:
        return Outcome(Grade.REFUSED, f"refused by {type(error).__name__}")
    except Exception as error:
        return Outcome(Grade.WRONG_ERROR, f"{type(error).__name__}: {' '.join(str(error).split())[:120]}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
