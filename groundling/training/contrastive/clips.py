"""Clips: the last observations of episodes, and a buffer of those that ended well and of those that were cut before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Frames = Mapping[str, NDArray[Any]]


class LastFrames:
    """The last K frames of the present episodes of B environments, the newest one last.

    Args:
        num_envs: B.
        length: K.

    Attributes:
        frames: [B, K, ...] by key; made by the first call of :meth:`begin`.
        count: [B] how many of them are of the present episode; these stand at the end.
    """

    def __init__(self, num_envs: int, length: int) -> None:
        self.length = length
        self.frames: dict[str, NDArray[Any]] = {}
        self.count = np.zeros(num_envs, dtype=np.int64)

    def begin(self, chosen: NDArray[np.bool_], first: Frames) -> None:
        """New episodes begin where ``chosen`` [B] is set, with these frames [B, ...]."""
        for key, array in first.items():
            frame = np.asarray(array)
            if key not in self.frames:
                self.frames[key] = np.zeros((len(frame), self.length, *frame.shape[1:]), dtype=frame.dtype)
            self.frames[key][chosen] = 0
            self.frames[key][chosen, -1] = frame[chosen]
        self.count[chosen] = 1

    def push(self, reached: Frames) -> None:
        """The next frame [B, ...] of each episode."""
        for key, array in reached.items():
            window = self.frames[key]
            window[:, :-1] = window[:, 1:]
            window[:, -1] = array
        self.count = np.minimum(self.count + 1, self.length)

    def rows(self, rows: NDArray[np.intp]) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
        """A copy of the windows [R, K, ...] and counts [R] of these rows."""
        return {key: array[rows] for key, array in self.frames.items()}, self.count[rows]

    def state_dict(self) -> dict[str, Any]:
        """As tensors."""
        frames = {key: torch.as_tensor(array.copy()) for key, array in self.frames.items()}
        return {"frames": frames, "count": torch.as_tensor(self.count.copy())}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.frames = {key: array.numpy().copy() for key, array in saved["frames"].items()}
        self.count = saved["count"].numpy().copy()


@dataclass(frozen=True)
class ClipPairs:
    """N clips of what was done and, of the same episodes, N clips that were cut before it.

    Attributes:
        frames: [N, 2, K, ...] by key: of what was done, then cut.
        count: [N, 2] frames of each clip, which stand at its end.
        tokens: [N, L] of a sentence that names what was done.
        meaning: [N] int64; sentences that ask for the same have the same number.
    """

    frames: dict[str, NDArray[Any]]
    count: NDArray[np.int64]
    tokens: NDArray[np.integer[Any]]
    meaning: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.meaning)

    def rows(self, rows: NDArray[np.integer[Any]]) -> ClipPairs:
        """Those of some rows."""
        frames = {key: array[rows] for key, array in self.frames.items()}
        return ClipPairs(frames, self.count[rows], self.tokens[rows], self.meaning[rows])


class ClipBuffer:
    """The last M pairs of clips.

    Args:
        size: M.

    Attributes:
        added: how many were ever added.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.added = 0
        self._kept: ClipPairs | None = None

    def __len__(self) -> int:
        return min(self.added, self.size)

    def add(self, pairs: ClipPairs) -> None:
        """Keep these, in the place of the oldest where it is full."""
        if self._kept is None:
            self._kept = ClipPairs(
                {key: np.zeros((self.size, *array.shape[1:]), array.dtype) for key, array in pairs.frames.items()},
                np.zeros((self.size, 2), dtype=np.int64),
                np.zeros((self.size, pairs.tokens.shape[1]), dtype=pairs.tokens.dtype),
                np.zeros(self.size, dtype=np.int64),
            )
        newest = pairs.rows(np.arange(max(0, len(pairs) - self.size), len(pairs)))
        self.added += len(pairs)
        places = np.arange(self.added - len(newest), self.added) % self.size
        kept = self._kept
        for ours, theirs in [*((kept.frames[key], newest.frames[key]) for key in kept.frames)]:
            ours[places] = theirs
        kept.count[places], kept.tokens[places], kept.meaning[places] = newest.count, newest.tokens, newest.meaning

    def rows(self, rows: NDArray[np.integer[Any]]) -> ClipPairs:
        """A copy of those of some rows [R], each from 0 to the number that are kept."""
        assert self._kept is not None
        return self._kept.rows(rows)

    def sentences(self) -> NDArray[np.integer[Any]]:
        """The distinct sentences [S, L] of those that are kept, in the order of their token ids."""
        if self._kept is None:
            return np.zeros((0, 1), dtype=np.int64)
        return np.unique(self._kept.tokens[: len(self)], axis=0)

    def state_dict(self) -> dict[str, Any]:
        """As tensors; those that are kept only."""
        saved: dict[str, Any] = {"added": self.added}
        if self._kept is not None:
            kept = self._kept.rows(np.arange(len(self)))
            saved["frames"] = {key: torch.as_tensor(array) for key, array in kept.frames.items()}
            for name in ("count", "tokens", "meaning"):
                saved[name] = torch.as_tensor(getattr(kept, name))
        return saved

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.added, self._kept = 0, None
        if "frames" in saved:
            frames = {key: array.numpy() for key, array in saved["frames"].items()}
            self.add(ClipPairs(frames, *(saved[name].numpy() for name in ("count", "tokens", "meaning"))))
        self.added = int(saved["added"])
