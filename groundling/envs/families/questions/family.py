"""Families of questions: their splits and suites, and the groups in which accuracy is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gymnasium.vector import VectorEnv

from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.splits import AnySplit
from groundling.envs.families.banked import BankFamily, BankSuite
from groundling.envs.families.questions.expert import QuestionExpert
from groundling.envs.families.questions.source import QuestionSource
from groundling.envs.vector import GroundlingVectorEnv
from groundling.interfaces import Suite
from groundling.language.questions.wording import parse

TYPE: Final = "type"

SUITES: Final[Mapping[str, Suite]] = {
    "layout": Suite("unseen houses, questions of the training split", "seen"),
    "color_pairs": BankSuite("things of a color that no question of training is about", "color_pairs"),
    "room_pairs": BankSuite("things in rooms in which training never shows them", "room_pairs"),
    "wordings": BankSuite("unseen sentence patterns made of training words", "wordings"),
    "compositions": BankSuite("things of a color counted, where training counts those of any color", "compositions"),
    "size": BankSuite("houses with 1.5x the number of rooms", "seen", is_usual=False, grows="rooms"),
}


class QuestionFamily(BankFamily):
    """Questions about houses of a source; what is held out is fixed (``parts``)."""

    suites = SUITES
    breakdowns = (TYPE,)
    source: QuestionSource

    def split(self, name: str, held_out: HeldOut | None = None) -> AnySplit:
        """The part of its episodes of this name.

        Raises:
            SplitError: if there is none.
        """
        return self.source.find_split(name)

    def expert(self, envs: VectorEnv) -> QuestionExpert | None:
        """Who goes to the evidence and answers."""
        return QuestionExpert(envs.worlds) if isinstance(envs, GroundlingVectorEnv) else None

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """By "type" of question, or "instruction" (the sentence)."""
        if kind == TYPE:
            return (parse(text).type,) if text else ()
        return super().groups(kind, text)
