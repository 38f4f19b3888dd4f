"""The language of Chaplot et al. 2018: its words, its two splits, and what every instruction denotes."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest

from groundling.errors import InstructionError
from groundling.language import Color
from groundling.language.grounded import (
    GROUNDED_VOCABULARY,
    INSTRUCTION_LENGTH,
    INSTRUCTIONS,
    OBJECTS,
    STRATA,
    TEST,
    TRAIN,
    GroundedObject,
    GroundedPhrase,
    GroundedType,
    Height,
    Stratum,
    Superlative,
    denotes,
    is_clearly_larger,
    parse_grounded,
    possible_distractors,
    possible_targets,
)
from groundling.language.vocabulary import split_words

NAMED = {str(thing): thing for thing in OBJECTS}


def objects(*names: str) -> list[GroundedObject]:
    return [NAMED[name] for name in names]


def targets(phrase: str) -> set[str]:
    return {str(OBJECTS[index]) for index in possible_targets(f"Go to the {phrase}", 4)}


def words_of(index: int) -> list[str]:
    return split_words(INSTRUCTIONS[index])


def test_there_are_18_objects_of_five_kinds() -> None:
    assert len(OBJECTS) == len(set(OBJECTS)) == 18
    assert Counter(str(thing.type) for thing in OBJECTS) == {
        "torch": 6,
        "pillar": 4,
        "keycard": 3,
        "skullkey": 3,
        "armor": 2,
    }
    assert Counter(str(thing.color) for thing in OBJECTS) == {"red": 7, "green": 5, "blue": 4, "yellow": 2}


def test_there_are_70_instructions_55_to_train_on_and_15_to_test() -> None:
    assert len(INSTRUCTIONS) == len(set(INSTRUCTIONS)) == 70
    assert (len(TRAIN), len(TEST)) == (55, 15)
    assert sorted(TRAIN + TEST) == list(range(70))


def test_vocabulary_has_17_words_all_of_them_trained() -> None:
    assert len(GROUNDED_VOCABULARY.words[2:]) == 17
    assert {word for index in TRAIN for word in words_of(index)} == set(GROUNDED_VOCABULARY.words[2:])
    assert INSTRUCTION_LENGTH == 6
    for text in INSTRUCTIONS:
        assert GROUNDED_VOCABULARY.decode(GROUNDED_VOCABULARY.encode(text, length=6)) == text.lower()


def test_strata_divide_the_test_by_what_is_new_in_it() -> None:
    assert {stratum: len(indices) for stratum, indices in STRATA.items()} == {
        Stratum.REORDERED: 7,
        Stratum.NEW_SET: 6,
        Stratum.SUPERLATIVE: 2,
    }
    assert sorted(index for indices in STRATA.values() for index in indices) == sorted(TEST)
    trained_words = {tuple(sorted(words_of(index))) for index in TRAIN}
    trained_sets = {possible_targets(INSTRUCTIONS[index], 4) for index in TRAIN}
    for stratum, indices in STRATA.items():
        for index in indices:
            is_reordered = tuple(sorted(words_of(index))) in trained_words
            assert is_reordered == (stratum is Stratum.REORDERED), INSTRUCTIONS[index]
            is_superlative = parse_grounded(INSTRUCTIONS[index]).superlative is not None
            assert is_superlative == (stratum is Stratum.SUPERLATIVE), INSTRUCTIONS[index]
            if stratum is Stratum.NEW_SET:
                assert possible_targets(INSTRUCTIONS[index], 4) not in trained_sets, INSTRUCTIONS[index]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("torch", GroundedPhrase(type=GroundedType.TORCH)),
        ("red object", GroundedPhrase(color=Color.RED)),
        ("tall green pillar", GroundedPhrase(GroundedType.PILLAR, Color.GREEN, Height.TALL)),
        ("green tall pillar", GroundedPhrase(GroundedType.PILLAR, Color.GREEN, Height.TALL)),
        ("smallest yellow object", GroundedPhrase(color=Color.YELLOW, superlative=Superlative.SMALLEST)),
    ],
)
def test_words_are_read_as_attributes(phrase: str, expected: GroundedPhrase) -> None:
    assert parse_grounded(f"Go to the {phrase}") == expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Go to the red ball", "ball"),
        ("Go to a red torch", "form"),
        ("Go to the", "form"),
        ("Go to the big torch", "big"),
        ("Go to the red blue torch", "red as well as blue"),
    ],
)
def test_sentences_outside_the_language_are_refused(text: str, named: str) -> None:
    with pytest.raises(InstructionError, match=named):
        parse_grounded(text)


# From the targets that the paper's authors published beside each instruction (``data/instructions_all.json``).
@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("armor", {"green armor", "red armor"}),
        ("red armor", {"red armor"}),
        ("short torch", {"short red torch", "short green torch", "short blue torch"}),
        ("tall pillar", {"tall red pillar", "tall green pillar"}),
        ("short object", {f"short {name}" for name in ("red torch", "green torch", "blue torch", "red pillar")}
         | {"short green pillar"}),
        ("yellow object", {"yellow keycard", "yellow skullkey"}),
        ("largest yellow object", {"yellow keycard", "yellow skullkey"}),
        ("blue object", {"short blue torch", "tall blue torch", "blue keycard", "blue skullkey"}),
        ("smallest blue object", {"short blue torch", "tall blue torch", "blue keycard", "blue skullkey"}),
        ("green object", {"green armor", "tall green pillar", "short green pillar", "short green torch",
                          "tall green torch"}),
        ("largest object", {str(thing) for thing in OBJECTS if thing.type not in ("keycard", "skullkey")}),
    ],
)  # fmt: skip
def test_targets_are_those_of_the_paper(phrase: str, expected: set[str]) -> None:
    assert targets(phrase) == expected


def test_smallest_object_is_a_key_or_an_armor() -> None:
    """The paper has short torches too, which by their sprites are neither clearly larger nor smaller than pillars."""
    assert targets("smallest object") == {str(thing) for thing in OBJECTS if thing.height is None}


@pytest.mark.parametrize(
    ("phrase", "present", "expected"),
    [
        ("red object", ("red armor", "green armor", "red keycard"), (0, 2)),
        ("largest object", ("tall red torch", "short red torch", "blue keycard"), (0,)),
        ("largest object", ("tall red torch", "tall blue torch", "blue keycard"), ()),
        ("largest object", ("tall red torch", "short green pillar", "blue keycard"), ()),
        ("smallest object", ("tall red torch", "short green pillar", "blue keycard"), (2,)),
        ("smallest object", ("red skullkey", "short green pillar", "blue keycard"), ()),
        ("smallest red object", ("red armor", "blue keycard", "short red torch"), (0,)),
        ("largest blue object", ("blue skullkey", "tall green torch", "tall red pillar"), (0,)),
        ("largest blue object", ("short blue torch", "tall green torch", "tall blue torch"), (2,)),
        ("yellow keycard", ("blue keycard", "yellow skullkey"), ()),
    ],
)
def test_denotation_compares_only_what_the_phrase_could_mean(
    phrase: str, present: tuple[str, ...], expected: tuple[int, ...]
) -> None:
    assert denotes(f"Go to the {phrase}", objects(*present)) == expected


def test_clearly_larger_is_a_strict_partial_order() -> None:
    for one, other, third in product(OBJECTS, repeat=3):
        assert not is_clearly_larger(one, one)
        assert not (is_clearly_larger(one, other) and is_clearly_larger(other, one))
        if is_clearly_larger(one, other) and is_clearly_larger(other, third):
            assert is_clearly_larger(one, third)


@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_any_distractors_leave_exactly_the_target(text: str) -> None:
    rng = np.random.default_rng(0)
    for target in possible_targets(text, 4):
        distractors = possible_distractors(text, target)
        for other in distractors:
            assert denotes(text, [OBJECTS[other], OBJECTS[target]]) == (1,)
        for _ in range(20):
            chosen = [target, *rng.choice(distractors, size=4, replace=False)]
            order = rng.permutation(5)
            assert denotes(text, [OBJECTS[chosen[index]] for index in order]) == (int(np.argmin(order)),)


def test_objects_that_are_no_distractors_would_cast_doubt() -> None:
    for text in INSTRUCTIONS:
        for target in possible_targets(text, 4):
            for other in set(range(18)) - set(possible_distractors(text, target)) - {target}:
                assert denotes(text, [OBJECTS[target], OBJECTS[other]]) != (0,)


def test_order_of_the_adjectives_does_not_matter() -> None:
    for words in permutations(["short", "red"]):
        assert parse_grounded(f"Go to the {' '.join(words)} torch") == GroundedPhrase(
            GroundedType.TORCH, Color.RED, Height.SHORT
        )
