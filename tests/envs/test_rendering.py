"""Pictures: a level's is the one that MiniGrid draws, pixel for pixel; our own objects can be told apart."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from itertools import pairwise, product

import gymnasium
import numpy as np
import pytest
from hand_built import FORWARD, LEFT, RIGHT, TOGGLE, episode, play, worlds_of
from minigrid.core.constants import COLORS
from minigrid.core.grid import Grid
from minigrid.core.world_object import WorldObj
from numpy.typing import NDArray

from groundling.envs import EpisodeBank, make, make_vec
from groundling.envs.engine.constants import (
    COLOR_CODES,
    DOOR,
    FIRST_OBJECT,
    GOAL,
    LOCKED,
    OPEN,
    ORDINARY,
    SIZES,
    TYPE_CODES,
    look,
)
from groundling.envs.engine.kinds import RGB
from groundling.envs.rendering import render_world, visible_tiles, world_layout
from groundling.envs.tiles import SCALES, thing
from groundling.language.goals import MINIGRID_COLORS, Color, ObjectType


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
    bank = EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(3))
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
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", [0]), num_envs=1)
    envs.reset()
    assert envs.render() is None


def tile(type_code: int, color_code: int, state: int = ORDINARY, pixels: int = 32) -> NDArray[np.uint8]:
    return Grid.render_tile(thing(type_code, color_code, state), tile_size=pixels).astype(np.uint8)


def test_every_object_can_be_told_from_every_other() -> None:
    looks = [
        *product([code for code in TYPE_CODES.values() if code != DOOR], COLOR_CODES.values(), (ORDINARY, *SIZES)),
        *product([DOOR], COLOR_CODES.values(), range(LOCKED + 1)),
        (GOAL, COLOR_CODES[Color.GREEN], 0),
    ]
    pictures = np.stack([tile(*codes, pixels=16).ravel() for codes in looks])  # half the usual size
    assert len(np.unique(pictures, axis=0)) == len(looks) == 10 * 10 * 5 + 10 * 3 + 1


@pytest.mark.parametrize("kind", [kind for kind in ObjectType if kind is not ObjectType.DOOR])
def test_sizes_are_the_same_shape_larger_and_larger_and_whole(kind: ObjectType) -> None:
    tiles = [tile(TYPE_CODES[kind], COLOR_CODES[Color.WHITE], state, pixels=64) for state in SIZES]
    areas = [float(picture[2:, 2:].sum()) for picture in tiles]  # without the lines between tiles
    assert all(1.5 * smaller < larger for smaller, larger in pairwise(areas)), areas
    for area, state in zip(areas, SIZES, strict=True):  # what hung over the edge of its tile would be missing
        assert area / areas[1] == pytest.approx((SCALES[state] / SCALES[SIZES[1]]) ** 2, rel=0.05)


@pytest.mark.parametrize("kind", list(ObjectType))
@pytest.mark.parametrize("color", list(Color))
def test_an_object_has_its_color_and_no_other(kind: ObjectType, color: Color) -> None:
    picture = tile(TYPE_CODES[kind], COLOR_CODES[color])[2:, 2:].reshape(-1, 3)
    brightest = picture[picture.sum(axis=1).argmax()].astype(int)
    nearest = min(RGB, key=lambda other: int(np.abs(np.array(RGB[other]) - brightest).sum()))
    assert nearest is color
    assert len(RGB) == len(Color)


def test_minigrids_colors_and_objects_are_drawn_by_minigrid_at_their_ordinary_size() -> None:
    assert {str(color): RGB[color] for color in MINIGRID_COLORS} == {c: tuple(rgb) for c, rgb in COLORS.items()}
    for kind, color in product((ObjectType.KEY, ObjectType.BALL, ObjectType.BOX, ObjectType.DOOR), MINIGRID_COLORS):
        assert isinstance(thing(TYPE_CODES[kind], COLOR_CODES[color], ORDINARY), WorldObj)
    assert isinstance(thing(GOAL, COLOR_CODES[Color.GREEN], 0), WorldObj)
    # a ball of our own color is MiniGrid's ball, repainted
    ours, theirs = (tile(TYPE_CODES[ObjectType.BALL], COLOR_CODES[color]) for color in (Color.WHITE, Color.RED))
    assert np.abs(ours[2:, 2:, 0].astype(int) - theirs[2:, 2:, 0]).max() <= 60  # their soft edges are coarser
    assert np.abs(ours[2:, 2:, 0].astype(int) - theirs[2:, 2:, 0]).mean() < 1.5


def test_world_with_our_own_objects_has_a_picture() -> None:
    plain = episode("#####", "#>b.#", "#.D.#", "#####")
    own = replace(
        plain,
        looks=(
            look(TYPE_CODES[ObjectType.STAR], COLOR_CODES[Color.PINK], SIZES[0]),
            look(DOOR, COLOR_CODES[Color.ORANGE], OPEN),
        ),
    )
    assert [int(code) for code in own.cells[1:3, 2]] == [FIRST_OBJECT, FIRST_OBJECT + 1]
    worlds = worlds_of(own)
    picture = render_world(worlds, 0)
    assert picture.shape == (4 * 32, 5 * 32, 3)
    star = Grid.render_tile(thing(TYPE_CODES[ObjectType.STAR], COLOR_CODES[Color.PINK], SIZES[0]), highlight=True)
    assert np.array_equal(picture[32:64, 64:96], star.astype(np.uint8))
    play(worlds, [RIGHT, FORWARD, LEFT, FORWARD])  # into the doorway, where door and agent are both seen
    door = render_world(worlds, 0)[64:96, 64:96].reshape(-1, 3)
    assert (door[:, 0] == 255).any()
    assert not np.array_equal(door, render_world(worlds_of(own), 0)[64:96, 64:96].reshape(-1, 3))
