"""Rooms with a manual: who knows the truth solves all, who does not read meets the plateau that is told."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from guessing import drive_by, guess, objects_of, play_by

from groundling.agents.bots import unsolved_seeds
from groundling.envs import EpisodeBank
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.catalog import find_family
from groundling.envs.engine.constants import BOX, CLOSED, DOOR, FIRST_OBJECT, KEY, LOCKED, NOTHING_CODE, OPEN, Action
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.families.own.registered import find_task
from groundling.envs.tasks.read_beacons import MEANINGS, MEANS, ReadBeacons
from groundling.envs.tasks.read_boxes import HOLDS, IS_TRAP, LAW, PLACES
from groundling.envs.tasks.read_keys import LOCKS, OPENS
from groundling.envs.worlds.task import Task
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import ConfigurationError
from groundling.language import Open

IDS = ("groundling/ReadBeacons-v0", "groundling/ReadBoxes-v0", "groundling/ReadKeys-v0")
SUITES = ("layout", "assignments", "phrasing", "order", "size", "distractors")
FORMS = {"Beacons": (MEANS,), "Boxes": (HOLDS, IS_TRAP, LAW), "Keys": (OPENS,)}
PAIRS = {"Beacons": MEANINGS, "Boxes": PLACES, "Keys": LOCKS}
COLORS = ("red", "green", "blue", "purple", "yellow", "grey")


@cache
def bank_of(id: str, suite: str = "layout", count: int = 300) -> EpisodeBank:
    return find_family(id).suite_bank(suite, HeldOut(), count, 0, progress=False)


def name_of(id: str) -> str:
    return id.removeprefix("groundling/Read").removesuffix("-v0")


def told_pairs(id: str, bank: EpisodeBank, row: int) -> set[int]:
    """The numbers of the pairs that a manual tells, read with the forms of its sentences."""
    pairs, forms = PAIRS[name_of(id)], FORMS[name_of(id)][0].of("all")
    found = set()
    for number in range(len(pairs)):
        name, thing = pairs.pair(number)
        slots = {
            "word": name,
            "type": thing[0],
            "color": thing[1],
            "thing": name,
            "box": thing,
            "door": name,
            "key": thing,
        }
        if any(form.format(**slots) in bank.manual(row) for form in forms):
            found.add(number)
    return found


# Floors and ceilings


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("id", IDS)
def test_who_knows_the_truth_solves_every_episode(id: str, suite: str) -> None:
    bank = bank_of(id, suite)
    success, _ = play_by(bank, bank)
    assert success.all()


@pytest.mark.parametrize("suite", ["layout", "assignments"])
@pytest.mark.parametrize("id", IDS)
def test_who_plays_well_and_does_not_read_succeeds_in_a_third(id: str, suite: str) -> None:
    bank = bank_of(id, suite, 600)
    success, failure = play_by(guess(bank, 1), bank)
    assert abs(success.mean() - 1 / 3) < 0.078  # 4 sigma
    assert (success | failure).all(), "a wrong guess ends the episode"


def test_who_only_heeds_the_trap_that_is_named_succeeds_in_half() -> None:
    bank = bank_of(IDS[1], "layout", 600)
    success, failure = play_by(guess(bank, 1, may_be_named=False), bank)
    assert abs(success.mean() - 1 / 2) < 0.082  # 4 sigma
    assert (success | failure).all()


@pytest.mark.parametrize("id", IDS)
def test_the_same_holds_for_a_body_that_drives(id: str) -> None:
    bank = bank_of(id, "assignments").take(slice(0, 100))
    success, _ = drive_by(bank, bank)
    assert success.all()
    success, failure = drive_by(guess(bank, 2), bank)
    assert abs(success.mean() - 1 / 3) < 0.19  # 4 sigma
    assert (success | failure).all(), "a wrong guess ends the episode"


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_many_episodes_are_solved_with_and_without_sight_of_the_world(id: str) -> None:
    bank = EpisodeBank.of_seeds(id, range(2000))
    assert not unsolved_seeds(bank)


class OneDoor(Task):
    """Open the red door, which blue keys open; a red one lies there, too."""

    room_size, num_cols = 5, 2

    def sample(self, world, rng):
        near, far = world.rooms
        door = world.add_door(far, "left", "red", "locked")
        world.add_key_for(door, color="blue", room=near)
        world.add("key", "red", room=near)
        world.place_agent(near)
        return Open(world.describe(door), strict=True)


def test_a_key_of_the_doors_own_color_opens_it_no_more_and_the_other_opens_and_closes_it() -> None:
    worlds = WorldBatch(EpisodeBank.pack("one door", [TaskSource("t/OneDoor", OneDoor()).sample(0)]), 1, shuffle=False)
    worlds.reset()
    state = worlds.state
    door, blue, red = range(3)

    def toggle_with(key: int) -> int:
        state.carried[0] = FIRST_OBJECT + key
        position = int(state.positions[0, door])
        state.position[0], state.direction[0] = position - 1, 0
        worlds.step(np.array([Action.TOGGLE]), autoreset=False)
        return int(state.looks[0, FIRST_OBJECT + door]) >> 16 & 0xFF

    before = int(state.looks[0, FIRST_OBJECT + door])
    assert toggle_with(red) == LOCKED
    assert state.looks[0, FIRST_OBJECT + door] == before
    assert worlds.outcomes.terminated[0]
    assert not worlds.outcomes.success[0]
    assert toggle_with(blue) == OPEN
    assert worlds.outcomes.success[0]
    assert toggle_with(red) == CLOSED  # which is unlocked now
    assert toggle_with(red) == OPEN


# What manuals say


@pytest.mark.parametrize("id", IDS)
def test_manuals_of_training_and_of_tests_share_no_pair(id: str) -> None:
    pairs = PAIRS[name_of(id)]
    for suite in SUITES:
        bank = bank_of(id, suite)
        for row in range(60):
            told = told_pairs(id, bank, row)
            assert len(told) >= 3
            assert {pairs.is_trained(number) for number in told} == {suite == "layout"}


def test_beacons_are_where_the_manual_says() -> None:
    bank = bank_of(IDS[0])
    for row in range(100):
        word = bank.instruction(row).rpartition(" ")[2]
        (pair,) = (MEANINGS.pair(n) for n in told_pairs(IDS[0], bank, row) if MEANINGS.pair(n)[0] == word)
        operand = int(bank.programs[row, 0, 2])
        position = (operand >> 16) * bank.cells.shape[2] + (operand & 0xFFFF)
        (k,) = (k for k in objects_of(bank, row) if bank.positions[row, k] == position)
        assert COLORS[bank.looks[row, FIRST_OBJECT + k] >> 8 & 0xFF] == pair[1][1]


def test_doors_open_to_the_keys_that_the_manual_says() -> None:
    bank = bank_of(IDS[2])
    foreign = 0
    for row in range(100):
        opens = dict(LOCKS.pair(number) for number in told_pairs(IDS[2], bank, row))
        doors = objects_of(bank, row, DOOR)
        assert len(doors) == 2
        assert len(objects_of(bank, row, KEY)) == 3
        for k in doors:
            look = bank.looks[row, FIRST_OBJECT + k]
            key = int(bank.contents[row, k])
            color = look if key == NOTHING_CODE else bank.looks[row, key]
            assert opens[COLORS[look >> 8 & 0xFF]] == COLORS[color >> 8 & 0xFF]
            foreign += key != NOTHING_CODE
    assert foreign > 100


def test_boxes_hold_what_the_manual_says_and_only_the_right_one_is_no_trap() -> None:
    bank = bank_of(IDS[1])
    for row in range(100):
        held = {color: kind for kind, color in map(PLACES.pair, told_pairs(IDS[1], bank, row))}
        wanted = bank.instruction(row).rpartition(" ")[2]
        traps = int(bank.programs[row, 0, 3])
        boxes = objects_of(bank, row, BOX)
        assert len(boxes) == 3
        for k in boxes:
            kind = held[COLORS[bank.looks[row, FIRST_OBJECT + k] >> 8 & 0xFF]]
            assert bool(traps >> k & 1) == (kind != wanted)
        named = [
            sentence
            for sentence in bank.manual(row)
            if sentence in {f.format(box=c) for f in IS_TRAP.trained for c in COLORS}
        ]
        assert len(named) == 1
        right = next(color for color, kind in held.items() if kind == wanted)
        assert f" {right} " not in named[0]


# Suites


@pytest.mark.parametrize("id", IDS)
def test_suites_are_the_tasks_own(id: str) -> None:
    family = find_family(id)
    assert tuple(family.suites) == SUITES
    assert tuple(find_family("groundling/RoomGoTo-v0").suites)[:2] == ("layout", "combination")


@pytest.mark.parametrize("name", FORMS)
def test_forms_that_test_are_new_and_have_words_of_training_alone(name: str) -> None:
    for forms in FORMS[name]:
        assert not set(forms.trained) & set(forms.held_out)
    trained = {word for forms in FORMS[name] for form in forms.trained for word in form.split()}
    assert {word for forms in FORMS[name] for form in forms.held_out for word in form.split()} <= trained


@pytest.mark.parametrize("id", IDS)
def test_only_the_suite_of_phrasings_tells_in_new_forms(id: str) -> None:
    heads = {form.partition("{")[0] for form in FORMS[name_of(id)][0].trained}
    for suite in SUITES:
        bank = bank_of(id, suite)
        forms = FORMS[name_of(id)][0].of("held_out" if suite == "phrasing" else "trained")
        heads = tuple(form.partition("{")[0] or form.rpartition("}")[2] for form in forms)
        for row in range(40):
            told = [sentence for sentence in bank.manual(row) if any(head in sentence for head in heads)]
            assert len(told) >= 3, (suite, bank.manual(row))


@pytest.mark.parametrize("id", IDS)
def test_sentences_are_in_order_but_in_the_suite_of_orders(id: str) -> None:
    pairs, forms = PAIRS[name_of(id)], FORMS[name_of(id)][0].of("all")

    def numbers(bank: EpisodeBank, row: int) -> list[int]:
        told = []
        for sentence in bank.manual(row):
            for number in range(len(pairs)):
                name, thing = pairs.pair(number)
                slots = {"word": name, "type": thing[0], "color": thing[1], "thing": name, "box": thing}
                slots |= {"door": name, "key": thing}
                if sentence in {form.format(**slots) for form in forms}:
                    told.append(number)
        return told

    for suite, is_sorted in (("assignments", True), ("distractors", True), ("order", False)):
        told = [numbers(bank_of(id, suite), row) for row in range(30)]
        assert all(found == sorted(found) for found in told) is is_sorted


@pytest.mark.parametrize("id", IDS)
def test_more_sentences_about_absent_things(id: str) -> None:
    few, many = (
        np.mean([len(bank_of(id, s).manual(row)) for row in range(200)]) for s in ("assignments", "distractors")
    )
    assert many > few + 1


def test_settings_that_cannot_work_are_refused() -> None:
    for name in ("assignments", "phrasings", "order"):
        with pytest.raises(ConfigurationError, match=f"{name} is one of .*, not 'unknown'"):
            ReadBeacons(**{name: "unknown"})
    with pytest.raises(ConfigurationError, match="num_choices is an integer of at least 2"):
        ReadBeacons(num_choices=1)


def test_manuals_take_no_part_in_what_the_world_looks_like() -> None:
    """The same seed with another wording and order has the same world."""
    source = find_task(IDS[2])
    plain, other = source.sample(4), source.changed(phrasings="held_out").sample(4)
    assert plain.manual != other.manual
    assert plain.looks == other.looks
    assert np.array_equal(plain.cells, other.cells)
