"""The expert: it succeeds from whatever state it is in, by short ways, and knows no more than it may."""

from __future__ import annotations

from collections import deque
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pytest
from brute_force import fewest_steps
from hand_built import AND, STRICT_THEN, THEN, Asked, episode
from numpy.typing import NDArray

from groundling.agents.bots import Expert, Sight, expert_steps
from groundling.agents.bots.expert import copy_of
from groundling.envs import registered_tasks
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    BORDER,
    FIRST_OBJECT,
    NO_CLAUSE,
    NOTHING_CODE,
    NOWHERE,
    STRICT,
    Action,
    Verb,
)
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError

SIGHTS: tuple[Sight, ...] = ("world", "explored")
FOREVER = np.iinfo(np.int32).max

# Every verb and every situation of MiniGrid's levels.
LEVELS = (
    *("BabyAI-GoToRedBallGrey-v0", "BabyAI-GoToLocal-v0", "BabyAI-GoTo-v0", "BabyAI-GoToOpen-v0"),
    *("BabyAI-GoToObjMazeS4-v0", "BabyAI-GoToDoor-v0", "BabyAI-GoToObjDoor-v0", "BabyAI-GoToRedBlueBall-v0"),
    *("BabyAI-PickupDist-v0", "BabyAI-PickupDistDebug-v0", "BabyAI-PickupLoc-v0", "BabyAI-PickupAbove-v0"),
    *("BabyAI-FindObjS7-v0", "BabyAI-OneRoomS20-v0", "BabyAI-UnblockPickup-v0", "BabyAI-KeyCorridorS4R3-v0"),
    *("BabyAI-OpenDoor-v0", "BabyAI-OpenDoorColor-v0", "BabyAI-OpenDoorLoc-v0", "BabyAI-OpenTwoDoors-v0"),
    *("BabyAI-OpenRedBlueDoorsDebug-v0", "BabyAI-OpenDoorsOrderN2-v0", "BabyAI-OpenDoorsOrderN4-v0"),
    *("BabyAI-PutNextLocal-v0", "BabyAI-PutNextLocalS6N4-v0", "BabyAI-PutNextS7N4-v0", "BabyAI-MoveTwoAcrossS8N9-v0"),
    *("BabyAI-PutNextS5N2Carrying-v0", "BabyAI-PutNextS6N3Carrying-v0", "BabyAI-PutNextS7N4Carrying-v0"),
    *("BabyAI-UnlockLocalDist-v0", "BabyAI-Unlock-v0", "BabyAI-KeyInBox-v0", "BabyAI-UnlockPickupDist-v0"),
    *("BabyAI-BlockedUnlockPickup-v0", "BabyAI-UnlockToUnlock-v0", "BabyAI-ActionObjDoor-v0"),
    *("BabyAI-GoToSeq-v0", "BabyAI-GoToSeqS5R2-v0", "BabyAI-SynthLoc-v0", "BabyAI-SynthSeq-v0"),
    *("BabyAI-MiniBossLevel-v0", "BabyAI-BossLevel-v0", "BabyAI-BossLevelNoUnlock-v0"),
    *("MiniGrid-Fetch-8x8-N3-v0", "MiniGrid-GoToDoor-8x8-v0", "MiniGrid-GoToObject-8x8-N2-v0"),
    *("MiniGrid-PutNear-8x8-N3-v0", "MiniGrid-MemoryS17Random-v0", "MiniGrid-LockedRoom-v0"),
    *("MiniGrid-KeyCorridorS3R3-v0", "MiniGrid-ObstructedMaze-1Dlhb-v0", "MiniGrid-ObstructedMaze-2Dlhb-v1"),
    "MiniGrid-ObstructedMaze-1Q-v1",
)


@cache
def bank_of(level: str, count: int) -> EpisodeBank:
    return EpisodeBank.of_seeds(level, range(count))


def begin(bank: EpisodeBank) -> WorldBatch:
    """One environment for each episode of a bank, at its start."""
    worlds = WorldBatch(bank, len(bank), shuffle=False)
    worlds.reset()
    return worlds


class Played(NamedTuple):
    """What became of B episodes: whether each succeeded, how long it was, and what was done in it."""

    success: NDArray[np.bool_]
    steps: NDArray[np.int64]
    actions: list[list[int]]


def carry_on(expert: Expert) -> Played:
    """Let the expert act until every episode has ended, or the expert is lost in it."""
    worlds = expert.worlds
    batch = worlds.num_envs
    success, going = np.zeros(batch, dtype=np.bool_), np.ones(batch, dtype=np.bool_)
    taken: list[list[int]] = [[] for _ in range(batch)]
    while going.any():
        actions = expert.actions()
        going &= ~expert.lost
        for b in np.flatnonzero(going):
            taken[b].append(int(actions[b]))
        worlds.step(actions, autoreset=False)
        success |= worlds.outcomes.success & going
        going &= ~worlds.outcomes.ended
    return Played(success, np.array([len(actions) for actions in taken]), taken)


def failing(bank: EpisodeBank, played: Played) -> list[str]:
    """The episodes without success, in words."""
    return [f"seed {bank.seeds[b]}: {bank.instruction(b)}" for b in np.flatnonzero(~played.success).tolist()]


drawn = partial(episode, max_steps=300)


def expert_in(*episodes: Episode, sees: Sight = "world") -> Expert:
    """An expert at the start of these episodes."""
    return Expert(begin(EpisodeBank.pack("drawn", episodes)), sees=sees)


# Success


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("level", LEVELS)
def test_every_episode_of_a_level_is_solved(level: str, sees: Sight) -> None:
    bank = bank_of(level, 8)
    assert failing(bank, carry_on(Expert(begin(bank), sees=sees))) == []


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("task", registered_tasks())
def test_every_episode_of_our_own_tasks_is_solved(task: str, sees: Sight) -> None:
    bank = bank_of(task, 12)
    assert failing(bank, carry_on(Expert(begin(bank), sees=sees))) == []


@pytest.mark.parametrize(
    ("rows", "goal", "steps"),
    [
        (("#####", "#>.b#", "#####"), (Verb.GO_TO, "b", ""), 1),
        (("####", "#>b#", "####"), (Verb.GO_TO, "b", ""), 1),  # the verifier looks after an action
        (("#####", "#>.b#", "#####"), (Verb.PICK_UP, "b", ""), 2),
        (("####", "#>D#", "####"), (Verb.OPEN, "D", ""), 1),
        (("####", "#>O#", "####"), (Verb.OPEN, "O", ""), 2),  # an open door is closed and opened
        (("######", "#>yL.#", "######"), (Verb.OPEN, "L", ""), 3),
        (("######", "#>YL.#", "######"), (Verb.OPEN, "L", ""), 4),  # open the box, take the key, go on, unlock
        (("####", "#>Y#", "####"), (Verb.PICK_UP, "y", ""), 2),
        (("######", "#>D.b#", "######"), (Verb.GO_TO, "b", ""), 3),
        (("#######", "#>y.Lb#", "#######"), (Verb.GO_TO, "b", ""), 5),
        (("#######", "#>.OgD#", "##.####", "#######"), (Verb.OPEN, "D", ""), 5),  # the ball is carried on
        (("#######", "#>.b.g#", "#..####", "#######"), (Verb.PICK_UP, "g", ""), 8),  # laid aside, to the south
        (("#####", "#>b##", "#.g##", "#####"), (Verb.PUT_NEXT_TO, "b", "g"), 2),
        (("######", "#>bg.#", "#....#", "######"), (Verb.PUT_NEXT_TO, "b", "g"), 2),  # side by side already
        (("######", "#>gb.#", "#....#", "######"), (Verb.PUT_NEXT_TO, "b", "g"), 8),  # likewise, from the other side
        # what the ball is to be put next to stands in the way: laid aside, over the ball, back, and dropped
        (("########", "#>.g.b.#", "#..#####", "########"), (Verb.PUT_NEXT_TO, "b", "g"), 12),
        (("########", "#b.>.g.#", "########"), (Verb.PUT_NEAR, "g", (1, 1)), 6),
        (("#####", "#>.b#", "#####"), (Verb.ANNOUNCE, (3, 1), ""), 2),
        (("#####", "#>..#", "#####"), (Verb.STEP_ON, (3, 1), (0, 0)), 2),
        (("#####", "#b>g#", "#####"), [(Verb.GO_TO, "b", ""), (Verb.GO_TO, "g", "", THEN)], 4),
        (("#####", "#b>g#", "#####"), [(Verb.GO_TO, "b", ""), (Verb.PICK_UP, "g", "", AND)], 3),  # the near one first
        (("######", "#>b.g#", "######"), [(Verb.PICK_UP, "b", ""), (Verb.GO_TO, "g", "", STRICT_THEN)], 3),
    ],
)
def test_way_in_a_small_world_is_as_short_as_one_found_by_hand(
    rows: tuple[str, ...], goal: Asked | list[Asked], steps: int
) -> None:
    bank = EpisodeBank.pack("drawn", [drawn(*rows, goal=goal)])
    informed, explored = (carry_on(Expert(begin(bank), sees=sees)) for sees in SIGHTS)
    assert informed.success.all()
    assert explored.success.all()
    assert informed.steps[0] == steps <= explored.steps[0]
    assert fewest_steps(bank, 0) == steps


@pytest.mark.parametrize("sees", SIGHTS)
def test_strict_goal_is_reached_past_other_doors_without_opening_them(sees: Sight) -> None:
    """Whoever opens, closes or unlocks another one has failed."""
    rows = ("########", "#...O..#", "#...##D#", "G.>.#..#", "#.y.##.#", "###L####")
    for meant in "DGL":
        expert = expert_in(drawn(*rows, goal=(Verb.OPEN, meant, "", STRICT)), sees=sees)
        assert carry_on(expert).success.all(), meant
    bank = bank_of("BabyAI-OpenDoorDebug-v0", 40)
    assert failing(bank, carry_on(Expert(begin(bank), sees=sees))) == []


@pytest.mark.parametrize("sees", SIGHTS)
def test_object_in_the_way_that_a_strict_goal_lets_nobody_lift_is_walked_around(sees: Sight) -> None:
    rows = ("########", "#>.b.g.#", "#.#.#..#", "#......#", "########")
    played = carry_on(expert_in(drawn(*rows, goal=(Verb.PICK_UP, "g", "", STRICT)), sees=sees))
    assert played.success.all()
    assert played.actions[0].count(Action.PICKUP) == 1


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("rows", [("#####", "#g^.#", "##b##", "#####"), ("#####", "#g^.#", "#.b.#", "#####")])
def test_next_step_is_not_done_before_its_turn_where_that_fails_the_episode(rows: tuple[str, ...], sees: Sight) -> None:
    """To the ball in the south one may turn either way, but not past the one in the west."""
    goal = [(Verb.GO_TO, "b", ""), (Verb.GO_TO, "g", "", STRICT_THEN)]
    assert carry_on(expert_in(drawn(*rows, goal=goal), sees=sees)).success.all()


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("task", ["groundling/RoomSequence-v0", "groundling/RoomSequenceLong-v0"])
def test_every_sequence_is_solved(task: str, sees: Sight) -> None:
    bank = bank_of(task, 150)
    assert failing(bank, carry_on(Expert(begin(bank), sees=sees))) == []


@pytest.mark.parametrize("sees", SIGHTS)
def test_object_inside_of_the_box_that_is_carried_is_got_at(sees: Sight) -> None:
    goal = [(Verb.PICK_UP, "Y", ""), (Verb.PICK_UP, "y", "", THEN)]
    played = carry_on(expert_in(drawn("######", "#>Y..#", "######", goal=goal), sees=sees))
    assert played.success.all()
    assert played.actions[0][-3:] == [Action.DROP, Action.TOGGLE, Action.PICKUP]


@pytest.mark.parametrize("sees", SIGHTS)
def test_box_that_a_later_step_asks_for_is_not_opened_where_there_is_another_way(sees: Sight) -> None:
    rows = ("##########", "#>Y.....y#", "#........#", "##########")
    goal = [(Verb.PICK_UP, "y", ""), (Verb.PUT_NEXT_TO, "y", "Y", THEN)]
    assert carry_on(expert_in(drawn(*rows, goal=goal), sees=sees)).success.all()


@pytest.mark.parametrize("sees", SIGHTS)
def test_box_is_picked_up_before_what_is_inside_where_both_are_asked_for(sees: Sight) -> None:
    """To open it first would take fewer steps to the nearer aim, and lose the other."""
    goal = [(Verb.PICK_UP, "y", ""), (Verb.PICK_UP, "Y", "", AND)]
    assert carry_on(expert_in(drawn("######", "#>Y..#", "######", goal=goal), sees=sees)).success.all()


@pytest.mark.parametrize("first", [(Verb.GO_TO, "x", ""), (Verb.PUT_NEXT_TO, "b", "g")])
def test_load_is_shown_to_the_verifier_before_it_is_dropped_whichever_clause_asks_for_it(first: Asked) -> None:
    """At an episode's start it has not seen yet what is carried, and would not count what is dropped at once."""
    second = next(clause for clause in [(Verb.GO_TO, "x", ""), (Verb.PUT_NEXT_TO, "b", "g")] if clause != first)
    rows = ("########", "#>bg..x#", "########")
    expert = expert_in(drawn(*rows, goal=[first, (*second, AND)]))
    state = expert.worlds.state
    ball = int(state.cells[0, state.position[0] + 1])
    state.carried[0], state.cells[0, state.position[0] + 1] = ball, NOTHING_CODE
    state.positions[0, ball - FIRST_OBJECT] = NOWHERE
    played = carry_on(expert)
    assert played.actions[0][:2] == [Action.DONE, Action.DROP]
    assert played.success.all()


def test_one_lock_is_opened_before_the_other_key_is_fetched() -> None:
    bank = EpisodeBank.of_seeds("MiniGrid-ObstructedMaze-2Dl-v0", [78, 85, 101])
    worlds = begin(bank)
    worlds.state.max_steps[:] = 400
    assert failing(bank, carry_on(Expert(worlds, sees="explored"))) == []


def test_plan_kept_for_after_a_drop_is_the_one_that_would_be_made_then() -> None:
    expert = Expert(begin(bank_of("BabyAI-BlockedUnlockPickup-v0", 40)), sees="world")
    worlds = expert.worlds
    going, kept = np.ones(worlds.num_envs, dtype=np.bool_), 0
    while going.any():
        dropped = going & (expert.actions() == Action.DROP)
        before = expert.state_dict()
        worlds.step(expert.actions(), autoreset=False)
        going &= ~worlds.outcomes.ended
        fresh = Expert(worlds, sees="world")
        fresh.actions(), expert.actions()
        own, other = expert.state_dict(), fresh.state_dict()
        for b in np.flatnonzero(dropped & going):
            end, length = own["length"][b], other["length"][b]
            for name in ("actions", "poses", "signatures"):
                assert np.array_equal(own[name][b, end - length : end], other[name][b, :length])
            kept += int(np.array_equal(own["signatures"][b], before["signatures"][b]))
    assert kept > 20


def test_way_past_more_than_can_be_planned_at_once_is_planned_in_parts() -> None:
    """It is not walked back to the first part's end."""
    bank = EpisodeBank.of_seeds("MiniGrid-ObstructedMaze-Full-v1", [9])
    worlds = begin(bank)
    worlds.state.max_steps[:] = 400
    assert failing(bank, carry_on(Expert(worlds, sees="explored"))) == []


def test_who_stands_before_what_cannot_be_planned_around_does_not_walk_to_and_fro() -> None:
    """What is far off and cannot be tracked any more does not look cheaper than what is near and can."""
    bank = EpisodeBank.of_seeds("BabyAI-SynthS5R2-v0", [355, 609])
    assert failing(bank, carry_on(Expert(begin(bank), sees="explored"))) == []


# Short ways


@pytest.mark.parametrize(
    "level",
    [
        *("BabyAI-OpenDoor-v0", "BabyAI-OpenDoorDebug-v0", "BabyAI-GoToObjMazeS4R2-v0", "BabyAI-PutNextS4N1-v0"),
        *("BabyAI-PutNextLocalS5N3-v0", "BabyAI-KeyInBox-v0", "BabyAI-OpenTwoDoors-v0", "BabyAI-UnblockPickup-v0"),
        *("MiniGrid-Fetch-5x5-N2-v0", "MiniGrid-GoToDoor-6x6-v0", "MiniGrid-PutNear-6x6-N2-v0"),
        *("MiniGrid-MemoryS7-v0", "BabyAI-GoToSeqS5R2-v0"),
    ],
)
def test_no_sequence_of_actions_is_shorter_than_the_way_of_who_knows_the_world(level: str) -> None:
    bank = bank_of(level, 12)
    steps = expert_steps(bank)
    small = np.flatnonzero(steps <= 12).tolist()
    assert len(small) > 3
    shorter = [fewest_steps(bank, row, max_steps=int(steps[row]) - 1) for row in small]
    assert shorter == [None] * len(small)


def steps_to_face(bank: EpisodeBank, row: int) -> int:
    """Actions from the start to facing an object of the goal around all others, FOREVER if there is no such way."""
    cells, mask = bank.cells[row], int(bank.programs[row, 0, 2])
    x, y, direction = bank.poses[row].tolist()
    steps = {(x, y, direction): 0}
    waiting = deque(steps)
    while waiting:
        pose = x, y, direction = waiting.popleft()
        ahead_x, ahead_y = x + (1, 0, -1, 0)[direction], y + (0, 1, 0, -1)[direction]
        code = int(cells[ahead_y, ahead_x])
        if code >= FIRST_OBJECT and mask >> (code - FIRST_OBJECT) & 1:
            return steps[pose]
        after = [(x, y, (direction + 1) % 4), (x, y, (direction + 3) % 4)]
        if code == NOTHING_CODE:
            after.append((ahead_x, ahead_y, direction))
        for other in after:
            if other not in steps:
                steps[other] = steps[pose] + 1
                waiting.append(other)
    return FOREVER


@pytest.mark.parametrize(
    ("level", "last"), [("BabyAI-GoToLocal-v0", 0), ("BabyAI-PickupDist-v0", 1), ("BabyAI-PickupLoc-v0", 1)]
)
def test_way_to_an_object_is_no_longer_than_the_shortest_one_around_the_others(level: str, last: int) -> None:
    bank = bank_of(level, 60)
    around = np.array([max(steps_to_face(bank, row), 1 - last) for row in range(len(bank))])
    steps = expert_steps(bank) - last
    assert (steps <= around).all()
    assert (steps == around).mean() > 0.8  # where it is shorter, something is carried out of the way
    assert steps.max() > 8


def test_who_has_to_look_around_takes_more_steps_where_not_all_is_seen_and_as_many_where_it_is() -> None:
    maze, room = (bank_of(level, 12) for level in ("BabyAI-GoTo-v0", "BabyAI-PickupDist-v0"))
    informed, explored = (expert_steps(maze, sees=sees) for sees in SIGHTS)
    assert explored.mean() > 1.5 * informed.mean()
    informed, explored = (expert_steps(room, sees=sees) for sees in SIGHTS)
    assert informed.mean() <= explored.mean() <= 1.2 * informed.mean()


# From any state


def is_spoiled(worlds: WorldBatch, b: int) -> bool:
    """Whether an object that the goal still needs was destroyed: it was a box, and was opened."""
    state = worlds.state
    there = {int(code) for code in state.cells[b] if code >= FIRST_OBJECT} | {int(state.carried[b])}
    there |= {int(state.contents[b, code - FIRST_OBJECT]) for code in there if code >= FIRST_OBJECT}
    objects = sum(1 << code - FIRST_OBJECT for code in there if code >= FIRST_OBJECT)
    for c, (verb, _, first, second) in enumerate(state.programs[b].tolist()):
        if verb == NO_CLAUSE:
            break
        if c < state.current_step[b] or state.done[b] >> c & 1:
            continue
        needed = [first, second] if verb == Verb.PUT_NEXT_TO else [first] if verb < Verb.ANNOUNCE else []
        if not all(mask & objects for mask in needed):
            return True
    return False


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize(
    ("level", "count"),
    [
        *(("BabyAI-GoToLocal-v0", 40), ("BabyAI-PickupLoc-v0", 40), ("BabyAI-PutNextLocal-v0", 40)),
        *(("BabyAI-PutNextS5N2Carrying-v0", 40), ("BabyAI-UnlockLocal-v0", 40), ("BabyAI-KeyInBox-v0", 40)),
        *(("BabyAI-BlockedUnlockPickup-v0", 40), ("BabyAI-UnblockPickup-v0", 16), ("BabyAI-MoveTwoAcrossS5N2-v0", 40)),
        *(("BabyAI-MiniBossLevel-v0", 40), ("BabyAI-BossLevel-v0", 16), ("groundling/HouseUnlockFetch-v0", 40)),
    ],
)
def test_every_episode_is_solved_after_random_play_that_has_not_lost_it(level: str, count: int, sees: Sight) -> None:
    bank = bank_of(level, count)
    worlds = begin(bank)
    worlds.state.max_steps[:] = FOREVER
    expert = Expert(worlds, sees=sees)
    rng = np.random.default_rng(len(level))
    played_steps = rng.integers(0, 31, count)
    open_ones = np.ones(count, dtype=np.bool_)
    solved = np.zeros(count, dtype=np.bool_)
    taken_over = 0
    for step in range(30 + 2 * int(bank.max_steps.max())):
        for b in np.flatnonzero(open_ones & (played_steps == step)).tolist():
            open_ones[b] = not is_spoiled(worlds, b)
            taken_over += bool(open_ones[b])
        is_random = step < played_steps
        actions = np.where(is_random, rng.integers(0, 7, count), expert.actions())
        assert not (expert.lost & open_ones & ~is_random).any()
        worlds.step(actions, autoreset=False)
        solved |= worlds.outcomes.success & open_ones & ~is_random
        open_ones &= ~worlds.outcomes.ended
        if not open_ones.any():
            break
    assert not open_ones.any(), [int(bank.seeds[b]) for b in np.flatnonzero(open_ones)]
    assert solved.sum() == taken_over  # an episode that the random play ended was not taken over
    assert taken_over > count / 3


RING = ("#######", "#.....#", "#.###.#", "#>....#", "#######")
DOOR_IN_RING = ("###G###", "#.D...#", "#.###.#", "#>....#", "#######")
NICHES = ("#####", "#gbg#", "#...#", "#.>.#", "#####")


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize(
    ("rows", "goal"),
    [
        (RING, (Verb.STEP_ON, (3, 1), (2, 1))),  # the other place fails
        (DOOR_IN_RING, (Verb.OPEN, "G", "", STRICT)),  # to open any other door fails
        (DOOR_IN_RING, (Verb.ANNOUNCE, (3, 0), "")),  # likewise
        (NICHES, [(Verb.GO_TO, "b", ""), (Verb.GO_TO, "g", "", STRICT_THEN)]),  # to face the other too early fails
    ],
)
def test_expert_that_is_led_astray_comes_back_without_breaking_a_rule(
    rows: tuple[str, ...], goal: Asked | list[Asked], sees: Sight
) -> None:
    """Again and again it is turned or pushed forward by chance, where that does not end the episode."""
    count = 40
    expert = expert_in(*[drawn(*rows, goal=goal, max_steps=2000)] * count, sees=sees)
    worlds, rng = expert.worlds, np.random.default_rng(0)
    going, by_chance = np.ones(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    for step in range(400):
        is_astray = (rng.random(count) < 0.4) & (step < 30)
        worlds.step(np.where(is_astray, rng.integers(0, 3, count), expert.actions()), autoreset=False)
        by_chance |= going & worlds.outcomes.ended & is_astray
        assert worlds.outcomes.success[going & worlds.outcomes.ended & ~is_astray].all()
        going &= ~worlds.outcomes.ended
        if not going.any():
            break
    assert not going.any()
    assert by_chance.sum() < 0.8 * count


@pytest.mark.parametrize(
    "level", ["BabyAI-PutNextLocal-v0", "BabyAI-BlockedUnlockPickup-v0", "BabyAI-BossLevel-v0", "BabyAI-KeyInBox-v0"]
)
def test_steps_to_go_fall_by_one_with_every_own_action_and_depend_on_the_state_alone(level: str) -> None:
    bank = bank_of(level, 6)
    worlds = begin(bank)
    worlds.state.max_steps[:] = FOREVER
    kept = Expert(worlds, sees="world")
    rng = np.random.default_rng(0)
    going = np.ones(len(bank), dtype=np.bool_)
    expected = np.full(len(bank), -1)
    for _ in range(25):
        actions = kept.actions().copy()
        to_go, of_another = kept.steps_to_go(), Expert(worlds, sees="world").steps_to_go()
        assert to_go[going].tolist() == of_another[going].tolist()
        told = going & (expected > 0)
        assert to_go[told].tolist() == expected[told].tolist()
        is_own = rng.random(len(bank)) < 0.7
        worlds.step(np.where(is_own, actions, rng.choice([0, 1, 2, 3, 4], len(bank))), autoreset=False)
        assert worlds.outcomes.success[going & is_own & (to_go == 1)].all()
        expected = np.where(is_own, to_go - 1, -1)
        going &= ~worlds.outcomes.ended


@pytest.mark.parametrize("sees", SIGHTS)
def test_steps_to_go_are_those_that_the_expert_then_takes(sees: Sight) -> None:
    bank = bank_of("BabyAI-UnlockLocalDist-v0", 12)
    expert = Expert(begin(bank), sees=sees)
    for _ in range(5):
        actions = expert.actions()
        expert.worlds.step(actions, autoreset=False)
    to_go = expert.steps_to_go()
    assert to_go.tolist() == carry_on(expert).steps.tolist()
    assert to_go.min() > 0


def test_steps_to_go_do_not_heed_the_time_that_is_left() -> None:
    worlds = begin(bank_of("BabyAI-PutNextLocal-v0", 6))
    before = Expert(worlds, sees="world").steps_to_go()
    worlds.state.step_count[:] = worlds.state.max_steps - 1
    assert Expert(worlds, sees="world").steps_to_go().tolist() == before.tolist()


@pytest.mark.parametrize("sees", SIGHTS)
def test_steps_to_go_may_be_more_than_there_is_time_for(sees: Sight) -> None:
    episode = drawn("#########", "#>.....b#", "#########", goal=(Verb.GO_TO, "b", ""), max_steps=3)
    assert expert_in(episode, sees=sees).steps_to_go().tolist() == [5]


@pytest.mark.parametrize("circle", [(Action.LEFT,), (Action.PICKUP, Action.DROP), (Action.LEFT, Action.DONE) * 3])
def test_expert_that_goes_round_in_circles_counts_as_having_found_no_way(
    circle: tuple[Action, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    expert = expert_in(drawn("######", "#b>x.#", "######", goal=(Verb.PICK_UP, "b", "")))
    asked = 0

    def go_round(expert: Expert) -> NDArray[np.int64]:
        nonlocal asked
        asked += 1
        assert asked < 100
        return np.array([circle[asked % len(circle)]])

    monkeypatch.setattr(Expert, "actions", go_round)
    assert expert.steps_to_go().tolist() == [-1]


def test_steps_from_the_start_are_counted_for_every_episode_of_a_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    goal = (Verb.GO_TO, "b", "")
    rows = (("######", "#>.b.#", "######"), ("######", "#>#b.#", "######"), ("######", "#>..b#", "######"))
    bank = EpisodeBank.pack("drawn", [drawn(*row, goal=goal) for row in rows])
    monkeypatch.setattr("groundling.agents.bots.expert.EPISODES_AT_ONCE", 2)
    assert expert_steps(bank).tolist() == [1, -1, 2]
    assert expert_steps(bank, sees="explored").tolist() == [1, -1, 2]


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("level", ["BabyAI-BlockedUnlockPickup-v0", "BabyAI-PutNextS7N4Carrying-v0"])
def test_asking_changes_nothing_in_the_worlds(level: str, sees: Sight) -> None:
    """Not even where the expert looks ahead, with what it carries put down for the while."""
    worlds = begin(bank_of(level, 8))
    expert = Expert(worlds, sees=sees)
    carried = 0
    for _ in range(40):
        before = worlds.state_dict()
        actions = expert.actions().copy()
        Expert(worlds, sees=sees).actions()
        expert.steps_to_go()
        after = worlds.state_dict()
        assert all(np.array_equal(before[name], after[name]) for name in before)
        carried += int((worlds.state.carried != NOTHING_CODE).sum())
        worlds.step(actions)
    assert carried > 0


# What has been explored


def rearranged(worlds: WorldBatch, seen: NDArray[np.bool_], rng: np.random.Generator) -> WorldBatch:
    """A copy in which walls, doors and objects that nobody has seen have changed places with each other."""
    twin = copy_of(worlds)
    state = twin.state
    inner = np.zeros((state.cells.shape[1] // twin.width, twin.width), dtype=np.bool_)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    for b in range(twin.num_envs):
        hidden = np.flatnonzero(~seen[b] & inner.ravel())
        state.cells[b, hidden] = rng.permutation(state.cells[b, hidden])
        for tile in hidden:
            if state.cells[b, tile] >= FIRST_OBJECT:
                state.positions[b, state.cells[b, tile] - FIRST_OBJECT] = tile
    return twin


@pytest.mark.parametrize(
    "level",
    [
        *("BabyAI-Pickup-v0", "BabyAI-PutNextS7N4-v0", "BabyAI-UnlockLocalDist-v0", "BabyAI-BlockedUnlockPickup-v0"),
        *("BabyAI-KeyCorridorS3R2-v0", "BabyAI-SynthLoc-v0", "groundling/HousePickUpLarge-v0"),
    ],
)
def test_next_action_does_not_depend_on_what_was_not_seen_yet(level: str) -> None:
    bank = bank_of(level, 6)
    worlds = begin(bank)
    expert = Expert(worlds, sees="explored")
    rng = np.random.default_rng(0)
    differ = {sees: 0 for sees in SIGHTS}
    for _ in range(40):
        actions = expert.actions().copy()
        known = expert.state_dict()
        known["length"][:] = 0  # the plan is made anew
        other_worlds = rearranged(worlds, known["seen"], rng)
        chosen: dict[Sight, list[NDArray[np.int64]]] = {sees: [] for sees in SIGHTS}
        for own in (worlds, other_worlds):
            again = Expert(own, sees="explored")
            again.load_state_dict(known)
            chosen["explored"].append(again.actions().copy())
            chosen["world"].append(Expert(own, sees="world").actions().copy())
        for sees, (first, second) in chosen.items():
            differ[sees] += int((first != second).sum())
        worlds.step(actions)
    assert differ["explored"] == 0
    assert differ["world"] > 0  # control: whoever knows the world goes elsewhere


def test_explored_way_parts_only_when_the_difference_comes_into_view() -> None:
    """The ball is behind the one door or the other; both experts start between them."""
    goal = (Verb.GO_TO, "b", "")
    rows = ("#b..D.^.G...#", "#...D.^.G..b#")
    episodes = [drawn("#" * 13, row, "#" * 13, goal=goal) for row in rows]
    views: list[list[bytes]] = []
    played = []
    for one in episodes:
        expert = expert_in(one, sees="explored")
        seen = []
        taken: list[int] = []
        while not taken or not expert.worlds.outcomes.ended[0]:
            seen.append(expert.worlds.observations.image[0].tobytes())
            taken.append(int(expert.actions()[0]))
            expert.worlds.step(np.array(taken[-1:]), autoreset=False)
        assert expert.worlds.outcomes.success[0]
        views.append(seen)
        played.append(taken)
    alike = next(step for step, (one, other) in enumerate(zip(*views, strict=False)) if one != other)
    assert alike > 3  # up to a door, and that door opened
    assert played[0][:alike] == played[1][:alike]
    assert played[0] != played[1]
    informed = [carry_on(expert_in(episode, sees="world")).actions[0] for episode in episodes]
    assert informed[0][0] != informed[1][0]


def test_nobody_who_explores_knows_what_is_inside_of_a_box() -> None:
    """Until it is opened, the box with the key is treated as one that is empty."""
    bank = bank_of("BabyAI-KeyInBox-v0", 8)
    full, empty = (Expert(begin(bank), sees="explored") for _ in range(2))
    empty.worlds.state.contents[:] = NOTHING_CODE
    is_alike = np.ones(len(bank), dtype=np.bool_)
    opened = 0
    for _ in range(40):
        actions, others = full.actions().copy(), empty.actions().copy()
        assert actions[is_alike].tolist() == others[is_alike].tolist()
        full.worlds.step(actions, autoreset=False)
        empty.worlds.step(others, autoreset=False)
        parted = (full.worlds.state.cells != empty.worlds.state.cells).any(axis=1)
        opened += int((parted & is_alike).sum())
        is_alike &= ~parted
    assert opened == len(bank)


def test_what_was_seen_is_forgotten_when_the_episode_ends() -> None:
    bank = bank_of("BabyAI-GoToObjMazeS4-v0", 24)
    worlds = WorldBatch(bank, 4, shuffle=False)
    worlds.reset()
    expert = Expert(worlds, sees="explored")
    alone = [carry_on(Expert(begin(bank.take(np.array([row]))), sees="explored")).actions[0] for row in range(24)]
    rows, taken = list(range(4)), [list[int]() for _ in range(4)]
    ended = 0
    while ended < 20:
        actions = expert.actions()
        for b in range(4):
            taken[b].append(int(actions[b]))
        worlds.step(actions)
        for b in np.flatnonzero(worlds.outcomes.ended).tolist():
            assert taken[b] == alone[rows[b]]
            rows[b], taken[b] = (rows[b] + 4) % 24, []
            ended += 1


def test_what_was_seen_is_forgotten_when_the_worlds_are_restarted() -> None:
    bank = bank_of("BabyAI-GoToObjMazeS4-v0", 24)
    worlds = WorldBatch(bank, 8)
    worlds.restart(0)
    expert = Expert(worlds, sees="explored")
    expert.actions()
    worlds.restart(1)
    expert.actions()
    fresh = Expert(worlds, sees="explored")
    fresh.actions()
    assert np.array_equal(expert.state_dict()["seen"], fresh.state_dict()["seen"])


def test_who_is_not_asked_does_not_see() -> None:
    """The agent looks north and turns to the south: who was asked at every step knows of the ball behind it."""
    rows = ("#######", "#..b..#", "#.....#", "#..^..#", "#.....#", "#######")
    ball = (BORDER + 1) * (len(rows[0]) + 2 * BORDER) + BORDER + 3
    seen = {}
    for is_asked in (True, False):
        expert = expert_in(drawn(*rows, goal=(Verb.PICK_UP, "b", "")), sees="explored")
        for _ in range(2):
            if is_asked:
                expert.actions()
            expert.worlds.step(np.array([Action.RIGHT]), autoreset=False)
        expert.actions()
        seen[is_asked] = expert.state_dict()["seen"][0]
    assert seen[True][ball]
    assert not seen[False][ball]
    assert (seen[True] >= seen[False]).all()


def test_who_explores_looks_for_another_one_where_what_was_meant_is_no_more() -> None:
    """The box has been opened. Who knows the world knows that there is no other, and one behind the door helps both."""
    goal = (Verb.PICK_UP, "x", "")
    none_left, one_left = (("########", f"#>x.D.{far}#", "########") for far in ".x")
    taken: dict[tuple[str, Sight], list[int]] = {}
    for name, rows in (("none", none_left), ("one", one_left)):
        for sees in SIGHTS:
            expert = expert_in(drawn(*rows, goal=goal), sees=sees)
            expert.actions()
            expert.worlds.step(np.array([Action.TOGGLE]), autoreset=False)
            played = carry_on(expert)
            assert played.success[0] == (name == "one")
            assert expert.lost[0] == (name == "none")
            taken[name, sees] = played.actions[0]
    assert taken["none", "world"] == []
    shared = taken["none", "explored"]
    assert Action.TOGGLE in shared  # the door
    assert shared == taken["one", "explored"][: len(shared)]


# Goals that cannot be reached

UNREACHABLE = [
    (("#######", "#>..#b#", "#######"), (Verb.GO_TO, "b", "")),  # walled in
    (("#######", "#>..Lb#", "#######"), (Verb.GO_TO, "b", "")),  # locked in, and there is no key
    (("#######", "#>k.Lb#", "#######"), (Verb.GO_TO, "b", "")),  # the key of another lock
    (("########", "#>..Lyb#", "########"), (Verb.PICK_UP, "b", "")),  # the key behind its own lock
    (("######", "#>..L#", "######"), (Verb.OPEN, "L", "")),
    (("######", "#>b.g#", "######"), (Verb.PICK_UP, "g", "", STRICT)),  # what is in the way must stay there
    (("######", "#>b#g#", "######"), (Verb.PUT_NEXT_TO, "b", "g")),
    (("######", "#>.#.#", "######"), (Verb.STEP_ON, (4, 1), (0, 0))),
    (("#######", "#>.#.b#", "#######"), (Verb.ANNOUNCE, (5, 1), "")),
]


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize(("rows", "goal"), UNREACHABLE)
def test_expert_says_that_it_is_lost_where_there_is_no_way(rows: tuple[str, ...], goal: Asked, sees: Sight) -> None:
    """At once or, where it first looks around or clears the way, within some steps; then it stays so."""
    expert = expert_in(drawn(*rows, goal=goal, max_steps=40), sees=sees)
    lost = []
    for _ in range(25):
        actions = expert.actions()
        assert not expert.lost[0] or actions[0] == Action.DONE
        lost.append(bool(expert.lost[0]))
        expert.worlds.step(actions, autoreset=False)
        assert not expert.worlds.outcomes.success[0]
    assert lost == sorted(lost)
    assert lost[12]
    assert expert.steps_to_go().tolist() == [-1]
    assert fewest_steps(expert.worlds.bank, 0) is None


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("beyond", ["b.", "yb", "Yb"])
def test_expert_is_lost_where_a_lock_that_nobody_can_open_is_also_blocked(beyond: str, sees: Sight) -> None:
    """There is no key, or it is behind its own lock."""
    rows = ("########", f"#>.gL{beyond}#", "#....###", "########")
    expert = expert_in(drawn(*rows, goal=(Verb.GO_TO, "b", "")), sees=sees)
    assert len(carry_on(expert).actions[0]) < 30
    assert expert.lost.all()


@pytest.mark.parametrize("sees", SIGHTS)
def test_expert_is_lost_between_many_locks_without_a_key(sees: Sight) -> None:
    rows = ("###########", "#.........#", "#L#L#L#L#L#", "#....>....#", "#L#L#L#L#L#", "#b........#", "###########")
    expert = expert_in(drawn(*rows, goal=(Verb.GO_TO, "b", "")), sees=sees)
    assert len(carry_on(expert).actions[0]) < 60
    assert expert.lost.all()


def test_boxes_are_opened_for_keys_where_many_locks_are_in_the_way() -> None:
    bank = bank_of("MiniGrid-ObstructedMaze-2Q-v1", 2)
    worlds = begin(bank)
    worlds.state.max_steps[:] = 400
    assert failing(bank, carry_on(Expert(worlds, sees="explored"))) == []


@pytest.mark.parametrize("sees", SIGHTS)
def test_lost_environment_leaves_the_others_of_its_batch_alone(sees: Sight) -> None:
    goal = (Verb.GO_TO, "b", "")
    rows = (("#######", "#>...b#", "#######"), ("#######", "#>.#.b#", "#######"), ("#######", "#b...<#", "#######"))
    expert = expert_in(*(drawn(*each, goal=goal) for each in rows), sees=sees)
    played = carry_on(expert)
    assert played.success.tolist() == [True, False, True]
    assert played.steps[[0, 2]].tolist() == [3, 3]
    assert expert.lost.tolist() == [False, True, False]


@pytest.mark.parametrize("sees", SIGHTS)
def test_lost_episode_says_nothing_of_the_next_one(sees: Sight) -> None:
    goal = (Verb.GO_TO, "b", "")
    hopeless = drawn("#######", "#>.#.b#", "#######", goal=goal, max_steps=6)
    bank = EpisodeBank.pack("drawn", [hopeless, drawn("#######", "#>...b#", "#######", goal=goal), hopeless])
    worlds = WorldBatch(bank, 1, shuffle=False)
    worlds.reset()
    expert = Expert(worlds, sees=sees)
    lost, success = [], []
    for _ in range(6 + 3 + 6):
        worlds.step(expert.actions())
        lost.append(bool(expert.lost[0]))
        success.append(bool(worlds.outcomes.success[0]))
    assert success == [False] * 8 + [True] + [False] * 6
    assert lost[5:9] == [True, False, False, False]
    assert lost[9:] == lost[:6]


# Whatever else an expert promises


def test_expert_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'world' or what it has 'explored', not 'everything'"):
        Expert(begin(bank_of("BabyAI-GoToObjS4-v0", 8)), sees="everything")  # type: ignore[arg-type]


@pytest.mark.parametrize("sees", SIGHTS)
@pytest.mark.parametrize("level", ["BabyAI-PutNextLocal-v0", "BabyAI-UnlockLocalDist-v0", "BabyAI-BossLevel-v0"])
def test_batch_is_told_what_each_environment_alone_would_be(level: str, sees: Sight) -> None:
    bank = bank_of(level, 6)
    together = carry_on(Expert(begin(bank), sees=sees))
    for row in range(len(bank)):
        alone = carry_on(Expert(begin(bank.take(np.array([row]))), sees=sees))
        assert together.actions[row] == alone.actions[0]


@pytest.mark.parametrize("sees", SIGHTS)
def test_saved_expert_goes_on_exactly(sees: Sight) -> None:
    """Even where what it has seen is no longer in view, and in the middle of a plan."""
    bank = bank_of("BabyAI-KeyCorridorS3R3-v0", 6)
    first = Expert(begin(bank), sees=sees)
    for _ in range(11):
        first.worlds.step(first.actions(), autoreset=False)
        assert not first.worlds.outcomes.ended.any()
    second = Expert(copy_of(first.worlds), sees=sees)
    saved = first.state_dict()
    second.load_state_dict(saved)
    first_played = carry_on(first)
    assert first_played.actions == carry_on(second).actions
    assert first_played.success.all()
    third = Expert(begin(bank), sees=sees)
    third.load_state_dict(saved)
    assert all(np.array_equal(array, saved[name]) for name, array in third.state_dict().items())


def test_twin_worlds_move_on_their_own() -> None:
    worlds = WorldBatch(bank_of("BabyAI-GoToLocal-v0", 60), 5, order_seed=3)
    worlds.reset()
    twin = copy_of(worlds)
    before = worlds.state_dict()
    for _ in range(80):
        twin.step(np.full(5, Action.RIGHT))
    assert all(np.array_equal(array, before[name]) for name, array in worlds.state_dict().items())
    for _ in range(80):
        worlds.step(np.full(5, Action.RIGHT))
    assert all(np.array_equal(array, twin.state_dict()[name]) for name, array in worlds.state_dict().items())
    assert (worlds.state.episode_number > 1).all()
