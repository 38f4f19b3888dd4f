"""What sentences make of cells: a table of pairs, made anew for a batch, or kept while the parameters do not change."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from groundling.agents.encoders.cells import CELL_VALUES, rows_of_values

MOST_SENTENCES = 4096  # kept at once: a table of this many takes some hundred megabytes

Reader = Callable[[Tensor, Tensor], Tensor]  # distinct cells [V] and sentences [S, L] to [S, V, D]


class Pairs(NamedTuple):
    """A table of pairs, and where in it the pairs of a batch are.

    Attributes:
        table: [P, D].
        first: [S] int64, the row at which the cells under each sentence begin.
        row_of_value: [values] int32, where from there a packed cell's row is; of cells that are not in the batch
            anything.
    """

    table: Tensor
    first: Tensor
    row_of_value: Tensor


def make_pairs(read: Reader, values: Tensor, tokens: Tensor, cell_values: int = CELL_VALUES) -> Pairs:
    """Every pair of distinct cells [V] int64, ascending and below ``cell_values``, and sentences [S, L]."""
    table = read(values, tokens).flatten(0, 1)
    first = torch.arange(len(tokens), device=tokens.device) * len(values)
    return Pairs(table, first, rows_of_values(_presence(values, cell_values)))


class KeptPairs:
    """Pairs that are kept, so that a cell under a sentence is read once, however many batches have it.

    Args:
        read: what makes them; it has to give the same as long as they are kept.
        cell_values: how many different cells there are.
    """

    def __init__(self, read: Reader, cell_values: int = CELL_VALUES) -> None:
        self._read = read
        self._cell_values = cell_values
        self._values = torch.zeros(0, dtype=torch.int64)
        self._tokens: list[Tensor] = []
        self._rows: dict[bytes, int] = {}
        self._table = torch.zeros(0, cell_values, 0)  # [capacity, values, D], written where something was read

    def find(self, values: Tensor, tokens: Tensor) -> Pairs:
        """As :func:`make_pairs`, reading only what was not read before."""
        if len(self._tokens) > MOST_SENTENCES:
            self._forget()
        unknown = values[~torch.isin(values, self._values.to(values.device))]
        if len(unknown):
            self._write(unknown, 0)
            self._values = torch.cat([self._values.to(values.device), unknown])
        read = len(self._tokens)
        rows = [self._row_of(sentence, key) for sentence, key in zip(tokens, _keys(tokens), strict=True)]
        self._write(self._values, read)
        first = torch.tensor(rows, device=tokens.device) * self._cell_values
        return Pairs(
            self._table.flatten(0, 1), first, torch.arange(self._cell_values, dtype=torch.int32, device=first.device)
        )

    def _forget(self) -> None:
        self._values = self._values[:0]
        self._tokens.clear()
        self._rows.clear()

    def _row_of(self, sentence: Tensor, key: bytes) -> int:
        row = self._rows.setdefault(key, len(self._tokens))
        if row == len(self._tokens):
            self._tokens.append(sentence)
        return row

    def _write(self, values: Tensor, start: int) -> None:
        """Read these cells under the sentences from row ``start`` on."""
        count = len(self._tokens)
        if start == count:
            return
        made = self._read(values, pad_sequence(self._tokens[start:], batch_first=True))
        if count > len(self._table):
            grown = made.new_empty(2 * count, self._cell_values, made.shape[2])
            if start:
                grown[:start] = self._table[:start]
            self._table = grown
        self._table[start:count, values] = made


def _keys(tokens: Tensor) -> list[bytes]:
    """Sentences as they can be looked up, whatever their padding."""
    return [row.tobytes().rstrip(b"\0") for row in tokens.cpu().numpy()]


def _presence(values: Tensor, cell_values: int) -> Tensor:
    present = torch.zeros(cell_values, dtype=torch.int32, device=values.device)
    return present.index_fill_(0, values, 1)


class KeptWords:
    """The words of sentences that are kept, so that a sentence is heard once.

    Args:
        encode_words: sentences [S, L] to vectors of their words [S, L, E], the same ones as long as they are kept.
    """

    def __init__(self, encode_words: Callable[[Tensor], Tensor]) -> None:
        self._encode_words = encode_words
        self._heard: dict[bytes, Tensor] = {}

    def find(self, tokens: Tensor) -> Tensor:
        """The vectors [S, L, E] of the words of sentences [S, L], hearing only those that were not heard before."""
        if len(self._heard) > MOST_SENTENCES:
            self._heard.clear()
        keys = _keys(tokens)
        new = [row for row, key in enumerate(keys) if key not in self._heard]
        if new:
            for row, vectors in zip(new, self._encode_words(tokens[new]), strict=True):
                self._heard[keys[row]] = vectors
        length = tokens.shape[1]
        return torch.stack([_of_length(self._heard[key], length) for key in keys])


def _of_length(vectors: Tensor, length: int) -> Tensor:
    """Words [L, E] with padding cut off or added."""
    missing = length - len(vectors)
    return vectors[:length] if missing <= 0 else functional.pad(vectors, (0, 0, 0, missing))
