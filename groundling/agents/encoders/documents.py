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
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from groundling.agents.encoders.base import ObservationEncoder, PreparedFields
from groundling.errors import ConfigurationError
from groundling.interfaces import CATEGORY, DOCUMENT, SYMBOLS, Field, Spec

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

NEVER = -1e9  # the score of a sentence or thing that is not there


@dataclass(frozen=True)
class DocumentConfig:
    """Settings of :class:`DocumentEncoder`.

    Attributes:
        hops: how often what asks a document asks it, each time with what it has read so far.
        sharpness: of the attention at first: what products of a question and a sentence are multiplied by.
        most_things: cells of a grid that are looked at: those whose second number is not 0, of more any of them.
        thing_dim: channels of a thing on the map.
        radius: cells to each side of the agent that the map tells apart; things beyond are on its edge.
        own_word: the word in whose cell the agent is; where there is none the map has the middle of the grid in its
            center.
    """

    hops: int = 1
    sharpness: float = 5.0
    most_things: int = 8
    thing_dim: int = 8
    radius: int = 4
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

    def forward(self, asking: Tensor, sentences: Tensor, is_there: Tensor) -> Tensor:
        """What K vectors [R, K, D] are after reading sentences [R, S, D], of which [R, S] are there."""
        scores = self.sharpness * self.key(asking) @ self.key(sentences).transpose(1, 2)
        attention = scores.masked_fill(~is_there.unsqueeze(1), NEVER).softmax(dim=-1)
        return asking + attention @ self.value(sentences)


class DocumentEncoder(ObservationEncoder[PreparedFields]):
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
        steps = torch.arange(-settings.radius, settings.radius + 1)
        self.register_buffer("window", torch.cartesian_prod(steps, steps), persistent=False)  # rows and columns

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

    def forward(self, prepared: PreparedFields) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        document = prepared.fields[self.document_key].long()
        is_there = document[..., 0] != 0
        sentences = self.bags(document.flatten(0, 1)).unflatten(0, document.shape[:2])
        goal = self.bags(prepared.sentences.tokens.long())[prepared.sentences.row_of].unsqueeze(1)
        carried = None
        if self.carried_key is not None:
            carried = self.words(prepared.fields[self.carried_key].long()).unsqueeze(1)
        image = None if self.image_key is None else prepared.fields[self.image_key]
        things, cells, is_thing = None, None, None
        if image is not None:
            image = torch.zeros_like(image) if self.config.blind else image
            cells, is_thing = self.cells_of_things(image)
            things = self.names_of(image, cells)
        asked = torch.cat([part for part in (goal, carried, things) if part is not None], dim=1)
        for hop in self.hops:
            asked = hop(asked, sentences, is_there)
        goal, asked = asked[:, :1], asked[:, 1:]
        hidden = self.of_goal(goal.squeeze(1))
        if self.of_carried is not None:
            carried, asked = asked[:, :1], asked[:, 1:]
            hidden = hidden + self.of_carried(carried.squeeze(1))
        if image is not None and cells is not None and is_thing is not None:
            own = self.own_cell(image)
            hidden = hidden + self.on_map(asked, goal, carried, self.places(image, cells, own), is_thing)
            hidden = hidden + self.around(image, own)
        return torch.relu(self.hidden(torch.relu(hidden)))

    def bags(self, tokens: Tensor) -> Tensor:
        """The sums [N, D] of the words of sentences [N, L]."""
        return embedding_bag(tokens, self.words.weight, mode="sum", padding_idx=0)

    def cells_of_things(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The cells [R, K] of images [R, H, W, 3] in which things are, and whether there is one, [R, K].

        K is what the image with the most things has, as far as that many are looked at.
        """
        is_thing = (image[..., 1] != 0).flatten(1)
        count = min(self.settings.most_things, max(1, int(is_thing.sum(dim=1).amax())))
        found = is_thing.to(torch.float32).topk(count, dim=1)
        return found.indices, found.values > 0

    def names_of(self, image: Tensor, cells: Tensor) -> Tensor:
        """The names [R, K, D] of the things in cells [R, K]: the sums of their words."""
        symbols = image.flatten(1, 2).long()
        first, second = (symbols[..., part].gather(1, cells) for part in range(2))
        return self.names[0](first) + self.names[1](second)

    def own_cell(self, image: Tensor) -> Tensor:
        """The cell [R, 1] of the agent in images [R, H, W, 3]; where none is drawn, that in the middle."""
        height, width = image.shape[1:3]
        if self.own_id < 0:
            return torch.full_like(image[:, 0, :1, 0], height // 2 * width + width // 2, dtype=torch.int64)
        return (image[..., 0] == self.own_id).flatten(1).to(torch.uint8).argmax(dim=1, keepdim=True)

    def places(self, image: Tensor, cells: Tensor, own: Tensor) -> Tensor:
        """Where cells [R, K] are on the map around the agent's cell [R, 1], [R, K]."""
        width, radius = image.shape[2], self.settings.radius
        rows = (cells // width - own // width).clamp(-radius, radius) + radius
        columns = (cells % width - own % width).clamp(-radius, radius) + radius
        return rows * self.across + columns

    def around(self, image: Tensor, own: Tensor) -> Tensor:
        """What the ground around the agent tells, walls above all, [R, hidden_dim]; things apart."""
        height, width = image.shape[1:3]
        window: Any = self.window
        rows, columns = own // width + window[:, 0], own % width + window[:, 1]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        cells = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
        first, second = (image[..., part].flatten(1).gather(1, cells).long() for part in range(2))
        seen = self.ground_of(first).squeeze(-1) * (inside & (second == 0))
        return self.ground(seen)

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
