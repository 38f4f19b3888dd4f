"""What an agent is made of, as one frozen value that is saved with every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from groundling.errors import ConfigurationError
from groundling.language.encoders import LanguageKind

FusionKind = Literal["attribute_gated", "gated", "film", "concat", "cross_attention"]
MemoryKind = Literal["none", "gru", "lstm"]


@dataclass(frozen=True)
class AgentConfig:
    """The agent's parts and sizes.

    Attributes:
        fusion: how words meet vision: "attribute_gated" (each attribute of a cell is gated by the words that it listens
            to), "gated" (Chaplot et al. 2018), "film" (Perez et al. 2018), "cross_attention" (cells attend to words) or
            "concat", the baseline.
        language: "positional" (a bag of words that keeps their order), "bow" (one that does not), "gru", "bigru" (with
            attention over the words), "transformer", "sentence" (a frozen pretrained model; needs the extra
            groundling[sentence]) or "sentence-tuned" (the same, trained with the agent).
        memory: "none", "gru" or "lstm" between the fused features and the policy.
        cell_dim: channels of a visual cell, which a gate multiplies.
        word_dim: size of a word's embedding.
        instruction_dim: size of an instruction's vector.
        readout_dim: channels that each cell keeps after the fusion.
        hidden_dim: size of the hidden layers.
        memory_dim: size of the memory's state.
        blind: replace the image by nothing, for the control that hears but does not see.
    """

    fusion: FusionKind = "attribute_gated"
    language: LanguageKind = "positional"
    memory: MemoryKind = "none"
    cell_dim: int = 128
    word_dim: int = 32
    instruction_dim: int = 64
    readout_dim: int = 8
    hidden_dim: int = 64
    memory_dim: int = 128
    blind: bool = False

    def __post_init__(self) -> None:
        for name, kinds in (("fusion", FusionKind), ("language", LanguageKind), ("memory", MemoryKind)):
            if getattr(self, name) not in get_args(kinds):
                raise ConfigurationError(f"{name} is one of {', '.join(get_args(kinds))}, not {getattr(self, name)!r}")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_dim") and value < 1:
                raise ConfigurationError(f"{field.name} must be at least 1, got {value}")
