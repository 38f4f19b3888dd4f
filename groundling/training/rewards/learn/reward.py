"""The reward LEARN: a potential of what was done so far and the sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.configuration import from_plain
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.interfaces import Array, Transition
from groundling.seeding import integer
from groundling.training.checks import require, require_each
from groundling.training.rewards.base import Potential, PotentialTerm
from groundling.training.rewards.learn.fitting import FitConfig
from groundling.training.rewards.learn.model import Relatedness
from groundling.training.rewards.learn.sources import model_of

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout

Told = Literal["own", "other", "shuffled", "none"]
LEAST_STEPS = 2  # counted before there is a potential


@dataclass(frozen=True)
class LearnConfig:
    """Shaping by how well the actions so far go with the sentence.

    Attributes:
        scale: lambda, of the potential.
        zero_terminal: let the potential be zero where an episode terminates; the original does not.
        file: a trained model of relatedness. Empty: the run trains one on clips of its task, once; it is cached.
        sentence: what the model is told in place of the episode's instruction, for tasks that have none, and as a
            control.
        told: what of the sentence: "own" (as it is), or as controls "other" (another sentence that the model was
            trained on), "shuffled" (its words in any order), "none" (no words).
        clips: that a model is trained on.
        fit: how it is trained.
    """

    scale: float = 1.0
    zero_terminal: bool = True
    file: str = ""
    sentence: str = ""
    told: Told = "own"
    clips: int = 4000
    fit: FitConfig = field(default_factory=FitConfig)

    def __post_init__(self) -> None:
        require_each(self, "scale", above=0)
        require_each(self, "clips", least=10)
        require(self.told in get_args(Told), f"told is one of {', '.join(get_args(Told))}, not {self.told!r}")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LearnConfig:
        """Read plain values back."""
        fit = {"fit": from_plain(FitConfig, values["fit"])} if "fit" in values else {}
        return cls(**{**values, **fit})


class LearnReward(PotentialTerm):
    """A potential of the history, Phi = scale * (p(related) - p(unrelated)) of the actions since the episode began and
    the sentence; 0 while fewer than 2 steps are counted.

    The model knows actions and words only, no pixels and no goals. It was trained before the run, and stays as it is;
    the checkpoint holds it. A potential of the history may change the optimal policy of an agent without a memory, and
    without ``zero_terminal`` that of any.

    Source: Goyal, Niekum and Mooney 2019, arXiv:1903.02020 (LEARN).

    Raises:
        ConfigurationError: if the task has no clips and no file is given, the model is of other actions, or there is no
            sentence whose words it knows.
        RelatednessFileError: if the file cannot be read.
    """

    learns_nothing = True
    summary: ClassVar[str] = "shaping by how well the actions so far go with the sentence"
    Config: ClassVar[type[Any]] = LearnConfig
    section: ClassVar[str] = "learn"
    potential: Potential = "history"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        self.settings: LearnConfig = config.settings_of(LearnConfig)
        super().__init__(config, envs, zero_terminal=self.settings.zero_terminal)
        self.model: Relatedness | None = None  # made when the run begins, or read from the checkpoint
        self._memory = torch.zeros(envs.num_envs, 0)
        self._steps = np.zeros(envs.num_envs, dtype=np.int64)
        self._read: dict[str, int] = {}  # rows of the vectors below
        self._vectors = torch.zeros(0)

    def begin(self) -> None:
        """Make the model, if there is none yet, and begin to count."""
        if self.model is None:
            settings = self.settings
            self._use(model_of(self.config, settings.file, settings.clips, settings.fit))
        super().begin()

    def begun(self, chosen: NDArray[np.bool_]) -> Array:
        """Zeros [B]: nothing was done yet; these are counted anew."""
        self._memory[torch.as_tensor(chosen)] = 0.0
        self._steps[chosen] = 0
        return np.zeros(len(chosen))

    def reached(self, transition: Transition) -> Array:
        """Phi [B] of the actions so far."""
        assert self.model is not None
        self._memory = self.model.advance(self._memory, torch.as_tensor(transition.action))
        self._steps += 1
        found = self.model.potentials(self._memory, self._sentences(transition)).double().numpy()
        return np.where(self._steps < LEAST_STEPS, 0.0, self.settings.scale * found)

    def update(self, rollout: Rollout) -> dict[str, float]:
        """Nothing is learned; the mean of the present potentials."""
        return {"potential": float(self._now.mean())}

    def told(self, sentence: str) -> str:
        """What the model is told of a sentence."""
        assert self.model is not None
        match self.settings.told:
            case "own":
                return sentence
            case "none":
                return ""
            case "shuffled":
                rng = np.random.default_rng(integer(self.settings.fit.seed, "shuffled", sentence))
                return " ".join(rng.permutation(sentence.split()).tolist())
            case _:
                others = [other for other in self.model.sentences if other != sentence]
                return others[integer(self.settings.fit.seed, "other", sentence) % len(others)]

    def _sentences(self, transition: Transition) -> torch.Tensor:
        """The vectors [B, D] of what the model is told; each distinct sentence is read once in a run."""
        assert self.model is not None
        count = len(transition.action)
        texts = (self.settings.sentence,) * count if self.settings.sentence else transition.texts
        if len(texts) != count:
            raise ConfigurationError(
                "the reward 'learn' reads the instructions of the environments, these tell none: give the sentence by "
                "--learn.sentence"
            )
        for sentence in dict.fromkeys(texts):
            if sentence not in self._read:
                vector = self.model.read(self.told(sentence)).unsqueeze(0)
                self._vectors = torch.cat([self._vectors, vector]) if self._read else vector
                self._read[sentence] = len(self._read)
        return self._vectors[[self._read[sentence] for sentence in texts]]

    def _use(self, model: Relatedness) -> None:
        actions = spec_of(self.envs).actions
        if model.actions != actions:
            raise ConfigurationError(
                f"the model of relatedness is of the actions {', '.join(model.actions)}, these environments have "
                f"{', '.join(actions)}: train it on clips of this task"
            )
        self.model = model
        self._memory = model.first(self.envs.num_envs)

    def state_dict(self) -> dict[str, Any]:
        """The model, and what was done in the present episodes."""
        assert self.model is not None
        return {
            **super().state_dict(),
            "model": self.model.to_dict(),
            "memory": self._memory.clone(),
            "steps": torch.as_tensor(self._steps),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        super().load_state_dict(saved)
        self._use(Relatedness.from_dict(saved["model"]))
        self._memory, self._steps = saved["memory"].clone(), saved["steps"].numpy().copy()
        self._read, self._vectors = {}, torch.zeros(0)

    def load_learned(self, saved: dict[str, Any]) -> None:
        """The model."""
        self._use(Relatedness.from_dict(saved["model"]))
