"""An observation encoder of one's own: a vector, gated by the instruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import ObservationEncoder, PreparedFields
from groundling.language.encoders import make_language_encoder


@dataclass(frozen=True)
class GatedVectorConfig:
    """Settings of the encoder.

    Attributes:
        channels: that the gate multiplies.
    """

    channels: int = 16


class GatedVector(ObservationEncoder[PreparedFields]):
    kinds = ("vector",)
    Config = GatedVectorConfig

    def __init__(self, config: Any, spec: Any, keys: tuple[str, ...], language: Any = None) -> None:
        super().__init__(config, spec, keys, language)
        channels = config.settings_of(GatedVectorConfig).channels
        self.vision = nn.Linear(spec.observation[keys[0]].shape[0], channels)
        self.text = make_language_encoder(config.language, spec.vocabulary, config.word_dim, channels)
        self.out = nn.Linear(channels, config.hidden_dim)

    def forward(self, prepared: PreparedFields) -> Tensor:
        gate = torch.sigmoid(self.text(prepared.sentences.tokens))[prepared.sentences.row_of]
        return torch.relu(self.out(torch.relu(self.vision(prepared.fields[self.keys[0]])) * gate))
