"""Every kind of encoder: padding without effect, word order kept or lost on purpose, gradients that arrive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.language.encoders import BiGRUEncoder, LanguageKind, WordEncoder, make_language_encoder
from groundling.language.encoders.transformer import sinusoids
from groundling.language.vocabulary import Vocabulary

KINDS = get_args(LanguageKind)
WORD_KINDS = ["positional", "bow", "contextual", "gru", "bigru", "transformer"]
SENTENCES = ("go to the red ball", "pick up a key", "open the door", "go to the red ball")
VOCABULARY_SIZE = 12

Make = Callable[..., nn.Module]
Encode = Callable[..., Tensor]


@pytest.mark.parametrize("kind", KINDS)
def test_every_sentence_has_a_vector_of_the_asked_size(kind: str, make: Make, encode: Encode) -> None:
    vectors = make(kind, word_dim=6, out_dim=5)(encode(*SENTENCES))
    assert vectors.shape == (4, 5)
    torch.testing.assert_close(vectors[0], vectors[3], rtol=0, atol=1e-6)  # rows are not rounded alike everywhere
    assert torch.pdist(vectors.detach()[:3]).min() > 1e-3


@pytest.mark.parametrize("columns", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_padding_does_not_change_a_sentence(kind: str, columns: int, make: Make, encode: Encode) -> None:
    encoder, tokens = make(kind), encode(*SENTENCES)
    torch.testing.assert_close(encoder(functional.pad(tokens, (0, columns))), encoder(tokens), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_has_the_same_vector_whoever_stands_beside_it(kind: str, make: Make, encode: Encode) -> None:
    encoder = make(kind)
    alone = torch.cat([encoder(encode(sentence)) for sentence in SENTENCES])
    torch.testing.assert_close(encoder(encode(*SENTENCES)), alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_bag_of_words_ignores_word_order(kind: str, make: Make, encode: Encode) -> None:
    vectors = make(kind)(encode("put the red ball next to the blue key", "put the blue ball next to the red key"))
    assert torch.allclose(vectors[0], vectors[1], atol=1e-5) == (kind == "bow")


@pytest.mark.parametrize("kind", KINDS)
def test_every_trained_parameter_has_a_gradient(kind: str, make: Make, encode: Encode) -> None:
    encoder = make(kind)
    encoder(encode(*SENTENCES)).square().sum().backward()
    still = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_without_words_has_a_vector(kind: str, make: Make, encode: Encode) -> None:
    encoder = make(kind)
    tokens = functional.pad(encode("go to the door"), (0, 2))
    vectors = encoder(torch.cat([tokens, torch.zeros_like(tokens)]))
    assert torch.isfinite(vectors).all()
    torch.testing.assert_close(vectors[:1], encoder(tokens), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_makes_the_same_encoder(kind: str, make: Make, encode: Encode) -> None:
    vectors = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        vectors.append(make(kind)(encode(*SENTENCES)))
    assert torch.equal(vectors[0], vectors[1])
    assert not torch.allclose(vectors[0], vectors[2], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_training_and_evaluation_hear_the_same(kind: str, make: Make, encode: Encode) -> None:
    """No dropout: else an agent would not decide on a rollout as it did in it."""
    encoder, tokens = make(kind), encode(*SENTENCES)
    trained = encoder.train()(tokens)
    with torch.no_grad():
        torch.testing.assert_close(encoder.eval()(tokens), trained, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_two_sentences_can_be_told_apart_by_training(kind: str, make: Make, encode: Encode) -> None:
    torch.manual_seed(0)
    encoder, tokens = make(kind, word_dim=16, out_dim=16), encode("go to the red ball", "go to the red box")
    head = nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(100):
        loss = functional.cross_entropy(head(encoder(tokens)), torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@pytest.mark.parametrize("kind", WORD_KINDS)
def test_word_vectors_are_zero_at_padding_only(kind: str, make: Make, encode: Encode) -> None:
    encoder, tokens = make(kind, out_dim=6), encode(*SENTENCES, length=8)
    assert isinstance(encoder, WordEncoder)
    words = encoder.words(tokens)
    assert words.shape == (4, 8, encoder.out_dim) == (4, 8, 6)
    assert torch.equal(words.abs().sum(dim=2) > 0, tokens != 0)


@pytest.mark.parametrize("kind", WORD_KINDS)
def test_padding_does_not_change_word_vectors(kind: str, make: Make, encode: Encode) -> None:
    encoder, tokens = make(kind), encode(*SENTENCES)
    wide = encoder.words(functional.pad(tokens, (0, 3)))  # type: ignore[operator]
    torch.testing.assert_close(wide[:, : tokens.shape[1]], encoder.words(tokens), rtol=0, atol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "hears"), [("bow", ""), ("gru", "before"), ("bigru", "both"), ("transformer", "both")]
)
def test_which_other_words_a_word_vector_knows(kind: str, hears: str, make: Make, encode: Encode) -> None:
    """The third of five words, while the first or the last is another."""
    encoder = make(kind)
    words = encoder.words(encode("go to the red ball", "open to the red ball", "go to the red box"))[:, 2]  # type: ignore[operator]
    knows_before, knows_after = (not torch.allclose(words[0], words[row], atol=1e-6) for row in (1, 2))
    assert (knows_before, knows_after) == {"": (False, False), "before": (True, False), "both": (True, True)}[hears]


def test_bag_of_words_is_the_sum_over_words() -> None:
    encoder: Any = make_language_encoder("bow", Vocabulary.unnamed(VOCABULARY_SIZE), 5, 7)
    expected = encoder.project(encoder.embedding.weight[3] + encoder.embedding.weight[4])
    torch.testing.assert_close(encoder(torch.tensor([[3, 4, 0, 0]]))[0], expected)


def test_position_weights_equal_hand_computed_numbers() -> None:
    """Two words, two dimensions: the first word weighs (1/2, 1/2), the second (1/2, 1)."""
    encoder: Any = make_language_encoder("positional", Vocabulary.unnamed(VOCABULARY_SIZE), 2, 7)
    words = torch.tensor([[1.0, 10.0], [100.0, 1000.0]])
    with torch.no_grad():
        encoder.embedding.weight[3:5] = words
    expected = encoder.project(torch.tensor([0.5 * 1 + 0.5 * 100, 0.5 * 10 + 1 * 1000]))
    torch.testing.assert_close(encoder(torch.tensor([[3, 4, 0]]))[0], expected)


def test_sentence_of_a_gru_is_the_state_after_its_last_word(make: Make, encode: Encode) -> None:
    encoder: Any = make("gru")
    tokens = encode("open the door", length=6)
    assert torch.equal(encoder(tokens), encoder.words(tokens)[:, 2])


def test_attention_of_a_bigru_sums_to_1_over_words_and_weighs_their_states(make: Make, encode: Encode) -> None:
    encoder: Any = make("bigru")
    tokens = encode("open the door", "go to the red ball")
    states = encoder.states(tokens)
    weight = encoder.attention(tokens, states)
    torch.testing.assert_close(weight.sum(dim=1), torch.ones(2))
    assert weight[0, 3:].tolist() == [0, 0]
    assert len(weight[1].detach().unique()) == 5  # words count differently
    expected = sum(weight[:, place, None] * encoder.words(tokens)[:, place] for place in range(5))
    torch.testing.assert_close(encoder(tokens), expected)


def test_attention_of_a_bigru_can_pick_one_word() -> None:
    encoder = BiGRUEncoder(VOCABULARY_SIZE, 4, 3)
    states = torch.tensor([[[0.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 5.0, 0.0]]])
    with torch.no_grad():
        encoder.score[0].weight.copy_(torch.eye(3))  # type: ignore[operator, union-attr]
        encoder.score[0].bias.zero_()  # type: ignore[operator, union-attr]
        encoder.score[2].weight.copy_(torch.tensor([[20.0, 0.0, 0.0]]))  # type: ignore[operator, union-attr]
    assert encoder.attention(torch.tensor([[3, 4, 5]]), states).argmax() == 1


def test_sentence_of_a_transformer_is_the_mean_of_its_words(make: Make, encode: Encode) -> None:
    encoder: Any = make("transformer")
    tokens = encode("open the door", length=6)
    torch.testing.assert_close(encoder(tokens), encoder.words(tokens)[:, :3].mean(dim=1))


@pytest.mark.parametrize(("word_dim", "heads"), [(32, 4), (6, 2), (5, 1)])
def test_heads_of_a_transformer_divide_the_size_of_a_word(word_dim: int, heads: int) -> None:
    encoder: Any = make_language_encoder("transformer", Vocabulary.unnamed(VOCABULARY_SIZE), word_dim, 7)
    assert [layer.self_attn.num_heads for layer in encoder.layers.layers] == [heads, heads]


def test_layers_of_a_transformer_begin_with_weights_of_their_own() -> None:
    encoder: Any = make_language_encoder("transformer", Vocabulary.unnamed(VOCABULARY_SIZE), 8, 7)
    first, second = encoder.layers.layers
    assert not torch.equal(first.self_attn.in_proj_weight, second.self_attn.in_proj_weight)
    assert not torch.equal(first.linear1.weight, second.linear1.weight)


def test_sinusoids_equal_hand_computed_numbers() -> None:
    """Three dimensions: sine and cosine at rate 1, then a sine at rate 10000^(-2/3)."""
    rate = 10_000 ** (-2 / 3)
    expected = [[np.sin(j), np.cos(j), np.sin(j * rate)] for j in range(4)]
    places = sinusoids(4, 3, torch.device("cpu"))
    torch.testing.assert_close(places, torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-6)
