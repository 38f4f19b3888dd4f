"""Writing houses as scenes: one after another into a folder, the file that says what there is last."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.kinds import Kinds, kinds_of
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.export import scene_files
from groundling.envs.families.habitat.export.house_meshes import stage_meshes, wall_meshes
from groundling.envs.families.habitat.export.mesh import import_trimesh, to_glb
from groundling.envs.families.habitat.export.templates import Template, numbered, templates_of
from groundling.envs.families.habitat.houses import House, to_json
from groundling.envs.families.habitat.worlds import house_of
from groundling.errors import ConfigurationError, StorageError
from groundling.files import make_folder, storage_error
from groundling.language.lexicon import Lexicon

Report = Callable[[int, int], None]
Addition = Callable[[Path, tuple[House, ...], Kinds], dict[str, Any]]


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        folder: where to.
        task: id of the task.
        split: of its episodes.
        houses: one an episode, in the order of the bank.
    """

    folder: Path
    task: str
    split: str
    houses: tuple[House, ...]


def export_houses(
    bank: EpisodeBank,
    lexicon: Lexicon,
    folder: Path,
    *,
    task: str,
    split: str,
    report: Report | None = None,
    add: Addition | None = None,
) -> Export:
    """Write the world of each episode of a bank as a scene, and the bank beside them.

    Args:
        bank: the episodes.
        lexicon: types and colors of a task's own.
        folder: where to; it is new or empty.
        task: how the task is asked for.
        split: the name of the split of the episodes.
        report: is told how many of how many houses are written.
        add: writes more into the folder, before that takes its place; what it returns is told in the manifest.

    Raises:
        ConfigurationError: if the folder holds something.
        MissingPackageError: if trimesh is not installed.
        StorageError: if something cannot be written; there is no folder then.
    """
    import_trimesh()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} is not empty: give a new folder, as Habitat keeps meshes by their paths and would not see that "
            "they have changed"
        )
    kinds = kinds_of(lexicon)
    houses = tuple(named_houses(bank, kinds, task))
    templates = numbered(template for house in houses for template in templates_of(house))
    with folder_written_whole(folder) as aside:
        for template, semantic_id in templates.items():
            _write_template(aside, template, semantic_id, kinds)
        for number, house in enumerate(houses, 1):
            _write_house(aside, house, kinds)
            if report is not None:
                report(number, len(houses))
        write_json(layout.dataset_file(aside), scene_files.dataset_config())
        write_json(layout.lighting_file(aside), scene_files.LIGHTING)
        bank.save(layout.bank_file(aside))
        added = {} if add is None else add(aside, houses, kinds)
        write_json(layout.manifest_file(aside), {**manifest(task, split, houses, templates), **added})
    return Export(folder, task, split, houses)


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """A folder beside another one that takes its place when everything in it was written, and is deleted otherwise.

    Raises:
        StorageError: if it cannot be made, or take its place.
    """
    aside = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    make_folder(aside)
    try:
        yield aside
        try:
            os.replace(aside, folder)
        except OSError as error:
            raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def named_houses(bank: EpisodeBank, kinds: Kinds, task: str) -> Iterator[House]:
    """The houses of a bank, with names that no other house has, and that are no part of one another."""
    slug = re.sub(r"[^A-Za-z0-9]+", "_", Path(task).name.removesuffix("-v0")).strip("_") or "house"
    width = len(str(len(bank)))
    for row in range(len(bank)):
        house = house_of(bank, row, kinds)
        checksum = hashlib.sha256(to_json(house).encode()).hexdigest()[:8]
        name = f"{slug}-{row:0{width}}-{checksum}"
        yield replace(house, name=name, stage=name)


def manifest(task: str, split: str, houses: Sequence[House], templates: dict[Template, int]) -> dict[str, Any]:
    """What there is in an exported folder."""
    return {
        "format": layout.FORMAT,
        "version": layout.VERSION,
        "task": task,
        "split": split,
        "scenes": [house.name for house in houses],
        "templates": {
            template.name: {
                "semantic_id": semantic_id,
                "look": [template.kind, template.color, template.state],
                "size": template.size,
            }
            for template, semantic_id in templates.items()
        },
        "navmesh": layout.NAVMESH,
        "eye_height_m": layout.EYE_HEIGHT_M,
        "wall_semantic_id": layout.WALL_ID,
    }


def _write_template(folder: Path, template: Template, semantic_id: int, kinds: Kinds) -> None:
    _write(layout.object_mesh(folder, template.name), to_glb(template.meshes(kinds)))
    write_json(layout.object_file(folder, template.name), scene_files.object_config(template.name, semantic_id))


def _write_house(folder: Path, house: House, kinds: Kinds) -> None:
    walls = layout.walls_template(house.name)
    _write(layout.stage_mesh(folder, house.name), to_glb(stage_meshes(house.cells, house.floors)))
    _write(layout.object_mesh(folder, walls), to_glb(wall_meshes(house.cells, house.floors)))
    write_json(layout.stage_file(folder, house.name), scene_files.stage_config(house.name))
    write_json(layout.object_file(folder, walls), scene_files.object_config(walls, layout.WALL_ID))
    write_scene(folder, house, kinds)


def write_scene(folder: Path, house: House, kinds: Kinds) -> None:
    """Write where the things of a house stand, whose stage and walls are there; errors as of :func:`export_houses`."""
    write_json(layout.scene_file(folder, house.name), scene_files.scene_instance(house, kinds.solids))
    _write(layout.house_file(folder, house.name), to_json(house).encode())


def write_json(path: Path, values: Any) -> None:
    """Write values as JSON; errors as of :func:`_write`."""
    _write(path, json.dumps(values, indent=1).encode())


def _write(path: Path, raw: bytes) -> None:
    """Write a file; its folder takes its place when all are written.

    Raises:
        StorageError: if it cannot be written.
    """
    try:
        make_folder(path.parent)
        path.write_bytes(raw)
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error
