"""What agents have seen since their episodes began: the tiles in view of the grid's body, or of a rover's camera."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine import rover, views
from groundling.envs.engine.batch import Batch
from groundling.envs.engine.compiling import compiler, inner_kernel
from groundling.envs.engine.constants import OPAQUE_BIT, VIEW_SIZE
from groundling.envs.engine.dynamics import stride_of
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.state import Worlds
from groundling.envs.engine.views import LIT_AT_FIRST, MIDDLE, sight_of_row
from groundling.envs.families.questions import notes
from groundling.envs.families.questions.notes import note_known
from groundling.envs.saved_states import check_arrays

NEVER: Final = -1
RANGE_TILES: Final = 6  # how far away a rover's camera shows what a thing is; the grid's body sees as far
GRID_SIGHT: Final = 0.0  # half the angle of view of a body that sees tiles

SOURCES = (__file__, rover.__file__, views.__file__, *notes.SOURCES)
kernel = compiler(*SOURCES)


@inner_kernel
def look_from_tile(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    position: int,
    direction: int,
    wanted: NDArray[np.bool_],
    marks: bool,
) -> bool:
    """Whether any wanted tile [cells] is in the grid's view from a pose; or mark all tiles in view in ``wanted``."""
    ahead, right = stride_of(direction, width), stride_of((direction + 1) & 3, width)
    row = position - MIDDLE * right
    lit = LIT_AT_FIRST
    for _ in range(VIEW_SIZE):
        in_view = sight_of_row(cells, looks, row, right, lit)
        for i in range(VIEW_SIZE):
            if in_view >> i & 1:
                place = row + i * right
                if marks:
                    wanted[place] = True
                elif wanted[place]:
                    return True
        lit = in_view >> VIEW_SIZE
        if lit == 0:
            break
        row += ahead
    return False


@inner_kernel
def is_in_sight(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    x: float,
    y: float,
    heading: float,
    half_angle: float,
    place: int,
) -> bool:
    """Whether a camera at (x, y) shows the middle of a tile: within its angle, and nothing opaque is between."""
    to_x, to_y = place % width + 0.5 - x, place // width + 0.5 - y
    distance = math.sqrt(to_x * to_x + to_y * to_y)
    if distance < 0.5:
        return True
    if distance > RANGE_TILES or to_x * math.cos(heading) + to_y * math.sin(heading) < distance * math.cos(half_angle):
        return False
    steps = int(distance * 8)
    for i in range(1, steps):
        column, line = math.floor(x + to_x * i / steps), math.floor(y + to_y * i / steps)
        at = line * width + column
        if at != place and (looks[cells[at]] >> OPAQUE_BIT) & 1:
            return False
    return True


@inner_kernel
def look_from_point(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    x: float,
    y: float,
    heading: float,
    half_angle: float,
    wanted: NDArray[np.bool_],
    marks: bool,
) -> bool:
    """As :func:`look_from_tile`, of a camera."""
    height = cells.shape[0] // width
    for line in range(max(0, int(y) - RANGE_TILES), min(height, int(y) + RANGE_TILES + 1)):
        for column in range(max(0, int(x) - RANGE_TILES), min(width, int(x) + RANGE_TILES + 1)):
            place = line * width + column
            if (marks or wanted[place]) and is_in_sight(cells, looks, width, x, y, heading, half_angle, place):
                if not marks:
                    return True
                wanted[place] = True
    return False


@inner_kernel
def sees_from(
    cells: NDArray[np.uint8],
    looks: NDArray[np.int32],
    width: int,
    position: int,
    direction: int,
    half_angle: float,
    wanted: NDArray[np.bool_],
) -> bool:
    """Whether a body in the middle of a tile, looking along the grid, sees any wanted tile."""
    if half_angle == GRID_SIGHT:
        return look_from_tile(cells, looks, width, position, direction, wanted, False)
    x, y = position % width + 0.5, position // width + 0.5
    return look_from_point(cells, looks, width, x, y, direction * (math.pi / 2), half_angle, wanted, False)


@kernel
def note_seen(
    w: Worlds,
    width: int,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    heading: NDArray[np.float64],
    half_angle: float,
    seen: NDArray[np.bool_],
    episodes: NDArray[np.int64],
) -> None:
    """Mark what B agents see now in ``seen`` [B, cells], which is forgotten where another episode began."""
    for b in range(episodes.shape[0]):
        if episodes[b] != w.episode_number[b]:
            episodes[b] = w.episode_number[b]
            seen[b, :] = False
        if half_angle == GRID_SIGHT:
            look_from_tile(w.cells[b], w.looks[b], width, int(w.position[b]), w.direction[b], seen[b], True)
        else:
            look_from_point(w.cells[b], w.looks[b], width, x[b], y[b], heading[b], half_angle, seen[b], True)


def half_angle_of(worlds: Batch[Any]) -> float:
    """Half the horizontal angle of view of the bodies of a batch, radians; ``GRID_SIGHT`` of those that see tiles."""
    return math.radians(worlds.camera.fov_degrees) / 2 if isinstance(worlds, RoverBatch) else GRID_SIGHT


class Sighting:
    """Keeps what B agents have seen; to be told of every step.

    Args:
        worlds: the environments; they are read, never changed.

    Attributes:
        seen: [B, cells] bool.
        known: [B] bool: whether enough has been seen to answer.
    """

    def __init__(self, worlds: Batch[Any]) -> None:
        self.worlds = worlds
        batch, cells = worlds.state.cells.shape
        self.seen = np.zeros((batch, cells), dtype=np.bool_)
        self.known = np.zeros(batch, dtype=np.bool_)
        self.half_angle = half_angle_of(worlds)
        self._episodes = np.full(batch, NEVER, dtype=np.int64)
        self._scratch = np.zeros((2, cells), dtype=np.bool_)

    def look(self) -> None:
        """Add what is in view now."""
        state, width = self.worlds.state, self.worlds.width
        x, y, heading = self.worlds.places()
        note_seen(state, width, x, y, heading, self.half_angle, self.seen, self._episodes)
        note_known(state, width, self.seen, self._scratch[0], self._scratch[1], self.known)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of what has been seen."""
        return {"seen": self.seen.copy(), "episodes": self._episodes.copy()}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`.

        Raises:
            ConfigurationError: if it is another's.
        """
        check_arrays(saved, {"seen": self.seen, "episodes": self._episodes})
        self.seen[...] = saved["seen"]
        self._episodes[...] = saved["episodes"]
