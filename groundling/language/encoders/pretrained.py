"""Pretrained encoders: token ids are turned back into text, which a sentence model reads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.language.encoders.embeddings import embeddings_of
from groundling.language.encoders.sentence_models import find_model, load_sentence_model
from groundling.language.encoders.sentences import KnownSentences
from groundling.language.vocabulary import VOCABULARY, Vocabulary


class SentenceEncoder(nn.Module):
    """A frozen sentence model, then one linear layer, which alone is trained and saved.

    Every sentence is embedded once, see :class:`~groundling.language.encoders.embeddings.SentenceEmbeddings`; after
    that, a row of token ids is looked up in a table.

    Args:
        out_dim: size of a sentence's vector.
        vocabulary: what the token ids mean.
        model: folder of a sentence-transformers model; None takes the packaged all-MiniLM-L6-v2.

    Raises:
        ConfigurationError: if the extra is not installed or the model cannot be loaded.

    Source: Reimers and Gurevych 2019, arXiv:1908.10084.
    """

    table: Tensor

    def __init__(self, out_dim: int, *, vocabulary: Vocabulary = VOCABULARY, model: Path | str | None = None) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.folder = find_model(model)
        dim = embeddings_of(self.folder).dim
        self.known = KnownSentences()
        self.register_buffer("table", torch.zeros(0, dim), persistent=False)
        self.project = nn.Linear(dim, out_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        number = self._numbers(tokens)
        return self.project(self.table[number])

    def _numbers(self, tokens: Tensor) -> Tensor:
        """The sentences' rows [S] of the table, which grows by those that are new."""
        number = self.known.find(tokens)
        if bool((number < 0).any()):
            self._learn(tokens[number < 0].unique(dim=0))
            number = self.known.find(tokens)
        return number

    def _learn(self, tokens: Tensor) -> None:
        texts = [self.vocabulary.decode(row) for row in tokens.tolist()]
        vectors = torch.from_numpy(embeddings_of(self.folder).vectors(texts))
        self.table = torch.cat([self.table, unit_variance(vectors).to(self.table)])
        self.known.add(tokens)


class TunedSentenceEncoder(nn.Module):
    """A sentence model that is trained with the agent, then one linear layer.

    Dropout stays off while training: an agent has to decide on a rollout as it did in it.

    Args:
        out_dim: size of a sentence's vector.
        vocabulary: what the token ids mean.
        model: folder of a sentence-transformers model; None takes the packaged all-MiniLM-L6-v2.

    Raises:
        ConfigurationError: if the extra is not installed or the model cannot be loaded.
    """

    def __init__(self, out_dim: int, *, vocabulary: Vocabulary = VOCABULARY, model: Path | str | None = None) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.model = load_sentence_model(find_model(model))
        self.project = nn.Linear(self.model.get_embedding_dimension(), out_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids [S, L] to vectors [S, D]."""
        features = self.model.preprocess([self.vocabulary.decode(row) for row in tokens.tolist()])
        features = {name: x.to(tokens.device) if isinstance(x, Tensor) else x for name, x in features.items()}
        return self.project(unit_variance(self.model(features)["sentence_embedding"]))

    def train(self, mode: bool = True) -> Self:
        """Switch to training; the sentence model's dropout stays off."""
        super().train(mode)
        self.model.eval()
        return self


def unit_variance(vectors: Tensor) -> Tensor:
    """Vectors [S, E] scaled to length sqrt(E), so that a component is about 1, as a linear layer expects it."""
    return functional.normalize(vectors, dim=1) * math.sqrt(vectors.shape[1])
