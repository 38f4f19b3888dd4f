"""List the tasks, one line each: the id and what it asks for."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass

import gymnasium

from groundling.envs.levels import level_class, minigrid_levels


@dataclass
class Command:
    """List the tasks.

    Attributes:
        contains: show only ids that contain this text (upper or lower case).
    """

    contains: str = ""

    def run(self) -> None:
        """Print one line a task."""
        levels = [level for level in minigrid_levels() if self.contains.lower() in level.lower()]
        widest = max(map(len, levels), default=0)
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        for level in levels:
            print(f"{level:<{widest}}  {describe(level)}"[:room])
        print(f"\n{len(levels)} tasks. Each is also registered with Gymnasium as groundling/NAME, without BabyAI-.")


def describe(level: str) -> str:
    """The first sentence of the level's own description."""
    text = level_class(level).__doc__ or ""
    found = re.search(r"## Description\s+(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL)
    paragraph = " ".join((found.group(1) if found else text).split())
    sentence = re.split(r"(?<=\w)\.(?:\s|$)", paragraph)[0]
    settings = ", ".join(f"{k} {v}" for k, v in gymnasium.registry[level].kwargs.items())
    return sentence + (f" ({settings})" if settings else "")
