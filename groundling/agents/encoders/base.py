"""What all observation encoders have in common, and what those have in common in which words meet what is seen.

To add an encoder, subclass :class:`ObservationEncoder` (or, for one whose cells the words gate, :class:`TextEncoder`),
say which kinds of fields it takes, and write ``forward``; ``--agent.vision my_file.py:MyEncoder`` trains with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from groundling.agents.fusion import Fusion, Instruction
from groundling.agents.instruction_attention import Sentences
from groundling.agents.observation_checks import check_field, check_range, check_values_of
from groundling.agents.placement import is_on_host
from groundling.errors import ConfigurationError, ObservationError
from groundling.interfaces import DOCUMENT, Field, Observation, Spec
from groundling.language.encoders import (
    DistinctSentences,
    ManualReader,
    WordEncoder,
    distinct_sentences,
    every_sentence,
    make_language_encoder,
    word_mask,
)

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig, Precision
    from groundling.agents.core import Core
    from groundling.agents.encoders.symbol_head import SymbolHead
    from groundling.agents.encoders.ways import Things

MANY_SENTENCES = 8  # rows for each distinct sentence, below which a selection drops the sentences that it does not use


class Prepared(Protocol):
    """A batch of observations as an encoder takes it in: checked, with what repeats found, nothing computed yet."""

    def __len__(self) -> int:
        """Number of observations."""

    def rows(self, rows: Tensor) -> Self:
        """Those of some rows [R] of the batch."""


@dataclass(frozen=True)
class PreparedFields:
    """The fields of an encoder as they came, and the distinct sentences.

    Attributes:
        fields: [R, ...] tensors by key.
        sentences: every distinct sentence, and whose it is.
    """

    fields: dict[str, Tensor]
    sentences: DistinctSentences

    def __len__(self) -> int:
        return len(self.sentences.row_of)

    def rows(self, rows: Tensor) -> PreparedFields:
        """Those of some rows [R] of the batch; where sentences are many, only those of these rows are kept."""
        fields = {key: array.index_select(0, rows) for key, array in self.fields.items()}
        return PreparedFields(fields, sentences_of_rows(self.sentences, rows))


P = TypeVar("P", bound=Prepared)


@dataclass(frozen=True)
class NoSettings:
    """Of an encoder that has none of its own."""


class ObservationEncoder(nn.Module, Generic[P]):
    """Turns some fields of an observation into features of the agent's hidden size.

    Args:
        config: parts and sizes of the agent; ``config.settings_of(self.Config)`` are the encoder's own.
        spec: what the agent is built for.
        keys: the fields that this encoder reads, of those that it :meth:`claim` ed.
        language: an encoder of the instruction that is there already; None makes one, if it is needed.

    Attributes:
        precision: what the products over many cells or pixels are computed in; see :meth:`many_products`. Parameters
            and all the rest are float32, and so are new encoders and those of a checkpoint.
        has_fixed_sizes: of a batch on a device, sizes of what is prepared depend on the number of observations alone.
        symbol_head: predicts what is in the cells of its pictures; None without ``predicts_symbols``.
    """

    kinds: ClassVar[tuple[str, ...]] = ()  # of fields that it can take
    Config: ClassVar[type[Any]] = NoSettings
    value_scale: ClassVar[float] = 1.0  # of the value's first draw
    many_names: ClassVar[str] = "fields"  # what it reads, in messages

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.keys = keys
        texts = spec.keys_of("tokens")
        if len(texts) != 1:
            raise ConfigurationError(f"an agent reads one instruction, these observations have {len(texts)} of tokens")
        (self.text_key,) = texts
        self.precision: Precision = "float32"
        self.has_fixed_sizes = False
        self.symbol_head: SymbolHead | None = None

    @classmethod
    def check(cls, config: AgentConfig) -> None:
        """Refuse a configuration of the agent that the encoder cannot work with.

        Raises:
            ConfigurationError: the message says why.
        """

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """The keys that it reads of the fields that no other encoder has; by default all of its kinds.

        Raises:
            ConfigurationError: if a field is of its kind, but cannot be read.
        """
        return tuple(key for key, part in fields.items() if part.kind in cls.kinds)

    def initialize(self) -> None:
        """Draw the parameters that PyTorch's own draw does not suit."""

    def calibrate(self, prepared: P) -> None:
        """Suit the first draw of the parameters to what is seen, where that helps; before any training.

        Args:
            prepared: of many environments.
        """

    def prepare(self, observation: Observation) -> P:
        """Check a batch of observations [B, ...] and find what repeats; here, every distinct sentence.

        Raises:
            ObservationError: if a key is missing, or a shape, a type or a value is not what the agent was built for.
        """
        prepared: Any = PreparedFields(*self._checked(observation))
        return prepared

    def forward(self, prepared: P) -> Tensor:
        """The features [R, hidden_dim] of R observations; encoders beside one another are added up."""
        raise NotImplementedError

    def make_symbol_head(self) -> None:
        """Add the head :attr:`symbol_head` (``predicts_symbols``); called after all other parameters are drawn.

        Raises:
            ConfigurationError: if it has no cells of pictures.
        """
        raise ConfigurationError(
            f"{type(self).__name__} has no cells of pictures whose symbols it could predict: take vision 'cnn', or "
            "leave predicts_symbols out"
        )

    def make_core(self) -> Core | None:
        """The memory and heads that decide on its features; None for those of the agent's configuration.

        Of the vision only. An agent whose core its vision brings has no other encoders beside it.
        """
        return None

    def attention_map(self, prepared: P) -> Tensor:
        """How strongly each place of R images is let through by the words, [R, rows, columns], for figures.

        Raises:
            ConfigurationError: if it has nothing of the kind.
        """
        raise ConfigurationError(f"{type(self).__name__} has no map of its attention")

    def check_values(self, observation: Observation) -> None:
        """Refuse values that the encoder was not built for, in those of its arrays [B, ...] that are on the host: they
        are on their way to a device, where nobody looks.

        Raises:
            ObservationError: the message says which.
        """
        for key in (*self.keys, *self.text_keys):
            if key in observation:
                check_values_of(key, observation[key], self.spec)

    @contextmanager
    def fixed_sizes(self) -> Iterator[None]:
        """Within, sizes of what is prepared on a device depend on the number of observations alone, not on how much of
        them repeats: to learn that, the host would have to wait.
        """
        self.has_fixed_sizes = True
        try:
            yield
        finally:
            self.has_fixed_sizes = False

    @contextmanager
    def inference_cache(self) -> Iterator[None]:
        """Promise that parameters do not change within and no gradients are taken: what repeats may be kept."""
        yield

    def many_products(self) -> torch.autocast:
        """Where layers see many cells or pixels at once, they do so in :attr:`precision`, and sum in float32."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def _checked(self, observation: Observation) -> tuple[dict[str, Tensor], DistinctSentences]:
        """The fields of a batch by key, and its distinct sentences; both checked."""
        arrays = {key: self._tensor(observation, key) for key in self.keys}
        sentences = self._sentences(observation)
        for key, array in arrays.items():
            check_field(key, array, self.spec.observation[key], len(sentences.row_of))
        return arrays, sentences

    def _tensor(self, observation: Observation, key: str) -> Tensor:
        """The array of a key, as a tensor."""
        if key not in observation:
            raise ObservationError(f"the observation has no {key}; it has {', '.join(observation)}")
        return torch.as_tensor(observation[key], device=self.device)

    @property
    def text_keys(self) -> tuple[str, ...]:
        """The keys of an observation that are read as text."""
        return (self.text_key,)

    def _sentences(self, observation: Observation) -> DistinctSentences:
        """The distinct sentences of a batch, checked."""
        tokens = self._tokens(observation)
        if self.has_fixed_sizes and not is_on_host(tokens):
            return every_sentence(tokens)
        return distinct_sentences(tokens)

    def _tokens(self, observation: Observation) -> Tensor:
        """The token ids of a batch, checked."""
        tokens = self._tensor(observation, self.text_key)
        if tokens.ndim != 2 or tokens.is_floating_point():
            raise ObservationError(
                f"{self.text_key} must be [B, L] integer token ids, got {list(tokens.shape)} {tokens.dtype}"
            )
        if 0 in tokens.shape:
            raise ObservationError("the batch of observations is empty")
        if is_on_host(tokens):
            lowest, highest = (int(token) for token in tokens.aminmax())
            check_range("token id", lowest, highest, len(self.spec.vocabulary))
        return tokens


class TextEncoder(ObservationEncoder[P]):
    """An encoder in which the words of the instruction meet what is seen, by a fusion.

    Where there is a manual and ``config.reads_manual``, its words meet it as well, as far as they concern the
    instruction; see :class:`ManualReader`.
    """

    language: nn.Module
    fusion: Fusion

    @property
    def manual_key(self) -> str | None:
        """The key of the manual that is read with the instruction; None if there is none."""
        return manual_read_with_instruction(self.config, self.spec.observation)

    @property
    def text_keys(self) -> tuple[str, ...]:
        """The keys of an observation that are read as text."""
        return (self.text_key,) if self.manual_key is None else (self.text_key, self.manual_key)

    def _tokens(self, observation: Observation) -> Tensor:
        """The token ids of a batch, checked: those of the manual, if it is read, before those of the instruction."""
        tokens = super()._tokens(observation)
        if self.manual_key is None:
            return tokens
        manual = self._tensor(observation, self.manual_key)
        check_field(self.manual_key, manual, self.spec.observation[self.manual_key], len(tokens))
        return torch.cat([manual.flatten(1), tokens], dim=1)

    def _make_language(self, given: nn.Module | None) -> nn.Module:
        """The encoder of the instruction: the one that is given, or a new one."""
        config = self.config
        if given is not None:
            return given
        own = make_language_encoder(config.language, self.spec.vocabulary, config.word_dim, config.instruction_dim)
        if self.manual_key is None:
            return own
        if not isinstance(own, WordEncoder):
            raise ConfigurationError(
                f"the language encoder {config.language!r} gives no vectors of words, with which a manual is read: "
                "take another (--agent.language), or leave it to an encoder of its own (--agent.no-reads-manual)"
            )
        sentences, length = self.spec.observation[self.manual_key].shape
        return ManualReader(own, (sentences, length))

    def encode_text(self, tokens: Tensor) -> Instruction:
        """Sentences [S, L] for the fusion: their words if it asks for words and the language encoder has them."""
        if self.fusion.hears_words and isinstance(self.language, WordEncoder):
            return self.words(tokens)
        return Instruction.of_sentences(self.language(tokens))

    def words(self, tokens: Tensor) -> Instruction:
        """The words of sentences [S, L]."""
        assert isinstance(self.language, WordEncoder)
        mask = self.language.mask(tokens) if isinstance(self.language, ManualReader) else word_mask(tokens)
        return Instruction(self.language.words(tokens), mask)

    def sentences(self, sentences: DistinctSentences, steps: int) -> Sentences:
        """The sentences of T * B observations word by word, for a memory that reads."""
        instruction = self.words(sentences.tokens)
        return Sentences(instruction.vectors, instruction.mask, sentences.row_of.unflatten(0, (steps, -1)))

    def things(self, prepared: P, steps: int) -> Things:
        """The things on the maps of T * B observations, for a memory that looks for them."""
        raise NotImplementedError


def manual_read_with_instruction(config: AgentConfig, fields: Mapping[str, Field]) -> str | None:
    """The key of the manual among fields that an encoder with a fusion reads; None if there is none to read."""
    manuals = [key for key, part in fields.items() if part.kind == DOCUMENT and key not in config.ignores]
    return manuals[0] if manuals and config.reads_manual else None


def sentences_of_rows(sentences: DistinctSentences, rows: Tensor) -> DistinctSentences:
    """The sentences of some rows [R] of a batch; where sentences are many, only those of these rows are kept.

    On a device these are then one for each row, however many are the same: to count them the host would have to wait.
    """
    tokens, sentence_of = sentences.tokens, sentences.row_of[rows]
    if len(tokens) > len(rows) // MANY_SENTENCES:
        if not is_on_host(tokens):
            return every_sentence(tokens[sentence_of])
        used, sentence_of = torch.unique(sentence_of, return_inverse=True)
        tokens = tokens[used]
    return DistinctSentences(tokens, sentence_of)
