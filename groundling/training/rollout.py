"""Rollouts: T steps of B environments, in buffers on the agent's device that are written in place."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class HostRollout:
    """What of a rollout is on the host as well; on the CPU these are the tensors of the rollout itself.

    Attributes:
        observation: by key, each [T, B, ...].
        columns: those that recorders write on the host (``Column.is_sent``), each [T, B, ...] by its name.
        reward: [T, B] float32.
    """

    observation: dict[str, Tensor]
    columns: dict[str, Tensor]
    reward: Tensor


@dataclass
class Rollout:
    """T steps of B environments.

    Attributes:
        observation: the agent's ``observation_keys``, each [T, B, ...] of the shape and type of its space: ``image``
            [T, B, H, W, 3] uint8, ``instruction`` [T, B, L] and, of symbols, ``direction`` [T, B].
        is_first: [T, B] bool, whether the observation begins an episode.
        action: [T, B] int64.
        log_prob: [T, B] float32 of the action when it was drawn.
        value: [T, B] float32 of the observation.
        next_value: [T, B] float32 of the next observation; where an episode was truncated, of its final one.
        reward: [T, B] float32.
        terminated: [T, B] bool.
        truncated: [T, B] bool.
        initial_state: [B, M] of the memory before the first step.
        final_state: [B, M] of the memory after the last step.
        columns: what recorders note besides, each [T, B, ...] by its name.
        host: what of it is on the host as well; None of rollouts that were put together elsewhere.
    """

    observation: dict[str, Tensor]
    is_first: Tensor
    action: Tensor
    log_prob: Tensor
    value: Tensor
    next_value: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    initial_state: Tensor
    final_state: Tensor
    columns: dict[str, Tensor] = field(default_factory=dict)
    host: HostRollout | None = None

    @property
    def on_host(self) -> HostRollout:
        """What of it is on the host as well; copied there where nobody wrote it there first."""
        if self.host is None:
            seen, columns = (
                {name: array.cpu() for name, array in part.items()} for part in (self.observation, self.columns)
            )
            self.host = HostRollout(seen, columns, self.reward.cpu())
        return self.host
