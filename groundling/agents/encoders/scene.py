"""The encoder of scenes: symbolic cells as :mod:`symbolic` reads them, and what they say wherever they are in the view.

An answer ("red") does not depend on where the sofa is in the view, unlike a move. So beside the layers that know each
cell's place there are sums and maxima over all cells: of what the question makes of each, of each with what stands on
it, and of each with its neighbors. A map is added up as a whole too, which counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.encoders.base import check_image
from groundling.agents.encoders.cells import unpack_cells
from groundling.agents.encoders.maps import MapReader
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.agents.fusion import AttributeGatedFusion
from groundling.interfaces import SYMBOLS, Field, Observation, Spec

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


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
    Linear([r, t]) + Linear(sum and maximum over N of [r, t, r * t, r * n]).
    """

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
        self.pooled = nn.Linear(2 * (2 + 2 * (self.views > 1)) * size, config.hidden_dim)

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
        if isinstance(self.map, SummedMapReader):
            nn.init.orthogonal_(self.map.total.weight, 0.1)

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

    def of_view(self, cells: Tensor) -> Tensor:
        """What the readouts of cells [R, views * N, readout_dim] say, [R, hidden_dim]."""
        first, *others = cells.chunk(self.views, dim=1)
        grid = first.transpose(1, 2).unflatten(2, self.shape[:2])
        near = functional.avg_pool2d(grid, 3, stride=1, padding=1).flatten(2).transpose(1, 2)
        parts = [first, first * self.around(near)]
        for other in others:
            parts += [other, first * other]
        each = torch.cat(parts, dim=2)
        features: Tensor = super().of_view(cells) + self.pooled(torch.cat([each.sum(dim=1), each.amax(dim=1)], dim=1))
        return features
