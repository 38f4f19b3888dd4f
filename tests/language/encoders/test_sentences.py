"""The distinct sentences of a batch, and the numbers of those met before."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groundling.language.encoders import distinct_sentences
from groundling.language.encoders import sentences as module
from groundling.language.encoders.sentences import KnownSentences

WORDS = 12


def sentences() -> Tensor:
    """Five rows, three distinct sentences of lengths 2, 3 and 4, padded to 6."""
    first, second, third = [3, 4, 0, 0, 0, 0], [5, 4, 3, 0, 0, 0], [3, 4, 5, 6, 0, 0]
    return torch.tensor([second, first, third, first, second], dtype=torch.int32)


def test_distinct_sentences_give_the_batch_back() -> None:
    instruction = sentences()
    found = distinct_sentences(instruction)
    assert torch.equal(found.tokens[found.row_of], instruction[:, : found.tokens.shape[1]].long())


def test_distinct_sentences_hold_every_sentence_once() -> None:
    found = distinct_sentences(sentences())
    rows = {tuple(row) for row in found.tokens.tolist()}
    assert len(rows) == len(found.tokens) == 3


def test_columns_that_are_padding_everywhere_are_cut_off() -> None:
    assert distinct_sentences(sentences()).tokens.shape[1] == 4


def test_distinct_sentences_of_a_large_random_batch_give_it_back() -> None:
    generator = torch.Generator().manual_seed(0)
    few = torch.randint(1, WORDS, (50, 9), generator=generator)
    instruction = few[torch.randint(50, (2000,), generator=generator)]
    found = distinct_sentences(instruction)
    assert torch.equal(found.tokens[found.row_of], instruction)
    assert len(found.tokens) == len(torch.unique(instruction, dim=0))


def test_sentences_that_share_a_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all hashes equal the check fails and the rows are sorted instead."""
    monkeypatch.setattr(module, "hash_rows", lambda numbers: torch.zeros(len(numbers), dtype=torch.long))
    found = distinct_sentences(sentences())
    assert torch.equal(found.tokens[found.row_of], sentences()[:, :4].long())
    assert len(found.tokens) == 3


def test_a_batch_of_padding_only_is_one_sentence() -> None:
    found = distinct_sentences(torch.zeros(3, 5, dtype=torch.int32))
    assert found.tokens.tolist() == [[0]]
    assert found.row_of.tolist() == [0, 0, 0]


def test_like_sentences_have_different_hashes() -> None:
    """Permutations and neighbors of one sentence, at the beginning and at the end of a long one."""
    base = torch.tensor([7, 8, 9, 10, 11, 12])
    orders = torch.cartesian_prod(*[torch.arange(6)] * 6)
    orders = orders[orders.sort(dim=1).values.eq(torch.arange(6)).all(dim=1)]
    steps = torch.cartesian_prod(*[torch.arange(-2, 3)] * 6)
    rows = torch.cat([base[orders], base + steps]).unique(dim=0)
    assert len(rows) > 15_000
    assert len(module.hash_rows(rows).unique()) == len(rows)
    assert len(module.hash_rows(functional.pad(rows, (90, 0), value=3)).unique()) == len(rows)


def test_zeros_at_the_end_do_not_change_a_hash() -> None:
    rows = torch.randint(0, WORDS, (50, 6), generator=torch.Generator().manual_seed(0))
    assert torch.equal(module.hash_rows(functional.pad(rows, (0, 5))), module.hash_rows(rows))


def known_sentences() -> KnownSentences:
    known = KnownSentences()
    known.add(torch.tensor([[3, 4], [5, 0]]))
    known.add(torch.tensor([[3, 4, 5, 6]]))
    return known


def test_known_sentences_are_numbered_in_order_of_arrival() -> None:
    assert known_sentences().find(torch.tensor([[3, 4, 5, 6], [3, 4, 0, 0], [5, 0, 0, 0]])).tolist() == [2, 0, 1]


def test_nothing_is_known_at_first() -> None:
    assert KnownSentences().find(torch.tensor([[3, 4], [0, 0]])).tolist() == [-1, -1]


@pytest.mark.parametrize("columns", [0, 1, 9])
def test_padding_does_not_change_a_number(columns: int) -> None:
    known = known_sentences()
    tokens = functional.pad(torch.tensor([[3, 4], [5, 0], [4, 3]]), (0, columns))
    assert known.find(tokens).tolist() == [0, 1, -1]
    assert known.find(torch.tensor([[5]])).tolist() == [1]


def test_a_sentence_is_not_taken_for_its_beginning() -> None:
    known = KnownSentences()
    known.add(torch.tensor([[3, 4]]))
    assert known.find(torch.tensor([[3, 4, 5], [3, 0, 0], [0, 3, 4]])).tolist() == [-1, -1, -1]


def test_known_sentences_that_share_a_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "hash_rows", lambda numbers: torch.zeros(len(numbers), dtype=torch.long))
    known = known_sentences()
    found = known.find(torch.tensor([[3, 4, 5, 6], [5, 0, 0, 0], [3, 4, 0, 0], [4, 3, 0, 0]]))
    assert found.tolist() == [2, 1, 0, -1]


def test_every_one_of_many_known_sentences_is_found() -> None:
    tokens = torch.randint(0, WORDS, (5000, 9), generator=torch.Generator().manual_seed(0)).unique(dim=0)
    tokens = tokens[torch.randperm(len(tokens), generator=torch.Generator().manual_seed(1))]
    known = KnownSentences()
    for part in tokens.split(700):
        known.add(part)
    assert torch.equal(known.find(tokens), torch.arange(len(tokens)))


def test_known_sentences_are_not_saved() -> None:
    assert known_sentences().state_dict() == {}
