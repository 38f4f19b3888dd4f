"""The reference of embodied question answering, PACMAN: what it sees and reads, and the core that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from groundling.agents.dropout import SavedDropout
from groundling.agents.encoders.base import ObservationEncoder, PreparedFields
from groundling.agents.observation_checks import check_image
from groundling.agents.placement import is_on_host
from groundling.agents.planner_controller import PlannerController, Sizes
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, RGB, Field, Observation, Spec
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

CHANNELS = (3, 8, 16, 32, 32)
CHANNELS_OF_GROUP = 4  # of the norm
QUESTION_DIM = 64  # of words, questions and frames to answer from
IMAGE_DIM = 128
ACTION_DIM = 32
OWN_PARTS = ("encoders", "fusion", "language", "memory", "time_dim")  # settings of agents that have no core


@dataclass(frozen=True)
class PacmanConfig:
    """Settings of vision "pacman"; those of Das et al. 2018.

    Attributes:
        planner_dim: size of the planner's GRU.
        controller_dim: size of the controller's hidden layer.
        frames: number of frames that an answer is given from.
        longest_run: number of equal moves in a row after which the planner is asked again.
        dropout: share of features that are dropped in training. Give 0 for PPO and A2C, which need a policy that learns
            from a step as it acted in it; an agent that was trained with dropout can be their --init.
    """

    planner_dim: int = 1024
    controller_dim: int = 256
    frames: int = 5
    longest_run: int = 5
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("planner_dim", "controller_dim", "frames", "longest_run"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ConfigurationError(f"dropout is a share of at least 0 and less than 1, got {self.dropout}")

    @property
    def senses(self) -> Mapping[str, bool]:
        """What environments are asked for."""
        return {"previous_action": True}


class QuestionLSTM(nn.Module):
    """A question's state after its last word, of an LSTM of two layers; padding changes nothing.

    Args:
        num_words: of the vocabulary.
        dim: of words and of both layers.
        dropout: share of the features between the layers that are left out in training.
    """

    def __init__(self, num_words: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(num_words, dim)
        self.first = nn.LSTM(dim, dim, batch_first=True)
        self.between = SavedDropout(dropout)
        self.second = nn.LSTM(dim, dim, batch_first=True)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        lengths = (tokens != 0).sum(dim=1).clamp(min=1)
        words = self.words(tokens[:, : int(lengths.max())] if is_on_host(tokens) else tokens)
        states, _ = self.second(self.between(self.first(words)[0]))
        return states[torch.arange(len(tokens), device=tokens.device), lengths - 1]


class PacmanEncoder(ObservationEncoder[PreparedFields]):
    """Four blocks of convolution 5 x 5, norm, ReLU and pooling, and two question encoders; see ``PlannerController``.

    Its features are the image for planner and controller [128], the frame for the answer [64], the question for the
    planner [64] and for the answer [64]. The planner and the answers have question encoders of their own, as the
    authors' two models have.

    What differs from the authors': the norm is group norm (4 channels a group; Wu & He 2018, arXiv:1803.08494), since
    the frames of a minibatch are few and alike and an agent has to see in training as it does when it acts, where batch
    norm would not; convolutions are padded, so that pictures may be as small as 16 x 16 (64 x 64 gives 4 x 4 cells);
    and they are trained with all the rest, not before on segmentation and depth.

    Source: Das et al. 2018, arXiv:1711.11543, section 4 and appendix, and the authors'
    github.com/facebookresearch/EmbodiedQA (training/models.py).
    """

    kinds = (RGB,)
    Config = PacmanConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.settings = settings = config.settings_of(PacmanConfig)
        self.image_key = keys[0]
        height, width, _ = spec.observation[self.image_key].shape
        shrunk = 2 ** (len(CHANNELS) - 1)
        if height < shrunk or width < shrunk:
            raise ConfigurationError(
                f"images of {height} x {width} are too small for vision 'pacman', which halves them four times: "
                f"they have at least {shrunk} x {shrunk} pixels"
            )
        self.cnn = nn.Sequential(*(_block(before, after) for before, after in pairwise(CHANNELS)))
        seen = (height // shrunk) * (width // shrunk) * CHANNELS[-1]
        self.image = nn.Sequential(nn.Linear(seen, IMAGE_DIM), nn.ReLU(), SavedDropout(settings.dropout))
        self.frame = nn.Sequential(nn.Linear(seen, QUESTION_DIM), nn.ReLU(), SavedDropout(settings.dropout))
        words = len(spec.vocabulary)
        self.planned = QuestionLSTM(words, QUESTION_DIM, settings.dropout)
        self.planned_layer = nn.Sequential(
            nn.Linear(QUESTION_DIM, QUESTION_DIM), nn.ReLU(), SavedDropout(settings.dropout)
        )
        self.asked = QuestionLSTM(words, QUESTION_DIM, settings.dropout)

    @classmethod
    def check(cls, config: AgentConfig) -> None:
        """Refuse parts that it brings itself."""
        if config.encoder_classes[config.vision] is not cls:
            raise ConfigurationError("'pacman' is a whole agent, no encoder beside another one: make it the vision")
        usual = {field.name: field.default for field in fields(config)}
        given = [name for name in OWN_PARTS if getattr(config, name) != usual[name]]
        if given:
            raise ConfigurationError(
                f"vision 'pacman' is a whole agent with its own memory, reader and heads: leave out {', '.join(given)}"
            )

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """The first RGB picture, the action mask and the previous action."""
        pictures = [key for key, part in fields.items() if part.kind == RGB][:1]
        others = [key for key, part in fields.items() if part.kind == ACTION_MASK or key == PREVIOUS_ACTION_KEY]
        return (*pictures, *others) if pictures else ()

    def prepare(self, observation: Observation) -> PreparedFields:
        """See :class:`ObservationEncoder`."""
        prepared: PreparedFields = super().prepare(observation)
        key = self.image_key
        check_image(key, prepared.fields[key], self.spec.observation[key].shape, "RGB, rows before columns")
        return prepared

    def make_core(self) -> PlannerController:
        """Planner, controller and answers."""
        own = self.settings
        sizes = Sizes(IMAGE_DIM, QUESTION_DIM, ACTION_DIM, own.planner_dim, own.controller_dim)
        return PlannerController(self.spec, sizes, frames=own.frames, longest_run=own.longest_run, dropout=own.dropout)

    def forward(self, prepared: PreparedFields) -> Tensor:
        """The features [R, 128 + 3 * 64] of R observations, see the class."""
        image: Any = prepared.fields[self.image_key]
        if self.config.blind:
            image = torch.zeros_like(image)
        with self.many_products():
            seen = self.cnn(image.permute(0, 3, 1, 2).float().mul_(1 / 255)).flatten(1)
            image, frame = self.image(seen), self.frame(seen)
        tokens, row_of = prepared.sentences.tokens, prepared.sentences.row_of
        questions = torch.cat([self.planned_layer(self.planned(tokens)), self.asked(tokens)], dim=1)
        return torch.cat([image.float(), frame.float(), questions[row_of]], dim=1)


def _block(before: int, after: int) -> nn.Sequential:
    """From channels to channels, half as large."""
    return nn.Sequential(
        nn.Conv2d(before, after, 5, padding=2),
        nn.GroupNorm(after // CHANNELS_OF_GROUP, after),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
    )
