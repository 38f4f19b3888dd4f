"""The solver: its plans succeed when they are played, are short, and are not found where there are none."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import pytest
from hand_built import (
    AND,
    DONE,
    DROP,
    FORWARD,
    LEFT,
    PICKUP,
    RIGHT,
    STRICT_THEN,
    THEN,
    TOGGLE,
    Asked,
    episode,
)

from groundling.envs.bank import Episode, EpisodeBank
from groundling.envs.constants import FIRST_OBJECT, NOTHING_CODE, STRICT, Action, Verb
from groundling.envs.solver import WIDENING, Solver, solve, unsolvable
from groundling.envs.worlds import WorldBatch

LEVELS = (
    "BabyAI-GoToLocal-v0",
    "BabyAI-PickupLoc-v0",
    "BabyAI-PutNextLocal-v0",
    "BabyAI-UnlockLocal-v0",
    "BabyAI-UnblockPickup-v0",
    "BabyAI-KeyInBox-v0",
    "BabyAI-GoToSeqS5R2-v0",
    "BabyAI-OpenDoorsOrderN4-v0",
    "BabyAI-MoveTwoAcrossS5N2-v0",
    "MiniGrid-Fetch-8x8-N3-v0",
    "MiniGrid-GoToDoor-8x8-v0",
    "MiniGrid-PutNear-6x6-N2-v0",
    "MiniGrid-LockedRoom-v0",
    "MiniGrid-MemoryS7-v0",
    "MiniGrid-KeyCorridorS3R2-v0",
    "MiniGrid-ObstructedMaze-1Dlhb-v0",
)


def bank_of(*episodes: Episode) -> EpisodeBank:
    return EpisodeBank.pack("hand-built", episodes)


def plan_of(*rows: str, goal: Asked | Sequence[Asked], max_steps: int = 100) -> list[Action] | None:
    return solve(bank_of(episode(*rows, goal=goal, max_steps=max_steps)), 0)


def succeeds(bank: EpisodeBank, row: int, plan: Sequence[Action]) -> bool:
    """Whether a plan ends the episode, with its last action and not before, in success."""
    worlds = WorldBatch(bank.take(np.array([row])), 1, shuffle=False)
    worlds.reset()
    for number, action in enumerate(plan, 1):
        worlds.step(np.array([action]), autoreset=False)
        if worlds.outcomes.ended[0]:
            return number == len(plan) and bool(worlds.outcomes.success[0])
    return False


@pytest.mark.parametrize("level", LEVELS)
def test_every_episode_is_solved_and_its_plan_played_to_success(level: str) -> None:
    bank = EpisodeBank.of_seeds(level, range(12))
    for row in range(len(bank)):
        plan = solve(bank, row)
        assert plan is not None, f"{level}, seed {bank.seeds[row]}: {bank.instruction(row)}"
        assert succeeds(bank, row, plan), f"{level}, seed {bank.seeds[row]}: {bank.instruction(row)}"
        assert not succeeds(bank, row, plan[:-1])


def steps_to_face(bank: EpisodeBank, row: int) -> int:
    """Actions from the start to facing an object of the goal: a search over poses alone, without our kernels."""
    cells, mask = bank.cells[row], int(bank.programs[row, 0, 2])
    x, y, direction = bank.poses[row].tolist()
    steps = {(x, y, direction): 0}
    waiting = deque(steps)
    while waiting:
        pose = x, y, direction = waiting.popleft()
        ahead_x, ahead_y = x + (1, 0, -1, 0)[direction], y + (0, 1, 0, -1)[direction]
        code = int(cells[ahead_y, ahead_x])
        if code >= FIRST_OBJECT and mask >> (code - FIRST_OBJECT) & 1:
            return max(steps[pose], 1)  # the goal is judged after an action, be it one against the object
        after = [(x, y, (direction + 1) % 4), (x, y, (direction + 3) % 4)]
        if code == NOTHING_CODE:
            after.append((ahead_x, ahead_y, direction))
        for other in after:
            if other not in steps:
                steps[other] = steps[pose] + 1
                waiting.append(other)
    raise AssertionError("the object cannot be reached")


def test_plan_to_an_object_is_as_short_as_a_search_over_poses_finds() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(40))
    lengths = [len(solve(bank, row) or []) for row in range(len(bank))]
    assert lengths == [steps_to_face(bank, row) for row in range(len(bank))]
    assert min(lengths) == 1
    assert max(lengths) > 8


def test_narrow_plans_are_as_short_as_those_of_the_full_search() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-PutNextLocalS5N3-v0", range(10))
    solver = Solver(bank, 1_000_000)
    for row in range(len(bank)):
        narrow, full = (solver.attempt(row, width) for width in (WIDENING[0], WIDENING[-1]))
        assert narrow is not None
        assert full is not None
        assert len(narrow) == len(full)


@pytest.mark.parametrize(
    ("rows", "goal", "expected"),
    [
        (("#####", "#>.b#", "#####"), (Verb.GO_TO, "b", ""), [FORWARD]),
        (("####", "#>b#", "####"), (Verb.GO_TO, "b", ""), [FORWARD]),
        (("#####", "#>.b#", "#####"), (Verb.PICK_UP, "b", ""), [FORWARD, PICKUP]),
        (("#####", "#>DD#", "#####"), (Verb.OPEN, "D", ""), [TOGGLE]),
        (("#####", "#>O.#", "#####"), (Verb.OPEN, "O", ""), [TOGGLE, TOGGLE]),
        (("######", "#>yL.#", "######"), (Verb.OPEN, "L", ""), [PICKUP, FORWARD, TOGGLE]),
        (("#######", "#>y.Lb#", "#######"), (Verb.GO_TO, "b", ""), [PICKUP, FORWARD, FORWARD, TOGGLE, FORWARD]),
        (("####", "#>B#", "####"), (Verb.PICK_UP, "k", ""), [TOGGLE, PICKUP]),
        (("#####", "#>b##", "#.g##", "#####"), (Verb.PUT_NEXT_TO, "b", "g"), [PICKUP, DROP]),
        (("#####", "#>..#", "#####"), (Verb.STEP_ON, (3, 1), (0, 0)), [FORWARD, FORWARD]),
        (("#####", "#>.b#", "#####"), (Verb.ANNOUNCE, (3, 1), ""), [FORWARD, DONE]),
        (
            ("#####", "#b>g#", "#####"),
            [(Verb.GO_TO, "b", ""), (Verb.GO_TO, "g", "", THEN)],
            [LEFT, LEFT, LEFT, LEFT],
        ),
        (("#####", "#b>g#", "#####"), [(Verb.GO_TO, "b", ""), (Verb.PICK_UP, "g", "", AND)], [PICKUP, LEFT, LEFT]),
        (
            ("######", "#>b.g#", "######"),
            [(Verb.PICK_UP, "b", ""), (Verb.GO_TO, "g", "", STRICT_THEN)],
            [PICKUP, FORWARD, FORWARD],
        ),
    ],
)
def test_plan_of_a_small_world_is_the_one_found_by_hand(
    rows: tuple[str, ...], goal: Asked | Sequence[Asked], expected: list[Action]
) -> None:
    plan = plan_of(*rows, goal=goal)
    assert plan is not None
    assert [RIGHT if action == LEFT and expected.count(RIGHT) else action for action in plan] == expected


@pytest.mark.parametrize(
    ("rows", "goal"),
    [
        (("#######", "#>..Lb#", "#y.####", "#######"), (Verb.PICK_UP, "b", "")),  # a key for the lock in the way
        (("#######", "#>...L#", "#y.####", "#######"), (Verb.OPEN, "L", "")),  # a key for the lock that is meant
        (("#######", "#>.B..#", "#######"), (Verb.PICK_UP, "k", "")),  # a box around what is meant
        (("#######", "#>.g.b#", "#######"), (Verb.GO_TO, "b", "")),  # an object in the way
        (("#######", "#>.OgD#", "##.####", "#######"), (Verb.OPEN, "D", "")),
    ],
)
def test_the_narrowest_search_knows_what_is_needed(rows: tuple[str, ...], goal: Asked) -> None:
    assert Solver(bank_of(episode(*rows, goal=goal)), 10_000).attempt(0, WIDENING[0]) is not None


def test_object_in_the_way_is_moved_out_of_it() -> None:
    rows = ("#######", "#>.b.g#", "#..####", "#######")
    plan = plan_of(*rows, goal=(Verb.PICK_UP, "g", ""))
    assert plan is not None
    assert plan.count(PICKUP) == 2
    assert plan.count(DROP) == 1


@pytest.mark.parametrize(
    ("rows", "goal"),
    [
        (("#######", "#>..#b#", "#######"), (Verb.GO_TO, "b", "")),  # walled in
        (("#######", "#>..Lb#", "#######"), (Verb.GO_TO, "b", "")),  # locked in, and there is no key
        (("#######", "#>k.Lb#", "#######"), (Verb.GO_TO, "b", "")),  # the key of another lock
        (("########", "#>..Lyb#", "########"), (Verb.GO_TO, "b", "")),  # the key behind its own lock
        (("######", "#>b.g#", "######"), (Verb.PICK_UP, "g", "", STRICT)),  # what is in the way must stay there
        (("######", "#>b.g#", "######"), [(Verb.GO_TO, "g", ""), (Verb.GO_TO, "b", "", STRICT_THEN)]),
    ],
)
def test_no_plan_is_found_where_there_is_none(rows: tuple[str, ...], goal: Asked | Sequence[Asked]) -> None:
    assert plan_of(*rows, goal=goal) is None


def test_the_time_limit_counts() -> None:
    rows, goal = ("########", "#>....b#", "########"), (Verb.GO_TO, "b", "")
    assert plan_of(*rows, goal=goal, max_steps=4) == [FORWARD] * 4
    assert plan_of(*rows, goal=goal, max_steps=3) is None


def test_search_gives_up_at_the_limit_of_states() -> None:
    bank = bank_of(episode("########", "#>....b#", "########", goal=(Verb.GO_TO, "b", "")))
    assert solve(bank, 0, max_states=5) is None
    assert solve(bank, 0, max_states=50) is not None


def test_unsolvable_names_the_seeds_of_the_rows_asked_for() -> None:
    open_way = episode("#####", "#>.b#", "#####", goal=(Verb.GO_TO, "b", ""), seed=3)
    walled = episode("#####", "#>#b#", "#####", goal=(Verb.GO_TO, "b", ""), seed=8)
    bank = bank_of(open_way, walled, open_way)
    assert unsolvable(bank) == [8]
    assert unsolvable(bank, [0, 2]) == []
    with pytest.raises(IndexError):
        unsolvable(bank, [3])
    with pytest.raises(IndexError):
        solve(bank, 3)


def test_a_solver_keeps_nothing_from_one_episode_to_the_next() -> None:
    bank = EpisodeBank.of_seeds("BabyAI-UnblockPickup-v0", range(6))
    solver = Solver(bank, 100_000)
    assert [solver.solve(row) for row in (0, 1, 2, 3, 4, 5)] == [
        solve(bank, row, max_states=100_000) for row in range(6)
    ]
    assert not solver.nodes.table.any()
