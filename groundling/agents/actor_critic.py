"""The agent: observation encoders that see under an instruction, memory, and the heads for policy and value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundling.agents.assembly import assigned_fields
from groundling.agents.config import AgentConfig, Precision
from groundling.agents.core import IMPOSSIBLE, Decision
from groundling.agents.encoders.base import ObservationEncoder, TextEncoder
from groundling.agents.encoders.cells import sizes_of
from groundling.agents.following import Followed, follow, predict
from groundling.agents.memory import Memory
from groundling.agents.placement import is_of_host, moved
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.engine.embodiment import GRID
from groundling.envs.engine.subgoals import NUM_SUBGOALS
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, Observation, Spec


@dataclass(frozen=True)
class PreparedObservation:
    """A batch of observations, prepared for each of the agent's encoders, that of the image first."""

    parts: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.parts[0])

    def rows(self, rows: Tensor) -> PreparedObservation:
        """Those of some rows [R] of the batch."""
        return PreparedObservation(tuple(part.rows(rows) for part in self.parts))


class ActorCritic(nn.Module):
    """An agent that sees, reads an instruction, and gives a policy and a value.

    Args:
        config: parts and sizes.
        spec: observations, actions and words that it is built for; by default those of MiniGrid's grid.

    Attributes:
        encoder: the observation encoder of the image, in which the words meet what is seen.
        others: encoders of other fields; their features are added.
        core: the memory and heads that the encoder of the image brings; None where they are the agent's own
            ``memory``, ``policy`` and ``value``.

    Raises:
        ConfigurationError: if the parts do not suit the specification, or no encoder reads one of its keys.
    """

    def __init__(self, config: AgentConfig | None = None, spec: Spec | None = None) -> None:
        super().__init__()
        self.config = config = config or AgentConfig()
        self.spec = spec = spec or GRID.spec(CLAUSE_TOKENS)
        (vision, keys), *rest = assigned_fields(config, spec)
        self.encoder: ObservationEncoder[Any] = vision(config, spec, keys)
        self.core = self.encoder.make_core()
        if self.core is None:
            self._make_memory_and_heads()
        elif rest:
            left = [key for _, keys in rest for key in keys]
            raise ConfigurationError(
                f"an agent of vision {config.vision!r} reads nothing beside it: leave {', '.join(left)} out "
                f"(--agent.ignores {' '.join(left)})"
            )
        language = getattr(self.encoder, "language", None)
        self.others = nn.ModuleList(kind(config, spec, keys, language) for kind, keys in rest)
        self._initialize()
        out_dim = self.memory.out_dim if self.core is None else self.core.out_dim
        self.subgoal = nn.Linear(out_dim, NUM_SUBGOALS) if config.predicts_subgoal else None
        if config.predicts_symbols:
            self.encoder.make_symbol_head()

    def _make_memory_and_heads(self) -> None:
        config = self.config
        self.memory = Memory(
            config.memory,
            config.hidden_dim,
            config.memory_dim,
            time_dim=config.time_dim,
            time_steps=config.time_steps,
            word_dim=config.instruction_dim if config.memory_reads else 0,
            finds=config.memory_finds,
            skips=config.memory_skip,
            cells=sizes_of(self.spec),
        )
        self.policy = nn.Linear(self.memory.out_dim, self.spec.num_actions)
        self.value = nn.Linear(self.memory.out_dim, 1)

    def _initialize(self) -> None:
        for encoder in self._encoders:
            encoder.initialize()
        if self.core is not None:
            return
        for layer, scale in ((self.policy, 0.01), (self.value, self.encoder.value_scale)):
            nn.init.orthogonal_(layer.weight, scale)
            nn.init.zeros_(layer.bias)

    @property
    def _encoders(self) -> list[ObservationEncoder[Any]]:
        others: list[Any] = list(self.others)
        return [self.encoder, *others]

    @property
    def num_actions(self) -> int:
        """A, the number of actions."""
        return self.spec.num_actions

    @property
    def observation_keys(self) -> tuple[str, ...]:
        """The keys of an observation that are read."""
        return tuple(dict.fromkeys([*(k for e in self._encoders for k in e.keys), *self.encoder.text_keys]))

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    @property
    def state_dim(self) -> int:
        """M, columns of the memory's state; 0 without a memory."""
        return self.memory.state_dim if self.core is None else self.core.state_dim

    def set_precision(self, precision: Precision) -> None:
        """Have the encoders compute their many products in this precision from now on."""
        for encoder in self._encoders:
            encoder.precision = precision

    def calibrate(self, observation: Observation) -> None:
        """Suit a new agent to what it will see, before any training; see :meth:`prepare` for the argument.

        The more environments the observation is of, the better; an agent that sees symbols needs none of it.
        """
        for encoder, part in zip(self._encoders, self.prepare(observation).parts, strict=True):
            encoder.calibrate(part)

    def initial_state(self, num_envs: int) -> Tensor:
        """The memory's state [B, M] before an episode."""
        return (self.memory if self.core is None else self.core).initial_state(num_envs, self.device)

    def prepare(self, observation: Observation) -> PreparedObservation:
        """Check a batch of observations and find what repeats, without computing anything of it.

        Args:
            observation: arrays or tensors [B, ...] of :attr:`observation_keys`; other keys are left alone.

        For an agent that is not on the CPU, arrays of the host are checked there and get to its device in one copy,
        which nobody waits for; values of tensors that are on the device already are trusted.

        Raises:
            ObservationError: if a key is missing, or a shape, a type or a value is not what the agent was built for.
        """
        device = self.device
        if device.type != "cpu":
            observation = self._moved(observation, device)
        return PreparedObservation(tuple(encoder.prepare(observation) for encoder in self._encoders))

    def check_values(self, observation: Observation) -> None:
        """Refuse values that the agent was not built for, in arrays [B, ...] of the host.

        Raises:
            ObservationError: the message says which.
        """
        for encoder in self._encoders:
            encoder.check_values(observation)

    def _moved(self, observation: Observation, device: torch.device) -> Observation:
        """The arrays that are read, on the device; those of the host are checked before they leave it."""
        read = {key: observation[key] for key in self.observation_keys if key in observation}
        if len(read) < len(self.observation_keys):
            return observation  # the encoder that misses one says so
        host = {key: array for key, array in read.items() if is_of_host(array)}
        self.check_values(host)
        return moved(read, device)

    @contextmanager
    def inference_cache(self) -> Iterator[None]:
        """A context in which parameters do not change and no gradients are taken: what repeats is computed once.

        On a device nothing is kept. There, sizes do not depend on what is seen, so that nobody waits to learn them.
        """
        with ExitStack() as stack:
            for encoder in self._encoders:
                stack.enter_context(encoder.fixed_sizes() if self.device.type != "cpu" else encoder.inference_cache())
            yield

    def forward(self, prepared: PreparedObservation, state: Tensor, is_first: Tensor) -> Decision:
        """Decide on T steps of B environments.

        Args:
            prepared: T * B observations, time first.
            state: [B, M], the memory before the first step.
            is_first: [T, B] bool, whether an observation begins an episode.
        """
        steps, batch = is_first.shape
        features = self.features(prepared).unflatten(0, (steps, batch))
        if self.core is not None:
            return self.core(features, prepared.parts[0], state, is_first)
        sentences = things = None
        if self.config.memory_reads or self.config.memory_finds:
            encoder, part = self.text_encoder, prepared.parts[0]
            sentences = encoder.sentences(part.sentences, steps) if self.config.memory_reads else None
            things = encoder.things(part, steps) if self.config.memory_finds else None
        known, state = self.memory(features, state, is_first, sentences, things)
        return Decision(self._logits(known, prepared), self.value(known).squeeze(-1), state, known)

    def _logits(self, known: Tensor, prepared: PreparedObservation) -> Tensor:
        """The policy's logits [T, B, A]; those of actions that the mask leaves out are so low that none is taken."""
        logits: Tensor = self.policy(known)
        masks = self.spec.keys_of(ACTION_MASK)
        for encoder, part in zip(self._encoders, prepared.parts, strict=True):
            for key in masks:
                if key in encoder.keys:
                    logits = logits.masked_fill(part.fields[key].reshape(logits.shape) == 0, IMPOSSIBLE)
        return logits

    def features(self, prepared: PreparedObservation) -> Tensor:
        """The features [R, hidden_dim] of R observations, before the memory."""
        features: Tensor = self.encoder(prepared.parts[0])
        for encoder, part in zip(self.others, prepared.parts[1:], strict=True):
            features = features + encoder(part)
        return features

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
            observation: of B environments, see :meth:`prepare`.
            state: [B, M], the memory (``initial_state(B)`` at first).
            is_first: [B] bool, whether the observation begins an episode.
            greedy: take the likeliest action instead of drawing one.
            generator: of the draw.

        Returns:
            actions [B] int64, and the memory after the step.
        """
        logits, state = self.logits(observation, state, is_first)
        chosen = logits.argmax(dim=-1) if greedy else sample_actions(logits, generator)
        return chosen.cpu().numpy(), state

    @torch.no_grad()
    def logits(
        self, observation: Observation, state: Tensor, is_first: Tensor | NDArray[np.bool_]
    ) -> tuple[Tensor, Tensor]:
        """The logits [B, A] of the actions, and the memory after the step; arguments as of :meth:`act`."""
        first = torch.as_tensor(is_first, device=self.device).unsqueeze(0)
        decision = self(self.prepare(observation), state, first)
        return decision.logits[0], decision.state

    def predict(
        self,
        observation: Observation,
        state: Tensor | None = None,
        episode_start: Any = None,
        *,
        deterministic: bool = False,
    ) -> tuple[Any, Tensor]:
        """The action on one observation, or on a batch; see :func:`groundling.agents.following.predict`."""
        return predict(self, observation, state, episode_start, deterministic=deterministic)

    def follow(self, env: gymnasium.Env[Any, Any], instruction: str | None = None, **options: Any) -> Followed:
        """Play one episode, told a sentence of one's own; see :func:`groundling.agents.following.follow`."""
        return follow(self, env, instruction, **options)

    @property
    def text_encoder(self) -> TextEncoder[Any]:
        """The encoder in which words meet what is seen.

        Raises:
            ConfigurationError: if the agent has none.
        """
        if not isinstance(self.encoder, TextEncoder):
            raise ConfigurationError(f"{type(self.encoder).__name__} has no fusion of words with what is seen")
        return self.encoder


def sample_actions(logits: Tensor, generator: torch.Generator | None = None, noise: Tensor | None = None) -> Tensor:
    """Draw actions [...] from logits [..., A] (the Gumbel-max trick).

    Args:
        logits: of the actions.
        generator: of the draw.
        noise: [..., A], what was drawn of an exponential distribution already; None draws it.
    """
    noise = torch.empty_like(logits).exponential_(generator=generator) if noise is None else noise
    return (logits - noise.log()).argmax(dim=-1)
