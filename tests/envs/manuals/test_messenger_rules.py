"""The compiled rules against the plain ones, episode by episode, and rooms of which the outcome is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from messenger_reference import Room
from splitmix import Dice

from groundling.envs.families.manuals.messenger.batch import MessengerBatch
from groundling.envs.families.manuals.messenger.games import GAMES, places
from groundling.envs.families.manuals.messenger.names import ACTIONS, ENTITIES, ROLES, STAGES
from groundling.envs.families.manuals.messenger.state import (
    AGENT,
    CHASER,
    ENEMY,
    FALSE_GOAL,
    FALSE_MESSAGE,
    FLEEING,
    GOAL,
    GONE,
    IMMOVABLE,
    MESSAGE,
)
from groundling.envs.families.manuals.messenger.texts import TOLD, own_texts, read_texts

S1, S2, S3 = STAGES.values()
REAL = Path(__file__).parents[4] / "shared" / "data" / "messenger"
needs_files = pytest.mark.skipif(not REAL.is_dir(), reason="the original's sentences are not here")


def real_sentences() -> dict[str, Any]:
    return {split: json.loads((REAL / f"text_{split}.json").read_text()) for split in ("train", "val", "test")}


def seen_names(batch: MessengerBatch, image: Any) -> dict[tuple[int, int], tuple[str, ...]]:
    words, found = batch.vocabulary.words, {}
    for y, x in np.argwhere((image != [words.index("floor"), 0, 0]).any(axis=-1)):
        ground, name, heading = image[y, x].tolist()
        found[int(x), int(y)] = (words[ground], words[name] if name else "", ("", *ACTIONS)[heading])
    return found


def told_in(batch: MessengerBatch, b: int) -> list[tuple[Any, ...]]:
    return [
        (ENTITIES[entity], ROLES[role], TOLD[way], bool(needed))
        for (entity, role, way), needed in zip(batch.asserted()[b], batch.needed()[b], strict=True)
    ]


@pytest.mark.parametrize(
    ("stage", "part", "options", "is_real", "envs", "steps"),
    [
        (S1, "train", {}, False, 100, 30),
        (S1, "test", {"words": (0, 1, 2)}, False, 60, 20),
        (S2, "train", {}, False, 100, 60),
        (S2, "val", {"words": (0, 1, 2), "any_moves": True}, False, 60, 60),
        (S2, "test", {"new_starts": True, "frames": 3}, False, 60, 60),
        (S3, "train", {}, False, 100, 60),
        (S3, "test", {"new_starts": True}, False, 60, 40),
        pytest.param(S2, "train", {}, True, 60, 40, marks=needs_files),
        pytest.param(S3, "train", {}, True, 60, 40, marks=needs_files),
        pytest.param(S3, "test", {}, True, 60, 40, marks=needs_files),
    ],
    ids=str,
)
def test_random_episodes_are_those_of_the_plain_rules(
    stage: Any, part: str, options: dict[str, Any], is_real: bool, envs: int, steps: int
) -> None:
    max_steps = 4 if stage is S1 else 25
    texts = read_texts(REAL) if is_real else own_texts()
    batch = MessengerBatch(stage, envs, part=part, texts=texts, seed=3, max_steps=max_steps, **options)
    first, count = places(part)
    plain = {key: value for key, value in options.items() if key in ("any_moves", "new_starts")}
    plain["words"] = options.get("words", (0, 0, 0))[("train", "val", "test").index(part)]
    plain["sentences"] = real_sentences() if is_real else None
    games = list(GAMES[first : first + count])
    rooms = [Room(stage.number, Dice(int(s)), games, part, max_steps, **plain) for s in batch.worlds.random]
    batch.reset()
    ended = 0
    for row in np.random.default_rng(0).integers(5, size=(steps, envs)):
        for b, room in enumerate(rooms):
            assert [" ".join(line.replace(",", " ,").split()) for line in batch.manual(b)] == [
                " ".join(batch.vocabulary.decode(batch.vocabulary.encode(line)).replace(",", " ,").split())
                for line in room.manual
            ]
            assert told_in(batch, b) == room.told
            assert batch.game(b) == (room.enemy.name, room.message.name, room.goal.name)
            assert seen_names(batch, batch.seen.image[b, 0]) == room.seen()
            assert batch.vocabulary.decode([batch.seen.carried[b]]) == ("message" if room.has_message else "")
            moved = [(room.agent.x + dx, room.agent.y + dy) for dx, dy in ((0, -1), (0, 1), (-1, 0), (1, 0), (0, 0))]
            assert batch.seen.valid[b].tolist() == [0 <= x <= 9 and 0 <= y <= 9 for x, y in moved]
        batch.step(row)
        for b, room in enumerate(rooms):
            reward, terminated, truncated, won = room.step(ACTIONS[row[b]])
            out = batch.outcomes
            assert (out.reward[b], out.terminated[b], out.truncated[b]) == (reward, terminated, truncated)
            assert out.success[b] == won
            if terminated or truncated:
                ended += 1
                assert out.episode_length[b] == room.steps
                assert seen_names(batch, batch.last.image[b, 0]) == room.seen()
                assert batch.vocabulary.decode([batch.last.carried[b]]) == ("message" if room.has_message else "")
                room.begin()
    assert ended > envs


# Rooms of which the outcome is known

UP, DOWN, LEFT, RIGHT, STAY = range(5)


def room(stage: Any, cells: dict[int, tuple[float, float]], ways: dict[int, int] | None = None) -> MessengerBatch:
    """One room with things in cells (halves count), where nothing moves but as told."""
    batch = MessengerBatch(stage, 1, part="test", texts=own_texts(), seed=0)
    batch.reset()
    batch.worlds.x[0] = GONE
    batch.worlds.movement[0] = IMMOVABLE
    batch.worlds.has_message[0] = False
    for thing, (x, y) in cells.items():
        batch.worlds.x[0, thing], batch.worlds.y[0, thing] = round(2 * x), round(2 * y)
    for thing, way in (ways or {}).items():
        batch.worlds.movement[0, thing] = way
    return batch


def act(batch: MessengerBatch, *moves: int) -> tuple[float, bool, bool]:
    for move in moves:
        batch.step(np.array([move]), autoreset=False)
    out = batch.outcomes
    return float(out.reward[0]), bool(out.ended[0]), bool(out.success[0])


ROW = {AGENT: (2, 5), MESSAGE: (4, 5), GOAL: (6, 5), ENEMY: (2, 8)}


@pytest.mark.parametrize(
    ("moves", "outcome"),
    [
        ((RIGHT,), (0.0, False, False)),
        ((RIGHT, RIGHT), (0.5, False, False)),  # takes the message
        ((RIGHT, RIGHT, STAY), (0.0, False, False)),  # which is gone
        ((RIGHT, RIGHT, RIGHT, RIGHT), (1.0, True, True)),
        ((UP, RIGHT, RIGHT, RIGHT, RIGHT, DOWN), (-1.0, True, False)),  # reaches the goal without it
        ((DOWN, DOWN, DOWN), (-1.0, True, False)),  # meets the enemy
        ((LEFT, LEFT, LEFT, LEFT), (0.0, False, False)),  # walls
    ],
)
def test_outcome_of_a_known_room(moves: tuple[int, ...], outcome: tuple[Any, ...]) -> None:
    assert act(room(S2, ROW), *moves) == outcome


@pytest.mark.parametrize("thing", [FALSE_MESSAGE, FALSE_GOAL])
def test_false_entities_are_lethal_with_and_without_the_message(thing: int) -> None:
    for has_message in (False, True):
        batch = room(S3, {AGENT: (2, 5), ENEMY: (0, 0), MESSAGE: (9, 9), GOAL: (9, 0), thing: (3, 5)})
        batch.worlds.has_message[0] = has_message
        assert act(batch, RIGHT) == (-1.0, True, False)


@pytest.mark.parametrize(
    ("x", "is_met"), [(3.0, True), (3.5, True), (4.0, False)]
)  # of an enemy beside an agent that goes to (3, 5)
def test_half_a_cell_in_common_is_a_meeting(x: float, is_met: bool) -> None:
    batch = room(S2, {AGENT: (2, 5), ENEMY: (x, 5.5), MESSAGE: (9, 9), GOAL: (9, 0)})
    assert act(batch, RIGHT)[1] == is_met


def test_enemy_and_goal_come_before_the_message() -> None:
    for thing in (ENEMY, GOAL):
        batch = room(S2, {AGENT: (2, 5), MESSAGE: (3, 4.5), thing: (3, 5.5)})
        assert act(batch, RIGHT) == (-1.0, True, False)


def test_entities_go_by_where_the_agent_was() -> None:
    # the agent leaves the enemy's column: chased from where it was, the enemy comes straight down, half a cell
    batch = room(S2, {AGENT: (5, 6), ENEMY: (5, 2), MESSAGE: (9, 9), GOAL: (9, 0)}, {ENEMY: CHASER})
    act(batch, LEFT)
    assert (batch.worlds.x[0, ENEMY], batch.worlds.y[0, ENEMY]) == (10, 5)
    assert (batch.worlds.x[0, AGENT], batch.worlds.y[0, AGENT]) == (8, 12)


def test_who_flees_into_the_wall_stays() -> None:
    places_met = set()
    for seed in range(40):
        batch = room(S2, {AGENT: (5, 0), ENEMY: (0, 0), MESSAGE: (9, 9), GOAL: (9, 5)}, {ENEMY: FLEEING})
        batch.worlds.random[0] = seed
        act(batch, STAY)
        places_met.add((int(batch.worlds.x[0, ENEMY]), int(batch.worlds.y[0, ENEMY])))
    assert places_met == {(0, 0), (0, 1)}  # left and up lead out of the room, down does not


@pytest.mark.parametrize(
    ("has_message", "move", "outcome"),
    [
        (False, UP, (1.0, True, True)),  # the message
        (True, UP, (-1.0, True, False)),
        (False, LEFT, (-1.0, True, False)),  # the goal
        (True, LEFT, (1.0, True, True)),
        (True, RIGHT, (-1.0, True, False)),  # the enemy
    ],
)
def test_first_stage_asks_for_the_message_or_for_the_goal(has_message: bool, move: int, outcome: Any) -> None:
    batch = room(S1, {AGENT: (5, 5), MESSAGE: (5, 3), GOAL: (3, 5), ENEMY: (7, 5)})
    batch.worlds.has_message[0] = has_message
    assert act(batch, move, move) == outcome


@pytest.mark.parametrize("stage", STAGES.values(), ids=str)
def test_time_limit_truncates_with_the_reward_of_a_loss(stage: Any) -> None:
    batch = room(stage, {AGENT: (2, 5), MESSAGE: (9, 9), GOAL: (9, 5), ENEMY: (9, 0)})
    assert act(batch, *[STAY] * (stage.max_steps - 1)) == (0.0, False, False)
    batch.step(np.array([STAY]), autoreset=False)
    out = batch.outcomes
    assert (out.reward[0], out.truncated[0], out.terminated[0], out.success[0]) == (-1, True, False, False)
    assert out.episode_length[0] == stage.max_steps == {1: 4, 2: 64, 3: 128}[stage.number]


def test_message_that_is_taken_in_the_last_step_does_not_pay() -> None:
    batch = room(S2, {**ROW, MESSAGE: (3, 5)})
    batch.worlds.steps[0] = 63
    assert act(batch, RIGHT) == (-1.0, True, False)


def test_earlier_frames_are_the_images_of_earlier_steps() -> None:
    batch = MessengerBatch(S2, 30, part="train", texts=own_texts(), seed=0, frames=3)
    batch.reset()
    seen = [batch.seen.image[:, 0].copy()]
    assert np.array_equal(batch.seen.image[:, 1], seen[0])
    assert np.array_equal(batch.seen.image[:, 2], seen[0])
    for row in np.random.default_rng(0).integers(5, size=(4, 30)):
        batch.step(row, autoreset=False)
        seen.append(batch.seen.image[:, 0].copy())
    goes_on = ~batch.worlds.over
    assert goes_on.sum() > 5
    for frame in range(3):
        assert np.array_equal(
            batch.observation(fresh=True)[f"image_{frame}" if frame else "image"][goes_on], seen[-1 - frame][goes_on]
        )


def test_two_false_and_true_entities_in_a_cell_look_the_same_either_way_round() -> None:
    images = []
    for one, other in ((MESSAGE, FALSE_MESSAGE), (FALSE_MESSAGE, MESSAGE)):
        batch = room(S3, {AGENT: (0, 0), ENEMY: (9, 9), GOAL: (9, 0), one: (4, 4), other: (4.5, 4)})
        batch.worlds.heading[0, [one, other]] = [2, 4]
        batch.worlds.game[0] = 0
        act(batch, STAY)
        images.append(batch.seen.image[0, 0, 4, 4].tolist())
    assert images[0] == images[1]
    assert images[0][0] == images[0][1] != 0
