"""Language encoders: token ids of distinct sentences to vectors. The only PyTorch in this room.

An encoder is a module from token ids [S, L] (0 = padding) to vectors [S, D]; how many columns are padding changes
nothing. Those that encode words one by one are a :class:`WordEncoder` and give their vectors too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from torch import nn

from groundling.errors import ConfigurationError
from groundling.language.encoders.bags import BagOfWords, PositionalBagOfWords
from groundling.language.encoders.contextual import ContextualBagOfWords
from groundling.language.encoders.manuals import ManualReader
from groundling.language.encoders.pretrained import SentenceEncoder, TunedSentenceEncoder
from groundling.language.encoders.recurrent import BiGRUEncoder, GRUEncoder
from groundling.language.encoders.sentence_words import SentenceWords
from groundling.language.encoders.sentences import DistinctSentences, distinct_sentences, every_sentence
from groundling.language.encoders.transformer import TransformerEncoder, sinusoids
from groundling.language.encoders.words import WordEncoder, word_mask
from groundling.language.vocabulary import Vocabulary

__all__ = [
    "BagOfWords",
    "BiGRUEncoder",
    "ContextualBagOfWords",
    "DistinctSentences",
    "GRUEncoder",
    "LanguageKind",
    "ManualReader",
    "PositionalBagOfWords",
    "SentenceEncoder",
    "SentenceWords",
    "TransformerEncoder",
    "TunedSentenceEncoder",
    "WordEncoder",
    "distinct_sentences",
    "every_sentence",
    "make_language_encoder",
    "sinusoids",
    "word_mask",
]

LanguageKind = Literal["positional", "bow", "contextual", "gru", "bigru", "transformer", "sentence", "sentence-tuned"]

_WORD_ENCODERS: dict[LanguageKind, type[WordEncoder]] = {
    "positional": PositionalBagOfWords,
    "bow": BagOfWords,
    "contextual": ContextualBagOfWords,
    "gru": GRUEncoder,
    "bigru": BiGRUEncoder,
    "transformer": TransformerEncoder,
}


def make_language_encoder(
    kind: LanguageKind,
    vocabulary: Vocabulary,
    word_dim: int,
    out_dim: int,
    *,
    model: Path | str | None = None,
) -> nn.Module:
    """An encoder from token ids [S, L] to vectors [S, out_dim].

    Args:
        kind: "positional", "bow", "contextual", "gru", "bigru", "transformer", or a pretrained one, "sentence" (frozen)
            or "sentence-tuned".
        vocabulary: what the token ids mean.
        word_dim: size of a word's embedding; the pretrained encoders have their own.
        out_dim: size of a sentence's vector.
        model: folder of a sentence-transformers model, for the pretrained encoders; None takes the packaged MiniLM.

    Raises:
        ConfigurationError: if a pretrained encoder's extra is not installed, its model cannot be loaded, or the
            vocabulary's words are not known, which it would have to read.
    """
    if kind == "sentence" or kind == "sentence-tuned":
        if not vocabulary.is_named:
            raise ConfigurationError(
                f"the language encoder {kind!r} turns token ids back into text, but nobody told what the "
                f"{len(vocabulary)} token ids mean: give the environments an attribute vocabulary"
            )
        pretrained = SentenceEncoder if kind == "sentence" else TunedSentenceEncoder
        return pretrained(out_dim, vocabulary=vocabulary, model=model)
    return _WORD_ENCODERS[kind](len(vocabulary), word_dim, out_dim)
