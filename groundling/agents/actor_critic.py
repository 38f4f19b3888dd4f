"""The agent: vision, language, fusion, memory, and the heads for the policy and the value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.agents.config import AgentConfig
from groundling.agents.fusion import Instruction, make_fusion
from groundling.agents.gather import gather_rows
from groundling.agents.memory import Memory
from groundling.agents.vision import CELL_VALUES, CellEncoder, DistinctCells, distinct_cells
from groundling.envs.constants import NUM_ACTIONS, NUM_COLORS, NUM_STATES, NUM_TYPES, VIEW_CELLS, VIEW_SIZE
from groundling.errors import ObservationError
from groundling.language.encoders import (
    DistinctSentences,
    WordEncoder,
    distinct_sentences,
    make_language_encoder,
    word_mask,
)
from groundling.language.vocabulary import VOCABULARY

Observation = Mapping[str, Tensor | NDArray[Any]]
MANY_SENTENCES = 8  # rows for each distinct sentence, below which a selection drops the sentences that it does not use


@dataclass(frozen=True)
class Percepts:
    """A batch of observations as the agent reads it: every distinct cell and sentence once, and who has which."""

    cells: DistinctCells
    sentences: DistinctSentences
    direction: Tensor

    def __len__(self) -> int:
        return len(self.direction)

    def rows(self, rows: Tensor) -> Percepts:
        """The percepts of some rows [R] of the batch; where sentences are many, only those of these rows are kept."""
        tokens, sentence_of = self.sentences.tokens, self.sentences.row_of[rows]
        if len(tokens) > len(rows) // MANY_SENTENCES:
            used, sentence_of = torch.unique(sentence_of, return_inverse=True)
            tokens = tokens[used]
        return Percepts(
            DistinctCells(self.cells.values, self.cells.row_of[rows]),
            DistinctSentences(tokens, sentence_of),
            self.direction[rows],
        )


@dataclass(frozen=True)
class Decision:
    """What the agent makes of T steps of B observations.

    Attributes:
        logits: [T, B, A] of the policy.
        value: [T, B].
        state: [B, M], the memory after the last step.
    """

    logits: Tensor
    value: Tensor
    state: Tensor


class ActorCritic(nn.Module):
    """An agent that sees symbolic cells, reads an instruction, and gives a policy and a value.

    Vision and fusion look at one cell at a time, so both are evaluated once for each distinct pair of a cell and a
    sentence in the batch, and the results are handed out by index: the same numbers as cell by cell, at a fraction of
    the work.

    Args:
        config: parts and sizes.
        num_actions: A.
        vocabulary_size: number of token ids.
    """

    def __init__(
        self,
        config: AgentConfig | None = None,
        *,
        num_actions: int = NUM_ACTIONS,
        vocabulary_size: int = len(VOCABULARY),
    ) -> None:
        super().__init__()
        self.config = config = config or AgentConfig()
        self.num_actions = num_actions
        self.vocabulary_size = vocabulary_size
        self.vision = CellEncoder(config.cell_dim)
        self.language = make_language_encoder(config.language, vocabulary_size, config.word_dim, config.instruction_dim)
        self.fusion = make_fusion(config.fusion, config.cell_dim, config.instruction_dim)
        self.readout = nn.Linear(self.fusion.out_dim, config.readout_dim)
        self.spatial = nn.Linear(VIEW_CELLS * config.readout_dim, config.hidden_dim)
        self.compass = nn.Embedding(4, config.hidden_dim)
        self.hidden = nn.Linear(config.hidden_dim, config.hidden_dim)
        self.memory = Memory(config.memory, config.hidden_dim, config.memory_dim)
        self.policy = nn.Linear(self.memory.out_dim, num_actions)
        self.value = nn.Linear(self.memory.out_dim, 1)
        self._initialize()

    def _initialize(self) -> None:
        gain = math.sqrt(2)
        for layer, scale in (
            (self.readout, gain),
            (self.spatial, gain),
            (self.hidden, gain),
            (self.policy, 0.01),
            (self.value, 1.0),
        ):
            nn.init.orthogonal_(layer.weight, scale)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.compass.weight)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.policy.weight.device

    def initial_state(self, num_envs: int) -> Tensor:
        """The memory's state [B, M] before an episode."""
        return self.memory.initial_state(num_envs, self.device)

    def perceive(self, observation: Observation) -> Percepts:
        """Check a batch of observations and find its distinct cells and sentences.

        Args:
            observation: ``image`` [B, 7, 7, 3] uint8, ``direction`` [B], ``instruction`` [B, L] token ids; arrays or
                tensors, other keys are left alone.

        Raises:
            ObservationError: if a key is missing, or a shape, a type or a value is not what the agent was built for.
        """
        image, direction, instruction = self._checked(observation)
        if self.config.blind:
            image = torch.zeros_like(image)
        return Percepts(distinct_cells(image), distinct_sentences(instruction), direction)

    def forward(self, percepts: Percepts, state: Tensor, is_first: Tensor) -> Decision:
        """Decide on T steps of B environments.

        Args:
            percepts: of T * B observations, time first.
            state: [B, M], the memory before the first step.
            is_first: [T, B] bool, whether an observation begins an episode.
        """
        steps, batch = is_first.shape
        features = self.features(percepts).unflatten(0, (steps, batch))
        features, state = self.memory(features, state, is_first)
        return Decision(self.policy(features), self.value(features).squeeze(-1), state)

    def features(self, percepts: Percepts) -> Tensor:
        """The features [R, hidden_dim] of R observations, before the memory."""
        values, row_of = percepts.cells
        pairs = self.readout_of_pairs(values, percepts.sentences.tokens)
        pair_of = row_of + (percepts.sentences.row_of * len(values)).to(row_of.dtype).unsqueeze(1)
        seen = gather_rows(pairs.flatten(0, 1), pair_of).flatten(1)
        hidden = torch.relu(self.spatial(seen) + self.compass(percepts.direction))
        return torch.relu(self.hidden(hidden))

    def readout_of_pairs(self, values: Tensor, tokens: Tensor) -> Tensor:
        """What each of S sentences [S, L] makes of each of V distinct cells [V]: [S, V, readout_dim]."""
        fused = self.fusion(self.vision(values), self.hear(tokens))
        return torch.relu(self.readout(fused))

    def hear(self, tokens: Tensor) -> Instruction:
        """What the fusion hears of sentences [S, L]: their words if it asks for words and the encoder has them."""
        if self.fusion.hears_words and isinstance(self.language, WordEncoder):
            return Instruction(self.language.words(tokens), word_mask(tokens))
        return Instruction.of_sentences(self.language(tokens))

    @torch.no_grad()
    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """Choose an action for each of B environments.

        Args:
            observation: of B environments, see :meth:`perceive`.
            state: [B, M], the memory (``initial_state(B)`` at first).
            is_first: [B] bool, whether the observation begins an episode.
            greedy: take the likeliest action instead of drawing one.
            generator: of the draw.

        Returns:
            actions [B] int64, and the memory after the step.
        """
        first = torch.as_tensor(is_first, device=self.device).unsqueeze(0)
        decision = self(self.perceive(observation), state, first)
        logits = decision.logits[0]
        chosen = logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)
        return chosen.cpu().numpy(), decision.state

    @torch.no_grad()
    def attention(self, instruction: Tensor) -> Tensor:
        """How strongly each sentence lets each distinct cell value through, for figures.

        Args:
            instruction: [S, L] token ids.

        Returns:
            [S, CELL_VALUES] the norm of the readout of every (type, color, state) under each sentence.
        """
        values = torch.arange(CELL_VALUES, device=self.device)
        return self.readout_of_pairs(values, instruction.long()).norm(dim=-1)

    @property
    def has_gate(self) -> bool:
        """Whether the fusion gates channels."""
        return self.fusion.has_gates

    @torch.no_grad()
    def gate(self, instruction: Tensor) -> Tensor:
        """The gates [S, K] in (0, 1) of each sentence [S, L]; only where :attr:`has_gate`."""
        return self.fusion.gates(self.hear(instruction.long()))

    def _checked(self, observation: Observation) -> tuple[Tensor, Tensor, Tensor]:
        missing = [key for key in ("image", "direction", "instruction") if key not in observation]
        if missing:
            raise ObservationError(f"the observation has no {', '.join(missing)}; it has {', '.join(observation)}")
        image, direction, instruction = (
            torch.as_tensor(observation[key], device=self.device) for key in ("image", "direction", "instruction")
        )
        if image.shape[1:] != (VIEW_SIZE, VIEW_SIZE, 3) or image.dtype != torch.uint8:
            raise ObservationError(
                f"image must be [B, {VIEW_SIZE}, {VIEW_SIZE}, 3] uint8 (MiniGrid's symbolic view), got "
                f"{list(image.shape)} {image.dtype}; a single observation needs a batch dimension"
            )
        batch = len(image)
        if direction.shape != (batch,):
            raise ObservationError(f"direction must be [{batch}], got {list(direction.shape)}")
        if instruction.ndim != 2 or len(instruction) != batch or instruction.is_floating_point():
            raise ObservationError(
                f"instruction must be [{batch}, L] integer token ids, got {list(instruction.shape)} {instruction.dtype}"
            )
        self._check_values(image, direction, instruction)
        return image, direction.long(), instruction

    def _check_values(self, image: Tensor, direction: Tensor, instruction: Tensor) -> None:
        if len(image) == 0 or instruction.shape[1] == 0:
            raise ObservationError("the batch of observations is empty")
        kind, color, state = image.flatten(0, 2).amax(dim=0).tolist()
        facing, token = direction.aminmax(), instruction.aminmax()
        for name, lowest, highest, size in (
            ("type", 0, kind, NUM_TYPES),
            ("color", 0, color, NUM_COLORS),
            ("state", 0, state, NUM_STATES),
            ("direction", int(facing.min), int(facing.max), 4),
            ("token id", int(token.min), int(token.max), self.vocabulary_size),
        ):
            if lowest < 0 or highest >= size:
                wrong = lowest if lowest < 0 else highest
                raise ObservationError(f"a {name} of {wrong} is out of range: it is between 0 and {size - 1}")


def sample_actions(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw actions [...] from logits [..., A] (the Gumbel-max trick)."""
    noise = torch.empty_like(logits).exponential_(generator=generator)
    return (logits - noise.log()).argmax(dim=-1)
