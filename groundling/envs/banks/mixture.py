"""Mixtures: the banks of several tasks as one, so that a batch plays them side by side whatever their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.errors import ConfigurationError


@dataclass(frozen=True)
class TaskMixture:
    """Episodes of K tasks, task after task; give it to ``groundling.make_vec(bank=...)``.

    How often each task is drawn is no part of it: see ``GroundlingVectorEnv.set_shares``.

    Attributes:
        bank: the episodes of all tasks; smaller maps are framed by walls.
        tasks: K ids.
        starts: [K + 1] int64, the first row of each task in the bank, and the end of the last one.
    """

    bank: EpisodeBank
    tasks: tuple[str, ...]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, banks: Sequence[EpisodeBank]) -> TaskMixture:
        """The banks of several tasks, one for each, in their order.

        Raises:
            ConfigurationError: if there is no bank, one is empty, two are of the same task, or of different
                vocabularies.
        """
        tasks = tuple(bank.level for bank in banks)
        if not banks or not all(map(len, banks)):
            raise ConfigurationError("a mixture of tasks needs at least one bank, and in each at least one episode")
        if twice := [task for place, task in enumerate(tasks) if task in tasks[:place]]:
            raise ConfigurationError(f"two banks of a mixture are of the task {twice[0]!r}: join them into one")
        if len({bank.vocabulary for bank in banks}) > 1:
            raise ConfigurationError(
                f"the banks of {', '.join(tasks)} have different vocabularies: train on them apart"
            )
        starts = np.cumsum([0, *map(len, banks)], dtype=np.int64)
        return cls(banks[0] if len(banks) == 1 else EpisodeBank.concatenate(banks), tasks, starts)

    def task_of(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """The task [...] that each of these rows [...] of the bank is of, as a place in ``tasks``."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    @property
    def time_limits(self) -> NDArray[np.int64]:
        """[K], the most steps that an episode of each task takes."""
        return np.maximum.reduceat(self.bank.max_steps, self.starts[:-1]).astype(np.int64)

    def by_instruction(self) -> TaskMixture:
        """The same episodes sorted by their sentences, each of which is a task by itself: its id is the sentence.

        Raises:
            ConfigurationError: if there are several tasks already.
        """
        if len(self.tasks) > 1:
            raise ConfigurationError(f"{', '.join(self.tasks)} are several tasks: only one is divided by instructions")
        bank = self.bank.take(np.argsort(self.bank.sentences, kind="stable"))
        starts = np.append(np.unique(bank.sentences, return_index=True)[1], len(bank))
        return TaskMixture(bank, bank.instructions, starts.astype(np.int64))

    def with_time_limit_scale(self, scale: float) -> TaskMixture:
        """The same episodes with their time limits scaled, each rounded up."""
        limits = np.ceil(scale * self.bank.max_steps).astype(np.int32)
        return replace(self, bank=replace(self.bank, max_steps=limits))
