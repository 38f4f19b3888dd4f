"""Eyes for MiniGrid's symbolic view: cells that are few and come again and again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from groundling.agents.config import AgentConfig
from groundling.agents.eyes import (
    Eyes,
    Observation,
    check_image,
    check_instruction,
    check_range,
    check_tokens,
    sentences_of_rows,
)
from groundling.agents.fusion import Instruction, make_fusion
from groundling.agents.gather import gather_rows
from groundling.agents.maps import MapReader, packed_map
from groundling.agents.pairs import KeptPairs, KeptWords, Pairs, make_pairs
from groundling.agents.space import AgentSpace
from groundling.agents.vision import CellEncoder, CellSizes, DistinctCells, distinct_cells
from groundling.agents.ways import Things, WayReader, Ways, find_ways
from groundling.envs.constants import NUM_STATES, VIEW_CELLS, VIEW_SIZE
from groundling.envs.explored import explored_shape
from groundling.errors import ConfigurationError, ObservationError
from groundling.language.encoders import DistinctSentences, distinct_sentences, make_language_encoder, word_mask

VIEW_SHAPE = (VIEW_SIZE, VIEW_SIZE, 3)


@dataclass(frozen=True)
class SymbolicPercepts:
    """Observations with every distinct cell and sentence once, and who has which."""

    cells: DistinctCells
    sentences: DistinctSentences
    direction: Tensor
    explored: Tensor | None  # [B, N] packed cells of maps
    ways: Ways | None  # on the maps

    def __len__(self) -> int:
        return len(self.direction)

    def rows(self, rows: Tensor) -> SymbolicPercepts:
        """Those of some rows [R] of the batch; where sentences are many, only those of these rows are kept."""
        return SymbolicPercepts(
            DistinctCells(self.cells.values, self.cells.row_of[rows]),
            sentences_of_rows(self.sentences, rows),
            self.direction[rows],
            None if self.explored is None else self.explored.index_select(0, rows),
            None if self.ways is None else self.ways.rows(rows),
        )


class SymbolicEyes(Eyes[SymbolicPercepts]):
    """See symbolic cells; ``image`` [B, 7, 7, 3] uint8, ``direction`` [B], ``instruction`` [B, L] token ids.

    With a map radius R also ``explored`` [B, M, M, 3] uint8, M = 2 R + 1: a map of what was seen.

    Vision and fusion look at one cell at a time, so both are evaluated once for each distinct pair of a cell and a
    sentence in the batch, and the results are handed out by index: the same numbers as cell by cell, at a fraction of
    the work.

    Raises:
        ConfigurationError: if the images are no symbolic views.
    """

    keys: tuple[str, ...] = ("image", "direction", "instruction")

    def __init__(self, config: AgentConfig, space: AgentSpace) -> None:
        super().__init__(config, space)
        if space.image_shape != VIEW_SHAPE:
            raise ConfigurationError(
                f"vision 'symbolic' reads MiniGrid's {' x '.join(map(str, VIEW_SHAPE))} view, these images are "
                f"{' x '.join(map(str, space.image_shape))}: choose the agent's vision 'cnn' "
                "(--preset pixels trains with it)"
            )
        self.cells = CellSizes(space.num_types, space.num_colors)
        self.vision = CellEncoder(config.cell_dim, self.cells)
        self.language = make_language_encoder(
            config.language, space.vocabulary_size, config.word_dim, config.instruction_dim
        )
        self.fusion = make_fusion(config.fusion, config.cell_dim, config.instruction_dim)
        self.readout = nn.Linear(self.fusion.out_dim, config.readout_dim)
        self.spatial = nn.Linear(VIEW_CELLS * config.readout_dim, config.hidden_dim)
        self.compass = nn.Embedding(4, config.hidden_dim)
        self.hidden = nn.Linear(config.hidden_dim, config.hidden_dim)
        self.map = MapReader(config.map_radius, config.readout_dim, config.hidden_dim) if config.map_radius else None
        self.ways = WayReader(config.readout_dim, config.hidden_dim) if config.map_ways else None
        if self.map is not None:
            self.keys = (*self.keys, "explored")
        self._kept: KeptPairs | None = None
        self._kept_words: KeptWords | None = None

    def initialize(self) -> None:
        """Orthogonal layers; no direction differs from another at first."""
        for layer in (self.readout, self.spatial, self.hidden):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.compass.weight)
        if self.map is not None:
            nn.init.orthogonal_(self.map.spatial.weight, math.sqrt(2))
        if self.ways is not None:
            self.ways.initialize()

    def perceive(self, observation: Observation) -> SymbolicPercepts:
        """Find the distinct cells and sentences; see :class:`Eyes`."""
        image, direction, instruction, *explored = self._tensors(observation)
        check_image(image, VIEW_SHAPE, "MiniGrid's symbolic view")
        batch = len(image)
        if direction.shape != (batch,):
            raise ObservationError(f"direction must be [{batch}], got {list(direction.shape)}")
        check_instruction(instruction, batch)
        if batch == 0 or instruction.shape[1] == 0:
            raise ObservationError("the batch of observations is empty")
        kind, color, state = image.flatten(0, 2).amax(dim=0).tolist()
        facing = direction.aminmax()
        check_range("type", 0, kind, self.cells.types)
        check_range("color", 0, color, self.cells.colors)
        check_range("state", 0, state, NUM_STATES)
        check_range("direction", int(facing.min), int(facing.max), 4)
        check_tokens(instruction, self.space.vocabulary_size)
        if self.config.blind:
            image = torch.zeros_like(image)
        present = torch.zeros(self.cells.values, dtype=torch.int32, device=image.device)
        maps = ways = None
        if explored:
            tiles = self._checked_map(*explored)
            maps = packed_map(tiles, present, self.cells)
            ways = None if self.ways is None else find_ways(tiles, self.cells)
        return SymbolicPercepts(
            distinct_cells(image, present, self.cells), distinct_sentences(instruction), direction.long(), maps, ways
        )

    def _checked_map(self, explored: Tensor) -> Tensor:
        """The maps [B, M, M, 3], nothing for the blind; errors as :meth:`perceive`."""
        check_image(explored, explored_shape(self.config.map_radius), "a map of what was seen")
        return torch.zeros_like(explored) if self.config.blind else explored

    def features(self, percepts: SymbolicPercepts) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        pairs = self._pairs(percepts)
        first = pairs.first[percepts.sentences.row_of]
        seen = self._readout_of_cells(pairs, first, percepts.cells).flatten(1)
        hidden = self.spatial(seen) + self.compass(percepts.direction)
        if self.map is not None and percepts.explored is not None:
            hidden = hidden + self.map(pairs.table, first, pairs.row_of_value, percepts.explored)
        if self.ways is not None and percepts.ways is not None:
            hidden = hidden + self.ways(pairs.table, first, pairs.row_of_value, percepts.ways)
        return torch.relu(self.hidden(torch.relu(hidden)))

    def things(self, percepts: SymbolicPercepts, steps: int) -> Things:
        """The things on the maps of T * B observations, for a memory that looks for them."""
        assert percepts.ways is not None
        return Things.on(percepts.ways, steps, self.cells)

    def attention_map(self, percepts: SymbolicPercepts) -> Tensor:
        """The norm [R, 7, 7] of each cell's readout, by column and row as in the image."""
        pairs = self._pairs(percepts)
        readout = self._readout_of_cells(pairs, pairs.first[percepts.sentences.row_of], percepts.cells)
        return readout.norm(dim=-1).unflatten(1, (VIEW_SIZE, VIEW_SIZE))

    def readout_of_pairs(self, values: Tensor, tokens: Tensor) -> Tensor:
        """What each of S sentences [S, L] makes of each of V distinct cells [V]: [S, V, readout_dim]."""
        fused = self.fusion(self.vision(values), self.hear(tokens))
        return torch.relu(self.readout(fused))

    def attention(self, tokens: Tensor) -> Tensor:
        """The norm [S, values] of the readout of every (type, color, state) under each sentence [S, L]."""
        return self.readout_of_pairs(torch.arange(self.cells.values, device=self.device), tokens).norm(dim=-1)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Keep what sentences make of cells: within, parameters do not change and no gradients are taken."""
        self._kept = KeptPairs(self.readout_of_pairs, self.cells.values)
        self._kept_words = KeptWords(lambda tokens: super(SymbolicEyes, self).words(tokens).vectors)
        try:
            yield
        finally:
            self._kept = self._kept_words = None

    def words(self, tokens: Tensor) -> Instruction:
        """The words of sentences [S, L]."""
        if self._kept_words is None:
            return super().words(tokens)
        return Instruction(self._kept_words.find(tokens), word_mask(tokens))

    def _pairs(self, percepts: SymbolicPercepts) -> Pairs:
        """What each sentence makes of each distinct cell."""
        values, tokens = percepts.cells.values, percepts.sentences.tokens
        if self._kept is not None:
            return self._kept.find(values, tokens)
        return make_pairs(self.readout_of_pairs, values, tokens, self.cells.values)

    def _readout_of_cells(self, pairs: Pairs, first: Tensor, cells: DistinctCells) -> Tensor:
        """[R, N, readout_dim]."""
        row_of = pairs.row_of_value[cells.values][cells.row_of]
        return gather_rows(pairs.table, row_of + first.to(row_of.dtype).unsqueeze(1))
