"""Hard negatives of a sentence: the same sentence with one word swapped for another of its kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from groundling.language.descriptions import Color, ObjectType
from groundling.language.synonyms import plural, synonyms_of
from groundling.language.vocabulary import Vocabulary

VERBS = (("go", "to"), ("pick", "up"), ("open",))  # what may stand before the same description


class WordSwaps:
    """Sentences that differ from one in a color, a type or a verb, so that they ask for something else.

    A word is never swapped for a synonym of its own. Words that a task brings are not known here, and stay.

    Args:
        vocabulary: what token ids mean.
        used: token ids that may be swapped in; None allows all.
    """

    def __init__(self, vocabulary: Vocabulary, used: Collection[int] | None = None) -> None:
        ids = {word: index for index, word in enumerate(vocabulary.words)}
        allowed = set(ids.values() if used is None else map(int, used))
        self._others: dict[int, list[int]] = {}
        for kind in (Color, ObjectType):
            singular = {ids[form]: name for name in kind for form in (name, *synonyms_of(name)) if form in ids}
            self._add(singular, allowed)
            if kind is ObjectType:
                forms = {name: (plural(name), *map(plural, synonyms_of(name))) for name in kind}
                self._add({ids[form]: name for name in kind for form in forms[name] if form in ids}, allowed)
        known = [[ids[word] for word in verb] for verb in VERBS if all(word in ids for word in verb)]
        self._verbs = [(verb, allowed.issuperset(verb)) for verb in known]

    def _add(self, meaning_of: Mapping[int, str], allowed: set[int]) -> None:
        for token, meaning in meaning_of.items():
            others = [other for other, theirs in meaning_of.items() if theirs != meaning and other in allowed]
            self._others[token] = sorted(others)

    def of(self, tokens: NDArray[np.integer]) -> NDArray[np.int64]:
        """Every sentence [S, L] that is one swap away from a sentence [L], in the order of the words; S may be 0."""
        length = len(tokens)
        words = [int(token) for token in tokens if token]
        found = [[*words[:place], other, *words[place + 1 :]] for place, other in self._swaps(words)]
        found += [changed for changed in self._verb_swaps(words) if len(changed) <= length]
        return np.array([row + [0] * (length - len(row)) for row in found], dtype=np.int64).reshape(-1, length)

    def _swaps(self, words: Sequence[int]) -> Iterator[tuple[int, int]]:
        for place, token in enumerate(words):
            for other in self._others.get(token, ()):
                yield place, other

    def _verb_swaps(self, words: list[int]) -> Iterator[list[int]]:
        for verb, _ in self._verbs:
            for place in range(len(words) - len(verb) + 1):
                if words[place : place + len(verb)] == verb:
                    for other, is_allowed in self._verbs:
                        if is_allowed and other != verb:
                            yield [*words[:place], *other, *words[place + len(verb) :]]
