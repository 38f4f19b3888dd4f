"""Whole episodes out of rollouts: what Monte-Carlo methods learn from, however the rollouts cut the episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from groundling.training.rollout import Rollout


@dataclass(frozen=True)
class Episodes:
    """N whole episodes of R steps in all, one episode after the other, those of a group side by side.

    Attributes:
        observation: by key, each [R, ...].
        action: [R] int64.
        log_prob: [R] float32 of the action when it was drawn.
        value: [R] float32, what the agent expected when it acted.
        reward: [R] float32.
        columns: what recorders noted besides, each [R, ...].
        episode: [R] int64, which of the N episodes a step is of; it never falls.
        group: [N] int64, which group an episode is of, numbered from 0; it never falls.
    """

    observation: dict[str, Tensor]
    action: Tensor
    log_prob: Tensor
    value: Tensor
    reward: Tensor
    columns: dict[str, Tensor]
    episode: Tensor
    group: Tensor

    def __len__(self) -> int:
        return len(self.group)

    @property
    def length(self) -> Tensor:
        """Steps [N] of each episode."""
        count = torch.zeros(len(self), dtype=torch.int64, device=self.episode.device)
        return count.index_add_(0, self.episode, torch.ones_like(self.episode))

    def grid(self, episodes: Tensor) -> tuple[Tensor, Tensor]:
        """The steps of some episodes [n] side by side, padded to the longest of them, L.

        Returns:
            rows [L, n] of the steps (0 where an episode is over already), and where there is a step [L, n] bool.
        """
        length = self.length
        first = length.cumsum(0) - length
        own = length[episodes]
        time = torch.arange(int(own.max()), device=own.device).unsqueeze(1)
        is_real = time < own
        return torch.where(is_real, first[episodes] + time, 0), is_real

    def returns(self, gamma: float = 1.0) -> Tensor:
        """sum_t gamma^t r_t of each episode, [N] float32."""
        length = self.length
        return self.returns_to_go(gamma)[length.cumsum(0) - length]

    def returns_to_go(self, gamma: float = 1.0) -> Tensor:
        """G_t = r_t + gamma * G_{t+1} of each step, [R] float32; the end of an episode is the end of its return."""
        if not len(self):
            return torch.empty_like(self.reward)
        rows, is_real = self.grid(torch.arange(len(self), device=self.group.device))
        reward = torch.where(is_real, self.reward[rows], 0.0)
        following = torch.zeros_like(reward[0])
        found = self.reward.new_empty(len(self.reward) + 1)
        place = torch.where(is_real, rows, len(self.reward))  # what is no step goes into the last one, which is cut off
        for step in reversed(range(len(reward))):
            following = reward[step] + gamma * following
            found[place[step]] = following
        return found[:-1]


class EpisodeStore:
    """Keeps steps of rollouts until the episodes, and the groups of episodes, that they are of are whole.

    Every step is handed out once. Where an episode goes on over several rollouts its first steps were made by an older
    policy than its last ones: ``log_prob`` is that of the policy that acted.

    Args:
        num_envs: B.
        group_size: G, episodes of a group, which are handed out together; a column "group" [T, B] of the rollouts then
            says which group a step is of. 1: each episode is a group by itself.
    """

    def __init__(self, num_envs: int, group_size: int = 1) -> None:
        self.group_size = group_size
        self._running = torch.arange(num_envs)  # [B] number of the episode that each environment is in
        self._count = num_envs  # numbers that were given
        self._kept: dict[str, Tensor] = {}  # steps [R, ...] that wait, in the order in which they were made

    def add(self, rollout: Rollout) -> Episodes:
        """Take the steps of a rollout, of which copies are kept; returns all that is whole now, perhaps nothing."""
        ended = rollout.terminated | rollout.truncated
        steps = {f"observation.{key}": array.flatten(0, 1) for key, array in rollout.observation.items()}
        steps |= {f"columns.{key}": array.flatten(0, 1) for key, array in rollout.columns.items()}
        for name in ("action", "log_prob", "value", "reward"):
            steps[name] = getattr(rollout, name).flatten()
        steps["ended"], steps["episode"] = ended.flatten(), self._number(ended).flatten()
        every = {name: torch.cat([self._kept[name], new]) if self._kept else new for name, new in steps.items()}
        group = every["columns.group"] if self.group_size > 1 else every["episode"]
        is_whole = self._is_whole(group, every["ended"])
        whole, rest = (chosen.nonzero().squeeze(1) for chosen in (is_whole, ~is_whole))
        self._kept = {name: array.index_select(0, rest) for name, array in every.items()}
        return _sorted({name: array.index_select(0, whole) for name, array in every.items()}, group[whole])

    def _number(self, ended: Tensor) -> Tensor:
        """The number [T, B] of the episode that each step is of; no two episodes share one."""
        batch = ended.shape[1]
        running = self._running = self._running.to(ended.device)
        ends = torch.cat([torch.zeros_like(ended[:1]), ended]).long().cumsum(0)  # before each step, and after the last
        new = self._count + (ends - 1) * batch + torch.arange(batch, device=ended.device)
        numbers = torch.where(ends == 0, running, new)
        self._running = numbers[-1]
        self._count += int(ends[-1].max()) * batch
        return numbers[:-1]

    def _is_whole(self, group: Tensor, ended: Tensor) -> Tensor:
        """Which steps [R] are of a group all of whose episodes have ended."""
        groups, place = group.unique(return_inverse=True)
        ends = torch.zeros(len(groups), dtype=torch.int64, device=group.device).index_add_(0, place, ended.long())
        whole: Tensor = ends == self.group_size
        return whole[place]

    def forget(self) -> None:
        """Drop what waits: the environments have begun new episodes."""
        self._kept = {}

    def state_dict(self) -> dict[str, Any]:
        """What waits."""
        kept = {name: array.clone() for name, array in self._kept.items()}
        return {"running": self._running.clone(), "count": self._count, "kept": kept}

    def load_state_dict(self, saved: dict[str, Any], device: torch.device | str = "cpu") -> None:
        """Continue from :meth:`state_dict`."""
        self._running, self._count = saved["running"].to(device), saved["count"]
        self._kept = {name: array.to(device) for name, array in saved["kept"].items()}


def _sorted(steps: dict[str, Tensor], group: Tensor) -> Episodes:
    """Steps of whole groups as episodes, one after the other.

    Args:
        steps: [R, ...] by name, those of an episode in order.
        group: [R].
    """
    numbers, place = steps["episode"].unique(return_inverse=True)
    group_of = torch.zeros_like(numbers)
    group_of[place] = group  # all steps of an episode say the same
    order = group_of.argsort(stable=True)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    rows = rank[place].argsort(stable=True)
    found = {name: array[rows] for name, array in steps.items()}
    return Episodes(
        observation=_part(found, "observation."),
        action=found["action"],
        log_prob=found["log_prob"],
        value=found["value"],
        reward=found["reward"],
        columns=_part(found, "columns."),
        episode=rank[place][rows],
        group=group_of[order].unique(return_inverse=True)[1],
    )


def _part(steps: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): array for name, array in steps.items() if name.startswith(prefix)}
