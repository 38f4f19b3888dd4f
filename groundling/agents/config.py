"""What an agent is made of, as one frozen value that is saved with every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from groundling.agents.encoders import ENCODERS
from groundling.configuration import Open, accepts_settings, changed, from_plain, plain
from groundling.errors import ConfigurationError
from groundling.language.encoders import LanguageKind
from groundling.setting_types import check_settings

FusionKind = Literal["attribute_gated", "gated", "film", "concat", "cross_attention"]
MemoryKind = Literal["none", "gru", "lstm"]
Precision = Literal["float32", "bfloat16"]


@accepts_settings
@dataclass(frozen=True)
class AgentConfig(Open):
    """The agent's parts and sizes.

    Attributes:
        vision: encoder of the image: "symbolic" (MiniGrid's cells), "convolved" (cells and their neighbors), "centered"
            (the same around the agent's cell, for grids that are seen whole), "cnn" (RGB and depth: three convolutions,
            then the fusion in every cell of their grid), "chaplot" (RGB: the network of Chaplot et al. 2018), "pacman"
            (RGB: the planner and controller of Das et al. 2018, for tasks with answers), or your own,
            my_file.py:MyEncoder.
        encoders: encoders of the other fields of the observation; in this order, each takes the fields that it can
            read. The remaining fields go to the default encoder of their kind (RGB and depth to "cnn"; vectors, masks
            and categories to "vector").
        ignores: keys of the observation that the agent does not read.
        fusion: how vision and language are combined: "attribute_gated" (a gate for each attribute of a cell: type,
            color, state), "gated" (one gate, Chaplot et al. 2018), "film" (Perez et al. 2018), "cross_attention" (cells
            attend to words) or "concat" (concatenation, the baseline).
        language: encoder of the instruction: "positional" (bag of words with positions), "bow" (bag of words),
            "contextual" (bag of word vectors that depend on their neighbors, for long instructions), "gru", "bigru"
            (with attention over the words), "transformer", "sentence" (a frozen pretrained model; needs the extra
            groundling[sentence]) or "sentence-tuned" (the same, trained with the agent).
        memory: recurrent network between the fused features and the policy: "none", "gru" or "lstm".
        word_dim: size of a word vector.
        instruction_dim: size of the vector of an instruction.
        hidden_dim: size of the hidden layers.
        memory_dim: size of the recurrent state.
        time_dim: size of an embedding of the step number within the episode, an input of policy and value; 0: none.
        time_steps: number of steps that have their own embedding; later steps share the last one.
        memory_reads: let the memory attend to the words of the instruction at every step, for instructions of several
            clauses. Needs a memory (gru or lstm) and a language encoder with word vectors (not sentence).
        memory_finds: let the memory attend to the map at every step and read the way to the object that it attends to.
            Needs a memory (gru or lstm), a map_radius and map_ways.
        memory_skip: give policy and value the features of the observation as well as the memory's output. What can be
            said from one view alone (an answer) is then learned many times faster. Needs a memory (gru or lstm).
        reads_manual: read a manual with the instruction, where the environments give one and the vision has a fusion:
            the words of sentences that concern the instruction gate the cells as the instruction's own words do. False
            leaves the manual to an encoder of its own, "document".
        predicts_subgoal: add a head that learns to predict the current subgoal, an auxiliary loss weighted by the
            algorithm's subgoal_coef. Its output is not used for acting.
        predicts_symbols: add a head to a vision that reads pictures, which learns to predict type, color and state of
            what is in each of its cells, an auxiliary loss weighted by the algorithm's symbol_coef. Its output is not
            used for acting; the labels are known in training only.
        blind: replace the image by zeros: a control that has only the instruction.
        settings: of the encoders, each an instance of the encoder's own class.
    """

    vision: str = "symbolic"
    encoders: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    fusion: FusionKind = "attribute_gated"
    language: LanguageKind = "positional"
    memory: MemoryKind = "none"
    word_dim: int = 32
    instruction_dim: int = 64
    hidden_dim: int = 64
    memory_dim: int = 128
    time_dim: int = 0
    time_steps: int = 31
    memory_reads: bool = False
    memory_finds: bool = False
    memory_skip: bool = False
    reads_manual: bool = True
    predicts_subgoal: bool = False
    predicts_symbols: bool = False
    blind: bool = False
    settings: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        check_settings(self)
        for name, kinds in (("fusion", FusionKind), ("language", LanguageKind), ("memory", MemoryKind)):
            if getattr(self, name) not in get_args(kinds):
                raise ConfigurationError(f"{name} is one of {', '.join(get_args(kinds))}, not {getattr(self, name)!r}")
        for name in (*(field.name for field in fields(self) if field.name.endswith("_dim")), "time_steps"):
            least = 0 if name == "time_dim" else 1
            if getattr(self, name) < least:
                raise ConfigurationError(f"{name} must be at least {least}, got {getattr(self, name)}")
        used = self.encoder_classes
        for value in self.settings:
            if type(value) not in [encoder.Config for encoder in used.values()]:
                raise ConfigurationError(
                    f"{type(value).__name__} are no settings of this agent's encoders, {', '.join(used)}: choose the "
                    "vision that has them"
                )
        kept = tuple(dict.fromkeys(self.settings_of(encoder.Config) for encoder in used.values()))
        object.__setattr__(self, "settings", kept)
        if self.memory_finds and (self.memory == "none" or not getattr(self.vision_settings, "map_ways", False)):
            raise ConfigurationError(
                "memory_finds needs a memory and a map with ways: add --agent.memory gru (or lstm), "
                "--agent.map-radius N and --agent.map-ways"
            )
        if self.memory_reads and (self.memory == "none" or self.language.startswith("sentence")):
            raise ConfigurationError(
                "memory_reads needs a memory and a language encoder that gives a vector for each word: add "
                f"--agent.memory gru (or lstm), and no --agent.language sentence; these are {self.memory!r} and "
                f"{self.language!r}"
            )
        if self.memory_skip and self.memory == "none":
            raise ConfigurationError("memory_skip needs a memory: add --agent.memory gru (or lstm)")
        for encoder in used.values():
            encoder.check(self)

    @property
    def encoder_classes(self) -> dict[str, Any]:
        """The classes of the encoders that are named, by name."""
        return {name: ENCODERS.find(name) for name in (self.vision, *self.encoders)}

    @property
    def vision_settings(self) -> Any:
        """The settings of the encoder that reads the image."""
        return self.settings_of(ENCODERS.find(self.vision).Config)

    @property
    def senses(self) -> dict[str, Any]:
        """Senses that environments are asked for, by the names that ``make_vec`` has for them."""
        return {name: value for part in self.settings for name, value in getattr(part, "senses", {}).items()}

    @classmethod
    def place_settings(cls, values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
        """Settings of the vision given as keywords, see ``Open``."""
        vision = values.get("vision", cls.vision)
        known = ENCODERS.find(vision).Config
        for name in others:
            if name not in {field.name for field in fields(known)}:
                raise ConfigurationError(f"an agent of vision {vision!r} has no setting {name!r}")
        return {**values, "settings": changed(values.get("settings", ()), known, others)}

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
            "word_dim": 32,
            "instruction_dim": 256,
            "hidden_dim": 256,
            "memory_dim": 256,
            "time_dim": 32,
            "time_steps": 31,
        }
        return cls(**{**settings, **changes})

    def to_dict(self) -> dict[str, Any]:
        """Plain values; ``settings`` by the names of the encoders."""
        own = {field.name: plain(getattr(self, field.name)) for field in fields(self) if field.name != "settings"}
        named = {name: plain(self.settings_of(encoder.Config)) for name, encoder in self.encoder_classes.items()}
        return {**own, "settings": named}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AgentConfig:
        """Read :meth:`to_dict` back.

        Raises:
            ConfigurationError: if a setting is unknown or has an impossible value.
            TypeError: if they are not the settings of an agent.
        """
        settings = tuple(
            from_plain(ENCODERS.find(name).Config, given) for name, given in values.get("settings", {}).items()
        )
        parts = {name: tuple(values[name]) for name in ("encoders", "ignores") if name in values}
        return cls(**{**values, **parts, "settings": settings})
