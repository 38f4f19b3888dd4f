"""The network of Chaplot et al. 2018, up to its LSTM."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from groundling.agents.encoders.pixels import PixelEncoder, PreparedPixels, check_channels, keep_channels_last
from groundling.agents.fusion import make_fusion
from groundling.agents.linear import Linear
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

LEAST_DEVIATION = 1e-4  # of a channel that varies
PAPER = {"fusion": ("gated", "concat"), "language": ("gru",), "memory": ("lstm",)}


@dataclass(frozen=True)
class ChaplotConfig:
    """Settings of vision "chaplot".

    Attributes:
        conv_channels: numbers of channels of the three convolutions.
    """

    conv_channels: tuple[int, ...] = (128, 64, 64)

    def __post_init__(self) -> None:
        check_settings(self)
        check_channels(self.conv_channels)


class ChaplotEncoder(PixelEncoder):
    """The network of Chaplot et al. 2018 up to its LSTM: A3C-GA, and with fusion "concat" its baseline.

    Three convolutions (8x8 with stride 4, 4x4 with stride 2, 4x4 with stride 2), a gate of the sentence multiplied into
    the channels (or the sentence's vector appended to the flattened image), and one linear layer. The paper's images
    are 300 x 168; smaller ones give a smaller grid. ``AgentConfig.chaplot()`` has the paper's sizes.

    It is drawn as the authors' is. That draw gives features of a thousandth, most of them the same for every picture:
    steps of Adam silence the layers before they have told two pictures apart (the authors took plain gradient steps).
    So training begins by suiting the draw to its first observations (:meth:`calibrate`); the network stays the paper's.

    Source: arXiv:1706.07230, section 4; order and initialization as in github.com/devendrachaplot/DeepRL-Grounding.
    Source of the calibration: Salimans & Kingma 2016, arXiv:1602.07868, section 3.
    """

    Config = ChaplotConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        first, second, third = config.settings_of(ChaplotConfig).conv_channels
        self.vision = nn.Sequential(
            nn.Conv2d(self.channels, first, 8, stride=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 4, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(second, third, 4, stride=2),
            nn.ReLU(inplace=True),
        )
        self.grid = self.grid_of(self.vision)
        self.language = self._make_language(language)
        self.fusion = make_fusion(config.fusion, third, config.instruction_dim)
        seen = math.prod(self.grid) * third
        heard = 0 if self.fusion.has_gates else config.instruction_dim
        self.linear = Linear(seen + heard, config.hidden_dim)
        self.make_code_embeddings()

    @classmethod
    def check(cls, config: AgentConfig) -> None:
        """It is the paper's network, so the other parts of the agent are the paper's too."""
        for name, allowed in PAPER.items():
            if getattr(config, name) not in allowed:
                raise ConfigurationError(
                    f"vision 'chaplot' is the network of Chaplot et al. 2018, whose {name} is "
                    f"{' or '.join(map(repr, allowed))}, not {getattr(config, name)!r}; AgentConfig.chaplot() has "
                    "all of its settings, and vision 'cnn' goes together with any"
                )

    def initialize(self) -> None:
        """Xavier's uniform draw, as the authors'."""
        for layer in (*self.vision, *self.fusion.modules(), self.linear):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        keep_channels_last(self.vision)

    @torch.no_grad()
    def calibrate(self, prepared: PreparedPixels) -> None:
        """Let every layer give its channels mean 0 and deviation 1 over these observations; see the class."""
        seen = self.input(prepared).float()
        for layer in self.vision:
            if isinstance(layer, nn.Conv2d):
                standardize(layer, layer(seen), (0, 2, 3))
            seen = layer(seen)
        known = self._known(prepared).float()
        standardize(self.linear, self.linear(known), (0,))

    def forward(self, prepared: PreparedPixels) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        with self.many_products():
            return torch.relu(self.linear(self._known(prepared))).float()

    def attention_map(self, prepared: PreparedPixels) -> Tensor:
        """The norm [R, rows, columns] of each cell's channels, gated where there are gates."""
        cells = self.cells(prepared)
        if self.fusion.has_gates:
            cells = self.fusion(cells, self.text_of_rows(prepared.sentences)).unsqueeze(2)
        return cells.squeeze(2).float().norm(dim=-1).unflatten(1, self.grid)

    def cells(self, prepared: PreparedPixels) -> Tensor:
        """The channels [R, N, 1, D] of the cells of R observations, row after row."""
        with self.many_products():
            return self.vision(self.input(prepared)).permute(0, 2, 3, 1).flatten(1, 2).unsqueeze(2)

    def _known(self, prepared: PreparedPixels) -> Tensor:
        """What is seen of all cells, and what is heard, in one vector [R, ...]."""
        cells, instruction = self.cells(prepared), self.text_of_rows(prepared.sentences)
        with self.many_products():
            if self.fusion.has_gates:
                return self.fusion(cells, instruction).flatten(1)
            return torch.cat([cells.flatten(1), instruction.sentence], dim=1)


def standardize(layer: nn.Conv2d | nn.Linear, given: Tensor, axes: tuple[int, ...]) -> None:
    """Shift and scale a layer, so that what it gave has mean 0 and deviation 1 in each channel that varies."""
    assert layer.bias is not None
    deviation, mean = torch.std_mean(given, dim=axes, correction=0)
    scale = torch.where(deviation > LEAST_DEVIATION, 1 / deviation, 1.0)
    layer.weight.mul_(scale.view(-1, *[1] * (layer.weight.ndim - 1)))
    layer.bias.sub_(mean).mul_(scale)
