"""What a planner is: a policy that is told in which environments it plays, so that it can try actions in copies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.errors import ConfigurationError
from groundling.interfaces import CopyableEnvs, Observation


class Planner(ABC):
    """A policy that looks ahead with an agent. It needs environments whose worlds can be copied (:meth:`bind`).

    The state of an environment is the agent's memory and, in one more column, the number of the environment.

    Args:
        agent: whose policy and value it uses; its memory is part of what is looked ahead from.
        config: of the planner.

    Attributes:
        Config: the class of its settings, a frozen dataclass of plain values with defaults.
        budget: the setting that stands behind the planner's name, ``mcts:64``.
        envs: that it plays in; None before :meth:`bind`.
    """

    Config: ClassVar[type[Any]]
    budget: ClassVar[str]

    def __init__(self, agent: ActorCritic, config: Any) -> None:
        self.agent = agent
        self.config = config
        self.envs: CopyableEnvs | None = None

    @property
    def observation_keys(self) -> tuple[str, ...]:
        """The keys of an observation that the agent reads."""
        return self.agent.observation_keys

    def bind(self, envs: VectorEnv) -> None:
        """Say in which environments it is going to play.

        Raises:
            ConfigurationError: if their worlds cannot be copied.
        """
        own = envs.unwrapped
        if not isinstance(own, CopyableEnvs):
            raise ConfigurationError(
                f"a planner tries actions in copies of the worlds, and {type(own).__name__} cannot be copied (it has "
                "no twin, copy_rows and paste_rows): foreign simulators are played without --planner"
            )
        self.envs = own

    def initial_state(self, num_envs: int) -> Tensor:
        """The agent's own, and in one more column the number of the environment."""
        state = self.agent.initial_state(num_envs)
        return torch.cat([state, torch.arange(num_envs).to(state).unsqueeze(1)], dim=1)

    @torch.no_grad()
    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """What planning chooses in each of B environments, and the memory after the step.

        Raises:
            ConfigurationError: if it was not told in which environments it plays.
        """
        if self.envs is None:
            raise ConfigurationError("a planner has to be told its environments before it acts: call bind(envs)")
        envs = state[:, -1].long().cpu().numpy()
        actions, own = self.plan(observation, state[:, :-1], is_first, envs, greedy, generator)
        return actions, torch.cat([own, state[:, -1:]], dim=1)

    @property
    def relies_on_value(self) -> bool:
        """Whether it chooses by the agent's value, which then has to be a trained one."""
        return False

    @abstractmethod
    def plan(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        envs: Sequence[int] | NDArray[np.int64],
        greedy: bool,
        generator: torch.Generator | None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """Actions [B] and the agent's memory [B, M] after the step; ``envs`` [B] are their environments' numbers."""

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's own."""
        return self.agent.inference_cache()
