"""What is known of packages of environments: what registers their ids, which extra brings them, how success is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Package:
    """A package of environments.

    Attributes:
        prefixes: of its ids.
        imports: modules that register them.
        extra: of Groundling that brings it; empty: it is always there.
        settings: what is usual for its environments (see ``family.Settings``), where nobody says something else.
        without_display: variables of the environment in which its processes draw without a display.
        actions: names of the actions, where its environments do not tell them.
    """

    prefixes: tuple[str, ...]
    imports: tuple[str, ...] = ()
    extra: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    without_display: Mapping[str, str] = field(default_factory=dict)
    actions: tuple[str, ...] = ()


# a limit of steps is told as an end, with the status ABORTED; whoever dies or is cut off has not reached the goal
NETHACK: Final = {"text": "message", "keep": "blstats", "truncated": "info.end_status==-1", "success": "reward>0"}
PACKAGES: Final = (
    Package(("BabyAI-", "MiniGrid-"), ("minigrid",), settings={"success": "reward"}),
    Package(
        ("MiniWorld-",),
        ("miniworld",),
        "miniworld",
        {"success": "reward"},
        without_display={"PYGLET_HEADLESS": "1"},
    ),
    Package(("ALE/",), ("ale_py",), "atari", {"size": "84x84", "reseeds": "False"}),  # it loads the game for a seed
    Package(
        ("MiniHack-",), ("nle", "minihack"), "nethack", {**NETHACK, "symbols": "chars_crop,colors_crop,specials_crop"}
    ),
    Package(("NetHack",), ("nle",), "nethack", {**NETHACK, "symbols": "chars,colors,specials"}),
)
UNKNOWN: Final = Package(())


def package_of(id: str) -> Package:
    """The package of an id; one of which nothing is known where none is."""
    return next((package for package in PACKAGES if id.startswith(package.prefixes)), UNKNOWN)


def package_of_modules(modules: Iterable[str]) -> Package:
    """The package of a class that is derived from classes of these modules."""
    names = {module.partition(".")[0] for module in modules}
    return next((package for package in PACKAGES if names & set(package.imports)), UNKNOWN)
