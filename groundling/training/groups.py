"""Groups: several roll-outs of the same episode of a bank, world and words alike, to be compared with each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.seeding import generator
from groundling.training.recorders import Column, Recorder
from groundling.training.rollout import Rollout


class Groups(Recorder):
    """Has environments play every episode G times, and notes of each step which group, task and sentence it is of.

    Whoever ends an episode begins the next roll-out that is wanted: the G of one group, then those of the next. So the
    roll-outs of a group begin close together, short episodes are not favored, and nobody waits. The episode of a group
    is drawn as the environments would draw it: a task by its share, and a row of that task.

    Columns: ``"group"``, the group's number; ``"task"``, its task; ``"sentence"``, its row of the bank's sentences;
    each [T, B] int64.

    Args:
        envs: B environments that play a bank.
        size: G.
        seed: of the draws.
        algorithm: the name of what needs the groups, for messages.

    Raises:
        ConfigurationError: if the environments' episodes stand in no bank.
    """

    name = "groups"

    def __init__(self, envs: VectorEnv, size: int, seed: int, algorithm: str) -> None:
        own = envs.unwrapped
        if not isinstance(own, GroundlingVectorEnv):
            raise ConfigurationError(
                f"algorithm {algorithm!r} plays the same episode several times, and {type(own).__name__} cannot be "
                "told which episode to begin: it needs a task whose episodes stand in a bank (`groundling tasks`); "
                "'reinforce' and 'ppo' train everywhere"
            )
        self.columns = {name: Column((), torch.int64, is_sent=True) for name in ("group", "task", "sentence")}
        self.size, self.seed = size, seed
        self._worlds = own.worlds
        batch = own.num_envs
        self._begun = 0  # roll-outs
        self._episode = 0  # row of the bank of the newest group
        self._group = np.zeros(batch, dtype=np.int64)
        self._row = np.zeros(batch, dtype=np.int64)
        own.watch(self._look)

    def begin(self) -> None:
        """Plan the first episode of every environment; call it before they are reset."""
        self._begun = 0
        self._plan(np.arange(len(self._group)))

    def before_step(self, rollout: Rollout, step: int) -> None:
        """See :class:`Recorder`."""
        noted: dict[str, NDArray[Any]] = {
            "group": self._group,
            "task": self._worlds.mixture.task_of(self._row),
            "sentence": self._worlds.bank.sentences[self._row],
        }
        for name, array in noted.items():
            rollout.on_host.columns[name][step] = torch.from_numpy(array.astype(np.int64))

    def _look(self) -> None:
        self._plan(np.flatnonzero(self._worlds.outcomes.ended))

    def _plan(self, rows: NDArray[np.intp]) -> None:
        for row in rows.tolist():
            if self._begun % self.size == 0:
                self._episode = self._draw(self._begun // self.size)
            self._group[row], self._row[row] = self._begun // self.size, self._episode
            self._begun += 1
        self._worlds.plan(rows, self._row[rows])

    def _draw(self, group: int) -> int:
        """The episode of a group: it depends on the seed, the group's number and the tasks' shares alone."""
        draw = generator(self.seed, "groups", group)
        task = int(np.searchsorted(self._worlds.tasks.limits, draw.random(), side="right"))
        start, stop = self._worlds.mixture.starts[[task, task + 1]]
        return int(draw.integers(start, stop))

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Recorder`."""
        arrays = {"group": torch.from_numpy(self._group.copy()), "row": torch.from_numpy(self._row.copy())}
        return {**arrays, "begun": self._begun, "episode": self._episode}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Recorder`."""
        self._group[:], self._row[:] = saved["group"].numpy(), saved["row"].numpy()
        self._begun, self._episode = saved["begun"], saved["episode"]


def group_advantages(returns: Tensor, group: Tensor, *, leave_one_out: bool = False) -> tuple[Tensor, Tensor]:
    """How much better each roll-out of a group did than its group, and how far the group is spread.

    a_i = R_i - mean(R)            or, leaving the roll-out itself out of the mean, R_i - mean_{j != i}(R_j)
                                   = G / (G - 1) * (R_i - mean(R))

    Args:
        returns: [N] float32.
        group: [N] int64, the group of each, numbered from 0; each group has at least two.
        leave_one_out: compare with the others only.

    Returns:
        a [N], and the standard deviation [N] (of the sample, with G - 1) of each one's group.
    """
    size = torch.zeros_like(returns).index_add_(0, group, torch.ones_like(returns))  # of as many as there may be
    # counted from the lowest return of the group: where all are alike the differences are 0, and not what a sum rounds
    lowest = torch.zeros_like(size).scatter_reduce(0, group, returns, "amin", include_self=False)
    above = returns - lowest[group]
    mean = torch.zeros_like(size).index_add_(0, group, above) / size
    centered = above - mean[group]
    spread = (torch.zeros_like(size).index_add_(0, group, centered.square()) / (size - 1)).sqrt()
    if leave_one_out:
        centered = centered * (size / (size - 1))[group]
    return centered, spread[group]
