"""What auxiliary losses have in common: what an agent learns beside acting, of labels that are known in training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

from gymnasium.vector import VectorEnv
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.core import Decision
from groundling.training.recorders import Recorder


class AuxiliaryLoss(ABC):
    """A term of the loss of an agent that learns from rollouts.

    Args:
        agent: that has a head for it.
        coefficient: weight of the term.

    Attributes:
        name: of its metric.
    """

    name: ClassVar[str]

    def __init__(self, agent: ActorCritic, coefficient: float) -> None:
        self.agent = agent
        self.coefficient = coefficient

    @abstractmethod
    def recorder(self, envs: VectorEnv) -> Recorder:
        """What notes its labels in a rollout.

        Raises:
            ConfigurationError: if these environments do not know them.
        """

    def noting(self) -> AbstractContextManager[object]:
        """A context in which the agent decides on what the loss is then computed of."""
        return nullcontext()

    @abstractmethod
    def __call__(self, decision: Decision, columns: Mapping[str, Tensor]) -> Tensor:
        """The loss, a mean over the frames of a minibatch.

        Args:
            decision: of the agent on the T * B frames, made in :meth:`noting`.
            columns: of the rollout, those frames of each, [T, B, ...].
        """
