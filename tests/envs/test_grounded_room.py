"""The rooms of Chaplot et al. 2018, natively drawn: rules, sizes, splits, and that they can be solved in time."""

from __future__ import annotations

import heapq
import math

import gymnasium
import numpy as np
import pytest
from hand_built_rooms import room

import groundling
from groundling.envs.engine.constants import BORDER, FIRST_OBJECT, STRICT
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.rover import OBJECT_RADII, Rover
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.families.chaplot.episodes import Difficulty
from groundling.envs.families.chaplot.room import ROOMS, SPLITS, look_of
from groundling.envs.families.chaplot.rules import ROOM_RULES
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError, SplitError
from groundling.language.grounded import INSTRUCTIONS, OBJECTS, TEST, TRAIN, denotes, is_clearly_larger

IDS = tuple(ROOMS)
EASY = IDS[0]


def test_ids_are_registered_with_gymnasium_and_with_us() -> None:
    assert tuple(f"groundling/GroundedRoom-{name}-v0" for name in ("Easy", "Medium", "Hard")) == IDS
    env = gymnasium.make(EASY)
    observation, info = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    assert isinstance(env.action_space, gymnasium.spaces.Discrete)
    assert env.action_space.n == 3
    assert info["instruction_text"] in INSTRUCTIONS


@pytest.mark.parametrize("id", IDS)
def test_exactly_the_object_that_the_instruction_denotes_is_the_goal(id: str) -> None:
    bank = groundling.build_bank(id, 200, split="all", cache=False, progress=False)
    thing_of = {look_of(thing): thing for thing in OBJECTS}
    assert len(thing_of) == 18
    for row in range(200):
        things = [thing_of[int(seen)] for seen in bank.looks[row, FIRST_OBJECT:]]
        (right,) = denotes(bank.instruction(row), things)
        assert bank.programs[row, 0].tolist() == [0, STRICT, 1 << right, 0]
    assert set(bank.max_steps.tolist()) == {30}
    assert len(set(bank.instructions)) > 55


def test_splits_are_the_papers_and_keep_to_their_sentences() -> None:
    train, test = ({INSTRUCTIONS[index] for index in indices} for indices in (TRAIN, TEST))
    assert set(SPLITS["train"].sentences) == set(SPLITS["seen"].sentences) == train
    assert set(SPLITS["unseen"].sentences) == test
    strata = [set(SPLITS[name].sentences) for name in ("reordered", "new_set", "superlative")]
    assert [len(stratum) for stratum in strata] == [7, 6, 2]
    assert set().union(*strata) == test
    for name in ("train", "unseen", "superlative"):
        bank = groundling.build_bank(EASY, 64, split=name, cache=False, progress=False)
        assert set(bank.instructions) <= set(SPLITS[name].sentences)
        assert (bank.seeds % 2 == SPLITS[name].is_evaluation).all()
    with pytest.raises(SplitError, match="has no split 'combination': choose one of all, train"):
        groundling.build_bank(EASY, 64, split="combination")
    with pytest.raises(SplitError, match="has its sentences listed"):
        groundling.make_vec(EASY, 1, instruction="Go to the torch")


def test_what_is_said_to_be_larger_is_drawn_larger() -> None:
    """In height and in area, from 2 m, by the pixels that show it."""
    drawn = {}
    for thing in OBJECTS:
        batch = RoverBatch(
            room((6, 4, look_of(thing))), 1, rover=Rover(), camera=Camera(width=256, height=256, segmentation=True)
        )
        batch.reset()
        shown = batch.seen()["segmentation"][0] == FIRST_OBJECT
        drawn[thing] = (int(shown.any(axis=1).sum()), int(shown.sum()))
    pairs = [(one, other) for one in OBJECTS for other in OBJECTS if is_clearly_larger(one, other)]
    assert len(pairs) > 60
    for one, other in pairs:
        assert drawn[one][0] > 1.2 * drawn[other][0], f"{one} is not taller than {other}"
        assert drawn[one][1] > 1.05 * drawn[other][1], f"{one} has not more area than {other}"


def steps_needed(bank: groundling.EpisodeBank, row: int) -> int:
    """Length of a way to the target on which nothing else is faced within reach, by best-first search."""
    rules, radius = ROOM_RULES, Rover().radius_m
    turns = round(2 * math.pi / rules.turn_angle_rad)
    side = bank.cells.shape[2]
    target = int(bank.programs[row, 0, 2]).bit_length() - 1
    centers = [(place % side + 0.5, place // side + 0.5) for place in bank.positions[row].tolist()]
    radii = [OBJECT_RADII[int(seen) >> 16 & 0xFF] for seen in bank.looks[row, FIRST_OBJECT:]]

    def faced(x: float, y: float, heading: int) -> int | None:
        nearest = None
        for k, (center, width) in enumerate(zip(centers, radii, strict=True)):
            to_x, to_y = center[0] - x, center[1] - y
            cos, sin = math.cos(heading * rules.turn_angle_rad), math.sin(heading * rules.turn_angle_rad)
            distance = math.hypot(to_x, to_y)
            is_met = cos * to_x + sin * to_y > 0 and abs(cos * to_y - sin * to_x) <= max(width, 0.25)
            if is_met and distance <= rules.reach_m and (nearest is None or distance < nearest[0]):
                nearest = (distance, k)
        return None if nearest is None else nearest[1]

    def bound(x: float, y: float) -> int:
        return math.ceil(max(0.0, math.dist((x, y), centers[target]) - rules.reach_m) / rules.step_length_m)

    x, y, direction = (int(value) for value in bank.poses[row])
    queue = [(bound(x + 0.5, y + 0.5), 0, x + 0.5, y + 0.5, direction * turns // 4)]
    seen = set()
    while queue:
        _, steps, x_now, y_now, heading = heapq.heappop(queue)
        key = (round(8 * x_now), round(8 * y_now), heading)
        if key in seen:
            continue
        seen.add(key)
        met = faced(x_now, y_now, heading)
        if met is not None and steps:
            if met == target:
                return steps
            continue
        angle = heading * rules.turn_angle_rad
        ahead = x_now + rules.step_length_m * math.cos(angle), y_now + rules.step_length_m * math.sin(angle)
        moves = [(x_now, y_now, (heading + turn) % turns) for turn in (-1, 1)]
        is_inside = all(1 + radius <= place <= side - 1 - radius for place in ahead)
        if is_inside and all(math.dist(ahead, c) > radius + r for c, r in zip(centers, radii, strict=True)):
            moves.append((*ahead, heading))
        for move in moves:
            heapq.heappush(queue, (steps + 1 + bound(*move[:2]), steps + 1, *move))
    raise AssertionError(f"no way in episode {row}")


@pytest.mark.parametrize("id", IDS)
def test_every_room_can_be_solved_in_time(id: str) -> None:
    bank = groundling.build_bank(id, 100, split="train", cache=False, progress=False)
    slow = {int(bank.seeds[row]): steps for row in range(100) if (steps := steps_needed(bank, row)) > 30}
    assert not slow


def drive_to(batch: RoverBatch, code_of: np.ndarray) -> np.ndarray:
    """Actions [B] that turn to an object of each environment and drive at it."""
    place = batch.state.positions[np.arange(batch.num_envs), code_of]
    to_x, to_y = place % batch.width + 0.5 - batch.poses.x, place // batch.width + 0.5 - batch.poses.y
    aside = (np.arctan2(to_y, to_x) - batch.poses.heading + math.pi) % (2 * math.pi) - math.pi
    return np.where(aside < -0.14, 0, np.where(aside > 0.14, 1, 2))


@pytest.mark.parametrize("is_right", [True, False])
def test_reward_is_one_at_the_right_object_and_a_fifth_lost_at_another(is_right: bool) -> None:
    envs = groundling.make_vec(EASY, 50, bank_size=50, shuffle=False, progress=False)
    envs.reset()
    worlds = envs.worlds
    assert isinstance(worlds, RoverBatch)
    right = np.array([int(mask).bit_length() - 1 for mask in worlds.state.programs[:, 0, 2]])
    aim = right if is_right else (right + 1) % 5
    rewards = np.zeros(50)
    for _ in range(20):
        _, reward, terminated, _, _ = envs.step(np.where(rewards == 0, drive_to(worlds, aim), 0))
        rewards = np.where((rewards == 0) & terminated, reward, rewards)
    assert set(rewards) == {1.0 if is_right else -0.2}


def test_time_is_up_after_thirty_steps() -> None:
    envs = groundling.make_vec(EASY, 2, bank_size=4, progress=False)
    envs.reset()
    for step in range(1, 31):
        _, reward, terminated, truncated, _ = envs.step(np.zeros(2, dtype=int))  # turning on the spot
        assert not terminated.any()
        assert truncated.tolist() == [step == 30] * 2
        assert reward.tolist() == [0, 0]


def test_difficulties_differ_in_where_things_are() -> None:
    banks = {
        difficulty: groundling.build_bank(room.id, 200, split="train", cache=False, progress=False)
        for difficulty, room in zip(Difficulty, ROOMS.values(), strict=True)
    }
    starts = {difficulty: len({tuple(pose) for pose in bank.poses.tolist()}) for difficulty, bank in banks.items()}
    places = {d: len({tuple(sorted(p)) for p in bank.positions.tolist()}) for d, bank in banks.items()}
    assert starts[Difficulty.EASY] == starts[Difficulty.MEDIUM] == 1
    assert places[Difficulty.EASY] == 1
    assert places[Difficulty.MEDIUM] > 150
    assert starts[Difficulty.HARD] > 60
    assert set(banks[Difficulty.HARD].poses[:, 2].tolist()) == {0, 1, 2, 3}
    side = banks[Difficulty.HARD].cells.shape[2]
    y, x = np.divmod(banks[Difficulty.HARD].positions.astype(int), side)
    apart = np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None]) + 9 * np.eye(5)
    assert apart.min() >= 2


def test_camera_and_body_can_be_changed_and_settings_cannot() -> None:
    envs = groundling.make_vec(EASY, 2, bank_size=4, camera=Camera(width=40, height=30, depth=True), progress=False)
    observation, _ = envs.reset()
    assert observation["image"].shape == (2, 30, 40, 3)
    assert observation["depth"].shape == (2, 30, 40)
    assert envs.single_action_space.n == 3  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="has no settings"):
        ROOMS[EASY].changed(room_size=9)
    assert Embodiment().vocabulary.fingerprint != ROOMS[EASY].embodiment.vocabulary.fingerprint
    assert BORDER > 0
