"""The collector: plays an agent in vector environments and writes what it saw and did into a rollout."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.agents.placement import is_of_host, moved
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Transition
from groundling.training.environments import SavableEnvs
from groundling.training.final_values import FinalValues
from groundling.training.recorders import Column, Recorder
from groundling.training.rewards.stage import RewardStage
from groundling.training.rollout import HostRollout, Rollout
from groundling.training.staging import Staging
from groundling.training.statistics import EpisodeStatistics, RunningEpisodes
from groundling.training.streams import restore_stream

StepAnswer = tuple[dict[str, Any], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]
OBSERVATION, COLUMN, IS_FIRST = "observation.", "column.", "is_first"


class Collector:
    """Plays an agent in a vector environment and keeps what it saw.

    Args:
        envs: a vector environment with autoreset mode SAME_STEP and the observation keys of the agent.
        agent: the agent; its device holds the rollout. Each step moves one batch there, of observations and what else
            is known on the host, and one batch of actions back.
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
        self.is_first = torch.ones(batch, dtype=torch.bool)  # on the host

        def buffer(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(num_steps, batch, *shape, dtype=dtype, device=device)

        columns = {name: column for recorder in self.recorders for name, column in recorder.columns.items()}
        seen = {key: Column(tuple(parts[key].shape or ()), _dtype_of(parts[key])) for key in self.keys}
        noted = {name: column for name, column in columns.items() if column.is_sent}
        flag = Column((), torch.bool)
        # what is known before a step goes to the device with its observation, what follows from it after the last one
        known = {**_named(OBSERVATION, seen), **_named(COLUMN, noted), IS_FIRST: flag}
        self._before = Staging(known, num_steps, batch, device)
        self._after = Staging(
            {"reward": Column((), torch.float32), "terminated": flag, "truncated": flag}, num_steps, batch, device
        )
        here, there = self._before.host, self._before.device
        self.rollout = Rollout(
            observation=_unnamed(OBSERVATION, there),
            is_first=there[IS_FIRST],
            action=buffer(dtype=torch.int64),
            log_prob=buffer(),
            value=buffer(),
            next_value=buffer(),
            **self._after.device,
            initial_state=self.state.clone(),
            final_state=self.state.clone(),
            columns={
                name: there[COLUMN + name] if column.is_sent else buffer(*column.shape, dtype=column.dtype)
                for name, column in columns.items()
            },
            host=HostRollout(_unnamed(OBSERVATION, here), _unnamed(COLUMN, here), self._after.host["reward"]),
        )

    def start(self, seed: int) -> None:
        """Begin the first episodes."""
        self.observation, _ = self.envs.reset(seed=seed)
        self.rewards.begin()

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        with ExitStack() as stack:
            for cache in self._caches():
                stack.enter_context(cache)
            play = self.play()
            actions = next(play, None)
            while actions is not None:
                actions = next_of(play, self.envs.step(actions))
        self.rewards.settle(self.rollout)
        return self.rollout

    def _caches(self) -> list[AbstractContextManager[None]]:
        """Contexts for the steps of a rollout, in which no parameters change."""
        return [self.agent.inference_cache(), *(recorder.inference_cache() for recorder in self.recorders)]

    def play(self) -> Generator[NDArray[np.int64], StepAnswer, None]:
        """Play T steps: give actions [B] for the environments, and be sent what they answer to them."""
        out = self.rollout
        self.state = out.final_state.clone()
        out.initial_state.copy_(self.state)
        final_values = FinalValues(self.keys)
        for step in range(len(out.action)):
            for recorder in self.recorders:
                recorder.before_step(out, step)
            self._send(step)
            action = self.act(step)
            out.action[step] = action
            chosen = self.on_host(step, action)
            texts = self.rewards.texts_of(self.envs)
            ended, info = self._note(step, chosen, (yield chosen), texts)
            self.is_first = torch.from_numpy(ended.copy())
            if ended.any():
                self.statistics.add(info, ended)
                if self.needs_next_values:
                    after = self._after.host
                    truncated = after["truncated"][step] & ~after["terminated"][step]
                    final_values.note(step, np.flatnonzero(truncated.numpy()), info, self.state)
        out.final_state.copy_(self.state)
        self._after.send_all()
        if self.needs_next_values:
            self._note_next_values(final_values)

    def _send(self, step: int) -> None:
        """Write the observations of a step, and what recorders noted, into the rollout: one copy to the device."""
        host, there = self._before.host, self._before.device
        if host is not there:
            self.agent.check_values({key: array for key, array in self.observation.items() if is_of_host(array)})
        elsewhere = {}
        for key in self.keys:
            array = self.observation[key]
            if is_of_host(array):
                host[OBSERVATION + key][step].copy_(torch.as_tensor(array))
            else:
                elsewhere[key] = array
        host[IS_FIRST][step] = self.is_first
        self._before.send(step)
        for key, array in elsewhere.items():  # of environments that are on the device
            there[OBSERVATION + key][step].copy_(torch.as_tensor(array, device=self.agent.device))

    def _note(
        self, step: int, chosen: NDArray[np.int64], answer: StepAnswer, texts: tuple[str, ...]
    ) -> tuple[NDArray[np.bool_], dict[str, Any]]:
        """Note what the environments answered; where episodes ended [B], and the info."""
        out, after = self.rollout, self._after.host
        self.observation, reward, terminated, truncated, info = answer
        ended = terminated | truncated
        if self._unreported is not None:
            info = self._unreported.reported(info, reward, ended)
        if not self.rewards.is_plain:
            before = {key: array[step].numpy() for key, array in out.on_host.observation.items()}
            reward = self.rewards(
                Transition(before, chosen, self.observation, reward, terminated, truncated, info, texts)
            )
        after["reward"][step] = torch.as_tensor(reward, dtype=torch.float32)
        after["terminated"][step] = torch.as_tensor(terminated)
        after["truncated"][step] = torch.as_tensor(truncated)
        return ended, info

    def act(self, step: int) -> Tensor:
        """Actions [B] on the observations of a step; what the agent makes of them is noted."""
        out = self.rollout
        is_first = out.is_first[step].unsqueeze(0)
        prepared = self.agent.prepare({key: out.observation[key][step] for key in self.keys})
        decision = self.agent(prepared, self.state, is_first)
        self.state = decision.state
        logits = decision.logits[0]
        action = self.choose(step, self.sample(logits))
        out.value[step] = decision.value[0]
        out.log_prob[step] = logits.log_softmax(dim=-1).gather(1, action.unsqueeze(1)).squeeze(1)
        for recorder in self.recorders:
            recorder.after_decision(out, step, prepared, is_first)
        return action

    def on_host(self, step: int, action: Tensor) -> NDArray[np.int64]:
        """The actions [B] of a step for the environments: the one time in a step that the host waits for the device."""
        chosen: NDArray[np.int64] = action.cpu().numpy()
        return chosen

    def sample(self, logits: Tensor) -> Tensor:
        """Actions [B] drawn from logits [B, A]."""
        return sample_actions(logits, self.generator)

    def choose(self, step: int, action: Tensor) -> Tensor:
        """The actions [B] that are taken, of those that the agent drew."""
        return action

    def _note_next_values(self, final_values: FinalValues) -> None:
        """Note the value of what follows each step; where an episode was truncated, of its final observation."""
        out = self.rollout
        out.next_value[:-1] = out.value[1:]
        seen = {key: self.observation[key] for key in self.keys}
        out.next_value[-1] = self._value(*self._moved(seen, {"is_first": self.is_first}), self.state)
        if final_values.steps:
            none = torch.zeros(final_values.count, dtype=torch.bool)
            places = final_values.places(len(self.is_first))
            seen, numbers = self._moved(final_values.observation(), {"is_first": none, **places})
            states = torch.stack(final_values.states).flatten(0, 1).index_select(0, numbers["state"])
            out.next_value.view(-1).index_copy_(0, numbers["row"], self._value(seen, numbers, states))

    def _moved(self, observation: dict[str, Any], numbers: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Observations and numbers that belong to them, on the agent's device: one copy."""
        device = self.agent.device
        if device.type == "cpu":
            return observation, numbers
        self.agent.check_values({key: array for key, array in observation.items() if is_of_host(array)})
        both = moved({**_named(OBSERVATION, observation), **_named(COLUMN, numbers)}, device)
        return _unnamed(OBSERVATION, both), _unnamed(COLUMN, both)

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
        self.is_first = saved["is_first"].cpu()
        self.observation = self.envs.load_state_dict({k: tensor.numpy() for k, tensor in saved["envs"].items()})

    def _value(self, observation: dict[str, Any], numbers: dict[str, Tensor], state: Tensor) -> Tensor:
        """The values [R] of observations after a memory's state [R, M]; ``numbers["is_first"]`` is [R]."""
        return self._value_by(self.agent, observation, numbers, state)

    @staticmethod
    def _value_by(agent: ActorCritic, observation: dict[str, Any], numbers: dict[str, Tensor], state: Tensor) -> Tensor:
        prepared = agent.prepare(observation)
        return agent(prepared, state, numbers["is_first"].unsqueeze(0)).value[0]


def next_of(play: Generator[NDArray[np.int64], StepAnswer, None], answer: StepAnswer) -> NDArray[np.int64] | None:
    """The next actions of a rollout after an answer of the environments; None after the last one."""
    try:
        return play.send(answer)
    except StopIteration:
        return None


def _named(prefix: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {prefix + name: part for name, part in parts.items()}


def _unnamed(prefix: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}


def _spaces_of(envs: VectorEnv, keys: tuple[str, ...]) -> spaces.Dict:
    space = envs.single_observation_space
    missing = [key for key in keys if not isinstance(space, spaces.Dict) or key not in space.spaces]
    if missing:
        raise ConfigurationError(f"the environments' observations have no {', '.join(missing)}")
    assert isinstance(space, spaces.Dict)
    return space


def _dtype_of(space: spaces.Space[Any]) -> torch.dtype:
    return torch.as_tensor(np.zeros(0, dtype=space.dtype)).dtype
