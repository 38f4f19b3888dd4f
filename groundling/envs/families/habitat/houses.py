"""Houses as plain data: what an exported scene shows, with the codes that our engine knows its things by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import CLOSED, FIRST_OBJECT, LOCKED, OPEN
from groundling.errors import HabitatFileError

FORMAT: Final = "groundling habitat house"
VERSION: Final = 1
OPENING_NAMES: Final = {OPEN: "open", CLOSED: "closed", LOCKED: "locked"}


@dataclass(frozen=True)
class HouseThing:
    """A thing or door of a house.

    Attributes:
        code: its cell code, which is its semantic id.
        kind: "sofa", "door" ...
        color: of it.
        state: "open", "closed", "locked" of doors and containers; "plain", "tiny", "small", "big", "huge" of others.
        look: type, color and state codes of the engine.
        x: metres on the map, of where it stands.
        y: likewise.
        height: metres above the floor of where it stands.
        back: to which side of the map it has its back: 0 right, 1 down, 2 left, 3 up.
        tile: column and row; None of what is in nobody's sight.
        on: code of what it stands on or lies in; None on the floor.
        is_inside: whether it lies in that instead of standing on it.
        is_hidden: whether it is carried, or in what is closed or not opened yet: it is then in no scene.
        is_portable: whether an agent can pick it up.
        is_walkable: whether agents walk over it or through it, as an open door.
        holds: "on", "inside", or "" of what holds nothing.
    """

    code: int
    kind: str
    color: str
    state: str
    look: tuple[int, int, int]
    x: float
    y: float
    height: float
    back: int
    tile: tuple[int, int] | None
    on: int | None
    is_inside: bool
    is_hidden: bool
    is_portable: bool
    is_walkable: bool
    holds: str


@dataclass(frozen=True)
class HouseRoom:
    """A room: its kind ("kitchen", or "room" where nothing is known of it) and the rectangle that holds its floor."""

    kind: str
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class House:
    """A house, and how the episode in it begins.

    Attributes:
        name: of the scene.
        cells: [H, W] cell codes.
        floors: [H, W] floor codes.
        room_of: [H, W] row of ``rooms`` of each tile; -1 of walls and doorways.
        rooms: its rooms.
        things: doors and things.
        start: tile x, y and direction of the agent.
        instruction: what the agent is told.
        seed: of the episode.
        stage: the name of the scene whose floor, ceiling and walls it has.
    """

    name: str
    cells: NDArray[np.uint8]
    floors: NDArray[np.uint8]
    room_of: NDArray[np.int64]
    rooms: tuple[HouseRoom, ...]
    things: tuple[HouseThing, ...]
    start: tuple[int, int, int]
    instruction: str
    seed: int
    stage: str = ""

    def shown(self) -> tuple[HouseThing, ...]:
        """The things that are in the scene."""
        return tuple(thing for thing in self.things if not thing.is_hidden)

    def thing(self, code: int) -> HouseThing:
        """The thing of a cell code."""
        return self.things[code - FIRST_OBJECT]

    def room_at(self, x: float, y: float) -> int | None:
        """The row of the room at a point of the map; None in walls and doorways."""
        row, column = int(np.floor(y)), int(np.floor(x))
        height, width = self.room_of.shape
        found = int(self.room_of[row, column]) if 0 <= row < height and 0 <= column < width else -1
        return None if found < 0 else found

    def opened(self, name: str) -> House:
        """The same house with all doors open, as another scene."""
        things = tuple(
            replace(thing, state=OPENING_NAMES[OPEN], look=(*thing.look[:2], OPEN), is_walkable=True)
            if thing.kind == "door"
            else thing
            for thing in self.things
        )
        return replace(self, name=name, things=things)

    def emptied(self, name: str) -> House:
        """The same house without what can be carried, as another scene."""
        things = tuple(replace(thing, is_hidden=thing.is_hidden or thing.is_portable) for thing in self.things)
        return replace(self, name=name, things=things)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        arrays = {name: getattr(self, name).tolist() for name in ("cells", "floors", "room_of")}
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            **arrays,
            "rooms": [asdict(room) for room in self.rooms],
            "things": [asdict(thing) for thing in self.things],
            "start": list(self.start),
            "instruction": self.instruction,
            "seed": self.seed,
            "stage": self.stage,
        }

    @classmethod
    def from_dict(cls, values: Any, where: str = "the house") -> House:
        """Read :meth:`to_dict` back.

        Raises:
            HabitatFileError: if it is something else, of another version, or keys are missing.
        """
        if not isinstance(values, Mapping) or values.get("format") != FORMAT:
            raise HabitatFileError(f'{where} is no house of an export: its "format" is not {FORMAT!r}')
        if values.get("version") != VERSION:
            raise HabitatFileError(
                f"{where} is of version {values.get('version')!r}, this program reads version {VERSION}: export again"
            )
        try:
            return cls(
                name=values["name"],
                cells=np.array(values["cells"], dtype=np.uint8),
                floors=np.array(values["floors"], dtype=np.uint8),
                room_of=np.array(values["room_of"], dtype=np.int64),
                rooms=tuple(HouseRoom(**one) for one in values["rooms"]),
                things=tuple(_thing(one) for one in values["things"]),
                start=tuple(values["start"]),
                instruction=values["instruction"],
                seed=values["seed"],
                stage=values["stage"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HabitatFileError(f"{where} is not whole: {error!r} is missing or wrong; export again") from error


def _thing(values: Mapping[str, Any]) -> HouseThing:
    tile = values["tile"]
    return HouseThing(**{**values, "look": tuple(values["look"]), "tile": None if tile is None else tuple(tile)})


def to_json(house: House) -> str:
    """A house as JSON."""
    return json.dumps(house.to_dict(), separators=(",", ":"))


def read_house(path: Path) -> House:
    """Read a house.

    Raises:
        HabitatFileError: if there is none, or it is not whole.
    """
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise HabitatFileError(f"there is no house at {path}: export again") from None
    except (OSError, ValueError) as error:
        raise HabitatFileError(f"{path} is no whole house ({error}): export again") from error
    return House.from_dict(values, str(path))
