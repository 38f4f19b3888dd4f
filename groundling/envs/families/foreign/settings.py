"""Settings of environments of other packages, which stand behind their id: ``gym:ID?text=mission&success=reward>0``."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from groundling.envs.simulators.foreign.adaptation import parse_size
from groundling.envs.simulators.foreign.host.rows import MODES
from groundling.envs.simulators.foreign.host.rules import Rule
from groundling.errors import ConfigurationError

OPTION: Final = "arg."  # before the name of an argument of the environment's own
RULES: Final = ("success", "terminated", "truncated")


@dataclass(frozen=True)
class Settings:
    """How an environment of another package is adapted.

    Attributes:
        text: the key of the text that is the instruction (with dots where one key is inside another), or ``info.KEY``;
            by default the only text that there is.
        say: the instruction of environments without a text.
        symbols: the key of the symbols of cells, [H, W, 3], or three keys [H, W] of types, colors and states.
        keep: the only other keys that the agent is given; by default all that it can read.
        size: of pictures, as "84x84" (height and width); by default as they come.
        success: when an episode that ends has reached its goal, a rule such as ``reward>0``, ``return>=10`` or
            ``info.won``; by default a flag ``success`` or ``is_success`` in ``info`` tells it.
        terminated: when an episode ends by itself although the environment does not say so.
        truncated: when an end that the environment calls terminated is a time limit's.
        resets: episodes that are begun to learn the words of the texts.
        reseeds: begin every episode with a seed of its own, so that all policies play the same ones; False: only the
            first of each environment, from which the others follow (for environments that load anew for a seed).
        held_out: phrases that are kept from training: episodes whose first text holds one of them are the suite
            "combination"; by default the combinations that the run holds out.
        vector: take the vector environment that an id has beside a single one (its vector_entry_point).
        autoreset: how vector environments begin episodes that do not tell it: SAME_STEP, NEXT_STEP or DISABLED.
        length: tokens of the instruction; by default a quarter more than the longest of these.
        python: the Python interpreter of the environments.
        workers: processes; by default one a core.
        options: arguments of the environment's own (``arg.NAME=VALUE``).
    """

    text: str = ""
    say: str = ""
    symbols: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    success: str = ""
    terminated: str = ""
    truncated: str = ""
    resets: int = 1000
    reseeds: bool = True
    held_out: tuple[str, ...] = ()
    vector: bool = False
    autoreset: str = ""
    length: int = 0
    python: str = ""
    workers: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rules(self) -> dict[str, str]:
        """The rules by what they decide."""
        return {name: getattr(self, name) for name in RULES if getattr(self, name)}

    def changed(self, told: Mapping[str, str]) -> Settings:
        """The same with these settings, as they stand behind an id.

        Raises:
            ConfigurationError: if one is unknown or cannot be read; the message names it.
        """
        values: dict[str, Any] = {}
        options = dict(self.options)
        known = [part.name for part in dataclasses.fields(self) if part.name != "options"]
        for name, text in told.items():
            if name.startswith(OPTION):
                options[name.removeprefix(OPTION)] = _literal(text)
            elif name not in known:
                raise ConfigurationError(
                    f"environments of other packages have no setting {name!r}: choose one of {', '.join(known)}, or "
                    f"{OPTION}NAME for an argument of the environment's own"
                )
            else:
                values[name] = _read(name, text)
        return dataclasses.replace(self, **values, options=options)


def _read(name: str, text: str) -> Any:
    if name in ("symbols", "keep", "held_out"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name == "size":
        return parse_size(text)
    if name in ("resets", "length", "workers"):
        if not text.isdigit() or not int(text):
            raise ConfigurationError(f"{name} is a number from 1, not {text!r}")
        return int(text)
    if name in ("reseeds", "vector"):
        if text not in ("True", "False"):
            raise ConfigurationError(f"{name} is True or False, not {text!r}")
        return text == "True"
    if name == "autoreset" and text not in MODES.values():
        raise ConfigurationError(f"autoreset is {', '.join(MODES.values())}, not {text!r}")
    if name in RULES:
        try:
            Rule(text)
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}") from error
    return text


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
