"""Splits of other packages' episodes by the words of the text that they begin with."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from groundling.envs.banks.held_out import HeldOut
from groundling.envs.families.base import TRAIN
from groundling.envs.simulators.foreign.host.choosing import is_chosen
from groundling.errors import SplitError

COMBINATION: Final = "combination"
CHOSEN: Final = (TRAIN, "seen", COMBINATION)  # the splits of which words decide

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WordSplit:
    """The episodes of a name whose first text holds certain words; found by beginning episodes until one does.

    Attributes:
        name: how it is asked for; each has seeds of its own.
        having: phrases of which the text holds one; none asks for nothing.
        lacking: phrases of which it holds none.
    """

    name: str
    having: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    def choice(self, key: str) -> dict[str, Any] | None:
        """What a maker is told, see ``host.serving.Host``; None where every episode is wanted."""
        if not self.having and not self.lacking:
            return None
        return {"key": key, "with": list(self.having), "without": list(self.lacking)}

    def count(self, texts: Iterable[str]) -> int:
        """How many of these texts are of the split."""
        choice = self.choice("") or {}
        return sum(is_chosen(text, choice) for text in texts)


def held_out_phrases(own: tuple[str, ...], held_out: HeldOut | None) -> tuple[str, ...]:
    """The phrases that are kept from training: those of a setting, else the combinations of a run.

    Raises:
        SplitError: if the run holds something else out, which only sentences that are goals have.
    """
    if own or held_out is None:
        return own
    others = [factor for factor in held_out.factors if factor != "combination"]
    if others:
        raise SplitError(
            f"{others[0]} cannot be held out of texts of other packages, only words side by side: --held-out.factors "
            "combination with --held-out.combinations, or held_out=PHRASE,PHRASE behind the id"
        )
    return held_out.combinations if "combination" in held_out.factors else ()


def split_without(phrases: tuple[str, ...], name: str) -> WordSplit:
    """A split of all episodes.

    Raises:
        SplitError: if it is the one of held-out words, and there are none.
    """
    if name == COMBINATION and not phrases:
        raise SplitError("nothing is held out in training (--held-out.factors combination)")
    return WordSplit(name)


def split_by_words(
    id: str, name: str, phrases: tuple[str, ...], texts: Collection[str], *, can_choose: bool, is_asked: bool
) -> WordSplit:
    """The split with held-out phrases ("combination"), or one without them; of all episodes where they cannot be told
    apart and nobody has asked for these phrases: the usual ones mean nothing in most worlds.

    Args:
        id: of the family, for messages.
        name: one of :data:`CHOSEN`.
        phrases: that are held out.
        texts: that episodes begin with, as far as they are known; none: they have no text of their own.
        can_choose: whether other episodes can be begun until one fits.
        is_asked: whether the phrases are those of this task.

    Raises:
        SplitError: if it cannot be had; the message says why.
    """
    holding = WordSplit("", having=phrases).count(texts)
    must_be_told = is_asked or name == COMBINATION
    if not texts:
        why = "its text never changes"
    elif not holding:
        why = f"none of {len(texts)} texts that episodes begin with has them"
    elif holding == len(texts) and name != COMBINATION:
        why, must_be_told = "every text has one of them, which leaves nothing to train on", True
    elif not can_choose:
        why = "its vector environment begins episodes by itself (autoreset mode SAME_STEP), with any text"
    else:
        return WordSplit(name, having=phrases) if name == COMBINATION else WordSplit(name, lacking=phrases)
    if must_be_told:
        raise SplitError(f"{', '.join(phrases)} cannot be held out of {id}: {why}")
    if holding and name == TRAIN:
        _log.warning("%s are not held out of %s: %s", ", ".join(phrases), id, why)
    return WordSplit(name)
