"""An episode of the grounded rooms as a map of Doom: UDMF text, written to a WAD with omgifol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundling.envs.families.chaplot.episodes import ChaplotEpisode
from groundling.envs.families.chaplot.rules import GROUNDED_RULES as RULES
from groundling.language.goals import Color
from groundling.language.grounded import OBJECTS, GroundedObject, GroundedType, Height

UNITS_PER_M = 32  # so that the paper's room of 384 units is one of 12 m
MAP_NAME = "MAP01"
THIN = "Thin"  # how the names of thin items begin

_PLAYER_START = 1
_WALL_TEXTURE = "BRICK7"
_FLOOR_TEXTURE = "FLOOR0_1"
_CEILING_TEXTURE = "CEIL1_1"
_LIGHT = 255
_THIN_RADIUS = 4
# A map thing appears only under the skills and modes that it names.
_ALWAYS = "".join(f"skill{level}=true;" for level in range(1, 6)) + "single=true;dm=true;coop=true;"


@dataclass(frozen=True, slots=True)
class DoomActor:
    """A class of the engine's actors.

    Attributes:
        name: of the class.
        number: by which a map asks for it.
    """

    name: str
    number: int


def _torch(color: Color, height: Height) -> GroundedObject:
    return GroundedObject(GroundedType.TORCH, color, height)


def _pillar(color: Color, height: Height) -> GroundedObject:
    return GroundedObject(GroundedType.PILLAR, color, height)


ACTORS: dict[GroundedObject, DoomActor] = {
    _torch(Color.BLUE, Height.TALL): DoomActor("BlueTorch", 44),
    _torch(Color.GREEN, Height.TALL): DoomActor("GreenTorch", 45),
    _torch(Color.RED, Height.TALL): DoomActor("RedTorch", 46),
    _torch(Color.BLUE, Height.SHORT): DoomActor("ShortBlueTorch", 55),
    _torch(Color.GREEN, Height.SHORT): DoomActor("ShortGreenTorch", 56),
    _torch(Color.RED, Height.SHORT): DoomActor("ShortRedTorch", 57),
    _pillar(Color.GREEN, Height.TALL): DoomActor("TallGreenColumn", 30),
    _pillar(Color.GREEN, Height.SHORT): DoomActor("ShortGreenColumn", 31),
    _pillar(Color.RED, Height.TALL): DoomActor("TallRedColumn", 32),
    _pillar(Color.RED, Height.SHORT): DoomActor("ShortRedColumn", 33),
    GroundedObject(GroundedType.KEYCARD, Color.BLUE): DoomActor("BlueCard", 5),
    GroundedObject(GroundedType.KEYCARD, Color.YELLOW): DoomActor("YellowCard", 6),
    GroundedObject(GroundedType.KEYCARD, Color.RED): DoomActor("RedCard", 13),
    GroundedObject(GroundedType.SKULLKEY, Color.RED): DoomActor("RedSkull", 38),
    GroundedObject(GroundedType.SKULLKEY, Color.YELLOW): DoomActor("YellowSkull", 39),
    GroundedObject(GroundedType.SKULLKEY, Color.BLUE): DoomActor("BlueSkull", 40),
    GroundedObject(GroundedType.ARMOR, Color.GREEN): DoomActor("GreenArmor", 2018),
    GroundedObject(GroundedType.ARMOR, Color.RED): DoomActor("BlueArmor", 2019),  # drawn red
}


@dataclass(frozen=True, slots=True)
class PlacedActor:
    """An actor at a place in Doom's units; x grows to the east and y to the north."""

    actor: DoomActor
    x: float
    y: float


def position_of(tile: tuple[int, int]) -> tuple[float, float]:
    """The center of a tile, in Doom's units: the room's interior begins at (0, 0), and rows count from the north."""
    column, row = tile
    return (column - 0.5) * UNITS_PER_M, (RULES.room_tiles - row + 0.5) * UNITS_PER_M


def actors_of(episode: ChaplotEpisode) -> tuple[PlacedActor, ...]:
    """The five objects of an episode as actors."""
    return tuple(
        PlacedActor(ACTORS[OBJECTS[index]], *position_of(tile))
        for index, tile in zip(episode.objects, episode.tiles, strict=True)
    )


def map_of(episode: ChaplotEpisode) -> str:
    """The map of an episode as UDMF text; the engine's angles grow counter-clockwise from the east."""
    return room_map(actors_of(episode), position_of(episode.start), angle_deg=-90 * episode.heading % 360)


def room_map(actors: Sequence[PlacedActor], start: tuple[float, float], *, angle_deg: int) -> str:
    """A square room as UDMF text.

    Args:
        actors: what stands in it.
        start: of the player, in Doom's units.
        angle_deg: of the player, counter-clockwise from the east.
    """
    return "\n".join(_blocks(actors, start, angle_deg))


def _blocks(actors: Sequence[PlacedActor], start: tuple[float, float], angle_deg: int) -> Iterator[str]:
    side = RULES.room_tiles * UNITS_PER_M
    yield 'namespace = "zdoom";'
    for x, y in ((0, 0), (0, side), (side, side), (side, 0)):  # clockwise, so that the walls face inwards
        yield f"vertex {{ x = {x:.1f}; y = {y:.1f}; }}"
    for corner in range(4):
        yield f"linedef {{ v1 = {corner}; v2 = {(corner + 1) % 4}; sidefront = {corner}; blocking = true; }}"
        yield f'sidedef {{ sector = 0; texturemiddle = "{_WALL_TEXTURE}"; }}'
    yield (
        f'sector {{ texturefloor = "{_FLOOR_TEXTURE}"; textureceiling = "{_CEILING_TEXTURE}"; heightfloor = 0; '
        f"heightceiling = {round(RULES.wall_height_m * UNITS_PER_M)}; lightlevel = {_LIGHT}; }}"
    )
    yield _thing(_PLAYER_START, *start, angle_deg)
    for placed in actors:
        yield _thing(placed.actor.number, placed.x, placed.y, 0)


def _thing(number: int, x: float, y: float, angle_deg: int) -> str:
    return f"thing {{ type = {number}; x = {x:.1f}; y = {y:.1f}; angle = {angle_deg}; {_ALWAYS} }}"


def thin_items() -> str:
    """Actor definitions (a DECORATE lump) under which keys and armors look the same but are thin.

    Doom lets the player pick up an item when their boxes overlap, which at a corner is 51 units away: it would be gone
    before it is reached. Thin, it is reached first, and one rule of distance holds for all 18 objects.
    """
    names = [actor.name for thing, actor in ACTORS.items() if thing.height is None]
    return "\n".join(f"actor {THIN}{name} : {name} replaces {name} {{ Radius {_THIN_RADIUS} }}" for name in names)


def write_wad(path: Path, textmap: str, definitions: str = "") -> None:
    """Write a WAD that holds one map, called :data:`MAP_NAME`, and definitions of actors.

    Raises:
        OSError: if the file cannot be written.
    """
    from omg.lump import Lump
    from omg.wad import WAD, NameGroup

    group = NameGroup()
    for name, data in (("_HEADER_", b""), ("TEXTMAP", textmap.encode("ascii")), ("ENDMAP", b"")):
        group[name] = Lump(data)
    wad = WAD()
    wad.udmfmaps[MAP_NAME] = group
    if definitions:
        wad.data["DECORATE"] = Lump(definitions.encode("ascii"))
    wad.to_file(str(path))
