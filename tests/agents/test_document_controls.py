"""Controls of agents that read: what they are given in place of their document, and what they are found to follow."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from groundling.agents.document_controls import MixedWords, NoDocument, OtherDocument

DOCUMENTS = np.arange(1, 1 + 4 * 3 * 2).reshape(4, 3, 2)
DOCUMENTS[:, 2, 1] = 0


class Reader:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def initial_state(self, num_envs: int) -> torch.Tensor:
        return torch.zeros(num_envs, 2)

    def act(self, observation: Any, state: torch.Tensor, is_first: Any, **options: Any) -> Any:
        self.given.append(observation["book"].copy())
        assert state.shape[1] == 2
        return np.zeros(len(state), dtype=np.int64), state

    def inference_cache(self) -> Any:
        return nullcontext()


class Judge:
    """A document asks for the ending that its first token says."""

    def __init__(self, endings: list[int]) -> None:
        self.endings = np.array(endings)

    @property
    def unwrapped(self) -> Judge:
        return self

    def endings_asked(self, documents: Any, rows: Any) -> Any:
        return documents[:, 0, 0] if len(rows) == len(documents) else None


def act(control: Any, state: torch.Tensor, rows: list[int], first: bool) -> torch.Tensor:
    _, state = control.act({"book": DOCUMENTS[rows]}, state, np.full(len(rows), first))
    return state


def test_documents_are_emptied() -> None:
    reader = Reader()
    control = NoDocument(reader, ["book"])
    act(control, control.initial_state(4), [0, 1, 2, 3], True)
    assert reader.given[0].shape == DOCUMENTS.shape
    assert not reader.given[0].any()


def test_words_are_mixed_over_all_sentences_and_stay_so() -> None:
    reader = Reader()
    control = MixedWords(reader, ["book"], seed=0)
    state = control.initial_state(4)
    for rows in ([0, 1, 2, 3], [2]):
        act(control, state[: len(rows)], rows, True)
    mixed = reader.given[0]
    assert (mixed[2] == reader.given[1][0]).all()
    assert (np.sort(mixed.reshape(4, -1)) == np.sort(DOCUMENTS.reshape(4, -1))).all()
    assert ((mixed == 0) == (DOCUMENTS == 0)).all()
    sentences = [{frozenset(line.tolist()) for line in document} for document in mixed]
    assert sentences != [{frozenset(line.tolist()) for line in document} for document in DOCUMENTS]


def test_each_environment_has_another_document_for_a_whole_episode() -> None:
    reader = Reader()
    control = OtherDocument(reader, ["book"], seed=0)
    state = act(control, control.initial_state(4), [0, 1, 2, 3], True)
    first = reader.given[0]
    assert all((first != DOCUMENTS).any(axis=(1, 2)))
    assert all(any((one == document).all() for document in DOCUMENTS) for one in first)
    state = act(control, state[[1, 3]], [1, 3], False)  # two have played all their episodes
    assert (reader.given[1] == first[[1, 3]]).all()
    given = set()
    for _ in range(30):
        act(control, state, [1, 3], True)
        given |= {tuple(one[:, 0]) for one in reader.given[-1][:1]}
    assert given == {tuple(DOCUMENTS[place][:, 0]) for place in (0, 2, 3)}


def test_what_the_wrong_document_asks_for_is_counted() -> None:
    control = OtherDocument(Reader(), ["book"], seed=0)
    judge: Any = Judge([-1, -1, -1, -1])
    control.bind(judge)
    act(control, control.initial_state(4), [0, 1, 2, 3], True)
    judge.endings[:] = [given[0][0, 0] for given in control._given]
    judge.endings[3] = -1
    control.note(np.array([True, True, False, True]))
    assert (control.followed, control.asked) == (2, 3)


def test_documents_that_ask_for_the_same_or_nothing_are_not_counted() -> None:
    judge: Any = SimpleNamespace(endings=np.zeros(4, dtype=np.int64))
    judge.unwrapped = judge
    for answer in (0, -1):
        judge.endings_asked = lambda documents, rows, answer=answer: np.full(len(documents), answer)
        control = OtherDocument(Reader(), ["book"], seed=0)
        control.bind(judge)
        act(control, control.initial_state(4), [0, 1, 2, 3], True)
        control.note(np.ones(4, dtype=np.bool_))
        assert (control.followed, control.asked) == (0, 0)
