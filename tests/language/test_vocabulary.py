"""The vocabulary: sentences to padded token ids and back, and words that it does not hold."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.errors import InstructionError
from groundling.language import BABYAI_VOCABULARY, Vocabulary
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
    assert BABYAI_VOCABULARY.decode(BABYAI_VOCABULARY.encode(text, length=24)) == text


def test_every_word_goes_round() -> None:
    for word in BABYAI_VOCABULARY.words[2:]:
        assert BABYAI_VOCABULARY.decode(BABYAI_VOCABULARY.encode(word)) == word


def test_vocabulary_of_babyai_keeps_its_ids() -> None:
    # saved agents depend on them: a new word belongs at the end
    assert len(BABYAI_VOCABULARY) == 35
    assert BABYAI_VOCABULARY.encode("go to the red ball").tolist() == [2, 3, 10, 16, 14]


def test_upper_case_and_punctuation_are_split_alike() -> None:
    assert split_words("Go to the Ball, then open!") == ["go", "to", "the", "ball", ",", "then", "open", "!"]
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
