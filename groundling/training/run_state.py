"""What a run trains and saves, one update at a time. It knows no folder, log or clock; ``loop`` has these."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from gymnasium.vector import VectorEnv

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.specification import spec_of
from groundling.errors import CheckpointError, GroundlingError, ToldElsewhereError
from groundling.seeding import integer
from groundling.training.algorithms import find_algorithm
from groundling.training.algorithms.base import Algorithm, Run, seed_of_rank
from groundling.training.beginnings import initial_agent
from groundling.training.best import BestSoFar
from groundling.training.checkpoint import Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.curriculum import Curriculum, make_curriculum
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.divergence import check_metrics, not_finite
from groundling.training.environments import MixedEnvs, SavableEnvs, warmup_updates
from groundling.training.joint_run import averaged
from groundling.training.ranks import Ranks
from groundling.training.rewards.stage import RewardStage
from groundling.training.statistics import EpisodeStatistics

# What parts raise that are given the state of others.
_UNFIT = (KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError, OverflowError, AssertionError)

_log = logging.getLogger(__name__)


@dataclass
class RunState:
    """The parts of a run that learn, or that its future depends on otherwise.

    Attributes:
        config: of the run.
        envs: the environments of this process, a ``VectorEnv``.
        compiled_envs: Groundling's own within its wrappers, whose tasks can be mixed; None if they are somebody else's.
        agent: what is trained.
        algorithm: how.
        rewards: what it is paid for.
        curriculum: how its tasks are mixed.
        statistics: of the episodes that ended, in all processes.
        own_statistics: of those of this process; of one process alone, the same object.
        best: which agent of the run was the best so far; None where none is looked for.
        ranks: the processes that train the agent together.
        updates: so far.
    """

    config: TrainConfig
    envs: Any
    compiled_envs: MixedEnvs | None
    agent: ActorCritic
    algorithm: Algorithm
    rewards: RewardStage
    curriculum: Curriculum
    statistics: EpisodeStatistics
    own_statistics: EpisodeStatistics
    best: BestSoFar | None
    ranks: Ranks
    updates: int = 0

    @classmethod
    def assemble(
        cls,
        config: TrainConfig,
        envs: Any,
        device: torch.device,
        ranks: Ranks,
        *,
        demonstrations: DemonstrationSet | None,
        initial: Checkpoint | None,
        is_evaluated: bool,
    ) -> RunState:
        """Make the parts of a run around its environments; :meth:`begin` or :meth:`restore` is to follow.

        Args:
            config: of the run.
            envs: a ``VectorEnv``.
            device: of the agent.
            ranks: the processes that train it together.
            demonstrations: recorded episodes that the environments play, if they do.
            initial: the run that this one starts from, if it does.
            is_evaluated: whether somebody says what the agent reaches while it trains.

        Raises:
            ConfigurationError: if the agent, the rewards or the algorithm do not suit the environments.
        """
        spec = spec_of(envs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "agent"))
            agent = ActorCritic(config.agent, spec).to(device)
        beginning = None if initial is None else initial_agent(initial, config, spec, device)
        if beginning is not None:
            agent.load_state_dict(beginning.state_dict())
            beginning.set_precision(config.precision)
        agent.set_precision(config.precision)  # it acts and learns in it: ratios would else not be 1
        steps = config.rollout_frames // config.num_envs
        curriculum = make_curriculum(config.curriculum, warmup_updates(envs, steps))
        own: VectorEnv = envs.unwrapped
        compiled_envs = own if isinstance(own, MixedEnvs) else None
        if compiled_envs is not None:
            compiled_envs.set_shares(curriculum.shares())
        statistics = noted = EpisodeStatistics.of_envs(envs, ranks.size)
        if ranks.size > 1:  # those of this process are handed over to those of all
            noted = EpisodeStatistics.of_envs(envs)
        rewards = RewardStage.of(config, envs)
        if ranks.size > 1:
            rewards.check_processes()
        run = Run(config, envs, agent, rewards, noted, beginning, demonstrations, ranks)
        algorithm = find_algorithm(config.algorithm)(run)
        best = BestSoFar.of(config, is_evaluated=is_evaluated)
        return cls(config, envs, compiled_envs, agent, algorithm, rewards, curriculum, statistics, noted, best, ranks)

    @property
    def frames(self) -> int:
        """Observations trained on so far."""
        return self.updates * self.config.rollout_frames

    def begin(self) -> None:
        """Begin the first episodes, and fit a new agent to what it sees in them."""
        observation = self.algorithm.start(integer(seed_of_rank(self.config.seed, self.ranks), "episodes") % 2**31)
        if not self.config.init:
            self.agent.calibrate(observation)

    def train_once(self) -> dict[str, float]:
        """One collection and one update; returns the metrics.

        Raises:
            DivergenceError: if one of them is not finite.
        """
        metrics, ranks = self.algorithm.train_once(self.updates / self.config.num_updates), self.ranks
        undefined, told = self.algorithm.undefined, self.rewards.take_metrics()
        if ranks.size > 1:
            ranks.copy_first(self.agent.buffers())
            said = ranks.gathered((metrics, told, self.own_statistics.hand_over()))
            every, rewards, noted = ([part[place] for part in said] for place in range(3))
            metrics, told = averaged(every, undefined), averaged(rewards, rewards[0])
            self.statistics.take_over(noted)
        if ranks.is_first:
            check_metrics(metrics, undefined)
        elif not_finite(metrics, undefined):
            raise ToldElsewhereError("a number is not finite")
        self.updates += 1
        return {**self._advance_curriculum(), **told, **metrics}

    def _advance_curriculum(self) -> dict[str, float]:
        """The metrics of the episodes that ended; the curriculum mixes those that begin next by them."""
        statistics, own = self.statistics, self.compiled_envs
        if own is None:
            return statistics.take()
        by_task = len(own.tasks) > 1 and self.config.curriculum.of == "tasks"  # instructions may be thousands
        mixed: dict[str, float] = {}
        if by_task:
            shares = {f"share/{task}": float(share) for task, share in zip(own.tasks, own.shares, strict=True)}
            mixed = {**self.curriculum.metrics(), **shares}
        self.curriculum.note(statistics.successes_by_task())
        own.set_shares(self.curriculum.shares())
        return {**statistics.take(by_task=by_task), **mixed}

    def checkpoint(self) -> Checkpoint | None:
        """The run as it is now; of several processes all are to call it, and the first one alone gets it."""
        own = {"algorithm": self.algorithm.state_dict(), "rewards": self.rewards.state_dict()}
        states = self.ranks.states_at_first(own)
        if not self.ranks.is_first:
            return None
        return Checkpoint(
            config=self.config,
            spec=self.agent.spec,
            frames=self.frames,
            updates=self.updates,
            agent=self.agent.state_dict(),
            algorithm=own["algorithm"],
            statistics=self.statistics.state_dict(),
            rewards=own["rewards"],
            curriculum=self.curriculum.state_dict(),
            best={} if self.best is None else self.best.state_dict(),
            ranks=states[1:],
        )

    def restore(self, checkpoint: Checkpoint, folder: Path) -> None:
        """Go on from a checkpoint of this run. Environments that cannot be saved begin new episodes, which is logged.

        Args:
            checkpoint: see :meth:`checkpoint`.
            folder: where it was read, for messages.

        Raises:
            CheckpointError: if it holds another state than its configuration's.
        """
        rank = self.ranks.rank
        if not isinstance(self.envs, SavableEnvs):
            _log.warning(
                "%s cannot be saved: the run goes on from %s frames with new episodes, not as if it had never stopped",
                type(self.envs).__name__,
                f"{checkpoint.frames:,}",
            )
            seed = seed_of_rank(self.config.seed, self.ranks)
            self.algorithm.start(integer(seed, "episodes", checkpoint.updates) % 2**31)
        try:
            self.agent.load_state_dict(checkpoint.agent)
            own = checkpoint.ranks[rank - 1] if rank else vars(checkpoint)
            self.algorithm.load_state_dict(own["algorithm"])
            self.statistics.load_state_dict(checkpoint.statistics)
            if self.ranks.size > 1:
                batch = self.envs.num_envs
                self.own_statistics.running = self.statistics.running[rank * batch : (rank + 1) * batch].copy()
            self.rewards.load_state_dict(own["rewards"])
            self.curriculum.load_state_dict(checkpoint.curriculum)
            if self.best is not None:
                self.best.load_state_dict(checkpoint.best)
        except GroundlingError:
            raise
        except _UNFIT as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise CheckpointError(
                f"the checkpoint of {folder} holds another state than its configuration's ({reason}): it is "
                "damaged, or of another version"
            ) from error
        self.updates = checkpoint.updates
