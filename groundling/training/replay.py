"""Recorded actions played again in the compiled worlds, which is how demonstrations get their observations back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.constants import VIEW_CELLS, VIEW_SIZE, Action
from groundling.envs.engine.worlds import WorldBatch
from groundling.training.demonstration import Demonstration


class Replay:
    """B episodes played side by side with recorded actions; whoever has ended waits for the others.

    Args:
        bank: the B episodes, which have been checked.
        actions: [F] those of all episodes, one after the other.
        lengths: [B] int64, how many of them are each episode's, at least 1.
    """

    def __init__(self, bank: EpisodeBank, actions: NDArray[np.uint8], lengths: NDArray[np.int64]) -> None:
        self.bank = bank
        self.lengths = lengths
        longest, batch = int(lengths.max()), len(lengths)
        self._within = np.arange(longest) < lengths[:, None]  # [B, T]
        self._actions = np.full((batch, longest), Action.DONE, dtype=np.int64)
        self._actions[self._within] = actions
        self._images = np.zeros((batch, longest + 1, VIEW_CELLS * 3), dtype=np.uint8)
        self._directions = np.zeros((batch, longest + 1), dtype=np.int64)
        self._rewards = np.zeros((batch, longest), dtype=np.float64)
        self._terminated, self._truncated, self._success = (
            np.zeros((batch, longest), dtype=np.bool_) for _ in range(3)
        )
        self._tokens = self._play()

    def _play(self) -> NDArray[np.int32]:
        """Fill the arrays; returns the sentences, [B, L] token ids."""
        worlds = WorldBatch(self.bank, len(self.lengths), shuffle=False)
        worlds.reset()
        seen, out = worlds.observations, worlds.outcomes
        self._images[:, 0], self._directions[:, 0] = seen.image, seen.direction
        for step in range(self._actions.shape[1]):
            worlds.step(self._actions[:, step], autoreset=False)
            self._images[:, step + 1], self._directions[:, step + 1] = seen.image, seen.direction
            self._rewards[:, step], self._success[:, step] = out.reward, out.success
            self._terminated[:, step], self._truncated[:, step] = out.terminated, out.truncated
        return seen.instruction

    def ends_as(self, returns: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which episodes [B] ended with success at their last action and with these returns [B]."""
        ended = (self._terminated | self._truncated) & self._within
        last = self.lengths - 1
        is_right = (ended.argmax(axis=1) == last) & self._success[np.arange(len(last)), last]
        is_right &= (self._rewards * self._within).sum(axis=1) == returns
        return is_right

    def demonstrations(self) -> Iterator[Demonstration]:
        """The episodes in their order."""
        for b, length in enumerate(self.lengths.tolist()):
            # copies: one demonstration that is kept does not keep the memory of all
            yield Demonstration(
                seed=int(self.bank.seeds[b]),
                instruction=self.bank.instruction(b),
                tokens=self._tokens[b].copy(),
                images=self._images[b, : length + 1].reshape(-1, VIEW_SIZE, VIEW_SIZE, 3).copy(),
                directions=self._directions[b, : length + 1].copy(),
                actions=self._actions[b, :length].copy(),
                rewards=self._rewards[b, :length].copy(),
                terminated=self._terminated[b, :length].copy(),
                truncated=self._truncated[b, :length].copy(),
            )
