"""A room from above, for people: entities are discs with their names where they are, to half a cell."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.drawing import FLOOR_RGB, SELF_RGB, TILE, write_word
from groundling.envs.families.manuals.messenger.names import CARRIED, ENTITIES, SELF, SIZE
from groundling.envs.families.manuals.messenger.state import AGENT, ENEMY, GONE, NUM_THINGS, Worlds

LINE_RGB: Final = (84, 84, 90)
# A color for each kind of entity, around the wheel of hues: what an entity is here is told by the manual only.
KIND_RGB: Final = tuple(
    tuple(map(int, cv2.cvtColor(np.array([[[15 * kind, 130, 215]]], dtype=np.uint8), cv2.COLOR_HSV2RGB)[0, 0]))
    for kind in range(len(ENTITIES))
)


def draw(worlds: Worlds, row: int) -> NDArray[np.uint8]:
    """A picture [640, 640, 3] uint8 of the room of an environment."""
    picture = np.empty((SIZE * TILE, SIZE * TILE, 3), dtype=np.uint8)
    picture[:] = FLOOR_RGB
    picture[::TILE] = LINE_RGB
    picture[:, ::TILE] = LINE_RGB
    x, y = (int(places[row, AGENT]) * TILE // 2 for places in (worlds.x, worlds.y))
    tile = picture[y : y + TILE, x : x + TILE]
    cv2.circle(tile, (TILE // 2, TILE // 2), TILE // 3, SELF_RGB, -1, cv2.LINE_AA)
    write_word(tile, SELF, TILE // 2 + 4 - 7 * bool(worlds.has_message[row]))
    if worlds.has_message[row]:
        write_word(tile, CARRIED, TILE // 2 + 11)
    for thing in range(ENEMY, NUM_THINGS):
        if worlds.x[row, thing] != GONE:
            _draw_entity(picture, worlds, row, thing)
    return picture


def _draw_entity(picture: NDArray[np.uint8], worlds: Worlds, row: int, thing: int) -> None:
    x, y = (int(places[row, thing]) * TILE // 2 for places in (worlds.x, worlds.y))
    kind = int(worlds.entity[row, thing])
    tile = picture[y : y + TILE, x : x + TILE]
    cv2.circle(tile, (TILE // 2, TILE // 2), TILE // 2 - 4, KIND_RGB[kind], -1, cv2.LINE_AA)
    write_word(tile, ENTITIES[kind], TILE // 2 + 4)
