"""Compared trajectories as an agent takes them in: observations by time, padded, with a mask of what is real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.training.preferences.comparisons import EQUAL, Comparisons


@dataclass(frozen=True)
class Segments:
    """P pairs of trajectories as tensors; trajectory p of the first ones stands before those of the second, B = 2 P.

    Attributes:
        observation: by key, [T, B, ...].
        action: [T, B] int64.
        is_real: [T, B] float32, 1 where a trajectory has not ended.
        is_first: [T, B] bool, true at the first step.
        target: [P] float32, how likely the first is preferred: 1, 0 or .5.
    """

    observation: dict[str, Tensor]
    action: Tensor
    is_real: Tensor
    is_first: Tensor
    target: Tensor

    @classmethod
    def of(cls, comparisons: Comparisons, agent: ActorCritic, most_steps: int | None = None) -> Segments:
        """Pairs as an agent reads them, cut after ``most_steps``."""
        steps = int(comparisons.length.max())
        steps = steps if most_steps is None else min(steps, most_steps)

        def by_time(array: np.ndarray) -> Tensor:
            both = np.concatenate([array[:, 0, :steps], array[:, 1, :steps]])
            return torch.as_tensor(np.ascontiguousarray(both.swapaxes(0, 1)), device=agent.device)

        action = by_time(comparisons.action)
        length = torch.as_tensor(np.concatenate(list(comparisons.length.T)), device=agent.device)
        time = torch.arange(steps, device=agent.device).unsqueeze(1)
        return cls(
            observation={key: by_time(comparisons.observation[key]) for key in agent.observation_keys},
            action=action,
            is_real=(time < length).float(),
            is_first=(time == 0).expand_as(action),
            target=torch.as_tensor(comparisons.label, dtype=torch.float32, device=agent.device),
        )

    def __len__(self) -> int:
        return len(self.target)

    def take(self, pairs: Tensor) -> Segments:
        """Those of some pairs [P']; steps in which all have ended are left out."""
        rows = torch.cat([pairs, pairs + len(self)])
        real = self.is_real[:, rows]
        steps = int(real.sum(dim=0).max())
        return Segments(
            {key: array[:steps, rows] for key, array in self.observation.items()},
            self.action[:steps, rows],
            real[:steps],
            self.is_first[:steps, rows],
            self.target[pairs],
        )

    def batches(self, size: int, generator: torch.Generator) -> Iterator[Tensor]:
        """The numbers of all pairs once, in random order, so many at a time."""
        yield from torch.randperm(len(self), generator=generator, device=self.action.device).split(size)

    def logits(self, agent: ActorCritic) -> Tensor:
        """What an agent gives for every action, [T, B, A]."""
        prepared = agent.prepare({key: array.flatten(0, 1) for key, array in self.observation.items()})
        decided = agent(prepared, agent.initial_state(self.action.shape[1]), self.is_first)
        return decided.logits

    def of_actions(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """The sums over time [P] of values [T, B, A] at the actions taken, of the first and the second of each pair."""
        chosen = values.gather(-1, self.action.unsqueeze(-1)).squeeze(-1)
        first, second = (chosen * self.is_real).sum(dim=0).chunk(2)
        return first, second


def preference_loss(margin: Tensor, target: Tensor) -> Tensor:
    """-[y log sigmoid(m) + (1 - y) log sigmoid(-m)], a mean over pairs.

    Args:
        margin: [P], by how much the first of each pair is better.
        target: [P], how likely the first is preferred.

    Source: Bradley and Terry 1952; Christiano et al. 2017, arXiv:1706.03741, equation 1.
    """
    return torch.nn.functional.binary_cross_entropy_with_logits(margin, target)


def agreement(margin: Tensor, target: Tensor) -> float:
    """How often the sign of the margin [P] is that of the preference, of the pairs that have one; NaN of none."""
    has_one = target != EQUAL
    if not bool(has_one.any()):
        return float("nan")
    return float(((margin > 0) == (target > EQUAL))[has_one].float().mean())
