"""A family of questions in a file of its own, as a user has it."""

from __future__ import annotations

from house_questions.small_houses import SmallMaker

from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.source import QuestionSource


class Questions(QuestionFamily):
    def __init__(self) -> None:
        super().__init__(QuestionSource("own/Questions-v0", SmallMaker(), rooms=4, start_distances=(5,)))
