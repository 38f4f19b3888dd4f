"""The encoder of what is neither picture nor text: vectors, masks and categories, beside the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import ObservationEncoder, PreparedFields
from groundling.interfaces import CATEGORY, MASK, VECTOR, Spec

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


class VectorEncoder(ObservationEncoder[PreparedFields]):
    """One linear layer for each vector or mask, an embedding for each category; they are added up.

    Blind agents see none of them.
    """

    kinds = (VECTOR, MASK, CATEGORY)

    def __init__(
        self, config: AgentConfig, spec: Spec, keys: tuple[str, ...], language: nn.Module | None = None
    ) -> None:
        super().__init__(config, spec, keys, language)
        fields = [spec.observation[key] for key in keys]
        self.layers = nn.ModuleList(
            nn.Embedding(part.size, config.hidden_dim)
            if part.kind == CATEGORY
            else nn.Linear(part.shape[0], config.hidden_dim)
            for part in fields
        )

    def forward(self, prepared: PreparedFields) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        parts = []
        for key, layer in zip(self.keys, self.layers, strict=True):
            array = prepared.fields[key]
            array = array.long() if isinstance(layer, nn.Embedding) else array.float()
            parts.append(layer(torch.zeros_like(array) if self.config.blind else array))
        return torch.relu(torch.stack(parts).sum(dim=0))
