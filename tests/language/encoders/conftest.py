"""A sentence model of a few hundred numbers in the place of MiniLM, which counts what it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.language.encoders import embeddings, make_language_encoder, pretrained
from groundling.language.vocabulary import VOCABULARY

DIM = 16


class SmallModel(nn.Module):
    """Characters weighted by their place and summed; its dropout would show if it were ever on."""

    def __init__(self) -> None:
        super().__init__()
        weight = np.random.default_rng(0).normal(size=(128, DIM)).astype(np.float32)
        self.characters = nn.Embedding.from_pretrained(torch.from_numpy(weight), freeze=False)
        self.dropout = nn.Dropout(0.5)
        self.heard: list[list[str]] = []

    def get_embedding_dimension(self) -> int:
        return DIM

    def preprocess(self, inputs: list[str]) -> dict[str, Any]:
        self.heard.append(inputs)
        length = max(len(text) for text in inputs) or 1
        rows = [[*map(ord, text), *[0] * (length - len(text))] for text in inputs]
        return {"characters": torch.tensor(rows), "modality": "text"}

    def forward(self, features: dict[str, Any]) -> dict[str, Tensor]:
        characters = features["characters"]
        place = torch.arange(1, characters.shape[1] + 1).sqrt().unsqueeze(1)
        states = self.dropout(self.characters(characters)) * place * (characters != 0).unsqueeze(2)
        return {"sentence_embedding": states.sum(dim=1)}


class Loader:
    """Stands in for ``load_sentence_model``: every model that it gave away."""

    def __init__(self) -> None:
        self.loaded: list[SmallModel] = []

    def __call__(self, folder: Path) -> SmallModel:
        self.loaded.append(SmallModel().eval())
        return self.loaded[-1]

    @property
    def heard(self) -> list[str]:
        """Every sentence that was given to a model, in order."""
        return [text for model in self.loaded for batch in model.heard for text in batch]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no embeddings in memory."""
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))
    embeddings._embeddings_of.cache_clear()
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the small model."""
    folder = tmp_path / "small-model"
    folder.mkdir()
    (folder / "modules.json").write_text(json.dumps([]))
    (folder / "weights").write_bytes(b"1234")
    return folder


@pytest.fixture
def loader(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """The small model is loaded whatever the folder."""
    loader = Loader()
    monkeypatch.setattr(embeddings, "load_sentence_model", loader)
    monkeypatch.setattr(pretrained, "load_sentence_model", loader)
    return loader


@pytest.fixture
def make(loader: Loader, folder: Path) -> Callable[..., nn.Module]:
    """Makes an encoder of a kind over the package's vocabulary, pretrained ones with the small model."""

    def make(kind: Any, word_dim: int = 8, out_dim: int = 7) -> nn.Module:
        return make_language_encoder(kind, VOCABULARY, word_dim, out_dim, model=folder)

    return make


@pytest.fixture
def encode() -> Callable[..., Tensor]:
    """Sentences to token ids [S, L], padded to the longest or to ``length``."""

    def encode(*texts: str, length: int | None = None) -> Tensor:
        rows: list[NDArray[np.int32]] = [VOCABULARY.encode(text) for text in texts]
        width = length or max(map(len, rows))
        return torch.from_numpy(np.stack([np.pad(row, (0, width - len(row))) for row in rows])).long()

    return encode
