"""A guide leads an agent to where the last action of an episode is taken, and the agent takes it.

So an agent that answers questions is measured without its navigation: the guide walks, the agent answers from what it
was shown on the way (as in VideoNavQA, Cangea et al. 2019, arXiv:1908.04950).
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.errors import ConfigurationError
from groundling.interfaces import Observation, Teacher


class GuidedPolicy:
    """Does what a guide says until the guide takes a last action; which one is taken is the agent's choice.

    The agent sees every observation on the way, so its memory is that of the guide's path.

    Args:
        agent: chooses the last action.
        guide: of the B environments that are played.
        is_last: [A] bool, the actions that end an episode; all others are the guide's.

    Raises:
        ConfigurationError: if ``is_last`` is not of the agent's actions, or names none.
    """

    def __init__(self, agent: ActorCritic, guide: Teacher, is_last: NDArray[np.bool_]) -> None:
        if is_last.shape != (agent.spec.num_actions,) or not is_last.any():
            raise ConfigurationError(
                f"is_last must be [{agent.spec.num_actions}] bool with at least one action that ends an episode, got "
                f"{list(is_last.shape)} with {int(is_last.sum())}"
            )
        self._agent = agent
        self._guide = guide
        self._is_last = is_last

    def initial_state(self, num_envs: int) -> Tensor:
        """[B, 1 + M]: which environment each row is, and the agent's memory."""
        rows = torch.arange(num_envs, dtype=torch.float32).unsqueeze(1)
        return torch.cat([rows, self._agent.initial_state(num_envs)], dim=1)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The guide's actions, the agent's where the guide would end the episode; see :class:`Policy`."""
        logits, memory = self._agent.logits(observation, state[:, 1:], is_first)
        logits = logits.masked_fill(~torch.from_numpy(self._is_last).to(logits.device), -torch.inf)
        own = logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)
        guided = np.array(self._guide.actions()[state[:, 0].cpu().numpy().astype(np.int64)], dtype=np.int64)
        actions = np.where(self._is_last[guided], own.cpu().numpy(), guided)
        return actions, torch.cat([state[:, :1], memory], dim=1)

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's."""
        return self._agent.inference_cache()
