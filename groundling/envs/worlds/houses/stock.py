"""What houses are made of: kinds of rooms, and kinds of furniture and things with where they belong. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from groundling.language.descriptions import Color

CORRIDOR: Final = "corridor"
COLORS: Final[tuple[str, ...]] = tuple(
    map(
        str,
        (
            *(Color.RED, Color.GREEN, Color.BLUE, Color.PURPLE),
            *(Color.YELLOW, Color.GREY, Color.ORANGE, Color.WHITE),
        ),
    )
)


@dataclass(frozen=True)
class ThingKind:
    """A kind of furniture or thing.

    Attributes:
        stands: along a wall, anywhere on the floor, or on and in other things ("top"; on the floor where it must).
        is_surface: whether one thing can stand on it.
        is_container: whether it opens, and one thing can lie in it.
        beside: the kinds next to which it is put where there is one.
    """

    stands: Literal["wall", "free", "top"]
    is_surface: bool = False
    is_container: bool = False
    beside: tuple[str, ...] = ()

    @property
    def is_portable(self) -> bool:
        """Whether an agent can pick it up."""
        return self.stands == "top"


_WALL, _FREE, _SMALL = ThingKind("wall"), ThingKind("free"), ThingKind("top")
_SURFACE, _CONTAINER = ThingKind("wall", is_surface=True), ThingKind("wall", is_container=True)

THING_KINDS: Final[dict[str, ThingKind]] = {
    "fridge": _CONTAINER,
    "cabinet": _CONTAINER,
    "wardrobe": _CONTAINER,
    "chest": _CONTAINER,
    "sofa": _WALL,
    "armchair": _WALL,
    "bed": _SURFACE,
    "table": ThingKind("free", is_surface=True),
    "desk": _SURFACE,
    "shelf": _SURFACE,
    "chair": ThingKind("free", beside=("table", "desk")),
    "lamp": _WALL,
    "plant": _WALL,
    "tv": _WALL,
    "sink": _WALL,
    "stove": _WALL,
    "toilet": _WALL,
    "bathtub": _WALL,
    "washer": _SURFACE,
    "car": _FREE,
    "bicycle": _WALL,
    "cup": _SMALL,
    "book": _SMALL,
    "bottle": _SMALL,
    "plate": _SMALL,
    "vase": _SMALL,
    "clock": _SMALL,
    "laptop": _SMALL,
    "toy": _SMALL,
    "towel": _SMALL,
    "ball": _SMALL,
}
SMALL_KINDS: Final = tuple(kind for kind, own in THING_KINDS.items() if own.stands == "top")


@dataclass(frozen=True)
class RoomKind:
    """A kind of room.

    Attributes:
        weight: how often it is drawn, beside the others.
        most: of one house, unless a wish asks for more.
        space: how much room it takes, beside the others.
        always: furniture that each of them has.
        often: more furniture, each with its chance.
        things: small ones that stand on its surfaces and lie in its containers.
    """

    weight: float
    most: int
    space: float
    always: tuple[str, ...]
    often: tuple[tuple[str, float], ...]
    things: tuple[str, ...]

    @property
    def furniture(self) -> tuple[str, ...]:
        """The kinds that stand on its floor."""
        return tuple(dict.fromkeys((*self.always, *(kind for kind, _ in self.often))))

    @property
    def belongings(self) -> tuple[str, ...]:
        """The kinds that belong in it, on the floor or not."""
        return (*self.furniture, *self.things)


ROOM_KINDS: Final[dict[str, RoomKind]] = {
    "kitchen": RoomKind(
        3.0,
        1,
        1.1,
        ("fridge", "sink", "stove"),
        (("table", 0.8), ("chair", 0.7), ("chair", 0.4), ("cabinet", 0.6), ("shelf", 0.2), ("plant", 0.15)),
        ("cup", "plate", "bottle", "vase"),
    ),
    "bedroom": RoomKind(
        4.0,
        3,
        1.1,
        ("bed",),
        (("wardrobe", 0.8), ("lamp", 0.5), ("desk", 0.3), ("chair", 0.3), ("shelf", 0.2), ("plant", 0.2), ("tv", 0.15)),
        ("book", "clock", "toy", "cup", "laptop", "ball"),
    ),
    "bathroom": RoomKind(
        3.0,
        2,
        0.6,
        ("toilet", "sink"),
        (("bathtub", 0.8), ("cabinet", 0.4), ("washer", 0.25), ("plant", 0.1)),
        ("towel", "bottle", "cup"),
    ),
    "living room": RoomKind(
        3.0,
        2,
        1.6,
        ("sofa",),
        (
            *(("tv", 0.8), ("table", 0.7), ("armchair", 0.6), ("lamp", 0.6), ("plant", 0.6), ("shelf", 0.5)),
            *(("chest", 0.2), ("chair", 0.2), ("cabinet", 0.2)),
        ),
        ("book", "cup", "vase", "clock", "laptop", "ball"),
    ),
    "study": RoomKind(
        2.0,
        2,
        0.9,
        ("desk",),
        (
            *(("chair", 0.8), ("shelf", 0.7), ("shelf", 0.4), ("lamp", 0.5), ("plant", 0.3), ("armchair", 0.2)),
            ("cabinet", 0.2),
        ),
        ("book", "laptop", "cup", "clock"),
    ),
    "garage": RoomKind(
        1.5,
        1,
        1.3,
        ("car",),
        (("bicycle", 0.7), ("shelf", 0.6), ("cabinet", 0.4), ("chest", 0.4), ("washer", 0.1)),
        ("ball", "bottle", "toy"),
    ),
    "dining room": RoomKind(
        1.5,
        1,
        1.2,
        ("table",),
        (("chair", 0.9), ("chair", 0.8), ("chair", 0.6), ("cabinet", 0.5), ("plant", 0.4), ("lamp", 0.3)),
        ("plate", "cup", "vase", "bottle"),
    ),
    "laundry": RoomKind(
        1.0,
        1,
        0.6,
        ("washer",),
        (("sink", 0.6), ("shelf", 0.5), ("cabinet", 0.4), ("chest", 0.3)),
        ("towel", "bottle"),
    ),
}

ROOM_FLOORS: Final[dict[str, str]] = {  # what the floor of each kind is made of, see ``engine.floors``
    "kitchen": "checkered tiles",
    "bedroom": "boards",
    "bathroom": "mosaic",
    "living room": "parquet",
    "study": "green carpet",
    "garage": "concrete",
    "dining room": "red rug",
    "laundry": "blue tiles",
    CORRIDOR: "flagstones",
}


def rooms_of(kind: str) -> tuple[str, ...]:
    """The kinds of rooms in which a kind of thing belongs."""
    return tuple(name for name, room in ROOM_KINDS.items() if kind in room.belongings)
