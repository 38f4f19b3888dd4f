"""The JSON files of habitat-sim: stages, objects, scenes, the dataset, and what turns image-based lighting off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.export.templates import template_of
from groundling.envs.families.habitat.houses import House, HouseThing
from groundling.envs.first_person.solids import FIXED_YAW, TURNED

UP: Final = [0, 1, 0]
FRONT: Final = [0, 0, -1]

LIGHTING: Final = {"enable_ibl": False, "ibl_blut_filename": "none", "ibl_envmap_filename": "none"}


def stage_config(name: str) -> dict[str, Any]:
    """How floor and ceiling of a house are loaded."""
    mesh = f"{name}{layout.MESH_SUFFIX}"
    return {
        "render_asset": mesh,
        "collision_asset": mesh,
        "up": UP,
        "front": FRONT,
        "units_to_meters": 1.0,
        "is_collidable": True,
        "force_flat_shading": True,
        "shader_type": "flat",
    }


def object_config(template: str, semantic_id: int) -> dict[str, Any]:
    """How a template is loaded: its mesh keeps its origin, on the floor below its middle."""
    mesh = f"{template}{layout.MESH_SUFFIX}"
    return {
        "render_asset": mesh,
        "collision_asset": mesh,
        "up": UP,
        "front": FRONT,
        "COM": [0, 0, 0],
        "semantic_id": semantic_id,
        "force_flat_shading": True,
        "shader_type": "flat",
        "mass": 1.0,
    }


def instance(
    template: str, x: float, y: float, height: float, back: int, *, is_walkable: bool = False
) -> dict[str, Any]:
    """A thing in a scene; what can be walked through or over is no part of the navigation mesh."""
    return {
        "template_name": template,
        "translation": list(layout.to_position(x, y, height)),
        "rotation": list(layout.wxyz(layout.thing_rotation(back))),
        "translation_origin": "asset_local",
        "motion_type": "kinematic" if is_walkable else "static",
    }


def scene_instance(house: House, solids: Sequence[int]) -> dict[str, Any]:
    """A house: its stage, its walls, and its things in the order of their codes.

    Args:
        house: which.
        solids: of each type code, the solid that it is drawn as.
    """
    walls = instance(layout.walls_template(house.stage), 0, 0, 0, 3)
    things = [
        instance(
            template_of(thing).name,
            thing.x,
            thing.y,
            thing.height,
            shown_back(thing, solids),
            is_walkable=thing.is_walkable,
        )
        for thing in house.shown()
    ]
    return {
        "stage_instance": {"template_name": house.stage},
        "object_instances": [walls, *things],
        "default_lighting": "no_lights",
        "translation_origin": "asset_local",
    }


def shown_back(thing: HouseThing, solids: Sequence[int]) -> int:
    """How the mesh of a thing is turned: some stand the same everywhere."""
    return 3 if TURNED[solids[thing.look[0]]] == FIXED_YAW else thing.back


def dataset_config() -> dict[str, Any]:
    """Where the files of an export are, beside this one."""
    patterns = {
        "stages": layout.STAGE_SUFFIX,
        "objects": layout.OBJECT_SUFFIX,
        "scene_instances": layout.SCENE_SUFFIX,
    }
    return {key: {"paths": {".json": [f"*{suffix}"]}} for key, suffix in patterns.items()}
