"""Rollouts: T steps of B environments, collected into buffers that are written in place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.envs.due import NUM_DUE
from groundling.envs.vector import FinalObservations, GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.training.environments import SavableEnvs
from groundling.training.statistics import EpisodeStatistics, RunningEpisodes
from groundling.training.teachers import Teacher

NO_LABEL = -1  # where a teacher knew no action


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
        label: [T, B] int64 actions of a teacher, ``NO_LABEL`` where it knew none; of length 0 without a teacher.
        reference: [T, B, A] float32 logits of a reference policy; of length 0 without one.
        due: [T, B, NUM_DUE] bool, what was due; of length 0 where nobody told.
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
    label: Tensor
    reference: Tensor
    due: Tensor


class Collector:
    """Plays an agent in a vector environment and keeps what it saw.

    Args:
        envs: a vector environment with autoreset mode SAME_STEP and the observation keys of the agent.
        agent: the agent; its device holds the buffers.
        num_steps: T.
        generator: of the actions.
        teacher: labels every state with the action that is right there.
        reference: another agent, whose policy is noted beside.
        due: tells what is due in every environment, [B, NUM_DUE] bool.

    Attributes:
        teacher_share: how often the teacher's action is taken instead of the agent's. At 1 the agent is not even asked:
            the memory's state is then the one that the update leaves in ``rollout.final_state``.

    Raises:
        ConfigurationError: if the environment resets in another mode: its final observations would be lost.
    """

    def __init__(
        self,
        envs: VectorEnv,
        agent: ActorCritic,
        num_steps: int,
        generator: torch.Generator,
        *,
        teacher: Teacher | None = None,
        reference: ActorCritic | None = None,
        due: Callable[[], NDArray[np.bool_]] | None = None,
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
        self.teacher = teacher
        self.teacher_share = 0.0
        self.reference = reference
        self.due = due
        batch = envs.num_envs
        own = envs.unwrapped if isinstance(envs.unwrapped, GroundlingVectorEnv) else None
        self.statistics = EpisodeStatistics(own.tasks if own is not None and len(own.tasks) > 1 else ())
        self._unreported = RunningEpisodes(batch) if own is None else None
        device = agent.device
        self.keys = agent.observation_keys
        seen = _spaces_of(envs, self.keys)
        self.observation: dict[str, Any] = {}
        self.state = agent.initial_state(batch)
        self.reference_state = self.state.clone()
        self.is_first = torch.ones(batch, dtype=torch.bool, device=device)

        def buffer(*shape: int, dtype: torch.dtype = torch.float32, steps: int = num_steps) -> Tensor:
            return torch.zeros(steps, batch, *shape, dtype=dtype, device=device)

        self.rollout = Rollout(
            observation={key: buffer(*(seen[key].shape or ()), dtype=_dtype_of(seen[key])) for key in self.keys},
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
            label=buffer(dtype=torch.int64, steps=0 if teacher is None else num_steps),
            reference=buffer(agent.num_actions, steps=0 if reference is None else num_steps),
            due=buffer(NUM_DUE, dtype=torch.bool, steps=0 if due is None else num_steps),
        )

    def start(self, seed: int) -> None:
        """Begin the first episodes."""
        self.observation, _ = self.envs.reset(seed=seed)

    @torch.no_grad()
    def collect(self) -> Rollout:
        """Play T steps; the returned rollout's arrays are written again by the next call."""
        with ExitStack() as stack:
            for agent in (self.agent, self.reference):
                if agent is not None:
                    stack.enter_context(agent.inference_cache())
            return self._collect()

    def _collect(self) -> Rollout:
        out = self.rollout
        self.state = out.final_state.clone()
        out.initial_state.copy_(self.state)
        cut_short = _FinalValues(self.keys)
        for step in range(len(out.action)):
            taught = self._ask_teacher(step)
            if self.due is not None:
                out.due[step] = torch.from_numpy(self.due())
            for key in self.keys:
                out.observation[key][step].copy_(torch.as_tensor(self.observation[key]))
            out.is_first[step] = self.is_first
            action = self._act(step, taught)
            out.action[step] = action
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
                if self.teacher is None:
                    cut_short.note(step, np.flatnonzero(truncated & ~terminated), info, self.state)
        out.final_state.copy_(self.state)
        if self.teacher is None:
            self._note_next_values(cut_short)
        return out

    def _ask_teacher(self, step: int) -> Tensor | None:
        """The teacher's actions [B] on the present observations, noted as labels; None without a teacher."""
        if self.teacher is None:
            return None
        known = torch.from_numpy(self.teacher.actions()).to(self.agent.device, copy=True)
        self.rollout.label[step] = known.masked_fill(
            torch.from_numpy(self.teacher.lost).to(self.agent.device), NO_LABEL
        )
        return known

    def _act(self, step: int, taught: Tensor | None) -> Tensor:
        """Actions [B] on the observations of a step; what is made of them is noted."""
        out = self.rollout
        if taught is not None and self.teacher_share >= 1:
            return taught
        percepts = self.agent.perceive({key: out.observation[key][step] for key in self.keys})
        decision = self.agent(percepts, self.state, self.is_first.unsqueeze(0))
        self.state = decision.state
        logits = decision.logits[0]
        action = sample_actions(logits, self.generator)
        if taught is not None and self.teacher_share > 0:
            draw = torch.rand(len(action), generator=self.generator, device=action.device)
            action = torch.where(draw < self.teacher_share, taught, action)
        out.value[step] = decision.value[0]
        out.log_prob[step] = logits.log_softmax(dim=-1).gather(1, action.unsqueeze(1)).squeeze(1)
        if self.reference is not None:
            known = self.reference(percepts, self.reference_state, self.is_first.unsqueeze(0))
            out.reference[step], self.reference_state = known.logits[0], known.state
        return action

    def _note_next_values(self, cut_short: _FinalValues) -> None:
        """Note the value of what follows each step; where an episode was truncated, of its final observation."""
        out = self.rollout
        out.next_value[:-1] = out.value[1:]
        out.next_value[-1] = self._value(self.observation, self.state, self.is_first)
        if cut_short.rows:
            none = torch.zeros(len(cut_short.rows), dtype=torch.bool, device=self.agent.device)
            steps, rows = zip(*cut_short.rows, strict=True)
            values = self._value(cut_short.observation(), torch.cat(cut_short.states), none)
            out.next_value[list(steps), list(rows)] = values

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next rollout depends on, the agent and the generator apart; tensors and plain values.

        Of environments that cannot be saved ``envs`` is None.
        """
        saved = self.envs.state_dict() if isinstance(self.envs, SavableEnvs) else None
        return {
            "state": self.rollout.final_state.clone(),
            "reference_state": self.reference_state.clone(),
            "teacher": {
                name: torch.as_tensor(array)
                for name, array in (self.teacher.state_dict() if self.teacher is not None else {}).items()
            },
            "is_first": self.is_first.clone(),
            "statistics": self.statistics.state_dict(),
            "envs": None if saved is None else {name: torch.as_tensor(array) for name, array in saved.items()},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`.

        Environments that cannot be saved go on with the episodes that they are in, which :meth:`start` began.
        """
        self.statistics.load_state_dict(saved["statistics"])
        if saved["envs"] is None:
            return
        assert isinstance(self.envs, SavableEnvs)
        self.rollout.final_state.copy_(saved["state"])
        self.reference_state = saved["reference_state"].to(self.agent.device)
        if self.teacher is not None:
            self.teacher.load_state_dict({name: tensor.numpy() for name, tensor in saved["teacher"].items()})
        self.is_first = saved["is_first"].to(self.agent.device)
        self.observation = self.envs.load_state_dict({k: tensor.numpy() for k, tensor in saved["envs"].items()})

    def _value(self, observation: dict[str, Any], state: Tensor, is_first: Tensor) -> Tensor:
        percepts = self.agent.perceive(observation)
        return self.agent(percepts, state, is_first.unsqueeze(0)).value[0]


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
