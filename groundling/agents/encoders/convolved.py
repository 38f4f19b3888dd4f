"""The encoder of symbols whose neighbors matter: cells as :mod:`symbolic` reads them, then convolutions over the grid.

What an instruction says of cells ("a red circle") is read cell by cell, in the table of pairs; what it says of cells
beside one another ("north of a blue square", "a line") needs several. Convolutions over the readouts, modulated by the
sentence, find it wherever it is, and the maximum over all places says whether it is anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from groundling.agents.encoders.symbolic import PreparedSymbols, SymbolicConfig, SymbolicEncoder
from groundling.agents.linear import Linear
from groundling.errors import ConfigurationError
from groundling.interfaces import MAP, Field, Spec
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


@dataclass(frozen=True)
class ConvolvedConfig(SymbolicConfig):
    """Settings of vision "convolved".

    Attributes:
        cell_dim: number of channels of each attribute of a cell (type, color, state), which a gate multiplies.
        readout_dim: number of channels of a cell after the fusion.
        map_radius: 0: it reads no map.
        map_ways: False: it reads no map.
        channels: of each convolution.
        layers: number of convolutions of 3 x 3 cells; so far it sees from a cell.
    """

    readout_dim: int = 16
    channels: int = 32
    layers: int = 1

    def __post_init__(self) -> None:
        check_settings(self)
        super().__post_init__()
        for name in ("channels", "layers"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.map_radius:
            raise ConfigurationError("vision 'convolved' reads no map: leave map_radius at 0, or take 'symbolic'")


class ConvolvedEncoder(SymbolicEncoder):
    """Reads symbolic cells: ``image`` [B, H, W, 3] uint8, and ``direction`` [B] where there is one; the
    table of pairs is that of :class:`SymbolicEncoder`, without maps.

    With r [R, H, W, D] the readouts of the cells and l [R, E] the sentences, the features are Linear(r) +
    Linear(x_n) + Linear(max over places of x_n), x_0 = r, x_i = ReLU((1 + g_i(l)) * Conv3x3_i(x_i-1) + b_i(l)).

    Source: the instruction-conditional modulation is FiLM (Perez et al. 2018, arXiv:1709.07871), in the place that it
    has in the network FiLM-LSTM of Bahdanau et al. 2019, arXiv:1806.01946, appendix.
    """

    summary: ClassVar[str] = "symbolic cells by convolution, their pairs with the words as in symbolic"
    Config: ClassVar[type[Any]] = ConvolvedConfig
    settings: ConvolvedConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        channels = self.settings.channels
        widths = [self.settings.readout_dim, *[channels] * self.settings.layers]
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths))
        self.modulations = nn.ModuleList(nn.Linear(config.instruction_dim, 2 * channels) for _ in widths[1:])
        cells = math.prod(self.shape[:2])
        self.places = Linear(cells * channels, config.hidden_dim, bias=False)
        self.anywhere = nn.Linear(channels, config.hidden_dim, bias=False)

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """What the symbolic encoder takes without a map."""
        return super().claim({key: part for key, part in fields.items() if part.kind != MAP}, config)

    def initialize(self) -> None:
        """As the symbolic encoder's; sentences modulate little at first."""
        super().initialize()
        for layer in (self.places, self.anywhere):
            nn.init.orthogonal_(layer.weight, 1.0)
        for convolution in self.convolutions:
            assert isinstance(convolution, nn.Conv2d)
            assert convolution.bias is not None
            nn.init.orthogonal_(convolution.weight, math.sqrt(2))
            nn.init.zeros_(convolution.bias)

    def forward(self, prepared: PreparedSymbols) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        pairs = self._pairs(prepared)
        rows = prepared.sentences.row_of
        readouts = self._readout_of_cells(pairs, pairs.first[rows], prepared.cells)
        found = readouts.transpose(1, 2).unflatten(2, self.shape[:2])
        sentences = self.language(prepared.sentences.tokens)
        with self.many_products():
            for convolution, modulation in zip(self.convolutions, self.modulations, strict=True):
                scale, shift = modulation(sentences)[rows].unflatten(1, (2, -1, 1, 1)).unbind(1)
                found = torch.relu((1 + scale) * convolution(found) + shift)
        found = found.float()
        hidden = self.of_found(readouts, found, prepared)
        if self.compass is not None:
            hidden = hidden + self.compass(prepared.direction)
        features: Tensor = torch.relu(self.hidden(torch.relu(hidden)))
        return features

    def of_found(self, readouts: Tensor, found: Tensor, prepared: PreparedSymbols) -> Tensor:
        """What readouts [R, N, readout_dim] and the last convolution [R, channels, H, W] say, [R, hidden_dim]."""
        hidden: Tensor = self.of_view(readouts, prepared.cells)
        return hidden + self.places(found.flatten(1)) + self.anywhere(found.amax(dim=(2, 3)))
