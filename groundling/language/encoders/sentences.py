"""The distinct sentences of a batch: an encoder reads each once, however many environments share it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class DistinctSentences(NamedTuple):
    """The instructions of a batch with every sentence once.

    Attributes:
        tokens: [S, L] token ids, columns that are padding in every sentence cut off.
        row_of: [B] int64, each environment's row of ``tokens``.
    """

    tokens: Tensor
    row_of: Tensor


def distinct_sentences(instruction: Tensor) -> DistinctSentences:
    """Find the distinct rows of a batch of instructions.

    Rows are compared by a 64-bit hash and the result is checked; should two sentences ever share a hash, the rows are
    sorted instead.

    Args:
        instruction: [B, L] integer token ids, 0 = padding.

    On a device the host waits once, for how many sentences there are and how long the longest is.
    """
    if instruction.device.type != "cpu":
        return distinct_on_device(instruction)
    used = (instruction != 0).any(dim=0).nonzero()
    length = int(used[-1]) + 1 if len(used) else 1
    words = instruction[:, :length].long()
    hashes = hash_rows(words + 1)
    values, index = torch.unique(hashes, return_inverse=True)
    first = torch.full_like(values, len(words)).scatter_reduce_(
        0, index, torch.arange(len(words), device=words.device), "amin"
    )
    tokens = words[first]
    if not torch.equal(tokens[index], words):
        tokens, index = torch.unique(words, dim=0, return_inverse=True)
    return DistinctSentences(tokens, index)


def distinct_on_device(instruction: Tensor) -> DistinctSentences:
    """As :func:`distinct_sentences`, in the same order, on any device; the host waits for three numbers."""
    place = torch.arange(instruction.shape[1], device=instruction.device)
    length = torch.where((instruction != 0).any(dim=0), place + 1, 1).amax()
    words = instruction.long()
    hashes = hash_rows((words + 1) * (place < length))
    ascending, order = hashes.sort()
    is_new = torch.ones_like(ascending)
    is_new[1:] = ascending[1:] != ascending[:-1]
    number = is_new.cumsum(dim=0) - 1  # of each sorted row's sentence
    row_of = torch.empty_like(number).scatter_(0, order, number)
    rows = torch.arange(len(words), device=words.device)
    first = torch.full_like(rows, len(words)).scatter_reduce_(0, row_of, rows, "amin")
    alike = words.index_select(0, first.index_select(0, row_of)) == words
    count, width, is_right = torch.stack([number[-1] + 1, length, alike.all().long()]).tolist()
    if not is_right:  # two sentences share a hash
        tokens, row_of = torch.unique(words[:, :width], dim=0, return_inverse=True)
        return DistinctSentences(tokens, row_of)
    return DistinctSentences(words.index_select(0, first[:count])[:, :width], row_of)


def every_sentence(instruction: Tensor) -> DistinctSentences:
    """The rows of a batch of instructions [B, L], each for itself, however many are the same."""
    return DistinctSentences(instruction.long(), torch.arange(len(instruction), device=instruction.device))


def hash_rows(numbers: Tensor) -> Tensor:
    """A 64-bit hash [S] of rows of int64 [S, L]: a polynomial, so that columns of zeros at the end change nothing."""
    multiplier = torch.full((numbers.shape[1],), 0x5851F42D4C957F2D, device=numbers.device)
    return (numbers * multiplier.cumprod(dim=0)).sum(dim=1)


class KnownSentences(nn.Module):
    """Sentences met so far, numbered 0, 1, ... in order of arrival, and the number of each row of token ids.

    A module only to follow its owner to another device: it has no parameters, and nothing of it is in a state_dict.
    """

    tokens: Tensor
    hashes: Tensor
    number_of: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("tokens", torch.zeros(0, 1, dtype=torch.long), persistent=False)  # [K, W]
        self.register_buffer("hashes", torch.zeros(0, dtype=torch.long), persistent=False)  # [K], sorted
        self.register_buffer("number_of", torch.zeros(0, dtype=torch.long), persistent=False)  # [K], of each hash

    def __len__(self) -> int:
        return len(self.tokens)

    def find(self, tokens: Tensor) -> Tensor:
        """The numbers [S] int64 of sentences [S, L]; -1 where a sentence was never added."""
        tokens = self._aligned(tokens)
        if not len(self):
            return torch.full((len(tokens),), -1, device=tokens.device)
        hashes = hash_rows(tokens)
        place = torch.searchsorted(self.hashes, hashes).clamp_(max=len(self) - 1)
        number = self.number_of[place]
        same = (self.tokens[number] == tokens).all(dim=1)
        if bool(same.all()):
            return number
        number = number.where(same, -1)
        for row in (~same & (self.hashes[place] == hashes)).nonzero().flatten():  # another sentence with the same hash
            equal = (self.tokens == tokens[row]).all(dim=1)
            number[row] = equal.int().argmax().where(equal.any(), -1)
        return number

    def add(self, tokens: Tensor) -> None:
        """Number sentences [S, L] that are distinct and not known yet."""
        tokens = self._aligned(tokens)
        self.tokens = torch.cat([self.tokens, tokens])
        self.hashes, self.number_of = hash_rows(self.tokens).sort()

    def _aligned(self, tokens: Tensor) -> Tensor:
        """The sentences with as many columns as the known ones, which are widened where they are narrower."""
        more = tokens.shape[1] - self.tokens.shape[1]
        if more > 0:
            self.tokens = functional.pad(self.tokens, (0, more))
        return functional.pad(tokens, (0, max(0, -more)))
