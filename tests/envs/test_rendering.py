"""Pictures: the layout is MiniGrid's encoding, and the picture is the one that MiniGrid draws, pixel for pixel."""

from __future__ import annotations

import contextlib
import io

import gymnasium
import numpy as np
import pytest
from hand_built import FORWARD, RIGHT, TOGGLE, episode, play, worlds_of

from groundling.envs import EpisodeBank, make, make_vec
from groundling.envs.rendering import render_world, visible_tiles, world_layout


@pytest.mark.parametrize("level", ["BabyAI-GoToLocal-v0", "BabyAI-UnlockPickup-v0", "BabyAI-KeyCorridorS3R1-v0"])
def test_picture_is_minigrids_own(level: str) -> None:
    env = make(level, render_mode="rgb_array")
    with contextlib.redirect_stdout(io.StringIO()):
        reference = gymnasium.make(level, render_mode="rgb_array", disable_env_checker=True).unwrapped
        env.reset(seed=5)
        reference.reset(seed=5)
    for action in (None, *np.random.default_rng(0).integers(7, size=15)):
        if action is not None:
            env.step(int(action))
            reference.step(int(action))
        picture = env.render()
        assert picture is not None
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, reference.render())


def test_layout_is_minigrids_encoding_and_follows_the_world() -> None:
    worlds = worlds_of(episode("#####", "#>.D.", "#####"))
    layout, position, direction = world_layout(worlds, 0)
    assert layout[1].tolist() == [[2, 5, 0], [1, 0, 0], [1, 0, 0], [4, 0, 1], [1, 0, 0]]
    assert (position, direction) == ((1, 1), 0)
    play(worlds, [FORWARD, TOGGLE, RIGHT])
    layout, position, direction = world_layout(worlds, 0)
    assert layout[1, 3].tolist() == [4, 0, 0]
    assert (position, direction) == ((2, 1), 1)


def test_shut_door_keeps_the_room_behind_it_dark() -> None:
    worlds = worlds_of(episode("#####", "#>D..", "#####"))  # the wall behind its back is not seen either
    assert visible_tiles(worlds, 0)[1].tolist() == [False, True, True, False, False]
    play(worlds, [TOGGLE])
    assert visible_tiles(worlds, 0)[1].tolist() == [False, True, True, True, True]


def test_each_environment_of_a_batch_has_its_own_picture() -> None:
    bank = EpisodeBank.from_minigrid("BabyAI-GoToObjS4-v0", range(3))
    envs = make_vec(bank=bank, num_envs=3, shuffle=False, render_mode="rgb_array")
    envs.reset()
    pictures = envs.render()
    assert pictures is not None
    assert [picture.shape for picture in pictures] == [(4 * 32, 4 * 32, 3)] * 3
    for row, picture in enumerate(pictures):
        assert np.array_equal(picture, render_world(envs.worlds, row))
    assert not np.array_equal(pictures[0], pictures[1])
    assert render_world(envs.worlds, 0, tile_pixels=8).shape == (32, 32, 3)


def test_nothing_is_rendered_unless_asked_for() -> None:
    env = make("BabyAI-GoToObjS4-v0")
    env.reset(seed=0)
    assert env.render() is None
    assert make("BabyAI-GoToObjS4-v0", render_mode="rgb_array").render() is None
    envs = make_vec(bank=EpisodeBank.from_minigrid("BabyAI-GoToObjS4-v0", [0]), num_envs=1)
    envs.reset()
    assert envs.render() is None
