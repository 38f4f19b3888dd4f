"""What an exported folder holds, read and checked before any simulator sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.sources import vocabulary_of
from groundling.envs.families.habitat import layout
from groundling.errors import BankFileError, HabitatFileError


@dataclass(frozen=True)
class Exported:
    """An export.

    Attributes:
        folder: where it is.
        task: how the task is asked for.
        split: of its episodes.
        scenes: the name of the scene of each row of the bank.
        bank: the episodes.
    """

    folder: Path
    task: str
    split: str
    scenes: tuple[str, ...]
    bank: EpisodeBank


def read_export(folder: Path) -> Exported:
    """Read an exported folder.

    Raises:
        HabitatFileError: if it is none, of another version, or lacks a file of a scene, or its bank is damaged; the
            message names the file.
    """
    path = layout.manifest_file(folder)
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        raise HabitatFileError(
            f"{folder} is no export for Habitat: there is no {path}. Make one with "
            "groundling export-habitat TASK --episodes N --output DIR"
        ) from None
    return _read(folder.absolute(), stamp)


@lru_cache(maxsize=8)
def _read(folder: Path, stamp: int) -> Exported:
    path = layout.manifest_file(folder)
    try:
        values: Any = json.loads(path.read_text())
        if values["format"] != layout.FORMAT:
            raise HabitatFileError(f"{path} is of the format {values['format']!r}, not {layout.FORMAT!r}")
        if values["version"] != layout.VERSION:
            raise HabitatFileError(
                f"{path} is of version {values['version']}, this program reads {layout.VERSION}: export again"
            )
        task, split, scenes = str(values["task"]), str(values["split"]), tuple(values["scenes"])
    except (ValueError, KeyError, TypeError) as error:
        raise HabitatFileError(f"{path} is not whole ({error!r}): export again") from error
    if not layout.bank_file(folder).is_file():
        raise HabitatFileError(f"there is no {layout.bank_file(folder)}, which has the episodes: export again")
    for name in scenes:
        check_scene_files(folder, name)
    try:
        bank = EpisodeBank.load(layout.bank_file(folder), vocabulary=vocabulary_of(task))
    except BankFileError as error:
        raise HabitatFileError(f"the episodes of {folder} cannot be read ({error}): export {task} again") from error
    if len(bank) != len(scenes):
        raise HabitatFileError(f"{folder} has {len(bank)} episodes for {len(scenes)} scenes: export again")
    return Exported(folder, task, split, scenes, bank)


def check_scene_files(folder: Path, name: str) -> None:
    """Refuse a scene of which a file is missing; templates of its things are looked for when it is loaded.

    Raises:
        HabitatFileError: naming the first.
    """
    walls = layout.walls_template(name)
    for path in (
        layout.dataset_file(folder),
        layout.stage_file(folder, name),
        layout.stage_mesh(folder, name),
        layout.object_file(folder, walls),
        layout.object_mesh(folder, walls),
    ):
        if not path.is_file():
            raise HabitatFileError(f"the scene {name} lacks {path}: export again")
