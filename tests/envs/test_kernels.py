"""The rules of one environment, worked out by hand on small maps."""

from __future__ import annotations

import numpy as np
import pytest
from hand_built import (
    BLUE,
    DONE,
    DROP,
    FORWARD,
    GREEN,
    HIDDEN,
    LEFT,
    PICKUP,
    RED,
    RIGHT,
    SEEN_EMPTY,
    SEEN_WALL,
    TOGGLE,
    YELLOW,
    episode,
    play,
    view,
    worlds_of,
)

from groundling.envs.constants import BALL, BOX, CLOSED, DOOR, KEY, LOCKED, OPEN, Verb
from groundling.envs.rendering import world_layout
from groundling.envs.worlds import WorldBatch

GOING_ON = (0.0, False, False)
FAILED = (0.0, True, False)
AHEAD = (5, 3)  # of a view: the tile before the agent
OWN = (6, 3)


def won(steps: int, max_steps: int) -> tuple[float, bool, bool]:
    """What the step of a success returns before the time limit; the numbers are in the tests of the reward."""
    return 1 - 0.9 * (steps / max_steps), True, False


def place(worlds: WorldBatch) -> tuple[int, int, int]:
    """x, y and direction of the first agent."""
    _, (x, y), direction = world_layout(worlds, 0)
    return x, y, direction


def seen(worlds: WorldBatch, tile: tuple[int, int]) -> tuple[int, ...]:
    return tuple(view(worlds)[tile].tolist())


# Moving


def test_forward_moves_one_tile_in_each_direction() -> None:
    for agent, expected in {">": (3, 2), "v": (2, 3), "<": (1, 2), "^": (2, 1)}.items():
        worlds = worlds_of(episode(".....", ".....", f"..{agent}..", ".....", "....."))
        play(worlds, [FORWARD])
        assert place(worlds)[:2] == expected


def test_turning_goes_round_in_both_senses() -> None:
    worlds = worlds_of(episode("...", ".>.", "..."))
    directions = []
    for action in [RIGHT] * 4 + [LEFT] * 4:
        play(worlds, [action])
        directions.append(place(worlds)[2])
        assert worlds.observations.direction[0] == directions[-1]
    assert directions == [1, 2, 3, 0, 3, 2, 1, 0]
    assert place(worlds)[:2] == (1, 1)


@pytest.mark.parametrize("obstacle", ["#", "b", "k", "x", "D", "L"])
def test_walls_objects_and_shut_doors_stop_the_agent(obstacle: str) -> None:
    worlds = worlds_of(episode("....", f".>{obstacle}.", "...."))
    play(worlds, [FORWARD, FORWARD])
    assert place(worlds) == (1, 1, 0)


def test_edge_of_the_map_is_a_wall() -> None:
    worlds = worlds_of(episode("..>"))
    play(worlds, [FORWARD])
    assert place(worlds) == (2, 0, 0)


def test_open_door_is_walked_through() -> None:
    worlds = worlds_of(episode("##.##", "#>O.#", "##.##"))
    play(worlds, [FORWARD, FORWARD])
    assert place(worlds) == (3, 1, 0)


def test_done_does_nothing_but_count() -> None:
    worlds = worlds_of(episode("...", ".>b", "..."))
    before = {name: array.copy() for name, array in worlds.state._asdict().items()}
    play(worlds, [DONE])
    assert worlds.state.step_count[0] == 1
    for name, array in worlds.state._asdict().items():
        assert name == "step_count" or np.array_equal(array, before[name]), name


# Objects


def test_object_is_picked_up_carried_and_dropped() -> None:
    worlds = worlds_of(episode(".....", ".>b..", "....."))
    assert seen(worlds, AHEAD) == (BALL, RED, 0)
    assert seen(worlds, OWN) == SEEN_EMPTY
    play(worlds, [PICKUP])
    assert seen(worlds, AHEAD) == SEEN_EMPTY
    assert seen(worlds, OWN) == (BALL, RED, 0)
    play(worlds, [FORWARD, FORWARD, DROP])
    assert place(worlds) == (3, 1, 0)
    assert seen(worlds, AHEAD) == (BALL, RED, 0)
    assert seen(worlds, OWN) == SEEN_EMPTY


def test_hands_hold_one_object() -> None:
    worlds = worlds_of(episode("......", ".>bg..", "......"))
    play(worlds, [PICKUP, FORWARD, PICKUP])
    assert seen(worlds, OWN) == (BALL, RED, 0)
    assert seen(worlds, AHEAD) == (BALL, GREEN, 0)


@pytest.mark.parametrize("occupant", ["g", "#", "D", "O", "x"])
def test_object_is_dropped_on_an_empty_tile_only(occupant: str) -> None:
    worlds = worlds_of(episode("..b..", f"..^{occupant}.", "....."))
    play(worlds, [PICKUP, RIGHT])
    before = seen(worlds, AHEAD)
    play(worlds, [DROP])
    assert seen(worlds, OWN) == (BALL, RED, 0)
    assert seen(worlds, AHEAD) == before


@pytest.mark.parametrize("thing", [".", "#", "D", "O"])
def test_nothing_walls_and_doors_are_not_picked_up(thing: str) -> None:
    worlds = worlds_of(episode("....", f".>{thing}.", "...."))
    before = seen(worlds, AHEAD)
    play(worlds, [PICKUP])
    assert seen(worlds, AHEAD) == before
    assert seen(worlds, OWN) == SEEN_EMPTY


def test_empty_hands_drop_nothing() -> None:
    worlds = worlds_of(episode("....", ".>..", "...."))
    play(worlds, [DROP])
    assert seen(worlds, AHEAD) == SEEN_EMPTY


def test_toggling_opens_and_shuts_a_door() -> None:
    worlds = worlds_of(episode("##.##", "#>D.#", "##.##"))
    states = [seen(worlds, AHEAD)]
    for _ in range(3):
        play(worlds, [TOGGLE])
        states.append(seen(worlds, AHEAD))
    assert states == [(DOOR, RED, state) for state in (CLOSED, OPEN, CLOSED, OPEN)]


def test_locked_door_opens_to_the_key_of_its_color() -> None:
    worlds = worlds_of(episode("..y..", "..^L.", "....."))
    play(worlds, [PICKUP, RIGHT, TOGGLE])
    assert seen(worlds, AHEAD) == (DOOR, YELLOW, OPEN)
    assert seen(worlds, OWN) == (KEY, YELLOW, 0)  # the key is kept


def test_unlocked_door_stays_unlocked() -> None:
    worlds = worlds_of(episode("..y..", ".#^L.", "....."))
    play(worlds, [PICKUP, RIGHT, TOGGLE, TOGGLE])
    assert seen(worlds, AHEAD) == (DOOR, YELLOW, CLOSED)
    play(worlds, [LEFT, DROP, RIGHT, TOGGLE])  # without the key
    assert seen(worlds, AHEAD) == (DOOR, YELLOW, OPEN)


@pytest.mark.parametrize("held", ["k", "b", "."])
def test_locked_door_stays_shut_without_the_key_of_its_color(held: str) -> None:
    worlds = worlds_of(episode(f"..{held}..", "..^L.", "....."))
    play(worlds, [PICKUP, RIGHT, TOGGLE])
    assert seen(worlds, AHEAD) == (DOOR, YELLOW, LOCKED)


def test_opened_box_reveals_what_is_inside() -> None:
    worlds = worlds_of(episode("....", ".>B.", "...."))
    play(worlds, [TOGGLE])
    assert seen(worlds, AHEAD) == (KEY, RED, 0)
    play(worlds, [PICKUP])
    assert seen(worlds, OWN) == (KEY, RED, 0)


def test_opened_empty_box_is_gone() -> None:
    worlds = worlds_of(episode("....", ".>x.", "...."))
    assert seen(worlds, AHEAD) == (BOX, BLUE, 0)
    play(worlds, [TOGGLE])
    assert seen(worlds, AHEAD) == SEEN_EMPTY


def test_key_and_ball_are_not_changed_by_toggling() -> None:
    for thing, expected in {"k": (KEY, RED, 0), "b": (BALL, RED, 0)}.items():
        worlds = worlds_of(episode("....", f".>{thing}.", "...."))
        play(worlds, [TOGGLE])
        assert seen(worlds, AHEAD) == expected


# The view


def picture(worlds: WorldBatch) -> list[str]:
    """The view as text: ``?`` hidden, ``#`` wall, ``.`` empty, ``o`` anything else."""
    signs = {HIDDEN: "?", SEEN_WALL: "#", SEEN_EMPTY: "."}
    return ["".join(signs.get(tuple(tile), "o") for tile in line) for line in view(worlds).tolist()]


CORRIDOR = ("..#.#..", "..#.#..", "..#.#b.", "###{}###", ".......", "b......", "...^...")


def test_walls_hide_what_is_behind_them() -> None:
    # The rows up to the wall are seen whole. Through the gap light goes up the corridor and to its walls, no further.
    worlds = worlds_of(episode(*(row.format(".") for row in CORRIDOR)))
    assert picture(worlds) == ["??#.#??", "??#.#??", "??#.#??", "###.###", ".......", "o......", "......."]


def test_shut_door_hides_the_corridor_and_an_open_one_does_not() -> None:
    hidden, open_ = ["???????"] * 3, ["??#.#??"] * 3
    below = ["###o###", ".......", "o......", "......."]
    for door, expected in {"D": hidden, "L": hidden, "O": open_}.items():
        assert picture(worlds_of(episode(*(row.format(door) for row in CORRIDOR)))) == expected + below


def test_objects_hide_nothing() -> None:
    worlds = worlds_of(episode(*(row.format("x") for row in CORRIDOR)))
    assert picture(worlds)[:4] == ["??#.#??"] * 3 + ["###o###"]


def test_view_turns_with_the_agent() -> None:
    # a red ball to the north, a green one to the east, two tiles away each
    for agent, tiles in {
        "^": {(4, 3): RED, (6, 5): GREEN},
        ">": {(6, 1): RED, (4, 3): GREEN},
        "<": {(6, 5): RED},
        "v": {(6, 1): GREEN},
    }.items():
        worlds = worlds_of(episode("..b..", ".....", f"..{agent}.g", ".....", "....."))
        balls = {(line, column) for line, column in zip(*np.nonzero(view(worlds)[..., 0] == BALL), strict=True)}
        assert balls == set(tiles), agent
        assert all(seen(worlds, tile) == (BALL, color, 0) for tile, color in tiles.items())


def test_outside_of_the_map_looks_like_walls() -> None:
    worlds = worlds_of(episode("^"))
    # the agent's own row is lit one wall to each side, the row above at the same three tiles
    assert picture(worlds) == ["???????"] * 5 + ["??###??", "??#.#??"]


def test_episode_packed_beside_a_bigger_one_is_framed_by_walls() -> None:
    small, big = episode("..", ".>"), episode(".....", ".....", "....>")
    worlds = worlds_of(small, big)
    layout, place_, _ = world_layout(worlds, 0)
    assert layout.shape == (3, 5, 3)
    assert place_ == (1, 1)
    assert (layout[..., 0] == 2).tolist() == [[False, False, True, True, True]] * 2 + [[True] * 5]


def test_objects_of_an_episode_packed_beside_a_bigger_one_keep_their_places() -> None:
    small = episode("...", ">b.", goal=(Verb.GO_TO, "b", ""), max_steps=10)
    assert play(worlds_of(small, episode(".....", "....>")), [DONE]) == [won(1, 10)]


# Goals


def test_going_to_an_object_ends_the_episode_when_it_is_faced() -> None:
    worlds = worlds_of(episode(".....", ">..b.", ".....", goal=(Verb.GO_TO, "b", ""), max_steps=10))
    assert play(worlds, [FORWARD, FORWARD]) == [GOING_ON, won(2, 10)]


def test_standing_beside_an_object_without_facing_it_is_not_enough() -> None:
    worlds = worlds_of(episode("...", ".^b", "...", goal=(Verb.GO_TO, "b", ""), max_steps=10))
    assert play(worlds, [DONE, LEFT, LEFT, LEFT]) == [GOING_ON] * 3 + [won(4, 10)]


def test_facing_another_object_than_the_one_meant_is_not_enough() -> None:
    worlds = worlds_of(episode("...", ".>b", ".g.", goal=(Verb.GO_TO, "g", "")))
    assert play(worlds, [DONE, RIGHT])[0] == GOING_ON
    assert worlds.outcomes.terminated[0]


@pytest.mark.parametrize(("max_steps", "reward"), [(10, 0.91), (100, 0.991), (1, 0.1)])
def test_reward_of_a_success_in_the_first_step(max_steps: int, reward: float) -> None:
    worlds = worlds_of(episode("...", ".>b", "...", goal=(Verb.PICK_UP, "b", ""), max_steps=max_steps))
    ((got, terminated, truncated),) = play(worlds, [PICKUP])
    assert got == pytest.approx(reward, abs=1e-12)
    assert terminated
    assert truncated == (max_steps == 1)


def test_time_limit_truncates_and_does_not_terminate() -> None:
    worlds = worlds_of(episode("...", ".>b", "...", goal=(Verb.PICK_UP, "b", ""), max_steps=3))
    assert play(worlds, [DONE] * 3) == [GOING_ON, GOING_ON, (0.0, False, True)]


def test_success_in_the_very_last_step_is_both_terminated_and_truncated() -> None:
    worlds = worlds_of(episode("...", ".>b", "...", goal=(Verb.PICK_UP, "b", ""), max_steps=3))
    *_, (reward, terminated, truncated) = play(worlds, [DONE, DONE, PICKUP])
    assert reward == pytest.approx(0.1, abs=1e-12)
    assert terminated
    assert truncated


def test_wrong_pick_up_fails_a_strict_goal_only() -> None:
    wrong_first = dict(goal=(Verb.PICK_UP, "g", ""), max_steps=10)
    strict = worlds_of(episode("..g", ".>b", "...", strict=True, **wrong_first))
    assert play(strict, [PICKUP]) == [FAILED]
    lenient = worlds_of(episode(".g.", ".>b", "...", **wrong_first))
    assert play(lenient, [PICKUP, DROP, LEFT, PICKUP]) == [GOING_ON] * 3 + [won(4, 10)]


def test_picking_up_nothing_does_not_fail_a_strict_goal() -> None:
    worlds = worlds_of(episode("...", ".^b", "...", goal=(Verb.PICK_UP, "b", ""), strict=True, max_steps=10))
    assert play(worlds, [PICKUP, RIGHT, PICKUP]) == [GOING_ON, GOING_ON, won(3, 10)]


def test_opening_the_door_that_is_meant_succeeds() -> None:
    worlds = worlds_of(episode("...", ".>D", "...", goal=(Verb.OPEN, "D", ""), max_steps=10))
    assert play(worlds, [TOGGLE]) == [won(1, 10)]


def test_shutting_the_door_that_is_meant_is_not_opening_it() -> None:
    worlds = worlds_of(episode("...", ".>O", "...", goal=(Verb.OPEN, "O", ""), max_steps=10))
    assert play(worlds, [TOGGLE, TOGGLE]) == [GOING_ON, won(2, 10)]


def test_opening_another_door_fails_a_strict_goal_only() -> None:
    for strict, expected in {True: FAILED, False: GOING_ON}.items():
        worlds = worlds_of(episode(".G.", ".>D", "...", goal=(Verb.OPEN, "G", ""), strict=strict))
        assert play(worlds, [TOGGLE]) == [expected]


def test_object_dropped_beside_the_fixed_one_succeeds() -> None:
    worlds = worlds_of(episode(".......", ".>b.x..", ".......", goal=(Verb.PUT_NEXT_TO, "b", "x")))
    assert play(worlds, [PICKUP, FORWARD, DROP]) == [GOING_ON, GOING_ON, won(3, 20)]


def test_object_dropped_diagonally_or_away_does_not_succeed() -> None:
    away = worlds_of(episode(".......", ".>b..x.", ".......", goal=(Verb.PUT_NEXT_TO, "b", "x")))
    assert play(away, [PICKUP, DROP]) == [GOING_ON] * 2
    diagonal = worlds_of(episode("...x...", ".>b....", ".......", goal=(Verb.PUT_NEXT_TO, "b", "x")))
    assert play(diagonal, [PICKUP, DROP]) == [GOING_ON] * 2


def test_another_object_put_beside_the_fixed_one_does_not_succeed() -> None:
    worlds = worlds_of(episode(".......", ".>g.x..", "......b", goal=(Verb.PUT_NEXT_TO, "b", "x")))
    assert play(worlds, [PICKUP, FORWARD, DROP]) == [GOING_ON] * 3


def test_any_pick_up_fails_a_strict_put_next_to() -> None:
    worlds = worlds_of(episode(".......", ".>b.x..", ".......", goal=(Verb.PUT_NEXT_TO, "b", "x"), strict=True))
    assert play(worlds, [PICKUP]) == [FAILED]


def test_object_inside_a_box_can_be_the_one_meant() -> None:
    worlds = worlds_of(episode("....", ".>B.", "....", goal=(Verb.PICK_UP, "k", ""), max_steps=10))
    assert play(worlds, [TOGGLE, PICKUP]) == [GOING_ON, won(2, 10)]
