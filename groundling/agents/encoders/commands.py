"""Texts and commands: the encoder of agents whose actions are texts, and how it reads what repeats only once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from groundling.agents.command_policy import CommandPolicy
from groundling.agents.encoders.base import ObservationEncoder, sentences_of_rows
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, ACTION_TEXTS, DOCUMENT, Field, Observation, Spec
from groundling.language.encoders import DistinctSentences, distinct_sentences, make_language_encoder

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

NEEDED = (DOCUMENT, ACTION_TEXTS, ACTION_MASK)


@dataclass(frozen=True)
class Lines:
    """Several texts [R, N] of R observations, every distinct one once.

    Attributes:
        tokens: [S, L] token ids.
        row_of: [R, N] int64, rows of ``tokens``.
    """

    tokens: Tensor
    row_of: Tensor

    @classmethod
    def of(cls, texts: Tensor) -> Lines:
        """The distinct ones of texts [R, N, L]."""
        found = distinct_sentences(texts.flatten(0, 1))
        return cls(found.tokens, found.row_of.reshape(texts.shape[:2]))

    def rows(self, rows: Tensor) -> Lines:
        """Those of some rows [R] of the batch; only their texts are kept."""
        used, row_of = torch.unique(self.row_of[rows], return_inverse=True)
        return Lines(self.tokens[used], row_of)


@dataclass(frozen=True)
class PreparedCommands:
    """Observations as the encoder takes them in.

    Attributes:
        fields: the action mask [R, A] by its key.
        sentences: the instructions.
        scene: the texts of the document.
        commands: what each action says.
    """

    fields: dict[str, Tensor]
    sentences: DistinctSentences
    scene: Lines
    commands: Lines

    def __len__(self) -> int:
        return len(self.sentences.row_of)

    def rows(self, rows: Tensor) -> PreparedCommands:
        """Those of some rows [R] of the batch."""
        return PreparedCommands(
            {key: array.index_select(0, rows) for key, array in self.fields.items()},
            sentences_of_rows(self.sentences, rows),
            self.scene.rows(rows),
            self.commands.rows(rows),
        )


class CommandEncoder(ObservationEncoder[PreparedCommands]):
    """Reads a document, the instruction and what each action says with one encoder of sentences; ``CommandPolicy``
    scores the actions.

    The texts of the document, each by its place, and the instruction are put beside one another and go through two
    layers. Its features are the state of these [hidden_dim], then the vectors of the A actions [A * instruction_dim].
    With ``config.blind`` the document is empty: what is left are the instruction and the commands.

    The scores are those of the deep reinforcement relevance network (He et al. 2016, arXiv:1511.04636): a state and an
    action are texts that are encoded apart, and their product tells how well they go together.
    """

    kinds = (ACTION_TEXTS,)
    many_names = "texts"

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.scene_key, self.commands_key, self.mask_key = keys
        texts = spec.observation[self.scene_key].shape[0]
        width = config.instruction_dim
        self.language = language or make_language_encoder(config.language, spec.vocabulary, config.word_dim, width)
        self.state = nn.Sequential(
            nn.Linear((texts + 1) * width, config.hidden_dim),
            nn.ReLU(),
            nn.Linear(config.hidden_dim, config.hidden_dim),
            nn.ReLU(),
        )

    @classmethod
    def check(cls, config: AgentConfig) -> None:
        """Refuse it beside another encoder."""
        if config.encoder_classes[config.vision] is not cls:
            raise ConfigurationError("'commands' scores actions, no encoder beside another one: make it the vision")

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """The first document, the texts of the actions and the mask of those that are open; all three or nothing."""
        first = {part.kind: key for key, part in reversed(list(fields.items()))}
        is_vision = config.encoder_classes[config.vision] is cls
        return tuple(first[kind] for kind in NEEDED) if is_vision and all(kind in first for kind in NEEDED) else ()

    def prepare(self, observation: Observation) -> PreparedCommands:
        """Check a batch of observations [B, ...] and find every distinct text."""
        fields, sentences = self._checked(observation)
        scene = fields[self.scene_key]
        scene = torch.zeros_like(scene) if self.config.blind else scene
        mask = {self.mask_key: fields[self.mask_key]}
        return PreparedCommands(mask, sentences, Lines.of(scene), Lines.of(fields[self.commands_key]))

    def make_core(self) -> CommandPolicy:
        """Memory, scores and value."""
        actions = self.spec.observation[self.commands_key].shape[0]
        return CommandPolicy(self.config, self.mask_key, actions)

    def forward(self, prepared: PreparedCommands) -> Tensor:
        """The features [R, hidden_dim + A * instruction_dim] of R observations, see the class."""
        told = self.language(prepared.sentences.tokens)[prepared.sentences.row_of]
        scene = self.language(prepared.scene.tokens)[prepared.scene.row_of].flatten(1)
        commands = self.language(prepared.commands.tokens)[prepared.commands.row_of].flatten(1)
        return torch.cat([self.state(torch.cat([told, scene], dim=1)), commands], dim=1)
