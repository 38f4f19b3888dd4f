"""Families of questions: their splits and suites, and the groups in which accuracy is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.splits import AnySplit
from groundling.envs.families.banked import BankEpisodes, BankFamily, BankSuite
from groundling.envs.families.base import EpisodeSet, MeasureTable
from groundling.envs.families.questions.expert import QuestionExpert
from groundling.envs.families.questions.metrics import Summary, by_start, by_type, measure, replaying, summarize
from groundling.envs.families.questions.source import QuestionSource
from groundling.envs.vector import GroundlingVectorEnv
from groundling.envs.worlds.standing import Restated
from groundling.interfaces import Suite
from groundling.language.questions.wording import parse

TYPE: Final = "type"
START: Final = "actions away"

SUITES: Final[Mapping[str, Suite]] = {
    "layout": Suite("unseen houses, questions of the training split", "seen"),
    "color_pairs": BankSuite("things of a color that no question of training is about", "color_pairs"),
    "room_pairs": BankSuite("things in rooms in which training never shows them", "room_pairs"),
    "wordings": BankSuite("unseen sentence patterns made of training words", "wordings"),
    "compositions": BankSuite("things of a color counted, where training counts those of any color", "compositions"),
    "size": BankSuite("houses with 1.5x the number of rooms", "seen", is_usual=False, grows="rooms"),
}


MEASURES: Final = {
    "d_0": "metres on foot to the nearest evidence at first",
    "d_T": "the same at the end",
    "d_delta": "by how much it came nearer",
    "d_min": "the least of the episode",
    "r_T": "share that ends in a room with evidence",
    "r_e": "share that ever enters one",
    "stop": "share that answers before the time is up",
    "length": "actions",
    "accuracy": "share of right answers",
    "justified": "share of right answers after the evidence was in view",
    "known": "share in which the evidence was in view",
    "known_at_start": "share in which it was in view at first",
}


def _table(title: str, groups: Mapping[str, Summary]) -> MeasureTable:
    rows = ((name, own.n, tuple(float(getattr(own, column)) for column in MEASURES)) for name, own in groups.items())
    return MeasureTable(title, MEASURES, tuple(rows))


class QuestionFamily(BankFamily):
    """Questions about houses of a source; what is held out is fixed (``parts``)."""

    suites = SUITES
    breakdowns = (TYPE,)
    source: QuestionSource
    has_measures = True

    def split(self, name: str, held_out: HeldOut | None = None) -> AnySplit:
        """The part of its episodes of this name.

        Raises:
            SplitError: if there is none.
        """
        return self.source.find_split(name)

    def restate(self, episode: Episode, sentence: str, manual: Sequence[str] = ()) -> Restated:
        """The house of the episode with another question, see :class:`BankFamily`; as it was generated: the answer is
        that of the house before anything in it was moved.
        """
        return self.source.restate(episode, sentence)

    def expert(self, envs: VectorEnv) -> QuestionExpert | None:
        """Who goes to the evidence and answers."""
        return QuestionExpert(envs.worlds) if isinstance(envs, GroundlingVectorEnv) else None

    def measure(self, episodes: EpisodeSet, actions: Sequence[NDArray[np.int64]]) -> tuple[MeasureTable, ...]:
        """The measures of embodied question answering, by how far away the evidence was and by type of question."""
        if not isinstance(episodes, BankEpisodes):
            return ()
        measured = measure(episodes.bank, episodes.embodiment, replaying(actions))
        starts = {str(start): summary for start, summary in by_start(measured).items()}
        return _table(START, {**starts, "all": summarize(measured)}), _table(TYPE, by_type(measured))

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """By "type" of question, or "instruction" (the sentence)."""
        if kind == TYPE:
            return (parse(text).type,) if text else ()
        return super().groups(kind, text)
