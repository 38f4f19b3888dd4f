"""What a run asks of the worlds of its task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from groundling.envs.first_person import Camera
from groundling.language.vocabulary import Vocabulary

DEFAULT_BANK_SIZE = 8192


@dataclass(frozen=True)
class WorldOptions:
    """What a run asks of its environments beside their task; a family refuses what it has no use for.

    Attributes:
        body: "grid", "rover", or "own": the task's.
        camera: what a rover, or another simulator's agent, sees with.
        explored_radius: tiles that a map of what was seen reaches; None leaves this sense out.
        bank_size: distinct episodes to train on, where they stand in a bank.
        time_limit_scale: share of its time limit that an episode has.
        by_instruction: make each sentence a task of its own, as a curriculum of instructions needs it.
        vocabulary: of the token ids; None takes the family's own, of several families the joined one.
    """

    body: Literal["own", "grid", "rover"] = "own"
    camera: Camera = field(default_factory=Camera)
    explored_radius: int | None = None
    bank_size: int = DEFAULT_BANK_SIZE
    time_limit_scale: float = 1.0
    by_instruction: bool = False
    vocabulary: Vocabulary | None = None

    def vocabulary_of(self, own: Iterable[Vocabulary]) -> Vocabulary:
        """That of the token ids, for families with these vocabularies."""
        return self.vocabulary or Vocabulary.joined(own)


PLAIN: Final = WorldOptions()
