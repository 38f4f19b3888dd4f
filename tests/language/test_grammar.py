"""The grammar: every goal reads back from its sentence, and a sentence outside the grammar is pointed at."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundling.errors import InstructionError
from groundling.language import (
    BABYAI_VOCABULARY,
    Color,
    GoTo,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNextTo,
    parse,
    render,
)

DESCRIPTIONS = [
    ObjectDescription(*parts)
    for parts in product([None, *ObjectType], [None, *Color], [None, *Location], [True, False])
]
MOVABLE = [description for description in DESCRIPTIONS if description.type is not ObjectType.DOOR]
DOORS = [description for description in DESCRIPTIONS if description.type is ObjectType.DOOR]

SENTENCES = {
    "go to the red ball": GoTo(ObjectDescription(ObjectType.BALL, Color.RED)),
    "go to a door": GoTo(ObjectDescription(ObjectType.DOOR, definite=False)),
    "go to the object behind you": GoTo(ObjectDescription(location=Location.BEHIND)),
    "pick up a grey object": PickUp(ObjectDescription(color=Color.GREY, definite=False)),
    "pick up the purple key on your left": PickUp(ObjectDescription(ObjectType.KEY, Color.PURPLE, Location.LEFT)),
    "open the yellow door on your right": Open(ObjectDescription(ObjectType.DOOR, Color.YELLOW, Location.RIGHT)),
    "open the door in front of you": Open(ObjectDescription(ObjectType.DOOR, None, Location.FRONT)),
    "put the blue box next to a green ball": PutNextTo(
        ObjectDescription(ObjectType.BOX, Color.BLUE), ObjectDescription(ObjectType.BALL, Color.GREEN, definite=False)
    ),
}


@pytest.mark.parametrize("text", SENTENCES)
def test_sentence_is_babyais(text: str) -> None:
    assert render(SENTENCES[text]) == text
    assert parse(text) == SENTENCES[text]


def test_every_goal_of_one_object_reads_back_from_its_sentence() -> None:
    goals = [*map(GoTo, DESCRIPTIONS), *map(PickUp, MOVABLE), *map(Open, DOORS)]
    assert len(goals) == 350 + 280 + 70
    assert [parse(render(goal)) for goal in goals] == goals
    assert len({render(goal) for goal in goals}) == len(goals)


@given(st.sampled_from(MOVABLE), st.sampled_from(DESCRIPTIONS))
def test_every_goal_of_two_objects_reads_back_from_its_sentence(
    moved: ObjectDescription, fixed: ObjectDescription
) -> None:
    goal = PutNextTo(moved, fixed)
    assert parse(render(goal)) == goal


def test_every_word_of_every_sentence_is_in_the_vocabulary() -> None:
    words = {word for d in DESCRIPTIONS for word in render(GoTo(d)).split()} | set(
        ["pick", "up", "open", "put", "next", "to"]
    )
    assert all(word in BABYAI_VOCABULARY for word in words)


def test_strictness_is_no_word_of_the_sentence() -> None:
    target = ObjectDescription(ObjectType.BALL, Color.RED)
    assert render(PickUp(target, strict=True)) == render(PickUp(target))
    assert parse(render(PickUp(target, strict=True))) == PickUp(target)


def test_spaces_do_not_matter() -> None:
    assert parse("  go   to\tthe red  ball ") == parse("go to the red ball")


@pytest.mark.parametrize(
    ("text", "expectation", "column"),
    [
        ("fly to the red ball", "expected 'go to', 'pick up', 'open' or 'put'", 0),
        ("", "expected 'go to', 'pick up', 'open' or 'put'", 0),
        ("go the red ball", "expected 'go to', 'pick up', 'open' or 'put'", 0),
        ("go to red ball", "expected 'a' or 'the'", 6),
        ("go to the red apple", "expected one of door, key, ball, box, object", 14),
        ("go to the ball red", "expected the end of the sentence", 15),
        ("go to the red ball, then open the door", "expected one of door, key, ball, box, object", 14),
        ("go to the red ball and open the door", "expected the end of the sentence", 19),
        ("put the red ball beside the box", "expected 'next to'", 17),
        ("put the red ball next to", "expected 'a' or 'the'", 25),
        ("go to the ball on your", "expected the end of the sentence", 15),
    ],
)
def test_error_points_at_the_word(text: str, expectation: str, column: int) -> None:
    with pytest.raises(InstructionError) as caught:
        parse(text)
    first, shown, mark, _ = str(caught.value).split("\n")
    assert expectation in first
    assert shown == f"  {text}"
    assert mark == "  " + " " * column + "^"


@pytest.mark.parametrize("text", ["pick up the red door", "open the red ball", "put a door next to the box"])
def test_sentence_of_an_impossible_goal_is_refused(text: str) -> None:
    with pytest.raises(InstructionError, match="door"):
        parse(text)
