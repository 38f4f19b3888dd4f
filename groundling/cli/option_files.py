"""Files of training options: a run's config.json, or a JSON, TOML or YAML file with some of the options of `train`."""

from __future__ import annotations

import importlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from groundling.agents.config import AgentConfig
from groundling.agents.encoders import ENCODERS
from groundling.configuration import plain, refuse_unknown
from groundling.errors import ConfigurationError
from groundling.training.config import TrainConfig, sections
from groundling.training.migration import migrated_config
from groundling.training.presets import find_preset
from groundling.trust import note_received

# Options of the command itself that a file may hold as well, with values of their types.
COMMAND_OPTIONS: Final[dict[str, Any]] = {
    "run_folder": "",
    "blind_control": False,
    "seeds": [0],
    "jobs": 1,
    "track": "",
}


@dataclass(frozen=True)
class OptionFile:
    """What a file says.

    Attributes:
        config: the preset's configuration, changed as the file says.
        command: options of the command itself, by name.
    """

    config: TrainConfig
    command: dict[str, Any]


def read_option_file(path: Path, preset: str) -> OptionFile:
    """The options of a file.

    Names are those of the command line, with dots or nested, with dashes or underscores: ``ppo.num-steps: 40`` is
    ``{"ppo": {"num_steps": 40}}``. A run's whole config.json is read as well, also of an older version.

    Args:
        path: ends in .json, .toml, .yaml or .yml.
        preset: name of the settings that the file changes, unless it names another.

    Raises:
        ConfigurationError: if it cannot be read, has an unknown name or a value that cannot be.
    """
    values = _nested(_read(path), str(path))
    note_received(values, path)
    base = find_preset(_checked(values.pop("preset", preset), "", f"{path}: preset"))
    command = {
        name: _checked(values.pop(name), COMMAND_OPTIONS[name], f"{path}: {name}")
        for name in COMMAND_OPTIONS
        if name in values
    }
    names = {field.name for field in fields(TrainConfig)} - {"settings"}
    if names - {"reward", "reward_weights", "made_by", "simulator_python"} <= set(values):  # older versions had none
        values = migrated_config(values)
    if made_by := values.pop("made_by", ""):
        raise ConfigurationError(f"{path} is of a run in environments that {made_by} made: name its task with --task")
    return OptionFile(_changed(base, values, str(path)), command)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"the options of --config could not be read from {path}: {why}") from error
    kind = path.suffix.lower()
    try:
        if kind == ".json":
            values = json.loads(text)
        elif kind == ".toml":
            values = tomllib.loads(text)
        elif kind in (".yaml", ".yml"):
            values = _read_yaml(text, path)
        else:
            raise ConfigurationError(f"{path}: a file of options ends in .json, .toml, .yaml or .yml")
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{path} is not valid {kind[1:].upper()}: {error}") from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise ConfigurationError(f"{path} holds no options: write them as NAME: VALUE")
    return values


def _read_yaml(text: str, path: Path) -> Any:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise ConfigurationError(f"{path}: YAML needs PyYAML, pip install pyyaml; or write JSON or TOML") from error
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _nested(values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Names with dots as tables, dashes as underscores."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        first, dot, rest = str(name).lstrip("-").replace("-", "_").partition(".")
        inner = value
        if dot:
            inner = _nested({rest: value}, what)
        elif isinstance(value, Mapping):
            inner = _nested(value, what)
        old = found.get(first)
        if isinstance(old, dict) and isinstance(inner, dict):
            found[first] = _joined(old, inner, f"{what}: {first}")
        elif first in found:
            raise ConfigurationError(f"{what} says {first} twice")
        else:
            found[first] = inner
    return found


def _joined(one: dict[str, Any], other: dict[str, Any], what: str) -> dict[str, Any]:
    joined = dict(one)
    for name, value in other.items():
        if isinstance(joined.get(name), dict) and isinstance(value, dict):
            joined[name] = _joined(joined[name], value, f"{what}.{name}")
        elif name in joined:
            raise ConfigurationError(f"{what}.{name} is said twice")
        else:
            joined[name] = value
    return joined


def _changed(base: TrainConfig, values: dict[str, Any], what: str) -> TrainConfig:
    """A configuration with some plain values changed."""
    start = base.to_dict()
    del start["made_by"]
    algorithm = _checked(values.get("algorithm", base.algorithm), "", f"{what}: algorithm")
    rewards = tuple(_checked(values.get("reward", list(base.reward)), [""], f"{what}: reward"))
    known = {name: plain(kind()) for name, kind in sections(algorithm, rewards).items()}
    if "agent" in values:
        start["agent"], values["agent"] = _agent(base.agent, values["agent"], what)
    merged = _checked(values, {**known, **start}, what, whole=False)
    return TrainConfig.from_dict({**start, **merged})


def _agent(base: AgentConfig, values: Any, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The agent's plain settings, and the changes with those of encoders in their place."""
    if not isinstance(values, dict):
        raise ConfigurationError(f"{what}: agent is a table of settings, not {values!r}")
    vision = _checked(values.get("vision", base.vision), "", f"{what}: agent.vision")
    encoders = _checked(values.get("encoders", list(base.encoders)), [""], f"{what}: agent.encoders")
    settings = {name: plain(base.settings_of(ENCODERS.find(name).Config)) for name in (vision, *encoders)}
    own = {field.name for field in fields(AgentConfig)}
    changes = {name: value for name, value in values.items() if name in own}
    placed: dict[str, Any] = dict(
        _checked(changes.get("settings", {}), settings, f"{what}: agent.settings", whole=False)
    )
    for name, value in values.items():
        if name in own:
            continue
        encoder = next((other for other in encoders if other.rpartition(":")[2].lower() == name), None)
        if encoder is not None:
            placed[encoder] = value
        else:
            refuse_unknown([name], [*sorted(own - {"settings"}), *settings[vision]], f"{what}: agent")
            placed[vision] = {**placed.get(vision, {}), name: value}
    return {**base.to_dict(), "settings": settings}, {**changes, "settings": placed}


def _checked(value: Any, like: Any, what: str, *, whole: bool = True) -> Any:
    """A value of the type of another one: YAML reads 1e-3 as text, and 1e6 is a whole number.

    Args:
        value: to be checked.
        like: a value of the right type; None is any, and the first element of a list stands for all of them.
        what: says where it is.
        whole: of a table, add what it does not say.

    Raises:
        ConfigurationError: if it is of another type, or a table has a name that the other has not.
    """
    if isinstance(like, dict):
        if not isinstance(value, dict):
            raise ConfigurationError(f"{what} is a table of settings, not {value!r}")
        refuse_unknown(value, like, what)
        inner = {name: _checked(part, like[name], f"{what}{_joint(what)}{name}") for name, part in value.items()}
        return {**like, **inner} if whole else inner
    if isinstance(like, list):
        if not isinstance(value, list):
            raise ConfigurationError(f"{what} is a list, not {value!r}")
        return [_checked(part, like[0] if like else None, what) for part in value]
    if like is None:
        return value
    if isinstance(like, bool):
        right = isinstance(value, bool)
    elif isinstance(like, int | float):
        value, right = _number(value, isinstance(like, int))
    else:
        right = isinstance(value, type(like))
    if not right:
        kind = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[type(like)]
        raise ConfigurationError(f"{what} is {kind}, not {value!r}")
    return value


def _joint(what: str) -> str:
    return "." if ": " in what else ": "


def _number(value: Any, is_whole: bool) -> tuple[Any, bool]:
    """The value as a number, and whether it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value, False
    if isinstance(value, int):
        return (value if is_whole else float(value)), True
    try:
        number = float(value)
    except ValueError:
        return value, False
    if is_whole:
        return (int(number), True) if number.is_integer() else (value, False)
    return number, True
