"""The encoder of documents: what it reads, what changes nothing, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.assembly import assigned_fields
from groundling.agents.encoders.documents import DocumentConfig, DocumentEncoder, Hop
from groundling.errors import ConfigurationError, ObservationError
from groundling.interfaces import CATEGORY, DOCUMENT, SYMBOLS, TOKENS, VECTOR, Field, Spec
from groundling.language.vocabulary import Vocabulary

WORDS = Vocabulary.of(["floor", "you", "cold", "hot", "dog", "cat", "find", "the", "runs"])
SIZE = len(WORDS)
SPEC = Spec(
    {
        "cells": Field((4, 5, 3), "uint8", SYMBOLS, SIZE, (SIZE, SIZE, 7)),
        "book": Field((3, 4), "int32", DOCUMENT, SIZE),
        "order": Field((4,), "int32", TOKENS, SIZE),
        "held": Field((), "int64", CATEGORY, SIZE),
    },
    ("left", "right"),
    WORDS,
)


def ids(*sentences: str) -> Any:
    return WORDS.encode_all(sentences, length=4)


def observation(
    *things: tuple[int, int, str, str],
    book: tuple[str, ...] = ("the hot dog runs", "find the cat"),
    ground: str = "floor",
) -> Any:
    cells = np.zeros((1, 4, 5, 3), dtype=np.uint8)
    cells[..., 0] = WORDS.encode(ground)[0] if ground else 0
    for row, column, noun, adjective in things:
        cells[0, row, column, 0] = WORDS.encode(noun)[0]
        cells[0, row, column, 1] = WORDS.encode(adjective)[0] if adjective else 0
    manual = np.zeros((1, 3, 4), dtype=np.int32)
    manual[0, : len(book)] = ids(*book)
    return {"cells": cells, "book": manual, "order": ids("find the dog"), "held": np.array([0])}


def agent(**settings: Any) -> ActorCritic:
    torch.manual_seed(0)
    return ActorCritic(AgentConfig(vision="document", hidden_dim=16, word_dim=8, **settings), SPEC)


def features(made: ActorCritic, seen: Any) -> torch.Tensor:
    return made.features(made.prepare(seen)).detach()


YOU = (1, 1, "you", "")


def test_as_a_vision_it_reads_symbols_and_what_is_held_in_words() -> None:
    assert assigned_fields(AgentConfig(vision="document"), SPEC) == [(DocumentEncoder, ("book", "cells", "held"))]


def test_beside_a_vision_of_symbols_it_reads_the_document() -> None:
    fields = {**SPEC.observation, "place": Field((2,), "float32", VECTOR)}
    spec = Spec(fields, SPEC.actions, WORDS)
    found = assigned_fields(AgentConfig(reads_manual=False), spec)
    assert [(kind.__name__, keys) for kind, keys in found] == [
        ("SymbolicEncoder", ("cells",)),
        ("DocumentEncoder", ("book",)),
        ("VectorEncoder", ("held", "place")),
    ]
    found = assigned_fields(AgentConfig(), spec)  # where the vision reads it with the instruction
    assert [(kind.__name__, keys) for kind, keys in found] == [
        ("SymbolicEncoder", ("cells",)),
        ("VectorEncoder", ("held", "place")),
    ]
    made = ActorCritic(AgentConfig(hidden_dim=16, reads_manual=False), SPEC)
    made.prepare(observation(YOU))


def test_order_of_sentences_and_empty_rows_change_nothing() -> None:
    made, things = agent(), (YOU, (0, 3, "dog", "hot"), (3, 3, "cat", "cold"))
    one = features(made, observation(*things, book=("the hot dog runs", "find the cat")))
    other = features(made, observation(*things, book=("find the cat", "the hot dog runs")))
    assert torch.allclose(one, other, atol=1e-6)
    assert not torch.allclose(one, features(made, observation(*things, book=("the cold dog runs", "find the cat"))))


def test_things_are_seen_from_where_the_agent_is() -> None:
    made = agent()
    one = features(made, observation((1, 1, "you", ""), (2, 2, "dog", "hot"), ground=""))
    moved = features(made, observation((2, 3, "you", ""), (3, 4, "dog", "hot"), ground=""))
    other = features(made, observation((2, 3, "you", ""), (1, 3, "dog", "hot"), ground=""))
    assert torch.allclose(one, moved, atol=1e-6)
    assert not torch.allclose(one, other)


def test_the_ground_is_seen_from_where_the_agent_is_and_not_under_things() -> None:
    made = agent()
    place = observation((1, 1, "you", ""), (2, 2, "dog", "hot"), ground="")
    wall, moved = (observation((1, 1, "you", ""), (2, 2, "dog", "hot"), ground="") for _ in range(2))
    wall["cells"][0, 0, 1, 0] = moved["cells"][0, 0, 2, 0] = WORDS.encode("floor")[0]
    seen = [features(made, one) for one in (place, wall, moved)]
    assert not torch.allclose(seen[0], seen[1])
    assert not torch.allclose(seen[1], seen[2])
    shifted = observation((2, 2, "you", ""), (3, 3, "dog", "hot"), ground="")
    shifted["cells"][0, 1, 2, 0] = WORDS.encode("floor")[0]
    assert torch.allclose(seen[1], features(made, shifted), atol=1e-6)
    with torch.no_grad():
        made.encoder.ground_of.weight[WORDS.encode("dog")[0]] = 100.0
    assert torch.equal(features(made, place), seen[0])


def test_more_things_than_are_looked_at_and_none_at_all() -> None:
    many = [(row, column, "dog", "hot") for row in (0, 2, 3) for column in range(5)]
    assert features(agent(settings=(DocumentConfig(most_things=3),)), observation(YOU, *many)).isfinite().all()
    nothing = observation(YOU, book=())
    assert features(agent(), nothing).isfinite().all()


def test_a_word_in_a_question_and_in_a_sentence_is_a_match_before_anything_is_learned() -> None:
    torch.manual_seed(0)
    words = torch.nn.functional.normalize(torch.randn(3, 32), dim=1)
    sentences = torch.stack([words[2], words[0] + words[1], words[1]])
    rows, is_there = torch.tensor([[1, 0, 2]]), torch.tensor([[True, True, False]])
    read = Hop(32, 5.0)(words[:1].unsqueeze(0), sentences, rows, is_there) - words[0]
    assert torch.nn.functional.cosine_similarity(read[0, 0], sentences[1], dim=0) > 0.9


def test_words_are_shared_by_names_document_and_goal() -> None:
    made = agent()
    embeddings = [name for name, part in made.named_modules() if isinstance(part, torch.nn.Embedding)]
    assert embeddings == ["encoder.words", "encoder.ground_of"]


def test_symbols_that_are_no_words_have_embeddings_of_their_own() -> None:
    fields = {**SPEC.observation, "cells": Field((4, 5, 3), "uint8", SYMBOLS)}
    made = ActorCritic(AgentConfig(vision="document", hidden_dim=16), Spec(fields, SPEC.actions, WORDS))
    assert made.encoder.symbols[0].weight.shape[0] == 256
    assert features(made, observation(YOU, (0, 0, "dog", "hot"))).isfinite().all()


def test_blind_agents_read_but_do_not_see() -> None:
    made = agent(blind=True)
    one, other = observation(YOU, (0, 0, "dog", "hot")), observation(YOU, (0, 4, "cat", "cold"))
    assert torch.equal(features(made, one), features(made, other))


def test_wrong_input_is_refused() -> None:
    for changes in ({"hops": 0}, {"radius": 0}, {"sharpness": 0.0}):
        with pytest.raises(ConfigurationError, match=next(iter(changes))):
            DocumentConfig(**changes)
    made, seen = agent(), observation(YOU)
    with pytest.raises(ObservationError, match=r"book must be \[1, 3, 4\] int32 \(document\)"):
        made.prepare({**seen, "book": seen["book"][:, :2]})
    with pytest.raises(ObservationError, match=f"a book of {SIZE} is out of range"):
        made.prepare({**seen, "book": seen["book"] * 0 + SIZE})
    with pytest.raises(ConfigurationError, match="vision 'document' reads document"):
        ActorCritic(AgentConfig(vision="document"))


def test_reader_that_is_given_no_sentence_decides_alike_whatever_stands_there() -> None:
    settings = (DocumentConfig(reads=False),)
    made = agent(settings=settings)
    one, other = observation(YOU, book=("the hot dog runs",)), observation(YOU, book=("find the cat", "the cold cat"))
    assert torch.equal(features(made, one), features(made, other))
    reading = agent()
    assert not torch.allclose(features(reading, one), features(reading, other))
