"""The encoder of scenes: symbolic cells as :mod:`symbolic` reads them, and what they say wherever they are in the view.

An answer ("red") does not depend on where the sofa is in the view, unlike a move. So beside the layers that know each
cell's place there are sums and maxima over all cells: of what the question makes of each, of each with what stands on
it, and of each with its neighbors. What is in the cells that the question is about is looked up, as attention does. A
map is added up as a whole too, which counts, and looked up, which compares things that were seen one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.encoders.cells import CellEncoder, DistinctCells, unpack_cells
from groundling.agents.encoders.gather import gather_rows
from groundling.agents.encoders.maps import MapReader, count_values
from groundling.agents.encoders.pairs import Pairs
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.agents.fusion import AttributeGatedFusion
from groundling.agents.linear import Linear
from groundling.agents.observation_checks import check_image
from groundling.interfaces import SYMBOLS, Field, Observation, Spec

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


HEADS = 8  # channels of a readout that say which cells are looked up
VALUE_DIM = 16


class SummedMapReader(MapReader):
    """A map by regions, and as one sum.

    Args:
        radius: R, tiles that the map reaches to each side.
        readout_dim: D, channels of a cell.
        hidden_dim: size of what it gives.
    """

    def __init__(self, radius: int, readout_dim: int, hidden_dim: int) -> None:
        super().__init__(radius, readout_dim, hidden_dim)
        self.total = nn.Linear(readout_dim, hidden_dim, bias=False)

    def of_sums(self, sums: Tensor) -> Tensor:
        """What the sums [R, G, readout_dim] of regions say, [R, hidden_dim]."""
        total: Tensor = self.total(sums.sum(dim=1))
        return super().of_sums(sums) + total


class SceneEncoder(SymbolicEncoder):
    """Reads symbolic cells: ``image`` [B, H, W, 3] uint8, and a second view of the same cells where there is one (what
    stands on the things, ``on_top``); direction and map as :class:`SymbolicEncoder`, whose settings it has.

    The cells of both views are read under the question in one table of pairs. With r [R, N, D] the readouts of the
    first view, t those of the second and n a linear layer of the mean of r over 3 x 3 cells, the features are
    Linear([r, t]) + Linear(sum and maximum over N of [r, t, r * t, r * n]) + Linear(what is looked up), where the first
    ``HEADS`` channels of r and of t weight the cells, and embeddings of what is in them are added up.
    """

    summary: ClassVar[str] = "symbolic cells, and a second view of what stands on the things"
    map_reader = SummedMapReader

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        images = [key for key in keys if spec.observation[key].kind == SYMBOLS]
        self.views = len(images)
        super().__init__(config, spec, tuple(key for key in keys if key not in images[1:]), language)
        self.keys = keys
        self.other_views = tuple(images[1:])
        size = self.settings.readout_dim
        self.around = nn.Linear(size, size)
        self.pooled = Linear(2 * 2 * self.views * size, config.hidden_dim)
        self.values = CellEncoder(VALUE_DIM, self.cells)
        self.heads = min(HEADS, size)
        self.found = Linear(self.views * self.heads * (self.views + 1) * VALUE_DIM, config.hidden_dim, bias=False)

        on_map = self.heads * VALUE_DIM
        self.found_on_map = Linear(on_map, config.hidden_dim, bias=False) if self.map is not None else None

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """What the symbolic encoder takes, and a second view of the same shape."""
        keys = super().claim(fields, config)
        if not keys:
            return ()
        shape = fields[keys[0]].shape
        others = [key for key, part in fields.items() if part.kind == SYMBOLS and key not in keys]
        return (*keys, *[key for key in others if fields[key].shape == shape][:1])

    def initialize(self) -> None:
        """As the symbolic encoder's; what is pooled is small at first, as sums of many cells are large."""
        super().initialize()
        nn.init.orthogonal_(self.pooled.weight, 0.5)
        nn.init.zeros_(self.pooled.bias)
        nn.init.orthogonal_(self.found.weight, 0.5)
        if isinstance(self.map, SummedMapReader):
            nn.init.orthogonal_(self.map.total.weight, 0.1)
        if self.found_on_map is not None:
            nn.init.orthogonal_(self.found_on_map.weight, 0.5)

    def _view(self, observation: Observation) -> Tensor:
        """The cells of all views, one below the other [B, views * H, W, 3], checked."""
        views = [super()._view(observation)]
        for key in self.other_views:
            view = self._tensor(observation, key)
            check_image(key, view, self.shape, "a second symbolic view")
            views.append(view)
        return torch.cat(views, dim=1)

    def readout_of_pairs(self, values: Tensor, tokens: Tensor) -> Tensor:
        """What each of S sentences [S, L] makes of each of V distinct cells [V]: [S, V, readout_dim].

        Under gates by attribute the readout is a sum over the cell's attributes, and of a type, of a color, of a state
        there are far fewer than of cells: W sum_f (x_f * g_f) + b = sum_f (W_f of g_f) x_f + b, each term once for
        each value of the attribute.
        """
        if not isinstance(self.fusion, AttributeGatedFusion):
            return super().readout_of_pairs(values, tokens)
        gates = self.fusion.attribute_gates(self.encode_text(tokens))
        kind, color, state = unpack_cells(values, self.cells)
        total: Tensor = self.readout.bias
        for number, (layer, own) in enumerate(
            ((self.vision.kinds, kind), (self.vision.colors, color), (self.vision.states, state))
        ):
            scaled = gates[:, number, None, :] * self.readout.weight  # [S, K, D]
            terms = (scaled @ layer.weight.T).transpose(1, 2)  # [S, values of the attribute, K]
            total = total + terms.index_select(1, own)
        return torch.relu(total)

    def of_view(self, readouts: Tensor, cells: DistinctCells) -> Tensor:
        """What the readouts [R, views * N, readout_dim] of cells say, [R, hidden_dim]."""
        first, *others = readouts.chunk(self.views, dim=1)
        parts = [first, first * self.around(self._near(first))]
        for other in others:
            parts += [other, first * other]
        each = torch.cat(parts, dim=2)
        pooled: Tensor = self.pooled(torch.cat([each.sum(dim=1), each.amax(dim=1)], dim=1))
        return super().of_view(readouts, cells) + pooled + self.found(self._looked_up(readouts, cells))

    def of_map(self, pairs: Pairs, first: Tensor, explored: Tensor, cells: DistinctCells) -> Tensor:
        """What maps [R, N] of packed cells say, [R, hidden_dim], and what is looked up on them by the same heads."""
        features = super().of_map(pairs, first, explored, cells)
        assert self.found_on_map is not None
        rows = pairs.row_of_value[cells.values]  # [V]
        own = pairs.table[:, : self.heads].contiguous()
        weight = gather_rows(own, rows + first.to(rows.dtype).unsqueeze(1))  # [R, V, heads]
        weight = weight * count_values(explored, cells.values, self.cells.values).unsqueeze(2)
        content = self.values(cells.values).sum(dim=1)  # [V, VALUE_DIM]
        return features + self.found_on_map((weight.transpose(1, 2) @ content).flatten(1))

    def _near(self, cells: Tensor) -> Tensor:
        """The means [R, N, D] of the 3 x 3 cells around each cell."""
        grid = cells.transpose(1, 2).unflatten(2, self.shape[:2])
        return functional.avg_pool2d(grid, 3, stride=1, padding=1).flatten(2).transpose(1, 2)

    def _looked_up(self, readouts: Tensor, cells: DistinctCells) -> Tensor:
        """What the cells are that the question is about: [R, views * heads * (views + 1) * VALUE_DIM].

        A head weights the cells of a view by a channel of their readouts, and adds up what is in each, in the same cell
        of the other view, and around it.
        """
        each = self.values(cells.values).sum(dim=1)
        value = each.index_select(0, cells.row_of.flatten()).unflatten(0, cells.row_of.shape)
        views = value.chunk(self.views, dim=1)
        content = torch.cat([*views, self._near(views[0])], dim=2)
        heads = [view[..., : self.heads].transpose(1, 2) @ content for view in readouts.chunk(self.views, dim=1)]
        return torch.cat(heads, dim=1).flatten(1)
