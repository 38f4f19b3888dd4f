"""The reward of AGILE: a step is paid if a discriminator takes what it led to for a goal state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.config import AgentConfig
from groundling.agents.encoders import ENCODERS
from groundling.envs.catalog import find_family
from groundling.envs.engine.outcomes import successes_of
from groundling.envs.families.base import StateReader
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.interfaces import TOKENS, Array, Transition, Watched
from groundling.seeding import integer
from groundling.training.checks import require, require_each
from groundling.training.rewards.agile.discriminator import Discriminator, DiscriminatorTrainer, negatives_to_draw
from groundling.training.rewards.agile.examples import Examples, examples_of
from groundling.training.rewards.agile.replay import StateReplay
from groundling.training.rewards.base import RewardTerm
from groundling.training.streams import restore_stream

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout

Output = Literal["threshold", "probability", "log"]
LEAST = 1e-6  # D of which the logarithm is taken
MEMORY = 0.8  # weight of what was before a rollout in the share of states that D takes for goal states


@dataclass(frozen=True)
class AgileConfig:
    """A reward learned from examples of goal states.

    Attributes:
        rho: share of the visited states of a batch that are taken for unsolved: those that the discriminator D judges
            lowest. The others are thrown away; 1 keeps all.
        adapts_rho: begin with rho at 1 and go down to rho as D takes more of the visited states for goal states:
            1 - (1 - rho) * p, p their share of late. False is the rule of the paper, which throws away most of the
            states that D is wrong about as long as the policy solves little.
        matches_instructions: take goal states of the instructions of the negatives that are kept, so that D cannot gain
            by what is asked for, and does not take what is solved more often than others for unsolved. False draws any,
            as the paper does.
        output: what a step is paid: "threshold" (1 where D is above 1/2), "probability" (D) or "log" (log D).
        scale: of what is paid.
        end_weight: the last state of an episode that terminates is paid so many times: a goal state that ends its
            episode is paid once, and a state that D is wrong about as long as the agent stays in it. 1 / (1 - gamma) is
            what it would be worth if it went on forever (absorbing states, Kostrikov et al. 2019, arXiv:1809.02925).
        pairs: number of examples of goal states with their instructions.
        replay: number of visited states that are kept.
        batch_size: of a step of D, half of it goal states.
        updates: steps of D for each rollout.
        warmup: steps of D after the first rollout, before anything is paid.
        vision: encoder of the states, as of agents.
        hidden_dim: of D.
        reads_instruction: False: D sees states only, a control.
        learning_rate: of RMSProp.
        decay: of RMSProp.
        epsilon: of RMSProp.
        max_grad_norm: largest norm of the gradient; longer gradients are scaled down.
        max_column_norm: largest norm of the incoming weights of a unit of D; 0: any.
    """

    rho: float = 0.25
    adapts_rho: bool = True
    matches_instructions: bool = True
    output: Output = "threshold"
    scale: float = 0.1
    end_weight: float = 1.0
    pairs: int = 100_000
    replay: int = 100_000
    batch_size: int = 256
    updates: int = 16
    warmup: int = 500
    vision: str = "convolved"
    hidden_dim: int = 128
    reads_instruction: bool = True
    learning_rate: float = 5e-4
    decay: float = 0.9
    epsilon: float = 1e-10
    max_grad_norm: float = 25.0
    max_column_norm: float = 1.0

    def __post_init__(self) -> None:
        require(0 < self.rho <= 1, f"rho is above 0 and at most 1, got {self.rho}")
        require(self.output in get_args(Output), f"output is one of {', '.join(get_args(Output))}, not {self.output!r}")
        require_each(self, "pairs", "replay", "updates", "hidden_dim", least=1)
        require(self.batch_size >= 2 and self.batch_size % 2 == 0, f"batch_size is even, got {self.batch_size}")
        require_each(self, "scale", "end_weight", "learning_rate", "epsilon", "max_grad_norm", above=0)
        require(0 <= self.decay < 1, f"decay is from 0 to below 1, got {self.decay}")
        require(self.warmup >= 0, f"warmup must not be negative, got {self.warmup}")
        require(self.max_column_norm >= 0, f"max_column_norm must not be negative, got {self.max_column_norm}")


class AgileReward(RewardTerm):
    """Pays by D(instruction, state that a step led to). D is trained by cross-entropy on goal states, examples of which
    the task's family gives, against states that the policy visited; see ``AgileConfig.rho``.

    What is right, told by the environments' reward and success, is compared with D in the logs and never learned from.

    Source: Bahdanau et al. 2019, arXiv:1806.01946, section 3; numbers of the appendix, networks are our own.

    Raises:
        ConfigurationError: if the run has several tasks, or the task's family knows no goal states.
    """

    summary: ClassVar[str] = "a reward learned from examples of goal states"
    Config: ClassVar[type[Any]] = AgileConfig
    section: ClassVar[str] = "agile"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        super().__init__(config, envs)
        self.settings: AgileConfig = config.settings_of(AgileConfig)
        if len(config.task_ids) != 1 or config.made_by:
            raise ConfigurationError(
                "the reward 'agile' takes its examples of goal states from the family of one task: train on one --task"
            )
        self._family = find_family(config.task_ids[0])
        self._reader: StateReader | None = self._family.state_reader(envs)
        self._now: Mapping[str, NDArray[Any]] = {}
        if self._reader is not None:
            own = envs.unwrapped
            assert isinstance(own, Watched)
            own.watch(self._look)
        spec = spec_of(envs) if self._reader is None else self._reader.spec
        self._keys, self._text_key = tuple(spec.observation), spec.keys_of(TOKENS)[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer(config.seed, "discriminator"))
            parts = network_config(config.agent, self.settings)
            network = Discriminator(parts, spec, reads_instruction=self.settings.reads_instruction)
        self.trainer = DiscriminatorTrainer(network, self.settings)
        self.replay = StateReplay(self.settings.replay)
        self._random = torch.Generator().manual_seed(integer(config.seed, "agile"))
        self._goals: Examples | None = None
        self._visited: list[Mapping[str, NDArray[Any]]] = []
        self._solved: list[NDArray[np.bool_]] = []
        self._terminated: list[NDArray[np.bool_]] = []
        self._judged: NDArray[np.float32] | None = None
        self._ends: NDArray[np.bool_] | None = None
        self._is_warm = False
        self._share = 0.0  # of the visited states that D took for goal states of late

    @property
    def goals(self) -> Examples:
        """The examples of goal states, which are made when they are needed.

        Raises:
            ConfigurationError: if the family has none.
        """
        if self._goals is None:
            split = self._family.split("train", self.config.held_out)
            seed = integer(self.config.seed, "goal states") % 2**31
            states = examples_of(self._family, split, self.envs, self.settings.pairs, seed)
            self._goals = Examples(states, self._text_key)
        return self._goals

    def _look(self) -> None:
        assert self._reader is not None
        self._now = self._reader()

    def _reached(self, transition: Transition) -> Mapping[str, NDArray[Any]]:
        """What a step led to, before the next episodes began."""
        if self._reader is not None:
            return self._now
        return {key: np.array(transition.reached(key)) for key in self._keys}

    def __call__(self, transition: Transition) -> Array:
        """Zeros: what steps are paid is decided after the rollout."""
        ended = transition.terminated | transition.truncated
        solved = transition.reward > 0
        success = successes_of(transition.info, ended) if ended.any() else None
        if success is not None:
            solved = np.where(ended, success, solved)
        self._visited.append(self._reached(transition))
        self._solved.append(solved)
        self._terminated.append(np.array(transition.terminated, dtype=np.bool_))
        return np.zeros(len(transition.reward))

    def update(self, rollout: Rollout) -> Mapping[str, float]:
        """Keep what was visited and train D, unless it is frozen; judge what was visited by D as it is then.

        Returns:
            the loss of D, mean D of goal states and of the negatives that were kept; the shares of visited states that
            it is right about, of those in which nothing is solved that it takes for goal states (false positives), and
            of those solved that it does not (false negatives); and rho.
        """
        if not self._visited:
            return {}
        states = {key: np.concatenate([visited[key] for visited in self._visited]) for key in self._keys}
        told = {} if self.is_frozen else self._learn(states)
        self._judged = self.trainer.network.judged(states).reshape(len(self._visited), -1)
        self._share += (1 - MEMORY) * (float((self._judged > 0.5).mean()) - self._share)
        told |= _errors(self._judged > 0.5, np.stack(self._solved))
        self._ends = np.stack(self._terminated)
        self._visited, self._solved, self._terminated = [], [], []
        return told

    def _learn(self, states: Mapping[str, NDArray[Any]]) -> dict[str, float]:
        """Some steps of D on goal states and replayed ones."""
        settings = self.settings
        self.replay.add(states)
        rho = 1 - (1 - settings.rho) * self._share if settings.adapts_rho else settings.rho
        drawn = negatives_to_draw(settings.batch_size, rho)
        told = []
        steps = settings.updates if self._is_warm else settings.warmup + settings.updates
        self._is_warm = True
        for _ in range(steps):
            told.append(self.trainer.step(self._positives, self.replay.draw(drawn, self._random)))
        means = dict(zip(("loss", "of_goal_states", "of_negatives"), np.mean(told, axis=0).tolist(), strict=True))
        return {**means, "rho": rho}

    def _positives(self, negatives: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Goal states for a batch with these negatives."""
        if self.settings.matches_instructions:
            return self.goals.of_instructions(negatives[self._text_key], self._random)
        return self.goals.any(self.settings.batch_size // 2, self._random)

    def repaid(self, rollout: Rollout) -> Array | None:
        """What the steps of the rollout are paid, by D as it is now."""
        if self._visited:  # frozen: nobody has asked it to learn
            self.update(rollout)
        judged, self._judged = self._judged, None
        if judged is None:
            return None
        assert self._ends is not None
        return self.paid(judged) * np.where(self._ends, self.settings.end_weight, 1.0)

    def paid(self, judged: NDArray[np.floating[Any]]) -> Array:
        """What states are paid that D judged so."""
        settings = self.settings
        if settings.output == "threshold":
            return settings.scale * (judged > 0.5)
        return settings.scale * (judged if settings.output == "probability" else np.log(np.maximum(judged, LEAST)))

    def verdicts(self, transition: Transition) -> NDArray[np.bool_]:
        """Whether D takes the last state of each episode that ends for a goal state, [B]."""
        ended = transition.terminated | transition.truncated
        states = self._reached(transition)
        judged = self.trainer.network.judged({key: states[key][ended] for key in self._keys})
        found = np.zeros(len(ended), dtype=np.bool_)
        found[ended] = judged > 0.5
        self._visited, self._solved, self._terminated = (
            [],
            [],
            [],
        )  # this is an evaluation: nobody asks for what steps are paid
        return found

    def state_dict(self) -> dict[str, Any]:
        """D, what was visited, and the state of the draws; the goal states are those of the run's seed."""
        return {
            "trainer": self.trainer.state_dict(),
            "replay": self.replay.state_dict(),
            "random": self._random.get_state(),
            "share": self._share,
            "is_warm": self._is_warm,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.trainer.load_state_dict(saved["trainer"])
        self.replay.load_state_dict(saved["replay"])
        restore_stream(self._random, saved["random"])
        self._share = float(saved["share"])
        self._is_warm = bool(saved["is_warm"])

    def load_learned(self, saved: dict[str, Any]) -> None:
        """Take D over."""
        self.trainer.load_state_dict(saved["trainer"])


def network_config(agent: AgentConfig, settings: AgileConfig) -> AgentConfig:
    """The parts of D: fusion, language and settings of the encoder as those of the run's agent."""
    return AgentConfig(
        vision=settings.vision,
        fusion=agent.fusion,
        language=agent.language,
        word_dim=agent.word_dim,
        instruction_dim=agent.instruction_dim,
        hidden_dim=settings.hidden_dim,
        settings=(agent.settings_of(ENCODERS.find(settings.vision).Config),),
    )


def _errors(positive: NDArray[np.bool_], solved: NDArray[np.bool_]) -> dict[str, float]:
    """How often verdicts are right and wrong; NaN where there is nothing to be wrong about."""
    told = {"accuracy": float((positive == solved).mean())}
    for name, wrong, kind in (("false_positives", positive, ~solved), ("false_negatives", ~positive, solved)):
        told[name] = float(wrong[kind].mean()) if kind.any() else float("nan")
    return told
