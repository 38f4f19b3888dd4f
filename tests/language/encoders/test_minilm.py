"""The packaged model itself, and other folders of sentence-transformers."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from groundling.errors import ConfigurationError
from groundling.language.encoders import make_language_encoder
from groundling.language.encoders.embeddings import SentenceEmbeddings
from groundling.language.encoders.sentence_models import embed, find_model, load_sentence_model
from groundling.language.vocabulary import VOCABULARY, Vocabulary

pytestmark = pytest.mark.slow  # its libraries take seconds to import

SENTENCES = ("pick up the ball", "grab the ball", "open the door")


@pytest.fixture(scope="module")
def minilm() -> Any:
    return load_sentence_model(find_model(None))


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """MiniLM with another pooling and without its normalization: vectors of the first token, of any length."""
    own, packaged = tmp_path / "own", find_model(None)
    (own / "1_Pooling").mkdir(parents=True)
    for path in packaged.iterdir():
        if path.is_file():
            os.symlink(path, own / path.name)
    modules = json.loads((packaged / "modules.json").read_text())
    (own / "modules.json").unlink()
    (own / "modules.json").write_text(json.dumps(modules[:2]))
    pooling = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (own / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return own


def make(kind: Any, model: Path | None = None) -> Any:
    torch.manual_seed(0)
    return make_language_encoder(kind, VOCABULARY, 32, 16, model=model)


def encode(*texts: str) -> Tensor:
    return torch.from_numpy(VOCABULARY.encode_all(texts, length=12)).long()


def test_sentences_of_like_meaning_are_alike(minilm: Any) -> None:
    pick, grab, door = torch.from_numpy(embed(minilm, SENTENCES))
    assert cosine_similarity(pick, grab, dim=0) > 0.8
    assert cosine_similarity(pick, door, dim=0) < 0.5


def test_vectors_are_those_of_sentence_transformers(minilm: Any) -> None:
    expected = minilm.encode(list(SENTENCES), show_progress_bar=False)
    assert expected.shape == (3, 384)
    np.testing.assert_allclose(embed(minilm, SENTENCES), expected, rtol=0, atol=1e-6)


def test_vectors_are_bit_equal_in_any_company(minilm: Any) -> None:
    many = [
        *SENTENCES,
        *(f"put the red {name} next to the blue key" for name in ("ball", "box", "door", "lamp", "cup")),
    ]
    alone = np.concatenate([embed(minilm, [sentence]) for sentence in many])
    assert np.array_equal(embed(minilm, many), alone)
    assert np.array_equal(embed(minilm, many[::-1])[::-1], alone)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who asked the network, which does not answer."""
    asked: list[str] = []

    def refuse(*args: object, **kwargs: object) -> None:
        asked.append(str(args))
        raise OSError("there is no network")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return asked


def test_loading_is_quiet_and_offline(network: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    model = load_sentence_model(find_model(None))
    assert network == []
    assert not any(module.training for module in model.modules())
    assert capfd.readouterr() == ("", "")


def test_loading_leaves_the_random_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*args: object, **kwargs: object) -> torch.nn.Module:
        return torch.nn.Linear(3, 3)  # draws its weights

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", load)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    load_sentence_model(find_model(None))
    assert torch.equal(torch.rand(3), expected)


def test_frozen_minilm_hears_meaning_through_token_ids(cache: Path) -> None:
    vocabulary = Vocabulary.of(" ".join(SENTENCES).split())
    encoder: Any = make_language_encoder("sentence", vocabulary, 32, 16)
    tokens = torch.from_numpy(vocabulary.encode_all(SENTENCES, length=6)).long()
    encoder(tokens)
    pick, grab, door = encoder.table[encoder.known.find(tokens)]
    assert cosine_similarity(pick, grab, dim=0) > cosine_similarity(pick, door, dim=0) + 0.4
    assert pick.norm() == pytest.approx(384**0.5, rel=1e-4)
    assert list(encoder.state_dict()) == ["project.weight", "project.bias"]


def test_cold_and_warm_cache_make_the_same_encoder(cache: Path) -> None:
    results = [make("sentence")(encode("open the door", "go to the red ball")) for _ in range(2)]
    os.rename(cache, cache.with_name("gone"))
    results.append(make("sentence")(encode("go to the red ball", "open the door")).flip(0))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_frozen_and_tuned_minilm_begin_alike(cache: Path) -> None:
    frozen, tuned = make("sentence"), make("sentence-tuned")
    tuned.project.load_state_dict(frozen.project.state_dict())
    tokens = encode("open the door", "put the red ball next to the blue key")
    torch.testing.assert_close(tuned(tokens), frozen(tokens), rtol=0, atol=1e-4)


def test_tuned_minilm_is_trained(minilm: Any) -> None:
    encoder, tokens = make("sentence-tuned").train(), encode("open the door", "put the red ball next to the blue key")
    parameters = {name: p for name, p in encoder.model.named_parameters() if "pooler" not in name}  # which is not used
    before = {name: p.detach().clone() for name, p in parameters.items()}
    heard = encoder(tokens)
    assert torch.equal(heard, encoder(tokens))
    heard.square().sum().backward()
    torch.optim.SGD(encoder.parameters(), lr=1e-2).step()
    moved = [name for name, p in parameters.items() if not torch.equal(p, before[name])]
    assert len(moved) > 0.9 * len(parameters)  # the bias of a key moves no attention
    assert len(parameters) == len(before) > 90
    assert not torch.equal(encoder(tokens), heard)
    assert {f"model.{name}" for name in parameters} < set(encoder.state_dict())


def test_own_folder_is_loaded_by_its_path(own_folder: Path, minilm: Any, cache: Path) -> None:
    own = embed(load_sentence_model(own_folder), SENTENCES)
    assert own.shape == (3, 384)
    assert np.abs(np.linalg.norm(own, axis=1) - 1).min() > 0.1
    assert not np.allclose(own, embed(minilm, SENTENCES), atol=0.01)
    encoder = make("sentence", own_folder)
    encoder(encode("open the door"))
    assert encoder.table[0].norm() == pytest.approx(384**0.5, rel=1e-4)
    assert SentenceEmbeddings(own_folder, cache).path.is_file()
    assert SentenceEmbeddings(own_folder, cache).path != SentenceEmbeddings(find_model(None), cache).path


@pytest.mark.parametrize("missing", ["model.safetensors", "config.json"])
def test_damaged_folder_is_named_and_not_looked_for_elsewhere(
    own_folder: Path, missing: str, network: list[str]
) -> None:
    (own_folder / missing).unlink()
    with pytest.raises(ConfigurationError, match="could not be loaded") as caught:
        make("sentence-tuned", own_folder)
    assert str(own_folder) in str(caught.value)
    assert network == []
