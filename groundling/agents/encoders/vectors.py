"""The encoder of what is neither picture nor text: vectors, masks and categories, beside the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from groundling.agents.encoders.base import ObservationEncoder, PreparedFields
from groundling.interfaces import ACTION_MASK, CATEGORY, MASK, VECTOR, Spec
from groundling.language.encoders import make_language_encoder

if TYPE_CHECKING:
    from groundling.agents.config import AgentConfig


class VectorEncoder(ObservationEncoder[PreparedFields]):
    """One linear layer for each vector or mask, an embedding for each category; they are added up.

    Where no other encoder reads the instruction, a gate of the sentence is multiplied into the sum, as in Chaplot et
    al. 2018 (arXiv:1706.07230, section 4.1). Blind agents see none of the fields.
    """

    kinds = (VECTOR, MASK, ACTION_MASK, CATEGORY)

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
        self.language: nn.Module | None = None
        if language is None:
            self.language = make_language_encoder(
                config.language, spec.vocabulary, config.word_dim, config.instruction_dim
            )
            self.gate = nn.Linear(config.instruction_dim, config.hidden_dim)

    def forward(self, prepared: PreparedFields) -> Tensor:
        """The features [R, hidden_dim] of R observations."""
        parts = []
        for key, layer in zip(self.keys, self.layers, strict=True):
            array = prepared.fields[key]
            array = array.long() if isinstance(layer, nn.Embedding) else array.float()
            parts.append(layer(torch.zeros_like(array) if self.config.blind else array))
        features = torch.relu(torch.stack(parts).sum(dim=0))
        if self.language is None:
            return features
        sentences = prepared.sentences
        return features * torch.sigmoid(self.gate(self.language(sentences.tokens)))[sentences.row_of]
