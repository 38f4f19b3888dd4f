"""RTFM as families of environments: splits, suites, meanings and the expert."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from gymnasium.vector import VectorEnv

from groundling.envs.families.base import ALL, TRAIN, EnvFamily
from groundling.envs.families.manuals.rtfm.names import MAX_STEPS, SIZES, TEAMS, Variant
from groundling.envs.families.manuals.rtfm.vector import SPEC, RTFMVectorEnv
from groundling.envs.families.manuals.rtfm.walker import Walker
from groundling.envs.families.manuals.rtfm.wording import FIXED, MAX_ABSENT, NATURAL, UNHEARD, Wording
from groundling.errors import SplitError
from groundling.interfaces import Suite, Teacher


@dataclass(frozen=True)
class ManualSplit:
    """A part of the episodes of a variant.

    Attributes:
        name: of the split.
        part: of the assignments of dynamics: "train", "validation", "unseen" or "all".
        size: tiles across.
        wording: of the sentences.
    """

    name: str
    part: str
    size: int
    wording: Wording


class RTFMFamily(EnvFamily):
    """One variant.

    Args:
        variant: which.
    """

    spec = SPEC
    most_envs: ClassVar[int] = 250

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.id = self.reference = variant.id
        parts = ["nine kinds in three teams" if variant.groups else "three kinds in three teams"]
        parts += ["monsters that move"] * variant.moving + ["natural language"] * variant.natural
        self.description = (
            f"Read in a manual which monster is wanted and what defeats it ({', '.join(parts)}, "
            f"{variant.size}x{variant.size})"
        )
        other = "larger" if variant.size == min(SIZES) else "smaller"
        self.suites: Mapping[str, Suite] = {
            "layout": Suite("rules that training may have, new rooms", "seen"),
            "assignments": Suite("rules that training never has", "unseen"),
            "validation": Suite("other such rules, to choose settings by", "validation", is_usual=False),
            "size": Suite(f"such rules, in a {other} room", other),
            "phrasing": Suite("such rules, in sentences of forms that training never has", "phrasing"),
            "order": Suite("such rules, the manual's sentences in any order", "order", is_usual=not variant.natural),
            "distractors": Suite("such rules, and true sentences about absent things", "distractors"),
        }

    def split(self, name: str, held_out: Any = None) -> ManualSplit:
        """The part of its episodes of this name; which rules are kept from training is fixed.

        Raises:
            SplitError: if there is none.
        """
        own = NATURAL if self.variant.natural else FIXED
        size, other = self.variant.size, sum(SIZES) - self.variant.size
        known = {
            ALL: ManualSplit(ALL, "all", size, own),
            TRAIN: ManualSplit(TRAIN, "train", size, own),
            "seen": ManualSplit("seen", "train", size, own),
            "validation": ManualSplit("validation", "validation", size, own),
            "unseen": ManualSplit("unseen", "unseen", size, own),
            self.suites["size"].split: ManualSplit(self.suites["size"].split, "unseen", other, own),
            "phrasing": ManualSplit("phrasing", "unseen", size, UNHEARD._replace(shuffled=own.shuffled)),
            "order": ManualSplit("order", "unseen", size, own._replace(shuffled=True)),
            "distractors": ManualSplit("distractors", "unseen", size, own._replace(shuffled=True, absent=MAX_ABSENT)),
        }
        if name not in known:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(known)}")
        return known[name]

    def make_vec(
        self,
        split: str | ManualSplit,
        num_envs: int,
        seed: int,
        *,
        render_mode: str | None = None,
        autoreset: bool = True,
        copy: bool = True,
        max_steps: int = MAX_STEPS,
        **options: Any,
    ) -> RTFMVectorEnv:
        """B rooms that play a split."""
        chosen = self.split(split) if isinstance(split, str) else split
        return RTFMVectorEnv(
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
        """The team that the goal names."""
        text = texts[self.text_key]
        return next((team for team in TEAMS if team in text), text)

    def expert(self, envs: VectorEnv) -> Teacher:
        """Who reads the truth."""
        return Walker(envs)
