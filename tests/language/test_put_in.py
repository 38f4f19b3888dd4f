"""Sentences that ask for something to be put in a room: how they are said, read back and refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from groundling.errors import InstructionError
from groundling.language import And, Color, GoTo, ObjectDescription, ObjectType, PutIn, PutNextTo, parse, render
from groundling.language.goal_parts import combinations, verb_of, without_determiners
from groundling.language.goals import NextTo, Then, clause_descriptions
from groundling.language.lexicon import Lexicon
from groundling.language.paraphrases import paraphrase
from groundling.language.reader import readings

ROOMS = ("in the kitchen", "in the living room")
LEXICON = Lexicon(relations=ROOMS)
CUP = ObjectDescription(ObjectType.CUP, Color.RED)
BOX = ObjectDescription(ObjectType.BOX)
TOLD = ObjectDescription(ObjectType.CUP, relation="in the kitchen")


@pytest.mark.parametrize(
    ("goal", "text"),
    [
        (PutIn(CUP, ROOMS[0]), "put the red cup in the kitchen"),
        (PutIn(ObjectDescription(ObjectType.CUP, definite=False), ROOMS[1]), "put a cup in the living room"),
        (PutIn(TOLD, ROOMS[1]), "put the cup in the kitchen in the living room"),
        (
            And((GoTo(TOLD), PutIn(CUP, ROOMS[1]))),
            "go to the cup in the kitchen and put the red cup in the living room",
        ),
        (Then((PutIn(CUP, ROOMS[0]), GoTo(BOX))), "put the red cup in the kitchen, then go to the box"),
        (
            PutNextTo(CUP, ObjectDescription(ObjectType.BOX, relation=ROOMS[0])),
            "put the red cup next to the box in the kitchen",
        ),
    ],
)
def test_sentence_is_read_back_as_its_only_goal(goal, text):
    assert render(goal) == text
    assert readings(text, LEXICON) == [goal]


def test_every_paraphrase_has_one_reading():
    said = set()
    for seed, (moved, place) in enumerate(product([CUP, TOLD, ObjectDescription(CUP.type, negated=True)] * 10, ROOMS)):
        goal = PutIn(moved, place)
        text = paraphrase(goal, np.random.default_rng(seed)).text
        assert [without_determiners(own) for own in readings(text, LEXICON)] == [without_determiners(goal)], text
        said.add(" ".join(word for word in text.split() if word in ("put", "down", "sure", "must", "drop", "leave")))
    assert len(said) > 4


def test_room_that_a_task_does_not_know_is_refused_where_it_stands():
    with pytest.raises(InstructionError, match=r"expected 'kitchen' or 'living room' at the mark") as caught:
        parse("put the red cup in the garage", LEXICON)
    line, mark = str(caught.value).splitlines()[1:3]
    assert line[mark.index("^") :] == "garage"


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        (ObjectDescription(ObjectType.DOOR), "a door cannot be moved"),
        (ObjectDescription(ObjectType.CUP, both=True), "'both' cannot be put"),
        (ObjectDescription(ObjectType.CUP, relation=NextTo(BOX)), "cannot be named by what it lies next to"),
    ],
)
def test_what_cannot_be_put_is_refused(moved, reason):
    with pytest.raises(InstructionError, match=reason):
        PutIn(moved, ROOMS[0])


def test_parts_of_the_goal_are_those_of_what_is_put():
    goal = PutIn(CUP, ROOMS[0])
    assert clause_descriptions(goal) == (CUP,)
    assert combinations(goal) == {("red", "cup")}
    assert verb_of(goal) == "put"
