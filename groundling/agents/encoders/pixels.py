"""Encoders of pictures of any size: what they have in common, and ours on a compact CNN."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import TextEncoder, sentences_of_rows
from groundling.agents.encoders.symbol_head import SymbolHead
from groundling.agents.fusion import Instruction, make_fusion
from groundling.agents.linear import Linear
from groundling.agents.observation_checks import check_image, check_range
from groundling.agents.placement import is_on_host
from groundling.errors import ConfigurationError, ObservationError
from groundling.interfaces import DEPTH, GRAY, RGB, SEGMENTATION, Field, Observation, Spec
from groundling.language.encoders import DistinctSentences
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

SCALED_AT_ONCE = 8  # images
CHANNELS = {RGB: 3, GRAY: 1, DEPTH: 1, SEGMENTATION: 4}
NUM_CODES = 256
CONTENT_DIM = 24  # of a cell that is looked up


@dataclass(frozen=True)
class CNNConfig:
    """Settings of vision "cnn".

    Attributes:
        conv_channels: numbers of channels of the three convolutions; the last one is the size of a cell's features.
        attributes: number of groups that fusion "attribute_gated" splits these features into, with one gate for each.
            (Symbolic cells have their attributes: type, color and state.)
        readout_dim: number of channels of a cell after the fusion.
        lookups: number of channels of the readout that weight the cells whose contents are added up, wherever they are,
            for answers that do not depend on a place; 0 for none.
    """

    conv_channels: tuple[int, ...] = (16, 32, 64)
    attributes: int = 4
    readout_dim: int = 8
    lookups: int = 0

    def __post_init__(self) -> None:
        check_settings(self)
        if not 0 <= self.lookups <= self.readout_dim:
            raise ConfigurationError(f"lookups are 0 to readout_dim ({self.readout_dim}), got {self.lookups}")
        check_channels(self.conv_channels)
        for name in ("attributes", "readout_dim"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")


def check_channels(channels: tuple[int, ...]) -> None:
    """Refuse what are not the channels of three convolutions."""
    if len(channels) != 3 or min(channels) < 1:
        raise ConfigurationError(f"conv_channels are three numbers of at least 1, got {channels}")


@dataclass(frozen=True)
class PreparedPixels:
    """Observations as they came, images of one byte a channel, with every distinct sentence once.

    A rollout of images is large, so they become numbers of four bytes only where they are looked at, a minibatch at a
    time.
    """

    images: tuple[Tensor, ...]  # [R, H, W, 3] or [R, H, W] uint8, [R, H, W] float32, in the order of the keys
    sentences: DistinctSentences

    def __len__(self) -> int:
        return len(self.images[0])

    def rows(self, rows: Tensor) -> PreparedPixels:
        """Those of some rows [R] of the batch; where sentences are many, only those of these rows are kept."""
        images = tuple(image.index_select(0, rows) for image in self.images)
        return PreparedPixels(images, sentences_of_rows(self.sentences, rows))


class PixelEncoder(TextEncoder[PreparedPixels]):
    """What encoders of pictures have in common: pictures of one size, whose channels are put side by side.

    RGB is [B, H, W, 3] uint8, gray [B, H, W] uint8; depth [B, H, W] in metres becomes 1 / (1 + depth), segmentation
    [B, H, W] codes an embedding. A blind agent sees black.
    """

    kinds: ClassVar[tuple[str, ...]] = (RGB, GRAY, DEPTH, SEGMENTATION)
    # Before pixels are understood a larger draw differs from view to view by more than any reward, and the policy runs
    # after these differences until it meets no reward at all.
    value_scale: ClassVar[float] = 0.01

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.fields = [spec.observation[key] for key in keys]
        self.size = self.fields[0].shape[:2]
        self.channels = sum(CHANNELS[part.kind] for part in self.fields)

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """The first picture, and those of its size."""
        seen = {key: part for key, part in fields.items() if part.kind in cls.kinds}
        first = sorted(seen.values(), key=lambda part: part.kind != RGB)[:1]  # RGB before anything else
        return tuple(key for key, part in seen.items() if part.shape[:2] == first[0].shape[:2])

    def prepare(self, observation: Observation) -> PreparedPixels:
        """Check the observations and find their distinct sentences; see :class:`ObservationEncoder`."""
        images = []
        for key, part in zip(self.keys, self.fields, strict=True):
            image = self._tensor(observation, key)
            if part.kind == DEPTH:
                if image.shape[1:] != part.shape or not image.is_floating_point():
                    raise ObservationError(
                        f"{key} must be [B, {', '.join(map(str, part.shape))}] floating point, got "
                        f"{list(image.shape)} {image.dtype}"
                    )
            else:
                check_image(key, image, part.shape, "RGB, rows before columns" if part.kind == RGB else part.kind)
                if part.kind == SEGMENTATION and image.numel() and is_on_host(image):
                    check_range(key, 0, int(image.max()), part.size or NUM_CODES)
            images.append(image)
        sentences = self._sentences(observation)
        if {len(image) for image in images} != {len(sentences.row_of)}:
            raise ObservationError(
                f"{self.text_key} must be [{len(images[0])}, L], it has {len(sentences.row_of)} rows"
            )
        return PreparedPixels(tuple(images), sentences)

    def scaled(self, image: Tensor, background: Tensor | None = None) -> Tensor:
        """Images as numbers from 0 to 1, a few at a time: they are large, and so stay in the processor's cache.

        Args:
            image: [R, H, W, 3] uint8.
            background: [3, H, W] float32, taken off before anything is rounded.

        Returns:
            [R, 3, H, W], channels last in memory, of the encoder's precision.
        """
        if self.config.blind:
            image = torch.zeros_like(image)
        dtype = torch.bfloat16 if self.precision == "bfloat16" else torch.float32
        numbers = torch.empty(image.shape, dtype=dtype, device=image.device)
        for some, out in zip(image.split(SCALED_AT_ONCE), numbers.split(SCALED_AT_ONCE), strict=True):
            scaled = some.float().mul_(1 / 255)
            out.copy_(scaled if background is None else scaled.sub_(background.permute(1, 2, 0)))
        return numbers.permute(0, 3, 1, 2)

    def input(self, prepared: PreparedPixels, background: Tensor | None = None) -> Tensor:
        """The channels [R, C, H, W] of R observations as numbers from 0 to 1."""
        parts = []
        place = 0
        for key, part, image in zip(self.keys, self.fields, prepared.images, strict=True):
            count = CHANNELS[part.kind]
            own = None if background is None else background[place : place + count]
            parts.append(self.scaled(image, own) if part.kind == RGB else self._other(key, part, image, own))
            place += count
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _other(self, key: str, part: Field, image: Tensor, background: Tensor | None) -> Tensor:
        """The channels of what is no RGB, [R, C, H, W]."""
        if self.config.blind:
            image = torch.zeros_like(image)
        if part.kind == GRAY:
            numbers = image.unsqueeze(1).float() / 255
        elif part.kind == DEPTH:
            numbers = (1 / (1 + image.float().nan_to_num(posinf=1e6))).unsqueeze(1)
        else:
            embedding = self.get_submodule(f"codes_{key}")
            numbers = embedding(image.long()).permute(0, 3, 1, 2)
        return numbers if background is None else numbers - background

    def make_code_embeddings(self) -> None:
        """An embedding of the codes of each segmentation; called where it is to be drawn."""
        for key, part in zip(self.keys, self.fields, strict=True):
            if part.kind == SEGMENTATION:
                self.add_module(f"codes_{key}", nn.Embedding(part.size or NUM_CODES, CHANNELS[SEGMENTATION]))

    def text_of_rows(self, sentences: DistinctSentences) -> Instruction:
        """The encoded instructions of R observations: the encoder reads each distinct sentence once."""
        return self.encode_text(sentences.tokens).rows(sentences.row_of)

    def grid_of(self, layers: nn.Sequential) -> tuple[int, int]:
        """Rows and columns of what the layers make of an image.

        Raises:
            ConfigurationError: if the image is too small for them.
        """
        height, width = self.size
        try:
            with torch.no_grad():
                rows, columns = layers(torch.zeros(1, self.channels, height, width)).shape[-2:]
        except RuntimeError as error:
            raise ConfigurationError(
                f"images of {height} x {width} are too small for vision {self.config.vision!r}: it sees pixels, and "
                "MiniGrid's 7 x 7 symbols are for vision 'symbolic'"
            ) from error
        return int(rows), int(columns)


class CNNEncoder(PixelEncoder):
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

    summary: ClassVar[str] = "pictures by a compact CNN, each attribute of a cell gated by its own words"
    Config = CNNConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        settings = config.settings_of(CNNConfig)
        first, second, third = settings.conv_channels
        self.vision = nn.Sequential(
            nn.Conv2d(self.channels, first, 8, stride=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(second, third, 3, padding=1),
        )
        # [3, H, W], channels last in memory as the images are
        self.register_buffer("background", torch.full((*self.size, self.channels), 0.5).permute(2, 0, 1))
        self.grid = self.grid_of(self.vision)
        self.attributes = settings.attributes if config.fusion == "attribute_gated" else 1
        channels = third // self.attributes
        self.language = self._make_language(language)
        self.fusion = make_fusion(config.fusion, channels, config.instruction_dim, attributes=self.attributes)
        self.readout = nn.Linear(self.fusion.out_dim, settings.readout_dim)
        self.spatial = Linear(math.prod(self.grid) * settings.readout_dim, config.hidden_dim)
        self.norm = nn.LayerNorm(config.hidden_dim)
        self.hidden = Linear(config.hidden_dim, config.hidden_dim)
        self.make_code_embeddings()
        self.lookups = settings.lookups
        if self.lookups:
            self.content = nn.Linear(third, CONTENT_DIM)
            pooled = 2 * settings.readout_dim + self.lookups * CONTENT_DIM
            self.found = Linear(pooled, config.hidden_dim)

    @classmethod
    def check(cls, config: AgentConfig) -> None:
        """A cell's channels are split into attributes, so they are a multiple."""
        settings = config.settings_of(CNNConfig)
        if config.fusion == "attribute_gated" and settings.conv_channels[-1] % settings.attributes:
            raise ConfigurationError(
                f"the {settings.conv_channels[-1]} channels of a cell (the last of conv_channels) are split into "
                f"{settings.attributes} attributes: make them a multiple"
            )

    def initialize(self) -> None:
        """Orthogonal layers."""
        for layer in (*self.vision, self.readout, self.spatial, self.hidden):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.orthogonal_(layer.weight, math.sqrt(2))
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        keep_channels_last(self.vision)

    @torch.no_grad()
    def calibrate(self, prepared: PreparedPixels) -> None:
        """Take off what all these observations have in common; see the class."""
        self.background.copy_(self.input(prepared).mean(dim=0, dtype=torch.float32))
        self.spatial.bias.sub_(self._spread(prepared).mean(dim=0))

    def make_symbol_head(self) -> None:
        """See :class:`ObservationEncoder`."""
        self.symbol_head = SymbolHead(self.config.settings_of(CNNConfig).conv_channels[-1], self.grid)

    def forward(self, prepared: PreparedPixels) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        cells = self.cells(prepared)
        readouts = self._readout_of(cells, prepared)
        spread = self.norm(self._spread_of(readouts))
        if self.lookups:
            spread = spread + self._looked_up(cells, readouts)
        return torch.relu(self.hidden(torch.relu(spread)))

    def attention_map(self, prepared: PreparedPixels) -> Tensor:
        """The norm [R, rows, columns] of each cell's readout."""
        return self._readout_of_cells(prepared).float().norm(dim=-1).unflatten(1, self.grid)

    def cells(self, prepared: PreparedPixels) -> Tensor:
        """The attributes [R, N, F, D] of the cells of R observations, row after row."""
        with self.many_products():
            channels = self.vision(self.input(prepared, self.background)).permute(0, 2, 3, 1).flatten(1, 2)
        if self.symbol_head is not None and torch.is_grad_enabled():
            self.symbol_head(channels.float())  # for the loss of its labels, which notes what it gives
        return channels.unflatten(-1, (self.attributes, -1))

    def _spread(self, prepared: PreparedPixels) -> Tensor:
        """What the layer that sees all the cells makes of them [R, hidden_dim]."""
        return self._spread_of(self._readout_of_cells(prepared))

    def _spread_of(self, readouts: Tensor) -> Tensor:
        with self.many_products():
            return self.spatial(readouts.flatten(1)).float()

    def _looked_up(self, cells: Tensor, readouts: Tensor) -> Tensor:
        """What is in cells [R, N, F, D] that the words are about, wherever they are, [R, hidden_dim]."""
        with self.many_products():
            weight = readouts[..., : self.lookups].transpose(1, 2)
            found = (weight @ torch.relu(self.content(cells.flatten(2)))).flatten(1) / math.sqrt(cells.shape[1])
            pooled = torch.cat([found, readouts.mean(dim=1), readouts.amax(dim=1)], dim=1)
            return self.found(pooled).float()

    def _readout_of_cells(self, prepared: PreparedPixels) -> Tensor:
        """[R, N, readout_dim]."""
        return self._readout_of(self.cells(prepared), prepared)

    def _readout_of(self, cells: Tensor, prepared: PreparedPixels) -> Tensor:
        instruction = self.text_of_rows(prepared.sentences)
        with self.many_products():
            return torch.relu(self.fusion.read_out(cells, instruction, self.readout))


def keep_channels_last(layers: nn.Module) -> None:
    """Store the kernels with their channels last, as the images are: faster on a CPU, and the same numbers."""
    for parameter in layers.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
