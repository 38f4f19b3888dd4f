"""What rooms of a kind look like in first person: a floor of each code of ``engine.floors``, and walls that go with it.

Walls are paler than things, floors darker and duller, so that the things before them keep their colors. Walls repeat
along a tile and reach from the ceiling (row 0) to the floor.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.first_person.patterns import SIZE, Picture, blocks, colored, grain, noise

_Color = tuple[float, float, float]
_y, _x = np.mgrid[:SIZE, :SIZE]


class RoomPictures(NamedTuple):
    """The wall and the floor of a kind of room."""

    wall: Picture
    floor: Picture


def _chosen(mask: NDArray[Any], one: Picture, other: Picture) -> Picture:
    return np.where(mask[:, :, None], one, other)


def _plain(color: _Color, seed: int, strength: float = 0.04) -> Picture:
    return colored(1 + strength * grain(seed), color)


def _tiled(color: _Color, joint: _Color, seed: int, count: int) -> Picture:
    """Square tiles, ``count`` along a side."""
    joints, tile = blocks(seed, count, count, 1, shift=False)
    return _chosen(joints, _plain(joint, seed + 1), colored(1 + 0.06 * tile + 0.04 * grain(seed + 2), color))


def _boards(color: _Color, seed: int, count: int) -> Picture:
    """Long boards, side by side."""
    width = SIZE // count
    board = np.random.default_rng(seed).uniform(-1, 1, count)[_y // width]
    fibers = noise(seed + 1, 32)[:, :1] * 0.08 + 0.06 * noise(seed + 2, 8)
    return colored(np.where(_y % width == 0, 0.5, 1 + 0.12 * board + fibers), color)


def _with_lower_part(upper: Picture, lower: Picture, share: float, edge: _Color) -> Picture:
    """A wall whose lower part is another one, below a ledge."""
    start = int(SIZE * (1 - share))
    wall = _chosen(_y >= start, lower, upper)
    return _chosen((_y >= start) & (_y < start + 3), _plain(edge, 900), wall)


def _checkered_tiles() -> RoomPictures:
    dark, light = _plain((0.3, 0.29, 0.27), 200), _plain((0.82, 0.79, 0.7), 201)
    wall = _with_lower_part(
        _plain((0.98, 0.9, 0.6), 202), _tiled((0.97, 0.96, 0.9), (0.62, 0.6, 0.5), 203, 4), 0.5, (0.55, 0.42, 0.25)
    )
    return RoomPictures(wall, _chosen((_x // 32 + _y // 32) % 2 == 0, dark, light))


def _bare_boards() -> RoomPictures:
    stripes = _chosen((_x // 8) % 2 == 0, _plain((0.76, 0.7, 0.9), 210), _plain((0.68, 0.62, 0.84), 211))
    wall = _chosen(_y > SIZE * 0.9, _plain((0.93, 0.92, 0.95), 212), stripes)
    return RoomPictures(wall, _boards((0.72, 0.5, 0.3), 213, 4))


def _mosaic() -> RoomPictures:
    wall = _with_lower_part(
        _tiled((0.94, 0.98, 0.98), (0.7, 0.8, 0.82), 220, 4),
        _tiled((0.45, 0.76, 0.8), (0.8, 0.92, 0.93), 221, 4),
        0.45,
        (0.16, 0.42, 0.48),
    )
    return RoomPictures(wall, _tiled((0.3, 0.56, 0.6), (0.68, 0.8, 0.8), 222, 8))


def _parquet() -> RoomPictures:
    dots = np.hypot(_x % 16 - 7.5, _y % 16 - 7.5) < 3
    paper = _chosen(dots, _plain((0.96, 0.8, 0.62), 230), _plain((0.88, 0.64, 0.46), 231))
    wall = _chosen(_y > SIZE * 0.9, _plain((0.4, 0.25, 0.15), 232), paper)
    across = (_x // 16 + _y // 16) % 2 == 0
    line = np.where(across, _x % 4, _y % 4) == 0
    piece = np.random.default_rng(233).uniform(-1, 1, (4, 4))[_y // 16, _x // 16]
    floor = colored(
        np.where(line, 0.62, np.where(across, 1.0, 0.82) + 0.08 * piece + 0.05 * grain(234)), (0.5, 0.28, 0.16)
    )
    return RoomPictures(wall, floor)


def _green_carpet() -> RoomPictures:
    plank = np.random.default_rng(240).uniform(-1, 1, 8)[_x // 8]
    fibers = 0.1 * noise(241, 16)[:1, :] + 0.05 * grain(242)
    panels = colored(np.where(_x % 8 == 0, 0.5, 1 + 0.1 * plank + fibers), (0.58, 0.4, 0.26))
    weave = 0.1 * ((_x // 2 + _y // 2) % 2) + 0.1 * noise(243, 64)
    return RoomPictures(panels, colored(0.95 + weave, (0.22, 0.42, 0.27)))


def _concrete() -> RoomPictures:
    joints, block = blocks(250, 4, 2, 2, shift=True)
    wall = colored(np.where(joints, 0.72, 1 + 0.05 * block + 0.08 * grain(251)), (0.66, 0.67, 0.69))
    stain = np.clip(noise(252, 4) - 0.2, 0, 1)
    return RoomPictures(wall, colored(0.95 + 0.16 * grain(253) - 0.5 * stain, (0.46, 0.46, 0.48)))


def _red_rug() -> RoomPictures:
    wall = _with_lower_part(
        _plain((0.97, 0.93, 0.82), 260), _boards_upright((0.5, 0.27, 0.2), 261), 0.4, (0.34, 0.17, 0.12)
    )
    diamond = np.abs(_x - 31.5) + np.abs(_y - 31.5)
    ring = (diamond % 16) < 3
    floor = _chosen(ring, _plain((0.72, 0.55, 0.32), 262, 0.1), _plain((0.5, 0.17, 0.19), 263, 0.14))
    return RoomPictures(wall, floor)


def _boards_upright(color: _Color, seed: int) -> Picture:
    return np.ascontiguousarray(_boards(color, seed, 4).transpose(1, 0, 2))


def _blue_tiles() -> RoomPictures:
    wall = _with_lower_part(_plain((0.8, 0.93, 0.82), 270), _plain((0.56, 0.78, 0.62), 271), 0.4, (0.95, 0.97, 0.95))
    return RoomPictures(wall, _tiled((0.34, 0.4, 0.66), (0.62, 0.66, 0.8), 272, 4))


def _flagstones() -> RoomPictures:
    wall = _chosen(_y > SIZE * 0.9, _plain((0.6, 0.56, 0.5), 280), _plain((0.95, 0.94, 0.91), 281, 0.06))
    joints, slab = blocks(282, 2, 2, 2, shift=True)
    floor = colored(np.where(joints, 0.62, 1 + 0.08 * slab + 0.1 * grain(283)), (0.66, 0.62, 0.54))
    return RoomPictures(wall, floor)


ROOM_PICTURES: Final = {
    "checkered tiles": _checkered_tiles(),
    "boards": _bare_boards(),
    "mosaic": _mosaic(),
    "parquet": _parquet(),
    "green carpet": _green_carpet(),
    "concrete": _concrete(),
    "red rug": _red_rug(),
    "blue tiles": _blue_tiles(),
    "flagstones": _flagstones(),
}
