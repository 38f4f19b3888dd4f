"""The instructions of GridLU and the patterns of blocks: the published counts, and what is kept from training."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from gridlu_reference import is_pattern

from groundling.envs.catalog import find_family
from groundling.envs.families.gridlu.held_out import HELD_OUT
from groundling.envs.families.gridlu.instructions import (
    KINDS,
    NUM_TOKENS,
    arrangements,
    by_sentence,
    part,
    relations,
    table,
    vocabulary,
)
from groundling.envs.families.gridlu.names import ARRANGEMENTS_GAME, PATTERNS, RELATIONS_GAME
from groundling.envs.families.gridlu.patterns import mask_of, shape_table, ways, ways_table

PUBLISHED = (16, 40, 8, 48, 9, 48, 48, 200, 17)


def test_there_are_990_relations_150_to_go_to_something() -> None:
    kinds = [KINDS[one.kind] for one in relations()]
    assert (len(kinds), kinds.count("go to"), kinds.count("bring to")) == (990, 150, 840)
    assert len(set(map(str, relations()))) == 990
    assert len(np.unique(table(RELATIONS_GAME), axis=0)) == 990


def test_sentences_that_say_the_same_have_one_meaning() -> None:
    family = find_family(RELATIONS_GAME.id)

    def meaning(text: str) -> object:
        assert text in by_sentence()
        return family.meaning({"instruction": text})

    assert meaning("you are east of a red circle") == meaning("a red circle is west of you")
    assert meaning("a red block is north of a square") == meaning("a square is south of a red block")
    assert meaning("you are where a square is") == meaning("a square is where you are")
    assert meaning("you are east of a red circle") != meaning("you are west of a red circle")
    assert meaning("a red block is north of a square") != meaning("a square is north of a red block")
    meanings = {one.meaning for one in relations()}
    assert len(meanings) == 75 + 420


def test_36_arrangements_have_as_many_ways_as_published() -> None:
    assert len(arrangements()) == 36
    assert tuple(len(ways(word)) for word in PATTERNS) == PUBLISHED
    assert sum(PUBLISHED) * 3 * 25 * comb(21, 4) * 2 == 389_623_500  # "389 million" goal states
    cells, first = ways_table()
    assert np.diff(first).tolist() == list(PUBLISHED)
    assert len(cells) == 434


def test_ways_are_all_placements_of_the_patterns_lines_from_both_ends() -> None:
    """Against every choice of four cells, judged by sides in common instead of drawings."""
    every = {word: set() for word in PATTERNS}
    cells = [(x, y) for y in range(5) for x in range(5)]
    for a in range(25):
        for b in range(a):
            for c in range(b):
                for d in range(c):
                    chosen = {cells[number] for number in (a, b, c, d)}
                    for word in PATTERNS:
                        if is_pattern(word, chosen):
                            every[word].add(frozenset((y, x) for x, y in chosen))
    for word in PATTERNS:
        assert set(ways(word)) == every[word], word
    distinct = tuple(len(every[word]) for word in PATTERNS)
    assert distinct == (16, 20, 8, 48, 9, 48, 48, 180, 17)


def test_table_of_patterns_knows_each_of_them_once() -> None:
    masks, is_word = shape_table()
    assert len(set(masks.tolist())) == len(masks) == 18
    assert is_word.sum(axis=0).tolist() == [1, 2, 2, 4, 1, 4, 4, 15, 3]
    assert mask_of(frozenset([(0, 0), (0, 1), (1, 0), (1, 1)])) == 0b1100011


def test_a_tenth_of_the_relations_is_kept_from_training() -> None:
    every, train, kept = (set(part(RELATIONS_GAME, name)) for name in ("all", "train", "held_out"))
    assert kept == set(HELD_OUT)
    assert len(kept) == len(HELD_OUT) == 99
    assert train == every - kept
    assert sum(number < 150 for number in kept) == 15
    said = {word for number in train for word in str(relations()[number]).split()}
    assert all(set(str(relations()[number]).split()) <= said for number in kept)


def test_arrangements_of_four_and_of_eight_blocks() -> None:
    four, eight = (part(ARRANGEMENTS_GAME, name) for name in ("four", "eight"))
    assert (len(four), len(eight)) == (9, 27)
    assert set(four) | set(eight) == set(part(ARRANGEMENTS_GAME, "train"))
    with pytest.raises(KeyError):
        part(ARRANGEMENTS_GAME, "unknown")


def test_vocabulary_has_the_words_of_both_tasks_those_of_symbols_first() -> None:
    words = vocabulary().words
    assert words[2:9] == ("floor", "circle", "triangle", "square", "red", "green", "blue")
    longest = max((str(one) for one in (*relations(), *arrangements())), key=lambda text: len(text.split()))
    assert len(longest.split()) == NUM_TOKENS == 9
    assert str(arrangements()[5]) == "the blocks are an eel"
    assert str(arrangements()[-1]) == "the blue blocks are disconnected"
