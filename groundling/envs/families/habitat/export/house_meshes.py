"""Floor, ceiling and walls of a map as meshes, one of each material.

Walls are sheets between a wall's tile and one that is free: they have no tops, and there is no floor below them, so
that a navigation mesh has no islands on or in them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import WALL_CODE
from groundling.envs.families.habitat.export.mesh import Mesh, quads
from groundling.envs.families.habitat.export.pictures import (
    ceiling_picture,
    floor_picture,
    light_direction,
    wall_picture,
)
from groundling.envs.first_person.camera import WALL_HEIGHT_M

_SIDES: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))  # of a free tile: right, down, left, up


def stage_meshes(cells: NDArray[np.uint8], floors: NDArray[np.uint8]) -> list[Mesh]:
    """Floor and ceiling.

    Args:
        cells: [H, W] cell codes.
        floors: [H, W] floor codes.
    """
    is_free = cells != WALL_CODE
    found = []
    for code in np.unique(floors[is_free]).tolist():
        y, x = np.nonzero(is_free & (floors == code))
        corners = _tiles(x, y, 0.0)
        up = np.tile([0.0, 1.0, 0.0], (len(x), 1))
        found.append(quads(corners[:, ::-1], up, uv=corners[:, ::-1][..., [0, 2]], picture=floor_picture(code)))
    height, width = cells.shape
    sheet = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], dtype=np.float64)
    corners = np.insert(sheet, 1, WALL_HEIGHT_M, axis=2)
    found.append(quads(corners, np.array([[0.0, -1.0, 0.0]]), uv=sheet, picture=ceiling_picture()))
    return found


def _tiles(x: NDArray[np.int64], y: NDArray[np.int64], height: float) -> NDArray[np.float64]:
    """Corners [T, 4, 3] of tiles: clockwise seen from above."""
    around = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    at = np.stack([x, y], axis=1)[:, None] + around
    return np.insert(at.astype(np.float64), 1, height, axis=2)


def wall_meshes(cells: NDArray[np.uint8], floors: NDArray[np.uint8]) -> list[Mesh]:
    """Walls; what is beyond the map is wall. Arguments as of :func:`stage_meshes`."""
    padded = np.pad(cells, 1, constant_values=WALL_CODE)
    is_free = padded != WALL_CODE
    light = light_direction()
    sheets = defaultdict(list)
    for dx, dy in _SIDES:
        beside = np.roll(padded, (-dy, -dx), axis=(0, 1))
        for row, column in np.argwhere(is_free & (beside == WALL_CODE)).tolist():
            x, y = column - 1, row - 1
            # texture coordinates grow with the map's, on both sides of a wall, as the renderer has them
            start = np.array([x + (dx > 0), y + (dy > 0)])
            along = np.array([abs(dy), abs(dx)])
            sheets[int(floors[y, x]), (-dx, -dy)].append((start, start + along))
    found = []
    for (code, normal), ends in sorted(sheets.items()):
        way = np.array(normal)
        corners, uv = [], []
        for start, end in ends:
            # the first on the left of who looks at it: its right hand points from there along the wall
            is_forward = (end - start) @ np.array([-way[1], way[0]]) < 0
            left, right = (start, end) if is_forward else (end, start)
            u_left, u_right = (0.0, 1.0) if is_forward else (1.0, 0.0)
            corners.append(
                [
                    [left[0], 0, left[1]],
                    [right[0], 0, right[1]],
                    [right[0], WALL_HEIGHT_M, right[1]],
                    [left[0], WALL_HEIGHT_M, left[1]],
                ]
            )
            uv.append([[u_left, 1], [u_right, 1], [u_right, 0], [u_left, 0]])
        normals = np.tile([float(way[0]), 0.0, float(way[1])], (len(ends), 1))
        picture = wall_picture(code, float(way @ light[:2]))
        found.append(quads(np.array(corners, dtype=np.float64), normals, uv=np.array(uv), picture=picture))
    return found
