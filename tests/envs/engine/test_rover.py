"""The rover's body: it drives, stops, slides, reaches and is judged as geometry says, in the worlds of the grid."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hand_built_rooms import room

import groundling
from groundling.agents.bots import Expert
from groundling.envs import Action, EpisodeBank
from groundling.envs.engine.constants import (
    BALL,
    BORDER,
    CLOSED,
    DOOR,
    FIRST_OBJECT,
    LOCKED,
    NOTHING_CODE,
    NOWHERE,
    OPEN,
    SIZES,
    STRICT,
    WALKABLE_BIT,
    WALL,
    Verb,
    look,
)
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.rover import OBJECT_RADII, Rover, Scoring
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError

TINY_CAMERA = Camera(width=4, height=4)
LEFT, RIGHT, FORWARD = int(Action.LEFT), int(Action.RIGHT), int(Action.FORWARD)
PICKUP, DROP, TOGGLE, DONE = int(Action.PICKUP), int(Action.DROP), int(Action.TOGGLE), int(Action.DONE)


def rovers(bank: EpisodeBank, num_envs: int = 1, **settings: object) -> RoverBatch:
    rover = Rover(**settings)  # type: ignore[arg-type]
    batch = RoverBatch(bank, num_envs, rover=rover, camera=TINY_CAMERA, shuffle=num_envs > 1)
    batch.reset()
    return batch


def play(batch: RoverBatch, *actions: int) -> None:
    for action in actions:
        batch.step(np.full(batch.num_envs, action), autoreset=False)


def pose_of(batch: RoverBatch) -> tuple[float, float, float]:
    """X and y in metres from the room's corner, heading in degrees."""
    poses = batch.poses
    return poses.x[0] - BORDER, poses.y[0] - BORDER, math.degrees(poses.heading[0])


def test_begins_in_the_middle_of_its_tile_and_drives_by_its_step_length() -> None:
    batch = rovers(room(pose=(2, 3, 1)))
    assert pose_of(batch) == pytest.approx((2.5, 3.5, 90))
    play(batch, FORWARD)
    assert pose_of(batch) == pytest.approx((2.5, 3.75, 90))
    play(batch, LEFT, LEFT, LEFT, LEFT)
    assert pose_of(batch) == pytest.approx((2.5, 3.75, 30))
    play(batch, FORWARD)
    cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
    assert pose_of(batch) == pytest.approx((2.5 + 0.25 * cos, 3.75 + 0.25 * sin, 30))


@pytest.mark.parametrize("turn", [15.0, 30.0, 90.0])
def test_turns_add_up_to_a_full_one(turn: float) -> None:
    batch = rovers(room(), turn_angle_deg=turn)
    directions = []
    for _ in range(round(360 / turn)):
        play(batch, RIGHT)
        directions.append(int(batch.state.direction[0]))
    assert math.cos(batch.poses.heading[0]) == pytest.approx(1)
    assert directions[-1] == 0
    assert directions[round(90 / turn) - 1] == 1


@pytest.mark.parametrize("step", [0.1, 0.25, 1.0, 4.0])
def test_stops_at_a_wall_a_radius_away_however_long_its_step(step: float) -> None:
    batch = rovers(room(pose=(4, 4, 0)), step_length_m=step)
    play(batch, *[FORWARD] * 60)
    assert pose_of(batch)[0] == pytest.approx(8 - 0.2, abs=1e-5)
    assert pose_of(batch)[1] == pytest.approx(4.5)


@pytest.mark.parametrize("state", [0, *SIZES])
def test_stops_at_an_object_their_radii_away(state: int) -> None:
    batch = rovers(room((7, 4, look(BALL, 0, state)), pose=(2, 4, 0)), step_length_m=4.0)
    play(batch, FORWARD, FORWARD)
    assert pose_of(batch)[0] == pytest.approx(7.5 - 0.2 - OBJECT_RADII[state], abs=1e-5)


@pytest.mark.parametrize(("state", "stops"), [(OPEN, False), (CLOSED, True), (LOCKED, True)])
def test_drives_through_a_door_only_where_it_is_open(state: int, stops: bool) -> None:
    batch = rovers(room((6, 4, look(DOOR, 0, state)), pose=(4, 4, 0)), reach_m=0.6)
    play(batch, *[FORWARD] * 20)
    assert pose_of(batch)[0] == pytest.approx(5.8 if stops else 7.8, abs=1e-5)


def test_slides_along_a_wall_only_if_it_is_asked_to() -> None:
    at_once = {}
    for slides in (False, True):
        batch = rovers(room(pose=(4, 1, 0)), slides=slides)
        play(batch, LEFT, LEFT, *[FORWARD] * 12)
        at_once[slides] = pose_of(batch)
    stuck, slid = at_once[False], at_once[True]
    assert stuck[1] == pytest.approx(1.2, abs=1e-4)
    assert slid[1] == pytest.approx(1.2, abs=1e-4)
    assert stuck[0] < 5.2
    assert slid[0] == pytest.approx(4.5 + 12 * 0.25 * math.cos(math.radians(30)), abs=1e-3)


def overlap(batch: RoverBatch, row: int, x: float, y: float) -> float:
    """How deep a body at (x, y) would be in something solid, in metres; negative where it is free."""
    deepest = -1.0
    radius = batch.rover.radius_m
    for tile_y in range(int(y) - 1, int(y) + 2):
        for tile_x in range(int(x) - 1, int(x) + 2):
            seen = int(batch.state.looks[row, batch.state.cells[row, tile_y * batch.width + tile_x]])
            if seen >> WALKABLE_BIT & 1:
                continue
            if seen & 0xFF in (WALL, DOOR):
                beside = math.hypot(max(tile_x - x, x - tile_x - 1, 0), max(tile_y - y, y - tile_y - 1, 0))
                deepest = max(deepest, radius - beside)
            else:
                away = math.hypot(tile_x + 0.5 - x, tile_y + 0.5 - y)
                deepest = max(deepest, radius + OBJECT_RADII[seen >> 16 & 0xFF] - away)
    return deepest


@pytest.mark.parametrize("slides", [False, True])
@pytest.mark.parametrize("step", [0.25, 0.9])
def test_is_never_inside_of_anything_nor_went_through_it(slides: bool, step: float) -> None:
    bank = groundling.envs.build_bank("BabyAI-BossLevel-v0", 16, cache=False, progress=False)
    batch = rovers(bank, 16, slides=slides, step_length_m=step)
    rng = np.random.default_rng(1)
    chances = [0.12, 0.12, 0.5, 0.08, 0.08, 0.08, 0.02]
    moved = 0.0
    for _ in range(250):
        before = [array.copy() for array in (batch.poses.x, batch.poses.y)]
        batch.step(rng.choice(7, size=16, p=chances), autoreset=True)
        for row in np.flatnonzero(~batch.outcomes.ended):
            x, y = batch.poses.x[row], batch.poses.y[row]
            way = math.hypot(x - before[0][row], y - before[1][row])
            moved += way
            assert way <= step + 1e-5
            for share in np.linspace(0, 1, 1 if slides else 9):
                here = x + share * (before[0][row] - x), y + share * (before[1][row] - y)
                assert overlap(batch, int(row), *here) < 1e-5
            assert batch.state.position[row] == int(y) * batch.width + int(x)
    assert moved > 50


def tiles_ahead(x: float, y: float, heading: float, reach: float) -> Iterator[tuple[tuple[int, int], float]]:
    """The tiles that a line of sight crosses, and the distance at which it comes to each."""
    slopes = math.cos(heading), math.sin(heading)
    borders = [
        (edge - start) / slope
        for start, slope in zip((x, y), slopes, strict=True)
        for edge in range(int(start - reach), int(start + reach) + 2)
        if slope
    ]
    ends = [0.0, *sorted(t for t in borders if 0 < t < reach), reach]
    for near, far in pairwise(ends):
        if far > near:
            middle = (near + far) / 2
            yield (int(x + middle * slopes[0]), int(y + middle * slopes[1])), near


def faces(batch: RoverBatch, row: int) -> int:
    """The cell code of what an environment's rover faces in reach, found tile by tile along the line of sight."""
    x, y, heading = float(batch.poses.x[row]), float(batch.poses.y[row]), float(batch.poses.heading[row])
    for tile, distance in tiles_ahead(x, y, heading, batch.rover.reach_m):
        if tile == (int(x), int(y)):
            continue
        code = int(batch.state.cells[row, tile[1] * batch.width + tile[0]])
        seen = int(batch.state.looks[row, code])
        if seen & 0xFF == WALL:
            return NOTHING_CODE
        if seen & 0xFF == DOOR:
            return code if distance < batch.rover.reach_m - 0.5 else NOTHING_CODE
        if seen >> WALKABLE_BIT & 1:
            continue
        to_x, to_y = tile[0] + 0.5 - x, tile[1] + 0.5 - y
        beside = abs(math.cos(heading) * to_y - math.sin(heading) * to_x)
        if beside <= max(OBJECT_RADII[seen >> 16 & 0xFF], 0.25):
            return code if math.hypot(to_x, to_y) <= batch.rover.reach_m else NOTHING_CODE
    return NOTHING_CODE


def towards_goal(batch: RoverBatch) -> np.ndarray:
    """Actions [B] that turn to the first object of each goal and drive at it, whatever is in between."""
    goal = np.array([int(mask & -mask).bit_length() - 1 for mask in batch.state.programs[:, 0, 2].astype(object)])
    place = batch.state.positions[np.arange(batch.num_envs), goal]
    to_x, to_y = place % batch.width + 0.5 - batch.poses.x, place // batch.width + 0.5 - batch.poses.y
    aside = (np.arctan2(to_y, to_x) - batch.poses.heading + math.pi) % (2 * math.pi) - math.pi
    return np.where(aside < -0.14, LEFT, np.where(aside > 0.14, RIGHT, FORWARD))


def test_has_gone_to_an_object_exactly_when_it_faces_it_in_reach() -> None:
    bank = groundling.envs.build_bank("BabyAI-GoToLocal-v0", 64, cache=False, progress=False)
    batch = rovers(bank, 64)
    rng = np.random.default_rng(2)
    reached = checked = 0
    for _ in range(150):
        episodes = batch.state.episode.copy()
        batch.step(np.where(rng.random(64) < 0.3, rng.choice(3, size=64), towards_goal(batch)), autoreset=False)
        for row in range(64):
            goal = int(bank.programs[episodes[row], 0, 2])
            code = faces(batch, row)
            is_meant = code >= FIRST_OBJECT and bool(goal >> (code - FIRST_OBJECT) & 1)
            assert bool(batch.outcomes.success[row]) == is_meant
            reached += is_meant
            checked += 1
        batch.reset(batch.outcomes.ended.copy())
    assert reached > 20
    assert checked - reached > 1000


def test_object_out_of_reach_or_aside_is_not_picked_up() -> None:
    ball = look(BALL, 0, 0)
    batch = rovers(room((7, 4, ball), pose=(4, 4, 0), goal=0))
    play(batch, PICKUP)
    assert batch.state.carried[0] == NOTHING_CODE  # 3 m away
    play(batch, *[FORWARD] * 7)  # 1.25 m away
    play(batch, RIGHT, RIGHT, PICKUP)
    assert batch.state.carried[0] == NOTHING_CODE  # 30 degrees aside
    play(batch, LEFT, PICKUP)
    assert batch.state.carried[0] == NOTHING_CODE  # 15 degrees: 0.32 m beside the line of sight
    play(batch, LEFT, PICKUP)
    assert batch.state.carried[0] == FIRST_OBJECT
    assert batch.state.positions[0, 0] == NOWHERE


def test_what_is_dropped_lies_on_the_next_tile_and_is_in_the_way() -> None:
    batch = rovers(room((5, 4, look(BALL, 0, 0)), pose=(4, 4, 0), goal=0))
    play(batch, PICKUP, FORWARD, DROP)
    assert batch.state.carried[0] == NOTHING_CODE
    assert batch.state.positions[0, 0] == batch.state.position[0] + 1
    play(batch, *[FORWARD] * 8)
    assert pose_of(batch)[0] == pytest.approx(5.5 - 0.45, abs=1e-5)


def test_nothing_is_dropped_into_a_wall_or_onto_an_object() -> None:
    batch = rovers(room((5, 4, look(BALL, 0, 0)), (6, 4, look(BALL, 1, 0)), pose=(4, 4, 0), goal=0))
    play(batch, PICKUP, FORWARD, FORWARD, FORWARD)  # the other ball is on the next tile
    play(batch, DROP)
    assert batch.state.carried[0] == FIRST_OBJECT
    play(batch, *[RIGHT] * 6, *[FORWARD] * 20, DROP)  # a wall is
    assert batch.state.carried[0] == FIRST_OBJECT


def test_door_opens_and_is_not_closed_onto_the_body() -> None:
    batch = rovers(room((6, 4, look(DOOR, 0, CLOSED)), pose=(5, 4, 0), goal=0))
    code = FIRST_OBJECT

    def state() -> int:
        return int(batch.state.looks[0, code]) >> 16 & 0xFF

    play(batch, TOGGLE)
    assert state() == OPEN
    play(batch, FORWARD, FORWARD, TOGGLE)  # the body reaches into the doorway
    assert state() == OPEN
    play(batch, *[RIGHT] * 12, FORWARD, *[RIGHT] * 12, TOGGLE)  # 0.25 m back
    assert state() == CLOSED


def test_going_to_another_object_fails_a_strict_goal_and_is_scored_so() -> None:
    ball = look(BALL, 0, 0)
    bank = room((6, 4, ball), (2, 4, ball), pose=(4, 4, 0), goal=2, flags=STRICT)
    scoring = Scoring(success=2.0, decay=0.5, failure=-0.2)
    body = Embodiment(rover=Rover(), camera=TINY_CAMERA, scoring=scoring, num_actions=3, time_scale=1)
    batch = body.make_batch(bank, 1, shuffle=False)
    batch.reset()
    for _ in range(3):
        batch.step(np.array([FORWARD]), autoreset=False)
    assert (batch.outcomes.reward[0], batch.outcomes.terminated[0], batch.outcomes.success[0]) == (-0.2, True, False)
    batch.reset()
    for action in [*[RIGHT] * 12, *[FORWARD] * 3]:
        assert not batch.outcomes.terminated[0] or action == RIGHT
        batch.step(np.array([action]), autoreset=False)
    assert batch.outcomes.success[0]
    assert batch.outcomes.reward[0] == pytest.approx(2.0 * (1 - 0.5 * 15 / 100))


@pytest.mark.parametrize(
    "level",
    [
        "GoToLocal",
        "GoTo",
        "PickupLoc",
        "PutNextLocal",
        "UnlockPickup",
    ],
)
def test_plan_of_the_grid_is_driven_to_the_same_end(level: str) -> None:
    """Six turns for a quarter, four steps for a tile; the rover may see that it has arrived a little earlier."""
    bank = groundling.envs.build_bank(f"BabyAI-{level}-v0", 32, cache=False, progress=False)
    grid = Embodiment().make_batch(bank, 32, shuffle=False)
    grid.reset()
    driven = RoverBatch(bank, 32, rover=Rover(), camera=TINY_CAMERA, shuffle=False)
    driven.reset()
    expert = Expert(grid, sees="world")
    repeats = np.array([6, 6, 4, 1, 1, 1, 1])
    reached = np.zeros(32, dtype=np.bool_)
    for _ in range(300):
        actions = expert.actions().copy()
        for turn in range(6):
            batch_actions = np.where(turn < repeats[actions], actions, DONE)
            driven.step(batch_actions, autoreset=False)
            reached |= driven.outcomes.success
        grid.step(actions, autoreset=False)
        if (reached | grid.outcomes.terminated).all() and reached.all():
            break
        away = np.hypot(
            driven.poses.x - grid.state.position % grid.width - 0.5,
            driven.poses.y - grid.state.position // grid.width - 0.5,
        )
        assert (away[~reached] < 1e-4).all()
    assert reached.all()


def test_time_limits_grow_with_the_steps_that_a_move_takes() -> None:
    for rover, factor in ((Rover(), 6), (Rover(step_length_m=0.1), 10), (Rover(turn_angle_deg=90, step_length_m=1), 1)):
        batch = RoverBatch(room(), 1, rover=rover, camera=TINY_CAMERA)
        batch.reset()
        assert batch.state.max_steps[0] == 100 * factor


def test_threads_share_a_step_without_changing_it() -> None:
    bank = groundling.envs.build_bank("BabyAI-GoToLocal-v0", 64, cache=False, progress=False)
    seen = []
    for num_threads in (1, 2):
        envs = groundling.make_vec(
            bank=bank,
            num_envs=64,
            body="rover",
            camera=Camera(width=16, height=16, depth=True),
            num_threads=num_threads,
        )
        rng = np.random.default_rng(3)
        envs.reset()
        for _ in range(60):
            observation, *_ = envs.step(rng.choice(3, size=64))
        seen.append({name: array.copy() for name, array in observation.items()})
        envs.close()
    assert set(seen[0]) == {"image", "depth", "instruction"}
    for name, array in seen[0].items():
        np.testing.assert_array_equal(array, seen[1][name])


def test_beginning_some_environments_leaves_the_others_to_their_threads() -> None:
    batch = rovers(groundling.envs.build_bank("BabyAI-GoToLocal-v0", 16, cache=False, progress=False), 8)
    batch.observations.instruction[:] = -1
    chosen = np.zeros(8, dtype=np.bool_)
    batch._begin(chosen)
    assert (batch.observations.instruction == -1).all()
    chosen[2:4] = True
    batch._begin(chosen)
    assert ((batch.observations.instruction >= 0).all(axis=1) == chosen).all()
    assert ((batch.observations.instruction == -1).all(axis=1) == ~chosen).all()


def test_state_is_restored_exactly() -> None:
    bank = groundling.envs.build_bank("BabyAI-GoToLocal-v0", 32, cache=False, progress=False)

    def make() -> groundling.envs.GroundlingVectorEnv:
        return groundling.make_vec(bank=bank, num_envs=16, body="rover", camera=Camera(width=16, height=16))

    one, other = make(), make()
    one.reset()
    rng = np.random.default_rng(4)
    for _ in range(20):
        one.step(rng.integers(0, 7, 16))
    other.reset()
    observation = other.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(observation["image"], one.worlds.seen()["image"])
    for _ in range(300):
        actions = rng.integers(0, 7, 16)
        ours, theirs = one.step(actions), other.step(actions)
        for name in ours[0]:
            np.testing.assert_array_equal(ours[0][name], theirs[0][name])
        np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"radius_m": 0.3}, "radius_m is more than 0.0 and at most 0.2, got 0.3"),
        ({"step_length_m": 0}, "step_length_m is more than 0.0"),
        ({"turn_angle_deg": float("nan")}, "turn_angle_deg"),
        ({"reach_m": 0.4}, "reach_m is more than 0.5"),
    ],
)
def test_sizes_that_cannot_work_are_refused(settings: dict[str, float], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Rover(**settings)  # type: ignore[arg-type]


def test_body_and_camera_must_go_together() -> None:
    with pytest.raises(ConfigurationError, match="a body is 'grid', 'rover' or a Rover"):
        groundling.make("BabyAI-GoToLocal-v0", body="hover")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="a camera needs body='rover'"):
        groundling.make("BabyAI-GoToLocal-v0", camera=Camera())


def test_one_environment_has_the_senses_of_its_space() -> None:
    camera = replace(Camera(), width=20, height=10, depth=True, segmentation=True)
    env = groundling.make("BabyAI-GoToLocal-v0", body="rover", camera=camera, render_mode="rgb_array")
    observation, info = env.reset(seed=5)
    assert env.observation_space.contains(observation)
    assert observation["image"].shape == (10, 20, 3)
    assert info["instruction_text"].startswith("go to")
    picture = env.render()
    assert picture is not None
    env.step(RIGHT)
    turned = env.render()
    assert turned is not None
    assert (turned != picture).any()


def tiles_that_differ(one: np.ndarray, other: np.ndarray) -> int:
    """Of two pictures with eight pixels a tile."""
    rows, columns = one.shape[0] // 8, one.shape[1] // 8
    return int((one != other).reshape(rows, 8, columns, 8, 3).any(axis=(1, 3, 4)).sum())


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_view_from_above_shows_the_world_of_the_moment(body: str) -> None:
    envs = groundling.make_vec(
        "BabyAI-GoToLocal-v0",
        3,
        body=body,
        bank_size=8,
        top_down_pixels=8,
        progress=False,  # type: ignore[arg-type]
    )
    observation, _ = envs.reset()
    assert envs.observation_space.contains(observation)
    rng = np.random.default_rng(5)
    ends = 0
    for _ in range(500):
        before = observation["top_down"].copy()
        observation, _, terminated, truncated, info = envs.step(rng.choice(5, 3))
        for row in range(3):
            is_red = (observation["top_down"][row] == (255, 0, 0)).all(axis=-1)
            x, y, _ = (array[row] for array in envs.worlds.places())
            # of a red thing on the map as well, but most of it is the body
            assert is_red[int((y - BORDER) * 8), int((x - BORDER) * 8)] or is_red.sum() > 8
            if terminated[row] or truncated[row]:
                ends += 1
                last = info["final_obs"][row]["top_down"]
                is_another = envs.worlds.outcomes.episode[row] != envs.worlds.state.episode[row]
                assert tiles_that_differ(last, observation["top_down"][row]) > 4 * is_another
                assert tiles_that_differ(last, before[row]) <= 3  # the same one a step before
    assert ends >= 3


def test_tiles_from_above_are_those_of_the_pictures() -> None:
    envs = groundling.make_vec(
        "BabyAI-BossLevel-v0", 1, bank_size=4, top_down_pixels=32, render_mode="rgb_array", progress=False
    )
    observation, _ = envs.reset()
    picture = envs.render()
    assert picture is not None
    ours, theirs = observation["top_down"][0], picture[0]
    lit = np.abs(ours.astype(int) - theirs).max(axis=-1) > 0  # the view lights its tiles up, the body looks otherwise
    assert ours.shape == theirs.shape
    assert 0 < lit.mean() < 0.25


def announcing(x: float, y: float, heading_deg: float, *others: tuple[int, int, int]) -> RoverBatch:
    """A rover at (x, y) in metres from the room's corner; a ball at tile (4, 4) is to be announced."""
    bank = room((4, 4, look(BALL, 0, 0)), *others, pose=(int(x), int(y), 0))
    bank.programs[0, 0] = (Verb.ANNOUNCE, 0, 4 << 16 | 4, 0)
    batch = rovers(bank)
    batch.poses.x[0], batch.poses.y[0] = x + BORDER, y + BORDER
    batch.poses.heading[0] = math.radians(heading_deg)
    return batch


@pytest.mark.parametrize(
    ("pose", "is_faced"),
    [
        ((3.5, 4.5, 0.0), True),
        ((3.8, 3.8, 45.0), True),  # in the tile diagonal to it
        ((4.1, 4.1, 45.0), True),  # in a corner of its own tile
        ((4.1, 4.1, 225.0), False),
        ((3.5, 4.5, 90.0), False),  # beside it
        ((3.1, 4.5, 0.0), False),  # too far
    ],
)
def test_rover_announces_what_it_faces_wherever_it_is(pose: tuple[float, float, float], is_faced: bool) -> None:
    batch = announcing(*pose)
    play(batch, DONE)
    assert batch.outcomes.terminated[0]
    assert batch.outcomes.success[0] == is_faced


def test_rover_beside_one_thing_announces_the_other_one_that_it_faces() -> None:
    batch = announcing(3.5, 4.5, 180.0, (2, 4, look(BALL, 1, 0)))
    play(batch, DONE)
    assert not batch.outcomes.success[0]


def test_rover_picks_up_what_it_faces_from_a_corner_of_its_tile() -> None:
    batch = announcing(4.1, 4.1, 45.0)
    play(batch, PICKUP)
    assert batch.state.carried[0] == FIRST_OBJECT
    play(batch, DONE)  # once the thing is gone, beside its place counts, as on the grid
    assert not batch.outcomes.success[0]


@pytest.mark.parametrize("copy", [True, False])
def test_last_observation_of_an_episode_has_its_own_sentence(copy: bool) -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(8))
    bank = replace(bank, max_steps=np.ones_like(bank.max_steps))
    envs = groundling.make_vec(
        bank=bank, num_envs=4, body=Rover(4.0, 90.0), camera=Camera(width=4, height=3), copy=copy
    )
    seen, _ = envs.reset(seed=0)
    ended = 0
    for _ in range(6):
        told = seen["instruction"].copy()
        seen, _, _, _, info = envs.step(np.zeros(4, dtype=np.int64))
        for b in np.flatnonzero(info.get("_final_obs", np.zeros(4, dtype=np.bool_))):
            assert np.array_equal(info["final_obs"][b]["instruction"], told[b])
            ended += 1
    assert ended == 24
