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
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.encoders.base import ObservationEncoder
from groundling.agents.encoders.document_fields import (
    NUM_SIDES,
    GridThings,
    PreparedDocuments,
    distinct_lines,
    find_things,
)
from groundling.agents.encoders.sentence_attention import NEVER, Hop, PretrainedWords, square
from groundling.agents.linear import Linear
from groundling.errors import ConfigurationError
from groundling.interfaces import CATEGORY, DOCUMENT, SYMBOLS, Field, Observation, Spec
from groundling.language.encoders import DistinctSentences
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

WordVectors = Literal["learned", "pretrained"]
Matching = Literal["learned", "words"]


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
        ground_word: word that is no thing where second_things looks for things.
        second_things: in a cell with a thing, the first channel is another thing of the same kind of numbers, unless it
            is own_word or ground_word. False: both channels name one thing.
        states: read the third channel: how a thing moves, as seen from the agent's side of it, asks with its name.
        two_sided: things compete for sentences: a sentence that suits another thing better is left to it.
        matching: how things find sentences. "learned": goal, things and what is carried ask by a learned matrix, and
            keep their names. "words": things ask by the word of a sentence that is most like their name, which is not
            learned and needs pretrained word_vectors; of a thing is kept what was read, not its name, and goal and what
            is carried do not ask. For things whose meaning changes from document to document.
        thing_hidden: size of a hidden layer for each thing before it is put on the map; 0: none.
        word_vectors: "learned" with the agent, or "pretrained" by a sentence model, whose vectors of words a linear
            layer projects to word_dim: for documents with words that training never has. Needs groundling[sentence].
    """

    hops: int = 1
    sharpness: float = 5.0
    most_things: int = 8
    thing_dim: int = 8
    radius: int = 3
    reads: bool = True
    own_word: str = "you"
    ground_word: str = "floor"
    second_things: bool = False
    states: bool = False
    two_sided: bool = False
    matching: Matching = "learned"
    thing_hidden: int = 0
    word_vectors: WordVectors = "learned"

    def __post_init__(self) -> None:
        check_settings(self)
        for name in ("hops", "most_things", "thing_dim", "radius"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.sharpness <= 0:
            raise ConfigurationError(f"sharpness must be above 0, got {self.sharpness}")
        if self.thing_hidden < 0:
            raise ConfigurationError(f"thing_hidden must not be negative, got {self.thing_hidden}")
        for name, kinds in (("word_vectors", WordVectors), ("matching", Matching)):
            if getattr(self, name) not in get_args(kinds):
                raise ConfigurationError(f"{name} is one of {', '.join(get_args(kinds))}, not {getattr(self, name)!r}")
        if self.matching == "words" and self.word_vectors != "pretrained":
            raise ConfigurationError(
                "matching by words needs to know which words are alike: add --agent.word-vectors pretrained"
            )


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
        self.words: nn.Embedding | PretrainedWords
        if settings.word_vectors == "pretrained":
            self.words = PretrainedWords(spec.vocabulary, size)
        else:
            self.words = nn.Embedding(len(spec.vocabulary), size, padding_idx=0)
        self.hops = nn.ModuleList(Hop(size, settings.sharpness) for _ in range(settings.hops))
        self.of_goal = nn.Linear(size, hidden)
        self.of_carried = nn.Linear(size, hidden) if self.carried_key else None
        self.hidden = Linear(hidden, hidden)
        if self.image_key is None:
            return
        image = spec.observation[self.image_key]
        self.symbols = None
        if image.size != len(spec.vocabulary):
            self.symbols = nn.ModuleList(nn.Embedding(256, size) for _ in range(2))
        self.own_id, self.ground_id = (
            spec.vocabulary.words.index(word) if word in spec.vocabulary else -1
            for word in (settings.own_word, settings.ground_word)
        )
        self.with_goal, self.with_carried, self.with_chosen = square(size), square(size), square(size)
        self.choice = nn.Linear(2 * size, 1)
        self.moves = nn.Embedding(256 * NUM_SIDES, size) if settings.states else None
        parts = 6 if settings.states else 4
        self.thing_hidden = Linear(parts * size, settings.thing_hidden) if settings.thing_hidden else None
        self.thing = Linear(settings.thing_hidden or parts * size, settings.thing_dim)
        self.across = 2 * settings.radius + 1
        self.map = Linear(self.across**2 * settings.thing_dim, hidden)
        self.ground = Linear(self.across**2, hidden, bias=False)
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
        if isinstance(self.words, PretrainedWords):
            self.words.initialize()
        else:
            nn.init.normal_(self.words.weight, std=self.config.word_dim**-0.5)
            with torch.no_grad():
                self.words.weight[0] = 0
        if self.image_key is not None and self.moves is not None:
            nn.init.normal_(self.moves.weight, std=0.1 * self.config.word_dim**-0.5)
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
            ground_id = self.ground_id if self.settings.second_things else None
            things = find_things(image, self.own_id, self.settings.radius, self.settings.most_things, ground_id)
        carried = None if self.carried_key is None else fields[self.carried_key].long()
        return PreparedDocuments(goals, sentences, is_there, carried, things)

    def forward(self, prepared: PreparedDocuments) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        words = self.words.weight
        sentences, goals = bags(prepared.sentences.tokens, words), bags(prepared.goals.tokens, words)
        asking = [goals[prepared.goals.row_of].unsqueeze(1)]
        if prepared.carried is not None:
            asking.append(functional.embedding(prepared.carried, words, padding_idx=0).unsqueeze(1))
        others = len(asking)
        things, rivals, match, moves = prepared.things, None, None, None
        if things is not None:
            moves = self.moves_of(things)
            match = self.match(things, prepared.sentences)
            names = self.names(things, words)
            names = names if match is None else torch.zeros_like(names)
            asking.append(names if moves is None else names + moves)
            if self.settings.two_sided:
                rivals = things.is_thing if match is not None else functional.pad(things.is_thing, (others, 0))
        read = torch.cat(asking, dim=1)
        first = others if match is not None else 0  # of those that ask
        for hop in self.hops:
            found = hop(read[:, first:], sentences, prepared.sentences.row_of, prepared.is_there, rivals, match)
            read = torch.cat([read[:, :first], found], dim=1)
        goal = read[:, :1]
        hidden = self.of_goal(goal.squeeze(1))
        carried = None
        if self.of_carried is not None:
            carried = read[:, 1:2]
            hidden = hidden + self.of_carried(carried.squeeze(1))
        if things is not None:
            hidden = hidden + self.on_map(read[:, others:], moves, goal, carried, things.place, things.is_thing)
            hidden = hidden + self.ground(self.ground_of(things.ground.int()).squeeze(-1))
        return torch.relu(self.hidden(torch.relu(hidden)))

    def match(self, things: GridThings, sentences: DistinctSentences) -> Tensor | None:
        """How well sentences suit things by their words, [R, K, S]; None where that is learned."""
        if self.settings.matching == "learned":
            return None
        assert isinstance(self.words, PretrainedWords)
        rows = sentences.row_of.unsqueeze(1)
        numbers: list[Tensor] = []
        for part in (things.first, things.second):
            names, number = part.unique(return_inverse=True)
            numbers.append(self.words.matches(names, sentences.tokens)[number.unsqueeze(2), rows])
        return numbers[0] + numbers[1]

    def names(self, things: GridThings, words: Tensor) -> Tensor:
        """The vectors [R, K, D] of both numbers of things, where words are [V, D]."""
        if self.symbols is not None:
            first, second = self.symbols
            return first(things.first) + second(things.second)
        return functional.embedding(things.first, words, 0) + functional.embedding(things.second, words, 0)

    def moves_of(self, things: GridThings) -> Tensor | None:
        """How things move, as vectors [R, K, D] of their third number and the side of the agent on which they are."""
        return None if self.moves is None else self.moves(things.state * NUM_SIDES + things.side)

    def on_map(
        self,
        things: Tensor,
        moves: Tensor | None,
        goal: Tensor,
        carried: Tensor | None,
        places: Tensor,
        is_thing: Tensor,
    ) -> Tensor:
        """What the map tells, [R, hidden_dim], of things [R, K, D] that have read the document, at places [R, K].

        Each is compared with the goal, with what is carried, with the one that the goal seems to mean and with how it
        moves.
        """
        by_goal = things * self.with_goal(goal)
        by_carried = things * (torch.zeros_like(goal) if carried is None else self.with_carried(carried))
        score = self.choice(torch.cat([things, by_goal], dim=-1)).squeeze(-1)
        chance = score.masked_fill(~is_thing, NEVER).softmax(dim=-1)
        chosen = (chance.unsqueeze(1) @ things) * is_thing.any(dim=1)[:, None, None]
        by_chosen = things * self.with_chosen(chosen)
        parts = [things, by_goal, by_carried, by_chosen]
        parts += [] if moves is None else [moves, things * moves]
        drawn = torch.cat(parts, dim=-1)
        if self.thing_hidden is not None:
            drawn = torch.relu(self.thing_hidden(drawn))
        drawn = self.thing(drawn) * is_thing.unsqueeze(-1)
        board = drawn.new_zeros(len(drawn), self.across**2, drawn.shape[-1])
        board = board.scatter_add(1, places.unsqueeze(-1).expand_as(drawn), drawn)
        return self.map(board.flatten(1))


def bags(tokens: Tensor, words: Tensor) -> Tensor:
    """The sums [U, D] of the words [V, D] of sentences [U, L]."""
    counts = words.new_zeros(len(tokens), len(words))
    counts.scatter_add_(1, tokens, torch.ones_like(tokens, dtype=counts.dtype))
    counts[:, 0] = 0
    return counts @ words  # many times as fast as to look words up, and to add their gradients
