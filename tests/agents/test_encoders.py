"""Sentences to vectors: every sentence once, padding without effect, word order kept or lost on purpose."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from groundling.language.encoders import distinct_sentences, make_language_encoder

VOCABULARY = 12
KINDS = ["positional", "bow", "gru"]


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
    few = torch.randint(1, VOCABULARY, (50, 9), generator=generator)
    instruction = few[torch.randint(50, (2000,), generator=generator)]
    found = distinct_sentences(instruction)
    assert torch.equal(found.tokens[found.row_of], instruction)
    assert len(found.tokens) == len(torch.unique(instruction, dim=0))


def test_sentences_that_share_a_hash_are_still_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all hashes equal the check fails and the rows are sorted instead."""
    honest = torch.unique

    def colliding(values: Tensor, dim: int | None = None, **options: bool) -> tuple[Tensor, ...]:
        return honest(torch.zeros_like(values) if dim is None else values, dim=dim, **options)

    monkeypatch.setattr(torch, "unique", colliding)
    found = distinct_sentences(sentences())
    assert torch.equal(found.tokens[found.row_of], sentences()[:, :4].long())


def test_a_batch_of_padding_only_is_one_sentence() -> None:
    found = distinct_sentences(torch.zeros(3, 5, dtype=torch.int32))
    assert found.tokens.tolist() == [[0]]
    assert found.row_of.tolist() == [0, 0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_padding_does_not_change_a_sentence(kind: str) -> None:
    encoder = make_language_encoder(kind, VOCABULARY, 5, 7)
    tokens = sentences().long()
    torch.testing.assert_close(encoder(functional.pad(tokens, (0, 4))), encoder(tokens), rtol=0, atol=1e-6)


def test_bag_of_words_ignores_word_order() -> None:
    encoder = make_language_encoder("bow", VOCABULARY, 5, 7)
    torch.testing.assert_close(encoder(torch.tensor([[3, 4, 5]])), encoder(torch.tensor([[5, 3, 4]])))


@pytest.mark.parametrize("kind", ["positional", "gru"])
def test_other_encoders_hear_word_order(kind: str) -> None:
    encoder = make_language_encoder(kind, VOCABULARY, 5, 7)
    assert not torch.allclose(encoder(torch.tensor([[3, 4, 5]])), encoder(torch.tensor([[5, 3, 4]])), atol=1e-3)


def test_bag_of_words_is_the_sum_over_words() -> None:
    encoder = make_language_encoder("bow", VOCABULARY, 5, 7)
    expected = encoder.project(encoder.embedding.weight[3] + encoder.embedding.weight[4])
    torch.testing.assert_close(encoder(torch.tensor([[3, 4, 0, 0]]))[0], expected)


def test_position_weights_equal_hand_computed_numbers() -> None:
    """Two words, two dimensions: the first word weighs (1/2, 1/2), the second (1/2, 1)."""
    encoder = make_language_encoder("positional", VOCABULARY, 2, 7)
    words = torch.tensor([[1.0, 10.0], [100.0, 1000.0]])
    with torch.no_grad():
        encoder.embedding.weight[3:5] = words
    expected = encoder.project(torch.tensor([0.5 * 1 + 0.5 * 100, 0.5 * 10 + 1 * 1000]))
    torch.testing.assert_close(encoder(torch.tensor([[3, 4, 0]]))[0], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_has_the_same_vector_whoever_stands_beside_it(kind: str) -> None:
    encoder = make_language_encoder(kind, VOCABULARY, 5, 7)
    tokens = sentences().long()
    alone = torch.cat([encoder(row.unsqueeze(0)) for row in tokens])
    torch.testing.assert_close(encoder(tokens), alone, rtol=0, atol=1e-6)
