"""List what can be named: tasks, suites, algorithms, encoders, rewards and more, each with a sentence."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import tyro

from groundling.cli.command_options import OneOf
from groundling.envs.catalog import find_family, known_ids
from groundling.errors import ConfigurationError, ExtensionError, MissingPackageError
from groundling.registry import Registry

Kind = Literal["algorithms", "rewards", "encoders", "planners", "trackers", "checks", "presets", "suites", "tasks"]

# kind -> the registry of it, imported when it is listed, and the option that takes a name of it
REGISTRIES: Final[Mapping[Kind, tuple[str, str]]] = {
    "algorithms": ("groundling.training.algorithms:ALGORITHMS", "train --algorithm"),
    "rewards": ("groundling.training.rewards:REWARDS", "train --reward"),
    "encoders": ("groundling.agents.encoders:ENCODERS", "train --agent.vision, --agent.encoders"),
    "planners": ("groundling.agents.planning:PLANNERS", "evaluate --planner, watch --planner"),
    "trackers": ("groundling.training.tracking:TRACKERS", "train --track"),
    "checks": ("groundling.eval.doctor:CHECKS", "doctor --check"),
}
OPTIONS: Final[Mapping[Kind, str]] = {
    **{kind: option for kind, (_, option) in REGISTRIES.items()},
    "presets": "train --preset",
    "suites": "evaluate --suite",
    "tasks": "train --task",
}


@dataclass
class Command:
    """List what there is.

    Attributes:
        kind: list only these, such as tasks or algorithms; by default all.
        contains: show only what has this text in its name or sentence; upper and lower case are the same.
        json: print one JSON object, of each kind the names and their sentences.
    """

    kind: tyro.conf.Positional[Annotated[str, OneOf(tuple(OPTIONS)), tyro.conf.arg(metavar="[KIND]")]] = ""
    contains: str = ""
    json: bool = False

    def run(self) -> None:
        """Print each kind under its own heading."""
        kinds = [kind for kind in OPTIONS if self.kind in ("", kind)]
        if not kinds:
            raise ConfigurationError(f"there is no kind {self.kind!r} to list: choose one of {', '.join(OPTIONS)}")
        found = {kind: self._chosen(named(kind)) for kind in kinds}
        if self.json:
            print(json.dumps(found, indent=2, ensure_ascii=False))
            return
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        shown = {kind: entries for kind, entries in found.items() if entries}
        for kind, entries in shown.items():
            print(f"{kind} (groundling {OPTIONS[kind]})")
            width = max(map(len, entries))
            for name, sentence in entries.items():
                print(f"  {name:<{width}}  {sentence}"[:room])
            print()
        if not shown:
            print(f"nothing named here has {self.contains!r} in its name or sentence")
        elif any(kind in REGISTRIES for kind in shown):
            print("Your own is named by its place, my_file.py:Name; CONTRIBUTING.md says what it has to have.")

    def _chosen(self, entries: Mapping[str, str]) -> dict[str, str]:
        text = self.contains.lower()
        return {name: sentence for name, sentence in entries.items() if text in f"{name} {sentence}".lower()}


def named(kind: Kind) -> dict[str, str]:
    """The names of a kind, each with a sentence."""
    if kind in REGISTRIES:
        return registered(kind)
    others: dict[str, Callable[[], dict[str, str]]] = {"presets": presets, "suites": suites, "tasks": tasks}
    return others[kind]()


def registered(kind: Kind) -> dict[str, str]:
    """What a registry has; of what cannot be imported here, the reason."""
    module, _, attribute = REGISTRIES[kind][0].partition(":")
    registry: Registry[object] = getattr(importlib.import_module(module), attribute)
    found = {}
    for name in registry.names():
        try:
            found[name] = registry.sentence(name)
        except (ExtensionError, MissingPackageError) as error:
            found[name] = f"cannot be imported: {error}"
    return found


def presets() -> dict[str, str]:
    """The presets, with the task and the algorithm that each begins with."""
    from groundling.training.presets import PRESETS

    return {name: f"{own.algorithm} on {own.task}, vision {own.agent.vision}" for name, own in PRESETS.items()}


def suites() -> dict[str, str]:
    """The suites of all tasks; where tasks describe one otherwise, what most of them say and how many have it."""
    told: dict[str, dict[str, int]] = {}
    for id in known_ids():
        for name, suite in find_family(id).suites.items():
            counts = told.setdefault(name, {})
            counts[suite.description] = counts.get(suite.description, 0) + 1
    return {
        name: f"{max(counts, key=lambda text: counts[text])} ({sum(counts.values())} tasks)"
        for name, counts in told.items()
    }


def tasks() -> dict[str, str]:
    """The levels and tasks."""
    return {id: find_family(id).description for id in known_ids()}
