"""What checks ask an agent: the same episodes played in several ways, each once and only if a check asks for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic, sample_actions
from groundling.agents.baselines import RandomPolicy
from groundling.agents.bots.policy import TeacherPolicy
from groundling.envs.families.base import EnvFamily
from groundling.errors import ConfigurationError
from groundling.eval.evaluation import Evaluation, PlayedSet
from groundling.eval.rollout import Outcome, Stepped, roll_out
from groundling.eval.runs import BLIND_NAME, document_controls, run_families, shuffled_control
from groundling.eval.suites import SuiteRow, suite_rows, suites_for
from groundling.interfaces import Observation, Policy, Teacher
from groundling.seeding import integer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.tasks import training_envs
from groundling.training.teachers import find_teacher

MOST_TASKS = 6  # of a run that are played


@dataclass(frozen=True)
class Decisions:
    """Every step of some episodes, F frames.

    Attributes:
        value: [F] that the agent expected.
        found: [F] discounted sum of the rewards from there to the end of the episode.
        probabilities: [F, A] of the actions.
        action: [F] that was taken.
    """

    value: NDArray[np.float64]
    found: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    action: NDArray[np.int64]


class Recorder:
    """An agent as a policy whose decisions are kept, and an observer that adds what they led to.

    Args:
        agent: that decides.
    """

    def __init__(self, agent: ActorCritic) -> None:
        self._agent = agent
        self._steps: list[dict[str, NDArray[Any]]] = []

    def initial_state(self, num_envs: int) -> Tensor:
        """The agent's own, and in one more column the number of the environment."""
        state = self._agent.initial_state(num_envs)
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
        """The agent's actions, drawn as it draws them itself."""
        first = torch.as_tensor(is_first).unsqueeze(0)
        decision = self._agent(self._agent.prepare(observation), state[:, :-1], first)
        logits = decision.logits[0]
        action = (logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)).numpy()
        self._steps.append(
            {
                "env": state[:, -1].long().numpy(),
                "value": decision.value[0].double().numpy(),
                "probabilities": logits.softmax(dim=-1).double().numpy(),
                "action": action,
            }
        )
        return action, torch.cat([decision.state, state[:, -1:]], dim=1)

    def inference_cache(self) -> AbstractContextManager[None]:
        """The agent's own."""
        return self._agent.inference_cache()

    def __call__(self, stepped: Stepped) -> None:
        """Note what the last decisions were paid, and where episodes ended."""
        env = self._steps[-1]["env"]
        ended = stepped.terminated | stepped.truncated
        self._steps[-1] |= {"reward": np.array(stepped.reward)[env], "ended": np.array(ended)[env]}

    def decisions(self, gamma: float) -> Decisions:
        """All that was decided in episodes that came to their end.

        found_t = r_t + gamma found_{t+1},   found = 0 after the end, a time limit included
        """
        after = np.zeros(1 + max((int(step["env"].max()) for step in self._steps), default=0))
        for step in reversed(self._steps):
            env = step["env"]
            after[env] = step["reward"] + gamma * np.where(step["ended"], 0.0, after[env])
            step["found"] = after[env].copy()
        parts = {n: np.concatenate([s[n] for s in self._steps]) for n in ("value", "found", "probabilities", "action")}
        return Decisions(**parts)


class CountedTeacher(TeacherPolicy):
    """A teacher that acts, and whose actions are counted.

    Args:
        teacher: of the environments.
        counts: [A] that are added to.
    """

    def __init__(self, teacher: Teacher, counts: NDArray[np.int64]) -> None:
        super().__init__(teacher)
        self._counts = counts

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """The teacher's actions."""
        actions, state = super().act(observation, state, is_first, greedy=greedy, generator=generator)
        np.add.at(self._counts, actions, 1)
        return actions, state


@dataclass(frozen=True)
class Probed:
    """Episodes of a task, played by the agent with drawn actions.

    Attributes:
        row: the episodes.
        evaluation: what became of them.
        decisions: every step.
    """

    row: SuiteRow
    evaluation: Evaluation
    decisions: Decisions


@dataclass
class Probes:
    """Plays a run's agent where checks ask for it; nothing is played twice.

    Args:
        checkpoint: of the run.
        folder: of the run, where its blind control may be; None: it has none.
        episodes: that each player plays, of all tasks together.
        seed: names episodes and draws.
    """

    checkpoint: Checkpoint
    folder: Path | None = None
    episodes: int = 200
    seed: int = 0
    _played: dict[tuple[str, str], Evaluation | None] = field(default_factory=dict)

    @cached_property
    def agent(self) -> ActorCritic:
        """The trained agent."""
        return self.checkpoint.make_agent()

    @property
    def gamma(self) -> float:
        """The discount of the run's algorithm; 0.99 where it has none."""
        return float(getattr(self.checkpoint.config.algorithm_settings, "gamma", 0.99))

    @cached_property
    def families(self) -> tuple[EnvFamily, ...]:
        """The tasks of the run.

        Raises:
            ConfigurationError: if no id names them.
        """
        return run_families(self.folder or Path(), self.checkpoint.config)

    @cached_property
    def rows(self) -> dict[str, SuiteRow]:
        """The episodes, by task: those of the first usual suite, in layouts that training has not seen."""
        config = self.checkpoint.config
        suite = suites_for(self.families)[0]
        each = max(16, self.episodes // min(MOST_TASKS, len(self.families)))
        rows, _ = suite_rows(config, (suite,), episodes=each, seed=self.seed, progress=False)
        return dict(list(rows.items())[:MOST_TASKS])

    @property
    def first(self) -> str:
        """The name of the first row."""
        return next(iter(self.rows))

    @cached_property
    def sampled(self) -> dict[str, Probed]:
        """What the agent does with drawn actions, in all rows, step by step."""
        found = {}
        for name, row in self.rows.items():
            recorder = Recorder(self.agent)
            with PlayedSet(row.episodes) as played:
                evaluation = played.by(recorder, seed=integer(self.seed, "sampled", name), observer=recorder)
            found[name] = Probed(row, evaluation, recorder.decisions(self.gamma))
        return found

    def greedy(self, name: str) -> Evaluation:
        """What the agent reaches in a row with its likeliest actions."""
        return _there(self._evaluated("greedy", name, lambda row: self.agent, greedy=True))

    def random(self, name: str) -> Evaluation:
        """What random actions reach in a row."""
        return _there(self._evaluated("random", name, lambda row: RandomPolicy(self.agent.num_actions)))

    def controls(self, name: str) -> dict[str, Evaluation]:
        """What the controls of evaluation reach in a row, as far as there are any: random, shuffled, no_doc, blind."""
        found = {"random": self.random(name)}
        makers: dict[str, Callable[[SuiteRow], Policy | None]] = {
            "shuffled": lambda row: shuffled_control(self.agent, row, integer(self.seed, "shuffle", name)),
            "no_doc": lambda row: document_controls(self.agent, row, integer(self.seed, "documents", name)).get(
                "no_doc"
            ),
            "blind": lambda row: self._blind(),
        }
        for control, maker in makers.items():
            reached = self._evaluated(control, name, maker)
            if reached is not None:
                found[control] = reached
        return found

    def expert_actions(self, name: str) -> NDArray[np.int64] | None:
        """How often an expert takes each action [A] in a row; None where nobody knows the way."""
        row, counts = self.rows[name], np.zeros(self.agent.num_actions, dtype=np.int64)
        envs = row.episodes.make_envs(min(row.episodes.count, row.episodes.most_envs))
        try:
            start = envs.reset(seed=row.episodes.reset_seed)
            teacher = CountedTeacher(find_teacher(envs, self.checkpoint.config.alone(row.family.id), "world"), counts)
            roll_out(teacher, envs, start, row.episodes.count, spec=row.family.spec)
        except ConfigurationError:
            return None
        finally:
            envs.close()
        return counts

    def random_in_training(self, episodes: int) -> list[Outcome]:
        """What random actions reach in environments as the run trains in, of its first task.

        Raises:
            ConfigurationError: if no id names them.
        """
        config = self.checkpoint.config
        envs: VectorEnv = training_envs(config.alone(config.task_ids[0]))
        try:
            start = envs.reset(seed=integer(self.seed, "training") % 2**31)
            player = RandomPolicy(self.agent.num_actions)
            seed = integer(self.seed, "random in training")
            return roll_out(player, envs, start, episodes, spec=self.families[0].spec, seed=seed)
        finally:
            envs.close()

    def _evaluated(
        self, player: str, name: str, maker: Callable[[SuiteRow], Policy | None], *, greedy: bool = False
    ) -> Evaluation | None:
        """What a player reaches in a row, played once; None where there is no such player."""
        if (player, name) not in self._played:
            row = self.rows[name]
            policy = maker(row)
            found = None
            if policy is not None:
                with PlayedSet(row.episodes) as played:
                    found = played.by(policy, greedy=greedy, seed=integer(self.seed, player, name))
            self._played[player, name] = found
        return self._played[player, name]

    def _blind(self) -> ActorCritic | None:
        place = None if self.folder is None else self.folder / BLIND_NAME / CHECKPOINT_NAME
        return Checkpoint.load(place).make_agent() if place is not None and place.exists() else None


def _there(found: Evaluation | None) -> Evaluation:
    assert found is not None
    return found
