"""Options of a training run for the command line: those of the run itself, and those that its named parts bring.

Which algorithm, vision, encoders and rewards a command names decides which settings it has, so the class of the options
is made when the command is read.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, get_type_hints

import docstring_parser
import tyro

from groundling.agents.config import AgentConfig
from groundling.agents.encoders import ENCODERS
from groundling.training.algorithms import find_algorithm
from groundling.training.config import TrainConfig
from groundling.training.rewards import find_reward


@dataclass(frozen=True)
class Parts:
    """The names that decide which settings there are.

    Attributes:
        algorithm: of the run.
        reward: its terms.
        vision: the encoder of the image.
        encoders: of other fields.
    """

    algorithm: str
    reward: tuple[str, ...]
    vision: str
    encoders: tuple[str, ...]

    @classmethod
    def named_in(cls, arguments: Sequence[str], config: TrainConfig) -> Parts:
        """Those that a command line names, and for the rest those of a configuration."""
        reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        for name in ("--algorithm", "--agent.vision"):
            reader.add_argument(name, nargs="?")
        for name in ("--reward", "--agent.encoders"):
            reader.add_argument(name, nargs="*")
        found = vars(reader.parse_known_args([a.replace("_", "-") if a.startswith("--") else a for a in arguments])[0])
        return cls(
            found["algorithm"] or config.algorithm,
            tuple(found["reward"] or config.reward),
            found["agent.vision"] or config.agent.vision,
            tuple(found["agent.encoders"] or config.agent.encoders),
        )


def options_of(config: TrainConfig, parts: Parts) -> Any:
    """Options whose defaults are those of a configuration, with the settings of these parts."""
    run = _fields(config, TrainConfig, without=("agent", "settings", "made_by"), told={"algorithm": parts.algorithm})
    run.append(_nested("agent", _agent_options(config.agent, parts)))
    for part in (find_algorithm(parts.algorithm), *(find_reward(name) for name in parts.reward)):
        if hasattr(part, "Config"):
            run.append(_nested(part.section, config.settings_of(part.Config)))
    return _made("TrainOptions", run)


def config_of(options: Any, parts: Parts) -> TrainConfig:
    """The configuration that options say.

    Raises:
        ConfigurationError: if a setting cannot work.
    """
    values = _values(options)
    agent = _values(values.pop("agent"))
    vision = ENCODERS.find(parts.vision).Config
    settings = [vision(**{field.name: agent.pop(field.name) for field in dataclasses.fields(vision)})]
    settings += [agent.pop(name) for name in map(_word, parts.encoders) if name in agent]
    sections = [
        values.pop(part.section)
        for part in (find_algorithm(parts.algorithm), *(find_reward(name) for name in parts.reward))
        if hasattr(part, "Config")
    ]
    return TrainConfig(**values, agent=AgentConfig(**agent, settings=tuple(settings)), settings=tuple(sections))


def _agent_options(config: AgentConfig, parts: Parts) -> Any:
    told = {"vision": parts.vision, "encoders": parts.encoders}
    fields = _fields(config, AgentConfig, without=("settings",), told=told)
    vision = ENCODERS.find(parts.vision).Config
    fields += _fields(config.settings_of(vision), vision)
    for name in parts.encoders:
        kind = ENCODERS.find(name).Config
        if kind is not vision and dataclasses.fields(kind):
            fields.append(_nested(_word(name), config.settings_of(kind)))
    return _made("AgentOptions", fields)


_Option = tuple[str, Any, Any]  # name, type, default


def _fields(
    value: Any, kind: type[Any], *, without: Iterable[str] = (), told: dict[str, Any] | None = None
) -> list[_Option]:
    """The fields of a dataclass as options, with the help of its docstring."""
    hints = get_type_hints(kind, include_extras=True)
    help_of = {
        p.arg_name: " ".join((p.description or "").split()) for p in docstring_parser.parse(kind.__doc__ or "").params
    }
    found: list[_Option] = []
    for field in dataclasses.fields(kind):
        if field.name not in without:
            default = (told or {}).get(field.name, getattr(value, field.name))
            told_of = tyro.conf.arg(help=help_of.get(field.name, ""))
            hint: Any = Annotated[hints[field.name], told_of]
            found.append((field.name, hint, default))
    return found


def _nested(name: str, value: Any) -> _Option:
    return name, type(value), value


def _made(name: str, options: Iterable[_Option]) -> Any:
    """An instance of a new frozen dataclass with these fields and defaults."""
    fields = [(field, hint, dataclasses.field(default_factory=partial(_same, value))) for field, hint, value in options]
    return dataclasses.make_dataclass(name, fields, frozen=True)()


def _same(value: Any) -> Any:
    return value


def _values(options: Any) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def _word(name: str) -> str:
    """The name of a part, or of its class, as a word that an option can be called by."""
    return name.rpartition(":")[2].lower()
