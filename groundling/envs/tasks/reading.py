"""What tasks with a manual have in common: which assignments they tell, in which forms of sentence, in which order.

Without the manual the world says nothing: a policy that plays well and does not read succeeds in one episode of
``num_choices`` (:meth:`Assignments.draw`), in training and in all suites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from groundling.envs.tasks.assignments import PARTS
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import Room
from groundling.envs.worlds.task import Task, Variant
from groundling.envs.worlds.task_settings import check_integer
from groundling.errors import ConfigurationError
from groundling.language.goals import ObjectType

ORDERS: Final = ("sorted", "shuffled")
NEVER_TOLD: Final = {"assignments": "held_out"}


@dataclass(frozen=True)
class Forms:
    """Forms of one statement, with slots in braces. Those that test have no word that those of training lack.

    Attributes:
        trained: those of training.
        held_out: those that test.
    """

    trained: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, phrasings: str) -> tuple[str, ...]:
        """Those of a setting ``phrasings``."""
        return {"trained": self.trained, "held_out": self.held_out, "all": (*self.trained, *self.held_out)}[phrasings]


def told_in(sentence: str, forms: Forms) -> dict[str, str] | None:
    """What stands in the slots of a sentence that has one of these forms; None if it has none of them.

    Args:
        sentence: of a manual; case and a mark at the end do not matter.
        forms: of one statement.
    """
    words = " ".join(sentence.lower().rstrip(" .!").split())
    for form in forms.of("all"):
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>\\w+)", re.escape(form))
        if found := re.fullmatch(pattern, words):
            return found.groupdict()
    return None


def words_of(*forms: Forms) -> tuple[str, ...]:
    """The words of all forms, without what stands in their slots."""
    told = (word for own in forms for form in own.of("all") for word in form.split())
    return tuple(dict.fromkeys(word for word in told if "{" not in word))


class ReadingTask(Task):
    """A task that only who reads its manual can do.

    Attributes:
        num_distractors: lamps and rings, of which nobody speaks.
        num_choices: things in the world each of which may be the right one, as far as anybody knows who does not read.
        assignments: which pairs are told: those of training, those that are held out, or all.
        phrasings: in which forms of sentence.
        order: of the sentences: always the same ("sorted"), or any.
        num_absent: the most statements about things that are not there.
    """

    num_distractors = 0
    num_choices: int = 3
    assignments: str = "trained"
    phrasings: str = "trained"
    order: str = "sorted"
    num_absent: int = 1
    max_manual_sentences: ClassVar[int] = 8
    max_manual_words: ClassVar[int] = 12
    suites: ClassVar[Mapping[str, Variant]] = {
        "assignments": Variant("pairs that no manual of training has", NEVER_TOLD),
        "phrasing": Variant(
            "such pairs, in forms of sentence that training never used", NEVER_TOLD | {"phrasings": "held_out"}
        ),
        "order": Variant("such pairs, the manual's sentences in any order", NEVER_TOLD | {"order": "shuffled"}),
        "size": Variant("such pairs, in rooms half as wide again", NEVER_TOLD | {"room_size": 9}),
        "distractors": Variant("such pairs, and more sentences about absent things", NEVER_TOLD | {"num_absent": 3}),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self, "num_choices", 2)
        check_integer(self, "num_absent", 0)
        for name, known in (("assignments", PARTS), ("phrasings", PARTS), ("order", ORDERS)):
            if getattr(self, name) not in known:
                raise ConfigurationError(
                    f"{type(self).__name__}: {name} is one of {', '.join(known)}, not {getattr(self, name)!r}"
                )

    def place_rest(self, world: WorldBuilder, room: Room) -> None:
        """Place what nobody speaks of, and the agent, in a room."""
        world.scatter(self.num_distractors, types=(ObjectType.LAMP, ObjectType.RING), room=room)
        world.place_agent(room)
        world.check_reachable()

    def tell(self, world: WorldBuilder, forms: Forms, **slots: object) -> str:
        """A statement in one of its forms."""
        return world.choice(forms.of(self.phrasings)).format(**slots)

    def ordered(self, world: WorldBuilder, sentences: Sequence[tuple[int, str]]) -> list[str]:
        """The sentences of a manual by the numbers beside them, or in any order."""
        if self.order == "shuffled":
            return [sentence for _, sentence in world.sample(sentences, len(sentences))]
        return [sentence for _, sentence in sorted(sentences, key=lambda numbered: numbered[0])]
