"""Words of a task's own: what cannot be one is refused, and every sentence with them has one reading."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from groundling.errors import ConfigurationError, InstructionError
from groundling.language import (
    VOCABULARY,
    And,
    Color,
    Goal,
    GoTo,
    Lexicon,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    OwnColor,
    OwnType,
    PickUp,
    PutNextTo,
    Size,
    Then,
    paraphrase,
    parse,
    render,
)
from groundling.language.grammar import check_relations
from groundling.language.lexicon import PLAIN
from groundling.language.own_words import PLAIN_SHAPES, SHAPES
from groundling.language.reader import readings
from groundling.language.synonyms import plural
from groundling.language.vocabulary import split_words

APPLE = OwnType("apple", shape="ball")
MOUSE = OwnType("mouse", plural="mice")
TEAL = OwnColor("teal", (0, 128, 128))
OWN = Lexicon((APPLE, MOUSE), (TEAL,), ("between the doors", "alone"), ("fetch me something to eat!",))
TEAL_MOUSE = ObjectDescription(MOUSE, TEAL)
BLUE_DOOR = ObjectDescription(ObjectType.DOOR, Color.BLUE)


# ------------------------------------------------------------------------------------------------ types and colors


def test_own_words_are_the_words_themselves() -> None:
    assert APPLE == "apple"
    assert TEAL == "teal"
    assert {APPLE: 1}["apple"] == 1
    assert f"{TEAL} {APPLE}" == " ".join([TEAL, APPLE]) == "teal apple"
    assert ObjectDescription(APPLE, TEAL) == ObjectDescription("apple", "teal")  # type: ignore[arg-type]


@pytest.mark.parametrize("own", [APPLE, MOUSE, TEAL])
@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, lambda own: pickle.loads(pickle.dumps(own))])
def test_own_words_travel_with_what_they_look_like(own: OwnType | OwnColor, travel) -> None:
    there = travel(own)
    assert (type(there), str(there), repr(there)) == (type(own), str(own), repr(own))
    assert eval(repr(own)) == own


@pytest.mark.parametrize("name", ["", "Apple", "red apple", "apple2", "a_b", "apple,", 3, None])
def test_what_is_no_single_word_names_nothing(name: str) -> None:
    with pytest.raises(ConfigurationError, match="one word in lower case"):
        OwnType(name)
    with pytest.raises(ConfigurationError, match="one word in lower case"):
        OwnColor(name, (1, 2, 3))


def test_what_is_no_look_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no shape 'apple' for 'apple': take one of cone, "):
        OwnType("apple", shape="apple")
    for rgb in ((1, 2), (1, 2, 256), (0.5, 0.5, 0.5), "red", (-1, 0, 0)):
        with pytest.raises(ConfigurationError, match="red, green and blue from 0 to 255"):
            OwnColor("teal", rgb)  # type: ignore[arg-type]


def test_types_without_a_shape_get_plain_ones_that_nobody_else_has() -> None:
    assert Lexicon(types=(OwnType("fig"), OwnType("pea", shape="can"), APPLE, OwnType("pear"))).shapes == (
        *("cone", "can", "ball", "steps"),
    )
    every = Lexicon(types=tuple(OwnType("x" * (i + 1)) for i in range(8)))
    assert every.shapes == PLAIN_SHAPES
    assert set(PLAIN_SHAPES) < set(SHAPES)
    with pytest.raises(ConfigurationError, match="two types of a task have the shape 'cup'"):
        Lexicon(types=(OwnType("fig", shape="cup"), OwnType("pea", shape="cup")))


@pytest.mark.parametrize(
    ("lexicon", "reason"),
    [
        ({"types": (OwnType("mug"),)}, "'mug' stands for 'cup' in the language already"),
        ({"types": (OwnType("ball"),)}, "'ball' is a word of the language already"),
        ({"types": (OwnType("boxe"),)}, "'boxes' is a word of the language"),
        ({"types": (OwnType("apple", plural="boxes"),)}, "'boxes' is a word of the language"),
        ({"colors": (OwnColor("silver", (1, 2, 3)),)}, "'silver' stands for 'grey'"),
        ({"colors": (OwnColor("next", (1, 2, 3)),)}, "'next' is a word of the language"),
        ({"types": (OwnType("teal"),), "colors": (TEAL,)}, "'teal' names two"),
        ({"types": tuple(OwnType("x" * (i + 1)) for i in range(33))}, "at most 32 types of its own, got 33"),
        ({"colors": tuple(OwnColor("x" * (i + 1), (i, i, i)) for i in range(9))}, "at most 8 colors"),
        ({"relations": ("",)}, "words on one line"),
        ({"sentences": ("go\nhome",)}, "words on one line"),
    ],
)
def test_lexicons_that_cannot_work_are_refused(lexicon: dict, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Lexicon(**lexicon)


def test_lexicons_are_compared_by_words_and_looks() -> None:
    assert Lexicon(colors=(TEAL,)) == Lexicon(colors=(OwnColor("teal", (0, 128, 128)),))
    assert Lexicon(colors=(TEAL,)) != Lexicon(colors=(OwnColor("teal", (0, 128, 129)),))
    assert Lexicon(types=(OwnType("fig"),)) != Lexicon(types=(OwnType("fig", shape="can"),))
    assert pickle.loads(pickle.dumps(OWN)) == OWN


# ------------------------------------------------------------------------------------------------ vocabulary


def test_own_words_stand_at_the_end_of_the_vocabulary() -> None:
    assert OWN.vocabulary.words[: len(VOCABULARY)] == VOCABULARY.words
    own = ("apple", "apples", "mouse", "mice", "teal", "between", "alone", "me", "eat")
    assert OWN.vocabulary.words[len(VOCABULARY) :] == own
    assert OWN.vocabulary.fingerprint != VOCABULARY.fingerprint
    assert PLAIN.vocabulary is VOCABULARY


def test_vocabulary_of_the_language_is_what_it_has_always_been() -> None:
    """Checkpoints, banks and demonstrations that were saved mean these words by their token ids."""
    assert (len(VOCABULARY), VOCABULARY.fingerprint) == (255, 3562520721)


@pytest.mark.parametrize(
    ("noun", "several"),
    [("berry", "berries"), ("toy", "toys"), ("bus", "buses"), (MOUSE, "mice"), (APPLE, "apples"), ("box", "boxes")],
)
def test_plurals(noun: str, several: str) -> None:
    assert plural(noun) == several


# ------------------------------------------------------------------------------------------------ sentences


def own_descriptions() -> list[ObjectDescription]:
    relations = [None, "between the doors", "alone", NextTo(BLUE_DOOR), NextTo(TEAL_MOUSE)]
    return [
        *(
            ObjectDescription(type_, color, location, definite, size, relation=relation)
            for type_, color, location, definite, size, relation in product(
                [None, APPLE, ObjectType.KEY],
                [None, TEAL],
                [None, Location.LEFT],
                [True, False],
                [None, Size.LARGER],
                relations,
            )
        ),
        *(ObjectDescription(MOUSE, TEAL, both=True, relation=relation) for relation in relations),
        *(ObjectDescription(MOUSE, TEAL, negated=True, relation=relation) for relation in relations),
    ]


def test_every_description_with_own_words_reads_back_in_one_way() -> None:
    goals = [GoTo(description) for description in own_descriptions()]
    texts = [render(goal) for goal in goals]
    assert len(set(texts)) == len(goals)
    assert [readings(text, OWN) for text in texts] == [[goal] for goal in goals]


@pytest.mark.parametrize(
    ("text", "goal"),
    {
        "pick up the teal mouse next to an apple": PickUp(
            replace(TEAL_MOUSE, relation=NextTo(ObjectDescription(APPLE, definite=False)))
        ),
        "go to both teal mice between the doors": GoTo(replace(TEAL_MOUSE, both=True, relation="between the doors")),
        "put the teal mouse alone next to the apple": PutNextTo(
            replace(TEAL_MOUSE, relation="alone"), ObjectDescription(APPLE)
        ),
    }.items(),
)
def test_sentences_by_hand(text: str, goal: Goal) -> None:
    assert render(goal) == text
    assert parse(text, OWN) == goal
    with pytest.raises(InstructionError, match="cannot read this instruction"):
        parse(text)


def test_synonyms_of_the_words_of_a_relation_are_read() -> None:
    assert parse("walk to the teal mouse between the gates", OWN) != parse("go to the teal mouse", OWN)


def test_paraphrases_with_own_words_read_back() -> None:
    rng = np.random.default_rng(0)
    descriptions = own_descriptions()
    for _ in range(500):
        first, second = (PickUp(descriptions[rng.integers(len(descriptions))]) for _ in range(2))
        goal = [first, And((first, second)), Then((first, second))][rng.integers(3)]
        said = paraphrase(goal, rng)
        assert readings(said.text, OWN) == [goal], said.text
        assert set(split_words(said.text)) <= set(OWN.vocabulary.words)


def test_plural_may_be_the_singular() -> None:
    sheep = Lexicon((OwnType("sheep", plural="sheep"),))
    both, one = (GoTo(ObjectDescription(sheep.types[0], both=both)) for both in (True, False))
    assert (render(both), render(one)) == ("go to both sheep", "go to the sheep")
    assert [readings(render(goal), sheep) for goal in (both, one)] == [[both], [one]]


def test_unknown_word_is_compared_with_own_words() -> None:
    with pytest.raises(InstructionError, match="'aple' is not a word of the language, did you mean 'apple'"):
        parse("go to the teal aple", OWN)


@pytest.mark.parametrize(
    "words", ["next to the door", "beside a red ball", "on your left", "and open the door", ", please", "near the box"]
)
def test_relations_that_can_be_read_otherwise_are_refused(words: str) -> None:
    check_relations(OWN)
    with pytest.raises(ConfigurationError, match="cannot be told from other words"):
        check_relations(Lexicon(relations=(words,)))
