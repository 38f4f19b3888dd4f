"""Goals: impossible ones are refused, and a goal says which combinations of words its sentence names."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from groundling.errors import GroundlingError, InstructionError
from groundling.language import (
    After,
    And,
    Color,
    Goal,
    GoTo,
    GoToMatch,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNear,
    PutNextTo,
    Size,
    Then,
    UnlockAndGoToGoal,
)
from groundling.language.goal_parts import combinations, descriptions, without_determiners, without_rules
from groundling.language.goals import clauses, steps

RED_BALL = ObjectDescription(ObjectType.BALL, Color.RED)
GREEN_BOX = ObjectDescription(ObjectType.BOX, Color.GREEN)
DOOR = ObjectDescription(ObjectType.DOOR)
ANYTHING = ObjectDescription()
BOTH_BALLS = ObjectDescription(ObjectType.BALL, both=True)
NO_BALL = ObjectDescription(ObjectType.BALL, definite=False, negated=True)


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


@pytest.mark.parametrize("fields", [{"definite": False}, {"size": Size.LARGER}, {"negated": True}])
def test_both_stands_alone(fields: dict) -> None:
    with pytest.raises(InstructionError, match="'both' stands alone"):
        ObjectDescription(ObjectType.BALL, both=True, **fields)


def test_negation_excludes_by_size_or_by_place() -> None:
    with pytest.raises(InstructionError, match="not by both"):
        ObjectDescription(ObjectType.BALL, location=Location.LEFT, size=Size.LARGER, negated=True)
    assert ObjectDescription(ObjectType.BALL, location=Location.LEFT, size=Size.LARGER)


@pytest.mark.parametrize("kind", [PutNextTo, PutNear])
def test_put_names_one_object_in_each_place_and_at_most_one_by_what_it_is_not(kind: type) -> None:
    for moved, fixed in ((BOTH_BALLS, GREEN_BOX), (GREEN_BOX, BOTH_BALLS)):
        with pytest.raises(InstructionError, match="'both' cannot be put"):
            kind(moved, fixed)
    with pytest.raises(InstructionError, match="only one can be named by what it is not"):
        kind(NO_BALL, NO_BALL)
    with pytest.raises(InstructionError, match="a door cannot be moved"):
        kind(DOOR, GREEN_BOX)
    assert kind(NO_BALL, GREEN_BOX) != kind(GREEN_BOX, NO_BALL)


def test_sequence_joins_two_to_four_clauses() -> None:
    go = GoTo(RED_BALL)
    for kind in (And, Then):
        with pytest.raises(InstructionError, match="at least two"):
            kind((go,))
        with pytest.raises(InstructionError, match=r"at most 4 clauses .* got 5"):
            kind((go,) * 5)
        assert len(clauses(kind((go,) * 4))) == 4
    with pytest.raises(InstructionError, match="got 5"):
        After(And((go, go)), And((go, go, go)))
    with pytest.raises(InstructionError, match="'both' counts for two"):
        Then((GoTo(BOTH_BALLS), GoTo(BOTH_BALLS), go))
    assert Then((GoTo(BOTH_BALLS), GoTo(BOTH_BALLS)))


@pytest.mark.parametrize(
    "alone", [PutNear(RED_BALL, GREEN_BOX), GoToMatch(), UnlockAndGoToGoal(Color.RED, Color.BLUE, Color.GREEN)]
)
def test_minigrids_own_missions_are_not_joined(alone: Goal) -> None:
    with pytest.raises(InstructionError, match="can be joined"):
        Then((GoTo(RED_BALL), alone))  # type: ignore[arg-type]
    with pytest.raises(InstructionError, match="can be joined"):
        After(alone, GoTo(RED_BALL))  # type: ignore[arg-type]


def test_steps_come_in_the_order_of_doing_and_clauses_in_that_of_the_sentence() -> None:
    first, second, third = GoTo(RED_BALL), PickUp(GREEN_BOX), Open(DOOR)
    assert steps(first) == ((first,),)
    assert steps(Then((And((first, second)), third))) == ((first, second), (third,))
    assert clauses(Then((And((first, second)), third))) == (first, second, third)
    assert steps(After(third, And((first, second)))) == ((first, second), (third,))
    assert clauses(After(third, And((first, second)))) == (third, first, second)
    assert descriptions(After(third, first)) == (DOOR, RED_BALL)
    assert combinations(After(third, And((first, second)))) == {
        (Color.RED, ObjectType.BALL),
        (Color.GREEN, ObjectType.BOX),
    }


def test_rules_and_determiners_can_be_left_out_everywhere() -> None:
    a_ball = ObjectDescription(ObjectType.BALL, Color.RED, definite=False)
    ruled = After(
        PutNextTo(a_ball, DOOR, strict=True),
        And((PickUp(a_ball, strict=True), Open(DOOR, strict=True), GoTo(a_ball, announced=True))),
        strict=True,
    )
    assert without_rules(ruled) == After(PutNextTo(a_ball, DOOR), And((PickUp(a_ball), Open(DOOR), GoTo(a_ball))))
    assert without_determiners(without_rules(ruled)) == After(
        PutNextTo(RED_BALL, DOOR), And((PickUp(RED_BALL), Open(DOOR), GoTo(RED_BALL)))
    )
    then = Then((GoTo(a_ball, announced=True), PickUp(a_ball)), strict=True)
    assert without_rules(then) == Then((GoTo(a_ball), PickUp(a_ball)))
    assert without_determiners(without_rules(then)) == Then((GoTo(RED_BALL), PickUp(RED_BALL)))
