"""What the tests of Habitat share: an interpreter that has the stand-in, and small exports."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.sources import find_source
from groundling.envs.families.habitat.export.exporting import export_houses

STAND_IN = Path(__file__).parent / "stand_in"
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "habitat"
DATASET = RECORDED / "scene" / "rooms.scene_dataset_config.json"
NUMBA_CACHE = "NUMBA_CACHE_DIR"


def python_with_stand_in(folder: Path, *, version: str = "") -> str:
    """An interpreter, other than this one, whose habitat_sim is the stand-in."""
    path = folder / "python"
    lines = ["#!/bin/sh", f'export PYTHONPATH="{STAND_IN}"']
    if version:
        lines.append(f"export HABITAT_STAND_IN_VERSION={version}")
    lines.append(f'exec "{sys.executable}" "$@"')
    path.write_text("\n".join(lines) + "\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def export(task: str, episodes: int, folder: Path) -> Path:
    """The houses of the first seeds of a task, written to a folder."""
    bank = EpisodeBank.of_seeds(task, list(range(episodes)))
    export_houses(bank, find_source(task).embodiment.lexicon, folder, task=task, split="all")
    return folder


def has_real_habitat() -> bool:
    """Whether this interpreter, or the one that GROUNDLING_HABITAT_PYTHON names, has the real habitat-sim."""
    import importlib.util

    return bool(os.environ.get("GROUNDLING_HABITAT_PYTHON")) or importlib.util.find_spec("habitat_sim") is not None
