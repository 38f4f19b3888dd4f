"""A map of what was seen: what it shows, how it turns, what it forgets, and how it is saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_built import FORWARD, LEFT, RIGHT, TOGGLE, episode
from numpy.typing import NDArray

from groundling.envs import EpisodeBank, make, make_vec
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError

RADIUS = 8
BALL, DOOR, WALL = 6, 4, 2


def worlds_with_map(*rows: str, radius: int = RADIUS, **asked: Any) -> WorldBatch:
    bank = EpisodeBank.pack("hand-built", [episode(*rows, **asked)])
    worlds = WorldBatch(bank, 1, shuffle=False, explored_radius=radius)
    worlds.reset()
    return worlds


def step(worlds: WorldBatch, *actions: int, autoreset: bool = False) -> None:
    for action in actions:
        worlds.step(np.array([action]), autoreset=autoreset)


def picture(worlds: WorldBatch) -> NDArray[np.uint8]:
    """The map as a picture is read: [line, column, 3], ahead is up."""
    return worlds.seen()["explored"][0].transpose(1, 0, 2)


def test_what_is_in_view_is_in_the_map_and_what_was_in_view_stays() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoTo-v0", range(12))
    worlds = WorldBatch(bank, 12, shuffle=False, explored_radius=24)
    worlds.reset()
    rng = np.random.default_rng(0)
    known = (worlds.seen()["explored"][..., 0] > 0).sum(axis=(1, 2))
    for _ in range(50):
        worlds.step(rng.choice([LEFT, RIGHT, FORWARD, FORWARD], size=12), autoreset=False)
        seen = worlds.seen()
        view, window = seen["image"].copy(), seen["explored"][:, 21:28, 18:25].copy()
        view[:, 3, 6] = window[:, 3, 6] = 0  # the agent's own place shows what it carries in the view
        is_seen = view[..., 0] > 0
        assert np.array_equal(window[is_seen], view[is_seen])
        now = (seen["explored"][..., 0] > 0).sum(axis=(1, 2))
        assert (now >= known).all()
        known = now
    assert known.min() > 56  # more than a view


def test_a_map_turns_with_the_agent() -> None:
    worlds = worlds_with_map(".....", "..b..", ".....", "..^..", ".....")
    assert picture(worlds)[RADIUS - 2, RADIUS, 0] == BALL
    step(worlds, RIGHT)
    assert picture(worlds)[RADIUS, RADIUS - 2, 0] == BALL
    step(worlds, RIGHT)
    assert picture(worlds)[RADIUS + 2, RADIUS, 0] == BALL
    step(worlds, FORWARD)
    assert picture(worlds)[RADIUS + 3, RADIUS, 0] == BALL


def test_tiles_that_were_never_in_view_are_zero() -> None:
    worlds = worlds_with_map("#####", "#.b.#", "#####", "#.^.#", "#####")
    known = picture(worlds)
    assert not (known[..., 0] == BALL).any()  # a wall hides it
    assert not known[RADIUS + 1 :].any()  # nobody has looked behind
    assert (known[RADIUS - 1, RADIUS - 1 : RADIUS + 2, 0] == WALL).all()


def test_a_tile_stays_as_it_was_when_it_was_last_seen() -> None:
    worlds = worlds_with_map("#####", "#.>D.", "#####")
    step(worlds, TOGGLE, RIGHT, RIGHT)  # it has seen the door open, and turns its back on it
    behind = RADIUS + 1, RADIUS
    assert picture(worlds)[behind].tolist() == [DOOR, 0, 0]
    worlds.state.looks[0, 2] |= 1 << 16  # it falls shut unseen
    step(worlds, FORWARD, FORWARD)  # into the wall, and again
    behind = RADIUS + 2, RADIUS
    assert picture(worlds)[behind].tolist() == [DOOR, 0, 0]
    step(worlds, RIGHT, RIGHT)
    assert picture(worlds)[RADIUS - 2, RADIUS].tolist() == [DOOR, 0, 1]


def test_a_new_episode_begins_with_an_empty_map_and_the_last_one_is_kept() -> None:
    worlds = worlds_with_map("........", ".>......", "........", "........", max_steps=5)
    step(worlds, RIGHT, RIGHT, RIGHT, RIGHT, autoreset=True)
    before = int((picture(worlds)[..., 0] > 0).sum())
    step(worlds, FORWARD, autoreset=True)
    assert worlds.outcomes.truncated[0]
    last = worlds.last_seen()["explored"][0]
    assert int((last[..., 0] > 0).sum()) >= before
    fresh = worlds_with_map("........", ".>......", "........", "........")
    assert np.array_equal(picture(worlds), picture(fresh))


def test_a_small_map_is_the_middle_of_a_large_one() -> None:
    large, small = (worlds_with_map("#######", "#.b...#", "#..^..#", "#.....#", radius=r) for r in (9, 3))
    for worlds in (large, small):
        step(worlds, RIGHT, FORWARD, RIGHT)
    assert np.array_equal(picture(large)[6:13, 6:13], picture(small))


def test_a_saved_map_goes_on_as_it_was() -> None:
    first, second = (make_vec("BabyAI-GoTo-v0", 8, bank_size=32, explored_radius=10, progress=False) for _ in range(2))
    first.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(30):
        first.step(rng.integers(3, size=8))
    seen = second.load_state_dict(first.state_dict())
    actions = rng.integers(3, size=(5, 8))
    assert np.array_equal(seen["explored"], first.worlds.seen()["explored"])
    for action in actions:
        ours, theirs = first.step(action)[0], second.step(action)[0]
        assert np.array_equal(ours["explored"], theirs["explored"])


def test_threads_draw_the_same_maps() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(20))
    batches = [WorldBatch(bank, 600, order_seed=3, num_threads=threads, explored_radius=7) for threads in (1, 2)]
    rng = np.random.default_rng(0)
    for worlds in batches:
        worlds.reset()
    for _ in range(70):
        actions = rng.integers(7, size=600)
        for worlds in batches:
            worlds.step(actions)
        assert np.array_equal(batches[0].seen()["explored"], batches[1].seen()["explored"])
    for worlds in batches:
        worlds.close()


def test_one_environment_shows_the_map_of_the_vector_environment() -> None:
    one = make("BabyAI-GoTo-v0", explored_radius=6)
    observation, _ = one.reset(seed=4)
    assert one.observation_space["explored"].shape == (13, 13, 3)
    assert one.observation_space.contains(observation)
    many = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoTo-v0", [4]), num_envs=1, explored_radius=6)
    seen, _ = many.reset()
    assert np.array_equal(seen["explored"][0], observation["explored"])


def test_other_senses_and_steps_are_the_same_with_a_map_or_without() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-PickupLoc-v0", range(10))
    plain, mapped = (WorldBatch(bank, 10, order_seed=1, explored_radius=radius) for radius in (None, 5))
    rng = np.random.default_rng(1)
    for worlds in (plain, mapped):
        worlds.reset()
    for _ in range(100):
        actions = rng.integers(7, size=10)
        for worlds in (plain, mapped):
            worlds.step(actions)
        for ours, theirs in zip(plain.observations, mapped.observations, strict=True):
            assert np.array_equal(ours, theirs)
        assert np.array_equal(plain.outcomes.reward, mapped.outcomes.reward)


def test_a_rover_or_a_radius_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs body='grid'"):
        make_vec("BabyAI-GoToLocal-v0", 1, bank_size=4, body="rover", explored_radius=5, progress=False)
    with pytest.raises(ConfigurationError, match="1 to 40"):
        make_vec("BabyAI-GoToLocal-v0", 1, bank_size=4, explored_radius=41, progress=False)
