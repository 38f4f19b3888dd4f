"""The manual as a sense: the sentences that hold in the episode that each environment plays."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank

MANUAL_KEY: Final = "manual"  # of an observation


class ManualSense:
    """What B agents are given to read.

    Args:
        bank: of the episodes.
        space: S, sentences of a manual, and L, tokens of a sentence.

    Attributes:
        rows: [E, S] int32, the rows of ``tokens`` that each episode's manual is made of.
        tokens: [N, L] int32 token ids.
    """

    def __init__(self, bank: EpisodeBank, space: tuple[int, int]) -> None:
        sentences, length = space
        manuals = bank.manuals
        self.rows = np.zeros((len(bank), sentences), dtype=np.int32)
        self.tokens = np.zeros((1 if manuals is None else len(manuals.tokens), length), dtype=np.int32)
        if manuals is not None:
            self.rows[:, : manuals.space[0]] = manuals.rows
            self.tokens[:, : manuals.space[1]] = manuals.tokens

    def of(self, episode: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """The manuals [B, S, L] int32 of episodes, [B] rows of the bank; token ids, 0 = padding."""
        manual: NDArray[np.int32] = self.tokens[self.rows[episode]]
        return manual
