"""Rollouts: T steps of B environments, collected into buffers that are written in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.envs.vector import FinalObservations, GroundlingVectorEnv
from groundling.errors import ConfigurationError

OBSERVATION_KEYS = ("image", "direction", "instruction")


@dataclass
class Rollout:
    """T steps of B environments.

    Attributes:
        observation: ``image`` [T, B, 7, 7, 3] uint8, ``direction`` [T, B], ``instruction`` [T, B, L].
        is_first: [T, B] bool, whether the observation begins an episode.
        action: [T, B] int64.
        log_prob: [T, B] float32 of the action when it was drawn.
        value: [T, B] float32 of the observation.
        next_value: [T, B] float32 of the next observation; where an episode was truncated, of its final one.
        reward: [T, B] float32.
        terminated: [T, B] bool.
        truncated: [T, B] bool.
        initial_state: [B, M] of the memory before the first step.
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


@dataclass
class EpisodeStatistics:
    """The episodes that ended since the statistics were last taken."""

    returns: list[NDArray[np.float64]] = field(default_factory=list)
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    successes: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, info: dict[str, Any], ended: NDArray[np.bool_]) -> None:
        """Note the episodes that ended in a step."""
        self.returns.append(info["episode"]["r"][ended])
        self.lengths.append(info["episode"]["l"][ended])
        success = info.get("success")
        self.successes.append(success[ended] if success is not None else self.returns[-1] > 0)

    def take(self) -> dict[str, float]:
        """Means over the episodes, and their number; the notes are cleared. NaN if no episode ended."""
        arrays: dict[str, list[Any]] = {
            "return": self.returns,
            "episode_length": self.lengths,
            "success": self.successes,
        }
        count = sum(map(len, self.returns))
        means = {name: float(np.concatenate(a).mean()) if count else float("nan") for name, a in arrays.items()}
        for array in arrays.values():
            array.clear()
        return {**means, "episodes": float(count)}


class Collector:
    """Plays an agent in a vector environment and keeps what it saw.

    Args:
        envs: a vector environment with autoreset mode SAME_STEP and the observation keys of Groundling.
        agent: the agent; its device holds the buffers.
        num_steps: T.
        generator: of the actions.

    Raises:
        ConfigurationError: if the environment resets in another mode: its final observations would be lost.
    """

    def __init__(self, envs: VectorEnv, agent: ActorCritic, num_steps: int, generator: torch.Generator) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ConfigurationError(
                f"training needs vector environments with AutoresetMode.SAME_STEP, these declare {mode}: "
                "pass autoreset_mode=AutoresetMode.SAME_STEP to gymnasium's vector environment"
            )
        self.envs = envs
        self.agent = agent
        self.generator = generator
        self.statistics = EpisodeStatistics()
        batch = envs.num_envs
        self._unreported = None if isinstance(envs.unwrapped, GroundlingVectorEnv) else _RunningEpisodes(batch)
        device = agent.device
        shapes = {key: space.shape or () for key, space in _spaces_of(envs).items()}
        self.observation: dict[str, Any] = {}
        self.state = agent.initial_state(batch)
        self.is_first = torch.ones(batch, dtype=torch.bool, device=device)
        dtypes = {"image": torch.uint8, "direction": torch.int64, "instruction": torch.int32}

        def buffer(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(num_steps, batch, *shape, dtype=dtype, device=device)

        self.rollout = Rollout(
            observation={k: buffer(*shapes[k], dtype=dtypes[k]) for k in OBSERVATION_KEYS},
            is_first=buffer(dtype=torch.bool),
            action=buffer(dtype=torch.int64),
            log_prob=buffer(),
            value=buffer(),
            next_value=buffer(),
            reward=buffer(),
            terminated=buffer(dtype=torch.bool),
            truncated=buffer(dtype=torch.bool),
            initial_state=self.state.clone(),
        )

    def start(self, seed: int) -> None:
        """Begin the first episodes."""
        self.observation, _ = self.envs.reset(seed=seed)

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        out = self.rollout
        out.initial_state.copy_(self.state)
        cut_short = _FinalValues()
        for step in range(len(out.action)):
            for key in OBSERVATION_KEYS:
                out.observation[key][step].copy_(torch.as_tensor(self.observation[key]))
            out.is_first[step] = self.is_first
            percepts = self.agent.perceive({key: out.observation[key][step] for key in OBSERVATION_KEYS})
            decision = self.agent(percepts, self.state, self.is_first.unsqueeze(0))
            logits = decision.logits[0]
            action = sample_actions(logits, self.generator)
            self.state = decision.state
            out.action[step] = action
            out.value[step] = decision.value[0]
            out.log_prob[step] = logits.log_softmax(dim=-1).gather(1, action.unsqueeze(1)).squeeze(1)
            self.observation, reward, terminated, truncated, info = self.envs.step(action.cpu().numpy())
            ended = terminated | truncated
            if self._unreported is not None:
                info = self._unreported.reported(info, reward, ended)
            out.reward[step] = torch.as_tensor(reward, dtype=torch.float32)
            out.terminated[step] = torch.as_tensor(terminated)
            out.truncated[step] = torch.as_tensor(truncated)
            self.is_first = torch.as_tensor(ended, device=self.agent.device).clone()
            if ended.any():
                self.statistics.add(info, ended)
                cut_short.note(step, np.flatnonzero(truncated & ~terminated), info, self.state)
        out.next_value[:-1] = out.value[1:]
        out.next_value[-1] = self._value(self.observation, self.state, self.is_first)
        if cut_short.rows:
            none = torch.zeros(len(cut_short.rows), dtype=torch.bool, device=self.agent.device)
            steps, rows = zip(*cut_short.rows, strict=True)
            values = self._value(cut_short.observation(), torch.cat(cut_short.states), none)
            out.next_value[list(steps), list(rows)] = values
        return out

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next rollout depends on, the agent and the generator apart; tensors and plain values.

        Raises:
            ConfigurationError: if the environments cannot be saved.
        """
        if not isinstance(self.envs, GroundlingVectorEnv):
            raise ConfigurationError(f"{type(self.envs).__name__} cannot be saved, so its runs cannot be resumed")
        statistics = vars(self.statistics)
        return {
            "state": self.state.clone(),
            "is_first": self.is_first.clone(),
            "statistics": {k: [torch.as_tensor(a) for a in arrays] for k, arrays in statistics.items()},
            "envs": {name: torch.as_tensor(array) for name, array in self.envs.state_dict().items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        assert isinstance(self.envs, GroundlingVectorEnv)
        self.state = saved["state"].to(self.agent.device)
        self.is_first = saved["is_first"].to(self.agent.device)
        self.statistics = EpisodeStatistics(
            **{name: [tensor.numpy() for tensor in tensors] for name, tensors in saved["statistics"].items()}
        )
        self.observation = self.envs.load_state_dict({k: tensor.numpy() for k, tensor in saved["envs"].items()})

    def _value(self, observation: dict[str, Any], state: Tensor, is_first: Tensor) -> Tensor:
        percepts = self.agent.perceive(observation)
        return self.agent(percepts, state, is_first.unsqueeze(0)).value[0]


def _spaces_of(envs: VectorEnv) -> spaces.Dict:
    space = envs.single_observation_space
    missing = [key for key in OBSERVATION_KEYS if not isinstance(space, spaces.Dict) or key not in space.spaces]
    if missing:
        raise ConfigurationError(f"the environments' observations have no {', '.join(missing)}")
    assert isinstance(space, spaces.Dict)
    return space


class _RunningEpisodes:
    """Return and length of the running episodes, for vector environments that do not report them at the end."""

    def __init__(self, num_envs: int) -> None:
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, dtype=np.int64)

    def reported(self, info: dict[str, Any], reward: NDArray[Any], ended: NDArray[np.bool_]) -> dict[str, Any]:
        """A step's info with ``episode`` and ``success`` where ``GroundlingVectorEnv`` has them."""
        self._returns += reward
        self._lengths += 1
        told = {key: value for key, value in info.items() if key != "success"}
        told["episode"] = {"r": self._returns.copy(), "l": self._lengths.copy()}
        if "success" in info.get("final_info", {}):
            told["success"] = info["final_info"]["success"]
        self._returns[ended] = 0
        self._lengths[ended] = 0
        return told


class _FinalValues:
    """The final observations of truncated episodes, so that their values are computed all at once."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int]] = []
        self.states: list[Tensor] = []
        self._observations: list[dict[str, NDArray[Any]]] = []

    def note(self, step: int, rows: NDArray[np.intp], info: dict[str, Any], state: Tensor) -> None:
        """Keep the final observations of these rows, and the memory's state before them."""
        if len(rows) == 0:
            return
        self.rows.extend((step, int(row)) for row in rows)
        self.states.append(state[torch.as_tensor(rows, device=state.device)])
        final = info["final_obs"]
        if isinstance(final, FinalObservations):
            self._observations.append({key: final.arrays[key][rows] for key in OBSERVATION_KEYS})
        else:
            stacked = {key: np.stack([final[row][key] for row in rows]) for key in OBSERVATION_KEYS}
            self._observations.append(stacked)

    def observation(self) -> dict[str, NDArray[Any]]:
        """All of them as one batch."""
        return {key: np.concatenate([o[key] for o in self._observations]) for key in OBSERVATION_KEYS}
