"""What stands in each part of a rover's picture, which training may tell an agent."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from groundling.envs import make_vec
from groundling.envs.engine.constants import BALL, EMPTY, FIRST_OBJECT, WALL, WALL_CODE
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.symbols_in_view import LEAST_SHARE, SYMBOL_SIZES, note_symbols, symbols_in_view
from groundling.envs.first_person import Camera


def by_hand(codes: NDArray[np.uint8], looks: NDArray[np.int32]) -> tuple[int, int, int]:
    """The symbol of a part of a picture."""
    counts = Counter(codes.flatten().tolist())
    things = {code: count for code, count in counts.items() if code >= FIRST_OBJECT}
    if things:
        code = max(sorted(things), key=lambda one: things[one])
        if things[code] * LEAST_SHARE >= codes.size:
            look = int(looks[code])
            return look & 0xFF, look >> 8 & 0xFF, look >> 16 & 0xFF
    return (WALL, 5, 0) if counts[WALL_CODE] > counts[0] else (EMPTY, 0, 0)


@pytest.mark.parametrize("grid", [(4, 6), (5, 7), (1, 1)])
def test_symbols_are_those_of_the_pixels_of_each_part(grid: tuple[int, int]) -> None:
    envs = make_vec(
        "BabyAI-GoTo-v0", 6, bank_size=32, body="rover", camera=Camera(width=24, height=16, segmentation=True)
    )
    observation, _ = envs.reset(seed=0)
    for action in (2, 0, 2, 1):
        observation, *_ = envs.step(np.full(6, action))
        symbols = symbols_in_view(envs.worlds, grid)
        assert symbols.shape == (6, *grid, len(SYMBOL_SIZES))
        codes = observation["segmentation"]
        for b in range(6):
            for row in range(grid[0]):
                for column in range(grid[1]):
                    part = codes[b, row * 16 // grid[0] : (row + 1) * 16 // grid[0]]
                    part = part[:, column * 24 // grid[1] : (column + 1) * 24 // grid[1]]
                    assert tuple(symbols[b, row, column]) == by_hand(part, envs.worlds.state.looks[b])


def test_a_thing_shows_from_an_eighth_of_the_pixels_on() -> None:
    looks = np.array([[EMPTY, WALL, BALL | 2 << 8 | 3 << 16]], dtype=np.int32)
    for pixels, expected in ((2, (BALL, 2, 3)), (1, (WALL, 5, 0))):
        codes = np.full((1, 4, 4), WALL_CODE, dtype=np.uint8)
        codes[0, 0, :pixels] = FIRST_OBJECT
        symbols = np.zeros((1, 1, 1, 3), dtype=np.uint8)
        note_symbols(codes, looks, np.zeros(256, dtype=np.int64), symbols)
        assert tuple(symbols[0, 0, 0]) == expected


@pytest.mark.parametrize("sense", [False, True])
def test_a_camera_without_the_sense_knows_the_same(sense: bool) -> None:
    """And is drawn anew in each state; what the agent sees does not change."""
    camera = Camera(width=24, height=16, segmentation=sense)
    batches = [
        make_vec("BabyAI-GoToLocal-v0", 3, bank_size=8, body="rover", camera=one).worlds
        for one in (camera, Camera(width=24, height=16, segmentation=True))
    ]
    for batch in batches:
        assert isinstance(batch, RoverBatch)
        batch.reset()
    before = batches[0].seen()["image"].copy()
    assert np.array_equal(batches[0].segmentation(), batches[1].seen()["segmentation"])
    assert np.array_equal(batches[0].seen()["image"], before)
    first = batches[0].segmentation().copy()
    for batch in batches:
        batch.step(np.zeros(3, dtype=np.int64))
    assert np.array_equal(batches[0].segmentation(), batches[1].seen()["segmentation"])
    assert not np.array_equal(batches[0].segmentation(), first)
