"""The compiled rules of GridLU against the plain ones, episode by episode, and states of which the verdict is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gridlu_reference import COLORS, SHAPES, Grid

from groundling.envs.families.gridlu.batch import GridLUBatch
from groundling.envs.families.gridlu.goal_check import SOURCES, is_so
from groundling.envs.families.gridlu.instructions import instructions, part, vocabulary
from groundling.envs.families.gridlu.kernels import kernel
from groundling.envs.families.gridlu.names import ACTIONS, ARRANGEMENTS_GAME, RELATIONS_GAME, Game
from groundling.envs.families.gridlu.state import Rules, Worlds

BATCH = 60


@kernel
def judge(w: Worlds, r: Rules) -> None:
    for b in range(w.random.shape[0]):
        w.holds[b] = is_so(w, b, r)


def code(color: str, shape: str) -> int:
    return 1 + 3 * SHAPES.index(shape) + COLORS.index(color)


def blocks_of(grid: Grid) -> tuple[list[int], int]:
    """The blocks that lie in the 25 cells, and the one that is carried."""
    lying = [0] * 25
    for block in grid.blocks:
        if not block.is_carried:
            lying[5 * block.y + block.x] = code(block.color, block.shape)
    return lying, 0 if grid.carried is None else code(grid.carried.color, grid.carried.shape)


@pytest.mark.parametrize("game", [RELATIONS_GAME, ARRANGEMENTS_GAME])
@pytest.mark.parametrize("name", ["all", "train"])
def test_every_step_is_that_of_the_plain_rules(game: Game, name: str) -> None:
    batch = GridLUBatch(game, BATCH, part=name, seed=3)
    batch.reset()
    every = instructions(game)
    few = [str(every[n]) for n in part(game, name) if getattr(every[n], "color", None) is None]
    many = [str(every[n]) for n in part(game, name) if getattr(every[n], "color", None) is not None]
    grids = [Grid(int(state), few, many) for state in batch.worlds.begun]
    rng = np.random.default_rng(0)
    ended = 0
    for step in range(2 * game.max_steps):
        for row, grid in enumerate(grids):
            lying, carried = blocks_of(grid)
            assert batch.goal(row) == grid.sentence
            assert batch.worlds.blocks[row].tolist() == lying, (step, row)
            assert batch.worlds.carried[row] == carried
            assert batch.worlds.position[row] == 5 * grid.y + grid.x
            assert bool(batch.worlds.holds[row]) == grid.is_so(), (step, row, grid.sentence)
        actions = rng.choice(5, size=BATCH, p=[0.175, 0.175, 0.175, 0.175, 0.3])
        batch.step(actions)
        for row, grid in enumerate(grids):
            grid.step(ACTIONS[actions[row]])
            assert batch.outcomes.reward[row] == grid.is_so()
        over = batch.outcomes.ended
        assert over.all() == over.any() == ((step + 1) % game.max_steps == 0)
        if over.any():
            assert batch.outcomes.success.tolist() == [grid.is_so() for grid in grids]
            assert batch.outcomes.truncated.all()
            assert not batch.outcomes.terminated.any()
            ended += 1
            for grid in grids:
                grid.begin()
    assert ended == 2


def state_of(drawing: str, sentence: str, *, carries: bool = False) -> bool:
    """Whether a sentence is so of a drawing: rows of cells, each "." or the letters of color, shape and "@"."""
    game = RELATIONS_GAME if sentence in map(str, instructions(RELATIONS_GAME)) else ARRANGEMENTS_GAME
    batch = GridLUBatch(game, 1)
    batch.reset()
    w = batch.worlds
    w.instruction[0] = [str(one) for one in instructions(game)].index(sentence)
    w.blocks[0], w.carried[0] = 0, 0
    for cell, marks in enumerate(" ".join(drawing.split("/")).split()):
        if "@" in marks:
            w.position[0] = cell
        letters = marks.strip("@.")
        if letters:
            color = next(name for name in COLORS if name[0] == letters[0])
            shape = next(name for name in SHAPES if name[0] == letters[1])
            if "@" in marks and carries:
                w.carried[0] = code(color, shape)
            else:
                w.blocks[0, cell] = code(color, shape)
    judge(w, batch.rules)
    return bool(w.holds[0])


ABOVE = ". . . . . / . . rc . . / . . bs . @ / . . . . . / gt . . . ."


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("a red circle is north of a blue square", True),
        ("a blue square is south of a red circle", True),
        ("a red circle is south of a blue square", False),
        ("a blue square is north of a red circle", False),
        ("a circle is north of a blue block", True),
        ("a red block is north of a square", True),
        ("a red triangle is north of a blue square", False),
        ("a green triangle is north of a red circle", False),
        ("you are east of a blue square", False),  # two cells away
        ("a blue square is west of you", False),
    ],
)
def test_a_relation_is_between_neighbors_of_the_descriptions(sentence: str, expected: bool) -> None:
    assert state_of(ABOVE, sentence) == expected


@pytest.mark.parametrize(
    ("drawing", "sentence", "expected"),
    [
        (". rc@ . . . / . . . . .", "you are where a red circle is", True),
        (". rc@ . . . / . . . . .", "a circle is where you are", True),
        (". rc@ . . . / . . . . .", "you are west of a red circle", False),
        ("@ rc . . . / . . . . .", "you are west of a red circle", True),
        ("@ rc . . . / . . . . .", "a red circle is east of you", True),
        ("@ rc . . . / . . . . .", "a red circle is west of you", False),
        (". . . . @ / rc . . . .", "you are west of a red circle", False),  # the rows are no ring
        ("rc . . . . / @ . . . .", "you are south of a red circle", True),
    ],
)
def test_a_relation_to_the_agent_is_one_of_places(drawing: str, sentence: str, expected: bool) -> None:
    rest = " / . . . . . / . . . . . / . . . . ."
    assert state_of(drawing + rest, sentence) == expected


def test_a_carried_block_is_in_the_cell_of_the_agent() -> None:
    drawing = ". . . . . / . . rc@ . . / . . bs . . / . . . . . / . . . . ."
    for carries in (False, True):
        assert state_of(drawing, "a red circle is north of a blue square", carries=carries)
        assert state_of(drawing, "you are north of a blue square", carries=carries)
        assert state_of(drawing, "you are where a red circle is", carries=carries)


def test_arrangements_are_of_the_color_that_is_told_and_of_all_blocks_where_none_is() -> None:
    four = ". rs rs . . / . rs rs . @ / . . . . . / . . . . . / . . . . ."
    eight = ". rs rs . . / . rs rs . @ / bs . . bs . / . . bs . . / . . . . bs"
    assert state_of(four, "the blocks are a square")
    assert state_of(four, "the blocks are connected")
    assert not state_of(four, "the blocks are a line")
    assert not state_of(four, "the blocks are disconnected")
    assert state_of(eight, "the red blocks are a square")
    assert not state_of(eight, "the blue blocks are a square")
    assert not state_of(eight, "the green blocks are a square")  # there are none
    assert not state_of(eight, "the blocks are a square")  # there are eight


def act(batch: GridLUBatch, *names: str) -> None:
    for name in names:
        batch.step(np.array([ACTIONS.index(name)]))


def grid_with(blocks: dict[int, int], position: int) -> GridLUBatch:
    batch = GridLUBatch(RELATIONS_GAME, 1)
    batch.reset()
    batch.worlds.blocks[0] = 0
    for cell, block in blocks.items():
        batch.worlds.blocks[0, cell] = block
    batch.worlds.position[0] = position
    return batch


def test_who_carries_nothing_goes_anywhere_and_who_carries_a_block_not_into_another() -> None:
    batch = grid_with({1: 5, 2: 7}, 0)
    act(batch, "up", "left")
    assert batch.worlds.position[0] == 0
    act(batch, "right", "right")
    assert batch.worlds.position[0] == 2
    act(batch, "interact", "left")
    assert (batch.worlds.position[0], batch.worlds.carried[0]) == (2, 7)
    act(batch, "down", "left", "interact")
    assert batch.worlds.blocks[0, [1, 2, 6]].tolist() == [5, 0, 7]
    assert batch.worlds.carried[0] == 0


def test_to_interact_on_an_empty_cell_does_nothing() -> None:
    batch = grid_with({1: 5}, 0)
    act(batch, "interact")
    assert batch.worlds.carried[0] == 0
    assert np.flatnonzero(batch.worlds.blocks[0]).tolist() == [1]


def test_what_is_seen_are_the_blocks_and_where_the_agent_is_and_what_it_carries() -> None:
    batch = grid_with({1: code("blue", "triangle"), 7: code("red", "square")}, 1)
    seen: Any = batch.seen
    seen.image[:] = 0
    act(batch, "interact", "right")
    decode = vocabulary().words
    names = [[decode[number] for number in cell[:2]] for cell in seen.image[0, 0, 1:3]]
    assert names == [["floor", "<pad>"], ["triangle", "blue"]]
    assert seen.image[0, 0, 1:3, 2].tolist() == [0, 2]
    act(batch, "interact")
    assert seen.image[0, 0, 2, 2] == 1
    assert seen.image[..., 2].sum() == 1


def test_kernels_are_compiled_anew_when_the_instructions_kept_from_training_change() -> None:
    assert any(source.endswith("held_out.py") for source in SOURCES)
