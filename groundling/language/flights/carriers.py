"""The four carriers are alike but for their names: a game stays a true one if they change places everywhere."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.language.flights.games import CARRIERS, Game, Round

NAMES: Final = ("american", "delta", "jetblue", "southwest")
_WRITTEN: Final = (r"american airlines?|american|aa", r"delta", r"jet[ -]?blue|jb", r"south ?west|sw")
_ANY: Final = re.compile(r"\b(?:" + "|".join(f"({written})" for written in _WRITTEN) + r")\b")


def one_name(utterance: str, shift: int = 0) -> str:
    """The utterance with each carrier called in one way, and by the name of the carrier ``shift`` places on."""

    def name(found: re.Match[str]) -> str:
        assert found.lastindex is not None
        return NAMES[(found.lastindex - 1 + shift) % len(NAMES)]

    return _ANY.sub(name, utterance)


def with_shifted_carriers(game: Game, shift: int) -> Game:
    """The same game with the carriers ``shift`` places on: in what is said, in the options and in the reward."""

    def changed(one: Round) -> Round:
        return Round(one_name(one.utterance, shift), _rolled(one.options, shift), one.best, one.is_scored)

    return Game(_rolled(game.reward, shift), tuple(changed(one) for one in game.rounds))


def _rolled(features: NDArray[np.float64], shift: int) -> NDArray[Any]:
    """Features [..., 8] with those of the carriers moved."""
    moved = features.copy()
    moved[..., CARRIERS] = np.roll(features[..., CARRIERS], shift, axis=-1)
    return moved
