"""The collector: plays an agent in vector environments and writes what it saw and did into a rollout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.envs.final_observations import FinalObservations
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Transition
from groundling.training.environments import SavableEnvs
from groundling.training.recorders import Recorder
from groundling.training.rewards.stage import RewardStage
from groundling.training.rollout import Rollout
from groundling.training.statistics import EpisodeStatistics, RunningEpisodes
from groundling.training.streams import restore_stream


class Collector:
    """Plays an agent in a vector environment and keeps what it saw.

    Args:
        envs: a vector environment with autoreset mode SAME_STEP and the observation keys of the agent.
        agent: the agent; its device holds the buffers.
        num_steps: T.
        generator: of the actions.
        rewards: what the policy is paid for a step; None takes the environments' reward.
        statistics: notes the episodes that end; None makes new ones.
        recorders: note further columns.

    Raises:
        ConfigurationError: if the environment resets in another mode: its final observations would be lost.
    """

    needs_next_values = True

    def __init__(
        self,
        envs: VectorEnv,
        agent: ActorCritic,
        num_steps: int,
        generator: torch.Generator,
        *,
        rewards: RewardStage | None = None,
        statistics: EpisodeStatistics | None = None,
        recorders: Sequence[Recorder] = (),
    ) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ConfigurationError(
                f"training needs vector environments with AutoresetMode.SAME_STEP, these declare {mode}: "
                "pass autoreset_mode=AutoresetMode.SAME_STEP to gymnasium's vector environment"
            )
        self.envs = envs
        self.agent = agent
        self.generator = generator
        self.rewards = rewards or RewardStage.of_environment()
        self.statistics = statistics or EpisodeStatistics.of_envs(envs)
        self.recorders = tuple(recorders)
        batch = envs.num_envs
        is_own = isinstance(envs.unwrapped, GroundlingVectorEnv)
        self._unreported = None if is_own else RunningEpisodes(batch)
        device = agent.device
        self.keys = agent.observation_keys
        parts = _spaces_of(envs, self.keys)
        self.observation: dict[str, Any] = {}
        self.state = agent.initial_state(batch)
        self.is_first = torch.ones(batch, dtype=torch.bool, device=device)

        def buffer(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(num_steps, batch, *shape, dtype=dtype, device=device)

        columns = {name: column for recorder in self.recorders for name, column in recorder.columns.items()}
        self.rollout = Rollout(
            observation={key: buffer(*(parts[key].shape or ()), dtype=_dtype_of(parts[key])) for key in self.keys},
            is_first=buffer(dtype=torch.bool),
            action=buffer(dtype=torch.int64),
            log_prob=buffer(),
            value=buffer(),
            next_value=buffer(),
            reward=buffer(),
            terminated=buffer(dtype=torch.bool),
            truncated=buffer(dtype=torch.bool),
            initial_state=self.state.clone(),
            final_state=self.state.clone(),
            columns={name: buffer(*column.shape, dtype=column.dtype) for name, column in columns.items()},
        )

    def start(self, seed: int) -> None:
        """Begin the first episodes."""
        self.observation, _ = self.envs.reset(seed=seed)
        self.rewards.begin()

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        with ExitStack() as stack:
            stack.enter_context(self.agent.inference_cache())
            for recorder in self.recorders:
                stack.enter_context(recorder.inference_cache())
            rollout = self._collect()
        self.rewards.settle(rollout)
        return rollout

    def _collect(self) -> Rollout:
        out = self.rollout
        self.state = out.final_state.clone()
        out.initial_state.copy_(self.state)
        final_values = _FinalValues(self.keys)
        for step in range(len(out.action)):
            for recorder in self.recorders:
                recorder.before_step(out, step)
            for key in self.keys:
                out.observation[key][step].copy_(torch.as_tensor(self.observation[key]))
            out.is_first[step] = self.is_first
            action = self.act(step)
            out.action[step] = action
            ended, info = self._step(step, action)
            self.is_first = torch.as_tensor(ended, device=self.agent.device).clone()
            if ended.any():
                self.statistics.add(info, ended)
                if self.needs_next_values:
                    truncated = out.truncated[step] & ~out.terminated[step]
                    final_values.note(step, np.flatnonzero(truncated.cpu().numpy()), info, self.state)
        out.final_state.copy_(self.state)
        if self.needs_next_values:
            self._note_next_values(final_values)
        return out

    def _step(self, step: int, action: Tensor) -> tuple[NDArray[np.bool_], dict[str, Any]]:
        """Step the environments and note what they answer; where episodes ended [B], and the info."""
        out, chosen = self.rollout, action.cpu().numpy()
        texts = self.rewards.texts_of(self.envs)
        self.observation, reward, terminated, truncated, info = self.envs.step(chosen)
        ended = terminated | truncated
        if self._unreported is not None:
            info = self._unreported.reported(info, reward, ended)
        if not self.rewards.is_plain:
            before = {key: array[step].cpu().numpy() for key, array in out.observation.items()}
            reward = self.rewards(
                Transition(before, chosen, self.observation, reward, terminated, truncated, info, texts)
            )
        out.reward[step] = torch.as_tensor(reward, dtype=torch.float32)
        out.terminated[step] = torch.as_tensor(terminated)
        out.truncated[step] = torch.as_tensor(truncated)
        return ended, info

    def act(self, step: int) -> Tensor:
        """Actions [B] on the observations of a step; what the agent makes of them is noted."""
        out = self.rollout
        is_first = self.is_first.unsqueeze(0)
        prepared = self.agent.prepare({key: out.observation[key][step] for key in self.keys})
        decision = self.agent(prepared, self.state, is_first)
        self.state = decision.state
        logits = decision.logits[0]
        action = self.choose(step, sample_actions(logits, self.generator))
        out.value[step] = decision.value[0]
        out.log_prob[step] = logits.log_softmax(dim=-1).gather(1, action.unsqueeze(1)).squeeze(1)
        for recorder in self.recorders:
            recorder.after_decision(out, step, prepared, is_first)
        return action

    def choose(self, step: int, action: Tensor) -> Tensor:
        """The actions [B] that are taken, of those that the agent drew."""
        return action

    def _note_next_values(self, final_values: _FinalValues) -> None:
        """Note the value of what follows each step; where an episode was truncated, of its final observation."""
        out = self.rollout
        out.next_value[:-1] = out.value[1:]
        out.next_value[-1] = self._value(self.observation, self.state, self.is_first)
        if final_values.rows:
            none = torch.zeros(len(final_values.rows), dtype=torch.bool, device=self.agent.device)
            steps, rows = zip(*final_values.rows, strict=True)
            values = self._value(final_values.observation(), torch.cat(final_values.states), none)
            out.next_value[list(steps), list(rows)] = values

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next rollout depends on, the agent apart; tensors and plain values.

        Of environments that cannot be saved ``envs`` is None.
        """
        saved = self.envs.state_dict() if isinstance(self.envs, SavableEnvs) else None
        return {
            "state": self.rollout.final_state.clone(),
            "is_first": self.is_first.clone(),
            "actions": self.generator.get_state(),
            "recorders": {recorder.name: recorder.state_dict() for recorder in self.recorders},
            "envs": None if saved is None else {name: torch.as_tensor(array) for name, array in saved.items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`.

        Environments that cannot be saved go on with the episodes that they are in, which :meth:`start` began.
        """
        restore_stream(self.generator, saved["actions"])
        for recorder in self.recorders:
            recorder.load_state_dict(saved["recorders"][recorder.name])
        if saved["envs"] is None:
            return
        assert isinstance(self.envs, SavableEnvs)
        self.rollout.final_state.copy_(saved["state"])
        self.is_first = saved["is_first"].to(self.agent.device)
        self.observation = self.envs.load_state_dict({k: tensor.numpy() for k, tensor in saved["envs"].items()})

    def _value(self, observation: dict[str, Any], state: Tensor, is_first: Tensor) -> Tensor:
        prepared = self.agent.prepare(observation)
        return self.agent(prepared, state, is_first.unsqueeze(0)).value[0]


def _spaces_of(envs: VectorEnv, keys: tuple[str, ...]) -> spaces.Dict:
    space = envs.single_observation_space
    missing = [key for key in keys if not isinstance(space, spaces.Dict) or key not in space.spaces]
    if missing:
        raise ConfigurationError(f"the environments' observations have no {', '.join(missing)}")
    assert isinstance(space, spaces.Dict)
    return space


def _dtype_of(space: spaces.Space[Any]) -> torch.dtype:
    return torch.as_tensor(np.zeros(0, dtype=space.dtype)).dtype


class _FinalValues:
    """The final observations of truncated episodes, so that their values are computed all at once."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
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
            self._observations.append({key: final.arrays[key][rows] for key in self.keys})
        else:
            stacked = {key: np.stack([final[row][key] for row in rows]) for key in self.keys}
            self._observations.append(stacked)

    def observation(self) -> dict[str, NDArray[Any]]:
        """All of them as one batch."""
        return {key: np.concatenate([o[key] for o in self._observations]) for key in self.keys}
