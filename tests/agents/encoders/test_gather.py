"""The compiled gather against PyTorch's own embedding, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groundling.agents.encoders.gather import gather_rows


def table_and_index(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(11, 3, generator=generator, requires_grad=True)
    return table, torch.randint(
        0, 9, shape, generator=generator, dtype=torch.int32
    )  # rows 9 and 10 are never asked for


@pytest.mark.parametrize("shape", [(7,), (5, 4), (2, 3, 4)])
def test_rows_are_those_of_the_table(shape: tuple[int, ...]) -> None:
    table, index = table_and_index(shape)
    assert torch.equal(gather_rows(table, index), table[index.long()])


def test_gradient_equals_that_of_pytorchs_embedding() -> None:
    table, index = table_and_index((40, 6))
    weight = torch.randn(40, 6, 3)
    (ours,) = torch.autograd.grad((gather_rows(table, index) * weight).sum(), table)
    (theirs,) = torch.autograd.grad((functional.embedding(index, table) * weight).sum(), table)
    torch.testing.assert_close(ours, theirs)
    assert not ours[9:].any()


def test_second_gradient_equals_that_of_pytorchs_embedding() -> None:
    """Natural gradients take the gradient of a gradient."""
    table, index = table_and_index((40, 6))
    weight = torch.randn(40, 6, 3)
    found = []
    for rows in (gather_rows(table, index), functional.embedding(index, table)):
        (first,) = torch.autograd.grad((rows.pow(3) * weight).sum(), table, create_graph=True)
        found.append(torch.autograd.grad(first.pow(2).sum(), table)[0])
    torch.testing.assert_close(*found)


def test_gradient_of_a_row_counts_how_often_it_was_taken() -> None:
    table, index = table_and_index((100,))
    (gradient,) = torch.autograd.grad(gather_rows(table, index).sum(), table)
    assert torch.equal(gradient[:, 0], torch.bincount(index, minlength=11).float())


def test_gradient_that_is_not_contiguous_is_read_right() -> None:
    table, index = table_and_index((8,))
    weight = torch.randn(3, 8)
    (ours,) = torch.autograd.grad((gather_rows(table, index).T * weight).sum(), table)
    (theirs,) = torch.autograd.grad((functional.embedding(index, table).T * weight).sum(), table)
    torch.testing.assert_close(ours, theirs)


def test_index_that_is_not_contiguous_is_read_right() -> None:
    table, index = table_and_index((6, 4))
    assert torch.equal(gather_rows(table, index.T), table[index.T.long()])


def test_other_precisions_are_left_to_pytorch() -> None:
    table, index = table_and_index((5,))
    assert torch.equal(gather_rows(table.double(), index), table.double()[index.long()])
