"""What ends the process of habitat-sim cannot be caught, so each such call is checked before it is made.

One function a case; each raises :class:`HabitatRefusal` with what to do about it.
"""

from __future__ import annotations

import glob
import json
import math
import os
import threading
from typing import Any, ClassVar

import numpy as np

from . import facts

LENGTH_ERROR = 1e-3  # of a quaternion in a file, whose digits were cut


class HabitatRefusal(Exception):
    """A call that would end the process, or would be answered wrongly without a word."""


class Owner:
    """The process and the thread that a simulator was made in: from another one it aborts or hangs."""

    alive: ClassVar[list[Owner]] = []

    def __init__(self) -> None:
        if Owner.alive and Owner.alive[-1].process == os.getpid():
            raise HabitatRefusal("this process has a simulator already: close it first, one process holds one")
        self.process: int = os.getpid()
        self.thread: int = threading.get_ident()
        self.is_closed = False
        Owner.alive.append(self)

    def check(self) -> None:
        """Refuse a use after ``close``, in another thread, or in a fork."""
        if os.getpid() != self.process:
            raise HabitatRefusal(
                "this process was forked from that of the simulator: start workers by spawn, not by fork"
            )
        if threading.get_ident() != self.thread:
            raise HabitatRefusal("a simulator is used in the thread that made it only")
        if self.is_closed:
            raise HabitatRefusal("the simulator is closed")

    def close(self) -> None:
        """The simulator is gone."""
        if not self.is_closed:
            self.is_closed = True
            Owner.alive.remove(self)


def check_gpu(device: int) -> None:
    """Refuse a GPU that is not there: the process would end."""
    count = len(glob.glob("/dev/nvidia[0-9]*"))
    if device >= count:
        shown = f"{count} of them, from 0" if count else "none"
        raise HabitatRefusal(
            f"gpu={device} asks for a GPU, but this machine shows {shown}: leave it at {facts.CPU}, to render on the "
            "CPU"
        )
    if device < facts.CPU:
        raise HabitatRefusal(f"gpu={device} is no GPU: they count from 0, and {facts.CPU} renders on the CPU")


def check_camera(width: int, height: int, hfov: float, uuids: list[str], channels: int = facts.CHANNELS) -> None:
    """Refuse a sensor that aborts or shows nothing."""
    if width < 1 or height < 1:
        raise HabitatRefusal(f"a camera has at least one pixel, got {width} x {height}")
    if channels != facts.CHANNELS:
        raise HabitatRefusal(f"a color sensor has {facts.CHANNELS} channels, got {channels}")
    if not 0 < hfov <= facts.MAX_HFOV:
        raise HabitatRefusal(f"the field of view is above 0 and at most {facts.MAX_HFOV:g} degrees, got {hfov:g}")
    if len(set(uuids)) != len(uuids):
        raise HabitatRefusal(f"two sensors have one name: {', '.join(uuids)}")


def check_loaded(pathfinder: Any) -> Any:
    """The path finder, if it has a navigation mesh; any question to one that has none is a segmentation fault."""
    if pathfinder is None or not pathfinder.is_loaded:
        raise HabitatRefusal(
            "there is no navigation mesh: load a scene first (or nobody can stand anywhere in this one, whose floor "
            "has to be at least 1 m2 and face up)"
        )
    return pathfinder


def check_made(is_made: Any) -> None:
    """Refuse to go on where no navigation mesh could be computed: the one of before would be asked."""
    if is_made is False:
        raise HabitatRefusal(
            "no navigation mesh can be computed of this scene: nobody can stand anywhere in it (its floor has to face "
            "up, with room above it for the agent)"
        )


def check_scene_for_navmesh(scene_id: str) -> None:
    """Refuse a navigation mesh of no scene."""
    if scene_id in ("", "NONE"):
        raise HabitatRefusal("a navigation mesh is computed of a scene: load one first")


def as_point(point: Any) -> Any:
    """Three floats as the bindings take them; lists and arrays of integers raise there, NaN does worse."""
    found = np.array(point, dtype=np.float32)
    if found.shape != (3,) or not np.isfinite(found).all():
        raise HabitatRefusal(f"a position is three finite numbers, got {point!r}")
    return found


def as_array(point: Any) -> Any:
    """Three numbers that the bindings answer with, a ``magnum.Vector3`` or an array, as an array of floats."""
    return np.array([point[0], point[1], point[2]], dtype=np.float32)


def is_nowhere(point: Any) -> bool:
    """Whether the path finder answered that there is no such place: not a number."""
    return bool(np.isnan(point).any())


def as_rotation(rotation: Any) -> list[float]:
    """A unit quaternion x, y, z, w, which lists given to an agent are read as.

    It is normalized: files have a few digits, and Magnum ends a process at a rotation whose square is 2e-5 off.
    """
    found = [float(part) for part in rotation]
    length = math.sqrt(sum(part**2 for part in found))
    if len(found) != 4 or not math.isfinite(length) or abs(length - 1) > LENGTH_ERROR:
        raise HabitatRefusal(f"a rotation is a unit quaternion x, y, z, w, got {rotation!r}")
    return [part / length for part in found]


def check_action(name: str, known: Any) -> None:
    """Refuse an action that the agent does not have."""
    if name not in known:
        raise HabitatRefusal(f"the agent has no action {name!r}: it has {', '.join(sorted(known))}")


def check_object(key: Any, known: Any) -> None:
    """Refuse an object that is not there: to remove one aborts the process."""
    if key not in known:
        raise HabitatRefusal(f"there is no object {key!r} in the scene")


def scene_name(scene_id: str) -> str:
    """The name of a scene, which data sets also give as the path of its file."""
    name = os.path.basename(scene_id)
    return name[: -len(facts.SCENE_ENDING)] if name.endswith(facts.SCENE_ENDING) else scene_id


def check_scene(dataset: str, scene_id: str, templates: list[str]) -> None:
    """Refuse a scene of which a file is missing or damaged, and name it.

    A scene instance whose template is missing is a segmentation fault; so is a bare .glb beside a scene instance, and a
    bare .glb is turned as if Z were up: there has to be a dataset.

    Args:
        dataset: the path of the ``.scene_dataset_config.json``.
        scene_id: a scene's name, or ``NAME.stage_config.json`` of a stage alone.
        templates: names of the objects that will be added.
    """
    if not os.path.isabs(dataset):
        raise HabitatRefusal(f"the path of the dataset has to be absolute, got {dataset}")
    if not dataset.endswith(".scene_dataset_config.json"):
        raise HabitatRefusal(f"a scene is loaded by its dataset (NAME.scene_dataset_config.json), not as {dataset}")
    folders = _folders(dataset)  # of each kind of configuration
    wanted = list(templates)
    if scene_id.endswith(facts.STAGE_ENDING):
        stage = scene_id
    else:
        instance = _config(folders["scene_instances"], scene_id + facts.SCENE_ENDING, f"the scene {scene_id}")
        stage = str(instance.get("stage_instance", {}).get("template_name", "")) + facts.STAGE_ENDING
        wanted += [str(own.get("template_name", "")) for own in instance.get("object_instances", ())]
    _asset(folders["stages"], stage, "the stage")
    for name in dict.fromkeys(wanted):
        _asset(folders["objects"], name + facts.OBJECT_ENDING, f"the object {name}")


def _folders(dataset: str) -> dict[str, list[str]]:
    """Where the dataset says that its files are."""
    if not os.path.isfile(dataset):
        raise HabitatRefusal(f"the dataset {dataset} is missing")
    document = _json(dataset)
    found: dict[str, list[str]] = {}
    for section in ("stages", "objects", "scene_instances"):
        patterns = document.get(section, {}).get("paths", {}).get(".json", [])
        found[section] = []
        for pattern in patterns:
            place = os.path.join(os.path.dirname(dataset), pattern)  # a folder, a file, or a pattern of files
            folder = place if os.path.isdir(place) else os.path.dirname(place)
            found[section] += sorted(glob.glob(folder)) if glob.has_magic(folder) else [folder]
        if not patterns and section == "stages":
            raise HabitatRefusal(f"the dataset {dataset} does not say where its {section} are")
    return found


def _config(folders: list[str], name: str, what: str) -> dict[str, Any]:
    if not folders:
        raise HabitatRefusal(f"{what} is missing: the dataset does not say where files as {name} are")
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return {**_json(path), "": folder}
    raise HabitatRefusal(f"{what} is missing: there is no {os.path.join(folders[0], name)}")


def _asset(folders: list[str], name: str, what: str) -> None:
    """The mesh that a configuration names, if it is whole."""
    config = _config(folders, name, what)
    path = os.path.join(config[""], str(config.get("render_asset", "")))
    if not os.path.isfile(path):
        raise HabitatRefusal(f"{what} has no mesh: there is no {path}")
    with open(path, "rb") as file:
        head = file.read(12)
    if len(head) < 12 or head[:4] != facts.GLB_MAGIC:
        raise HabitatRefusal(f"{path} is no binary glTF file")
    if int.from_bytes(head[8:12], "little") != os.path.getsize(path):
        raise HabitatRefusal(f"{path} is truncated: export it again")


def _json(path: str) -> dict[str, Any]:
    try:
        with open(path) as file:
            document = json.load(file)
    except ValueError as error:
        raise HabitatRefusal(f"{path} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise HabitatRefusal(f"{path} is no JSON object")
    return document
