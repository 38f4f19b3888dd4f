"""Symbolic cells: every value once, handed back by index, and encoded one at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from groundling.agents.encoders.cells import CELL_VALUES, NUM_ATTRIBUTES, CellEncoder, distinct_cells, pack_cells
from groundling.envs.engine.constants import NUM_COLORS, NUM_STATES, NUM_TYPES


def random_image(batch: int) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    parts = [
        torch.randint(high, (batch, 7, 7), generator=generator, dtype=torch.uint8)
        for high in (NUM_TYPES, NUM_COLORS, NUM_STATES)
    ]
    return torch.stack(parts, dim=-1)


def test_every_type_color_and_state_has_its_own_packed_value() -> None:
    grid = torch.cartesian_prod(torch.arange(NUM_TYPES), torch.arange(NUM_COLORS), torch.arange(NUM_STATES))
    packed = pack_cells(grid.to(torch.uint8))
    assert sorted(packed.tolist()) == list(range(CELL_VALUES))


def test_distinct_cells_give_the_packed_image_back() -> None:
    image = random_image(5)
    found = distinct_cells(image)
    assert torch.equal(found.values[found.row_of.long()], pack_cells(image).flatten(1).long())


def test_distinct_cells_hold_each_value_of_the_batch_once_and_no_other() -> None:
    image = random_image(2)
    found = distinct_cells(image)
    assert sorted(found.values.tolist()) == sorted(set(pack_cells(image).flatten().tolist()))


def test_an_image_of_one_cell_value_is_one_distinct_cell() -> None:
    image = torch.full((4, 7, 7, 3), 2, dtype=torch.uint8)
    found = distinct_cells(image)
    assert len(found.values) == 1
    assert not found.row_of.any()


def test_encoder_gives_each_cell_its_channels_whatever_stands_beside_it() -> None:
    encoder = CellEncoder(6)
    values = torch.arange(CELL_VALUES)
    channels = encoder(values)
    assert channels.shape == (CELL_VALUES, NUM_ATTRIBUTES, 6)
    torch.testing.assert_close(channels[[40, 7]], encoder(torch.tensor([40, 7])), rtol=0, atol=1e-6)


def test_type_color_and_state_have_channels_of_their_own() -> None:
    torch.manual_seed(0)
    encoder = CellEncoder(32)
    cells = torch.tensor([[5, 1, 0], [6, 1, 0], [5, 2, 0], [5, 1, 1]], dtype=torch.uint8)
    channels = encoder(pack_cells(cells).long())
    for changed, other in enumerate(channels[1:]):
        differs = (other - channels[0]).abs().amax(dim=1) > 1e-3
        assert differs.tolist() == [attribute == changed for attribute in range(NUM_ATTRIBUTES)]
