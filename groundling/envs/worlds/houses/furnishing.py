"""Furnishing one room: where things can stand so that every door, and a tile beside every thing, stays reachable.

Sets of tiles are integers, a bit a tile, so that a flood fill is a few shifts.
"""

from __future__ import annotations

from groundling.envs.worlds.houses.floor_plan import Floor
from groundling.envs.worlds.layout import Draws, Tile


class FloorSpace:
    """The free floor of a room that is being furnished.

    Args:
        floor: of the room.
        fronts: tiles before its doors, which stay free.

    Attributes:
        free: tiles on which nothing stands.
        reserved: free tiles that only wanted things may take.
    """

    def __init__(self, floor: Floor, fronts: list[Tile]) -> None:
        self.floor = floor
        self._stride = floor.width + 1  # a column that is never free keeps shifts within their row
        row = (1 << floor.width) - 1
        self.free = sum(row << y * self._stride for y in range(floor.height))
        self._whole = self.free
        self._edge = row | row << (floor.height - 1) * self._stride
        for y in range(floor.height):
            self._edge |= (1 | 1 << floor.width - 1) << y * self._stride
        self._kept = 0
        for tile in fronts:
            self._kept |= self.bit(tile)
        self._taken = 0
        self.reserved = 0

    def bit(self, tile: Tile) -> int:
        """The set of one tile of the map."""
        return 1 << (tile[1] - self.floor.top) * self._stride + tile[0] - self.floor.left

    def tile(self, bit: int) -> Tile:
        """The tile of the map of a set of one."""
        y, x = divmod(bit.bit_length() - 1, self._stride)
        return x + self.floor.left, y + self.floor.top

    def beside(self, tiles: int) -> int:
        """The tiles that share an edge with one of these."""
        return (tiles << 1 | tiles >> 1 | tiles << self._stride | tiles >> self._stride) & self._whole

    def reserve_beside(self, tile: Tile) -> None:
        """Keep what is not wanted from standing beside a tile."""
        self.reserved |= self.beside(self.bit(tile))

    def tiles(self) -> list[Tile]:
        """The free tiles."""
        return [self.tile(bit) for bit in _bits(self.free)]

    def take(self, draws: Draws, *, along_wall: bool = False, beside: int = 0, is_wanted: bool = False) -> Tile | None:
        """A random tile on which something can stand, which is then taken; None if there is none.

        Args:
            draws: random numbers.
            along_wall: of those along a wall.
            beside: of this set; 0 any.
            is_wanted: whether reserved tiles are open to it.
        """
        among = self.free & ~self._kept
        if along_wall:
            among &= self._edge
        if beside:
            among &= beside
        if not is_wanted:
            among &= ~self.reserved
        options = _bits(among)
        while options:
            bit = options.pop(draws.below(len(options)))
            if self._stays_open(bit):
                self.free ^= bit
                self._taken |= bit
                return self.tile(bit)
        return None

    def _stays_open(self, bit: int) -> bool:
        """Whether the free floor hangs together without a tile, and everything can be stood beside."""
        free = self.free ^ bit
        reached = self._kept if self._kept else free & -free
        reached &= -reached
        while True:
            wider = (reached | self.beside(reached)) & free
            if wider == reached:
                break
            reached = wider
        return bool(free) and reached == free and not (self._taken | bit) & ~self.beside(free)


def _bits(tiles: int) -> list[int]:
    found = []
    while tiles:
        lowest = tiles & -tiles
        found.append(lowest)
        tiles ^= lowest
    return found
