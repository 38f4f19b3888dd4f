"""What a house leaves free to walk on, from its meshes: furniture blocks what it covers, not its whole tile."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import WALL_CODE
from groundling.envs.engine.kinds import Kinds
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.walking import SQUARE_M, Point, WalkingMap
from groundling.envs.families.habitat.export.scene_files import shown_back
from groundling.envs.families.habitat.export.templates import Template, template_of
from groundling.envs.families.habitat.houses import House

CLIMB_M: Final = 0.1


def walking_map(house: House, kinds: Kinds, without: frozenset[int] = frozenset()) -> WalkingMap:
    """The map of a house with all that stands in it.

    Args:
        house: which.
        kinds: what its things look like.
        without: codes of things that are left out, as doors that one opens on the way.
    """
    scale = round(1 / SQUARE_M)
    blocked = np.kron(house.cells == WALL_CODE, np.ones((scale, scale), dtype=np.bool_))
    for thing in house.shown():
        if thing.code in without or thing.on is not None:
            continue
        stamp = _stamp(template_of(thing), shown_back(thing, kinds.solids), kinds)
        reach = stamp.shape[0] // 2
        row, column = round(thing.y * scale) - reach, round(thing.x * scale) - reach
        top, left = max(row, 0), max(column, 0)
        bottom, right = min(row + 2 * reach, blocked.shape[0]), min(column + 2 * reach, blocked.shape[1])
        blocked[top:bottom, left:right] |= stamp[top - row : bottom - row, left - column : right - column]
    return WalkingMap.of_blocked(blocked)


@lru_cache(maxsize=4096)
def _stamp_of(template: Template, back: int, kinds_key: int) -> NDArray[np.bool_]:
    kinds = _KINDS[kinds_key]
    _, turn, _, real = layout.thing_rotation(back)
    yaw = 2 * np.arctan2(turn, real)
    triangles = []
    for mesh in template.meshes(kinds):
        x, y, z = mesh.points.T
        turned = np.stack([x * np.cos(yaw) + z * np.sin(yaw), y, z * np.cos(yaw) - x * np.sin(yaw)], axis=1)
        triangles.append(turned[mesh.faces])
    middle = np.array([1.0, 0.0, 1.0])
    return blocked_squares(np.concatenate(triangles) + middle, (2.0, 2.0))


_KINDS: Final[dict[int, Kinds]] = {}


def _stamp(template: Template, back: int, kinds: Kinds) -> NDArray[np.bool_]:
    """Squares that a thing blocks, about its middle [2 n, 2 n]."""
    key = hash((kinds.solids, kinds.rgb))
    _KINDS[key] = kinds
    return _stamp_of(template, back, key)


def blocked_squares(triangles: NDArray[np.float64], size: tuple[float, float]) -> NDArray[np.bool_]:
    """Squares [rows, columns] that triangles [T, 3, 3] of a mesh block, seen from above.

    Args:
        triangles: corners as X, Y, Z in Habitat's axes.
        size: metres along X and along Z, from 0.
    """
    columns, rows = (round(one / SQUARE_M) for one in size)
    low, high = triangles[..., 1].min(axis=1), triangles[..., 1].max(axis=1)
    in_way = triangles[(high > CLIMB_M) & (low < layout.AGENT_HEIGHT_M)]
    shift = 8
    canvas = np.zeros((rows, columns), dtype=np.uint8)
    # the middle of a square is a whole number there
    points = np.round((in_way[..., [0, 2]] / SQUARE_M - 0.5) * (1 << shift)).astype(np.int32)
    for corners in points:
        cv2.fillPoly(canvas, [corners], 1, lineType=cv2.LINE_8, shift=shift)
    return canvas.astype(np.bool_)


def sees(house: House, start: Point, end: Point, *, open_doors: bool = False) -> bool:
    """Whether nothing but things stands between two points: no wall, and no door that is closed.

    Args:
        house: where.
        start: a point of the map.
        end: another one.
        open_doors: look through doors that are closed.
    """
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    count = max(2, int(np.ceil(length / 0.05)) + 1)
    x, y = np.linspace(start[0], end[0], count), np.linspace(start[1], end[1], count)
    codes = house.cells[np.floor(y).astype(int), np.floor(x).astype(int)]
    if (codes == WALL_CODE).any():
        return False
    if open_doors:
        return True
    shut = [thing.code for thing in house.things if thing.kind == "door" and not thing.is_walkable]
    return not np.isin(codes, shut).any()
