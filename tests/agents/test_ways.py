"""Ways on a map of what was seen: by hand, against a plain search, and the agent that is told them."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_actor_critic import make_agent, rows

from groundling.agents import AgentConfig
from groundling.agents.bots import Expert
from groundling.agents.ways import (
    AHEAD,
    BEHIND,
    FARTHEST,
    LEFT,
    NO_WAY,
    NOT_A_THING,
    NUM_CLASSES,
    NUM_WAYS,
    RIGHT,
    find_ways,
)
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import ConfigurationError

RADIUS = 6
LOOKS = {
    " ": (0, 0, 0),  # not seen
    ".": (1, 0, 0),
    "#": (2, 5, 0),
    "O": (4, 1, 0),  # open
    "D": (4, 1, 1),  # closed
    "L": (4, 1, 2),  # locked
    "k": (5, 1, 0),
    "b": (6, 1, 0),
}


def drawn(*lines: str) -> torch.Tensor:
    """A map as a picture, the agent amid looking up: [1, M, M, 3]."""
    picture = np.array([[LOOKS[tile] for tile in line] for line in lines], dtype=np.uint8)
    return torch.from_numpy(picture.transpose(1, 0, 2).copy()).unsqueeze(0)


def way(direction: int, distance: int) -> int:
    return direction * NUM_CLASSES + int(np.searchsorted(FARTHEST, distance))


def things_of(*lines: str) -> dict[tuple[int, int], int]:
    """The way of each thing by its line and its column."""
    of = find_ways(drawn(*lines)).of[0].reshape(len(lines), len(lines)).numpy()
    return {(int(r), int(c)): int(of[c, r]) for c, r in np.argwhere(of != NOT_A_THING)}


def test_a_thing_is_told_by_how_far_it_is_to_walk_and_where_one_sets_out() -> None:
    told = things_of(
        "#######",
        "#b...k#",
        "#.....#",
        "#.k..b#",
        "#.....#",
        "#..b..#",
        "#######",
    )
    assert told == {
        (1, 1): way(AHEAD, 4),  # of ways as short as each other one goes straight on first, then left
        (1, 5): way(AHEAD, 4),
        (3, 2): way(LEFT, 1),
        (3, 5): way(RIGHT, 2),
        (5, 3): way(BEHIND, 2),
    }


def test_ways_lead_through_doors_and_around_walls() -> None:
    told = things_of(
        "#######",
        "#b#...#",
        "#.D.#.#",
        "#.#.#k#",
        "#.####O",
        "#.L..##",
        "#######",
    )
    assert told[2, 2] == way(AHEAD, 2)  # the door, closed
    assert told[1, 1] == way(AHEAD, 4)
    assert told[3, 5] == way(AHEAD, 6)
    assert told[5, 2] == way(AHEAD, 7)  # a locked door can be walked up to, from the other side
    assert told[4, 6] == NO_WAY  # behind the key


def test_things_are_in_the_way() -> None:
    told = things_of(
        "#####",
        "#k#.#",
        "#b..#",
        "#.#.#",
        "#####",
    )
    assert told == {(2, 1): way(LEFT, 1), (1, 1): NO_WAY}


def test_what_was_not_seen_is_told_where_a_way_leads_there() -> None:
    ways = find_ways(
        drawn(
            "### ###",
            "#.#.#.#",
            "# #.# #",
            "#.#.#.#",
            "#.D.#.#",
            "#.#.#.#",
            "#######",
        )
    )
    assert set(np.flatnonzero(ways.unseen[0])) == {way(AHEAD, 3), way(BEHIND, 5)}


def test_nothing_is_known_on_an_empty_map() -> None:
    ways = find_ways(torch.zeros(2, 5, 5, 3, dtype=torch.uint8))
    assert (ways.of == NOT_A_THING).all()
    assert set(np.flatnonzero(ways.unseen[1])) == {way(d, 1) for d in (AHEAD, LEFT, RIGHT, BEHIND)}


def searched(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distance and first direction of every tile [M, M] of a map, or -1: a plain search with a dictionary."""
    middle = len(tiles) // 2
    steps = {AHEAD: (0, -1), LEFT: (-1, 0), RIGHT: (1, 0), BEHIND: (0, 1)}
    found: dict[tuple[int, int], tuple[int, int]] = {(middle, middle): (0, -1)}
    queue = deque(found)
    while queue:
        x, y = queue.popleft()
        distance, first = found[x, y]
        for direction, (dx, dy) in steps.items():
            place = x + dx, y + dy
            if place in found or not (min(place) >= 0 and max(place) < len(tiles)):
                continue
            found[place] = distance + 1, direction if first < 0 else first
            kind, _, state = tiles[place]
            if kind in (1, 3, 8) or (kind == 4 and state < 2):
                queue.append(place)
    distances, firsts = np.full(tiles.shape[:2], -1), np.full(tiles.shape[:2], -1)
    for place, (distance, first) in found.items():
        distances[place], firsts[place] = distance, first
    return distances, firsts


def explored(level: str, count: int, steps: int, radius: int) -> dict[str, Any]:
    envs = make_vec(
        bank=EpisodeBank.of_seeds(level, range(count)), num_envs=count, shuffle=False, explored_radius=radius
    )
    envs.reset()
    expert = Expert(envs.worlds)
    for _ in range(steps):
        seen, *_ = envs.step(expert.actions())
    return seen


@pytest.mark.parametrize("radius", [4, 22])
@pytest.mark.parametrize("steps", [3, 70])
def test_ways_are_those_of_a_plain_search(radius: int, steps: int) -> None:
    maps = explored("BabyAI-BossLevel-v0", 24, steps, radius)["explored"]
    ways = find_ways(torch.as_tensor(maps))
    some_way = some_none = 0
    for tiles, of, unseen in zip(maps, ways.of.numpy(), ways.unseen.numpy(), strict=True):
        distances, firsts = searched(tiles)
        found = distances > 0
        expected = np.where(found, firsts * NUM_CLASSES + np.searchsorted(FARTHEST, distances), NO_WAY)
        kind = tiles[..., 0]
        is_thing = (kind >= 4) & (kind != 8)
        is_thing[len(tiles) // 2, len(tiles) // 2] = False  # an open door in which the agent stands
        of = of.reshape(kind.shape)
        assert np.array_equal(of[is_thing], expected[is_thing])
        assert (of[~is_thing] == NOT_A_THING).all()
        assert set(np.flatnonzero(unseen)) == set(expected[found & (kind == 0)])
        some_way += (of[is_thing] < NO_WAY).sum()
        some_none += (of[is_thing] == NO_WAY).sum()
    assert some_way > 24
    assert some_none > 0 or radius == 4 or steps == 3


@pytest.fixture(scope="module")
def observation() -> dict[str, Any]:
    return explored("BabyAI-GoTo-v0", 6, 12, RADIUS)


def test_the_agent_acts_on_ways(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True)
    percepts = agent.perceive(observation)
    assert percepts.ways is not None  # type: ignore[attr-defined]
    assert percepts.ways.of.shape == (6, 13 * 13)  # type: ignore[attr-defined]
    assert percepts.ways.unseen.shape == (6, NUM_WAYS)  # type: ignore[attr-defined]
    before = agent.features(percepts)
    for part in ("things", "unseen"):
        with torch.no_grad():
            agent.get_parameter(f"eyes.ways.{part}.weight").neg_()
        after = agent.features(percepts)
        assert (after - before).abs().amax(dim=1).min() > 1e-4
        before = after


def test_rows_of_ways_do_not_touch_each_other(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True)
    together = agent.features(agent.perceive(observation))
    for row in range(6):
        alone = agent.features(agent.perceive(rows(observation, slice(row, row + 1))))
        torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-5)
    chosen = torch.tensor([4, 1])
    some = agent.features(agent.perceive(observation).rows(chosen))
    torch.testing.assert_close(some, together[chosen], rtol=1e-4, atol=1e-5)
    with agent.unchanged(), torch.no_grad():
        torch.testing.assert_close(agent.features(agent.perceive(observation)), together, rtol=1e-4, atol=1e-5)


def test_a_blind_agent_is_told_no_ways(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True, blind=True)
    other = {**observation, "explored": observation["explored"][::-1].copy()}
    torch.testing.assert_close(agent.features(agent.perceive(observation)), agent.features(agent.perceive(other)))


def test_ways_without_a_map_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="give the agent a map_radius"):
        AgentConfig(map_ways=True)
