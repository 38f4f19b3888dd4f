"""The rules of one environment, worked out by hand on small maps."""

from __future__ import annotations

import numpy as np
import pytest
from hand_built import (
    AND,
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
    STRICT_THEN,
    THEN,
    TOGGLE,
    YELLOW,
    episode,
    play,
    view,
    worlds_of,
)

from groundling.envs.engine import goal_check
from groundling.envs.engine.constants import (
    BALL,
    BOX,
    CLOSED,
    DOOR,
    FIRST_OBJECT,
    GOAL,
    KEY,
    LOCKED,
    MAX_OBJECTS,
    NO_PLACE,
    OPAQUE_BIT,
    OPEN,
    STRICT,
    Verb,
)
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.rendering import world_layout

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


def test_nothing_hides_anything_where_walls_are_seen_through() -> None:
    for door in "DLO.#":
        worlds = worlds_of(episode(*(row.format(door) for row in CORRIDOR), walls_hide=False))
        assert not any("?" in line for line in picture(worlds))


def test_door_that_is_shut_stays_see_through_where_walls_are() -> None:
    for walls_hide in (True, False):
        worlds = worlds_of(episode("...", ".>O", "...", walls_hide=walls_hide))
        play(worlds, [TOGGLE])
        assert seen(worlds, AHEAD) == (DOOR, RED, CLOSED)
        # a single door casts no shadow where all else is clear, so that the view would not show the difference
        assert worlds.state.looks[0, FIRST_OBJECT] >> OPAQUE_BIT == walls_hide


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


def test_every_bit_of_a_mask_of_objects_is_read() -> None:
    for k in range(MAX_OBJECTS):
        mask = np.uint64(1 << k)
        assert [goal_check.has_object(mask, FIRST_OBJECT + other) for other in range(MAX_OBJECTS)].index(True) == k
        assert not goal_check.has_object(~mask, FIRST_OBJECT + k)


# Goals of several clauses. Before the agent is the green door, on its left the red one.

TWO_DOORS = (".D.", ".>G", "...")
OPEN_RED, OPEN_GREEN = (Verb.OPEN, "D", ""), (Verb.OPEN, "G", "")


def test_steps_count_in_their_order_only() -> None:
    worlds = worlds_of(episode(*TWO_DOORS, goal=[OPEN_RED, (*OPEN_GREEN, THEN)]))
    # opening the green door first is for nothing: it has to be shut and opened again
    results = play(worlds, [TOGGLE, LEFT, TOGGLE, RIGHT, TOGGLE, TOGGLE])
    assert results == [GOING_ON] * 5 + [won(6, 20)]


def test_next_step_done_too_early_fails_where_the_order_is_strict() -> None:
    goal = [OPEN_RED, (*OPEN_GREEN, STRICT_THEN)]
    assert play(worlds_of(episode(*TWO_DOORS, goal=goal)), [TOGGLE]) == [FAILED]
    assert play(worlds_of(episode(*TWO_DOORS, goal=goal)), [LEFT, TOGGLE, RIGHT, TOGGLE])[-1] == won(4, 20)


def test_only_the_very_next_step_fails_where_the_order_is_strict() -> None:
    goal = [OPEN_RED, (Verb.PICK_UP, "b", "", STRICT_THEN), (*OPEN_GREEN, STRICT_THEN)]
    assert play(worlds_of(episode(".D.", "b>G", "...", goal=goal)), [TOGGLE]) == [GOING_ON]
    assert play(worlds_of(episode(".D.", "b>G", "...", goal=goal)), [LEFT, LEFT, PICKUP])[-1] == FAILED


def test_clauses_joined_by_and_are_done_in_any_order() -> None:
    goal = [OPEN_RED, (*OPEN_GREEN, AND)]
    assert play(worlds_of(episode(*TWO_DOORS, goal=goal)), [TOGGLE, LEFT, TOGGLE]) == [GOING_ON] * 2 + [won(3, 20)]
    assert play(worlds_of(episode(*TWO_DOORS, goal=goal)), [LEFT, TOGGLE, RIGHT, TOGGLE])[-1] == won(4, 20)


def test_clause_that_is_done_stays_done() -> None:
    worlds = worlds_of(episode(*TWO_DOORS, goal=[OPEN_RED, (*OPEN_GREEN, AND)]))
    assert play(worlds, [TOGGLE, TOGGLE, LEFT, TOGGLE])[-1] == won(4, 20)  # the green door is shut by then


def test_both_steps_may_have_several_clauses() -> None:
    goal = [OPEN_RED, (*OPEN_GREEN, AND), (Verb.PICK_UP, "b", "", THEN), (Verb.GO_TO, "k", "", AND)]
    rows = (".D.", "b>G", ".k.")
    results = play(worlds_of(episode(*rows, goal=goal)), [RIGHT, LEFT, TOGGLE, LEFT, TOGGLE, LEFT, PICKUP, LEFT])
    assert results == [GOING_ON] * 7 + [won(8, 20)]  # having been at the key before the doors were open is for nothing


def test_failure_of_one_of_several_clauses_does_not_count() -> None:
    for goal in (
        [(*OPEN_RED, STRICT), (*OPEN_GREEN, AND)],
        [OPEN_RED, (*OPEN_GREEN, AND | STRICT)],
    ):
        worlds = worlds_of(episode(*TWO_DOORS, goal=goal))
        assert play(worlds, [TOGGLE, LEFT, TOGGLE]) == [GOING_ON] * 2 + [won(3, 20)]


def test_failure_of_a_step_fails_the_episode_when_it_is_due() -> None:
    assert play(worlds_of(episode(*TWO_DOORS, goal=[(*OPEN_RED, STRICT), OPEN_GREEN])), [TOGGLE]) == [FAILED]
    not_yet = worlds_of(episode("b..", ".>G", ".k.", goal=[(Verb.GO_TO, "k", ""), (Verb.PICK_UP, "b", "", STRICT)]))
    assert play(not_yet, [TOGGLE, DONE]) == [GOING_ON] * 2
    assert play(not_yet, [RIGHT, PICKUP]) == [GOING_ON, FAILED]


def test_action_that_completes_a_step_is_judged_by_the_next_step_too() -> None:
    both = worlds_of(episode("...", ".>b", "...", goal=[(Verb.GO_TO, "b", ""), (Verb.PICK_UP, "b", "")]))
    assert play(both, [PICKUP]) == [won(1, 20)]
    # so that a strict "open" after another "open" fails as soon as its turn comes, as in BabyAI's debug levels
    strict = worlds_of(episode(*TWO_DOORS, goal=[OPEN_GREEN, (*OPEN_RED, STRICT)]))
    assert play(strict, [TOGGLE]) == [FAILED]


def test_object_is_where_it_was_seen_until_something_is_dropped() -> None:
    goal = [(Verb.PICK_UP, "b", ""), (Verb.GO_TO, "b", "")]
    assert play(worlds_of(episode("...", ".>b", "...", goal=goal)), [PICKUP]) == [won(1, 20)]
    goal = [(Verb.PICK_UP, "k", ""), (Verb.GO_TO, "b", "")]
    worlds = worlds_of(episode("...", ".>b", ".k.", goal=goal))
    actions = [PICKUP, LEFT, DROP, RIGHT, RIGHT, PICKUP, LEFT, LEFT]  # the ball now lies above, the key is carried
    assert play(worlds, actions) == [GOING_ON] * 7 + [won(8, 20)]


def test_step_does_not_know_what_was_carried_before_its_turn() -> None:
    first, second = (Verb.PUT_NEXT_TO, "b", "x"), (Verb.PUT_NEXT_TO, "b", "k")
    rows = ("...x...", ".>b.k..", ".......")
    then = worlds_of(episode(*rows, goal=[first, second]))
    assert play(then, [PICKUP, FORWARD, DROP]) == [GOING_ON] * 3  # beside both, but the drop was the first step's
    assert play(then, [PICKUP, DROP]) == [GOING_ON, won(5, 20)]
    together = worlds_of(episode(*rows, goal=[first, (*second, AND)]))
    assert play(together, [PICKUP, FORWARD, DROP])[-1] == won(3, 20)


def test_object_that_is_held_already_has_to_be_picked_up_again() -> None:
    worlds = worlds_of(episode(".D.", ".>b", "...", goal=[OPEN_RED, (Verb.PICK_UP, "b", "")]))
    actions = [PICKUP, LEFT, TOGGLE, PICKUP, RIGHT, DROP, PICKUP]
    assert play(worlds, actions) == [GOING_ON] * 6 + [won(7, 20)]


def test_next_episode_begins_with_its_first_step() -> None:
    bank_of_two = [episode(*TWO_DOORS, goal=[OPEN_RED, OPEN_GREEN]), episode(*TWO_DOORS, goal=OPEN_RED)]
    worlds = worlds_of(*bank_of_two)
    worlds.step(np.array([LEFT, LEFT]))
    worlds.step(np.array([TOGGLE, TOGGLE]))
    assert worlds.outcomes.success.tolist() == [False, True]
    assert worlds.state.current_step.tolist() == [1, 0]
    worlds.reset()
    assert worlds.state.current_step.tolist() == [0, 0]
    assert worlds.state.done.tolist() == [0, 0]


# Goals of MiniGrid's own levels

NO_PLACE_XY = (NO_PLACE & 0xFFFF, NO_PLACE >> 16)


@pytest.mark.parametrize(("agent", "is_beside"), [((1, 1), True), ((2, 2), True), ((1, 2), False), ((2, 1), False)])
def test_announcing_counts_beside_the_place_whatever_is_faced(agent: tuple[int, int], is_beside: bool) -> None:
    rows = [list("....") for _ in range(4)]
    rows[agent[1]][agent[0]] = "<"
    worlds = worlds_of(episode(*map("".join, rows), goal=(Verb.ANNOUNCE, (1, 2), "")))
    assert play(worlds, [DONE]) == [won(1, 20) if is_beside else FAILED]


def test_nothing_but_announcing_succeeds_and_toggling_fails() -> None:
    start = episode("....", ".>b.", "....", goal=(Verb.ANNOUNCE, (2, 1), ""))
    assert play(worlds_of(start), [LEFT, RIGHT, FORWARD, PICKUP, DROP, DONE]) == [GOING_ON] * 5 + [won(6, 20)]
    assert play(worlds_of(start), [TOGGLE]) == [FAILED]


def test_place_to_announce_stays_when_the_object_is_carried_away() -> None:
    worlds = worlds_of(episode(".....", ".>b..", ".....", goal=(Verb.ANNOUNCE, (2, 1), "")))
    assert play(worlds, [PICKUP, DONE]) == [GOING_ON, won(2, 20)]


def test_stepping_on_the_right_place_succeeds_and_on_the_wrong_one_fails() -> None:
    rows = (".....", "..>..", ".....")
    goal = (Verb.STEP_ON, (3, 1), (2, 2))
    assert play(worlds_of(episode(*rows, goal=goal)), [DONE, FORWARD]) == [GOING_ON, won(2, 20)]
    assert play(worlds_of(episode(*rows, goal=goal)), [RIGHT, FORWARD]) == [GOING_ON, FAILED]
    assert play(worlds_of(episode(*rows, goal=goal)), [LEFT, FORWARD]) == [GOING_ON, GOING_ON]


def test_goal_tile_is_stepped_on_and_not_picked_up() -> None:
    worlds = worlds_of(episode("....", ".>*.", "....", goal=(Verb.STEP_ON, (2, 1), NO_PLACE_XY)))
    assert seen(worlds, AHEAD) == (GOAL, GREEN, 0)
    assert play(worlds, [PICKUP, TOGGLE, FORWARD]) == [GOING_ON, GOING_ON, won(3, 20)]


@pytest.mark.parametrize(("target", "is_near"), [((4, 0), True), ((3, 2), True), ((4, 1), True), ((5, 1), False)])
def test_object_put_within_a_tile_of_the_place_succeeds(target: tuple[int, int], is_near: bool) -> None:
    goal = (Verb.PUT_NEAR, "b", target)
    worlds = worlds_of(episode("......", ".>b...", "......", goal=goal))
    assert play(worlds, [PICKUP, FORWARD, DROP]) == [GOING_ON, GOING_ON, won(3, 20) if is_near else FAILED]


def test_picking_up_another_object_fails_to_put_near() -> None:
    worlds = worlds_of(episode("......", ".>gb..", "......", goal=(Verb.PUT_NEAR, "b", (4, 1))))
    assert play(worlds, [PICKUP]) == [FAILED]


def test_drop_that_finds_no_room_fails_to_put_near() -> None:
    worlds = worlds_of(episode("..x...", "..^b..", "......", goal=(Verb.PUT_NEAR, "b", (2, 0))))
    assert play(worlds, [DROP, RIGHT, PICKUP, PICKUP, LEFT]) == [GOING_ON] * 5
    assert play(worlds, [DROP]) == [FAILED]
