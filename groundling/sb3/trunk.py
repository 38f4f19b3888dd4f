"""The agent's network up to its heads as a features extractor of Stable-Baselines3."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Self

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.interfaces import Field, Spec
from groundling.sb3.vec_env import GroundlingVecEnv


class AgentTrunk(BaseFeaturesExtractor):
    """All observation encoders of an agent and their fusion with the words; what stands before memory and heads.

    Stable-Baselines3 hands on numbers as float32, categories as one-hot vectors, and pictures with their channels
    first; this is undone here, since the agent's encoders read the fields as the environments have them.

    Args:
        observation_space: a ``Dict`` of the fields that the agent reads.
        spec: what the agent is built for.
        config: parts and sizes; the memory is left to the algorithm.

    Attributes:
        agent: an ``ActorCritic`` without memory and heads.

    Raises:
        ConfigurationError: if a field is missing, or the agent's vision has memory and heads of its own.
    """

    def __init__(self, observation_space: spaces.Dict, spec: Spec, config: AgentConfig | None = None) -> None:
        config = config or AgentConfig()
        super().__init__(observation_space, config.hidden_dim)
        agent = ActorCritic(config, spec)
        if agent.core is not None:
            raise ConfigurationError(
                f"an agent of vision {config.vision!r} has memory and heads of its own, which no algorithm of "
                "Stable-Baselines3 can use: take another vision, or --algorithm ppo"
            )
        missing = [key for key in agent.observation_keys if key not in observation_space.spaces]
        if missing:
            raise ConfigurationError(f"the observations have no {', '.join(missing)}, which the agent reads")
        del agent.memory, agent.policy, agent.value
        self.agent = agent
        self._spaces = {key: observation_space.spaces[key] for key in agent.observation_keys}

    def apply(self, fn: Any) -> Self:
        """Leave the parameters as they were drawn: SB3's ``ortho_init`` would draw those of every layer anew."""
        return self

    def restored(self, observations: dict[str, Tensor]) -> dict[str, Tensor]:
        """The fields [R, ...] as the environments had them, of what SB3 made of them."""
        fields = self.agent.spec.observation
        return {key: restore(observations[key], space, fields[key]) for key, space in self._spaces.items()}

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Features [R, hidden_dim] of preprocessed observations."""
        return self.agent.features(self.agent.prepare(self.restored(observations)))


def restore(array: Tensor, space: spaces.Space[Any], part: Field) -> Tensor:
    """A field [R, ...] as the environments had it.

    Args:
        array: what ``preprocess_obs`` made of it without ``normalize_images``.
        space: the model's, in which pictures may be transposed.
        part: the field.
    """
    if isinstance(space, spaces.Discrete):
        return array.argmax(dim=-1).reshape(len(array))  # [R, n], or [R, 1, n] from SB3's buffers
    shape = space.shape or ()
    if len(shape) == 3 and shape != part.shape and shape == (part.shape[-1], *part.shape[:-1]):
        array = array.permute(0, 2, 3, 1)
    return array.to(getattr(torch, part.dtype))


def policy_kwargs(
    envs: GroundlingVecEnv | VectorEnv | Spec, config: AgentConfig | None = None, **options: Any
) -> dict[str, Any]:
    """The ``policy_kwargs`` with which any policy ``"MultiInputPolicy"`` has an agent's trunk and linear heads.

    Args:
        envs: the environments, or their specification.
        config: parts and sizes of the agent.
        options: more of the policy's own; they come last.

    Raises:
        ConfigurationError: if no agent can be built for these environments.
    """
    own = envs.envs if isinstance(envs, GroundlingVecEnv) else envs
    spec = own if isinstance(own, Spec) else spec_of(own)
    return {
        "features_extractor_class": AgentTrunk,
        "features_extractor_kwargs": {"spec": spec, "config": config},
        "net_arch": [],
        "normalize_images": False,  # the encoders scale pictures themselves
        **options,
    }


def trunk_of(policy: nn.Module) -> AgentTrunk:
    """The trunk that acts in a policy.

    Raises:
        ConfigurationError: if there is none.
    """
    for name in ("q_net", "quantile_net"):
        policy = getattr(policy, name, policy)
    found = getattr(policy, "features_extractor", None)
    if not isinstance(found, AgentTrunk):
        raise ConfigurationError("the policy has no AgentTrunk: make the model with groundling.sb3.policy_kwargs(envs)")
    return found


class CachedCollection(BaseCallback):
    """A callback that has the trunk compute what repeats once in a rollout, in which its parameters do not change.

    Of algorithms that learn from rollouts; ``model.learn(..., callback=CachedCollection())``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()

    def _on_rollout_start(self) -> None:
        self._stack.enter_context(trunk_of(self.model.policy).agent.inference_cache())

    def _on_rollout_end(self) -> None:
        self._stack.close()

    def _on_step(self) -> bool:
        return True
