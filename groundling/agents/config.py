"""What an agent is made of, as one frozen value that is saved with every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from groundling.envs.explored import MAX_RADIUS
from groundling.errors import ConfigurationError
from groundling.language.encoders import LanguageKind

VisionKind = Literal["symbolic", "cnn", "chaplot"]
FusionKind = Literal["attribute_gated", "gated", "film", "concat", "cross_attention"]
MemoryKind = Literal["none", "gru", "lstm"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class AgentConfig:
    """The agent's parts and sizes.

    Attributes:
        vision: "symbolic" (MiniGrid's cells), "cnn" (pixels: three convolutions, then words meet every cell of their
            grid) or "chaplot" (pixels: the network of Chaplot et al. 2018; :meth:`chaplot` has its sizes).
        fusion: how words meet vision: "attribute_gated" (each attribute of a cell is gated by the words that it listens
            to), "gated" (Chaplot et al. 2018), "film" (Perez et al. 2018), "cross_attention" (cells attend to words) or
            "concat", the baseline.
        language: "positional" (a bag of words that keeps their order), "bow" (one that does not), "contextual" (a bag
            whose words also know their part in the sentence, for long instructions), "gru", "bigru" (with attention
            over the words), "transformer", "sentence" (a frozen pretrained model; needs the extra groundling[sentence])
            or "sentence-tuned" (the same, trained with the agent).
        memory: "none", "gru" or "lstm" between the fused features and the policy.
        cell_dim: of "symbolic", channels of each attribute of a cell, which a gate multiplies.
        word_dim: size of a word's embedding.
        instruction_dim: size of an instruction's vector.
        readout_dim: of "symbolic" and "cnn", channels that each cell keeps after the fusion.
        hidden_dim: size of the hidden layers.
        memory_dim: size of the memory's state.
        conv_channels: of "cnn" and "chaplot", channels of the three convolutions; the last are those of a cell.
        attributes: of "cnn", groups that "attribute_gated" splits a cell's channels into, each of which listens to
            words of its own. (Symbols come with attributes: type, color and state.)
        time_dim: size of an embedding of the step within the episode, which the policy and the value are given beside
            the memory's output; 0 for none.
        time_steps: steps that this embedding tells apart; later ones share the last.
        memory_reads: let the memory ask the instruction, at every step, for what is due: for instructions of several
            clauses. It needs a memory and a language that is heard word by word.
        memory_finds: let the memory look, at every step, for what is due on the map of what was seen, and be told the
            way there. It needs a memory and ``map_ways``.
        map_radius: of "symbolic", tiles to each side that a map shows of what was seen since the episode began,
            beside the view; 0 for none.
        map_ways: tell, of every thing on that map, how far it is to walk by what was seen, and in which direction one
            sets out; and where there is something left to see. See ``groundling.agents.ways``.
        tells_due: give the agent one more head, which learns to tell what is due now where ``due_coef`` of the
            algorithm is above 0; it is never asked when the agent acts. See ``groundling.envs.due``.
        blind: replace the image by nothing, for the control that hears but does not see.
    """

    vision: VisionKind = "symbolic"
    fusion: FusionKind = "attribute_gated"
    language: LanguageKind = "positional"
    memory: MemoryKind = "none"
    cell_dim: int = 128
    word_dim: int = 32
    instruction_dim: int = 64
    readout_dim: int = 8
    hidden_dim: int = 64
    memory_dim: int = 128
    conv_channels: tuple[int, ...] = (16, 32, 64)
    attributes: int = 4
    time_dim: int = 0
    time_steps: int = 31
    memory_reads: bool = False
    memory_finds: bool = False
    map_radius: int = 0
    map_ways: bool = False
    tells_due: bool = False
    blind: bool = False

    def __post_init__(self) -> None:
        for name, kinds in (
            ("vision", VisionKind),
            ("fusion", FusionKind),
            ("language", LanguageKind),
            ("memory", MemoryKind),
        ):
            if getattr(self, name) not in get_args(kinds):
                raise ConfigurationError(f"{name} is one of {', '.join(get_args(kinds))}, not {getattr(self, name)!r}")
        for name in (
            *(field.name for field in fields(self) if field.name.endswith("_dim")),
            "attributes",
            "time_steps",
        ):
            least = 0 if name == "time_dim" else 1
            if getattr(self, name) < least:
                raise ConfigurationError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 <= self.map_radius <= MAX_RADIUS:
            raise ConfigurationError(f"map_radius is from 0 (no map) to {MAX_RADIUS}, got {self.map_radius}")
        if self.map_ways and not self.map_radius:
            raise ConfigurationError("map_ways are ways on a map of what was seen: give the agent a map_radius as well")
        if self.memory_finds and (self.memory == "none" or not self.map_ways):
            raise ConfigurationError("memory_finds needs a memory, 'gru' or 'lstm', and map_ways: give the agent both")
        if self.memory_reads and (self.memory == "none" or self.language.startswith("sentence")):
            raise ConfigurationError(
                "memory_reads needs a memory, 'gru' or 'lstm', and a language that is heard word by word; these are "
                f"{self.memory!r} and {self.language!r}"
            )
        if len(self.conv_channels) != 3 or min(self.conv_channels) < 1:
            raise ConfigurationError(f"conv_channels are three numbers of at least 1, got {self.conv_channels}")
        self._check_vision()

    def _check_vision(self) -> None:
        """Refuse settings that do not go together with the vision."""
        defaults = {field.name: field.default for field in fields(self)}
        for name in _NOT_USED[self.vision]:
            if getattr(self, name) != defaults[name]:
                raise ConfigurationError(
                    f"vision {self.vision!r} has no {name}, and it is {getattr(self, name)!r}: give its default, "
                    f"{defaults[name]!r} (a preset may have changed it)"
                )
        if self.vision == "cnn" and self.fusion == "attribute_gated" and self.conv_channels[-1] % self.attributes:
            raise ConfigurationError(
                f"the {self.conv_channels[-1]} channels of a cell (the last of conv_channels) are split into "
                f"{self.attributes} attributes: make them a multiple"
            )
        if self.vision == "chaplot":
            for name, allowed in _CHAPLOT.items():
                if getattr(self, name) not in allowed:
                    raise ConfigurationError(
                        f"vision 'chaplot' is the network of Chaplot et al. 2018, whose {name} is "
                        f"{' or '.join(map(repr, allowed))}, not {getattr(self, name)!r}; AgentConfig.chaplot() has "
                        "all of its settings, and vision 'cnn' goes together with any"
                    )

    @classmethod
    def chaplot(cls, **changes: Any) -> AgentConfig:
        """The network of Chaplot et al. 2018, A3C-GA; its concatenation baseline with ``fusion="concat"``.

        Source: arXiv:1706.07230, section 4 and appendix; sizes as in the authors' github.com/devendrachaplot/
        DeepRL-Grounding.
        """
        settings: dict[str, Any] = {
            "vision": "chaplot",
            "fusion": "gated",
            "language": "gru",
            "memory": "lstm",
            "conv_channels": (128, 64, 64),
            "word_dim": 32,
            "instruction_dim": 256,
            "hidden_dim": 256,
            "memory_dim": 256,
            "time_dim": 32,
            "time_steps": 31,
        }
        return cls(**{**settings, **changes})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AgentConfig:
        """Read plain values (``dataclasses.asdict``, or JSON's) back.

        Raises:
            ConfigurationError: if a setting has an impossible value.
            TypeError: if they are not the settings of an agent.
        """
        if "conv_channels" in values:
            values = {**values, "conv_channels": tuple(values["conv_channels"])}
        return cls(**values)


_NOT_USED: dict[VisionKind, tuple[str, ...]] = {
    "symbolic": ("conv_channels", "attributes"),
    "cnn": ("cell_dim", "map_radius"),
    "chaplot": ("cell_dim", "readout_dim", "attributes", "map_radius"),
}
_CHAPLOT = {"fusion": ("gated", "concat"), "language": ("gru",), "memory": ("lstm",)}
