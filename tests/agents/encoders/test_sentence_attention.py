"""Names find the sentences that tell of them: by words that are alike, by how things move, and one thing each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders import sentence_attention
from groundling.agents.encoders.document_fields import UNKNOWN_STATE, find_things
from groundling.agents.encoders.documents import DocumentConfig
from groundling.agents.encoders.sentence_attention import Hop, PretrainedWords, two_sided
from groundling.errors import ConfigurationError
from groundling.interfaces import CATEGORY, DOCUMENT, SYMBOLS, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

WORDS = Vocabulary.of(["floor", "you", "dog", "cat", "hound", "kitten", "good", "bad", "it", "is", "comes", "goes"])
SIZE, DIM = len(WORDS), 12
FLOOR, YOU, DOG, CAT, HOUND, KITTEN, GOOD, BAD = (
    int(WORDS.encode(word)[0]) for word in ("floor", "you", "dog", "cat", "hound", "kitten", "good", "bad")
)
SPEC = Spec(
    {
        "cells": Field((4, 5, 3), "uint8", SYMBOLS, SIZE, (SIZE, SIZE, 5)),
        "book": Field((2, 4), "int32", DOCUMENT, SIZE),
        "order": Field((4,), "int32", TOKENS, SIZE),
        "held": Field((), "int64", CATEGORY, SIZE),
    },
    ("left", "right"),
    WORDS,
)
ALIKE = {"hound": "dog", "kitten": "cat"}


class FewVectors:
    """Vectors of a model that knows which words are alike."""

    def vectors(self, words: tuple[str, ...]) -> NDArray[np.float32]:
        found = np.zeros((len(words), 20), dtype=np.float32)
        for row, word in enumerate(words):
            found[row, row] += 0.3 if word in ALIKE else 1.0
            if word in ALIKE:
                found[row, words.index(ALIKE[word])] += 1.0
        return found


@pytest.fixture(autouse=True)
def few_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_attention, "find_model", lambda _: None)
    monkeypatch.setattr(sentence_attention, "embeddings_of", lambda _: FewVectors())


def ids(*sentences: str) -> Any:
    return WORDS.encode_all(sentences, length=4)


def observation(*things: tuple[int, int, int, int, int], book: tuple[str, str]) -> Any:
    cells = np.zeros((1, 4, 5, 3), dtype=np.uint8)
    cells[..., 0] = FLOOR
    for row, column, *numbers in things:
        cells[0, row, column] = numbers
    return {"cells": cells, "book": ids(*book)[None], "order": ids("it is"), "held": np.array([0])}


def agent(**settings: Any) -> ActorCritic:
    torch.manual_seed(0)
    own = DocumentConfig(word_vectors="pretrained", matching="words", sharpness=30.0, **settings)
    return ActorCritic(AgentConfig(vision="document", hidden_dim=16, word_dim=DIM, settings=(own,)), SPEC)


def features(made: ActorCritic, seen: Any) -> torch.Tensor:
    return made.features(made.prepare(seen)).detach()


def test_two_sided_attention_is_the_product_of_both_softmaxes() -> None:
    scores = torch.tensor([[[2.0, 1.0, 0.0], [3.0, 0.0, 1.0], [9.0, 9.0, 9.0]]])
    found = two_sided(scores, torch.tensor([[True, True, False]])).softmax(dim=-1)
    product = scores[:, :2].softmax(dim=2) * scores[:, :2].softmax(dim=1)
    assert torch.allclose(found[:, :2], product / product.sum(dim=2, keepdim=True))
    assert torch.allclose(found[:, 2], torch.full((1, 3), 1 / 3))


def test_a_sentence_that_suits_another_thing_better_is_left_to_it() -> None:
    names = torch.tensor([[[1.0, 0.0], [0.7, 0.3]]])  # both like the first sentence best, the first name more
    sentences, rows, is_there = torch.tensor([[1.0, 0.0], [0.5, 0.6]]), torch.tensor([[0, 1]]), torch.ones(1, 2).bool()
    hop = Hop(2, 30.0)
    alone = hop(names, sentences, rows, is_there) - names
    rivals = hop(names, sentences, rows, is_there, torch.ones(1, 2).bool()) - names
    assert alone[0, 1, 0] > 0.95  # the first sentence
    assert rivals[0, 1, 0] < 0.6  # the second one
    assert rivals[0, 0, 0] > 0.95


def test_names_match_words_that_are_alike_without_training() -> None:
    words = PretrainedWords(WORDS, DIM)
    found = words.matches(torch.tensor([0, DOG, CAT]), torch.from_numpy(ids("it is hound", "kitten is bad")))
    assert found[0].tolist() == [0, 0]
    assert found[1, 0] > 0.8 > 0.2 > found[1, 1]
    assert found[2, 1] > 0.8 > 0.2 > found[2, 0]
    assert found[1, 1] < 0  # not that of the padding behind the words
    assert not found.requires_grad


def test_pretrained_words_begin_alike_with_length_one_and_padding_with_zero() -> None:
    words = PretrainedWords(WORDS, DIM)
    words.initialize()
    weight = words.weight.detach()
    assert float(weight[1:].norm(dim=1).mean()) == pytest.approx(1, abs=1e-5)
    assert not weight[0].any()
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(weight[HOUND], weight[DOG], dim=0) > 0.8 > cosine(weight[HOUND], weight[CAT], dim=0)


def test_what_things_are_known_by_is_what_sentences_with_like_words_say_of_them() -> None:
    made = agent()
    things = ((1, 1, YOU, 0, 0), (0, 3, FLOOR, DOG, 0), (3, 3, FLOOR, CAT, 0))
    one = features(made, observation(*things, book=("hound is good", "kitten is bad")))
    same = features(made, observation(*things, book=("kitten is bad", "hound is good")))
    other = features(made, observation(*things, book=("hound is bad", "kitten is good")))
    assert torch.allclose(one, same, atol=1e-6)
    assert not torch.allclose(one, other, atol=1e-3)


def test_names_alone_tell_nothing() -> None:
    made = agent()
    seen = [observation((1, 1, YOU, 0, 0), (0, 3, FLOOR, thing, 0), book=("", "")) for thing in (DOG, CAT)]
    assert torch.equal(features(made, seen[0]), features(made, seen[1]))


def test_how_things_move_is_read_where_it_is_asked_for() -> None:
    seen = [
        observation((1, 1, YOU, 0, 0), (0, 3, FLOOR, DOG, state), book=("hound is good", "kitten is bad"))
        for state in (1, 2)
    ]
    for states in (False, True):
        made = agent(states=states)
        assert torch.equal(features(made, seen[0]), features(made, seen[1])) == (not states)


def test_sides_are_those_of_the_agent() -> None:
    cells = torch.zeros(1, 4, 5, 3, dtype=torch.uint8)
    cells[0, 2, 2, 0] = YOU
    for row, column in ((0, 0), (0, 2), (2, 4), (3, 3)):
        cells[0, row, column, 1] = DOG
    found = find_things(cells, YOU, 2, 8)
    of_place = dict(zip(found.place[0].tolist(), found.side[0].tolist(), strict=True))
    assert of_place == {0: 0, 2: 1, 14: 5, 18: 8}


def test_a_second_thing_in_a_cell_is_a_thing_where_it_is_asked_for() -> None:
    seen = observation((1, 1, YOU, DOG, 3), (0, 3, CAT, DOG, 2), (3, 0, FLOOR, CAT, 1), book=("", ""))
    cells = torch.tensor(seen["cells"])
    found = find_things(cells, YOU, 3, 8, FLOOR)
    things = zip(found.second[0].tolist(), found.state[0].tolist(), found.place[0].tolist(), strict=True)
    beside, below = 2 * 7 + 5, 5 * 7 + 2
    assert sorted(things) == sorted([(DOG, 3, 24), (DOG, 2, beside), (CAT, UNKNOWN_STATE, beside), (CAT, 1, below)])
    assert not found.first.any()
    plain = find_things(cells, YOU, 3, 8)
    assert sorted(zip(plain.first[0].tolist(), plain.second[0].tolist(), strict=True)) == sorted(
        [(YOU, DOG), (CAT, DOG), (FLOOR, CAT)]
    )
    everything = {"second_things": True, "states": True, "two_sided": True, "thing_hidden": 8}
    assert features(agent(**everything), observation((0, 3, CAT, DOG, 2), book=("it is dog", ""))).isfinite().all()


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="word-vectors pretrained"):
        DocumentConfig(matching="words")
    with pytest.raises(ConfigurationError, match="matching is one of learned, words"):
        DocumentConfig(matching="letters")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="thing_hidden must not be negative"):
        DocumentConfig(thing_hidden=-1)
