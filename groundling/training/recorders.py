"""Recorders: each notes columns of a rollout that one algorithm or loss needs, and nobody else knows of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, PreparedObservation
from groundling.training.rollout import Rollout


class Column(NamedTuple):
    """A column of a rollout.

    Attributes:
        shape: of what stands at one step of one environment.
        dtype: of its numbers.
        is_sent: it is written on the host before the agent decides, into ``rollout.on_host.columns``, and gets to the
            agent's device together with the observations.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    is_sent: bool = False


class Recorder:
    """Notes columns of a rollout; subclasses write what they need of these methods.

    Attributes:
        name: under which its state is saved.
        columns: what it notes, by name.
    """

    name: ClassVar[str]
    columns: Mapping[str, Column]

    def before_step(self, rollout: Rollout, step: int) -> None:
        """Note what holds before the actions of a step are chosen, in columns that are sent."""

    def after_decision(self, rollout: Rollout, step: int, prepared: PreparedObservation, is_first: Tensor) -> None:
        """Note what follows from the observations that the agent has just decided on; ``is_first`` is [1, B]."""

    def inference_cache(self) -> AbstractContextManager[None]:
        """A context for the steps of a rollout, in which no parameters change."""
        return nullcontext()

    def state_dict(self) -> dict[str, Any]:
        """All that its next notes depend on; tensors and plain values."""
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""


class ReferencePolicy(Recorder):
    """Notes the logits of another agent, ``"reference"`` [T, B, A], on the observations that the agent decides on.

    Args:
        agent: the other one; its parameters are saved with the run.
        num_envs: B.
    """

    name = "reference"

    def __init__(self, agent: ActorCritic, num_envs: int) -> None:
        self.agent = agent
        self.columns = {"reference": Column((agent.num_actions,), torch.float32)}
        self._state = agent.initial_state(num_envs)

    def after_decision(self, rollout: Rollout, step: int, prepared: PreparedObservation, is_first: Tensor) -> None:
        """See :class:`Recorder`."""
        decision = self.agent(prepared, self._state, is_first)
        rollout.columns["reference"][step], self._state = decision.logits[0], decision.state

    def inference_cache(self) -> AbstractContextManager[None]:
        """See :class:`Recorder`."""
        return self.agent.inference_cache()

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Recorder`."""
        return {"agent": self.agent.state_dict(), "state": self._state.clone()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Recorder`."""
        self.agent.load_state_dict(saved["agent"])
        self._state = saved["state"].to(self.agent.device)


class Labels(Recorder):
    """Notes labels [T, B, ...] of the present states under a name.

    Args:
        column: the name.
        noted: shape and type of the labels of one state.
        labels: gives them, [B, ...].
    """

    name = "labels"

    def __init__(self, column: str, noted: Column, labels: Callable[[], NDArray[Any]]) -> None:
        self.columns = {column: noted._replace(is_sent=True)}
        self._column = column
        self._labels = labels

    def before_step(self, rollout: Rollout, step: int) -> None:
        """See :class:`Recorder`."""
        rollout.on_host.columns[self._column][step] = torch.from_numpy(self._labels())
