"""How names find the sentences that tell of them, and the vectors of words that both are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.language.encoders.embeddings import embeddings_of
from groundling.language.encoders.sentence_models import find_model
from groundling.language.vocabulary import Vocabulary

NEVER = -1e9  # the score of a sentence or thing that is not there


def square(size: int) -> nn.Linear:
    """A linear layer that begins as the identity."""
    layer = nn.Linear(size, size, bias=False)
    nn.init.eye_(layer.weight)
    return layer


class Hop(nn.Module):
    """Attention to sentences, queries and keys by one matrix; what is read is added to what asked.

    Args:
        size: D, of a vector.
        sharpness: of the attention at first.
    """

    def __init__(self, size: int, sharpness: float) -> None:
        super().__init__()
        self.key, self.value = square(size), square(size)
        self.sharpness = nn.Parameter(torch.tensor(sharpness))

    def forward(
        self,
        asking: Tensor,
        sentences: Tensor,
        row_of: Tensor,
        is_there: Tensor,
        rivals: Tensor | None = None,
        match: Tensor | None = None,
    ) -> Tensor:
        """What K vectors are after reading.

        Args:
            asking: [R, K, D].
            sentences: [U, D], distinct ones.
            row_of: [R, S], which of them each document has.
            is_there: [R, S] bool, whether a document has so many.
            rivals: [R, K] bool, which of the vectors compete for sentences; None: none do.
            match: [R, K, S], how well each sentence suits by other means; it is added under the same sharpness.
        """
        keys, values = self.key(sentences)[row_of], self.value(sentences)[row_of]
        scores = self.sharpness * self.key(asking) @ keys.transpose(1, 2)
        if match is not None:
            scores = scores + self.sharpness * match
        if rivals is not None:
            scores = two_sided(scores, rivals)
        attention = scores.masked_fill(~is_there.unsqueeze(1), NEVER).softmax(dim=-1)
        return asking + attention @ values


def two_sided(scores: Tensor, rivals: Tensor) -> Tensor:
    """Scores [R, K, S] whose softmax over sentences is in proportion to the product of two of the old scores': that
    over the sentences, and for each sentence that over the rivals. So a sentence that suits another thing better is
    left to it.

    Args:
        scores: of K vectors for S sentences.
        rivals: [R, K] bool, which of the vectors compete; the scores of the others stay as they are.
    """
    competing = rivals.unsqueeze(2)
    wanted = scores.masked_fill(~competing, NEVER).logsumexp(dim=1, keepdim=True)
    return torch.where(competing, 2 * scores - wanted, scores)


class PretrainedWords(nn.Module):
    """Word vectors of a pretrained sentence model under a linear layer, which alone is trained and saved.

    What training makes of a word holds for words of similar meaning too, those that training never has among them. The
    layer begins with the directions in which the words differ most, and vectors of mean length 1.

    Args:
        vocabulary: the words; padding has the vector 0.
        size: D, of a vector.

    Raises:
        ConfigurationError: if the extra is not installed or the model cannot be loaded.
    """

    table: Tensor

    def __init__(self, vocabulary: Vocabulary, size: int) -> None:
        super().__init__()
        found = torch.from_numpy(embeddings_of(find_model(None)).vectors(vocabulary.words))
        self.register_buffer("table", functional.normalize(found - found[1:].mean(dim=0), dim=1), persistent=False)
        self.table[0] = 0
        self.project = nn.Linear(self.table.shape[1], size, bias=False)

    def initialize(self) -> None:
        """Begin with the principal directions."""
        with torch.no_grad():
            directions = torch.linalg.svd(self.table, full_matrices=False).Vh[: len(self.project.weight)]
            self.project.weight.zero_()
            self.project.weight[: len(directions)] = directions
            lengths = self.weight[1:].norm(dim=1)
            self.project.weight /= lengths.mean()

    @property
    def weight(self) -> Tensor:
        """The vectors [V, D] of all words."""
        vectors: Tensor = self.project(self.table)
        return vectors

    def matches(self, names: Tensor, sentences: Tensor) -> Tensor:
        """How alike names and sentences are: the cosine [N, U] of a name and the word most like it.

        Nothing of it is trained, so it holds for any name and any wording.

        Args:
            names: [N] token ids; padding is like nothing.
            sentences: [U, L] token ids.
        """
        likeness = self.table[names] @ self.table.T
        found = likeness[:, sentences].masked_fill(sentences == 0, -1.0)
        return found.amax(dim=-1) * (names != 0).unsqueeze(1)
