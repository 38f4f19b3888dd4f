"""World building: geometry and meanings worked out by hand, and compared with BabyAI's own."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from groundling.envs.engine.constants import (
    BALL,
    BIG,
    CLOSED,
    DOOR,
    HUGE,
    KEY,
    LOCKED,
    MAX_OBJECTS,
    NOWHERE,
    OPEN,
    SMALL,
    TINY,
    Verb,
    look,
    place,
)
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import DIRECTIONS, Draws, RejectedLayout
from groundling.envs.worlds.task import Task
from groundling.errors import TaskError
from groundling.language.goals import (
    After,
    And,
    Color,
    GoTo,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNear,
    PutNextTo,
    Size,
    Then,
)

RED_BALL = ObjectDescription(ObjectType.BALL, Color.RED)
ANY_BALL = ObjectDescription(ObjectType.BALL)
BLUE_KEY = ObjectDescription(ObjectType.KEY, Color.BLUE)
RED, GREEN, BLUE = 0, 1, 2


class Bare(Task):
    """Settings alone."""

    max_clauses = 4

    def sample(self, world, rng):
        raise AssertionError("these tests build by hand")


def world_of(seed=0, **settings):
    return WorldBuilder(Bare(**settings), seed)


def room_of(size=6, seed=0):
    return world_of(seed, room_size=size)


def placed(*things, size=7, agent=(3, 3), direction="right"):
    """A room with objects (type, color, x, y) and the agent."""
    world = room_of(size)
    for kind, color, x, y in things:
        world.add(kind, color, at=(x, y))
    world.place_agent(at=agent, direction=direction)
    return world


# ------------------------------------------------------------------------------------------------ geometry


def test_finished_episode_by_hand():
    world = placed(("ball", "red", 3, 2), ("key", "blue", 4, 4), size=6, agent=(1, 1))
    episode = world.finish(GoTo(RED_BALL))
    expected = np.zeros((6, 6), dtype=np.uint8)
    expected[0] = expected[-1] = expected[:, 0] = expected[:, -1] = 1
    expected[2, 3], expected[4, 4] = 2, 3
    np.testing.assert_array_equal(episode.cells, expected)
    assert episode.looks == (look(BALL, RED, 0), look(KEY, BLUE, 0))
    assert episode.positions == (2 * 6 + 3, 4 * 6 + 4)
    assert episode.pose == (1, 1, 0)
    assert episode.carried == 0
    assert episode.contents == (0, 0)
    assert episode.program == ((int(Verb.GO_TO), 0, 0b01, 0),)
    assert episode.max_steps == 36
    assert episode.instruction == "go to the red ball"


def test_rooms_share_their_walls():
    world = world_of(room_size=6, num_rows=2, num_cols=3)
    world.add("ball", "red", room=world.room(1, 2))
    world.place_agent(world.room(0, 0))
    cells = world.finish(PickUp(RED_BALL)).cells
    assert cells.shape == (11, 16)
    assert [room.corner for room in world.rooms] == [(0, 0), (5, 0), (10, 0), (0, 5), (5, 5), (10, 5)]
    walls = cells == 1
    assert walls[[0, 5, 10]].all()
    assert walls[:, [0, 5, 10, 15]].all()
    assert walls.sum() == 3 * 16 + 4 * 11 - 3 * 4


def test_neighbors_are_those_of_the_map():
    world = world_of(num_rows=2, num_cols=2)
    corner = world.room(0, 0)
    assert world.neighbor(corner, "right") is world.room(0, 1)
    assert world.neighbor(corner, "down") is world.room(1, 0)
    assert world.neighbor(corner, "left") is None
    assert world.neighbor(corner, "up") is None


@pytest.mark.parametrize(("state", "code"), [("open", OPEN), ("closed", CLOSED), ("locked", LOCKED)])
def test_door_stands_in_the_shared_wall(state, code):
    world = world_of(room_size=6, num_cols=2)
    left, right = world.rooms
    door = world.add_door(right, "left", "green", state)
    assert left.doors["right"] is right.doors["left"] is door
    assert door.position[0] == 5
    assert 1 <= door.position[1] <= 4
    assert right.is_locked is (state == "locked")
    assert not left.is_locked
    world.place_agent(left)
    assert look(DOOR, GREEN, code) in world.finish(GoTo(ObjectDescription(ObjectType.DOOR))).looks


def test_door_in_an_outer_wall_leads_nowhere_but_can_be_reached():
    world = room_of()
    doors = {side: world.add_door(world.room(), side) for side in DIRECTIONS}
    assert doors["right"].position[0] == 5
    assert doors["down"].position[1] == 5
    assert doors["left"].position[0] == 0
    assert doors["up"].position[1] == 0
    world.place_agent()
    world.check_reachable()


def test_every_place_of_a_wall_gets_its_door():
    found = {world.add_door(world.room(), "right").position[1] for world in (room_of(seed=seed) for seed in range(60))}
    assert found == {1, 2, 3, 4}


def test_door_is_never_put_where_an_object_blocks_it():
    for seed in range(20):
        world = world_of(seed, room_size=4, num_cols=2)
        world.add("ball", at=(2, 1))
        assert world.add_door(world.room(0, 0), "right").position == (3, 2)


def test_door_without_a_free_place_rejects_the_layout():
    world = world_of(room_size=4, num_cols=2)
    world.add("ball", at=(2, 1))
    world.add("ball", at=(4, 2))
    with pytest.raises(RejectedLayout, match="block"):
        world.add_door(world.room(0, 0), "right")


def test_wall_has_one_door():
    world = world_of(num_cols=2)
    world.add_door(world.room(0, 0), "right")
    with pytest.raises(TaskError, match="has a door already"):
        world.add_door(world.room(0, 1), "left")


def test_removed_wall_joins_two_rooms():
    world = world_of(room_size=5, num_cols=2)
    world.remove_wall(world.room(0, 0), "right")
    world.add("ball", "red", room=world.room(0, 1))
    world.place_agent(world.room(0, 0))
    world.check_reachable()
    assert (world.finish(PickUp(RED_BALL)).cells[1:4, 4] == 0).all()


def test_outer_wall_stays():
    with pytest.raises(TaskError, match="outer wall"):
        room_of().remove_wall(room_of().room(), "up")


@pytest.mark.parametrize("seed", range(10))
def test_connect_all_adds_a_door_less_than_rooms_and_reaches_all(seed):
    world = world_of(seed, num_rows=3, num_cols=3)
    doors = world.connect_all()
    assert len(doors) == 8
    for room in world.rooms:
        world.add("ball", room=room)
    world.place_agent(world.room(1, 1))
    world.check_reachable()


@pytest.mark.parametrize("seed", range(10))
def test_connect_all_leaves_a_locked_room_its_one_door(seed):
    world = world_of(seed, num_rows=2, num_cols=2)
    locked = world.room(1, 1)
    world.add_door(locked, "up", state="locked")
    world.connect_all()
    assert len(locked.doors) == 1


def test_connect_all_draws_every_wall():
    used = set()
    for seed in range(40):
        world = world_of(seed, num_rows=2, num_cols=2)
        world.connect_all()
        used.update((i, side) for i, room in enumerate(world.rooms) for side in room.doors)
    assert len(used) == 8


# ------------------------------------------------------------------------------------------------ objects


def test_objects_never_stand_before_a_door_or_the_agent():
    for seed in range(50):
        world = room_of(seed=seed)
        x, y = world.add_door(world.room(), "right").position
        world.place_agent(at=(2, 2), direction="down")
        taken = {thing.position for thing in world.scatter(12)}
        assert not taken & {(x - 1, y), (2, 2), (2, 3)}


def test_agent_looks_at_nothing():
    for seed in range(200):
        world = room_of(seed=seed)
        world.scatter(6)
        x, y = world.place_agent()
        ahead = {"right": (x + 1, y), "down": (x, y + 1), "left": (x - 1, y), "up": (x, y - 1)}[world.facing]
        assert ahead not in {thing.position for thing in world.things}


def test_full_room_rejects_the_layout():
    world = room_of(size=4)
    world.scatter(4)
    with pytest.raises(RejectedLayout, match="no free tile"):
        world.add()
    with pytest.raises(RejectedLayout, match="no free tile"):
        world.place_agent()


def test_taken_tile_rejects_and_a_wall_is_an_error():
    world = room_of()
    world.add("ball", at=(1, 1))
    with pytest.raises(RejectedLayout, match="taken"):
        world.add("ball", at=(1, 1))
    with pytest.raises(TaskError, match="is a wall"):
        world.add("ball", at=(0, 1))
    with pytest.raises(TaskError, match="off the map"):
        world.add("ball", at=(9, 1))


def test_key_in_a_box_is_on_no_tile():
    world = world_of(room_size=6, num_cols=2)
    door = world.add_door(world.room(0, 1), "left", "blue", "locked")
    box = world.add("box", "red", room=world.room(0, 0))
    key = world.add_key_for(door, inside=box)
    assert (key.type, key.color, key.position) == (ObjectType.KEY, Color.BLUE, None)
    world.place_agent(world.room(0, 0))
    assert world.matches(BLUE_KEY) == []
    episode = world.finish(Open(ObjectDescription(ObjectType.DOOR)))
    assert episode.contents == (0, 4, 0)  # the key is the third thing: cell code 2 + 2
    assert episode.positions[2] == NOWHERE
    with pytest.raises(TaskError, match="an empty box"):
        world.add("ball", inside=box)


def test_key_lies_in_no_locked_room():
    for seed in range(30):
        world = world_of(seed, room_size=6, num_cols=3)
        door = world.add_door(world.room(0, 2), "left", state="locked")
        assert world.room_of(world.add_key_for(door)) is not world.room(0, 2)


@pytest.mark.parametrize("seed", range(20))
def test_crossed_objects_share_color_and_type_with_others(seed):
    world = room_of(seed=seed)
    things = world.add_crossed()
    assert len({(t.type, t.color) for t in things}) == 4
    assert len({t.type for t in things}) == len({t.color for t in things}) == 2
    for thing, following in zip(things, things[1:] + things[:1], strict=True):
        assert (thing.type == following.type) != (thing.color == following.color)


def test_two_crossed_objects_share_now_their_color_now_their_type():
    found = set()
    for seed in range(20):
        first, second = room_of(seed=seed).add_crossed(2)
        found.add((first.type == second.type, first.color == second.color))
    assert found == {(True, False), (False, True)}


def test_scattered_objects_are_all_different():
    world = room_of(size=8)
    world.add("ball", "red")
    world.scatter(17)
    assert len({(t.type, t.color) for t in world.things}) == 18
    with pytest.raises(TaskError, match="1 different ones of 0"):
        world.unused()
    with pytest.raises(TaskError, match="1 different ones of 0"):
        world.scatter(1)
    assert len(world.scatter(2, unique=False)) == 2


def test_world_holds_no_more_objects_than_a_mask():
    world = room_of(size=12)
    world.scatter(MAX_OBJECTS, unique=False)
    with pytest.raises(TaskError, match="at most 64"):
        world.add()


def test_misspelt_words_are_named():
    with pytest.raises(TaskError, match="no color 'rde'"):
        room_of().add("ball", "rde")
    with pytest.raises(TaskError, match="no type of object 'bal'"):
        room_of().add("bal", "red")
    with pytest.raises(TaskError, match="add_door"):
        room_of().add("door", "red")


def test_reachable_means_without_moving_an_object():
    world = placed(("ball", "red", 1, 1), ("box", "red", 2, 1), size=6, agent=(4, 4), direction="down")
    ball, box = world.things
    assert world.is_reachable(ball)
    world.add("key", at=(1, 2))
    assert not world.is_reachable(ball)
    assert world.is_reachable(box)
    with pytest.raises(RejectedLayout, match="cannot be reached"):
        world.check_reachable()


def test_locked_door_does_not_end_what_is_reachable():
    world = world_of(room_size=6, num_cols=2)
    world.add_door(world.room(0, 1), "left", state="locked")
    ball = world.add("ball", room=world.room(0, 1))
    world.place_agent(world.room(0, 0))
    assert world.is_reachable(ball)


# ------------------------------------------------------------------------------------------------ draws


def test_choice_is_even_and_sample_has_no_repeats():
    world = room_of()
    counts = np.bincount([world.choice(range(5)) for _ in range(5000)], minlength=5)
    assert (abs(counts - 1000) < 5 * 28.3).all()  # five standard deviations
    assert sorted(world.sample(range(9), 9)) == list(range(9))
    assert sum(world.chance(0.25) for _ in range(4000)) == pytest.approx(1000, abs=5 * 27.4)
    with pytest.raises(TaskError, match="nothing to choose from"):
        world.choice([])


def test_draws_do_not_repeat_when_their_store_is_renewed():
    draws = Draws(np.random.default_rng(0))
    assert len({draws.uniform() for _ in range(1000)}) == 1000


# ------------------------------------------------------------------------------------------------ meanings

FRONT, BEHIND, LEFT, RIGHT = Location.FRONT, Location.BEHIND, Location.LEFT, Location.RIGHT


@pytest.mark.parametrize(
    ("direction", "tile", "expected"),
    [
        ("right", (5, 3), {FRONT}),
        ("right", (5, 1), {FRONT, LEFT}),
        ("right", (1, 5), {BEHIND, RIGHT}),
        ("right", (3, 5), {RIGHT}),
        ("up", (5, 1), {FRONT, RIGHT}),
        ("up", (3, 5), {BEHIND}),
        ("left", (5, 1), {BEHIND, RIGHT}),
        ("left", (1, 5), {FRONT, LEFT}),
        ("down", (5, 5), {FRONT, LEFT}),
        ("down", (1, 2), {BEHIND, RIGHT}),
    ],
)
def test_places_by_hand(direction, tile, expected):
    world = placed(("ball", "red", *tile), direction=direction)
    assert set(world.locations_of(world.things[0])) == expected


def test_places_are_those_of_the_agents_room_and_its_walls():
    world = world_of(room_size=5, num_cols=2)
    door = world.add_door(world.room(0, 0), "right")
    far = world.add("ball", "red", room=world.room(0, 1))
    world.place_agent(at=(1, 2), direction="up")
    assert RIGHT in world.locations_of(door)
    assert world.locations_of(far) == ()


def test_meanings_are_those_of_babyais_verifier():
    from minigrid.core.roomgrid import RoomGrid
    from minigrid.core.world_object import Ball, Box, Key
    from minigrid.envs.babyai.core.verifier import ObjDesc

    env = gymnasium.make("BabyAI-GoTo-v0").unwrapped
    env.reset(seed=0)
    kinds = {"ball": Ball, "box": Box, "key": Key}
    rng = np.random.default_rng(5)
    compared = 0
    for seed in range(40):
        world = world_of(seed, room_size=env.room_size, num_rows=3, num_cols=3)
        for _ in range(12):
            world.add(color=("red", "blue")[rng.integers(2)])
        world.place_agent()
        RoomGrid._gen_grid(env, env.grid.width, env.grid.height)
        for thing in world.things:
            env.grid.set(*thing.position, kinds[thing.type](thing.color))
        env.agent_pos, env.agent_dir = np.array(world.agent), DIRECTIONS.index(world.facing)
        for _ in range(20):
            words = (rng.choice([None, "ball", "key"]), rng.choice(["red", "blue"]), rng.choice([None, *Location]))
            kind, color, location = (None if word is None else str(word) for word in words)
            _, positions = ObjDesc(kind, color, location).find_matching_objs(env)
            description = ObjectDescription(kind and ObjectType(kind), Color(color), location and Location(location))
            assert {thing.position for thing in world.matches(description)} == set(positions)
            compared += bool(positions)
    assert compared > 200


def sized(*sizes):
    world = room_of(size=8)
    for i, size in enumerate(sizes):
        world.add("ball", "red", at=(1 + i, 1), size=size)
    world.add("ball", "blue", at=(1, 3), size=TINY)
    world.place_agent(at=(5, 5))
    return world


@pytest.mark.parametrize(
    ("sizes", "size", "expected"),
    [
        ((SMALL, BIG), Size.SMALLER, 0),
        ((SMALL, BIG), Size.LARGER, 1),
        ((SMALL, SMALL), Size.SMALLER, None),
        ((SMALL, BIG, HUGE), Size.SMALLER, None),
        ((BIG, SMALL, HUGE), Size.SMALLEST, 1),
        ((BIG, SMALL, HUGE), Size.LARGEST, 2),
        ((SMALL, BIG), Size.SMALLEST, None),
        ((SMALL, SMALL, HUGE), Size.SMALLEST, None),
        ((SMALL, SMALL, HUGE), Size.LARGEST, 2),
    ],
)
def test_sizes_by_hand(sizes, size, expected):
    world = sized(*sizes)
    meant = world.matches(replace(RED_BALL, size=size))
    assert meant == ([] if expected is None else [world.things[expected]])


def test_size_shows_in_the_look_and_needs_its_article():
    episode = sized(SMALL, BIG).finish(PickUp(replace(RED_BALL, size=Size.LARGER, definite=False)))
    assert episode.looks[1] == look(BALL, RED, BIG)
    assert episode.program == ((int(Verb.PICK_UP), 0, 0b010, 0),)
    assert episode.instruction == "pick up the larger red ball"


def two_balls_and_a_key():
    return placed(("ball", "red", 1, 1), ("ball", "red", 5, 5), ("key", "blue", 1, 5))


def test_both_means_exactly_two_and_compiles_to_two_clauses():
    world = two_balls_and_a_key()
    episode = world.finish(PickUp(replace(RED_BALL, both=True)))
    assert [row[2] for row in episode.program] == [0b001, 0b010]
    assert episode.instruction == "pick up both red balls"
    assert episode.max_steps == 2 * 49
    assert world.matches(replace(BLUE_KEY, both=True)) == []
    with pytest.raises(TaskError, match="both means exactly two"):
        world.finish(GoTo(replace(BLUE_KEY, both=True)))


def test_negation_means_all_the_others_that_the_verb_can_be_said_of():
    world = two_balls_and_a_key()
    world.add_door(world.room(), "up")
    key, door = 0b0100, 0b1000
    up = world.finish(PickUp(ObjectDescription(ObjectType.BALL, definite=True, negated=True)))
    assert up.program[0][2] == key
    assert up.instruction == "pick up something that is not a ball"
    went = world.finish(GoTo(ObjectDescription(ObjectType.BALL, negated=True)))
    assert went.program[0][2] == key | door
    one = world.finish(PickUp(replace(BLUE_KEY, negated=True)))
    assert one.program[0][2] == 0b0011
    assert one.instruction == "pick up something that is not the blue key"


def test_object_of_a_color_includes_the_door_only_where_one_can_go():
    world = placed(("ball", "red", 1, 1))
    world.add_door(world.room(), "left", "red")
    anything_red = ObjectDescription(color=Color.RED)
    assert world.finish(GoTo(anything_red)).instruction == "go to a red object"
    assert world.finish(PickUp(anything_red)).instruction == "pick up the red object"


def test_articles_follow_the_world_in_every_clause():
    world = two_balls_and_a_key()
    definite, indefinite = replace(ANY_BALL, definite=True), replace(BLUE_KEY, definite=False)
    goal = After(GoTo(definite), And((PickUp(indefinite), GoTo(indefinite))))
    assert world.finish(goal).instruction == "go to a ball after you pick up the blue key and go to the blue key"
    put = world.finish(PutNextTo(indefinite, definite))
    assert put.instruction == "put the blue key next to a ball"
    assert put.program == ((int(Verb.PUT_NEXT_TO), 0, 0b100, 0b011),)
    assert put.max_steps == 2 * 49


def test_description_names_what_it_is_told_to():
    world = two_balls_and_a_key()
    ball, _, key = world.things
    assert world.describe(ball) == replace(RED_BALL, definite=False)
    assert world.describe(key) == BLUE_KEY
    assert world.describe(key, color=False) == ObjectDescription(ObjectType.KEY)
    assert world.describe(ball, location=LEFT) == replace(RED_BALL, location=LEFT)
    assert world.describe(ball, color=False, type=False).definite is False


def test_announced_and_put_near_are_compiled_to_places():
    world = placed(("ball", "red", 1, 1), ("key", "blue", 1, 5))
    assert world.finish(GoTo(RED_BALL, announced=True)).program == ((int(Verb.ANNOUNCE), 0, place(1, 1), 0),)
    assert world.finish(PutNear(RED_BALL, BLUE_KEY)).program == ((int(Verb.PUT_NEAR), 0, 0b01, place(1, 5)),)
    world.add("ball", "red", at=(5, 5))
    with pytest.raises(TaskError, match="must mean one object, 2 fit"):
        world.finish(GoTo(replace(RED_BALL, definite=False), announced=True))


# ------------------------------------------------------------------------------------------------ what is refused


def test_description_that_nothing_fits_names_goal_and_seed():
    world = two_balls_and_a_key()
    with pytest.raises(TaskError, match=r"Bare, seed 0: no object in the world satisfies .*'go to the green ball'"):
        world.finish(GoTo(ObjectDescription(ObjectType.BALL, Color.GREEN)))
    with pytest.raises(TaskError, match="everything fits it"):
        placed(("ball", "red", 1, 1)).finish(PickUp(replace(ANY_BALL, negated=True)))


@pytest.mark.parametrize("goal", [None, "go to the red ball", ANY_BALL])
def test_what_is_no_goal_is_refused(goal):
    with pytest.raises(TaskError, match="not a goal"):
        two_balls_and_a_key().finish(goal)


def test_world_without_the_agent_is_refused():
    world = room_of()
    world.add("ball", "red")
    with pytest.raises(TaskError, match="agent was not placed"):
        world.finish(GoTo(RED_BALL))
    world.place_agent()
    with pytest.raises(TaskError, match="placed already"):
        world.place_agent()


def test_goal_that_holds_at_the_start_rejects_the_layout():
    world = placed(("ball", "red", 1, 1), ("key", "blue", 2, 1))
    with pytest.raises(RejectedLayout, match="side by side"):
        world.finish(PutNextTo(RED_BALL, BLUE_KEY))
    with pytest.raises(RejectedLayout, match="side by side"):
        placed(("ball", "red", 1, 1), ("key", "blue", 2, 2)).finish(PutNear(RED_BALL, BLUE_KEY))
    placed(("ball", "red", 1, 1), ("key", "blue", 2, 2)).finish(PutNextTo(RED_BALL, BLUE_KEY))
    with pytest.raises(RejectedLayout, match="fits both"):
        world.finish(PutNextTo(RED_BALL, ANY_BALL))
    faced = placed(("ball", "red", 4, 3), ("key", "blue", 1, 1))
    with pytest.raises(RejectedLayout, match="stands before"):
        faced.finish(GoTo(RED_BALL))
    with pytest.raises(RejectedLayout, match="stands before"):
        faced.finish(And((GoTo(BLUE_KEY), GoTo(RED_BALL))))
    faced.finish(Then((GoTo(BLUE_KEY), GoTo(RED_BALL))))
    opened = room_of()
    opened.add_door(opened.room(), "up", state="open")
    opened.place_agent()
    with pytest.raises(RejectedLayout, match="open already"):
        opened.finish(Open(ObjectDescription(ObjectType.DOOR)))
