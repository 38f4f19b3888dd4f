"""First person: pictures held still by golden images, and geometry, occlusion and randomization by known scenes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from groundling.envs.engine.constants import (
    ARMOR,
    BALL,
    BIG,
    BOX,
    CHAIR,
    CLOSED,
    COLOR_CODES,
    DOOR,
    EMPTY_LOOK,
    FIRST_OBJECT,
    FIRST_OWN_TYPE,
    FIRST_SOLID_TYPE,
    GOAL,
    HUGE,
    KEY,
    KEYCARD,
    LOCKED,
    NUM_SOLID_TYPES,
    NUM_TYPES,
    OPEN,
    ORDINARY,
    PILLAR,
    SKULLKEY,
    SMALL,
    TABLE,
    TINY,
    TORCH,
    TYPE_CODES,
    WALL_CODE,
    WALL_LOOK,
    look,
)
from groundling.envs.engine.kinds import RGB
from groundling.envs.engine.rover import Poses
from groundling.envs.engine.state import Worlds
from groundling.envs.first_person import Camera, FirstPersonRenderer, Randomization, Views, solids
from groundling.errors import ConfigurationError
from groundling.language.goals import Color

GOLDEN = Path(__file__).parent / "golden"
RED, GREEN, BLUE = (COLOR_CODES[color] for color in (Color.RED, Color.GREEN, Color.BLUE))
ROOM = ("#########", *["#.......#"] * 7, "#########")
ALL = Camera(depth=True, segmentation=True)
Thing = tuple[int, int, int]
Pose = tuple[float, float, float]


def world(
    rows: Sequence[str], things: dict[tuple[int, int], Thing], *, copies: int = 1, held: Thing | None = None
) -> Worlds:
    """Worlds alike, of which only what is seen is filled in; ``things`` are (type, color, state) by tile."""
    cells = np.array([[WALL_CODE if tile == "#" else 0 for tile in row] for row in rows], dtype=np.uint8)
    looks = [EMPTY_LOOK, WALL_LOOK]
    for (x, y), thing in things.items():
        cells[y, x] = len(looks)
        looks.append(look(*thing))
    if held is not None:
        looks.append(look(*held))
    empty = Worlds(*(np.zeros(copies, dtype=np.int32) for _ in Worlds._fields))
    return empty._replace(
        cells=np.tile(cells.reshape(1, -1), (copies, 1)),
        looks=np.tile(np.array([looks], dtype=np.int32), (copies, 1)),
        contents=np.zeros((copies, len(looks)), dtype=np.uint8),
        carried=np.full(copies, len(looks) - 1 if held is not None else 0, dtype=np.uint8),
        floors=np.zeros((copies, 0), dtype=np.uint8),
    )


def poses(*rows: Pose) -> Poses:
    x, y, heading = np.array(rows, dtype=np.float64).T.copy()
    return Poses(x, y, heading)


def draw(
    state: Worlds, at: Poses, camera: Camera = ALL, *, width: int = 9, styles: Sequence[int] | None = None
) -> Views:
    renderer = FirstPersonRenderer(camera)
    count = len(at.x)
    views = renderer.make_views(count)
    style = np.array(styles if styles is not None else [0] * count, dtype=np.uint64)
    renderer.draw(state, at, width, style, views, 0, count)
    return views


def see(things: dict[tuple[int, int], Thing], pose: Pose, camera: Camera = ALL, **how: Thing) -> Views:
    return draw(world(ROOM, things, **how), poses(pose), camera)


def assert_golden(name: str, picture: NDArray[np.uint8]) -> None:
    """Like the stored picture; the last bits of arithmetic differ from one processor to another."""
    path = GOLDEN / f"{name}.png"
    stored = cv2.imread(str(path))
    assert stored is not None, f"{path} is missing: run this file as a script to write it"
    difference = np.abs(stored[:, :, ::-1].astype(int) - picture)
    assert difference.mean() < 1
    assert (difference.max(axis=2) <= 8).mean() > 0.995


def sheet(pictures: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    count, height, width, _ = pictures.shape
    grid = pictures.reshape(count // columns, columns, height, width, 3)
    return np.ascontiguousarray(grid.transpose(0, 2, 1, 3, 4).reshape(-1, columns * width, 3))


def golden_solids() -> NDArray[np.uint8]:
    """Each solid from 2 m, in ten colors."""
    kinds = [BALL, BOX, KEY, GOAL, *range(FIRST_OWN_TYPE, NUM_SOLID_TYPES)]
    shown: list[Thing] = [(kind, i % len(Color), ORDINARY) for i, kind in enumerate(kinds)]
    shown += [(kind, RED, size) for kind in (TORCH, PILLAR) for size in (SMALL, BIG)]
    shown += [(BALL, BLUE, size) for size in (TINY, HUGE)]
    assert len(shown) == 24
    return sheet(np.concatenate([see({(5, 4): thing}, (3.5, 4.5, 0)).rgb for thing in shown]), 6)


def golden_rooms() -> NDArray[np.uint8]:
    """Doors of three states, furniture, what is carried, and randomization."""
    rows = ("#########", "#...#...#", "#...#...#", "#.......#", "#...#...#", "####.####", "#...#...#", *ROOM[:1])
    pictures = []
    camera = Camera(randomization=Randomization(pixel_noise=0.05, lighting=1, textures=True, colors=1))
    for state in (OPEN, CLOSED, LOCKED):
        things = {
            (4, 3): (DOOR, GREEN + state, state),
            (1, 1): (TABLE, COLOR_CODES[Color.BROWN], ORDINARY),
            (2, 1): (CHAIR, COLOR_CODES[Color.ORANGE], ORDINARY),
            (6, 3): (BALL, RED, ORDINARY),
        }
        views = [(1.5, 3.5, 0.0), (2.6, 3.9, -0.4), (2.9, 3.4, -2.5), (7.3, 3.2, math.pi)]
        state = world(rows, things, copies=4, held=(KEY, BLUE, ORDINARY))
        pictures += [draw(state, poses(*views)).rgb, draw(state, poses(*views), camera, styles=range(4)).rgb]
    return sheet(np.concatenate(pictures), 6)


@pytest.mark.parametrize("name", ["solids", "rooms"])
def test_pictures_are_the_golden_ones(name: str) -> None:
    assert_golden(name, {"solids": golden_solids, "rooms": golden_rooms}[name]())


def test_golden_check_sees_a_change() -> None:
    picture = golden_solids()
    with pytest.raises(AssertionError):
        assert_golden("solids", np.roll(picture, 1, axis=1))


@pytest.mark.parametrize("kind", [*(set(TYPE_CODES.values()) - {DOOR}), *range(FIRST_SOLID_TYPE, NUM_SOLID_TYPES)])
def test_every_solid_is_seen_and_stands_on_the_floor_of_its_tile(kind: int) -> None:
    for size in (ORDINARY, TINY, HUGE):
        views = see({(5, 4): (kind, RED, size)}, (3.5, 4.5, 0), replace(ALL, width=128, height=128))
        there = views.segmentation[0] == FIRST_OBJECT
        rows, columns = np.nonzero(there)
        assert len(rows) > (200 if size != TINY else 30)
        assert abs(columns.mean() - 63.5) < 8
        depth = views.depth[0][there]
        assert depth.min() > 1.5, "it leaves its tile"
        assert depth.max() < 2.5, "it leaves its tile"
        # the floor 2 m ahead, where it stands, is in this row
        foot = 0.42 * 128 + 0.65 / 2 * camera_focal(128)
        assert abs(rows.max() - foot) < 12
    assert solids.COUNTS[kind] > 0


def camera_focal(width: int) -> float:
    return Camera(width=width, height=width).focal_pixels


def test_solids_differ_in_outline() -> None:
    kinds = [*(set(TYPE_CODES.values()) - {DOOR}), *range(FIRST_SOLID_TYPE, NUM_SOLID_TYPES)]
    outlines = [see({(5, 4): (kind, RED, ORDINARY)}, (3.5, 4.5, 0)).segmentation[0] == FIRST_OBJECT for kind in kinds]
    for i, one in enumerate(outlines):
        for other in outlines[:i]:
            assert (one & other).sum() / (one | other).sum() < 0.9


def test_first_person_types_follow_the_grids() -> None:
    codes = [TORCH, PILLAR, KEYCARD, SKULLKEY, ARMOR, CHAIR, TABLE]
    assert codes == list(range(FIRST_SOLID_TYPE, NUM_SOLID_TYPES))
    assert FIRST_SOLID_TYPE == NUM_TYPES


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.37, 5.5])
def test_depth_of_a_wall_is_its_distance(distance: float) -> None:
    depth = see({}, (8 - distance, 4.5, 0)).depth[0]
    # perpendicular to the picture, so the same across the whole wall
    row = 27
    assert np.abs(depth[row, 8:-8] - distance).max() < 0.01
    aslant = see({}, (8 - distance, 4.5, 0.3)).depth[0, row, 31:33].mean()
    assert abs(aslant - distance / math.cos(0.3)) < 0.02 * distance


def test_depth_of_the_floor_and_of_a_ball() -> None:
    camera = replace(ALL, width=65, height=65, horizon=0.5)
    depth = see({(5, 4): (BALL, RED, ORDINARY)}, (2.5, 4.5, 0), camera).depth[0]
    focal = camera.focal_pixels
    row = 60
    assert abs(depth[row, 5] - camera.eye_height_m / ((row + 0.5 - 32.5) / focal)) < 0.01
    assert abs(depth[32 + round(0.32 / 2.67 * focal), 32] - 2.67) < 0.02  # the ball's middle, 0.33 m before its axis


def test_segmentation_names_what_is_straight_ahead() -> None:
    things = {(5, 4): (BALL, RED, ORDINARY), (3, 6): (BOX, BLUE, ORDINARY)}
    for pose, code in (((3.5, 4.5, 0.0), 2), ((5.5, 6.5, math.pi), 3)):
        segmentation = see(things, pose).segmentation[0]
        assert segmentation[38, 32] == code
        assert segmentation[25, 1] == WALL_CODE
        assert segmentation[63, 1] == 0
        assert segmentation[0, 1] == 0
    # the box is behind this one's back
    assert set(np.unique(see(things, (3.5, 4.5, -1.0)).segmentation)) <= {0, 1, 2}


def test_nearer_things_and_walls_hide_what_is_behind() -> None:
    behind = {(5, 4): (PILLAR, RED, BIG), (6, 4): (BALL, BLUE, SMALL)}
    assert set(np.unique(see(behind, (2.5, 4.5, 0)).segmentation)) == {0, 1, 2}
    assert set(np.unique(see(behind, (2.5, 5.4, -0.2)).segmentation)) == {0, 1, 2, 3}
    rows = ("#########", "#...#...#", *["#...#...#"] * 5, "#...#...#", "#########")
    views = draw(world(rows, {(6, 4): (BALL, RED, ORDINARY)}), poses((2.5, 4.5, 0)))
    assert set(np.unique(views.segmentation)) == {0, 1}


@pytest.mark.parametrize(("state", "passes"), [(OPEN, True), (CLOSED, False), (LOCKED, False)])
@pytest.mark.parametrize("turned", [False, True])
def test_only_an_open_door_shows_what_is_behind(state: int, passes: bool, turned: bool) -> None:
    rows = ["#########", *["#...#...#"] * 7, "#########"]
    things = {(4, 4): (DOOR, RED, state), (6, 4): (BALL, BLUE, ORDINARY)}
    pose = (1.8, 4.5, 0.0)
    if turned:
        rows = ["".join(column) for column in zip(*rows, strict=True)]
        pose = (4.5, 1.8, math.pi / 2)
        things = {(y, x): thing for (x, y), thing in things.items()}
    views = draw(world(rows, things), poses(pose))
    seen = set(np.unique(views.segmentation))
    assert 2 in seen
    assert (3 in seen) == passes
    if not passes:  # it hangs in the middle of its tile
        assert abs(views.depth[0, 27, 32] - 2.7) < 0.01


def test_states_of_a_door_look_different() -> None:
    pictures = [see({(5, 4): (DOOR, RED, state)}, (3.5, 4.5, 0)).rgb.astype(int) for state in (OPEN, CLOSED, LOCKED)]
    for i in range(3):
        assert np.abs(pictures[i] - pictures[i - 1]).mean() > 3


def test_things_grow_as_they_come_near_and_with_their_size() -> None:
    def area(distance: float, size: int) -> int:
        views = see({(7, 4): (BALL, RED, size)}, (7.5 - distance, 4.5, 0))
        return int((views.segmentation == FIRST_OBJECT).sum())

    areas = [area(distance, ORDINARY) for distance in (5, 4, 3, 2, 1.5)]
    assert areas == sorted(set(areas))
    sizes = [area(2, size) for size in (TINY, SMALL, BIG, ORDINARY, HUGE)]
    assert sizes == sorted(set(sizes))
    # a ball's area goes with the inverse square of its distance
    assert abs(areas[0] / areas[3] * (5 / 2) ** 2 - 1) < 0.25


@pytest.mark.parametrize("color", Color)
def test_colors_are_the_ones_named(color: Color) -> None:
    views = see({(5, 4): (BALL, COLOR_CODES[color], ORDINARY)}, (3.5, 4.5, 0))
    mean = views.rgb[0][views.segmentation[0] == FIRST_OBJECT].mean(axis=0)
    own = np.array(RGB[color], dtype=float)
    if color in (Color.GREY, Color.WHITE):
        assert np.ptp(mean) < 5
        assert (mean.mean() > 150) == (color is Color.WHITE)
    else:
        others = [np.array(RGB[name], dtype=float) for name in Color]
        cosines = [mean @ other / np.linalg.norm(mean) / np.linalg.norm(other) for other in others]
        assert mean @ own / np.linalg.norm(mean) / np.linalg.norm(own) >= max(cosines) - 0.02


def test_what_is_carried_is_seen_at_the_lower_edge_whatever_stands_ahead() -> None:
    for pose in ((4.5, 4.5, 0.0), (7.8, 4.5, 0.0)):  # also 0.2 m before a wall
        views = see({}, pose, held=(KEY, GREEN, ORDINARY))
        rows, columns = np.nonzero(views.segmentation[0] == FIRST_OBJECT)
        assert len(rows) > 40
        assert rows.min() > 32
        assert rows.max() >= 60
        assert columns.min() >= 32
    assert FIRST_OBJECT not in np.unique(see({}, (4.5, 4.5, 0)).segmentation)


def test_a_thing_in_the_eye_or_beside_it_is_drawn_without_harm() -> None:
    things = {(4, 4): (TABLE, RED, HUGE), (5, 4): (GOAL, GREEN, ORDINARY), (4, 5): (DOOR, BLUE, OPEN)}
    at = poses(*[(4 + 0.1 * i, 4.5 + 0.05 * i, 0.7 * i) for i in range(12)])
    views = draw(world(ROOM, things, copies=12), at)
    assert np.isfinite(views.depth).all()
    assert (views.depth > 0).all()


def furnished(copies: int) -> tuple[Worlds, Poses]:
    rng = np.random.default_rng(7)
    tiles = [divmod(int(tile), 7) for tile in rng.permutation(49)[:12]]
    kinds = [*(set(TYPE_CODES.values()) - {DOOR}), *range(FIRST_SOLID_TYPE, NUM_SOLID_TYPES)]
    things = {(x + 1, y + 1): (int(rng.choice(kinds)), int(rng.integers(10)), ORDINARY) for x, y in tiles}
    at = Poses(rng.uniform(1.2, 7.8, copies), rng.uniform(1.2, 7.8, copies), rng.uniform(0, 2 * np.pi, copies))
    return world(ROOM, things, copies=copies, held=(KEY, RED, ORDINARY)), at


VARIED = replace(ALL, randomization=Randomization(pixel_noise=0.05, lighting=1, textures=True, colors=1))


@pytest.mark.parametrize("camera", [ALL, VARIED])
def test_threads_that_share_a_batch_draw_what_one_does(camera: Camera) -> None:
    state, at = furnished(24)
    renderer = FirstPersonRenderer(camera)
    style = np.arange(24, dtype=np.uint64)
    whole, again, shared = (renderer.make_views(24) for _ in range(3))
    renderer.draw(state, at, 9, style, whole, 0, 24)
    renderer.draw(state, at, 9, style, again, 0, 24)
    with ThreadPoolExecutor(4) as pool:
        edges = [(0, 5), (5, 6), (6, 17), (17, 24)]
        list(pool.map(lambda edge: renderer.draw(state, at, 9, style, shared, *edge), edges))
    for one, other, third in zip(whole, again, shared, strict=True):
        assert np.array_equal(one, other)
        assert np.array_equal(one, third)
    assert len(np.unique(whole.rgb, axis=0)) == 24


def test_a_part_of_a_batch_leaves_the_rest_alone() -> None:
    state, at = furnished(6)
    renderer = FirstPersonRenderer(ALL)
    views = renderer.make_views(6)
    renderer.draw(state, at, 9, np.zeros(6, dtype=np.uint64), views, 2, 4)
    for sense in views:
        assert sense[2:4].any()
        assert not sense[:2].any()
        assert not sense[4:].any()


def test_without_randomization_the_style_is_of_no_matter() -> None:
    state, at = furnished(4)
    plain, styled = draw(state, at), draw(state, at, styles=[1, 22, 333, 4444])
    assert np.array_equal(plain.rgb, styled.rgb)


@pytest.mark.parametrize(
    "randomization",
    [
        Randomization(pixel_noise=0.05),
        Randomization(lighting=0.5),
        Randomization(textures=True),
        Randomization(colors=0.5),
    ],
)
def test_randomization_follows_the_style_and_not_the_order(randomization: Randomization) -> None:
    state, _ = furnished(4)
    at = poses(*[(4.4, 7.5, -1.2)] * 4)
    camera = replace(ALL, randomization=randomization)
    first = draw(state, at, camera, styles=[5, 6, 7, 5])
    turned = draw(state, at, camera, styles=[7, 5, 6, 6])
    plain = draw(state, at)
    assert np.array_equal(first.rgb[0], first.rgb[3])
    assert np.array_equal(first.rgb[[2, 0, 1, 1]], turned.rgb)
    assert np.abs(first.rgb[0].astype(int) - first.rgb[1]).mean() > 2
    # what is seen stays what it is
    assert np.array_equal(first.segmentation, plain.segmentation)
    assert np.array_equal(first.depth, plain.depth)


def test_noise_has_the_deviation_asked_for_and_changes_with_the_step() -> None:
    camera = Camera(randomization=Randomization(pixel_noise=0.04))
    at = poses((2.5, 4.5, 0))
    state = world(ROOM, {})
    plain = draw(state, at, Camera()).rgb.astype(float)
    before = draw(state, at, camera).rgb
    state.step_count[0] += 1
    after = draw(state, at, camera).rgb
    assert not np.array_equal(before, after)
    for noisy in (before, after):
        noise = noisy - plain
        assert abs(noise.std() / 255 - 0.04) < 0.003
        assert abs(noise.mean()) < 0.7
        channels = noise.reshape(-1, 3).T
        assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < 0.06
    assert np.abs(np.corrcoef((before - plain).ravel(), (after - plain).ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 33), (63, 65), (84, 84), (160, 120), (161, 121)])
def test_any_resolution_is_the_same_view(size: tuple[int, int]) -> None:
    width, height = size
    state, at = furnished(3)
    views = draw(state, at, replace(ALL, width=width, height=height))
    assert views.rgb.shape == (3, height, width, 3)
    assert views.depth.shape == views.segmentation.shape == (3, height, width)
    assert (views.depth > 0).all()
    alone = draw(state, at, Camera(width=width, height=height))
    assert np.array_equal(alone.rgb, views.rgb)
    assert alone.depth.shape == (0, height, width)
    if width == 161:  # the middle pixel of an odd picture looks straight ahead, as that of any other odd one
        small = draw(state, at, replace(ALL, width=7, height=5))
        big = draw(state, at, replace(ALL, width=161, height=115))
        assert np.allclose(small.depth[:, 2, 3], big.depth[:, 57, 80], atol=0.02)


def test_a_wider_field_of_view_sees_more() -> None:
    things = {(5, 1): (BALL, RED, ORDINARY)}
    seen = [
        FIRST_OBJECT in see(things, (3.5, 4.5, 0), replace(ALL, fov_degrees=fov)).segmentation for fov in (30, 60, 130)
    ]
    assert seen == [False, False, True]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"fov_degrees": 5.0}, "10 to 140 degrees, got 5"),
        ({"fov_degrees": 180.0}, "10 to 140 degrees, got 180"),
        ({"fov_degrees": math.nan}, "fov_degrees is a finite number, not nan"),
        ({"fov_degrees": 1.2}, "not in radians"),
        ({"width": 0}, "width is from 1 to 4096 pixels, got 0"),
        ({"height": 5000}, "height is from 1 to 4096 pixels, got 5000"),
        ({"width": 16, "height": 256}, "make the field of view or the height smaller"),
        ({"eye_height_m": 1.4}, "between the floor and the ceiling"),
        ({"horizon": 1.2}, r"from 0 \(top\) to 1 \(bottom\), got 1.2"),
        ({"rgb": False}, "at least one of the senses"),
    ],
)
def test_a_camera_that_cannot_be_says_why(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Camera(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"pixel_noise": -0.1}, {"lighting": 2.0}, {"colors": math.nan}])
def test_a_randomization_that_cannot_be_says_why(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=r"from 0 \(off\) to 1|colors is a finite number, not nan"):
        Randomization(**wrong)  # type: ignore[arg-type]


def test_views_of_another_camera_are_refused() -> None:
    state, at = furnished(2)
    other = FirstPersonRenderer(Camera(width=32, height=32)).make_views(2)
    with pytest.raises(ConfigurationError, match="make_views"):
        FirstPersonRenderer(Camera()).draw(state, at, 9, np.zeros(2, dtype=np.uint64), other, 0, 2)


if __name__ == "__main__":  # writes the golden pictures anew; look at them before they are kept
    for name, picture in (("solids", golden_solids()), ("rooms", golden_rooms())):
        cv2.imwrite(str(GOLDEN / f"{name}.png"), np.ascontiguousarray(picture[:, :, ::-1]))
