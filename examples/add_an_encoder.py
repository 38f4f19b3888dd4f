"""An observation encoder of your own: the instruction opens and closes the channels of every cell of the view.

groundling train --task BabyAI-GoToObj-v0 --agent.vision examples/add_an_encoder.py:GatedCells --agent.channels 12
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from groundling.agents import AgentConfig
from groundling.agents.encoders.base import ObservationEncoder, PreparedFields
from groundling.interfaces import Spec
from groundling.language.encoders import make_language_encoder

CODES = 16  # more than MiniGrid has of types, of colors or of states


@dataclass(frozen=True)
class GatedCellsConfig:
    """Settings of the encoder; each is an option --agent.NAME.

    Attributes:
        channels: D, of each cell.
    """

    channels: int = 12


class GatedCells(ObservationEncoder[PreparedFields]):
    """x = ReLU(W [relu(V c_n) * sigmoid(U q)]_n), c_n the one-hot content of cell n of N, q the sentence's vector."""

    kinds = ("symbols",)
    Config = GatedCellsConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        channels = config.settings_of(GatedCellsConfig).channels
        rows, columns, parts = spec.observation[keys[0]].shape
        self.cells = nn.Linear(parts * CODES, channels)
        self.text = make_language_encoder(config.language, spec.vocabulary, config.word_dim, channels)
        self.out = nn.Linear(rows * columns * channels, config.hidden_dim)

    def forward(self, prepared: PreparedFields) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        image = prepared.fields[self.keys[0]].flatten(1, 2).long()  # [R, N, 3]
        cells = self.cells(nn.functional.one_hot(image, CODES).flatten(2).float()).relu()  # [R, N, D]
        gate = self.text(prepared.sentences.tokens).sigmoid()[prepared.sentences.row_of]  # [R, D]
        return torch.relu(self.out((cells * gate.unsqueeze(1)).flatten(1)))
