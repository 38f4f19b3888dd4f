"""Floors of rooms: in houses, in banks, in what both bodies see, and from above."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from groundling.envs import EpisodeBank, make_vec
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.constants import (
    BORDER,
    EMPTY,
    EMPTY_LOOK,
    FIRST_OBJECT,
    NOTHING_CODE,
    WALL_CODE,
    WALL_LOOK,
    look_parts,
)
from groundling.envs.engine.embodiment import GRID
from groundling.envs.engine.floors import FLOOR_CODES, FLOORS, TINTS
from groundling.envs.engine.rover import Poses
from groundling.envs.engine.state import Worlds
from groundling.envs.first_person import Camera, FirstPersonRenderer, Views
from groundling.envs.first_person.room_textures import ROOM_PICTURES
from groundling.envs.rendering import render_world, shown_things, world_layout
from groundling.envs.worlds.houses import HouseSettings, sample_house
from groundling.envs.worlds.houses.compiling import compile_house
from groundling.envs.worlds.houses.stock import CORRIDOR, ROOM_FLOORS, ROOM_KINDS

HOUSE = "groundling/FurnishedHouseGoTo-v0"
PLAIN = "groundling/RoomGoTo-v0"


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds(HOUSE, range(4))


def test_every_kind_of_room_has_a_floor_of_its_own() -> None:
    assert set(ROOM_FLOORS) == {*ROOM_KINDS, CORRIDOR}
    assert len(set(ROOM_FLOORS.values())) == len(ROOM_FLOORS)
    assert set(ROOM_FLOORS.values()) == set(FLOORS[1:]) == set(ROOM_PICTURES)


def test_a_person_can_tell_rooms_apart_by_floor_and_by_wall() -> None:
    for one, other in combinations(ROOM_PICTURES.values(), 2):
        far_floor = np.abs(one.floor.mean(axis=(0, 1)) - other.floor.mean(axis=(0, 1))).max()
        far_wall = np.abs(one.wall.mean(axis=(0, 1)) - other.wall.mean(axis=(0, 1))).max()
        assert far_floor + far_wall > 0.15, "their mean colors differ"


def test_floors_of_a_house_are_those_of_its_rooms() -> None:
    scene = sample_house(np.random.default_rng(0), HouseSettings(min_rooms=6, max_rooms=6)).scene
    floors = compile_house(scene).floors
    for y, x in np.ndindex(floors.shape):
        kinds = [room.kind for room in scene.rooms if room.contains((x, y))]
        doors = [scene.rooms[door.rooms[0]].kind for door in scene.doors if door.position == (x, y)]
        assert floors[y, x] == (FLOOR_CODES[ROOM_FLOORS[(kinds + doors)[0]]] if kinds + doors else 0)


def test_symbols_of_free_tiles_tell_the_floor(bank: EpisodeBank) -> None:
    worlds = GRID.make_batch(bank, 4, shuffle=False)
    worlds.reset()
    for row in range(4):
        x, y, _ = bank.poses[row]
        image = worlds.observations.image[row].reshape(7, 7, 3)
        assert image[3, 6].tolist() == [EMPTY, bank.floors[row, y, x], 0], "the agent's own tile"
        kinds = image[..., 0] == EMPTY
        assert set(image[kinds][:, 1].tolist()) <= set(bank.floors[row].ravel().tolist())
        assert image[kinds][:, 1].min() > 0
    layout, _, _ = world_layout(worlds, 0)
    free = bank.cells[0] == NOTHING_CODE
    assert (layout[..., 1][free] == bank.floors[0][free]).all()
    doors = [k for k, look in enumerate(bank.looks[0][FIRST_OBJECT:]) if look_parts(int(look))[0] == 4]
    y, x = divmod(int(bank.positions[0, doors[0]]), bank.cells.shape[2])
    assert layout[y, x].tolist() == list(look_parts(int(bank.looks[0, FIRST_OBJECT + doors[0]]))), (
        "a thing keeps its own"
    )


def test_map_of_what_was_seen_tells_the_floors_as_the_view_does(bank: EpisodeBank) -> None:
    worlds = GRID.changed(explored_radius=6).make_batch(bank, 4, shuffle=False)
    worlds.reset()
    view = worlds.observations.image.reshape(4, 7, 7, 3)
    seen = worlds.senses.pictures.explored[:, 3:10, 0:7]
    in_view = view[..., 0] > 0
    assert (view[in_view] == seen[in_view]).all()


def test_worlds_without_floors_have_none() -> None:
    bank = EpisodeBank.of_seeds(PLAIN, [0])
    assert bank.floors.shape == (1, 0, 0)
    worlds = GRID.make_batch(bank, 1)
    worlds.reset()
    image = worlds.observations.image.reshape(49, 3)
    assert worlds.state.floors.shape == (1, 0)
    assert (image[image[:, 0] == EMPTY] == [EMPTY, 0, 0]).all()


def test_banks_keep_floors(bank: EpisodeBank, tmp_path) -> None:
    words = bank.find_source().embodiment.vocabulary
    bank.save(tmp_path / "bank.npz")
    loaded = EpisodeBank.load(tmp_path / "bank.npz", vocabulary=words)
    assert (loaded.floors == bank.floors).all()
    assert (bank.take(slice(1, 3)).floors == bank.floors[1:3]).all()
    plain = EpisodeBank.of_seeds(PLAIN, range(3)).encoded(words)
    mixed = TaskMixture.of([plain, bank]).bank
    height, width = bank.floors.shape[1:]
    assert not mixed.floors[:3].any()
    assert (mixed.floors[3:, :height, :width] == bank.floors).all()


def test_a_bank_written_before_there_were_floors_is_read(tmp_path) -> None:
    plain = EpisodeBank.of_seeds(PLAIN, range(2))
    plain.save(tmp_path / "bank.npz")
    assert "floors" not in np.load(tmp_path / "bank.npz").files
    assert EpisodeBank.load(tmp_path / "bank.npz").floors.shape == (2, 0, 0)


# ------------------------------------------------------------------------------------------------ first person

TWO_ROOMS = ("###########", *["#....#....#"] * 3, "#.........#", *["#....#....#"] * 3, "###########")
LEFT, RIGHT = 2, 3  # floor codes; the doorway, at x = 5, has the right one's
CAMERA = Camera(width=96, height=64, depth=True, segmentation=True)


def see(floors: np.ndarray) -> Views:
    """From the left room through the doorway, 3.5 m ahead."""
    rows = np.array([[WALL_CODE if tile == "#" else NOTHING_CODE for tile in row] for row in TWO_ROOMS], dtype=np.uint8)
    empty = Worlds(*(np.zeros(1, dtype=np.int32) for _ in Worlds._fields))
    state = empty._replace(
        cells=rows.reshape(1, -1),
        looks=np.array([[EMPTY_LOOK, WALL_LOOK]], dtype=np.int32),
        contents=np.zeros((1, 1), dtype=np.uint8),
        carried=np.zeros(1, dtype=np.uint8),
        floors=floors.reshape(1, -1).astype(np.uint8),
    )
    renderer = FirstPersonRenderer(CAMERA)
    views = renderer.make_views(1)
    at = Poses(np.array([1.5]), np.array([4.5]), np.array([0.1]))
    renderer.draw(state, at, rows.shape[1], np.zeros(1, dtype=np.uint64), views, 0, 1)
    return views


def floors_of(left: int, right: int) -> np.ndarray:
    found = np.full((len(TWO_ROOMS), len(TWO_ROOMS[0])), left)
    found[:, 5:] = right
    return found


def test_each_room_is_drawn_with_its_own_floor_and_walls_through_a_doorway() -> None:
    both, left, right = see(floors_of(LEFT, RIGHT)), see(floors_of(LEFT, LEFT)), see(floors_of(RIGHT, RIGHT))
    assert (both.depth == left.depth).all()
    assert (both.segmentation == left.segmentation).all()
    focal = CAMERA.focal_pixels
    slopes = (np.arange(96) + 0.5 - 48) / focal
    reach = both.depth[0] * (np.cos(0.1) - slopes * np.sin(0.1)) + 1.5  # x of what each pixel shows
    rows = (np.arange(64) + 0.5 - CAMERA.horizon * 64 > 0)[:, None]
    is_floor = (both.segmentation[0] == 0) & rows
    is_wall = both.segmentation[0] == WALL_CODE
    for mask, expected, name in (
        (is_floor & (reach < 4.99), left, "near floor"),
        (is_floor & (reach > 5.01), right, "far floor"),
        (is_wall & (reach < 5.01), left, "near wall"),
        (is_wall & (reach > 6.01), right, "far wall"),
    ):
        assert mask.sum() > 20, name
        assert (both.rgb[0][mask] == expected.rgb[0][mask]).all(), name
    far = is_floor & (reach > 5.01)
    assert (left.rgb[0][far] != right.rgb[0][far]).any(axis=-1).mean() > 0.9


def test_a_third_floor_begins_behind_the_second() -> None:
    three = floors_of(LEFT, RIGHT)
    three[:, 8:] = 4
    reach = see(three).depth[0] * np.cos(0.1) + 1.5
    rows = (np.arange(64) + 0.5 - CAMERA.horizon * 64 > 0)[:, None]
    far = (see(three).segmentation[0] == 0) & rows & (reach > 8.3)
    far[:, :44], far[:, 52:] = False, False
    assert far.sum() >= 5
    assert (see(three).rgb[0][far] == see(floors_of(4, 4)).rgb[0][far]).all()


def test_no_floors_look_as_plain_ones() -> None:
    assert (see(floors_of(0, 0)).rgb == see(np.zeros((0,))).rgb).all()


# ------------------------------------------------------------------------------------------------- from above


def test_floors_are_tints_from_above_and_what_stands_on_things_is_drawn(bank: EpisodeBank) -> None:
    worlds = bank.find_source().embodiment.changed(top_down_pixels=16).make_batch(bank, 4, shuffle=False)
    worlds.reset()
    row = next(row for row in range(4) if shown_things(worlds, row))
    sense, picture = worlds.senses.pictures.top_down[row], render_world(worlds, row, tile_pixels=16)
    (x, y), look = shown_things(worlds, row)[0]
    upper_right = (slice(16 * y, 16 * y + 8), slice(16 * x + 8, 16 * x + 16))
    color = np.array(worlds.kinds.rgb[look[1]])
    for drawn in (sense[upper_right], picture[upper_right]):
        assert (np.abs(drawn.reshape(-1, 3) - color.astype(int)).max(axis=1) < 60).any(), "the thing's own color"
    ax, ay, _ = bank.poses[row]
    free = [(i, j) for i, j in np.argwhere(bank.cells[row] == NOTHING_CODE) if max(abs(i - ay), abs(j - ax)) > 7]
    for i, j in free[:20]:
        middle = (16 * i + 8, 16 * j + 8)
        assert (sense[middle] == TINTS[bank.floors[row, i, j]]).all()
        assert (picture[middle] == TINTS[bank.floors[row, i, j]]).all(), "out of view"
    ahead = picture[16 * ay + 1, 16 * ax + 1].astype(int)
    assert (ahead > TINTS[bank.floors[row, ay, ax]]).all(), "what is in view is lit"


def test_floors_of_an_episode_are_those_of_its_house_after_any_history() -> None:
    envs = make_vec(HOUSE, 3, seed=0, bank_size=4, progress=False)
    envs.reset()
    envs.worlds.state.max_steps[:] = 2
    for _ in range(6):
        envs.step(np.zeros(3, dtype=np.int64))
        bank = envs.worlds.bank
        for row in range(3):
            inner = envs.worlds.state.floors[row].reshape(-1, envs.worlds.width)[BORDER:-BORDER, BORDER:-BORDER]
            assert (inner == bank.floors[envs.worlds.state.episode[row]]).all()
