"""What a reader of documents takes in: distinct sentences, the things of a grid and the ground around the agent.

All that needs no parameters is found here, once for a rollout instead of once for each of its minibatches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from groundling.language.encoders import DistinctSentences, distinct_sentences


class GridThings(NamedTuple):
    """The things in the cells of R grids, up to K of each, and the ground around the agent.

    Attributes:
        first: [R, K] first number of a thing's cell.
        second: [R, K] second number.
        is_thing: [R, K] bool, whether there is one.
        place: [R, K] where it is in the window around the agent; things beyond are on its edge.
        ground: [R, W * W] first number of each cell of the window in which there is no thing; 0 outside the grid.
    """

    first: Tensor
    second: Tensor
    is_thing: Tensor
    place: Tensor
    ground: Tensor

    def rows(self, rows: Tensor) -> GridThings:
        """Those of some grids."""
        return GridThings(*(part.index_select(0, rows) for part in self))


@dataclass(frozen=True)
class PreparedDocuments:
    """R observations for a reader.

    Attributes:
        goals: every distinct instruction, and whose it is.
        sentences: every distinct sentence of all documents; ``row_of`` is [R, S].
        is_there: [R, S] bool, whether a document has so many sentences.
        carried: [R] token ids of what is carried, if that is seen.
        things: of the grid, if one is seen.
    """

    goals: DistinctSentences
    sentences: DistinctSentences
    is_there: Tensor
    carried: Tensor | None
    things: GridThings | None

    def __len__(self) -> int:
        return len(self.is_there)

    def rows(self, rows: Tensor) -> PreparedDocuments:
        """Those of some rows [R] of the batch."""
        return PreparedDocuments(
            self.goals._replace(row_of=self.goals.row_of[rows]),
            self.sentences._replace(row_of=self.sentences.row_of[rows]),
            self.is_there[rows],
            None if self.carried is None else self.carried[rows],
            None if self.things is None else self.things.rows(rows),
        )


def distinct_lines(documents: Tensor) -> tuple[DistinctSentences, Tensor]:
    """The distinct sentences of documents [R, S, L], their ``row_of`` [R, S], and which are there, [R, S].

    Sentences that no document has are cut off.
    """
    is_there = documents[..., 0] != 0
    used = is_there.any(dim=0).nonzero()
    count = int(used[-1]) + 1 if len(used) else 1
    tokens, row_of = distinct_sentences(documents[:, :count].flatten(0, 1))
    return DistinctSentences(tokens, row_of.view(-1, count)), is_there[:, :count]


def find_things(image: Tensor, own_id: int, radius: int, most: int) -> GridThings:
    """The things in images of symbols.

    Args:
        image: [R, H, W, 3].
        own_id: first number of the cell in which the agent is; where it is in none, or this is negative, the agent
            stands in the middle.
        radius: cells to each side of the agent in the window.
        most: things of an image; of more any of them.
    """
    height, width = image.shape[1:3]
    first, second = image[..., 0].flatten(1), image[..., 1].flatten(1)
    middle = height // 2 * width + width // 2
    if own_id < 0:
        own = torch.full((len(image), 1), middle, device=image.device)
    else:
        is_own = (first == own_id).to(torch.uint8)
        own = is_own.argmax(dim=1, keepdim=True).where(is_own.amax(dim=1, keepdim=True) > 0, middle)
    own_row, own_column = own // width, own % width

    found = second != 0
    count = min(most, max(1, int(found.sum(dim=1).amax())))
    is_thing, cells = found.to(torch.float32).topk(count, dim=1)
    rows = (cells // width - own_row).clamp(-radius, radius) + radius
    columns = (cells % width - own_column).clamp(-radius, radius) + radius

    steps = torch.arange(-radius, radius + 1, device=image.device)
    window = torch.cartesian_prod(steps, steps)
    near_rows, near_columns = own_row + window[:, 0], own_column + window[:, 1]
    inside = (near_rows >= 0) & (near_rows < height) & (near_columns >= 0) & (near_columns < width)
    near = near_rows.clamp(0, height - 1) * width + near_columns.clamp(0, width - 1)
    return GridThings(
        first=first.gather(1, cells).long(),
        second=second.gather(1, cells).long(),
        is_thing=is_thing > 0,
        place=rows * (2 * radius + 1) + columns,
        ground=(first * ~found).gather(1, near) * inside,
    )
