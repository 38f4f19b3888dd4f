"""Value maps: what each tile is worth and where to go from it, for each order of things that an optimal way meets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import BORDER, FIRST_OBJECT, WALL_CODE, Action
from groundling.exact.mdp import SUCCESS, Mdp

ARROWS: Final = "→↓←↑"  # by direction
LETTERS: Final = {Action.PICKUP: "P", Action.DROP: "D", Action.TOGGLE: "T", Action.DONE: "!"}
WALL, NOWHERE = "█", " "


@dataclass(frozen=True)
class ValueMap:
    """The values of all places of the agent while the things stand as they do in one part of the way.

    Attributes:
        value: [H, W] float64, of the best direction to face; NaN where the agent cannot be.
        direction: [H, W] int64, that direction; -1 where the agent cannot be.
        action: [H, W] int64, the best action there; -1 where the agent cannot be.
        way: the states that the optimal way goes through here.
        places: their x, y and direction.
        actions: the actions that are taken in them.
        reaches: whether the last of them reaches the goal.
        codes: [H, W] uint8, what stands on the tiles.
    """

    value: NDArray[np.float64]
    direction: NDArray[np.int64]
    action: NDArray[np.int64]
    way: tuple[int, ...]
    places: tuple[tuple[int, int, int], ...]
    actions: tuple[int, ...]
    reaches: bool
    codes: NDArray[np.uint8]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the tiles where the agent can be, and those around them."""
        rows, columns = np.nonzero(self.direction >= 0)
        return int(columns.min()) - 1, int(rows.min()) - 1, int(columns.max()) + 2, int(rows.max()) + 2

    def text(self) -> str:
        """Two characters a tile: an arrow where the best action is to go ahead, the letter of another action, a small
        dot where a thing stands, and a star behind the tiles of the way.
        """
        on_way = {(x, y) for x, y, _ in self.places}
        left, top, right, bottom = self.box
        lines = []
        for y in range(top, bottom):
            cells = [self._sign(x, y) + ("*" if (x, y) in on_way else " ") for x in range(left, right)]
            lines.append("".join(cells).rstrip())
        return "\n".join(lines)

    def _sign(self, x: int, y: int) -> str:
        direction, action = int(self.direction[y, x]), int(self.action[y, x])
        if direction < 0:
            code = int(self.codes[y, x])
            return WALL if code == WALL_CODE else "·" if code >= FIRST_OBJECT else NOWHERE
        return LETTERS.get(Action(action), ARROWS[direction]) if action < len(Action) else "?"


def value_maps(mdp: Mdp, value: NDArray[np.float64], actions: NDArray[np.int64], episode: int = 0) -> list[ValueMap]:
    """A map for each order of things on the way of a policy through an episode, in the order of the way.

    Args:
        mdp: S states.
        value: [S].
        actions: [S] of the policy.
        episode: which one of the process.
    """
    layout, packed, bank = mdp.layouts[episode], mdp.packed[episode], mdp.banks[episode]
    start = int(mdp.starts[episode])
    _, height, inner = bank.cells.shape
    width = inner + 2 * BORDER
    place = packed[:, layout.pose].astype(np.int64) | packed[:, layout.pose + 1].astype(np.int64) << 8
    y, x = np.divmod(place, width)
    x, y, direction = x - BORDER, y - BORDER, packed[:, layout.pose + 2].astype(np.int64)
    things = np.delete(packed, np.s_[layout.pose : layout.pose + 3], axis=1)
    maps: list[ValueMap] = []
    path = mdp.path(start, actions, int(mdp.max_steps[episode]))
    for part in _parts([things[state - start].tobytes() for state in path]):
        way = [path[i] for i in part]
        own = np.flatnonzero((things == things[way[0] - start]).all(axis=1))
        worth = np.full((height, inner, 4), -np.inf)
        best = np.full((height, inner, 4), -1, dtype=np.int64)
        worth[y[own], x[own], direction[own]] = value[own + start]
        best[y[own], x[own], direction[own]] = actions[own + start]
        ahead = np.where(best == Action.FORWARD, 1e-9, 0.0)  # of directions that are worth as much, the one to walk in
        facing = (worth + ahead).argmax(axis=2)
        is_there = np.isfinite(worth).any(axis=2)
        rows, columns = np.indices((height, inner))
        codes = _codes(layout.tiles, packed[way[0] - start], width, height)
        maps.append(
            ValueMap(
                value=np.where(is_there, worth.max(axis=2), np.nan),
                direction=np.where(is_there, facing, -1),
                action=np.where(is_there, best[rows, columns, facing], -1),
                way=tuple(way),
                places=tuple((int(x[s - start]), int(y[s - start]), int(direction[s - start])) for s in way),
                actions=tuple(int(actions[s]) for s in way),
                reaches=bool(mdp.following[way[-1], actions[way[-1]]] == SUCCESS),
                codes=codes,
            )
        )
    return maps


def _parts(keys: list[bytes]) -> list[list[int]]:
    """The numbers of equal keys that stand next to each other."""
    parts: list[list[int]] = []
    for number, key in enumerate(keys):
        if parts and keys[parts[-1][-1]] == key:
            parts[-1].append(number)
        else:
            parts.append([number])
    return parts


def _codes(tiles: NDArray[np.int64], packed: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """What stands on each tile [H, W] in a packed state."""
    whole = np.full((height + 2 * BORDER) * width, WALL_CODE, dtype=np.uint8)
    whole[tiles] = packed[: len(tiles)]
    return whole.reshape(-1, width)[BORDER:-BORDER, BORDER:-BORDER]
