"""The names in the world: monsters, teams, elements, modifiers and items, and the token ids that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FLOOR, WALL, SELF = "floor", "wall", "you"
ELEMENTS: Final = ("cold", "fire", "lightning", "poison")
MODIFIERS: Final = (
    *("grandmasters", "blessed", "shimmering", "gleaming"),  # those of the simple variants
    *("fanatical", "mysterious", "soldiers", "arcane"),
)
KINDS: Final = ("wolf", "jaguar", "panther", "goblin", "bat", "imp", "shaman", "ghost", "zombie")
ITEMS: Final = ("sword", "axe", "morningstar", "polearm", "knife", "katana", "cutlass", "spear")
TEAMS: Final = ("star alliance", "order of the forest", "rebel enclave")

# In the vocabulary these come first, so that a symbol of the grid is the token id of its word.
NAMES: Final = (FLOOR, WALL, SELF, *ELEMENTS, *MODIFIERS, *KINDS, *ITEMS)
RESERVED: Final = 2  # padding and the unknown word
NUM_SYMBOLS: Final = RESERVED + len(NAMES)
FIRST_ELEMENT: Final = RESERVED + NAMES.index(ELEMENTS[0])
FIRST_MODIFIER: Final = RESERVED + NAMES.index(MODIFIERS[0])
FIRST_KIND: Final = RESERVED + NAMES.index(KINDS[0])
FIRST_ITEM: Final = RESERVED + NAMES.index(ITEMS[0])
FLOOR_ID, WALL_ID, SELF_ID = (RESERVED + NAMES.index(name) for name in (FLOOR, WALL, SELF))

ACTIONS: Final = ("stay", "up", "down", "left", "right")
MAX_SIZE: Final = 10  # tiles across of the largest room, its walls included
MAX_STEPS: Final = 100  # of an episode; the expert takes 10 to 25


@dataclass(frozen=True)
class Variant:
    """One of the published variants.

    Attributes:
        groups: 9 kinds of monsters in teams of three and 8 modifiers, two for each element; else 3 and 4.
        moving: monsters move.
        natural: the manual's sentences are worded in many ways and come in any order.
        size: tiles across, walls included: 6 or 10.
    """

    groups: bool
    moving: bool
    natural: bool
    size: int

    @property
    def id(self) -> str:
        """The id of its environment."""
        parts = ["Groups" if self.groups else "Simple"]
        parts += ["Moving"] * self.moving + ["NL"] * self.natural + [f"{self.size}x{self.size}"]
        return f"groundling/RTFM-{'-'.join(parts)}-v0"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of monsters in it."""
        return KINDS if self.groups else KINDS[:3]

    @property
    def modifiers(self) -> tuple[str, ...]:
        """The modifiers of items in it."""
        return MODIFIERS if self.groups else MODIFIERS[:4]


SIZES: Final = (6, 10)
VARIANTS: Final = {
    variant.id: variant
    for groups in (False, True)
    for moving in (False, True)
    for natural in (False, True)
    for variant in (Variant(groups, moving, natural, size) for size in SIZES)
}
