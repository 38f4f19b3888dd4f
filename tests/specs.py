"""Specifications that tests build agents for."""

from __future__ import annotations

from groundling.interfaces import RGB, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary


def rgb_spec(height: int, width: int, actions: int, words: int, length: int = 4) -> Spec:
    """Pictures [height, width, 3] and an instruction of words that have no names."""
    fields = {
        "image": Field((height, width, 3), "uint8", RGB),
        "instruction": Field((length,), "int64", TOKENS, words),
    }
    return Spec(fields, tuple(map(str, range(actions))), Vocabulary.unnamed(words))
