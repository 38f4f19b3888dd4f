"""The grammar: every goal reads back from its sentence, and a sentence outside the grammar is pointed at."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from minigrid.envs import FetchEnv, GoToDoorEnv, GoToObjectEnv, LockedRoomEnv, MemoryEnv, PutNearEnv
from minigrid.envs.babyai.core import verifier

from groundling.errors import InstructionError
from groundling.language import (
    After,
    And,
    Color,
    Goal,
    GoTo,
    GoToMatch,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNear,
    PutNextTo,
    Size,
    Then,
    UnlockAndGoToGoal,
    parse,
    render,
)
from groundling.language.goals import MINIGRID_COLORS, MINIGRID_OBJECTS
from groundling.language.reader import readings

TYPES, COLORS, LOCATIONS, SIZES = [None, *ObjectType], [None, *Color], [None, *Location], [None, *Size]
DESCRIPTIONS = [
    *(ObjectDescription(*parts) for parts in product(TYPES, COLORS, LOCATIONS, [True, False], SIZES)),
    *(ObjectDescription(*parts, both=True) for parts in product(TYPES, COLORS, LOCATIONS)),
    *(ObjectDescription(*parts, negated=True) for parts in product(TYPES, COLORS, LOCATIONS, [True, False])),
    *(
        ObjectDescription(type_, color, None, definite, size, negated=True)
        for type_, color, definite, size in product(TYPES, COLORS, [True, False], Size)
    ),
]
NEIGHBORS = [
    ObjectDescription(*parts)
    for parts in product([None, ObjectType.DOOR], [None, Color.BLUE], LOCATIONS, [True, False], SIZES)
]
RELATED = [
    *(
        ObjectDescription(*parts, relation=NextTo(neighbor))
        for parts in product([None, ObjectType.BALL], [None, Color.RED], LOCATIONS, [True, False], [None, Size.LARGEST])
        for neighbor in NEIGHBORS
    ),
    *(ObjectDescription(ObjectType.BALL, both=True, relation=NextTo(neighbor)) for neighbor in NEIGHBORS),
    *(ObjectDescription(ObjectType.BALL, negated=True, relation=NextTo(neighbor)) for neighbor in NEIGHBORS),
]


@st.composite
def descriptions(draw: st.DrawFn, types: tuple[ObjectType | None, ...] = (None, *ObjectType)) -> ObjectDescription:
    fields = [draw(st.sampled_from(values)) for values in (types, COLORS, LOCATIONS, [True, False], SIZES)]
    rest = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    neighbor = draw(st.sampled_from([None, None, *NEIGHBORS]))
    return ObjectDescription(*fields, *rest, None if neighbor is None else NextTo(neighbor))


MOVABLE = (None, *(type_ for type_ in ObjectType if type_ is not ObjectType.DOOR))
colors = st.sampled_from(Color)
clause = st.one_of(
    st.builds(GoTo, descriptions()),
    st.builds(PickUp, descriptions(MOVABLE)),
    st.builds(Open, descriptions((ObjectType.DOOR,))),
    st.builds(PutNextTo, descriptions(MOVABLE), descriptions()),
)
conjunction = st.builds(And, st.lists(clause, min_size=2, max_size=4).map(tuple))
step = st.one_of(clause, conjunction)
goals_of_any_kind = st.one_of(
    clause,
    st.builds(PutNear, descriptions(MOVABLE), descriptions()),
    st.just(GoToMatch()),
    st.builds(UnlockAndGoToGoal, colors, colors, colors),
    conjunction,
    st.builds(Then, st.lists(step, min_size=2, max_size=4).map(tuple)),
    st.builds(After, step, step),
)


@st.composite
def goals(draw: st.DrawFn) -> Goal:
    try:
        return draw(goals_of_any_kind)
    except InstructionError:  # an impossible goal
        reject()


RED_BALL = ObjectDescription(ObjectType.BALL, Color.RED)
BLUE_KEY = ObjectDescription(ObjectType.KEY, Color.BLUE)
DOOR = ObjectDescription(ObjectType.DOOR)

SENTENCES: dict[str, Goal] = {
    "go to the red ball": GoTo(RED_BALL),
    "go to a door": GoTo(replace(DOOR, definite=False)),
    "go to the object behind you": GoTo(ObjectDescription(location=Location.BEHIND)),
    "pick up a object": PickUp(ObjectDescription(definite=False)),
    "pick up an orange hat": PickUp(ObjectDescription(ObjectType.HAT, Color.ORANGE, definite=False)),
    "pick up a grey object": PickUp(ObjectDescription(color=Color.GREY, definite=False)),
    "pick up the purple key on your left": PickUp(ObjectDescription(ObjectType.KEY, Color.PURPLE, Location.LEFT)),
    "open the yellow door on your right": Open(ObjectDescription(ObjectType.DOOR, Color.YELLOW, Location.RIGHT)),
    "open the door in front of you": Open(ObjectDescription(ObjectType.DOOR, None, Location.FRONT)),
    "put the blue box next to a green ball": PutNextTo(
        ObjectDescription(ObjectType.BOX, Color.BLUE), ObjectDescription(ObjectType.BALL, Color.GREEN, definite=False)
    ),
    "put the red ball near the blue key": PutNear(RED_BALL, BLUE_KEY),
    "go to the largest red ball": GoTo(replace(RED_BALL, size=Size.LARGEST)),
    "pick up the smaller box": PickUp(ObjectDescription(ObjectType.BOX, size=Size.SMALLER)),
    "pick up both red balls": PickUp(replace(RED_BALL, both=True)),
    "go to both boxes": GoTo(ObjectDescription(ObjectType.BOX, both=True)),
    "go to both objects on your left": GoTo(ObjectDescription(location=Location.LEFT, both=True)),
    "pick up something that is not the red ball": PickUp(replace(RED_BALL, negated=True)),
    "go to something that is not a box": GoTo(ObjectDescription(ObjectType.BOX, definite=False, negated=True)),
    "go to something that is not the largest red ball": GoTo(replace(RED_BALL, size=Size.LARGEST, negated=True)),
    "pick up the red ball next to the blue key": PickUp(replace(RED_BALL, relation=NextTo(BLUE_KEY))),
    "go to both red balls next to a door": GoTo(
        replace(RED_BALL, both=True, relation=NextTo(replace(DOOR, definite=False)))
    ),
    "go to the door on your left next to the red ball on your right": GoTo(
        replace(DOOR, location=Location.LEFT, relation=NextTo(replace(RED_BALL, location=Location.RIGHT)))
    ),
    "pick up something that is not the red ball next to the blue key": PickUp(
        replace(RED_BALL, negated=True, relation=NextTo(BLUE_KEY))
    ),
    "go to the matching object at the end of the hallway": GoToMatch(),
    "get the red key from the blue room, unlock the green door and go to the goal": UnlockAndGoToGoal(
        Color.RED, Color.BLUE, Color.GREEN
    ),
    "go to the red ball and pick up the blue key and open the door": And(
        (GoTo(RED_BALL), PickUp(BLUE_KEY), Open(DOOR))
    ),
    "go to the red ball, then pick up the blue key, then open the door": Then(
        (GoTo(RED_BALL), PickUp(BLUE_KEY), Open(DOOR))
    ),
    "go to the red ball and pick up the blue key, then open the door": Then(
        (And((GoTo(RED_BALL), PickUp(BLUE_KEY))), Open(DOOR))
    ),
    "open the door after you go to the red ball and pick up the blue key": After(
        Open(DOOR), And((GoTo(RED_BALL), PickUp(BLUE_KEY)))
    ),
}


@pytest.mark.parametrize("text", SENTENCES)
def test_canonical_sentence(text: str) -> None:
    assert render(SENTENCES[text]) == text
    assert parse(text) == SENTENCES[text]


def test_every_description_has_one_sentence_of_its_own_and_reads_back() -> None:
    every = [*DESCRIPTIONS, *RELATED]
    texts = [render(GoTo(description)) for description in every]
    assert len(set(texts)) == len(every)
    assert [readings(text) for text in texts] == [[GoTo(description)] for description in every]


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(goals())
def test_every_goal_reads_back_from_its_sentence_in_one_way(goal: Goal) -> None:
    assert readings(render(goal)) == [goal]
    assert parse(render(goal)) == goal


@pytest.mark.parametrize(
    "goal",
    [
        GoTo(RED_BALL, announced=True),
        PickUp(RED_BALL, strict=True),
        Open(DOOR, strict=True),
        PutNextTo(RED_BALL, BLUE_KEY, strict=True),
        Then((GoTo(RED_BALL), GoTo(BLUE_KEY)), strict=True),
        After(GoTo(RED_BALL), GoTo(BLUE_KEY), strict=True),
    ],
)
def test_rules_of_the_level_are_no_words_of_the_sentence(goal: Goal) -> None:
    plain = replace(goal, **{"announced" if isinstance(goal, GoTo) else "strict": False})  # type: ignore[arg-type]
    assert plain != goal
    assert render(goal) == render(plain)
    assert parse(render(goal)) == plain


class SeenDescription(verifier.ObjDesc):
    """A description of BabyAI's that finds one object or two, without an environment."""

    def __init__(self, description: ObjectDescription) -> None:
        super().__init__(description.type, description.color, description.location)
        self.count = 1 if description.definite else 2

    def find_matching_objs(self, env: object, use_location: bool = True) -> tuple[list, list]:
        self.obj_set, self.obj_poss = [object()] * self.count, [(0, 0)] * self.count
        return self.obj_set, self.obj_poss


def babyai_instruction(goal: Goal) -> verifier.Instr:
    match goal:
        case GoTo(target):
            return verifier.GoToInstr(SeenDescription(target))
        case PickUp(target):
            return verifier.PickupInstr(SeenDescription(target))
        case Open(target):
            return verifier.OpenInstr(SeenDescription(target))
        case PutNextTo(moved, fixed):
            return verifier.PutNextInstr(SeenDescription(moved), SeenDescription(fixed))
        case And((first, second)):
            return verifier.AndInstr(babyai_instruction(first), babyai_instruction(second))
        case Then((first, second)):
            return verifier.BeforeInstr(babyai_instruction(first), babyai_instruction(second))
        case After(last, first):
            return verifier.AfterInstr(babyai_instruction(last), babyai_instruction(first))
    raise AssertionError(goal)


babyai_description = st.builds(
    ObjectDescription,
    st.sampled_from([None, *MINIGRID_OBJECTS]),
    st.sampled_from([None, *MINIGRID_COLORS]),
    st.sampled_from(LOCATIONS),
    st.booleans(),
)
babyai_clause = st.one_of(
    babyai_description.map(GoTo),
    babyai_description.map(PickUp),
    babyai_description.map(lambda description: Open(replace(description, type=ObjectType.DOOR))),
    st.builds(PutNextTo, babyai_description, babyai_description),
)
babyai_step = st.one_of(babyai_clause, st.tuples(babyai_clause, babyai_clause).map(And))


@given(
    st.one_of(babyai_step, st.tuples(babyai_step, babyai_step).map(Then), st.builds(After, babyai_step, babyai_step))
)
def test_sentences_are_those_of_babyais_verifier(goal: Goal) -> None:
    assert render(goal) == babyai_instruction(goal).surface(env=None)


def test_sentences_are_minigrids_missions() -> None:
    for color, type_ in product(MINIGRID_COLORS, MINIGRID_OBJECTS):
        description = ObjectDescription(type_, color)
        assert render(PutNear(description, BLUE_KEY)) == PutNearEnv._gen_mission(color, type_, "blue", "key")
        assert render(GoTo(description)) == GoToObjectEnv._gen_mission(color, type_)
        assert render(GoTo(replace(description, type=ObjectType.DOOR))) == GoToDoorEnv._gen_mission(color)
    assert render(GoToMatch()) == MemoryEnv._gen_mission()
    for key, room, door in product(MINIGRID_COLORS, repeat=3):
        assert render(UnlockAndGoToGoal(key, room, door)) == LockedRoomEnv._gen_mission(key, room, door)


@pytest.mark.parametrize("syntax", ["get a", "go get a", "fetch a", "go fetch a", "you must fetch a"])
def test_minigrids_fetch_is_read_as_picking_up(syntax: str) -> None:
    assert parse(FetchEnv._gen_mission(syntax, "red", "ball")) == PickUp(replace(RED_BALL, definite=False))


@pytest.mark.parametrize(
    "text",
    [
        "  go   to\tthe red  ball, then open the door ",
        "Go to the RED ball, then Open the door.",
        "go to the red ball then open the door!",
        "go to the red ball , then open the door",
    ],
)
def test_case_spaces_commas_and_final_marks_do_not_matter(text: str) -> None:
    assert parse(text) == Then((GoTo(RED_BALL), Open(DOOR)))


NOUNS = "'door', 'key', 'ball', 'box', 'bell', 'book', 'cup', 'hat', 'lamp', 'ring', 'star' or 'object'"
OBJECTS = "'the', 'a', 'both' or 'something'"


@pytest.mark.parametrize(
    ("text", "expectation", "column"),
    [
        ("fly to the red ball", "expected 'go', 'pick', 'open', 'put', 'get', 'the', 'a', 'both' or 'something'", 0),
        ("", "expected 'go', 'pick', 'open', 'put', 'get', 'the', 'a', 'both' or 'something'", 0),
        ("go the red ball", "expected 'to'", 3),
        ("go to red ball", f"expected {OBJECTS}", 6),
        ("walk to red ball", f"expected {OBJECTS}", 8),
        ("go to the red apple", f"expected {NOUNS} at the mark; 'apple' is not a word of the language", 14),
        ("go to the red, ball", f"expected {NOUNS}", 13),
        ("go to the bal", "'bal' is not a word of the language, did you mean 'ball'", 10),
        (
            "go to the ball red",
            "expected 'on', 'in', 'behind', 'next', 'and', 'then', 'after' or the end of the sentence",
            15,
        ),
        ("go to the red ball, then open the dor", f"expected {NOUNS}", 34),
        ("go to the red ball, then", "expected 'go', 'pick', 'open', 'put' or 'get'", 25),
        ("put the red ball under the box", "expected 'on', 'in', 'behind', 'next' or 'near'", 17),
        ("put the red ball next to", f"expected {OBJECTS}", 25),
        ("go to the ball on your", "expected 'left' or 'right'", 23),
        ("go to both red ball", "expected 'doors', 'keys', 'balls'", 15),
        ("get the red key from the blue room", "expected 'unlock'", 35),
        ("go to the ball after you go to the box after you open the door", "the end of the sentence", 39),
    ],
)
def test_error_points_at_the_word(text: str, expectation: str, column: int) -> None:
    with pytest.raises(InstructionError) as caught:
        parse(text)
    first, shown, mark, _ = str(caught.value).split("\n")
    assert expectation in first
    assert shown == f"  {text}"
    assert mark == "  " + " " * column + "^"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pick up the red door", "a door cannot be picked up"),
        ("go to the ball and fetch a gate", "a door cannot be picked up"),
        ("open the red ball", "only a door can be opened, not ball"),
        ("put a door next to the box", "a door cannot be moved"),
        ("put both balls next to the box", "'both' cannot be put"),
        ("go to something that is not something that is not a box", "a negation cannot be negated"),
        ("go to something that is not both balls", "'both' stands alone"),
        ("go to both balls, then go to both keys, then go to the door", "at most 4 clauses"),
        ("put the ball next to the box near the door", "cannot be named by what it lies next to"),
        ("put the ball beside the box beside the door", "described by a relation of its own|by what it lies next to"),
        ("go to the ball next to the box next to the door", "cannot be described by a relation of its own"),
        ("go to the ball next to both boxes", "next to one other: not 'both'"),
    ],
)
def test_sentence_of_an_impossible_goal_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InstructionError, match=reason):
        parse(text)
