"""The renderer's solids as meshes, from its own tables: parts, sizes, colors, pictures and light.

A mesh has its back up on the map (to -Z) and stands on the origin. The light is the renderer's without randomization;
on things that are turned, whose mesh serves all directions, it falls from the front. The fog of distance is left out.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import CLOSED, DOOR, LOCKED, OPEN
from groundling.envs.families.habitat.export.mesh import Mesh, Points, joined, quads
from groundling.envs.families.habitat.export.pictures import (
    door_picture,
    light_direction,
    plate_cells,
    plate_picture,
    plate_rim,
)
from groundling.envs.first_person import parts as columns
from groundling.envs.first_person.camera import WALL_HEIGHT_M
from groundling.envs.first_person.furniture import HELD_SCALE
from groundling.envs.first_person.shading import AMBIENT, DARKEST, DIFFUSE, SHINE, SHINE_FROM
from groundling.envs.first_person.shapes import EDGE
from groundling.envs.first_person.solids import ANGLES, COUNTS, FIXED_YAW, OPENED_SOLIDS, PARTS, SIZES, TURNED
from groundling.envs.first_person.standing import plate_half
from groundling.envs.first_person.style import WHITEN

ROUNDNESS_M: Final = 0.001  # how far sides of round parts may be from the surface that they stand for
DOOR_HALF_M: Final = 0.0004  # half the thickness of a closed door, which the renderer draws as a plane

Rgb = NDArray[np.float64]  # [3] from 0 to 1


class Paint(NamedTuple):
    """How a part is colored."""

    color: Rgb
    glow: float
    light: Points  # [3] towards the light, as the part has its axes


def thing_meshes(solid: int, state: int, rgb: tuple[int, int, int], *, is_held: bool = False) -> list[Mesh]:
    """The meshes of a thing that is not a closed door.

    Args:
        solid: what it is drawn as.
        state: of the engine: its size, or whether it is open.
        rgb: its color, from 0 to 255.
        is_held: whether it stands on or in something, where things are smaller.
    """
    if state == OPEN:
        solid = int(OPENED_SOLIDS[solid])
    wide, tall = (float(size) * (HELD_SCALE if is_held else 1) for size in SIZES[solid, state])
    angle = float(ANGLES[solid])
    color = whitened(rgb)
    to_light = light_direction() * ([1, 1, 1] if TURNED[solid] == FIXED_YAW else [-1, -1, 1])
    right, back = (math.cos(angle), math.sin(angle)), (math.sin(angle), -math.cos(angle))
    light = np.array([to_light[:2] @ right, to_light[:2] @ back, to_light[2]])
    colored, pictured = [], []
    for row in PARTS[solid, : COUNTS[solid]].astype(np.float64):
        tint = row[columns.TINT]
        own = row[[columns.RED, columns.GREEN, columns.BLUE]]
        paint = Paint(np.minimum(1, tint * color + (1 - tint) * own), float(row[columns.GLOW]), light)
        match int(row[columns.KIND]):
            case columns.LATHE:
                colored.append(_lathe(row, paint, wide, tall))
            case columns.BLOCK:
                colored.append(_block(row, paint, wide, tall))
            case _:
                faces, rim = _plate(row, paint, wide, tall)
                pictured.append(faces)
                colored.append(rim)
    found = [*([joined(colored)] if colored else []), *pictured]
    return [_placed(mesh, right, back) for mesh in found]


def door_meshes(state: int, rgb: tuple[int, int, int]) -> list[Mesh]:
    """A door that is closed or locked: a thin slab from wall to wall, from floor to ceiling, passed along Z."""
    top, half = WALL_HEIGHT_M, DOOR_HALF_M
    found = []
    for side in (-1, 1):
        left, right = (-0.5, 0.5) if side > 0 else (0.5, -0.5)
        corners = np.array(
            [[[left, 0, side * half], [right, 0, side * half], [right, top, side * half], [left, top, side * half]]]
        )
        u = corners[..., 0] + 0.5
        uv = np.stack([u, 1 - corners[..., 1] / top], axis=-1)
        facing = side * light_direction()[1]
        picture = door_picture(state == LOCKED, whitened(rgb), facing)
        found.append(quads(corners, np.array([[0.0, 0.0, side]]), uv=uv, picture=picture))
    return found


def template_meshes(kind: int, solid: int, state: int, rgb: tuple[int, int, int], *, is_held: bool) -> list[Mesh]:
    """The meshes of a thing of a type code; see :func:`thing_meshes`."""
    if kind == DOOR and state in (CLOSED, LOCKED):
        return door_meshes(state, rgb)
    return thing_meshes(solid, state, rgb, is_held=is_held)


def whitened(rgb: tuple[int, int, int]) -> Rgb:
    """A color with the light that even a pure one reflects."""
    whiten = float(WHITEN)
    return whiten + (1 - whiten) * np.array(rgb) / 255


def _placed(mesh: Mesh, right: tuple[float, float], back: tuple[float, float]) -> Mesh:
    """From a part's axes (x right, y back, z up) to Habitat's, turned."""
    turn = np.array([[right[0], 0, right[1]], [back[0], 0, back[1]], [0, 1, 0]])
    return Mesh(mesh.points @ turn, mesh.normals @ turn, mesh.faces, mesh.colors, mesh.uv, mesh.picture)


def _lit(paint: Paint, facing: NDArray[np.float64]) -> NDArray[np.float64]:
    brightness = np.clip(float(AMBIENT) + float(DIFFUSE) * facing, float(DARKEST), 1)
    return paint.glow + (1 - paint.glow) * brightness


def _painted(paint: Paint, brightness: NDArray[np.float64], shine: NDArray[np.float64]) -> NDArray[np.uint8]:
    own = (brightness * (1 - shine))[..., None] * paint.color
    return (255 * (own + shine[..., None])).astype(np.uint8)


def _block(row: Points, paint: Paint, wide: float, tall: float) -> Mesh:
    half_x, half_y = row[columns.HALF_X] * wide, row[columns.HALF_Y] * wide
    x, y = row[columns.X] * wide, row[columns.Y] * wide
    low, high = max(row[columns.BOTTOM] * tall, 0.0), row[columns.TOP] * tall
    middle, half = np.array([x, y, (low + high) / 2]), np.array([half_x, half_y, (high - low) / 2])
    corners, normals, colors = [], [], []
    for axis in range(3):
        for side in (-1, 1):
            if axis == 2 and side < 0 and low <= 0:
                continue
            normal = np.zeros(3)
            normal[axis] = side
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            around = [-u - v, u - v, u + v, -u + v] if side > 0 else [-u - v, -u + v, u + v, u - v]
            corners.append([middle + half * (normal + one) for one in around])
            normals.append(normal)
            brightness = _lit(paint, np.array([normal @ paint.light])) * (float(EDGE) if axis == 0 else 1)
            colors.append(_painted(paint, brightness, np.zeros(1))[0])
    return quads(np.array(corners), np.array(normals), colors=np.array(colors))


def _lathe(row: Points, paint: Paint, wide: float, tall: float) -> Mesh:
    grow = wide**2 / tall**2
    square, linear, constant = (
        row[columns.SQUARE] * grow,
        row[columns.LINEAR] * grow * tall,
        row[columns.CONSTANT] * wide**2,
    )
    low, high = row[columns.BOTTOM] * tall, row[columns.TOP] * tall
    ends = np.sqrt(np.maximum(np.polyval([square, linear, constant], [low, (low + high) / 2, high]), 0))
    is_straight = abs(ends[0] - 2 * ends[1] + ends[2]) < ROUNDNESS_M / 5  # a cylinder or a cone
    reach = row[columns.REACH] * wide
    sides = max(8, math.ceil(math.pi / math.sqrt(4 * ROUNDNESS_M / reach)))
    rings = 1 if is_straight else max(4, 2 * sides // 3)
    # rings close together where the outline turns inwards, at its ends
    share = np.linspace(0, 1, rings + 1) if is_straight else (1 - np.cos(np.linspace(0, np.pi, rings + 1))) / 2
    z = low + (high - low) * share
    radius = np.sqrt(np.maximum(np.polyval([square, linear, constant], z), 0))
    outer = radius * (1 + 1 / math.cos(math.pi / sides)) / 2  # half the sides' error outside, half inside
    if not is_straight:
        outer[1:-1] *= (1 + 1 / math.cos(math.pi / 2 / rings)) / 2
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.concatenate(
        [outer[:, None, None] * circle, np.broadcast_to(z[:, None, None], (rings + 1, sides, 1))], axis=2
    )
    slope = np.broadcast_to(-(square * z + linear / 2)[:, None, None], (rings + 1, sides, 1))
    normals = np.concatenate([np.maximum(radius, 1e-9)[:, None, None] * circle, slope], axis=2)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-9)
    facing = normals @ paint.light
    shine = np.maximum(float(SHINE) * (facing - float(SHINE_FROM)), 0)
    colors = _painted(paint, _lit(paint, facing), shine)
    at = np.arange(rings * sides).reshape(rings, sides)
    beside = np.roll(at, -1, axis=1)
    faces = np.stack([at, beside, beside + sides, at, beside + sides, at + sides], axis=-1).reshape(-1, 3)
    shell = Mesh(points.reshape(-1, 3), normals.reshape(-1, 3), faces, colors.reshape(-1, 3))
    caps = [
        _cap(points[ring], side, paint)
        for ring, side in ((0, -1), (rings, 1))
        if radius[ring] > 1e-3 and not (side < 0 and low <= 0)
    ]
    moved = joined([shell, *caps])
    offset = np.array([row[columns.X] * wide, row[columns.Y] * wide, 0])
    return Mesh(moved.points + offset, moved.normals, moved.faces, moved.colors)


def _cap(ring: Points, side: int, paint: Paint) -> Mesh:
    """The flat end of a lathe, from its outermost ring [sides, 3]."""
    fan = np.arange(1, len(ring) - 1)
    faces = np.stack([np.zeros_like(fan), fan, fan + 1], axis=1)
    normals = np.tile([0.0, 0.0, side], (len(ring), 1))
    color = _painted(paint, _lit(paint, np.array([side * paint.light[2]])), np.zeros(1))
    return Mesh(ring, normals, faces if side > 0 else faces[:, ::-1], np.repeat(color, len(ring), axis=0))


def _plate(row: Points, paint: Paint, wide: float, tall: float) -> tuple[Mesh, Mesh]:
    """A picture cut out of a plate: its two faces, and its rim."""
    number, half = int(row[columns.PICTURE]), row[columns.HALF_X] * wide
    low, high = row[columns.BOTTOM] * tall, row[columns.TOP] * tall
    thick = plate_half(row[columns.THICKNESS] * wide)
    offset = np.array([row[columns.X] * wide, row[columns.Y] * wide, 0])
    there, boxes = plate_cells(number)
    size = len(there)

    def at(u: Points, v: Points, y: float) -> Points:
        return np.stack([-half + 2 * half * u / size, np.full(u.shape, y), high - (high - low) * v / size], axis=-1)

    left, top, right, bottom = np.array(boxes, dtype=np.float64).T
    u, v = np.stack([left, right, right, left], axis=1), np.stack([bottom, bottom, top, top], axis=1)
    corners = np.concatenate([at(u, v, -thick), at(u[:, ::-1], v[:, ::-1], thick)])
    uv = np.concatenate([np.stack([u, v], axis=-1), np.stack([u[:, ::-1], v[:, ::-1]], axis=-1)]) / size
    normals = np.repeat([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]], len(boxes), axis=0)
    picture = plate_picture(number, tuple(paint.color), paint.glow)
    faces = quads(corners + offset, normals, uv=uv, picture=picture)
    first, last, ways = plate_rim(number)
    around = ((first, -thick), (last, -thick), (last, thick), (first, thick))
    edges = np.stack([at(end[:, 0], end[:, 1], y) for end, y in around], axis=1)
    lit = _painted(paint, _lit(paint, ways @ paint.light), np.zeros(len(ways)))
    return faces, quads(edges + offset, ways, colors=lit)


@lru_cache(maxsize=4096)
def cached_template(kind: int, solid: int, state: int, rgb: tuple[int, int, int], is_held: bool) -> tuple[Mesh, ...]:
    """As :func:`template_meshes`, kept."""
    return tuple(template_meshes(kind, solid, state, rgb, is_held=is_held))
