"""What a reader of documents takes in: distinct sentences, the things of a grid and the ground around the agent.

All that needs no parameters is found here, once for a rollout instead of once for each of its minibatches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from groundling.language.encoders import DistinctSentences, distinct_sentences

NUM_SIDES = 9  # before, beside or behind the agent in either direction
UNKNOWN_STATE = 255  # of a thing whose cell tells that of another one


class GridThings(NamedTuple):
    """The things in the cells of R grids, up to K of each, and the ground around the agent.

    Attributes:
        first: [R, K] first number of a thing's cell.
        second: [R, K] second number.
        state: [R, K] third number.
        side: [R, K] on which of NUM_SIDES sides of the agent.
        is_thing: [R, K] bool, whether there is one.
        place: [R, K] where it is in the window around the agent; things beyond are on its edge.
        ground: [R, W * W] first number of each cell of the window in which there is no thing; 0 outside the grid.
    """

    first: Tensor
    second: Tensor
    state: Tensor
    side: Tensor
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


def find_things(image: Tensor, own_id: int, radius: int, most: int, ground_id: int | None = None) -> GridThings:
    """The things in images of symbols.

    Args:
        image: [R, H, W, 3].
        own_id: first number of the cell in which the agent is; where it is in none, or this is negative, the agent
            stands in the middle.
        radius: cells to each side of the agent in the window.
        most: things of an image; of more any of them.
        ground_id: where it is given, first numbers name no thing together with the second ones: those that are neither
            this nor ``own_id`` are second numbers of further things, whose state is unknown.
    """
    height, width = image.shape[1:3]
    first, second, state = (image[..., channel].flatten(1) for channel in range(3))
    middle = height // 2 * width + width // 2
    if own_id < 0:
        own = torch.full((len(image), 1), middle, device=image.device)
    else:
        is_own = (first == own_id).to(torch.uint8)
        own = is_own.argmax(dim=1, keepdim=True).where(is_own.amax(dim=1, keepdim=True) > 0, middle)
    own_row, own_column = own // width, own % width

    found = is_named = second != 0
    naming = first
    if ground_id is not None:
        is_further = found & (first != own_id) & (first != ground_id)
        found = torch.cat([found, is_further], dim=1)
        naming, second = torch.zeros_like(first).repeat(1, 2), torch.cat([second, first], dim=1)
        state = torch.cat([state, torch.full_like(state, UNKNOWN_STATE)], dim=1)
    count = min(most, max(1, int(found.sum(dim=1).amax())))
    is_thing, places = found.to(torch.float32).topk(count, dim=1)
    cells = places % (height * width)
    row_steps, column_steps = cells // width - own_row, cells % width - own_column
    rows = row_steps.clamp(-radius, radius) + radius
    columns = column_steps.clamp(-radius, radius) + radius

    steps = torch.arange(-radius, radius + 1, device=image.device)
    window = torch.cartesian_prod(steps, steps)
    near_rows, near_columns = own_row + window[:, 0], own_column + window[:, 1]
    inside = (near_rows >= 0) & (near_rows < height) & (near_columns >= 0) & (near_columns < width)
    near = near_rows.clamp(0, height - 1) * width + near_columns.clamp(0, width - 1)
    return GridThings(
        first=naming.gather(1, places).long(),
        second=second.gather(1, places).long(),
        state=state.gather(1, places).long(),
        side=3 * row_steps.sign() + column_steps.sign() + NUM_SIDES // 2,
        is_thing=is_thing > 0,
        place=rows * (2 * radius + 1) + columns,
        ground=(first * ~is_named).gather(1, near) * inside,
    )
