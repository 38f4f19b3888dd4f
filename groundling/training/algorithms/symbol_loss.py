"""The auxiliary loss of an agent that predicts the symbols of what its pictures show."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import ClassVar, Final

import torch
from gymnasium.vector import VectorEnv
from torch import Tensor
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.core import Decision
from groundling.agents.encoders.symbol_head import SymbolHead, split_symbols
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.symbols_in_view import BACKGROUND, SYMBOL_SIZES, symbols_in_view
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.training.algorithms.auxiliary_loss import AuxiliaryLoss
from groundling.training.recorders import Column, Labels

COLUMN: Final = "symbols"
BACKGROUND_WEIGHT: Final = 0.15  # of a cell that shows floor, ceiling or a wall, as most cells do


class SymbolLoss(AuxiliaryLoss):
    """Cross-entropy of the type, color and state of what is in each cell of the agent's pictures."""

    name: ClassVar[str] = "symbol_loss"

    def __init__(self, agent: ActorCritic, coefficient: float) -> None:
        super().__init__(agent, coefficient)
        assert isinstance(agent.encoder.symbol_head, SymbolHead)
        self.head = agent.encoder.symbol_head
        self._given: list[Tensor] = []

    def recorder(self, envs: VectorEnv) -> Labels:
        """Notes the symbols in view, [T, B, rows, columns, 3] uint8.

        Raises:
            ConfigurationError: if the environments are not Groundling's own worlds, driven through by rovers.
        """
        own = envs.unwrapped
        if not isinstance(own, GroundlingVectorEnv) or not isinstance(own.worlds, RoverBatch):
            raise ConfigurationError(
                "only Groundling's own worlds with rovers (--body rover) know the symbols of what a picture shows: "
                "leave symbol_coef at 0"
            )
        noted = Column((*self.head.grid, len(SYMBOL_SIZES)), torch.uint8)
        return Labels(COLUMN, noted, partial(symbols_in_view, own.worlds, self.head.grid))

    def noting(self) -> AbstractContextManager[object]:
        """See :class:`AuxiliaryLoss`."""
        self._given.clear()
        return self.head.noting(self._given)

    def __call__(self, decision: Decision, columns: Mapping[str, Tensor]) -> Tensor:
        """See :class:`AuxiliaryLoss`."""
        (logits,) = self._given
        return symbol_loss(logits, columns[COLUMN])


def symbol_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of types, a weighted mean over the cells, plus those of colors and states, means over the things.

    Args:
        logits: [T * B, rows * columns, sum(SYMBOL_SIZES)].
        labels: [T, B, rows, columns, 3] type, color and state.
    """
    kinds, *attributes = (part.flatten(0, -2).float() for part in split_symbols(logits))
    types, *others = labels.flatten(0, -2).long().unbind(dim=-1)
    is_thing = torch.ones_like(types, dtype=torch.bool)
    for kind in BACKGROUND:
        is_thing &= types != kind
    weight = torch.where(is_thing, 1.0, BACKGROUND_WEIGHT)
    loss = (functional.cross_entropy(kinds, types, reduction="none") * weight).sum() / weight.sum()
    count = is_thing.sum().clamp(min=1)
    for part, label in zip(attributes, others, strict=True):
        loss = loss + (functional.cross_entropy(part, label, reduction="none") * is_thing).sum() / count
    return loss
