"""The network that tells goal states from states that an agent visits, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.interfaces import Spec
from groundling.training.gradients import GradientStep

if TYPE_CHECKING:
    from groundling.training.rewards.agile.reward import AgileConfig

Arrays = Mapping[str, NDArray[Any]]
ONE_WORD: Final = 2  # token id of the only word that those read that are not to read the instruction
CHUNK: Final = 8192  # states that are judged at once


class Discriminator(nn.Module):
    """D(c, s): how likely a state s is one in which it is so what the instruction c says; in (0, 1).

    The encoders and the fusion are those of agents, with parameters of its own.

    Args:
        config: parts and sizes; its memory, if it has one, is left out.
        spec: what a state is.
        reads_instruction: False is a control that reads states alone.

    Raises:
        ConfigurationError: if no encoder reads states of the kind.
    """

    def __init__(self, config: AgentConfig, spec: Spec, *, reads_instruction: bool = True) -> None:
        super().__init__()
        self.agent = ActorCritic(config, spec)
        del self.agent.policy, self.agent.value
        self.judge = nn.Linear(config.hidden_dim, 1)
        nn.init.zeros_(self.judge.bias)
        self.reads_instruction = reads_instruction
        self._text_key = spec.keys_of("tokens")[0]

    def forward(self, states: Arrays) -> Tensor:
        """The logit [N] of D of each of N states, whose instructions are among the fields."""
        read: dict[str, Any] = {key: states[key] for key in self.agent.observation_keys}
        if not self.reads_instruction:
            read[self._text_key] = np.full_like(read[self._text_key], ONE_WORD)
        logits: Tensor = self.judge(self.agent.features(self.agent.prepare(read))).squeeze(-1)
        return logits

    @torch.no_grad()
    def judged(self, states: Arrays) -> NDArray[np.float32]:
        """D of N states, [N]."""
        count = len(next(iter(states.values())))
        if not count:
            return np.zeros(0, dtype=np.float32)
        parts = [
            torch.sigmoid(self({key: array[start : start + CHUNK] for key, array in states.items()}))
            for start in range(0, count, CHUNK)
        ]
        return torch.cat(parts).cpu().numpy()


def clip_columns(network: nn.Module, largest: float) -> None:
    """Shorten what is longer: w <- w * min(1, largest / |w|), for the incoming weights w of each unit, and each vector
    of a table of vectors.

    Source: Bahdanau et al. 2019, section 3 and appendix ("max column norm", which they call crucial).
    """
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim >= 2:
                norms = weight.flatten(1).norm(dim=1).reshape(-1, *[1] * (weight.ndim - 1))
                weight.mul_((largest / norms.clamp(min=1e-12)).clamp(max=1.0))


def kept_negatives(logits: Tensor, count: int) -> Tensor:
    """The rows [count] of the negatives [N] with the lowest D: those with the highest are taken for solved."""
    return logits.argsort()[:count]


def negatives_to_draw(batch_size: int, rho: float) -> int:
    """How many negatives are drawn so that half a batch is left when all but the share rho is thrown away.

    The paper's listing draws BS / (2 (1 - rho)) and means this, which is the same for rho = 1/2 only.
    """
    return round(batch_size / 2 / rho)


class DiscriminatorTrainer:
    """Trains a discriminator on batches: half goal states, half those visited states that it judges lowest.

    Args:
        network: what is trained.
        settings: of the reward.
    """

    def __init__(self, network: Discriminator, settings: AgileConfig) -> None:
        self.network = network
        self.settings = settings
        self.optimizer = torch.optim.RMSprop(
            network.parameters(), lr=settings.learning_rate, alpha=settings.decay, eps=settings.epsilon
        )
        self._gradient_step = GradientStep(self.optimizer, max_norm=settings.max_grad_norm)
        if settings.max_column_norm:
            clip_columns(network, settings.max_column_norm)

    @torch.enable_grad()
    def step(self, positives: Callable[[Arrays], Arrays], negatives: Arrays) -> tuple[float, float, float]:
        """One step of cross-entropy.

        Args:
            positives: gives goal states [BS / 2], is told the negatives [BS / 2] that are kept.
            negatives: [BS / (2 rho)] visited states.

        Returns:
            the loss, and mean D of the positives and of the negatives that were kept.
        """
        settings = self.settings
        half = settings.batch_size // 2
        drawn = len(next(iter(negatives.values())))
        if drawn > half:
            with torch.no_grad():
                rows = kept_negatives(self.network(negatives), half).numpy()
            negatives = {key: array[rows] for key, array in negatives.items()}
        goals = positives(negatives)
        both = {key: np.concatenate([goals[key], negatives[key]]) for key in negatives}
        logits = self.network(both)
        target = torch.zeros_like(logits)
        target[:half] = 1.0
        loss = functional.binary_cross_entropy_with_logits(logits, target)
        self._gradient_step(loss)
        if settings.max_column_norm:
            clip_columns(self.network, settings.max_column_norm)
        judged = torch.sigmoid(logits.detach())
        return float(loss.detach()), float(judged[:half].mean()), float(judged[half:].mean())

    def state_dict(self) -> dict[str, Any]:
        """Parameters and the optimizer's state."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
