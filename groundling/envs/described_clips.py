"""Clips of play with sentences that describe them: a model of how actions and words are related learns from these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DescribedClip:
    """One clip.

    Attributes:
        actions: [n] integers, what was done.
        sentences: that describe it, at least one.
        is_validation: whether it is of a place or world that is kept from training.
    """

    actions: NDArray[np.integer]
    sentences: tuple[str, ...]
    is_validation: bool = False


@dataclass(frozen=True)
class DescribedClips:
    """N clips of F actions in all.

    Attributes:
        action_names: A of them, what the numbers of actions mean.
        actions: [F] uint8, one clip after the other.
        starts: [N + 1] int64; clip i is ``actions[starts[i] : starts[i + 1]]``.
        sentences: those of each clip.
        is_validation: [N] bool, of a place or world that is kept from training.
        idle: numbers of the actions that move nothing.
    """

    action_names: tuple[str, ...]
    actions: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sentences: tuple[tuple[str, ...], ...]
    is_validation: NDArray[np.bool_]
    idle: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, action_names: tuple[str, ...], clips: Iterable[DescribedClip], *, idle: tuple[int, ...] = ()
    ) -> DescribedClips:
        """Put clips together; those without actions are left out."""
        kept = [clip for clip in clips if len(clip.actions)]
        lengths = np.array([len(clip.actions) for clip in kept], dtype=np.int64)
        return cls(
            action_names,
            np.concatenate([np.zeros(0, np.uint8), *(clip.actions.astype(np.uint8) for clip in kept)]),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            tuple(clip.sentences for clip in kept),
            np.array([clip.is_validation for clip in kept], dtype=np.bool_),
            idle,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1
