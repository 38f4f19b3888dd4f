"""The layout of an exported folder, the settings it is made for, and poses of our maps as Habitat has them.

This is the one place that knows what files are called and how axes and angles are turned. It imports NumPy only, so
that an interpreter which has habitat-sim and nothing else of ours can read it.

    DIR/
    ├── export.json                     what was exported: format, version, task, split, and a row a scene
    ├── bank.npz                        the episodes as our engine plays them (``EpisodeBank``), a row a scene
    ├── data/default.pbr_config.json    turns image-based lighting off: make the simulator with DIR as working folder
    ├── scenes/                         what habitat-sim reads, all in one folder
    │   ├── groundling.scene_dataset_config.json
    │   ├── NAME.glb, NAME.stage_config.json            floor and ceiling of a house
    │   ├── walls-NAME.glb, walls-NAME.object_config.json   its walls: an object, as a stage has no semantic ids
    │   ├── NAME.scene_instance.json                    the house: its walls, and where its things stand
    │   ├── opened-... .scene_instance.json   with all doors open, as agents of habitat-lab can open none
    │   ├── emptied-... .scene_instance.json   and without what can be carried, which rearrangement adds itself
    │   └── thing-COLOR-KIND-STATE-SIZE.glb, ... .object_config.json   one template a kind, color, state and size:
    │       on the floor, on other things, or carried before a camera
    ├── houses/NAME.json                the same house as plain data of ours (``House``), and so of the others
    └── episodes/FORMAT/SPLIT/SPLIT.json.gz   in a format of habitat-lab; ObjectNav: a content/NAME.json.gz a scene

Names contain a checksum of what they show, as habitat-sim reads a mesh once and keeps it by its path; and no name is a
part of another one, as it also finds templates by parts of their names.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FORMAT: Final = "groundling habitat export"
VERSION: Final = 2

DATASET: Final = "groundling"
STAGE_SUFFIX: Final = ".stage_config.json"
OBJECT_SUFFIX: Final = ".object_config.json"
SCENE_SUFFIX: Final = ".scene_instance.json"
DATASET_SUFFIX: Final = ".scene_dataset_config.json"
MESH_SUFFIX: Final = ".glb"

FORMATS: Final = ("objectnav", "eqa", "pointnav", "rearrange", "vln")

# Semantic ids: the cell codes of our segmentation. An object has the code of its own; its template, one of the kind.
FLOOR_ID: Final = 0  # of the stage, floor and ceiling, and of nothing
WALL_ID: Final = 1
FIRST_TEMPLATE_ID: Final = 1000  # of templates, so that none is taken for the code of an object

# The sizes that our houses are made for: walls are 1.25 m high.
CEILING_M: Final = 1.25
EYE_HEIGHT_M: Final = 0.65
AGENT_RADIUS_M: Final = 0.2
AGENT_HEIGHT_M: Final = 1.0
NAVMESH: Final = {
    "agent_radius": AGENT_RADIUS_M,
    "agent_height": AGENT_HEIGHT_M,
    "agent_max_climb": 0.1,
    "cell_size": 0.05,
    "cell_height": 0.05,
    "include_static_objects": True,
}
ON_FLOOR, HELD, CARRIED = SIZES = ("floor", "held", "carried")  # of templates: on others things are smaller
CARRIED_SCALE: Final = 0.06  # of what is carried, so that it is before all cameras and nearer than walls
OPENED: Final = "opened"  # variants of scenes
EMPTIED: Final = "emptied"
LAB_NAVMESH_HEIGHT_M: Final = 0.2  # where habitat-lab's own settings (cell_height .2) put an agent on a floor at 0
REARRANGED_M: Final = 0.15  # how near its place an object is when it counts as put there


def scenes_folder(folder: Path) -> Path:
    """Where all that habitat-sim reads is."""
    return folder / "scenes"


def dataset_file(folder: Path) -> Path:
    """What ``sim_cfg.scene_dataset_config_file`` is to be, made absolute."""
    return scenes_folder(folder) / f"{DATASET}{DATASET_SUFFIX}"


def manifest_file(folder: Path) -> Path:
    """What was exported."""
    return folder / "export.json"


def bank_file(folder: Path) -> Path:
    """The episodes as our engine plays them."""
    return folder / "bank.npz"


def lighting_file(folder: Path) -> Path:
    """What turns image-based lighting off, where the simulator is made with the folder as working folder."""
    return folder / "data" / "default.pbr_config.json"


def house_file(folder: Path, name: str) -> Path:
    """A house as plain data of ours."""
    return folder / "houses" / f"{name}.json"


def stage_mesh(folder: Path, name: str) -> Path:
    """Floor and ceiling of a house."""
    return scenes_folder(folder) / f"{name}{MESH_SUFFIX}"


def stage_file(folder: Path, name: str) -> Path:
    """How its floor and ceiling are loaded."""
    return scenes_folder(folder) / f"{name}{STAGE_SUFFIX}"


def scene_file(folder: Path, name: str) -> Path:
    """Where its walls and things stand; ``sim_cfg.scene_id`` is its name alone."""
    return scenes_folder(folder) / f"{name}{SCENE_SUFFIX}"


def object_mesh(folder: Path, template: str) -> Path:
    """The mesh of a template."""
    return scenes_folder(folder) / f"{template}{MESH_SUFFIX}"


def object_file(folder: Path, template: str) -> Path:
    """How a template is loaded; its absolute path is the handle that the simulator knows it by."""
    return scenes_folder(folder) / f"{template}{OBJECT_SUFFIX}"


def variant_name(name: str, variant: str) -> str:
    """A scene of the same house with something changed, as "opened"; no part of the other's name, nor this of it."""
    slug, row, checksum = name.rsplit("-", 2)
    return f"{variant}-{row}-{checksum}-{slug}"


def walls_template(name: str) -> str:
    """The template of a house's walls."""
    return f"walls-{name}"


def thing_template(color: str, kind: str, state: str, size: str = ON_FLOOR) -> str:
    """The template of things of a color, a kind and a state, of a size.

    All parts are there always, so that no name is a part of another one.
    """
    words = [part.replace(" ", "_").replace("-", "_") for part in (color, kind, state)]
    return "-".join(("thing", *words, size))


def of_size(template: str, size: str) -> str:
    """The template of the same things in another size."""
    return f"{template.rpartition('-')[0]}-{size}"


def episodes_file(folder: Path, format: str, split: str) -> Path:
    """The episodes of a format and a split."""
    return folder / "episodes" / format / split / f"{split}.json.gz"


def content_file(folder: Path, format: str, split: str, name: str) -> Path:
    """The episodes of one scene, of formats that have a file a scene."""
    return episodes_file(folder, format, split).parent / "content" / f"{name}.json.gz"


# Poses. A map has x to the right and y down, in metres without the engine's border of walls; tile (i, j) covers
# [i, i + 1) x [j, j + 1). A heading is 0 to the right and grows clockwise, as MiniGrid's directions times pi / 2.
# Habitat has X to the right, Y up and Z towards the viewer; yaw about Y grows counter-clockwise seen from above, and
# the identity looks along -Z.


def to_position(x: float, y: float, floor: float = 0.0) -> tuple[float, float, float]:
    """Where a point of a map is in Habitat: X, Y, Z in metres."""
    return float(x), float(floor), float(y)


def from_position(position: Any) -> tuple[float, float]:
    """The point of a map under a position of Habitat."""
    return float(position[0]), float(position[2])


def yaw_of(heading: float) -> float:
    """The yaw about Y, in radians, of an agent that looks along a heading."""
    return -(heading + math.pi / 2)


def to_rotation(heading: float) -> tuple[float, float, float, float]:
    """The quaternion x, y, z, w of a heading: in JSON's order, and that of arrays given to an agent."""
    x, y, z, w = rotation_about_y(yaw_of(heading))
    return x, y, z, w


def rotation_about_y(yaw: float) -> tuple[float, float, float, float]:
    """The quaternion x, y, z, w of a turn about Y."""
    return 0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2)


def wxyz(rotation: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A quaternion x, y, z, w as w, x, y, z: the order of scene_instance.json and of the numpy-quaternion objects."""
    x, y, z, w = rotation
    return w, x, y, z


def from_rotation(rotation: Any) -> float:
    """The heading in [0, 2 pi) of a quaternion x, y, z, w that turns about Y; its sign does not matter."""
    _, y, _, w = (float(value) for value in rotation)
    return (-2 * math.atan2(y, w) - math.pi / 2) % (2 * math.pi)


def thing_rotation(back: int) -> tuple[float, float, float, float]:
    """The quaternion x, y, z, w of a thing whose back is to a side of the map: 0 right, 1 down, 2 left, 3 up.

    Meshes have their back up (to -Z), their front down.
    """
    return rotation_about_y((3 - back) * math.pi / 2)


def camera_rays(width: int, height: int, hfov_degrees: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the rays of a picture's columns [W] go right, and of its rows [H] go down, a metre ahead.

    Depth is along the camera's axis, and pixels are seen at their centres: a point is eye + depth * (forward + right *
    the first - up * the second).
    """
    focal = width / 2 / math.tan(math.radians(hfov_degrees) / 2)
    columns, rows = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)
    return (columns + 0.5 - width / 2) / focal, (rows + 0.5 - height / 2) / focal
