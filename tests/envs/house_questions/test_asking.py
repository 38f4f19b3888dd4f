from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest
from house_questions.small_stock import STOCK

from groundling.envs.families.questions.asking import QUESTION_TYPES, TYPES_OF_PART, Asker
from groundling.envs.families.questions.drawing import Asked
from groundling.envs.families.questions.parts import PARTS, SPLITS, is_held_out_color, is_held_out_room
from groundling.errors import TaskError
from groundling.language.questions.forms import FORMS, TYPES
from groundling.language.questions.wording import parse
from groundling.language.questions.words import ANSWERS, COLORS, ROOM_KINDS, THING_KINDS


def draw(part: str, types: tuple[str, ...], count: int, seed: int = 0) -> list[Asked]:
    asker = Asker(np.random.default_rng(seed), STOCK, part)
    return [asker.draw(types) for _ in range(count)]


def test_every_type_of_question_is_drawn_and_read_back() -> None:
    assert set(QUESTION_TYPES) == set(TYPES)
    for name in QUESTION_TYPES:
        for asked in draw("train", (name,), 20):
            question = parse(asked.sentence)
            assert question.program == asked.program
            assert question.type == asked.type == name
            assert asked.answer in asked.answers
            assert set(asked.answers) <= set(ANSWERS)


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_answers_to_a_question_are_drawn_evenly(name: str) -> None:
    drawn = draw("train", (name,), 1500)
    answers = defaultdict(set)
    for asked in drawn:
        answers[asked.program].add(asked.answers)
    assert all(len(found) == 1 for found in answers.values())  # what may be answered hangs on the question alone
    # Each answer, as often as it is among those that are drawn from: sums of Bernoulli variables of known chances.
    expected, spread, found = Counter(), Counter(), Counter(asked.answer for asked in drawn)
    for asked in drawn:
        for answer in asked.answers:
            chance = 1 / len(asked.answers)
            expected[answer] += chance
            spread[answer] += chance * (1 - chance)
    for answer in expected:
        assert abs(found[answer] - expected[answer]) < 4.5 * spread[answer] ** 0.5


def test_who_answers_what_is_most_frequent_is_at_the_floor() -> None:
    """Majority answers of one sample of questions on another: no better than 1 / k on average."""
    counts = defaultdict(Counter)
    for asked in draw("train", QUESTION_TYPES, 4000, seed=1):
        counts[asked.program][asked.answer] += 1
    tested = [asked for asked in draw("train", QUESTION_TYPES, 4000, seed=2) if asked.program in counts]
    right = sum(counts[asked.program].most_common(1)[0][0] == asked.answer for asked in tested)
    floor = sum(1 / len(asked.answers) for asked in tested)
    spread = sum(1 / len(asked.answers) * (1 - 1 / len(asked.answers)) for asked in tested) ** 0.5
    assert len(tested) > 1000
    assert abs(right - floor) < 4 * spread


def test_training_never_asks_for_what_is_held_out() -> None:
    told = {template for form in FORMS for template in form.held_out}
    assert told
    for asked in draw("train", QUESTION_TYPES, 1500):
        for wanted in asked.wishes.wanted:
            assert wanted.color == "" or not is_held_out_color(wanted.kind, wanted.color)
            assert wanted.room == "" or not is_held_out_room(wanted.kind, wanted.room)
        forbidden = {(one.kind, one.room) for one in asked.wishes.forbidden}
        rooms = {(kind, room) for room, kinds in STOCK.rooms.items() for kind in kinds if is_held_out_room(kind, room)}
        assert rooms
        assert rooms <= forbidden
        if asked.type == "count":
            assert asked.program.of.things.color == ""


def test_each_part_asks_for_what_training_leaves_out() -> None:
    for asked in draw("color_pairs", QUESTION_TYPES, 300):
        named = [(w.kind, w.color) for w in (*asked.wishes.wanted, *asked.wishes.forbidden) if w.color]
        assert named
        assert all(is_held_out_color(*pair) for pair in named)
    for asked in draw("room_pairs", QUESTION_TYPES, 300):
        rooms = [(w.kind, w.room) for w in asked.wishes.wanted] or [
            (w.kind, w.room) for w in asked.wishes.forbidden if w.room
        ]
        assert all(is_held_out_room(*pair) for pair in rooms)
    for asked in draw("compositions", QUESTION_TYPES, 50):
        assert asked.type == "count"
        assert asked.program.of.things.color
    trained = {asked.sentence for asked in draw("train", ("state",), 200)}
    assert trained.isdisjoint(asked.sentence for asked in draw("wordings", ("state",), 50))


def test_every_kind_and_color_is_trained_in_some_pair() -> None:
    assert all(any(not is_held_out_color(kind, color) for color in STOCK.colors) for kind in THING_KINDS)
    assert all(any(not is_held_out_color(kind, color) for kind in THING_KINDS) for color in COLORS)
    assert all(any(not is_held_out_room(kind, room) for kind in THING_KINDS) for room in ROOM_KINDS)


def test_a_part_without_questions_of_a_type_says_so() -> None:
    with pytest.raises(TaskError, match="'compositions' has no questions of the types state"):
        draw("compositions", ("state",), 1)
    assert set(TYPES_OF_PART) == set(PARTS)
    assert set(SPLITS) == {"all", "seen", *PARTS}
