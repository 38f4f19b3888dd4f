"""Goals: impossible ones are refused, and a goal says which combinations of words its sentence names."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from groundling.errors import GroundlingError, InstructionError
from groundling.language import Color, GoTo, ObjectDescription, ObjectType, Open, PickUp, PutNextTo
from groundling.language.goals import combinations, descriptions

RED_BALL = ObjectDescription(ObjectType.BALL, Color.RED)
GREEN_BOX = ObjectDescription(ObjectType.BOX, Color.GREEN)
DOOR = ObjectDescription(ObjectType.DOOR)
ANYTHING = ObjectDescription()


def test_door_cannot_be_picked_up() -> None:
    with pytest.raises(InstructionError, match="a door cannot be picked up"):
        PickUp(DOOR)


def test_door_cannot_be_moved_but_something_can_be_put_beside_it() -> None:
    with pytest.raises(InstructionError, match="a door cannot be moved"):
        PutNextTo(DOOR, RED_BALL)
    assert PutNextTo(RED_BALL, DOOR).fixed == DOOR


@pytest.mark.parametrize("type_", [ObjectType.BALL, ObjectType.KEY, ObjectType.BOX])
def test_only_a_door_can_be_opened(type_: ObjectType) -> None:
    with pytest.raises(InstructionError, match=f"only a door can be opened, not {type_}"):
        Open(ObjectDescription(type_))
    assert Open(DOOR).target == DOOR


def test_unspecified_object_cannot_be_opened() -> None:
    with pytest.raises(InstructionError, match="not object"):
        Open(ANYTHING)


def test_door_and_unspecified_object_can_be_gone_to() -> None:
    assert GoTo(DOOR) != GoTo(ANYTHING)


def test_impossible_goal_is_a_value_error_and_an_error_of_the_package() -> None:
    assert issubclass(InstructionError, ValueError)
    assert issubclass(InstructionError, GroundlingError)


def test_goals_are_values() -> None:
    assert GoTo(RED_BALL) == GoTo(ObjectDescription(ObjectType.BALL, Color.RED))
    assert GoTo(RED_BALL) != PickUp(RED_BALL)
    assert PickUp(RED_BALL) != PickUp(RED_BALL, strict=True)
    assert len({GoTo(RED_BALL), GoTo(RED_BALL), PickUp(RED_BALL)}) == 2
    with pytest.raises(FrozenInstanceError):
        RED_BALL.color = Color.BLUE  # type: ignore[misc]


def test_descriptions_come_in_the_order_of_the_sentence() -> None:
    assert descriptions(GoTo(RED_BALL)) == (RED_BALL,)
    assert descriptions(PutNextTo(GREEN_BOX, RED_BALL)) == (GREEN_BOX, RED_BALL)


def test_combination_is_a_color_and_a_type_named_together() -> None:
    assert combinations(GoTo(RED_BALL)) == {(Color.RED, ObjectType.BALL)}
    assert combinations(PutNextTo(RED_BALL, GREEN_BOX)) == {
        (Color.RED, ObjectType.BALL),
        (Color.GREEN, ObjectType.BOX),
    }


def test_half_named_object_is_no_combination() -> None:
    assert combinations(GoTo(ANYTHING)) == frozenset()
    assert combinations(PickUp(ObjectDescription(ObjectType.BALL))) == frozenset()
    assert combinations(PickUp(ObjectDescription(color=Color.RED))) == frozenset()
    # the color of one object and the type of the other do not meet
    moved, fixed = ObjectDescription(color=Color.RED), ObjectDescription(ObjectType.BALL)
    assert combinations(PutNextTo(moved, fixed)) == frozenset()


def test_strictness_location_and_article_leave_the_combinations_alone() -> None:
    assert combinations(PickUp(RED_BALL, strict=True)) == combinations(PickUp(RED_BALL))
    assert combinations(GoTo(ObjectDescription(ObjectType.BALL, Color.RED, definite=False))) == combinations(
        GoTo(RED_BALL)
    )
