"""txt2pi, the reference agent of RTFM, with its FiLM and convolution baselines.

Source: Zhong, Rocktaeschel, Grefenstette 2020, arXiv:1910.08210, section 4; written after the published description.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import ObservationEncoder
from groundling.agents.linear import Linear
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, CATEGORY, DOCUMENT, SYMBOLS, Field, Observation, Spec
from groundling.language.encoders import DistinctSentences, distinct_sentences
from groundling.language.encoders.recurrent import read_lengths
from groundling.setting_types import check_settings

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig

Modulation = Literal["both", "film", "concat"]
NEVER = -1e9  # the score of padding


@dataclass(frozen=True)
class Txt2PiConfig:
    """Settings of :class:`Txt2PiEncoder`; the defaults are the published ones.

    Attributes:
        modulation: "both" (text modulates vision and vision text, in every layer: txt2pi), "film" (a summary of the
            texts modulates vision: the FiLM baseline), "concat" (the summary is appended to every cell: the baseline of
            convolutions).
        channels: of the layers; the last one is also given the input of the layer before it.
        reader_dim: of the texts' recurrent networks, in each direction.
        carried_dim: of that of what is carried.
        own_word: the word in whose cell the agent is.
    """

    modulation: Modulation = "both"
    channels: tuple[int, ...] = (16, 32, 64, 64, 64)
    reader_dim: int = 100
    carried_dim: int = 10
    own_word: str = "you"

    def __post_init__(self) -> None:
        check_settings(self)
        if self.modulation not in get_args(Modulation):
            raise ConfigurationError(f"modulation is one of {', '.join(get_args(Modulation))}, not {self.modulation!r}")
        if min((*self.channels, self.reader_dim, self.carried_dim), default=0) < 1 or len(self.channels) < 2:
            raise ConfigurationError("txt2pi has at least two layers; channels, reader_dim, carried_dim are at least 1")
        if len(self.channels) > 2 and self.channels[-2] != self.channels[-3]:
            raise ConfigurationError(
                "the last layer of txt2pi adds up the outputs of the two before it, so these have as many channels: "
                f"not {self.channels}"
            )


@dataclass(frozen=True)
class PreparedTexts:
    """R observations for txt2pi.

    Attributes:
        fields: the mask of actions, if there is one, by its key.
        goals: every distinct instruction, and whose it is.
        documents: every distinct document, its sentences one after the other, and whose it is.
        cells: [R, 2, H, W] the two words of each cell.
        carried: [R] the word of what is carried; 0 for nothing.
    """

    fields: dict[str, Tensor]
    goals: DistinctSentences
    documents: DistinctSentences
    cells: Tensor
    carried: Tensor

    def __len__(self) -> int:
        return len(self.carried)

    def rows(self, rows: Tensor) -> PreparedTexts:
        """Those of some rows [R] of the batch; only the documents of these rows are kept."""
        used, row_of = torch.unique(self.documents.row_of[rows], return_inverse=True)
        return PreparedTexts(
            {key: array[rows] for key, array in self.fields.items()},
            self.goals._replace(row_of=self.goals.row_of[rows]),
            DistinctSentences(self.documents.tokens[used], row_of),
            self.cells[rows],
            self.carried[rows],
        )


class Summary(nn.Module):
    """The mean of a text's states, weighted by scores that are learned."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.score = nn.Linear(size, 1)

    def forward(self, states: Tensor, is_word: Tensor) -> Tensor:
        """States [U, L, D] of words [U, L] to [U, D]."""
        scores = self.score(states).squeeze(-1).masked_fill(~is_word, NEVER)
        return (scores.softmax(dim=-1).unsqueeze(1) @ states).squeeze(1)


class Layer(nn.Module):
    """One layer of the trunk: a text and cells modulate each other ("both"), or the text modulates the cells ("film"),
    or neither does ("concat").

    A = relu((1 + gamma) Conv(X) + beta),  gamma, beta = Linear(T)
    M = relu((1 + G) Linear(T) + B),       G, B = Conv'(X)
    V = A + M
    """

    def __init__(self, in_channels: int, out_channels: int, text_dim: int, modulation: Modulation) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(text_dim, 2 * out_channels) if modulation != "concat" else None
        self.text = nn.Linear(text_dim, out_channels) if modulation == "both" else None
        self.by_cells = nn.Conv2d(in_channels, 2 * out_channels, 3, padding=1) if modulation == "both" else None

    def forward(self, cells: Tensor, text: Tensor) -> Tensor:
        """Cells [R, C, H, W] under texts [R, T] to [R, C', H, W]."""
        seen = self.conv(cells)
        if self.film is None:
            return torch.relu(seen)
        gamma, beta = self.film(text)[..., None, None].chunk(2, dim=1)
        seen = torch.relu((1 + gamma) * seen + beta)
        if self.text is None or self.by_cells is None:
            return seen
        scale, shift = self.by_cells(cells).chunk(2, dim=1)
        return seen + torch.relu((1 + scale) * self.text(text)[..., None, None] + shift)


class Txt2PiEncoder(ObservationEncoder[PreparedTexts]):
    """Reads an instruction, a document [S, L], a grid of words [H, W, 3] and the word of what is carried.

    Each layer but the first attends to the document by what the layer before saw. A mask of actions is only a mask.
    """

    kinds = (DOCUMENT,)
    Config = Txt2PiConfig

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        self.settings = settings = config.settings_of(Txt2PiConfig)
        key_of = {spec.observation[key].kind: key for key in keys}
        self.document_key, self.image_key = key_of[DOCUMENT], key_of[SYMBOLS]
        self.carried_key, self.mask_key = key_of.get(CATEGORY), key_of.get(ACTION_MASK)
        known = settings.own_word in spec.vocabulary
        self.own_id = spec.vocabulary.words.index(settings.own_word) if known else -1
        size, read = config.word_dim, 2 * settings.reader_dim
        self.words = nn.Embedding(len(spec.vocabulary), size, padding_idx=0)
        self.reader = nn.LSTM(size, settings.reader_dim, batch_first=True, bidirectional=True)
        self.carried_reader = nn.GRU(size, settings.carried_dim, batch_first=True, bidirectional=True)
        self.goal_summary = Summary(read)
        is_both, is_concat = settings.modulation == "both", settings.modulation == "concat"
        if is_both:
            self.second_reader = nn.LSTM(size, settings.reader_dim, batch_first=True, bidirectional=True)
        else:
            self.document_summary = Summary(read)
        text_dim = 2 * read + 2 * settings.carried_dim
        inputs = [size + text_dim * is_concat, *settings.channels[:-1]]
        self.layers = nn.ModuleList(
            Layer(before + 2, after, text_dim, settings.modulation)
            for before, after in zip(inputs, settings.channels, strict=True)
        )
        self.states = nn.ModuleList(  # of what stands before each layer
            nn.Linear(channels, read) for channels in (size + 2, *settings.channels[:-1]) if is_both
        )
        self.out = Linear(settings.channels[-1], config.hidden_dim)

    @classmethod
    def claim(cls, fields: Mapping[str, Field], config: AgentConfig) -> tuple[str, ...]:
        """A document and a grid of its words; with them a category of as many numbers as words, and a mask.

        Raises:
            ConfigurationError: if the symbols of the grid are no words.
        """
        first = {part.kind: key for key, part in reversed(list(fields.items())) if part.kind in (DOCUMENT, SYMBOLS)}
        if len(first) < 2:
            return ()
        size = fields[first[DOCUMENT]].size
        if fields[first[SYMBOLS]].size != size:
            raise ConfigurationError("txt2pi reads grids whose symbols are words: choose the agent's vision 'document'")
        carried = [key for key, part in fields.items() if part.kind == CATEGORY and part.size == size][:1]
        masks = [key for key, part in fields.items() if part.kind == ACTION_MASK][:1]
        return (first[DOCUMENT], first[SYMBOLS], *carried, *masks)

    def prepare(self, observation: Observation) -> PreparedTexts:
        """Check a batch of observations [B, ...]; find distinct texts, and cut off what is no part of any room."""
        fields, goals = self._checked(observation)
        image = fields[self.image_key][..., :2]
        image = torch.zeros_like(image) if self.config.blind else image
        is_used = (image[..., 0] != 0).any(dim=0)
        height, width = (max(1, int(is_used.any(dim=side).sum())) for side in (1, 0))
        documents = distinct_sentences(fields[self.document_key].flatten(1))
        carried = torch.zeros_like(documents.row_of)
        if self.carried_key is not None:
            carried = fields[self.carried_key].long()
        return PreparedTexts(
            {} if self.mask_key is None else {self.mask_key: fields[self.mask_key]},
            goals,
            documents._replace(tokens=joined(documents.tokens)),
            image[:, :height, :width].permute(0, 3, 1, 2),
            carried,
        )

    def forward(self, prepared: PreparedTexts) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        goals, documents = prepared.goals, prepared.documents
        goal = self.goal_summary(self.read(self.reader, goals.tokens), goals.tokens != 0)[goals.row_of]
        carried = self.carried_reader(self.words(prepared.carried).unsqueeze(1))[0].squeeze(1)
        places = self.places(prepared.cells)
        cells = self.words(prepared.cells.long()).sum(dim=1).permute(0, 3, 1, 2)
        is_word = (documents.tokens != 0)[documents.row_of]
        first_reading = self.read(self.reader, documents.tokens)
        if self.settings.modulation != "both":
            document = self.document_summary(first_reading, documents.tokens != 0)[documents.row_of]
            text = torch.cat([document, carried, goal], dim=1)
            if self.settings.modulation == "concat":
                cells = torch.cat([cells, text[..., None, None].expand(-1, -1, *cells.shape[2:])], dim=1)
            return self.see(cells, places, lambda _: text)
        by_goal = attend(goal, first_reading[documents.row_of], is_word)
        second_reading = self.read(self.second_reader, documents.tokens)[documents.row_of]

        def text_of(seen: Tensor) -> Tensor:
            return torch.cat([attend(seen, second_reading, is_word), carried, by_goal], dim=1)

        return self.see(cells, places, text_of)

    def see(self, cells: Tensor, places: Tensor, text_of: Callable[[Tensor], Tensor]) -> Tensor:
        """The trunk: cells [R, C, H, W] and their places [R, 2, H, W]; ``text_of`` tells the text [R, T] of a state."""
        state = cells.new_zeros(0)
        outputs: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            given = outputs[-1] if outputs else cells
            if len(self.states):
                seen = given if outputs else torch.cat([cells, places], dim=1)
                state = self.states[number](seen.amax(dim=(2, 3)))
            if number == len(self.layers) - 1 and number > 1:
                given = given + outputs[-2]
            outputs.append(layer(torch.cat([given, places], dim=1), text_of(state)))
        return torch.tanh(self.out(outputs[-1].amax(dim=(2, 3))))

    def read(self, reader: nn.LSTM, tokens: Tensor) -> Tensor:
        """The states [U, L, D] of texts [U, L]."""
        return read_lengths(reader, self.words(tokens), (tokens != 0).sum(dim=1).clamp(min=1))

    def places(self, cells: Tensor) -> Tensor:
        """The way from the agent to each of [R, 2, H, W] cells in shares of the room, x and y: [R, 2, H, W]."""
        height, width = cells.shape[2:]
        own = (cells[:, 0] == self.own_id).flatten(1).to(torch.uint8).argmax(dim=1)
        rows, columns = torch.arange(height, device=cells.device), torch.arange(width, device=cells.device)
        down = (rows - (own // width).unsqueeze(1)) / height
        right = (columns - (own % width).unsqueeze(1)) / width
        shape = (len(cells), height, width)
        return torch.stack([right.unsqueeze(1).expand(shape), down.unsqueeze(2).expand(shape)], dim=1)


def attend(query: Tensor, states: Tensor, is_word: Tensor) -> Tensor:
    """What queries [R, D] find in states [R, L, D] of words [R, L]: [R, D]."""
    scores = (states @ query.unsqueeze(2)).squeeze(2).masked_fill(~is_word, NEVER)
    return (scores.softmax(dim=-1).unsqueeze(1) @ states).squeeze(1)


def joined(tokens: Tensor) -> Tensor:
    """Texts [U, L] without the padding between their sentences."""
    order = (tokens == 0).to(torch.uint8).argsort(dim=1, stable=True)
    together = tokens.gather(1, order)
    return together[:, : max(1, int((tokens != 0).sum(dim=1).amax()))]
