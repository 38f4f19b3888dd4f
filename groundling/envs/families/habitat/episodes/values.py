"""What all formats of episodes have in common: poses, goals, paths, and files of gzipped JSON, written and read.

Missing pieces are named with the episode that lacks them. Keys that a format does not know are left alone.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from groundling.errors import HabitatFileError
from groundling.files import written_whole

Vector = tuple[float, ...]

DEFAULT_SCENES: Final = "data/scene_datasets/"  # habitat-lab takes this off the front of a scene's id


@dataclass(frozen=True)
class PathPoint:
    """A pose on a path (X, Y, Z; a quaternion x, y, z, w) and the action taken there; files may know only that."""

    position: Vector | None
    rotation: Vector | None
    action: int | None


@dataclass(frozen=True)
class Goal:
    """A place to go to, and how near."""

    position: Vector
    radius: float | None = None


@dataclass(frozen=True)
class Start:
    """What every episode begins with.

    Attributes:
        episode_id: of the episode.
        scene_id: of the scene.
        start_position: X, Y, Z in metres.
        start_rotation: a quaternion x, y, z, w.
        scene_dataset_config: file of the dataset that has the scene.
        additional_obj_config_paths: folders of more templates.
        info: whatever else is told.
    """

    episode_id: str
    scene_id: str
    start_position: Vector
    start_rotation: Vector
    scene_dataset_config: str = "default"
    additional_obj_config_paths: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scene(self) -> str:
        """The scene's id without the folder that habitat-lab replaces by its own."""
        return self.scene_id.removeprefix(DEFAULT_SCENES)


def key(values: Any, name: str, where: str) -> Any:
    """The value of a key.

    Raises:
        HabitatFileError: if it is missing.
    """
    if not isinstance(values, Mapping) or name not in values:
        raise HabitatFileError(f"{where} has no {name!r}: the file is not whole, or of another format")
    return values[name]


def listed(values: Any, name: str, where: str) -> list[Any]:
    """The list of a key.

    Raises:
        HabitatFileError: if it is missing, or no list.
    """
    found = key(values, name, where)
    if not isinstance(found, list):
        raise HabitatFileError(f"{name!r} of {where} should be a list, got {type(found).__name__}")
    return found


def vector(values: Any, name: str, where: str, length: int) -> Vector:
    """So many finite numbers.

    Raises:
        HabitatFileError: if they are missing, or others.
    """
    found = key(values, name, where)
    is_vector = isinstance(found, Sequence) and len(found) == length
    if not is_vector or not all(isinstance(one, (int, float)) and abs(one) < float("inf") for one in found):
        raise HabitatFileError(f"{name!r} of {where} should be {length} numbers, got {found!r}")
    return tuple(float(one) for one in found)


def start_of(values: Any, where: str) -> dict[str, Any]:
    """What :class:`Start` has of an episode.

    Raises:
        HabitatFileError: if something is missing.
    """
    return {
        "episode_id": str(key(values, "episode_id", where)),
        "scene_id": str(key(values, "scene_id", where)),
        "start_position": vector(values, "start_position", where, 3),
        "start_rotation": vector(values, "start_rotation", where, 4),
        "scene_dataset_config": values.get("scene_dataset_config") or "default",
        "additional_obj_config_paths": tuple(values.get("additional_obj_config_paths") or ()),
        "info": values.get("info") or {},
    }


def start_values(start: Start) -> dict[str, Any]:
    """The values of a :class:`Start` for JSON."""
    return {
        "episode_id": start.episode_id,
        "scene_id": start.scene_id,
        "scene_dataset_config": start.scene_dataset_config,
        "additional_obj_config_paths": list(start.additional_obj_config_paths),
        "start_position": list(start.start_position),
        "start_rotation": list(start.start_rotation),
        "info": dict(start.info),
    }


def goal_of(values: Any, where: str) -> Goal:
    """A goal; errors as of :func:`vector`."""
    return Goal(vector(values, "position", where, 3), values.get("radius"))


def goal_values(goal: Goal) -> dict[str, Any]:
    """A goal for JSON."""
    return {"position": list(goal.position), "radius": goal.radius}


def paths_of(values: Any, where: str) -> tuple[tuple[PathPoint, ...], ...]:
    """The shortest paths of an episode, if there are any."""
    return tuple(tuple(_point(one, where) for one in path) for path in values.get("shortest_paths") or ())


def _point(values: Any, where: str) -> PathPoint:
    if values is None or isinstance(values, (int, str)):
        return PathPoint(None, None, None if values is None else int(values))
    position, rotation = values.get("position"), values.get("rotation")
    return PathPoint(
        None if position is None else vector(values, "position", where, 3),
        None if rotation is None else vector(values, "rotation", where, 4),
        values.get("action"),
    )


def paths_values(paths: Sequence[Sequence[PathPoint]]) -> list[list[dict[str, Any]]]:
    """Paths for JSON."""
    return [
        [
            {
                "position": None if point.position is None else list(point.position),
                "rotation": None if point.rotation is None else list(point.rotation),
                "action": point.action,
            }
            for point in path
        ]
        for path in paths
    ]


def read_json(path: Path) -> Any:
    """The values of a JSON file, gzipped or not.

    Raises:
        HabitatFileError: if there is none, or it is not whole.
    """
    try:
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    except FileNotFoundError:
        raise HabitatFileError(f"there is no file of episodes at {path}") from None
    except (OSError, EOFError, ValueError) as error:
        raise HabitatFileError(f"{path} is no whole file of episodes: {error}") from error


def write_json(path: Path, values: Any) -> None:
    """Write values as gzipped JSON, the same bytes every time.

    Raises:
        StorageError: if the file cannot be written; an older one stays as it was.
    """
    raw = json.dumps(values, separators=(",", ":")).encode()
    with written_whole(path) as file:
        file.write(gzip.compress(raw, mtime=0))
