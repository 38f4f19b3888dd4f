"""Eyes: what turns observations into features, whatever an image is made of; with what all of them have in common.

An agent is eyes, a memory and heads. Eyes see an image and hear an instruction, since the words decide what is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.agents.config import AgentConfig, Precision
from groundling.agents.fusion import Fusion, Instruction
from groundling.agents.reading import Sentences
from groundling.agents.space import AgentSpace
from groundling.agents.ways import Things
from groundling.errors import ObservationError
from groundling.language.encoders import DistinctSentences, WordEncoder, word_mask

Observation = Mapping[str, Tensor | NDArray[Any]]
MANY_SENTENCES = 8  # rows for each distinct sentence, below which a selection drops the sentences that it does not use


class Percepts(Protocol):
    """A batch of observations as an agent's eyes take them in, before anything is computed of them."""

    @property
    def sentences(self) -> DistinctSentences:
        """Every distinct sentence, and whose it is."""

    def __len__(self) -> int:
        """Number of observations."""

    def rows(self, rows: Tensor) -> Percepts:
        """Those of some rows [R] of the batch."""


P = TypeVar("P", bound=Percepts)


class Eyes(nn.Module, Generic[P]):
    """What all eyes have in common.

    Args:
        config: parts and sizes.
        space: what the agent is built for.

    Attributes:
        precision: what the products over many cells or pixels are computed in; see :meth:`many_products`. Parameters
            and all the rest are float32, and so are new eyes and those of a checkpoint.
    """

    keys: tuple[str, ...]  # of the observation that are looked at
    value_scale: ClassVar[float] = 1.0  # of the value's first draw
    language: nn.Module
    fusion: Fusion

    def __init__(self, config: AgentConfig, space: AgentSpace) -> None:
        super().__init__()
        self.config = config
        self.space = space
        self.precision: Precision = "float32"

    def initialize(self) -> None:
        """Draw the parameters that PyTorch's own draw does not suit."""
        raise NotImplementedError

    def calibrate(self, percepts: P) -> None:
        """Suit the first draw of the parameters to what is seen, where that helps; before any training.

        Args:
            percepts: of many environments.
        """

    def perceive(self, observation: Observation) -> P:
        """Check a batch of observations [B, ...] and take it in.

        Raises:
            ObservationError: if a key is missing, or a shape, a type or a value is not what the agent was built for.
        """
        raise NotImplementedError

    def features(self, percepts: P) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        raise NotImplementedError

    def sentences(self, percepts: P, steps: int) -> Sentences:
        """The sentences of T * B observations word by word, for a memory that reads."""
        heard = self.words(percepts.sentences.tokens)
        return Sentences(heard.vectors, heard.mask, percepts.sentences.row_of.unflatten(0, (steps, -1)))

    def things(self, percepts: P, steps: int) -> Things:
        """The things on the maps of T * B observations, for a memory that looks for them."""
        raise NotImplementedError

    def words(self, tokens: Tensor) -> Instruction:
        """The words of sentences [S, L]."""
        assert isinstance(self.language, WordEncoder)
        return Instruction(self.language.words(tokens), word_mask(tokens))

    @contextmanager
    def inference_cache(self) -> Iterator[None]:
        """Promise that parameters do not change within and no gradients are taken: what repeats may be kept."""
        yield

    def attention_map(self, percepts: P) -> Tensor:
        """How strongly each place of R images is let through by the words, [R, rows, columns], for figures."""
        raise NotImplementedError

    def hear(self, tokens: Tensor) -> Instruction:
        """What the fusion hears of sentences [S, L]: their words if it asks for words and the encoder has them."""
        if self.fusion.hears_words and isinstance(self.language, WordEncoder):
            return self.words(tokens)
        return Instruction.of_sentences(self.language(tokens))

    def many_products(self) -> torch.autocast:
        """Where layers see many cells or pixels at once, they do so in :attr:`precision`, and sum in float32."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16")

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def _tensors(self, observation: Observation) -> list[Tensor]:
        """The arrays that are looked at, as tensors."""
        missing = [key for key in self.keys if key not in observation]
        if missing:
            raise ObservationError(f"the observation has no {', '.join(missing)}; it has {', '.join(observation)}")
        return [torch.as_tensor(observation[key], device=self.device) for key in self.keys]


def check_image(image: Tensor, shape: tuple[int, int, int], kind: str) -> None:
    """Refuse what is no batch of uint8 images of this shape."""
    if image.shape[1:] != shape or image.dtype != torch.uint8:
        raise ObservationError(
            f"image must be [B, {', '.join(map(str, shape))}] uint8 ({kind}), got "
            f"{list(image.shape)} {image.dtype}; a single observation needs a batch dimension"
        )


def check_instruction(instruction: Tensor, batch: int) -> None:
    """Refuse what is no batch of token ids."""
    if instruction.ndim != 2 or len(instruction) != batch or instruction.is_floating_point():
        raise ObservationError(
            f"instruction must be [{batch}, L] integer token ids, got {list(instruction.shape)} {instruction.dtype}"
        )


def check_range(name: str, lowest: int, highest: int, size: int) -> None:
    """Refuse numbers that are not in [0, size)."""
    if lowest < 0 or highest >= size:
        wrong = lowest if lowest < 0 else highest
        raise ObservationError(f"a {name} of {wrong} is out of range: it is between 0 and {size - 1}")


def check_tokens(instruction: Tensor, vocabulary_size: int) -> None:
    """Refuse token ids that the agent has no word for."""
    token = instruction.aminmax()
    check_range("token id", int(token.min), int(token.max), vocabulary_size)


def sentences_of_rows(sentences: DistinctSentences, rows: Tensor) -> DistinctSentences:
    """The sentences of some rows [R] of a batch; where sentences are many, only those of these rows are kept."""
    tokens, sentence_of = sentences.tokens, sentences.row_of[rows]
    if len(tokens) > len(rows) // MANY_SENTENCES:
        used, sentence_of = torch.unique(sentence_of, return_inverse=True)
        tokens = tokens[used]
    return DistinctSentences(tokens, sentence_of)
