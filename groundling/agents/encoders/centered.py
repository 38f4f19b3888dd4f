"""The encoder of a grid seen from above whose agent may be in any cell: cells by where they are from the agent's.

A move depends on where a thing is seen from the agent, and in a grid that is seen whole both are anywhere. From places
in the grid a network has to learn that for each pair of cells; here cells are laid out around the agent's first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from groundling.agents.encoders.cells import unpack_cells
from groundling.agents.encoders.convolved import ConvolvedConfig, ConvolvedEncoder
from groundling.agents.encoders.symbolic import PreparedSymbols
from groundling.agents.linear import Linear
from groundling.agents.placement import as_host_array, is_on_host
from groundling.errors import ObservationError
from groundling.interfaces import CATEGORY, Field, Observation, Spec

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


@dataclass(frozen=True)
class CenteredConfig(ConvolvedConfig):
    """Settings of vision "centered".

    Attributes:
        cell_dim: number of channels of each attribute of a cell (type, color, state), which a gate multiplies.
        readout_dim: number of channels of a cell after the fusion.
        map_radius: 0: it reads no map.
        map_ways: False: it reads no map.
        channels: of each convolution.
        layers: number of convolutions of 3 x 3 cells; so far it sees from a cell.
    """


class CenteredEncoder(ConvolvedEncoder):
    """Reads symbolic cells ``image`` [B, H, W, 3] uint8 of which one has a state other than 0: that of the agent.

    The features of :class:`ConvolvedEncoder` and beside them Linear(window), where the window [2H-1, 2W-1] has readouts
    and convolutions of the cells with the agent's in its middle, and zeros outside the grid.
    """

    Config: ClassVar[type[Any]] = CenteredConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        height, width = self.shape[:2]
        window = (2 * height - 1) * (2 * width - 1)
        # by row and column of the window, then by channel
        self.around = Linear(window * (self.settings.readout_dim + self.settings.channels), config.hidden_dim)

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """A symbolic view; no direction, which agents of whole grids have not."""
        return super().claim({key: part for key, part in fields.items() if part.kind != CATEGORY}, config)

    def initialize(self) -> None:
        """As the convolved encoder's."""
        super().initialize()
        nn.init.orthogonal_(self.around.weight, math.sqrt(2))
        nn.init.zeros_(self.around.bias)

    def _view(self, observation: Observation) -> Tensor:
        image = super()._view(observation)
        if is_on_host(image):
            self._check_marks((image[..., 2] != 0).sum(dim=(1, 2)))
        return image

    def check_values(self, observation: Observation) -> None:
        """See :class:`ObservationEncoder`; the marks of the agents' cells too."""
        super().check_values(observation)
        if self.image_key in observation:
            cells = as_host_array(observation[self.image_key])
            self._check_marks(torch.from_numpy((cells[..., 2] != 0).sum(axis=(1, 2))))

    def _check_marks(self, marked: Tensor) -> None:
        """Refuse images of which not exactly one cell is marked, by how many are [B]."""
        if (wrong := (marked != 1).nonzero()).numel():
            row = int(wrong[0])
            raise ObservationError(
                f"vision 'centered' needs the agent's cell marked by a state other than 0 in {self.image_key}, row "
                f"{row} has {int(marked[row])} such cells: take vision 'convolved'"
            )

    def of_found(self, readouts: Tensor, found: Tensor, prepared: PreparedSymbols) -> Tensor:
        """What the cells around the agent say as well."""
        hidden = super().of_found(readouts, found, prepared)
        if self.config.blind:
            return hidden
        _, _, state = unpack_cells(prepared.cells.values, self.cells)
        agent = (state != 0)[prepared.cells.row_of].int().argmax(dim=1)
        both = torch.cat([readouts, found.flatten(2).transpose(1, 2)], dim=2)
        return hidden + self._around(both.unflatten(1, self.shape[:2]), agent)

    def _around(self, cells: Tensor, agent: Tensor) -> Tensor:
        """The linear layer of the window around the agent's cell [R], of the cells [R, H, W, D]; [R, hidden_dim].

        Most of the window is outside the grid: for each of the agent's cells there is a product with the weights of the
        places that are inside.
        """
        if not is_on_host(agent):
            return self.around_on_device(cells, agent)
        height, width = self.shape[:2]
        weight = self.around.weight.view(-1, 2 * height - 1, 2 * width - 1, cells.shape[3])
        order = agent.argsort()
        counts = torch.bincount(agent, minlength=height * width).tolist()
        found = []
        for cell, part in enumerate(cells[order].flatten(1).split(counts)):
            if len(part):
                top, left = height - 1 - cell // width, width - 1 - cell % width
                inside = weight[:, top : top + height, left : left + width]
                found.append(part @ inside.flatten(1).T)
        return torch.cat(found)[order.argsort()] + self.around.bias

    def around_on_device(self, cells: Tensor, agent: Tensor) -> Tensor:
        """The same without the host, which would have to wait to learn how many agents are in each cell: the windows
        are laid out as they are, zeros and all.
        """
        height, width = self.shape[:2]
        down = torch.arange(2 * height - 1, device=agent.device) - (height - 1)
        right = torch.arange(2 * width - 1, device=agent.device) - (width - 1)
        row = (agent // width).unsqueeze(1) + down  # [R, 2H-1]
        column = (agent % width).unsqueeze(1) + right  # [R, 2W-1]
        is_row, is_column = (row >= 0) & (row < height), (column >= 0) & (column < width)
        place = row.clamp(0, height - 1).unsqueeze(2) * width + column.clamp(0, width - 1).unsqueeze(1)
        place = place.flatten(1).unsqueeze(2).expand(-1, -1, cells.shape[3])
        is_inside = (is_row.unsqueeze(2) & is_column.unsqueeze(1)).flatten(1).unsqueeze(2)
        window = cells.flatten(1, 2).gather(1, place) * is_inside
        found: Tensor = self.around(window.flatten(1))
        return found
