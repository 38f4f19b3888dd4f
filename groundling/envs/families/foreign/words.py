"""The words of texts that nobody tells beforehand: learned from the first episodes, and kept."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from groundling.envs.simulators.foreign.vector import ForeignSource, decode
from groundling.errors import GroundlingError
from groundling.files import cache_folder, write_text
from groundling.language.vocabulary import split_words
from groundling.seeding import integer

STEPS_OF_EACH = 4  # random ones after each reset: texts may change
LEAST_LENGTH = 8
SPARE = 1.25  # tokens, over those of the longest text


class Learned(NamedTuple):
    """What texts are made of.

    Attributes:
        words: in the order of their first appearance.
        length: tokens of the longest text.
        example: the first text.
        beginnings: the distinct texts that episodes began with.
    """

    words: tuple[str, ...]
    length: int
    example: str
    beginnings: tuple[str, ...] = ()


def learn_words(pool: ForeignSource, key: str, resets: int, actions: int) -> Learned:
    """The words of the texts of so many episodes and of a few random steps in each; always the same for a pool's
    number of environments.
    """
    texts: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    raw = pool.arrays[f"now:{key}"]
    draw = np.random.default_rng(integer(0, "words"))
    for start in range(0, resets, pool.count):
        seeds = np.array([integer(0, "words", start + row) % 2**31 for row in range(pool.count)])
        pool.reset(seeds)
        begun = dict.fromkeys(map(decode, raw))
        texts |= begun
        beginnings |= begun
        for _ in range(STEPS_OF_EACH):
            pool.arrays["next_seed"][:] = seeds
            pool.step(draw.integers(0, actions, pool.count))
            texts |= dict.fromkeys(map(decode, raw))
    return learned_of(texts)._replace(beginnings=tuple(beginnings))


def learned_of(texts: Iterable[str]) -> Learned:
    """The words of these texts."""
    texts = list(texts)
    split = [split_words(text) for text in texts]
    words = dict.fromkeys(word for own in split for word in own)
    return Learned(tuple(words), max([LEAST_LENGTH, *map(len, split)]), texts[0] if texts else "")


def remembered(name: str, learn: Callable[[], Learned]) -> Learned:
    """What was learned before under this name, else what is learned now, which is kept in the cache."""
    path = cache_folder() / f"{name}.json"
    try:
        found: Any = json.loads(path.read_text())
        texts = tuple(found["beginnings"])
        return Learned(tuple(found["words"]), int(found["length"]), str(found["example"]), texts)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    learned = learn()
    with contextlib.suppress(OSError, GroundlingError):  # it is learned again the next time
        write_text(path, json.dumps(learned._asdict()))
    return learned
