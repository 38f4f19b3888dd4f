"""EMMA, the reference agent of Messenger: entities ask the sentences of the manual who they are, then a convolution.

Source: Hanjie, Zhong, Narasimhan 2021, arXiv:2101.07393, section 4; written after the published description.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.encoders.base import ObservationEncoder
from groundling.agents.encoders.document_fields import distinct_lines
from groundling.agents.encoders.sentence_attention import NEVER
from groundling.agents.linear import Linear
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, CATEGORY, DOCUMENT, SYMBOLS, Field, Observation, Spec
from groundling.language.encoders import (
    DistinctSentences,
    SentenceWords,
    WordEncoder,
    make_language_encoder,
    word_mask,
)
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

LAYERS = 2  # entities of a cell that are seen
NUM_SYMBOLS = 256
SIDE = 2  # of the convolution's kernel


@dataclass(frozen=True)
class EmmaConfig:
    """Settings of :class:`EmmaEncoder`; the defaults are the published ones.

    Attributes:
        key_dim: size of queries, keys and values.
        channels: of the convolution.
        own_word: word in the first channel of the cell in which the agent is.
        ground_word: word there that is no entity.
        freezes_keys: what finds sentences (keys and embeddings of entities) stays as it is, as in the original's second
            and third stage, which begin with the agent of the stage before.
    """

    key_dim: int = 256
    channels: int = 64
    own_word: str = "you"
    ground_word: str = "floor"
    freezes_keys: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("key_dim", "channels"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")


class Sprites(NamedTuple):
    """What stands in the cells of F frames of R observations, up to K things of each frame.

    Attributes:
        symbol: [R, F, K] its number, 0 where there is nothing.
        is_agent: [R, F, K] bool.
        cell: [R, F, K] row * W + column.
    """

    symbol: Tensor
    is_agent: Tensor
    cell: Tensor


@dataclass(frozen=True)
class PreparedSprites:
    """R observations for EMMA.

    Attributes:
        fields: the mask of actions, if there is one, by its key.
        sentences: every distinct sentence of all manuals; ``row_of`` is [R, S].
        is_there: [R, S] bool, whether a manual has so many.
        sprites: what is seen.
    """

    fields: dict[str, Tensor]
    sentences: DistinctSentences
    is_there: Tensor
    sprites: Sprites

    def __len__(self) -> int:
        return len(self.is_there)

    def rows(self, rows: Tensor) -> PreparedSprites:
        """Those of some rows [R] of the batch; only the sentences of these rows are kept."""
        used, row_of = torch.unique(self.sentences.row_of[rows], return_inverse=True)
        return PreparedSprites(
            {key: array[rows] for key, array in self.fields.items()},
            DistinctSentences(self.sentences.tokens[used], row_of),
            self.is_there[rows],
            Sprites(*(part[rows] for part in self.sprites)),
        )


class Pooled(nn.Module):
    """A vector for each sentence: sum_i softmax(w . t_i) (W t_i) over the states t_i of its words."""

    def __init__(self, size: int, out: int) -> None:
        super().__init__()
        self.score, self.project = nn.Linear(size, 1), nn.Linear(size, out)

    def forward(self, states: Tensor, is_word: Tensor) -> Tensor:
        """States [U, L, D] of words [U, L] to [U, E]."""
        scores = self.score(states).squeeze(-1).masked_fill(~is_word, NEVER)
        # W is linear and the weights sum to one: it is the same to apply it to the sum.
        return self.project((scores.softmax(dim=-1).unsqueeze(1) @ states).squeeze(1))


class EmmaEncoder(ObservationEncoder[PreparedSprites]):
    """Reads a manual [S, L] and grids of symbols [H, W, 3], the present one first, then those of earlier steps.

    With the weights a_s = softmax(q . k_s / sqrt(D)) an entity becomes sum_s a_s v_s, its embedding being the query q;
    a cell is half the mean of its entities and half the agent's embedding. Frames are stacked.

    What differs from the original: MiniLM's states (``--agent.language sentence``) instead of BERT's, or those of a
    language encoder that is trained with the agent; padding has no part in keys and values; of the entities in a cell
    two are seen, so the mean is over two layers; policy and value share all but their last layer, where the original
    shares the hidden layer but not the one before it; who carries something does so in earlier frames too. Headings,
    the third channel, are not read: give it three frames (``?frames=3``) as the original has them.
    """

    kinds = (DOCUMENT,)
    Config = EmmaConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.settings = settings = config.settings_of(EmmaConfig)
        kind_of = {key: spec.observation[key].kind for key in keys}
        self.image_keys = [key for key in keys if kind_of[key] == SYMBOLS]
        key_of = {kind: key for key, kind in kind_of.items()}
        self.document_key, self.carried_key, self.mask_key = (
            *(key_of[DOCUMENT], key_of.get(CATEGORY)),
            key_of.get(ACTION_MASK),
        )
        words = spec.vocabulary.words
        self.own_id, self.ground_id = (
            words.index(word) if word in spec.vocabulary else -1 for word in (settings.own_word, settings.ground_word)
        )
        self.language: nn.Module
        if config.language == "sentence":
            self.language = SentenceWords(spec.vocabulary)
            size = self.language.dim
        else:
            size = config.instruction_dim
            self.language = make_language_encoder(config.language, spec.vocabulary, config.word_dim, size)
        self.key, self.value = Pooled(size, settings.key_dim), Pooled(size, settings.key_dim)
        self.sprites = nn.Embedding(NUM_SYMBOLS, settings.key_dim, padding_idx=0)
        self.height, self.width = spec.observation[self.image_keys[0]].shape[:2]
        self.conv = nn.Conv2d(len(self.image_keys) * settings.key_dim, settings.channels, SIDE)
        places = (self.height - SIDE + 1) * (self.width - SIDE + 1)
        self.trunk = Linear(places * settings.channels, config.hidden_dim)
        self.hidden = Linear(config.hidden_dim, config.hidden_dim)
        if settings.freezes_keys:
            for part in (self.key, self.sprites):
                part.requires_grad_(False)

    @classmethod
    def check(cls, config: AgentConfig) -> None:
        """Refuse a language encoder that gives no vectors of words.

        Raises:
            ConfigurationError: if it is "sentence-tuned".
        """
        if config.language == "sentence-tuned":
            raise ConfigurationError(
                "emma reads words by a frozen sentence model (--agent.language sentence) or by an encoder that is "
                "trained with it (--agent.language transformer), not by 'sentence-tuned'"
            )

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """A document and all grids of one shape; with them a category of as many numbers as words, and a mask."""
        documents = [key for key, part in fields.items() if part.kind == DOCUMENT][:1]
        images = [key for key, part in fields.items() if part.kind == SYMBOLS]
        if not documents or not images:
            return ()
        images = [key for key in images if fields[key].shape == fields[images[0]].shape]
        size = fields[documents[0]].size
        carried = [key for key, part in fields.items() if part.kind == CATEGORY and part.size == size][:1]
        masks = [key for key, part in fields.items() if part.kind == ACTION_MASK][:1]
        return (*documents, *images, *carried, *masks)

    def prepare(self, observation: Observation) -> PreparedSprites:
        """Check a batch of observations [B, ...]; find distinct sentences, and what stands in the cells."""
        fields, _ = self._checked(observation)
        sentences, is_there = distinct_lines(fields[self.document_key])
        images = torch.stack([fields[key] for key in self.image_keys], dim=1)
        images = torch.zeros_like(images) if self.config.blind else images
        carried = None if self.carried_key is None else fields[self.carried_key].long()
        mask = {} if self.mask_key is None else {self.mask_key: fields[self.mask_key]}
        return PreparedSprites(mask, sentences, is_there, self.find_sprites(images, carried))

    def find_sprites(self, images: Tensor, carried: Tensor | None) -> Sprites:
        """What stands in images [R, F, H, W, 3] of agents that carry [R]; who carries something is another symbol."""
        first, second = images[..., 0].flatten(2).long(), images[..., 1].flatten(2).long()
        is_agent = first == self.own_id
        own = is_agent * self.own_id
        if carried is not None:
            own = torch.where(is_agent & (carried > 0)[:, None, None], carried[:, None, None], own)
        further = first.masked_fill(is_agent | (first == self.ground_id) | (second == 0), 0)
        symbols = torch.cat([second, further, own], dim=2)
        found = symbols > 0
        count = max(1, int(found.sum(dim=2).amax()))
        places = found.to(torch.float32).topk(count, dim=2).indices
        cells = second.shape[2]
        return Sprites(symbols.gather(2, places), places >= LAYERS * cells, places % cells)

    def forward(self, prepared: PreparedSprites) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        cells = self.cells(prepared)
        maps = self.convolved(cells, prepared.sprites.cell)
        hidden = functional.leaky_relu(self.trunk(functional.leaky_relu(maps).flatten(1)))
        return functional.leaky_relu(self.hidden(hidden))

    def cells(self, prepared: PreparedSprites) -> Tensor:
        """What each thing adds to its cell, [R, F, K, D]."""
        symbol, is_agent, _ = prepared.sprites
        row_of, is_there = prepared.sentences.row_of, prepared.is_there[:, None, None]
        keys, values = self.read(prepared.sentences.tokens)
        embedded = self.sprites(symbol)
        scores = torch.einsum("rfkd,rsd->rfks", embedded, keys[row_of]) / math.sqrt(self.settings.key_dim)
        weights = scores.masked_fill(~is_there, NEVER).softmax(dim=-1)
        weights = weights * (is_there & (symbol > 0).unsqueeze(-1))
        told = torch.einsum("rfks,rsd->rfkd", weights, values[row_of]) / LAYERS
        return torch.where(is_agent.unsqueeze(-1), embedded, told) / 2

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [U, D] of sentences [U, L]."""
        if isinstance(self.language, WordEncoder):
            states, is_word = self.language.words(tokens), word_mask(tokens)
        else:
            states, is_word = self.language(tokens)
        return self.key(states, is_word), self.value(states, is_word)

    def convolved(self, things: Tensor, cells: Tensor) -> Tensor:
        """The convolution of images that have things [R, F, K, D] in cells [R, F, K], and else nothing: [R, C, H', W'].

        Each thing is multiplied by the kernel once, instead of every cell: most of them are empty.
        """
        rows, frames, _, size = things.shape
        height, width = self.height - SIDE + 1, self.width - SIDE + 1
        kernel = self.conv.weight.unflatten(1, (frames, size)).permute(1, 2, 3, 4, 0).flatten(2)  # [F, D, 4 * C]
        parts = torch.einsum("rfkd,fdc->rfkc", things, kernel).unflatten(3, (SIDE * SIDE, -1))
        offset = torch.arange(SIDE * SIDE, device=cells.device)
        row = (cells // self.width).unsqueeze(-1) - offset // SIDE
        column = (cells % self.width).unsqueeze(-1) - offset % SIDE
        is_inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        place = torch.where(is_inside, row * width + column, height * width).flatten(1)  # outside: one place too many
        maps = parts.new_zeros(rows, height * width + 1, parts.shape[-1])
        parts = parts.flatten(1, 3)
        maps = maps.scatter_add(1, place.unsqueeze(-1).expand_as(parts), parts)[:, :-1] + self.conv.bias
        return maps.transpose(1, 2).unflatten(2, (height, width))
