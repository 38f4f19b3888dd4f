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
from groundling.agents.encoders.cells import pack_cells
from groundling.agents.encoders.maps import NOT_SEEN
from groundling.agents.encoders.ways import (
    AHEAD,
    BEHIND,
    FARTHEST,
    FIRST_STATE,
    FIRST_WAY,
    LEFT,
    NO_WAY,
    NUM_CLASSES,
    NUM_TRAITS,
    NUM_WAYS,
    RIGHT,
    ThingFinder,
    Things,
    Ways,
    find_ways,
)
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.engine.constants import NUM_COLORS, NUM_TYPES
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
    return ways_by_place(drawn(*lines)[0], find_ways(drawn(*lines)), 0)


def ways_by_place(tiles: Any, ways: Ways, row: int) -> dict[tuple[int, int], int]:
    """They are listed column by column, as in the map; the agent's own tile is left out."""
    middle = len(tiles) // 2
    things = [(c, r) for c, r in np.argwhere(is_thing(tiles)) if (c, r) != (middle, middle)]
    kind, way = ways.kind[row], ways.way[row]
    packed = pack_cells(torch.as_tensor(tiles))
    assert kind[: len(things)].tolist() == [int(packed[c, r]) for c, r in things]
    assert (kind[len(things) :] == NOT_SEEN).all()
    assert (way[len(things) :] == -1).all()
    return {(int(r), int(c)): int(w) for (c, r), w in zip(things, way[: len(things)], strict=True)}


def is_thing(tiles: Any) -> NDArray[np.bool_]:
    kind = np.asarray(tiles)[..., 0]
    return (kind >= 4) & (kind != 8)


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
    assert (ways.kind == NOT_SEEN).all()
    assert (ways.way == -1).all()
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
    for row, tiles in enumerate(maps):
        distances, firsts = searched(tiles)
        found = distances > 0
        expected = np.where(found, firsts * NUM_CLASSES + np.searchsorted(FARTHEST, distances), NO_WAY)
        told = ways_by_place(tiles, ways, row)
        assert told == {(r, c): expected[c, r] for r, c in told}
        assert set(np.flatnonzero(ways.unseen[row])) == set(expected[found & (tiles[..., 0] == 0)])
        some_way += sum(w < NO_WAY for w in told.values())
        some_none += sum(w == NO_WAY for w in told.values())
    assert some_way > 24
    assert some_none > 0 or radius == 4 or steps == 3


@pytest.fixture(scope="module")
def observation() -> dict[str, Any]:
    return explored("BabyAI-GoTo-v0", 6, 12, RADIUS)


def test_the_agent_acts_on_ways(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True)
    prepared = agent.prepare(observation)
    assert prepared.parts[0].ways.unseen.shape == (6, NUM_WAYS)
    before = agent.features(prepared)
    for part in ("things", "unseen"):
        with torch.no_grad():
            agent.get_parameter(f"encoder.ways.{part}.weight").neg_()
        after = agent.features(prepared)
        assert (after - before).abs().amax(dim=1).min() > 1e-4
        before = after


def test_rows_of_ways_do_not_touch_each_other(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True)
    together = agent.features(agent.prepare(observation))
    for row in range(6):
        alone = agent.features(agent.prepare(rows(observation, slice(row, row + 1))))
        torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-5)
    chosen = torch.tensor([4, 1])
    some = agent.features(agent.prepare(observation).rows(chosen))
    torch.testing.assert_close(some, together[chosen], rtol=1e-4, atol=1e-5)
    with agent.inference_cache(), torch.no_grad():
        torch.testing.assert_close(agent.features(agent.prepare(observation)), together, rtol=1e-4, atol=1e-5)


def test_a_blind_agent_is_told_no_ways(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True, blind=True)
    other = {**observation, "explored": observation["explored"][::-1].copy()}
    torch.testing.assert_close(agent.features(agent.prepare(observation)), agent.features(agent.prepare(other)))


# Looking for what is due


def test_finder_equals_attention_thing_by_thing(observation: dict[str, Any]) -> None:
    torch.manual_seed(0)
    finder = ThingFinder(5, 7, 3, heads=2)
    with torch.no_grad():
        finder.none.copy_(torch.tensor([0.3, -0.2]))
    ways = find_ways(torch.as_tensor(observation["explored"]))
    things = Things.on(ways, 2)
    assert things.way.shape[:2] == (2, 3)
    state = torch.randn(2, 3, 5)
    for step in range(2):
        found = finder(state[step], things.traits[step], things.way[step])
        for b in range(3):
            row = 3 * step + b
            known = []
            for head in range(2):
                asked = finder.traits.weight @ finder.ask(state[step, b])[7 * head : 7 * head + 7]
                scores, told = [finder.none[head]], [torch.zeros(NUM_TRAITS)]
                for kind, way in zip(ways.kind[row].tolist(), ways.way[row].tolist(), strict=True):
                    if way >= 0:
                        of_type, color, of_state = kind // 7 // NUM_COLORS, kind // 7 % NUM_COLORS, kind % 7
                        places = [of_type, NUM_TYPES + color, FIRST_STATE + of_state, FIRST_WAY + way]
                        scores.append(asked[places].sum())
                        told.append(torch.eye(NUM_TRAITS)[places].sum(dim=0))
                known.append(torch.stack(scores).softmax(dim=0) @ torch.stack(told))
            torch.testing.assert_close(found[b], finder.tell(torch.cat(known)), rtol=1e-4, atol=1e-5)


def test_nothing_is_found_where_there_is_nothing() -> None:
    finder = ThingFinder(5, 7, 3)
    things = Things.on(find_ways(torch.zeros(4, 5, 5, 3, dtype=torch.uint8)), 1)
    assert not finder(torch.randn(4, 5), things.traits[0], things.way[0]).any()


def test_a_memory_looks_with_its_state_of_the_step_before(observation: dict[str, Any]) -> None:
    """Two steps at once are as two steps one by one, and what it looks for changes with what it remembers."""
    agent = make_agent(map_radius=RADIUS, map_ways=True, memory="gru", memory_finds=True)
    prepared = agent.prepare(observation)
    first = torch.tensor([[True] * 3, [False] * 3])
    together = agent(prepared, agent.initial_state(3), first)
    begun = agent(prepared.rows(torch.arange(3)), agent.initial_state(3), first[:1])
    went_on = agent(prepared.rows(torch.arange(3, 6)), begun.state, first[1:])
    torch.testing.assert_close(together.logits[1], went_on.logits[0], rtol=1e-4, atol=1e-5)
    assert agent.memory.finder is not None
    things = Things.on(prepared.parts[0].ways, 2)
    found = [agent.memory.finder(state, things.traits[1], things.way[1]) for state in (begun.state, 0 * begun.state)]
    assert (found[0] - found[1]).abs().max() > 1e-5


def test_a_memory_does_not_look_with_what_it_knew_in_another_episode(observation: dict[str, Any]) -> None:
    agent = make_agent(map_radius=RADIUS, map_ways=True, memory="gru", memory_finds=True)
    prepared = agent.prepare(observation)
    before = torch.randn(6, agent.memory.state_dim, generator=torch.Generator().manual_seed(0))
    for begins in (True, False):
        first = torch.full((1, 6), begins)
        remembered, forgot = (agent(prepared, state, first).logits for state in (before, torch.zeros_like(before)))
        assert torch.equal(remembered, forgot) is begins


@pytest.mark.parametrize("changes", [{"memory": "none"}, {"map_ways": False}])
def test_a_memory_that_cannot_look_is_refused(changes: dict[str, Any]) -> None:
    settings = {"memory": "gru", "map_radius": 5, "map_ways": True, "memory_finds": True, **changes}
    with pytest.raises(ConfigurationError, match=r"memory_finds needs a memory .*: add --agent.memory gru"):
        AgentConfig(**settings)


def test_ways_without_a_map_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"map_ways needs a map .*: add --agent.map-radius"):
        AgentConfig(map_ways=True)
