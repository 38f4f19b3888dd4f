"""The compiled rules against the plain ones, episode by episode, and rooms of which the outcome is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference import Room, all_assignments
from splitmix import Dice

from groundling.envs.families.manuals.rtfm.assignments import Assignments, place_of, scattered
from groundling.envs.families.manuals.rtfm.batch import RTFMBatch
from groundling.envs.families.manuals.rtfm.names import ELEMENTS, TEAMS, VARIANTS, Variant
from groundling.envs.families.manuals.rtfm.state import AGENT, BAD, DISTRACTOR, GOOD, TARGET
from groundling.envs.families.manuals.rtfm.wording import (
    BEATS,
    FIXED,
    MAX_ABSENT,
    NATURAL,
    SENTENCE_TOKENS,
    UNHEARD,
    WORDS,
    check_lengths,
    longest,
)
from groundling.errors import InstructionError

scattered_number = scattered.py_func


def seen_names(image: Any, size: int) -> list[list[str]]:
    return [[WORDS.decode([cell[1], cell[0]]) for cell in row[:size]] for row in image[:size]]


def numbers_of(assignments: Assignments, part: str) -> list[int]:
    first, count = assignments.places(part)
    return [scattered_number(first + place, assignments.total, assignments.bits) for place in range(count)]


@pytest.mark.parametrize(
    ("variant", "wording", "envs", "steps"),
    [
        (Variant(False, False, False, 6), FIXED, 100, 60),
        (Variant(False, True, True, 6), NATURAL, 150, 40),
        (Variant(False, True, False, 10), FIXED._replace(shuffled=True, absent=MAX_ABSENT), 60, 60),
        (Variant(False, False, True, 10), UNHEARD, 40, 80),
    ],
    ids=str,
)
def test_random_episodes_are_those_of_the_plain_rules(variant: Variant, wording: Any, envs: int, steps: int) -> None:
    max_steps = 25
    batch = RTFMBatch(variant, envs, part="train", wording=wording, seed=3, max_steps=max_steps)
    assignments, numbers = all_assignments(variant), numbers_of(batch.assignments, "train")
    states = [int(state) for state in batch.worlds.random]
    rooms = [Room(variant, Dice(state), assignments, numbers, wording, max_steps) for state in states]
    batch.reset()
    actions, ended = np.random.default_rng(0).integers(5, size=(steps, envs)), 0
    for row in actions:
        for b, room in enumerate(rooms):
            assert batch.manual(b) == tuple(room.manual)
            assert batch.goal(b) == room.goal
            assert seen_names(batch.seen.image[b], variant.size) == room.names()
            assert batch.seen.valid[b].tolist() == [
                room.is_inside(room.x + dx, room.y + dy) for dx, dy in ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
            ]
            assert WORDS.decode([batch.seen.carried[b]]) == (room.carried.modifier if room.carried else "")
        batch.step(row)
        for b, room in enumerate(rooms):
            reward, terminated, truncated, won = room.step(int(row[b]))
            out = batch.outcomes
            assert (out.reward[b], out.terminated[b], out.truncated[b]) == (reward, terminated, truncated)
            assert out.success[b] == won
            if terminated or truncated:
                ended += 1
                assert out.episode_length[b] == room.steps
                assert seen_names(batch.last.image[b], variant.size) == room.names()
                room.begin()
    assert ended > envs


def test_thousands_of_episodes_of_the_full_game_end_as_by_the_plain_rules() -> None:
    variant = Variant(True, True, True, 6)
    batch = RTFMBatch(variant, 250, part="unseen", wording=NATURAL, seed=8)
    total, bits = batch.assignments.total, batch.assignments.bits

    class Numbers:
        def __len__(self) -> int:
            return batch.assignments.places("unseen")[1]

        def __getitem__(self, place: int) -> int:
            return scattered_number(batch.assignments.places("unseen")[0] + place, total, bits)

    class Parts:
        def __getitem__(self, number: int) -> Any:
            teams, elements = batch.assignments.parts(number)
            return [TEAMS[team] for team in teams], [ELEMENTS[element] for element in elements]

    states = [int(state) for state in batch.worlds.random]
    rooms = [Room(variant, Dice(state), Parts(), Numbers(), NATURAL, 1000) for state in states]
    batch.reset()
    ended = 0
    for row in np.random.default_rng(1).integers(5, size=(60, 250)):
        batch.step(row)
        for b, room in enumerate(rooms):
            answer = room.step(int(row[b]))
            out = batch.outcomes
            assert (out.reward[b], out.terminated[b], out.truncated[b], out.success[b]) == answer
            if answer[1]:
                ended += 1
                room.begin()
                assert batch.manual(b) == tuple(room.manual)
    assert ended > 3000


@pytest.fixture
def still() -> RTFMBatch:
    batch = RTFMBatch(Variant(True, False, False, 6), 1, part="all", wording=FIXED, seed=0, max_steps=50)
    batch.reset()
    # in the lowest row agent, right item and wanted monster; above the two last the others
    batch.worlds.cell[0, [AGENT, TARGET, DISTRACTOR, GOOD, BAD]] = [41, 43, 33, 42, 32]
    return batch


def act(batch: RTFMBatch, *moves: int) -> tuple[float, bool, bool]:
    for move in moves:
        batch.step(np.array([move]), autoreset=False)
    out = batch.outcomes
    return float(out.reward[0]), bool(out.ended[0]), bool(out.success[0])


@pytest.mark.parametrize(
    ("moves", "outcome"),
    [
        ((4,), (-0.02, False, False)),  # takes the right item
        ((4, 4), (1.0, True, True)),  # and kills the wanted monster
        ((4, 1, 4), (-1.0, True, False)),  # the other item destroys it, and kills the other monster: lost
        ((4, 1, 2, 4), (-1.0, True, False)),  # with the wrong item the wanted monster kills
        ((3, 0, 2, 2), (-0.02, False, False)),  # walls
    ],
)
def test_outcome_of_a_known_room(still: RTFMBatch, moves: tuple[int, ...], outcome: tuple) -> None:
    assert act(still, *moves) == outcome


def test_time_limit_truncates_with_the_reward_of_a_loss(still: RTFMBatch) -> None:
    assert act(still, *[0] * 49) == (-0.02, False, False)
    still.step(np.array([0]))
    assert (still.outcomes.reward[0], still.outcomes.truncated[0], still.outcomes.terminated[0]) == (-1, True, False)
    assert still.outcomes.episode_return[0] == pytest.approx(-1 - 49 * 0.02)
    assert still.outcomes.episode_length[0] == 50


def test_counts_of_assignments_are_the_published_ones() -> None:
    assert Assignments.of(VARIANTS["groundling/RTFM-Simple-6x6-v0"]).total == 144
    full = Assignments.of(VARIANTS["groundling/RTFM-Groups-6x6-v0"])
    assert (len(full.teams), len(full.elements), full.total) == (1680, 2520, 4_233_600)
    assert full.places("train")[1] == full.places("validation")[1] + full.places("unseen")[1] == 2_116_800
    assert full.places("validation")[1] == full.places("unseen")[1]


def test_sentences_that_do_not_fit_are_refused_by_name() -> None:
    assert max(map(longest, BEATS)) <= SENTENCE_TOKENS
    with pytest.raises(InstructionError, match=r"'\{modifiers\} win win win .*has up to 20 tokens"):
        check_lengths(["{modifiers} " + "win " * 17], 18)


def test_places_are_a_bijection() -> None:
    simple = Assignments.of(VARIANTS["groundling/RTFM-Simple-6x6-v0"])
    assert sorted(numbers_of(simple, "all")) == list(range(144))
    full = Assignments.of(VARIANTS["groundling/RTFM-Groups-6x6-v0"])
    for place in (0, 1, 77, 2_116_799, 2_116_800, full.total - 1):
        assert place_of(scattered_number(place, full.total, full.bits), full.total, full.bits) == place
    for number in (0, 5, 4_000_000):
        assert full.number(*full.parts(number)) == number
