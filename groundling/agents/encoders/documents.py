"""The encoder of documents: the goal, and what stands in each cell, ask the sentences before they are combined.

As an agent's vision it reads symbols as well: things of a grid are looked up in the document, compared with the goal,
with what is carried and with one another, and put on a map around the agent. Beside another vision it only tells what
the document says about the goal.

The design follows RTFM's readers (Zhong et al. 2020, arXiv:1910.08210): words shared by names and sentences, attention
of goal and cells to the document. That queries and keys are tied and all square matrices begin as the identity makes
one word in a name and in a sentence a match before anything is learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import ObservationEncoder
from groundling.agents.encoders.document_fields import PreparedDocuments, distinct_lines, find_things
from groundling.errors import ConfigurationError
from groundling.interfaces import CATEGORY, DOCUMENT, SYMBOLS, Field, Observation, Spec

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

NEVER = -1e9  # the score of a sentence or thing that is not there


@dataclass(frozen=True)
class DocumentConfig:
    """Settings of :class:`DocumentEncoder`.

    Attributes:
        hops: number of attention passes over the manual; each pass adds what it has read to the query.
        sharpness: initial factor of the attention scores; larger values attend to fewer sentences.
        most_things: largest number of occupied cells that are read (cells whose second channel is not 0); of more, some
            are dropped.
        thing_dim: number of channels of each occupied cell on the map around the agent.
        radius: size of the map around the agent, in cells to each side; objects farther away are put on its edge.
        reads: False for a control that gets no sentence of any document.
        own_word: word in the cell in which the agent stands; if no cell has it, the map is centered on the middle of
            the grid.
    """

    hops: int = 1
    sharpness: float = 5.0
    most_things: int = 8
    thing_dim: int = 8
    radius: int = 3
    reads: bool = True
    own_word: str = "you"

    def __post_init__(self) -> None:
        for name in ("hops", "most_things", "thing_dim", "radius"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.sharpness <= 0:
            raise ConfigurationError(f"sharpness must be above 0, got {self.sharpness}")


def square(size: int) -> nn.Linear:
    """A linear layer that begins as the identity."""
    layer = nn.Linear(size, size, bias=False)
    nn.init.eye_(layer.weight)
    return layer


class Hop(nn.Module):
    """Attention to sentences, queries and keys by one matrix; what is read is added to what asked.

    Args:
        size: D, of a vector.
        sharpness: of the attention at first.
    """

    def __init__(self, size: int, sharpness: float) -> None:
        super().__init__()
        self.key, self.value = square(size), square(size)
        self.sharpness = nn.Parameter(torch.tensor(sharpness))

    def forward(self, asking: Tensor, sentences: Tensor, row_of: Tensor, is_there: Tensor) -> Tensor:
        """What K vectors are after reading.

        Args:
            asking: [R, K, D].
            sentences: [U, D], distinct ones.
            row_of: [R, S], which of them each document has.
            is_there: [R, S] bool, whether a document has so many.
        """
        keys, values = self.key(sentences)[row_of], self.value(sentences)[row_of]
        scores = self.sharpness * self.key(asking) @ keys.transpose(1, 2)
        attention = scores.masked_fill(~is_there.unsqueeze(1), NEVER).softmax(dim=-1)
        return asking + attention @ values


class DocumentEncoder(ObservationEncoder[PreparedDocuments]):
    """Reads a document [S, L] of token ids; as a vision also symbols [H, W, 3], and a category whose numbers are words.

    Symbols and categories are words where their field's ``size`` is that of the vocabulary: then a thing in a cell and
    a sentence about it share embeddings. Others have embeddings of their own.
    """

    kinds = (DOCUMENT,)
    Config = DocumentConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.settings = settings = config.settings_of(DocumentConfig)
        key_of = {spec.observation[key].kind: key for key in keys}
        self.document_key = key_of[DOCUMENT]
        self.image_key, self.carried_key = key_of.get(SYMBOLS), key_of.get(CATEGORY)
        size, hidden = config.word_dim, config.hidden_dim
        self.words = nn.Embedding(len(spec.vocabulary), size, padding_idx=0)
        self.hops = nn.ModuleList(Hop(size, settings.sharpness) for _ in range(settings.hops))
        self.of_goal = nn.Linear(size, hidden)
        self.of_carried = nn.Linear(size, hidden) if self.carried_key else None
        self.hidden = nn.Linear(hidden, hidden)
        if self.image_key is None:
            return
        image = spec.observation[self.image_key]
        self.names = [self.words, self.words]
        if image.size != len(spec.vocabulary):
            self.symbols = nn.ModuleList(nn.Embedding(256, size) for _ in range(2))
            self.names = list(self.symbols)  # type: ignore[arg-type]
        self.own_id = spec.vocabulary.words.index(settings.own_word) if settings.own_word in spec.vocabulary else -1
        self.with_goal, self.with_carried, self.with_chosen = square(size), square(size), square(size)
        self.choice = nn.Linear(2 * size, 1)
        self.thing = nn.Linear(4 * size, settings.thing_dim)
        self.across = 2 * settings.radius + 1
        self.map = nn.Linear(self.across**2 * settings.thing_dim, hidden)
        self.ground = nn.Linear(self.across**2, hidden, bias=False)
        self.ground_of = nn.Embedding(256, 1, padding_idx=0)  # by the first number of a cell in which there is no thing

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """A document; with it the symbols that no other encoder has, and a category of as many numbers as words."""
        documents = [key for key, part in fields.items() if part.kind == DOCUMENT][:1]
        if not documents:
            return ()
        size = fields[documents[0]].size
        images = [key for key, part in fields.items() if part.kind == SYMBOLS][:1]
        carried = [key for key, part in fields.items() if part.kind == CATEGORY and part.size == size][:1]
        return (*documents, *images, *(carried if images else ()))

    def initialize(self) -> None:
        """Words of length one, so that two that are alike have the product 1 and others about 0."""
        nn.init.normal_(self.words.weight, std=self.config.word_dim**-0.5)
        with torch.no_grad():
            self.words.weight[0] = 0
        nn.init.orthogonal_(self.hidden.weight, 2**0.5)
        nn.init.zeros_(self.hidden.bias)

    def prepare(self, observation: Observation) -> PreparedDocuments:
        """Check a batch of observations [B, ...]; find distinct sentences, and the things of the grid."""
        fields, goals = self._checked(observation)
        document = fields[self.document_key]
        sentences, is_there = distinct_lines(document if self.settings.reads else torch.zeros_like(document))
        things = None
        if self.image_key is not None:
            image = fields[self.image_key]
            image = torch.zeros_like(image) if self.config.blind else image
            things = find_things(image, self.own_id, self.settings.radius, self.settings.most_things)
        carried = None if self.carried_key is None else fields[self.carried_key].long()
        return PreparedDocuments(goals, sentences, is_there, carried, things)

    def forward(self, prepared: PreparedDocuments) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        sentences, goals = self.bags(prepared.sentences.tokens), self.bags(prepared.goals.tokens)
        asking = [goals[prepared.goals.row_of].unsqueeze(1)]
        if prepared.carried is not None:
            asking.append(self.words(prepared.carried).unsqueeze(1))
        things = prepared.things
        if things is not None:
            asking.append(self.names[0](things.first) + self.names[1](things.second))
        read = torch.cat(asking, dim=1)
        for hop in self.hops:
            read = hop(read, sentences, prepared.sentences.row_of, prepared.is_there)
        goal, read = read[:, :1], read[:, 1:]
        hidden = self.of_goal(goal.squeeze(1))
        carried = None
        if self.of_carried is not None:
            carried, read = read[:, :1], read[:, 1:]
            hidden = hidden + self.of_carried(carried.squeeze(1))
        if things is not None:
            hidden = hidden + self.on_map(read, goal, carried, things.place, things.is_thing)
            hidden = hidden + self.ground(self.ground_of(things.ground.int()).squeeze(-1))
        return torch.relu(self.hidden(torch.relu(hidden)))

    def bags(self, tokens: Tensor) -> Tensor:
        """The sums [U, D] of the words of sentences [U, L]."""
        counts = self.words.weight.new_zeros(len(tokens), len(self.words.weight))
        counts.scatter_add_(1, tokens, torch.ones_like(tokens, dtype=counts.dtype))
        counts[:, 0] = 0
        return counts @ self.words.weight  # many times as fast as to look words up, and to add their gradients

    def on_map(self, things: Tensor, goal: Tensor, carried: Tensor | None, places: Tensor, is_thing: Tensor) -> Tensor:
        """What the map tells, [R, hidden_dim], of things [R, K, D] that have read the document, at places [R, K].

        Each is compared with the goal, with what is carried, and with the one that the goal seems to mean.
        """
        by_goal = things * self.with_goal(goal)
        by_carried = things * (torch.zeros_like(goal) if carried is None else self.with_carried(carried))
        score = self.choice(torch.cat([things, by_goal], dim=-1)).squeeze(-1)
        chance = score.masked_fill(~is_thing, NEVER).softmax(dim=-1)
        chosen = (chance.unsqueeze(1) @ things) * is_thing.any(dim=1)[:, None, None]
        by_chosen = things * self.with_chosen(chosen)
        drawn = self.thing(torch.cat([things, by_goal, by_carried, by_chosen], dim=-1)) * is_thing.unsqueeze(-1)
        board = drawn.new_zeros(len(drawn), self.across**2, drawn.shape[-1])
        board = board.scatter_add(1, places.unsqueeze(-1).expand_as(drawn), drawn)
        return self.map(board.flatten(1))
