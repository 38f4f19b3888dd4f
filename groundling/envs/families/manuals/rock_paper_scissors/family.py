"""Rock-paper-scissors as families of environments: splits, suites and the expert."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from gymnasium.vector import VectorEnv

from groundling.envs.families.base import ALL, TRAIN, EnvFamily
from groundling.envs.families.manuals.rock_paper_scissors.names import MAX_ABSENT, Variant
from groundling.envs.families.manuals.rock_paper_scissors.state import Wording
from groundling.envs.families.manuals.rock_paper_scissors.vector import SPEC, RockPaperScissorsVectorEnv
from groundling.envs.families.manuals.rock_paper_scissors.walker import Walker
from groundling.envs.families.manuals.rtfm.names import MAX_STEPS, SIZES
from groundling.errors import SplitError
from groundling.interfaces import Suite, Teacher

USUAL: Final = Wording(shuffled=False)


@dataclass(frozen=True)
class GraphSplit:
    """A part of the episodes of a variant.

    Attributes:
        name: of the split.
        part: of the graphs: "train", "validation", "unseen", "edges", "letters" or "all".
        size: tiles across.
        wording: of the sentences.
    """

    name: str
    part: str
    size: int
    wording: Wording = USUAL


class RockPaperScissorsFamily(EnvFamily):
    """One variant.

    Args:
        variant: which.
    """

    spec = SPEC
    most_envs: ClassVar[int] = 250

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.id = self.reference = variant.id
        moves = ", a monster that moves" * variant.moving
        self.description = f"Read in a manual which item beats the monster ({variant.size}x{variant.size}{moves})"
        other = "larger" if variant.size == min(SIZES) else "smaller"
        self.suites: Mapping[str, Suite] = {
            "layout": Suite("rules that training may have, new rooms", "seen"),
            "assignments": Suite("rules that training never has, of pairs of letters that it has", "unseen"),
            "validation": Suite("other such rules, to choose settings by", "validation", is_usual=False),
            "edges": Suite("rules in which a letter beats one that it never beats in training", "edges"),
            "letters": Suite("rules of letters that training never has", "letters"),
            "size": Suite(f"rules that training never has, in a {other} room", other),
            "order": Suite("such rules, the manual's sentences in any order", "order"),
            "distractors": Suite("such rules, and sentences about other letters, in any order", "distractors"),
        }

    def split(self, name: str, held_out: Any = None) -> GraphSplit:
        """The part of its episodes of this name; which rules are kept from training is fixed.

        Raises:
            SplitError: if there is none.
        """
        size, other = self.variant.size, sum(SIZES) - self.variant.size
        known = [GraphSplit(part, part, size) for part in (ALL, TRAIN, "validation", "unseen", "edges", "letters")]
        known += [
            GraphSplit("seen", "train", size),
            GraphSplit(self.suites["size"].split, "unseen", other),
            GraphSplit("order", "unseen", size, Wording(shuffled=True)),
            GraphSplit("distractors", "unseen", size, Wording(shuffled=True, absent=MAX_ABSENT)),
        ]
        for one in known:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in known)
        raise SplitError(f"{self.id} has no split {name!r}: choose one of {names}")

    def make_vec(
        self,
        split: str | GraphSplit,
        num_envs: int,
        seed: int,
        *,
        render_mode: str | None = None,
        autoreset: bool = True,
        copy: bool = True,
        max_steps: int = MAX_STEPS,
        **options: Any,
    ) -> RockPaperScissorsVectorEnv:
        """B rooms that play a split."""
        chosen = self.split(split) if isinstance(split, str) else split
        return RockPaperScissorsVectorEnv(
            replace(self.variant, size=chosen.size),
            num_envs,
            part=chosen.part,
            wording=chosen.wording,
            seed=seed,
            max_steps=max_steps,
            copy=copy,
            render_mode=render_mode,
            autoreset=autoreset,
        )

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """All instructions mean the same: what an episode asks for stands in its manual."""
        return "rock-paper-scissors"

    def expert(self, envs: VectorEnv) -> Teacher:
        """Who knows the truth."""
        return Walker(envs)
