"""Encoders around a sentence model: what is trained, what is saved, and how often the model is asked."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from groundling.errors import ConfigurationError
from groundling.language.encoders import make_language_encoder
from groundling.language.encoders.pretrained import unit_variance
from groundling.language.encoders.sentence_models import PACKAGED_MODEL
from groundling.language.vocabulary import VOCABULARY, Vocabulary

if TYPE_CHECKING:
    from conftest import Loader

SENTENCES = ("go to the red ball", "pick up a key", "open the door")
PRETRAINED: list[Any] = ["sentence", "sentence-tuned"]

Make = Callable[..., nn.Module]
Encode = Callable[..., Tensor]


def step(encoder: nn.Module, tokens: Tensor) -> None:
    """One large gradient step."""
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
    encoder(tokens).square().sum().backward()
    optimizer.step()


def test_text_reaches_the_model_as_it_was_said(make: Make, encode: Encode, loader: Loader) -> None:
    text = "open the red door, then go to the ball"
    make("sentence")(encode(text, length=20))
    make("sentence-tuned")(encode(text, length=20))
    assert loader.loaded[0].heard[-1] == loader.loaded[1].heard[-1] == [text]


def test_sentences_met_before_do_not_reach_the_model(make: Make, encode: Encode, loader: Loader) -> None:
    encoder = make("sentence")
    encoder(encode(*SENTENCES))
    (model,) = loader.loaded
    before = len(model.heard)
    for width in (5, 9, 12):
        encoder(encode(*reversed(SENTENCES), length=width))
    make("sentence")(encode(*SENTENCES))
    assert len(model.heard) == before
    assert len(loader.loaded) == 1


def test_sentences_met_before_are_not_decoded(make: Make, encode: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, tokens = make("sentence"), encode(*SENTENCES)
    expected = encoder(tokens)
    monkeypatch.setattr(Vocabulary, "decode", None)
    assert torch.equal(encoder(tokens), expected)


def test_only_new_sentences_reach_the_model(make: Make, encode: Encode, loader: Loader) -> None:
    encoder: Any = make("sentence")
    encoder(encode(SENTENCES[0]))
    vectors = encoder(encode(*SENTENCES, SENTENCES[2]))
    assert torch.equal(vectors[2], vectors[3])
    assert len(encoder.known) == len(encoder.table) == 3
    assert sorted(text for text in loader.heard if text) == sorted(SENTENCES)


def test_frozen_encoder_projects_the_scaled_vectors_of_the_model(make: Make, encode: Encode, loader: Loader) -> None:
    encoder: Any = make("sentence")
    result = encoder(encode(*SENTENCES))
    model = loader.loaded[0]
    vectors = torch.cat([model(model.preprocess([text]))["sentence_embedding"] for text in SENTENCES])
    torch.testing.assert_close(result, encoder.project(4 * vectors / vectors.norm(dim=1, keepdim=True)))


def test_frozen_and_tuned_encoder_begin_alike(make: Make, encode: Encode) -> None:
    frozen: Any = make("sentence")
    tuned: Any = make("sentence-tuned")
    tuned.project.load_state_dict(frozen.project.state_dict())
    torch.testing.assert_close(tuned(encode(*SENTENCES)), frozen(encode(*SENTENCES)), rtol=1e-4, atol=1e-5)


def test_frozen_model_is_neither_trained_nor_saved(make: Make, encode: Encode, loader: Loader) -> None:
    encoder: Any = make("sentence")
    tokens = encode(*SENTENCES)
    encoder(tokens)
    table = encoder.table.clone()
    weight = loader.loaded[0].characters.weight.detach().clone()
    before = encoder.project.weight.detach().clone()
    step(encoder, tokens)
    names = ["project.weight", "project.bias"]
    assert list(encoder.state_dict()) == [name for name, _ in encoder.named_parameters()] == names
    assert torch.equal(encoder.table, table)
    assert torch.equal(loader.loaded[0].characters.weight, weight)
    assert not torch.equal(encoder.project.weight, before)


def test_saved_projection_gives_the_same_vectors_in_another_encoder(make: Make, encode: Encode) -> None:
    first, second = make("sentence"), make("sentence")
    first(encode(*SENTENCES))
    second(encode(*reversed(SENTENCES)))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(encode(*SENTENCES)), second(encode(*SENTENCES)))


def test_tuned_model_is_trained_and_saved(make: Make, encode: Encode, loader: Loader) -> None:
    encoder: Any = make("sentence-tuned")
    model = loader.loaded[0]
    before = model.characters.weight.detach().clone()
    step(encoder, encode(*SENTENCES))
    assert set(encoder.state_dict()) == {"model.characters.weight", "project.weight", "project.bias"}
    assert not torch.equal(model.characters.weight, before)
    assert torch.equal(encoder.state_dict()["model.characters.weight"], model.characters.weight)


def test_dropout_of_a_tuned_model_stays_off(make: Make, encode: Encode) -> None:
    encoder: Any = make("sentence-tuned").train()
    assert encoder.training
    assert encoder.project.training
    assert not any(module.training for module in encoder.model.modules())
    assert torch.equal(encoder(encode(*SENTENCES)), encoder(encode(*SENTENCES)))


def test_a_copy_goes_its_own_way(make: Make, encode: Encode, loader: Loader) -> None:
    encoder = make("sentence")
    encoder(encode(SENTENCES[0]))
    other = copy.deepcopy(encoder)
    assert len(loader.loaded) == 1
    assert torch.equal(other(encode(*SENTENCES)), encoder(encode(*SENTENCES)))
    step(other, encode(*SENTENCES))
    assert not torch.equal(other(encode(*SENTENCES)), encoder(encode(*SENTENCES)))


def test_sentences_met_in_inference_mode_can_be_trained_on(make: Make, encode: Encode) -> None:
    encoder: Any = make("sentence")
    with torch.inference_mode():
        encoder(encode(*SENTENCES))
    step(encoder, encode(*SENTENCES, length=12))
    assert encoder.project.weight.grad.abs().sum() > 0


def test_sentences_that_failed_are_asked_for_again(
    make: Make, encode: Encode, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = make("sentence")
    with monkeypatch.context() as patch:
        patch.setattr(type(loader.loaded[0]), "preprocess", None)
        with pytest.raises(TypeError):
            encoder(encode(*SENTENCES))
    other = make("sentence")
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(encoder(encode(*SENTENCES)), other(encode(*SENTENCES)))


def test_scaled_vectors_have_components_of_about_1() -> None:
    vectors = unit_variance(torch.randn(10, 400) * 37)
    torch.testing.assert_close(vectors.square().mean(dim=1), torch.ones(10))
    assert torch.equal(unit_variance(torch.zeros(1, 3)), torch.zeros(1, 3))


@pytest.mark.parametrize("kind", PRETRAINED)
@pytest.mark.parametrize(
    ("missing", "model", "named"),
    [
        ("sentence_transformers", None, "sentence_transformers, which"),
        ("sentence_transformers", "own", "sentence_transformers, which"),
        (PACKAGED_MODEL, None, f"{PACKAGED_MODEL}, which"),
    ],
)
def test_missing_extra_is_named_with_what_to_do(
    kind: Any, missing: str, model: str | None, named: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError) as caught:
        make_language_encoder(kind, VOCABULARY, 5, 7, model=model and folder)
    assert named in str(caught.value)
    assert "pip install 'groundling[sentence]'" in str(caught.value)


def test_own_model_needs_no_packaged_one(make: Make, encode: Encode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGED_MODEL, None)
    assert make("sentence")(encode(*SENTENCES)).shape == (3, 7)


@pytest.mark.parametrize("kind", PRETRAINED)
def test_folder_without_a_model_is_refused(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no modules\.json"):
        make_language_encoder(kind, VOCABULARY, 5, 7, model=tmp_path)


@pytest.mark.parametrize("kind", PRETRAINED)
def test_token_ids_that_mean_nobody_knows_what_are_refused(kind: Any, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="nobody told what the 9 token ids mean"):
        make_language_encoder(kind, Vocabulary.unnamed(9), 5, 7, model=folder)


def test_own_vocabulary_is_read(loader: Loader, folder: Path) -> None:
    vocabulary = Vocabulary.of(["hop", "over", "lamp"])
    encoder = make_language_encoder("sentence", vocabulary, 5, 7, model=folder)
    encoder(torch.tensor([[2, 3, 4, 0]]))
    assert loader.heard[-1] == "hop over lamp"
