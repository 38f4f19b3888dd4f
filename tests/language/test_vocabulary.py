"""The vocabulary: sentences to padded token ids and back, and words that it does not hold."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from groundling.errors import InstructionError
from groundling.language import (
    PHRASINGS,
    SYNONYMS,
    VOCABULARY,
    Color,
    ObjectType,
    Size,
    Vocabulary,
)
from groundling.language.phrasings import CANONICAL
from groundling.language.synonyms import NOUNS, plural
from groundling.language.vocabulary import split_words

SMALL = Vocabulary.of(["go", "to", "the", "red", "ball", ","])


def test_ids_count_from_two_in_the_order_of_the_words() -> None:
    assert SMALL.words[:2] == ("<pad>", "<unk>")
    assert len(SMALL) == 8
    ids = SMALL.encode("go to the ball, ball")
    assert ids.tolist() == [2, 3, 4, 6, 7, 6]
    assert ids.dtype == np.int32


def test_padding_fills_with_zeros_on_the_right() -> None:
    assert SMALL.encode("red ball", length=5).tolist() == [5, 6, 0, 0, 0]
    assert SMALL.encode("red ball", length=2).tolist() == [5, 6]
    assert SMALL.encode("").tolist() == []


@pytest.mark.parametrize(
    "text",
    ["go to the red ball", "put a box next to the yellow key", "open the door in front of you, then pick up a ball"],
)
def test_decoded_ids_are_the_sentence(text: str) -> None:
    assert VOCABULARY.decode(VOCABULARY.encode(text, length=24)) == text


def test_every_word_goes_round() -> None:
    for word in VOCABULARY.words[2:]:
        assert VOCABULARY.decode(VOCABULARY.encode(word)) == word


def test_vocabulary_keeps_its_ids() -> None:
    # saved agents depend on them: a change here is a change of every checkpoint's meaning
    assert VOCABULARY is VOCABULARY
    assert len(VOCABULARY) == 255
    assert VOCABULARY.words[2:10] == ("go", "to", "pick", "up", "open", "put", "next", "near")
    assert VOCABULARY.encode("go to the red ball").tolist() == [2, 3, 10, 52, 43]
    assert zlib.crc32(" ".join(VOCABULARY.words).encode()) == 3562520721


def test_vocabulary_is_ordered_by_kind_of_word() -> None:
    first = [VOCABULARY.words.index(word) for word in ("go", "an", "bell", "red", "largest", "please", "walk", "balls")]
    assert first == sorted(first)
    assert VOCABULARY.words[-5:] == (",", ".", ";", "!", "?")


def test_vocabulary_holds_every_word_of_the_language_once_and_as_plain_strings() -> None:
    phrasings = [*CANONICAL, *PHRASINGS.values()]
    words = {word for phrasing in phrasings for word in phrasing.words} | set(SYNONYMS) | set(SYNONYMS.values())
    words |= {*Color, *ObjectType, *Size, "object", "a", "an", "the", "is", "are"}
    words |= {plural(noun) for noun in (*ObjectType, "object", "crate", "orb", "torch")}
    assert words <= set(VOCABULARY.words)
    assert {type(word) for word in VOCABULARY.words} == {str}
    assert all(word == word.lower() and word.split() == [word] for word in VOCABULARY.words)
    # and no other
    assert set(VOCABULARY.words[2:]) - words == {
        plural(noun) for noun in SYNONYMS if SYNONYMS[noun] in NOUNS
    } - words | {*".;!"}


def test_upper_case_and_punctuation_are_split_alike() -> None:
    assert split_words("Go to the Ball, then open!") == ["go", "to", "the", "ball", ",", "then", "open", "!"]
    assert split_words(" a,b.\tc;d? \n") == ["a", ",", "b", ".", "c", ";", "d", "?"]
    assert split_words("") == []
    assert SMALL.encode("GO to,the ball").tolist() == [2, 3, 7, 4, 6]


def test_unknown_word_is_refused_and_close_ones_are_named() -> None:
    with pytest.raises(InstructionError, match=r"'bal' .* did you mean 'ball'"):
        SMALL.encode("go to the bal")
    with pytest.raises(InstructionError, match="allow_unknown=True"):
        SMALL.encode("go to the xylophone")
    assert "bal" not in SMALL
    assert "ball" in SMALL


def test_unknown_word_can_be_allowed() -> None:
    assert SMALL.encode("go to the xylophone", allow_unknown=True).tolist() == [2, 3, 4, 1]


def test_longer_sentence_than_the_length_is_refused() -> None:
    with pytest.raises(InstructionError, match="has 5 tokens, more than the 4"):
        SMALL.encode("go to the red ball", length=4)


def test_several_sentences_make_one_padded_array() -> None:
    tokens = SMALL.encode_all(["red ball", "go to the red ball"], length=6)
    assert tokens.tolist() == [[5, 6, 0, 0, 0, 0], [2, 3, 4, 5, 6, 0]]
    assert tokens.dtype == np.int32
    assert SMALL.encode_all([], length=6).shape == (0, 6)
    assert SMALL.encode_all(["", "red"], length=2).tolist() == [[0, 0], [5, 0]]


def test_several_sentences_are_encoded_as_each_alone() -> None:
    texts = ["go to the red ball", "Open the door, then pick up a gray orb!", "pick up both red balls, please"]
    tokens = VOCABULARY.encode_all(texts, length=24)
    assert tokens.tolist() == [VOCABULARY.encode(text, length=24).tolist() for text in texts]


def test_several_sentences_are_refused_as_each_alone() -> None:
    with pytest.raises(InstructionError, match=r"'bal' of 'go to the bal' .* did you mean 'ball'"):
        SMALL.encode_all(["red ball", "go to the bal"], length=6)
    with pytest.raises(InstructionError, match="'go to the red ball' has 5 tokens, more than the 4"):
        SMALL.encode_all(["red ball", "go to the red ball", "go"], length=4)


@pytest.mark.parametrize("index", [-1, 8])
def test_id_outside_the_vocabulary_is_refused(index: int) -> None:
    with pytest.raises(InstructionError, match=f"token id {index} is outside the vocabulary of 8 words"):
        SMALL.decode([2, index])


def test_vocabulary_must_begin_with_padding_and_unknown_word() -> None:
    with pytest.raises(InstructionError, match="begins with"):
        Vocabulary(("go", "to"))


def test_vocabulary_holds_each_word_once() -> None:
    with pytest.raises(InstructionError, match="once"):
        Vocabulary(("<pad>", "<unk>", "go", "go"))
    assert len(Vocabulary.of(["go", "go"])) == 3


def test_vocabularies_of_the_same_words_are_equal() -> None:
    assert Vocabulary.of(["go", "to"]) == Vocabulary.of(["go", "to"])
    assert Vocabulary.of(["go", "to"]) != Vocabulary.of(["to", "go"])
