"""List the levels and tasks, one line each: the id, an example instruction and a description."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass

from groundling.envs.catalog import find_family, known_ids
from groundling.errors import GroundlingError


@dataclass
class Command:
    """List the levels and tasks.

    Attributes:
        contains: show only ids that contain this text; upper and lower case are the same.
        examples: show an example instruction of each task.
    """

    contains: str = ""
    examples: bool = True

    def run(self) -> None:
        """Print one line a task."""
        ids = [id for id in known_ids() if self.contains.lower() in id.lower()]
        widest = max(map(len, ids), default=0)
        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
        for id in ids:
            print(f"{id:<{widest}}  {describe(id, self.examples)}"[:room])
        if not ids:
            print(f"no task id contains {self.contains!r}")
            return
        print(f"\n{len(ids)} tasks. With gymnasium.make, put groundling/ before ids that do not begin so.")


def describe(id: str, with_example: bool) -> str:
    """An example sentence in quotation marks, and what the task asks for."""
    family = find_family(id)
    if not with_example:
        return family.description
    try:
        return f'"{family.example()}": {family.description}'
    except GroundlingError as error:  # a task of the user's own may be broken; the others are listed all the same
        return f"cannot be sampled: {error}"
