"""The answers as actions: which of the closed vocabulary suit a question."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.answers import Answers
from groundling.language.questions.programs import Count, Program, Query
from groundling.language.questions.wording import parse
from groundling.language.questions.words import (
    ANSWERS,
    COLORS,
    MAX_COUNT,
    NO,
    ROOM_KINDS,
    THING_KINDS,
    YES,
    answer_number,
    as_answer,
)


def suitable_answers(program: Program) -> tuple[str, ...]:
    """The answers of the kind that a question asks for: colors, numbers, yes or no ..."""
    if isinstance(program, Count):
        return tuple(map(str, range(MAX_COUNT + 1)))
    if isinstance(program, Query) and program.attribute != "open":
        of_kind = {"color": COLORS, "room": ROOM_KINDS, "kind": THING_KINDS}[program.attribute]
        return tuple(map(as_answer, of_kind))
    return YES, NO


def suits(sentence: str) -> NDArray[np.bool_]:
    """Which of all answers suit a sentence, [number of answers].

    Raises:
        QuestionError: if it is no question.
    """
    return _flags(suitable_answers(parse(sentence).program))


@cache
def _flags(answers: tuple[str, ...]) -> NDArray[np.bool_]:
    flags = np.zeros(len(ANSWERS), dtype=np.bool_)
    flags[[answer_number(answer) for answer in answers]] = True
    return flags


AT_ANY_TIME: Final = Answers(ANSWERS, suits)
AFTER_STOPPING: Final = Answers(ANSWERS, suits, stops_first=True)
