"""Eyes for RGB images of any size: ours on a compact CNN, and the network of Chaplot et al. 2018."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from groundling.agents.config import AgentConfig
from groundling.agents.eyes import Eyes, Observation, check_image, check_instruction, check_tokens, sentences_of_rows
from groundling.agents.fusion import Instruction, make_fusion
from groundling.agents.space import AgentSpace
from groundling.errors import ConfigurationError, ObservationError
from groundling.language.encoders import DistinctSentences, distinct_sentences, make_language_encoder

SCALED_AT_ONCE = 8  # images
LEAST_DEVIATION = 1e-4  # of a channel that varies


@dataclass(frozen=True)
class PixelPercepts:
    """Observations as they came, images of one byte a channel, with every distinct sentence once.

    A rollout of images is large, so they become numbers of four bytes only where they are looked at, a minibatch at a
    time.
    """

    image: Tensor  # [R, H, W, 3] uint8
    sentences: DistinctSentences

    def __len__(self) -> int:
        return len(self.image)

    def rows(self, rows: Tensor) -> PixelPercepts:
        """Those of some rows [R] of the batch; where sentences are many, only those of these rows are kept."""
        return PixelPercepts(self.image.index_select(0, rows), sentences_of_rows(self.sentences, rows))


class PixelEyes(Eyes[PixelPercepts]):
    """What eyes for pixels have in common; ``image`` [B, H, W, 3] uint8, ``instruction`` [B, L] token ids.

    A blind agent sees black.
    """

    keys = ("image", "instruction")
    # Before pixels are understood a larger draw differs from view to view by more than any reward, and the policy runs
    # after these differences until it meets no reward at all.
    value_scale: ClassVar[float] = 0.01

    def perceive(self, observation: Observation) -> PixelPercepts:
        """Check the observations and find their distinct sentences; see :class:`Eyes`."""
        image, instruction = self._tensors(observation)
        check_image(image, self.space.image_shape, "RGB, rows before columns")
        check_instruction(instruction, len(image))
        if len(image) == 0 or instruction.shape[1] == 0:
            raise ObservationError("the batch of observations is empty")
        check_tokens(instruction, self.space.vocabulary_size)
        return PixelPercepts(image, distinct_sentences(instruction))

    def scaled(self, image: Tensor, background: Tensor | None = None) -> Tensor:
        """Images as numbers from 0 to 1, a few at a time: they are large, and so stay in the processor's cache.

        Args:
            image: [R, H, W, 3] uint8.
            background: [3, H, W] float32, taken off before anything is rounded.

        Returns:
            [R, 3, H, W], channels last in memory, of the eyes' precision.
        """
        if self.config.blind:
            image = torch.zeros_like(image)
        dtype = torch.bfloat16 if self.precision == "bfloat16" else torch.float32
        numbers = torch.empty(image.shape, dtype=dtype, device=image.device)
        for some, out in zip(image.split(SCALED_AT_ONCE), numbers.split(SCALED_AT_ONCE), strict=True):
            scaled = some.float().mul_(1 / 255)
            out.copy_(scaled if background is None else scaled.sub_(background.permute(1, 2, 0)))
        return numbers.permute(0, 3, 1, 2)

    def heard(self, sentences: DistinctSentences) -> Instruction:
        """What R observations hear: the encoder reads each distinct sentence once."""
        return self.hear(sentences.tokens).rows(sentences.row_of)

    def grid_of(self, layers: nn.Sequential) -> tuple[int, int]:
        """Rows and columns of what the layers make of an image.

        Raises:
            ConfigurationError: if the image is too small for them.
        """
        height, width, _ = self.space.image_shape
        try:
            with torch.no_grad():
                rows, columns = layers(torch.zeros(1, 3, height, width)).shape[-2:]
        except RuntimeError as error:
            raise ConfigurationError(
                f"images of {height} x {width} are too small for vision {self.config.vision!r}: it sees pixels, and "
                "MiniGrid's 7 x 7 symbols are for vision 'symbolic'"
            ) from error
        return int(rows), int(columns)


class CNNEyes(PixelEyes):
    """Ours: words meet every cell of a grid that a compact CNN sees, each attribute of it gated by its own words.

    Three convolutions (8x8 with stride 4, 3x3 with stride 2, 3x3) give a grid of cells: of 64 x 64 pixels, 8 x 8 cells
    that each see 32 x 32. Their channels are linear, as those of a symbolic cell are, and split into the attributes
    that the fusion gates. From there on the agent is the symbolic one: a few channels are read out of each cell, and
    one layer sees all of them with their places. That layer is normalized: it adds up so many cells that a few steps
    of the optimizer would otherwise silence it for good.

    Most of a picture is the same in every episode, and so would most of what that layer sees be: its norm would leave
    little of what differs. So the first draw is suited to the first observations of training (:meth:`calibrate`): their
    mean picture is taken off every picture, and the layer's mean off what it gives. Source for the second: Salimans &
    Kingma 2016, arXiv:1602.07868, section 3 (data-dependent initialization).
    """

    background: Tensor  # [3, H, W]

    def __init__(self, config: AgentConfig, space: AgentSpace) -> None:
        super().__init__(config, space)
        first, second, third = config.conv_channels
        self.vision = nn.Sequential(
            nn.Conv2d(3, first, 8, stride=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(second, third, 3, padding=1),
        )
        # [3, H, W], channels last in memory as the images are
        self.register_buffer("background", torch.full(space.image_shape, 0.5).permute(2, 0, 1))
        self.grid = self.grid_of(self.vision)
        self.attributes = config.attributes if config.fusion == "attribute_gated" else 1
        channels = third // self.attributes
        self.language = make_language_encoder(
            config.language, space.vocabulary_size, config.word_dim, config.instruction_dim
        )
        self.fusion = make_fusion(config.fusion, channels, config.instruction_dim, attributes=self.attributes)
        self.readout = nn.Linear(self.fusion.out_dim, config.readout_dim)
        self.spatial = nn.Linear(math.prod(self.grid) * config.readout_dim, config.hidden_dim)
        self.norm = nn.LayerNorm(config.hidden_dim)
        self.hidden = nn.Linear(config.hidden_dim, config.hidden_dim)

    def initialize(self) -> None:
        """Orthogonal layers."""
        for layer in (*self.vision, self.readout, self.spatial, self.hidden):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.orthogonal_(layer.weight, math.sqrt(2))
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        keep_channels_last(self.vision)

    @torch.no_grad()
    def calibrate(self, percepts: PixelPercepts) -> None:
        """Take off what all these observations have in common; see the class."""
        self.background.copy_(self.scaled(percepts.image).mean(dim=0, dtype=torch.float32))
        self.spatial.bias.sub_(self._spread(percepts).mean(dim=0))

    def features(self, percepts: PixelPercepts) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        return torch.relu(self.hidden(torch.relu(self.norm(self._spread(percepts)))))

    def attention_map(self, percepts: PixelPercepts) -> Tensor:
        """The norm [R, rows, columns] of each cell's readout."""
        return self._readout_of_cells(percepts).float().norm(dim=-1).unflatten(1, self.grid)

    def cells(self, image: Tensor) -> Tensor:
        """The attributes [R, N, F, D] of the cells of images [R, H, W, 3], row after row."""
        with self.many_products():
            channels = self.vision(self.scaled(image, self.background)).permute(0, 2, 3, 1)
        return channels.flatten(1, 2).unflatten(-1, (self.attributes, -1))

    def _spread(self, percepts: PixelPercepts) -> Tensor:
        """What the layer that sees all the cells makes of them [R, hidden_dim]."""
        seen = self._readout_of_cells(percepts).flatten(1)
        with self.many_products():
            return self.spatial(seen).float()

    def _readout_of_cells(self, percepts: PixelPercepts) -> Tensor:
        """[R, N, readout_dim]."""
        instruction = self.heard(percepts.sentences)
        with self.many_products():
            return torch.relu(self.fusion.read_out(self.cells(percepts.image), instruction, self.readout))


class ChaplotEyes(PixelEyes):
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

    def __init__(self, config: AgentConfig, space: AgentSpace) -> None:
        super().__init__(config, space)
        first, second, third = config.conv_channels
        self.vision = nn.Sequential(
            nn.Conv2d(3, first, 8, stride=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 4, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(second, third, 4, stride=2),
            nn.ReLU(inplace=True),
        )
        self.grid = self.grid_of(self.vision)
        self.language = make_language_encoder(
            config.language, space.vocabulary_size, config.word_dim, config.instruction_dim
        )
        self.fusion = make_fusion(config.fusion, third, config.instruction_dim)
        seen = math.prod(self.grid) * third
        heard = 0 if self.fusion.has_gates else config.instruction_dim
        self.linear = nn.Linear(seen + heard, config.hidden_dim)

    def initialize(self) -> None:
        """Xavier's uniform draw, as the authors'."""
        for layer in (*self.vision, *self.fusion.modules(), self.linear):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        keep_channels_last(self.vision)

    @torch.no_grad()
    def calibrate(self, percepts: PixelPercepts) -> None:
        """Let every layer give its channels mean 0 and deviation 1 over these observations; see the class."""
        seen = self.scaled(percepts.image).float()
        for layer in self.vision:
            if isinstance(layer, nn.Conv2d):
                standardize(layer, layer(seen), (0, 2, 3))
            seen = layer(seen)
        known = self._known(percepts).float()
        standardize(self.linear, self.linear(known), (0,))

    def features(self, percepts: PixelPercepts) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        with self.many_products():
            return torch.relu(self.linear(self._known(percepts))).float()

    def attention_map(self, percepts: PixelPercepts) -> Tensor:
        """The norm [R, rows, columns] of each cell's channels, gated where there are gates."""
        cells = self.cells(percepts.image)
        if self.fusion.has_gates:
            cells = self.fusion(cells, self.heard(percepts.sentences)).unsqueeze(2)
        return cells.squeeze(2).float().norm(dim=-1).unflatten(1, self.grid)

    def cells(self, image: Tensor) -> Tensor:
        """The channels [R, N, 1, D] of the cells of images [R, H, W, 3], row after row."""
        with self.many_products():
            return self.vision(self.scaled(image)).permute(0, 2, 3, 1).flatten(1, 2).unsqueeze(2)

    def _known(self, percepts: PixelPercepts) -> Tensor:
        """What is seen of all cells, and what is heard, in one vector [R, ...]."""
        cells, instruction = self.cells(percepts.image), self.heard(percepts.sentences)
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


def keep_channels_last(layers: nn.Module) -> None:
    """Store the kernels with their channels last, as the images are: faster on a CPU, and the same numbers."""
    for parameter in layers.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
