"""Write the houses of a task as scenes for Habitat, with episodes for habitat-lab; or describe what was written."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.sources import find_source
from groundling.envs.engine.kinds import Kinds
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.files import read_episodes, write_episodes
from groundling.envs.families.habitat.export.exporting import export_houses
from groundling.envs.families.habitat.export.mesh import import_trimesh
from groundling.envs.families.habitat.houses import House
from groundling.errors import ConfigurationError

Format = Literal["objectnav", "eqa", "pointnav", "rearrange", "vln"]


@dataclass
class Command:
    """Write the houses of a task as scenes for Habitat, with episodes for habitat-lab; or describe what was written.

    Attributes:
        task: id of a task whose episodes stand in banks, as groundling/FurnishedHouseGoTo-v0; or a file of episodes in
            a format of habitat-lab (.json, .json.gz) to describe, no matter whose.
        episodes: number of episodes of the task, each of which is a scene.
        output: folder to write; it is new or empty.
        format: formats of episodes to write as well, one episode a scene where there is one to draw.
        split: split of the task's episodes, and the name of the files: all, train, seen ...
        seed: random seed of the task's episodes and of those that are drawn.
    """

    task: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="TASK|FILE")]]
    episodes: int = 100
    output: Path | None = None
    format: tuple[Format, ...] = ()
    split: str = "train"
    seed: int = 0

    def run(self) -> None:
        """Write, or describe."""
        if self.task.endswith((".json", ".json.gz")):
            describe(Path(self.task))
            return
        source = find_source(self.task)
        if self.output is None:
            raise ConfigurationError("say where the scenes go: --output DIR")
        if twice := [name for name, count in Counter(self.format).items() if count > 1]:
            raise ConfigurationError(f"--format names {twice[0]} twice")
        import_trimesh()
        bank = build_bank(source, self.episodes, seed=self.seed, split=self.split)
        with _progress("scenes") as report:
            export = export_houses(
                bank,
                source.embodiment.lexicon,
                self.output,
                task=self.task,
                split=self.split,
                report=report,
                add=self._write_episodes,
            )
        print(f"{self.output}: {len(export.houses)} scenes of {self.task}, split {self.split}")
        for name in self.format:
            describe(layout.episodes_file(self.output, name, self.split))

    def _write_episodes(self, folder: Path, houses: tuple[House, ...], kinds: Kinds) -> dict[str, Any]:
        """Write the episodes of each format; returns how many there are, for the manifest.

        Raises:
            ConfigurationError: if no house has any.
        """
        counts = {}
        for name in self.format:
            with _progress(name) as report:
                written, without = write_episodes(
                    folder, houses, kinds, name, self.split, seed=self.seed, report=report
                )
            if not written:
                raise ConfigurationError(f"none of the {len(houses)} houses has an episode of {name}: {_REASONS[name]}")
            counts[name] = {"episodes": written, "houses_without": without}
        return {"episodes": counts}


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A line in a terminal that says how many of how many are done; it is erased afterwards."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    try:
        yield lambda done, total: print(f"\r\x1b[K{what}: {done} of {total}", end="", file=sys.stderr, flush=True)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


_REASONS = {
    "pointnav": "nothing is a metre away from where the agent starts; give larger rooms",
    "objectnav": "no thing that can be reached is a metre away; give a task with things, or larger rooms",
    "eqa": "questions are about rooms of kinds; give a task in furnished houses, or one of questions",
    "rearrange": "nothing that can be carried has another place to be; give a task with such things",
    "vln": "ways need three metres and something to pass; give a task of several rooms",
}


def describe(path: Path) -> None:
    """Read a file of episodes and print what it holds."""
    name, dataset = read_episodes(path)
    episodes: tuple[Any, ...] = dataset.episodes
    print(f"{path}: {len(episodes)} episodes of {name} in {len({one.scene_id for one in episodes})} scenes")
    for one in episodes[:1]:
        print(f"  {_told(one)}")


def _told(episode: Any) -> str:
    """What an episode asks for."""
    if hasattr(episode, "question_text"):
        return f'"{episode.question_text}" {episode.answer_text}'
    if hasattr(episode, "instruction_text"):
        return f'"{episode.instruction_text}"'
    if hasattr(episode, "object_category"):
        return f"go to: {episode.object_category}"
    if hasattr(episode, "targets"):
        return f"bring to their places: {', '.join(episode.targets)}"
    return f"go to: {', '.join(f'{value:.2f}' for value in episode.goals[0].position)}"
