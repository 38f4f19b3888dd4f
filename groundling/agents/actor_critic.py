"""The agent: eyes that see under an instruction, memory, and the heads for the policy and the value."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.agents.config import AgentConfig, VisionKind
from groundling.agents.eyes import Eyes, Observation, Percepts
from groundling.agents.memory import Memory
from groundling.agents.pixels import ChaplotEyes, CNNEyes
from groundling.agents.space import AgentSpace
from groundling.agents.symbolic import SymbolicEyes
from groundling.agents.vision import CellSizes
from groundling.envs.due import NUM_DUE
from groundling.errors import ConfigurationError

EYES: dict[VisionKind, type[Eyes[Any]]] = {"symbolic": SymbolicEyes, "cnn": CNNEyes, "chaplot": ChaplotEyes}


@dataclass(frozen=True)
class Decision:
    """What the agent makes of T steps of B observations.

    Attributes:
        logits: [T, B, A] of the policy.
        value: [T, B].
        state: [B, M], the memory after the last step.
        known: [T, B, D], what the heads are given.
    """

    logits: Tensor
    value: Tensor
    state: Tensor
    known: Tensor


class ActorCritic(nn.Module):
    """An agent that sees an image, reads an instruction, and gives a policy and a value.

    Args:
        config: parts and sizes.
        space: images, words and actions that it is built for; MiniGrid's by default.

    Raises:
        ConfigurationError: if the parts do not suit the space.
    """

    def __init__(self, config: AgentConfig | None = None, space: AgentSpace | None = None) -> None:
        super().__init__()
        self.config = config = config or AgentConfig()
        self.space = space = space or AgentSpace()
        self.eyes = EYES[config.vision](config, space)
        self.memory = Memory(
            config.memory,
            config.hidden_dim,
            config.memory_dim,
            time_dim=config.time_dim,
            time_steps=config.time_steps,
            word_dim=config.instruction_dim if config.memory_reads else 0,
            finds=config.memory_finds,
            cells=CellSizes(space.num_types, space.num_colors),
        )
        self.policy = nn.Linear(self.memory.out_dim, space.num_actions)
        self.value = nn.Linear(self.memory.out_dim, 1)
        self._initialize()
        self.due = nn.Linear(self.memory.out_dim, NUM_DUE) if config.tells_due else None

    @classmethod
    def for_spaces(
        cls,
        config: AgentConfig,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        vocabulary_size: int | None = None,
    ) -> ActorCritic:
        """An agent for the spaces of a single environment; see :meth:`AgentSpace.of` for the arguments and errors."""
        return cls(config, AgentSpace.of(observation_space, action_space, vocabulary_size))

    def _initialize(self) -> None:
        self.eyes.initialize()
        for layer, scale in ((self.policy, 0.01), (self.value, self.eyes.value_scale)):
            nn.init.orthogonal_(layer.weight, scale)
            nn.init.zeros_(layer.bias)

    @property
    def num_actions(self) -> int:
        """A, the number of actions."""
        return self.space.num_actions

    @property
    def observation_keys(self) -> tuple[str, ...]:
        """The keys of an observation that are looked at."""
        return self.eyes.keys

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.policy.weight.device

    def calibrate(self, observation: Observation) -> None:
        """Suit a new agent to what it will see, before any training; see :meth:`perceive` for the argument.

        The more environments the observation is of, the better; an agent that sees symbols needs none of it.
        """
        self.eyes.calibrate(self.perceive(observation))

    def initial_state(self, num_envs: int) -> Tensor:
        """The memory's state [B, M] before an episode."""
        return self.memory.initial_state(num_envs, self.device)

    def perceive(self, observation: Observation) -> Percepts:
        """Check a batch of observations and take it in, without computing anything of it.

        Args:
            observation: arrays or tensors: ``image`` [B, H, W, 3] uint8, ``instruction`` [B, L] token ids and, of
                symbols, ``direction`` [B]; other keys are left alone.

        Raises:
            ObservationError: if a key is missing, or a shape, a type or a value is not what the agent was built for.
        """
        return self.eyes.perceive(observation)

    def unchanged(self) -> AbstractContextManager[None]:
        """A context in which parameters do not change and no gradients are taken: what repeats is computed once."""
        return self.eyes.unchanged()

    def forward(self, percepts: Percepts, state: Tensor, is_first: Tensor) -> Decision:
        """Decide on T steps of B environments.

        Args:
            percepts: of T * B observations, time first.
            state: [B, M], the memory before the first step.
            is_first: [T, B] bool, whether an observation begins an episode.
        """
        steps, batch = is_first.shape
        features = self.features(percepts).unflatten(0, (steps, batch))
        sentences = self.eyes.sentences(percepts, steps) if self.config.memory_reads else None
        things = self.eyes.things(percepts, steps) if self.config.memory_finds else None
        known, state = self.memory(features, state, is_first, sentences, things)
        return Decision(self.policy(known), self.value(known).squeeze(-1), state, known)

    def features(self, percepts: Percepts) -> Tensor:
        """The features [R, hidden_dim] of R observations, before the memory."""
        return self.eyes.features(percepts)

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
        """How strongly each sentence lets each distinct symbolic cell through, for figures.

        Args:
            instruction: [S, L] token ids.

        Returns:
            [S, values] the norm of the readout of every (type, color, state) under each sentence.

        Raises:
            ConfigurationError: if the agent sees pixels: :meth:`attention_map` shows what it attends to.
        """
        if not isinstance(self.eyes, SymbolicEyes):
            raise ConfigurationError("only symbols can be listed one by one: of pixels, attention_map shows an image's")
        return self.eyes.attention(instruction.long())

    @torch.no_grad()
    def attention_map(self, observation: Observation) -> Tensor:
        """How strongly the instruction lets each place of the image through, [B, rows, columns], for figures."""
        return self.eyes.attention_map(self.perceive(observation))

    @property
    def has_gate(self) -> bool:
        """Whether the fusion gates channels."""
        return self.eyes.fusion.has_gates

    @torch.no_grad()
    def gate(self, instruction: Tensor) -> Tensor:
        """The gates [S, K] in (0, 1) of each sentence [S, L]; only where :attr:`has_gate`."""
        return self.eyes.fusion.gates(self.eyes.hear(instruction.long()))

    @torch.no_grad()
    def word_strength(self, instruction: Tensor) -> Tensor:
        """How much each word of a sentence changes the gates: their root mean square change when it is left out.

        Args:
            instruction: [S, L] token ids.

        Returns:
            [S, L], 0 at padding; only where :attr:`has_gate`.
        """
        tokens = instruction.long()
        whole = self.gate(tokens)
        strength = torch.zeros(tokens.shape, device=whole.device)
        for place in range(tokens.shape[1]):
            rest = torch.cat([tokens[:, :place], tokens[:, place + 1 :], torch.zeros_like(tokens[:, :1])], dim=1)
            strength[:, place] = (self.gate(rest) - whole).square().mean(dim=1).sqrt()
        return strength.masked_fill(tokens == 0, 0.0)


def sample_actions(logits: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw actions [...] from logits [..., A] (the Gumbel-max trick)."""
    noise = torch.empty_like(logits).exponential_(generator=generator)
    return (logits - noise.log()).argmax(dim=-1)
