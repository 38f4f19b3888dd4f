"""Asking an agent for single actions, and having it follow a sentence of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from torch import Tensor

from groundling.errors import ObservationError
from groundling.interfaces import Observation

if TYPE_CHECKING:
    from groundling.agents.actor_critic import ActorCritic


@dataclass(frozen=True)
class Followed:
    """How an agent followed a sentence.

    Attributes:
        instruction: what the agent was told.
        own_instruction: what the environment itself asked for; its success is judged by this.
        success: whether the environment told that its own goal was reached; None where it tells nothing.
        actions: that were taken, in order.
        episode_return: sum of rewards.
    """

    instruction: str
    own_instruction: str
    success: bool | None
    actions: tuple[int, ...]
    episode_return: float


def batch_of(agent: ActorCritic, observation: Observation) -> tuple[dict[str, Any], bool]:
    """An observation as a batch, and whether it was of a single environment.

    Args:
        agent: who is to read it.
        observation: of one environment or of B; an instruction may be a sentence, or a list of B.

    Raises:
        ObservationError: if a key is missing.
        InstructionError: if a sentence has words that the agent does not know.
    """
    spec = agent.spec
    missing = [key for key in agent.observation_keys if key not in observation]
    if missing:
        raise ObservationError(f"the observation has no {', '.join(missing)}; it has {', '.join(observation)}")
    key = agent.encoder.text_key
    text, length = observation[key], spec.observation[key].shape[0]
    if isinstance(text, str):
        text = spec.vocabulary.encode(text, length=max(length, 1))
    elif isinstance(text, list | tuple) and text and isinstance(text[0], str):
        text = spec.vocabulary.encode_all(list(text), length=length)
    arrays = {name: observation[name] if name != key else text for name in agent.observation_keys}
    single = np.ndim(text) == 1
    return {name: np.asarray(array)[np.newaxis] if single else array for name, array in arrays.items()}, single


def predict(
    agent: ActorCritic,
    observation: Observation,
    state: Tensor | None = None,
    episode_start: Any = None,
    *,
    deterministic: bool = False,
) -> tuple[Any, Tensor]:
    """The action on one observation, or on a batch, in the form that Stable-Baselines3 has for it.

    Args:
        agent: who acts.
        observation: of one environment, or [B, ...]; the instruction as token ids or as a sentence.
        state: the memory [B, M] that the last call returned; None begins an episode.
        episode_start: [B] bool, or one, whether the observation begins an episode; None: where there is no state.
        deterministic: take the likeliest action instead of drawing one.

    Returns:
        the action, an int of one environment, else [B] int64; and the memory.

    Raises:
        ObservationError, InstructionError: as :func:`batch_of`.
    """
    batch, single = batch_of(agent, observation)
    count = len(batch[agent.encoder.text_key])
    first = np.full(count, state is None) if episode_start is None else np.broadcast_to(episode_start, (count,))
    state = agent.initial_state(count) if state is None else state
    actions, state = agent.act(batch, state, np.array(first, dtype=np.bool_), greedy=deterministic)
    return (int(actions[0]) if single else actions), state


def follow(
    agent: ActorCritic,
    env: gymnasium.Env[Any, Any],
    instruction: str | None = None,
    *,
    seed: int | None = None,
    deterministic: bool = True,
    max_steps: int = 10_000,
) -> Followed:
    """Have an agent play one episode of an environment, told a sentence of one's own.

    Args:
        agent: who acts.
        env: with the agent's observations; it is reset first.
        instruction: what the agent is told; None leaves the environment's own.
        seed: of the environment's episode.
        deterministic: take the likeliest action instead of drawing one.
        max_steps: after which to stop an environment that does not end.

    Raises:
        InstructionError: if the sentence has words that the agent does not know; the message names the nearest ones.
    """
    key = agent.encoder.text_key
    observation, info = env.reset(seed=seed)
    own = str(info.get(key) or agent.spec.vocabulary.decode(observation[key]))
    told = {} if instruction is None else {key: agent.spec.vocabulary.encode(instruction, length=len(observation[key]))}
    state, actions, total = None, list[int](), 0.0
    success: bool | None = None
    while len(actions) < max_steps:
        action, state = predict(agent, _with(observation, told), state, deterministic=deterministic)
        actions.append(action)
        observation, reward, terminated, truncated, info = env.step(action)
        total += float(reward)
        if terminated or truncated:
            success = next((bool(info[name]) for name in ("success", "is_success") if name in info), None)
            break
    return Followed(instruction or own, own, success, tuple(actions), total)


def _with(observation: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return {**observation, **told}
