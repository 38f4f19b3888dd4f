"""The words of the games: how their texts are cleaned, and the vocabulary."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.language.vocabulary import Vocabulary

WORDS: Final = Path(__file__).with_name("words.txt")  # of TextWorld's grammars and rules, and of ours
_WORD: Final = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*|[.,!?]")


def cleaned(text: str) -> str:
    """A text in lower case, without signs that are neither words nor punctuation."""
    return " ".join(_WORD.findall(text.lower()))


@cache
def vocabulary() -> Vocabulary:
    """The words that are known; others are read as the unknown word."""
    return Vocabulary.of(WORDS.read_text().split())


def token_ids(text: str, length: int) -> NDArray[np.int32]:
    """Token ids [length] of a text, without what is beyond ``length`` words."""
    ids = vocabulary().encode(cleaned(text), allow_unknown=True)[:length]
    return np.pad(ids, (0, length - len(ids)))
