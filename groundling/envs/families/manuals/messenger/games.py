"""The games, and which of them are kept from training: which entity is enemy, message and goal.

Each entity plays two of the three roles in training; its third one is met only in games that are kept from it. All
games stand in one total order: those of training whose entities are combined in many ways, those of training whose
entities are always together, those for choosing among agents, those for tests. Source: Hanjie et al. 2021, the split
that its code brings.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.compiling import inlined_kernel
from groundling.envs.families.manuals.messenger.names import ENTITIES, ROLES
from groundling.errors import SplitError

Game = tuple[str, str, str]  # enemy, message, goal

ENEMY_OR_GOAL: Final = ("robot", "queen", "dog", "sword")
MESSAGE_OR_GOAL: Final = ("airplane", "scientist", "bird", "mage")
ENEMY_OR_MESSAGE: Final = ("ship", "thief", "fish", "ball")
TRAINED_ROLES: Final = {
    **dict.fromkeys(ENEMY_OR_GOAL, ("enemy", "goal")),
    **dict.fromkeys(MESSAGE_OR_GOAL, ("message", "goal")),
    **dict.fromkeys(ENEMY_OR_MESSAGE, ("enemy", "message")),
}
COMBINED: Final = (  # the entities that training combines, by role
    ("robot", "ship", "queen", "thief"),
    ("airplane", "ship", "scientist", "thief"),
    ("airplane", "robot", "scientist", "queen"),
)
TOGETHER: Final[tuple[Game, ...]] = (  # of these an entity is never without the two others
    ("dog", "fish", "bird"),
    ("fish", "bird", "dog"),
    ("sword", "ball", "mage"),
    ("ball", "mage", "sword"),
)


def _is_for_choosing(enemy: str, message: str, goal: str) -> bool:
    """Whether a game of held-out roles is of the half for choosing; either half has each entity in eight games."""
    halves = enemy in ("airplane", "scientist"), message in ("robot", "dog"), goal in ("thief", "ball")
    return halves[0] == (halves[1] == halves[2])


_HELD_OUT: Final[tuple[Game, ...]] = tuple(product(MESSAGE_OR_GOAL, ENEMY_OR_GOAL, ENEMY_OR_MESSAGE))
_PARTS: Final[dict[str, tuple[Game, ...]]] = {
    "combined": tuple(game for game in product(*COMBINED) if len(set(game)) == len(game)),
    "together": TOGETHER,
    "val": tuple(game for game in _HELD_OUT if _is_for_choosing(*game)),
    "test": tuple(game for game in _HELD_OUT if not _is_for_choosing(*game)),
}
GAMES: Final[tuple[Game, ...]] = tuple(game for part in _PARTS.values() for game in part)
NUM_COMBINED, NUM_TOGETHER = len(_PARTS["combined"]), len(TOGETHER)
NUM_TRAINED: Final = NUM_COMBINED + NUM_TOGETHER
FIRST_TEST: Final = NUM_TRAINED + len(_PARTS["val"])
SPLITS: Final = ("train", "val", "test")


def places(part: str) -> tuple[int, int]:
    """The first number, and how many numbers, of the games of "train", "val", "test", or "all".

    Raises:
        SplitError: if there is no such part.
    """
    known = {
        "all": (0, len(GAMES)),
        "train": (0, NUM_TRAINED),
        "val": (NUM_TRAINED, FIRST_TEST - NUM_TRAINED),
        "test": (FIRST_TEST, len(GAMES) - FIRST_TEST),
    }
    if part not in known:
        raise SplitError(f"there is no part {part!r} of the games: choose one of {', '.join(known)}")
    return known[part]


def numbered() -> NDArray[np.uint8]:
    """All games [G, 3]: the numbers of enemy, message and goal among ``ENTITIES``."""
    return np.array([[ENTITIES.index(entity) for entity in game] for game in GAMES], dtype=np.uint8)


@inlined_kernel
def split_of(number: int) -> int:
    """Of which of ``SPLITS`` the game of a number is."""
    if number < NUM_TRAINED:
        return 0
    return 1 if number < FIRST_TEST else 2


assert all(role in TRAINED_ROLES[e] for game in GAMES[:NUM_TRAINED] for e, role in zip(game, ROLES, strict=True))
