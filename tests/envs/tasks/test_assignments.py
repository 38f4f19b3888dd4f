"""Assignments: an order of all pairs, half of them kept from training, and draws that show nobody which is right."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from groundling.envs.tasks.assignments import Assignments
from groundling.envs.tasks.read_beacons import MEANINGS
from groundling.envs.tasks.read_boxes import PLACES
from groundling.envs.tasks.read_keys import LOCKS, ReadKeys
from groundling.envs.worlds.builder import WorldBuilder
from groundling.errors import TaskError

ALL = {"beacons": MEANINGS, "boxes": PLACES, "keys": LOCKS}
PARTS = ("trained", "held_out")


@pytest.fixture(params=ALL)
def pairs(request) -> Assignments:
    return ALL[request.param]


def test_numbers_are_a_total_order_of_all_pairs(pairs) -> None:
    told = [pairs.pair(number) for number in range(len(pairs))]
    assert len(set(told)) == len(pairs) == len(pairs.names) * len(pairs.things)
    assert [pairs.number(*pair) for pair in told] == list(range(len(pairs)))


def test_half_of_all_pairs_are_trained_for_every_name_and_every_thing(pairs) -> None:
    half = len(pairs.things) // 2
    for name in pairs.names:
        trained, held_out = (pairs.things_of(name, part) for part in PARTS)
        assert len(trained) == len(held_out) == half
        assert not set(trained) & set(held_out)
        assert pairs.things_of(name, "all") == list(pairs.things)
    for thing in pairs.things:
        assert {len(pairs.names_of(thing, part)) for part in PARTS} == {len(pairs.names) // 2}


def test_which_pairs_are_trained_never_changes() -> None:
    """Checkpoints and figures depend on it."""
    trained = {name: [n for n in range(len(pairs)) if pairs.is_trained(n)] for name, pairs in ALL.items()}
    assert trained["keys"] == [0, 1, 2, 7, 8, 9, 14, 15, 16, 21, 22, 23, 24, 28, 29, 30, 31, 35]
    assert trained["boxes"] == trained["keys"]
    assert trained["beacons"][:12] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 21, 22, 23]
    assert len(trained["beacons"]) == 54


@pytest.mark.parametrize("part", PARTS)
def test_draws_name_each_thing_once_and_only_pairs_of_their_part(pairs, part) -> None:
    for seed in range(300):
        drawn = pairs.draw(WorldBuilder(ReadKeys(), seed), part, 3, 3)
        told = [*drawn.present, *drawn.absent]
        assert len(drawn.present) == 3
        assert 0 < len(drawn.absent) <= 3
        assert len({name for name, _ in told}) == len({thing for _, thing in told}) == len(told)
        assert all(pairs.holds(*pair, part) for pair in told)
        asked = drawn.present[0][0]
        assert all(pairs.holds(asked, thing, part) for _, thing in drawn.present)


@pytest.mark.parametrize("part", PARTS)
def test_name_and_things_do_not_tell_which_is_right(part) -> None:
    """Of the three keys that may open a door each does so equally often (4 sigma)."""
    right = Counter[tuple[str, str]]()
    count = 3000
    for seed in range(count):
        right[LOCKS.draw(WorldBuilder(ReadKeys(), seed), part, 3, 0).present[0]] += 1
    expected = count / 18
    assert len(right) == 18
    assert max(abs(found - expected) for found in right.values()) < 4 * np.sqrt(expected)


def test_too_many_things_are_refused() -> None:
    with pytest.raises(TaskError, match="4 different ones of 3 options"):
        LOCKS.draw(WorldBuilder(ReadKeys(), 0), "trained", 4, 0)
