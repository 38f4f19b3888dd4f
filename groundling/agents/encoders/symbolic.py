"""The encoder of MiniGrid's symbolic view: cells that are few and come again and again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import TextEncoder, sentences_of_rows
from groundling.agents.encoders.cells import CellEncoder, DistinctCells, distinct_cells, sizes_of, unpack_cells
from groundling.agents.encoders.gather import gather_rows
from groundling.agents.encoders.maps import MapReader, packed_map
from groundling.agents.encoders.pairs import KeptPairs, KeptWords, Pairs, make_pairs
from groundling.agents.encoders.ways import Things, WayReader, Ways, find_ways
from groundling.agents.fusion import Instruction, make_fusion
from groundling.agents.linear import Linear
from groundling.agents.observation_checks import check_image, check_range
from groundling.agents.placement import as_host_array, is_on_host
from groundling.envs.engine.constants import NUM_STATES
from groundling.envs.engine.explored import MAX_RADIUS, explored_shape
from groundling.errors import ConfigurationError, ObservationError
from groundling.interfaces import CATEGORY, MAP, SYMBOLS, Field, Observation, Spec
from groundling.language.encoders import DistinctSentences, word_mask
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

NUM_DIRECTIONS = 4


@dataclass(frozen=True)
class SymbolicConfig:
    """Settings of vision "symbolic".

    Attributes:
        cell_dim: number of channels of each attribute of a cell (type, color, state), which a gate multiplies.
        readout_dim: number of channels of a cell after the fusion.
        map_radius: size of the map of the cells observed so far in the episode, in cells to each side; 0: no map.
        map_ways: add to the map: walking distance from the agent to every object, first step of the shortest path,
            direction of unexplored cells. Needs a map_radius. See ``groundling.agents.encoders.ways``.
    """

    cell_dim: int = 128
    readout_dim: int = 8
    map_radius: int = 0
    map_ways: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("cell_dim", "readout_dim"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.map_radius <= MAX_RADIUS:
            raise ConfigurationError(f"map_radius is from 0 (no map) to {MAX_RADIUS}, got {self.map_radius}")
        if self.map_ways and not self.map_radius:
            raise ConfigurationError("map_ways needs a map of the cells observed so far: add --agent.map-radius N")

    @property
    def senses(self) -> Mapping[str, int]:
        """Senses that environments are asked for, by the names that ``make_vec`` has for them."""
        return {"explored_radius": self.map_radius} if self.map_radius else {}


@dataclass(frozen=True)
class PreparedSymbols:
    """Observations with every distinct cell and sentence once, and who has which."""

    cells: DistinctCells
    sentences: DistinctSentences
    direction: Tensor | None
    explored: Tensor | None  # [B, N] packed cells of maps
    ways: Ways | None  # on the maps

    def __len__(self) -> int:
        return len(self.sentences.row_of)

    def rows(self, rows: Tensor) -> PreparedSymbols:
        """Those of some rows [R] of the batch; where sentences are many, only those of these rows are kept."""
        return PreparedSymbols(
            DistinctCells(self.cells.values, self.cells.row_of[rows]),
            sentences_of_rows(self.sentences, rows),
            None if self.direction is None else self.direction[rows],
            None if self.explored is None else self.explored.index_select(0, rows),
            None if self.ways is None else self.ways.rows(rows),
        )


class SymbolicEncoder(TextEncoder[PreparedSymbols]):
    """Reads symbolic cells: ``image`` [B, H, W, 3] uint8, and ``direction`` [B] where there is one.

    With a map radius R also ``explored`` [B, M, M, 3] uint8, M = 2 R + 1: a map of what was seen.

    Cells and fusion are looked at one cell at a time, so both are evaluated once for each distinct pair of a cell and a
    sentence in the batch, and the results are handed out by index: the same numbers as cell by cell, at a fraction of
    the work.
    """

    kinds = (SYMBOLS, MAP, CATEGORY)
    summary: ClassVar[str] = "symbolic cells and a map, each cell met by the words of the instruction"
    Config: ClassVar[type[Any]] = SymbolicConfig
    map_reader: ClassVar[type[MapReader]] = MapReader
    views = 1  # how many images it looks at

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.settings: SymbolicConfig = config.settings_of(self.Config)
        settings = self.settings
        key_of = {spec.observation[key].kind: key for key in keys}
        self.image_key = key_of[SYMBOLS]
        self.direction_key, self.map_key = key_of.get(CATEGORY), key_of.get(MAP)
        self.shape = spec.observation[self.image_key].shape
        self.cells = sizes_of(spec)
        self.vision = CellEncoder(settings.cell_dim, self.cells)
        self.language = self._make_language(language)
        self.fusion = make_fusion(config.fusion, settings.cell_dim, config.instruction_dim)
        self.readout = nn.Linear(self.fusion.out_dim, settings.readout_dim)
        self.spatial = Linear(self.views * math.prod(self.shape[:2]) * settings.readout_dim, config.hidden_dim)
        self.compass = nn.Embedding(NUM_DIRECTIONS, config.hidden_dim) if self.direction_key else None
        self.hidden = Linear(config.hidden_dim, config.hidden_dim)
        reads_map = settings.map_radius > 0 and self.map_key is not None
        reader = self.map_reader
        self.map = reader(settings.map_radius, settings.readout_dim, config.hidden_dim) if reads_map else None
        self.ways = WayReader(settings.readout_dim, config.hidden_dim) if reads_map and settings.map_ways else None
        self._kept: KeptPairs | None = None
        self._kept_words: KeptWords | None = None

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """A symbolic view, a direction of four, and a map of what was seen where the settings have one."""
        radius = config.settings_of(cls.Config).map_radius
        view = [key for key, part in fields.items() if part.kind == SYMBOLS][:1]
        if not view:
            return ()
        direction = [key for key, part in fields.items() if part.kind == CATEGORY and part.size == NUM_DIRECTIONS][:1]
        maps = [key for key, part in fields.items() if part.kind == MAP and radius][:1]
        is_first = bool(direction) or view[0] == "image"  # a further view (what stands on things) has no map of its own
        if radius and not maps and is_first:
            raise ConfigurationError(
                f"the agent has a map_radius of {radius}, these environments give no map of what was seen: they give "
                f"{', '.join(fields)}"
            )
        if maps and fields[maps[0]].shape != explored_shape(radius):
            raise ConfigurationError(
                f"the agent's map_radius {radius} is for maps of {list(explored_shape(radius))}, {maps[0]} is "
                f"{list(fields[maps[0]].shape)}"
            )
        return (*view, *direction, *maps)

    def initialize(self) -> None:
        """Orthogonal layers; no direction differs from another at first."""
        for layer in (self.readout, self.spatial, self.hidden):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            nn.init.zeros_(layer.bias)
        if self.compass is not None:
            nn.init.zeros_(self.compass.weight)
        if self.map is not None:
            nn.init.orthogonal_(self.map.spatial.weight, math.sqrt(2))
        if self.ways is not None:
            self.ways.initialize()

    def prepare(self, observation: Observation) -> PreparedSymbols:
        """Find the distinct cells and sentences; see :class:`ObservationEncoder`."""
        image = self._view(observation)
        direction = self._direction(observation, len(image))
        sentences = self._sentences(observation)
        if len(sentences.row_of) != len(image):
            raise ObservationError(f"{self.text_key} must be [{len(image)}, L], it has {len(sentences.row_of)} rows")
        if is_on_host(image):
            self._check_cells(image.flatten(0, 2).amax(dim=0).tolist())
        if self.config.blind:
            image = torch.zeros_like(image)
        present = torch.zeros(self.cells.values, dtype=torch.int32, device=image.device)
        maps = ways = None
        if self.map is not None and self.map_key is not None:
            tiles = self._checked_map(self._tensor(observation, self.map_key))
            maps = packed_map(tiles, present, self.cells)
            ways = None if self.ways is None else find_ways(tiles, self.cells)
        return PreparedSymbols(distinct_cells(image, present, self.cells), sentences, direction, maps, ways)

    def _check_cells(self, highest: list[int]) -> None:
        """Refuse a type, color or state that is out of range, by the highest of each."""
        kind, color, state = highest
        check_range("type", 0, kind, self.cells.types)
        check_range("color", 0, color, self.cells.colors)
        check_range("state", 0, state, NUM_STATES)

    def check_values(self, observation: Observation) -> None:
        """See :class:`ObservationEncoder`; the cells of views and maps too."""
        super().check_values(observation)
        for key in self.keys:
            if self.spec.observation[key].kind in (SYMBOLS, MAP) and key in observation:
                cells = as_host_array(observation[key])
                self._check_cells(cells.reshape(-1, cells.shape[-1]).max(axis=0).tolist())

    def _view(self, observation: Observation) -> Tensor:
        """The cells [B, H, W, 3] that are looked at, checked."""
        image = self._tensor(observation, self.image_key)
        check_image(self.image_key, image, self.shape, "MiniGrid's symbolic view")
        return image

    def _direction(self, observation: Observation, batch: int) -> Tensor | None:
        """The directions [B], checked; None where there are none."""
        if self.direction_key is None:
            return None
        direction = self._tensor(observation, self.direction_key)
        if direction.shape != (batch,):
            raise ObservationError(f"{self.direction_key} must be [{batch}], got {list(direction.shape)}")
        if batch and is_on_host(direction):
            lowest, highest = (int(value) for value in direction.aminmax())
            check_range(self.direction_key, lowest, highest, NUM_DIRECTIONS)
        return direction.long()

    def _checked_map(self, explored: Tensor) -> Tensor:
        """The maps [B, M, M, 3], nothing for the blind; errors as :meth:`perceive`."""
        check_image("explored", explored, explored_shape(self.settings.map_radius), "a map of what was seen")
        return torch.zeros_like(explored) if self.config.blind else explored

    def forward(self, prepared: PreparedSymbols) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        pairs = self._pairs(prepared)
        first = pairs.first[prepared.sentences.row_of]
        hidden = self.of_view(self._readout_of_cells(pairs, first, prepared.cells), prepared.cells)
        if self.compass is not None:
            hidden = hidden + self.compass(prepared.direction)
        if self.map is not None and prepared.explored is not None:
            hidden = hidden + self.of_map(pairs, first, prepared.explored, prepared.cells)
        if self.ways is not None and prepared.ways is not None:
            hidden = hidden + self.ways(pairs.table, first, pairs.row_of_value, prepared.ways)
        with self.many_products():
            return torch.relu(self.hidden(torch.relu(hidden))).float()

    def of_view(self, readouts: Tensor, cells: DistinctCells) -> Tensor:
        """What the readouts [R, N, readout_dim] of cells say, [R, hidden_dim]."""
        with self.many_products():
            features: Tensor = self.spatial(readouts.flatten(1)).float()
        return features

    def of_map(self, pairs: Pairs, first: Tensor, explored: Tensor, cells: DistinctCells) -> Tensor:
        """What maps [R, N] of packed cells say, [R, hidden_dim]; ``first`` [R] is where their sentences begin."""
        assert self.map is not None
        features: Tensor = self.map(pairs.table, first, pairs.row_of_value, explored)
        return features

    def things(self, prepared: PreparedSymbols, steps: int) -> Things:
        """The things on the maps of T * B observations, for a memory that looks for them."""
        assert prepared.ways is not None
        return Things.on(prepared.ways, steps, self.cells)

    def attention_map(self, prepared: PreparedSymbols) -> Tensor:
        """The norm [R, H, W] of each cell's readout, by column and row as in the image."""
        pairs = self._pairs(prepared)
        readout = self._readout_of_cells(pairs, pairs.first[prepared.sentences.row_of], prepared.cells)
        return readout.chunk(self.views, dim=1)[0].norm(dim=-1).unflatten(1, self.shape[:2])

    def readout_of_pairs(self, values: Tensor, tokens: Tensor) -> Tensor:
        """What each of S sentences [S, L] makes of each of V distinct cells [V]: [S, V, readout_dim]."""
        if not is_on_host(values):
            return self.readout_by_attribute(values, tokens)
        instruction = self.encode_text(tokens)
        with self.many_products():
            return torch.relu(self.fusion.read_out(self.vision(values), instruction, self.readout)).float()

    def readout_by_attribute(self, values: Tensor, tokens: Tensor) -> Tensor:
        """As :meth:`readout_of_pairs`, up to rounding, for tables of many cells.

        Under a fusion that is linear the readout is a sum over a cell's attributes, and of a type, of a color, of a
        state there are far fewer than of cells: W [sum_f g_f x_f, 0 ...] + W b = sum_f (W g_f) x_f + W b, each term
        once for each value of the attribute.
        """
        instruction = self.encode_text(tokens)
        with self.many_products():
            linear = self.fusion.as_linear(instruction)
            if linear is None:
                return torch.relu(self.readout(self.fusion(self.vision(values), instruction))).float()
            weight = self.readout.weight[:, : linear.gates.shape[2]]
            total = self.readout(linear.added).unsqueeze(1)
            layers = (self.vision.kinds, self.vision.colors, self.vision.states)
            for number, (layer, own) in enumerate(zip(layers, unpack_cells(values, self.cells), strict=True)):
                gates = linear.gates[:, min(number, linear.gates.shape[1] - 1), None, :]
                terms = (gates * weight) @ layer.weight.T  # [S, K, values of the attribute]
                total = total + terms.transpose(1, 2).index_select(1, own)
            return torch.relu(total).float()

    def attention(self, tokens: Tensor) -> Tensor:
        """The norm [S, values] of the readout of every (type, color, state) under each sentence [S, L]."""
        return self.readout_of_pairs(torch.arange(self.cells.values, device=self.device), tokens).norm(dim=-1)

    @contextmanager
    def inference_cache(self) -> Iterator[None]:
        """Keep what sentences make of cells: within, parameters do not change and no gradients are taken."""
        if self.manual_key is None:  # with a manual nearly every environment has a text of its own
            self._kept = KeptPairs(self.readout_of_pairs, self.cells.values)
            self._kept_words = KeptWords(lambda tokens: super(SymbolicEncoder, self).words(tokens).vectors)
        try:
            yield
        finally:
            self._kept = self._kept_words = None

    def words(self, tokens: Tensor) -> Instruction:
        """The words of sentences [S, L]."""
        if self._kept_words is None:
            return super().words(tokens)
        return Instruction(self._kept_words.find(tokens), word_mask(tokens))

    def _pairs(self, prepared: PreparedSymbols) -> Pairs:
        """What each sentence makes of each distinct cell."""
        values, tokens = prepared.cells.values, prepared.sentences.tokens
        if self._kept is not None:
            return self._kept.find(values, tokens)
        return make_pairs(self.readout_of_pairs, values, tokens, self.cells.values)

    def _readout_of_cells(self, pairs: Pairs, first: Tensor, cells: DistinctCells) -> Tensor:
        """[R, N, readout_dim]."""
        row_of = pairs.row_of_value[cells.values][cells.row_of]
        return gather_rows(pairs.table, row_of + first.to(row_of.dtype).unsqueeze(1))
