"""The families of questions about houses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.generated import GeneratedHouses
from groundling.envs.families.questions.source import QuestionSource
from groundling.envs.gymnasium_ids import register_id

_MAKER: Final = GeneratedHouses()
SOURCES: Final = {
    source.id: source
    for source in (
        QuestionSource("groundling/Questions-v0", _MAKER, start_distances=(10, 30)),
        QuestionSource("groundling/Questions-Large-v0", _MAKER, rooms=12),
        QuestionSource("groundling/Questions-Small-v0", _MAKER, rooms=3, start_distances=(5, 10)),
        QuestionSource("groundling/Questions-Near-v0", _MAKER, rooms=3, start_distances=(1, 2)),
        QuestionSource("groundling/Questions-Stop-v0", _MAKER, start_distances=(10, 30), stops_first=True),
        QuestionSource("groundling/Questions-Color-v0", _MAKER, rooms=3, types=("color",), start_distances=(5, 10)),
    )
}


class Questions:
    """Questions of all types in houses of six rooms, and easier ones."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """All of them."""
        return tuple(SOURCES)

    def find(self, id: str) -> QuestionFamily | None:
        """One of them."""
        return QuestionFamily(SOURCES[id], id) if id in SOURCES else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in SOURCES:
            register_id(id)


GROUP = Questions()
