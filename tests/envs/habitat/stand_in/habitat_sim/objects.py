"""Templates and rigid objects with their managers, as far as static and kinematic ones go."""

from __future__ import annotations

import fnmatch
import json
import os
from pathlib import Path
from typing import Any

import magnum
import numpy as np
from numpy.typing import NDArray

from .gltf import Mesh, read_glb, rotation_matrix
from .settings import MotionType

DATASET_KINDS = {"stages": "stage", "objects": "object", "scene_instances": "scene_instance"}


def orientation(config: Any) -> NDArray[np.float64]:
    """The turn [3, 3] that brings the asset's up to +Y and its front to -Z."""
    up, front = np.array(config.get("up", (0, 1, 0)), float), np.array(config.get("front", (0, 0, -1)), float)
    return np.stack([np.cross(front, up), up, -front])


class Dataset:
    """The configurations of a scene dataset by the paths of their files."""

    def __init__(self, path: Path) -> None:
        assert path.is_file(), f"the dataset {path} is not found"
        document = json.loads(path.read_text())
        self.files: dict[str, dict[str, Any]] = {}
        for section, kind in DATASET_KINDS.items():
            found: dict[str, Any] = {}
            for pattern in document.get(section, {}).get("paths", {}).get(".json", ()):
                for file in sorted((path.parent / pattern).parent.glob(Path(pattern).name)):
                    if fnmatch.fnmatch(file.name, f"*.{kind}_config.json" if kind != "scene_instance" else "*"):
                        found[str(file)] = json.loads(file.read_text())
            self.files[section] = found

    def find(self, section: str, name: str) -> tuple[Path, Any] | None:
        """The file and the configuration of a name."""
        for path, config in self.files[section].items():
            if Path(path).name.split(".")[0] == name or Path(path).name == name:
                return Path(path), config
        return None


class ObjectTemplateManager:
    """As ``Simulator.get_object_template_manager()``: handles are the full paths of the files."""

    def __init__(self, dataset: Dataset | None) -> None:
        self.configs = {} if dataset is None else dict(dataset.files["objects"])

    def get_template_handles(self, part: str = "") -> list[str]:
        return [handle for handle in self.configs if part.lower() in handle.lower()]


class RigidObject:
    """As the real one's; where it is static a new place is ignored."""

    def __init__(self, id: int, handle: str, config: Any, folder: Path, meshes: dict[Path, Mesh]) -> None:
        asset = folder / config["render_asset"]
        if asset not in meshes:
            meshes[asset] = read_glb(asset)
        self.mesh = meshes[asset]
        self.object_id, self.handle = id, f"{Path(handle).name.split('.')[0]}_:{id:04d}"
        self.is_flat = bool(config.get("force_flat_shading", False))
        turned = self.mesh.corners @ orientation(config).T * np.array(config.get("scale", (1, 1, 1)))
        if "COM" in config:
            self._shape = turned - np.array(config["COM"])
        else:
            self._shape = turned - (turned.min(axis=(0, 1)) + turned.max(axis=(0, 1))) / 2
        self.is_alive = True
        self.changes = 0
        self._semantic_id = int(config.get("semantic_id", 0))
        self._motion = MotionType.DYNAMIC
        self._translation, self._rotation = magnum.Vector3(0.0), magnum.Quaternion()

    @property
    def corners(self) -> NDArray[np.float64]:
        """Its triangles in the world."""
        q = self._rotation
        matrix = rotation_matrix(q.scalar, *q.vector)
        return self._shape @ matrix.T + np.array(list(self._translation))

    @property
    def translation(self) -> magnum.Vector3:
        return self._translation if self.is_alive else magnum.Vector3(0.0)

    @translation.setter
    def translation(self, value: Any) -> None:
        if not isinstance(value, magnum.Vector3):
            raise TypeError("a magnum.Vector3 is needed")
        if self._motion != MotionType.STATIC:
            self._translation = value
            self.changes += 1

    @property
    def rotation(self) -> magnum.Quaternion:
        return self._rotation

    @rotation.setter
    def rotation(self, value: Any) -> None:
        if not isinstance(value, magnum.Quaternion):
            raise TypeError("a magnum.Quaternion is needed")
        if not value.is_normalized():
            os.abort()  # an assertion of Magnum
        if self._motion != MotionType.STATIC:
            self._rotation = value
            self.changes += 1

    @property
    def semantic_id(self) -> int:
        return self._semantic_id

    @semantic_id.setter
    def semantic_id(self, value: int) -> None:
        self._semantic_id = int(value)
        self.changes += 1

    @property
    def motion_type(self) -> MotionType:
        return self._motion

    @motion_type.setter
    def motion_type(self, value: MotionType) -> None:
        if not isinstance(value, MotionType):
            raise TypeError("a MotionType is needed")
        self._motion = value


class RigidObjectManager:
    """As ``Simulator.get_rigid_object_manager()``."""

    def __init__(self, templates: ObjectTemplateManager, meshes: dict[Path, Mesh], has_physics: bool) -> None:
        self._templates, self._meshes, self._has_physics = templates, meshes, has_physics
        self.objects: dict[int, RigidObject] = {}
        self.changes = 0

    def add_object_by_template_handle(self, handle: str) -> RigidObject | None:
        config = self._templates.configs.get(handle)
        if config is None:
            return None
        id = max(self.objects, default=-1) + 1
        try:
            made = RigidObject(id, handle, config, Path(handle).parent, self._meshes)
        except AssertionError:
            return None
        made.motion_type = MotionType.DYNAMIC if self._has_physics else MotionType.KINEMATIC
        self.objects[id] = made
        self.changes += 1
        return made

    def get_object_by_id(self, id: int) -> RigidObject | None:
        return self.objects.get(id) if self._has_physics else None

    def remove_object_by_id(self, id: int) -> None:
        if id not in self.objects:
            os.abort()
        self.objects.pop(id).is_alive = False
        self.changes += 1

    def get_object_handles(self, part: str = "") -> list[str]:
        return [own.handle for own in self.objects.values() if part in own.handle]

    def get_object_by_handle(self, handle: str) -> RigidObject | None:
        return next((o for o in self.objects.values() if o.handle == handle and self._has_physics), None)

    def get_num_objects(self) -> int:
        return len(self.objects)
