"""Furniture of houses and what stands on it, as solids: parts, how each is turned, and where it holds things.

The front of each is at negative y. A container that is open is another solid of the same kind.
"""

from __future__ import annotations

from typing import Any, Final

from groundling.envs.engine.constants import TABLE
from groundling.envs.engine.kinds import SOLIDS
from groundling.envs.first_person.parts import DARK, GOLD, IRON, PAPER, WOOD, ball, block, lathe, relief

RING_PICTURE, CLOCK_PICTURE, WHEEL_PICTURE = 0, 7, 8  # numbers of ``solids``, which draws the pictures

Parts = list[list[float]]

LEAF: Final = (0.16, 0.5, 0.16)
WATER: Final = (0.5, 0.78, 0.95)
GLASS: Final = (0.12, 0.16, 0.24)
LIGHT: Final = (0.98, 0.98, 0.95)
RUBBER: Final = (0.12, 0.12, 0.13)
EMBER: Final = (0.75, 0.16, 0.08)
LEATHER: Final = (0.3, 0.18, 0.1)


def _own(color: tuple[float, float, float], glow: float = 0.0) -> dict[str, Any]:
    """Paint that does not depend on the color of the thing."""
    return {"tint": 0.0, "color": color, "glow": glow}


def _case(height: float, half_x: float, half_y: float, doors: tuple[int, ...]) -> Parts:
    """An open cupboard: walls, a light inside with a shelf, and doors swung to the front at these sides."""
    return [
        block(0, height, half_x, 0.02, y=half_y),
        block(0.03, height - 0.03, half_x - 0.03, 0.01, y=half_y - 0.03, **_own(LIGHT, 0.35)),
        *(block(0, height, 0.02, half_y, x=side * half_x) for side in (-1, 1)),
        block(height - 0.04, height, half_x, half_y),
        block(0, 0.05, half_x, half_y),
        *(block(0.02, height - 0.02, 0.018, 0.15, x=side * (half_x + 0.03), y=-half_y - 0.1) for side in doors),
    ]


def _seat(half: float) -> Parts:
    """A sofa or an armchair of this half width."""
    return [
        block(0, 0.08, half - 0.04, 0.18, **_own(WOOD)),
        block(0.08, 0.3, half, 0.22),
        block(0.3, 0.36, half - 0.08, 0.17, y=-0.05, tint=0.8, color=LIGHT),
        block(0.3, 0.7, half, 0.06, y=0.17),
        block(0.3, 0.48, 0.045, 0.22, x=half - 0.04),
        block(0.3, 0.48, 0.045, 0.22, x=0.04 - half),
    ]


FURNITURE: Final[dict[str, Parts]] = {
    "fridge": [
        block(0, 1.02, 0.26, 0.22),
        block(0.68, 0.7, 0.263, 0.224, **_own(DARK)),
        block(0.76, 0.94, 0.018, 0.02, x=-0.19, y=-0.24, **_own(IRON)),
        block(0.34, 0.62, 0.018, 0.02, x=-0.19, y=-0.24, **_own(IRON)),
        block(0, 0.04, 0.264, 0.225, **_own(DARK)),
    ],
    "cabinet": [
        block(0, 0.6, 0.34, 0.2),
        block(0.6, 0.65, 0.36, 0.22, **_own(WOOD)),
        block(0.04, 0.57, 0.008, 0.205, **_own(DARK)),
        block(0.4, 0.415, 0.3, 0.205, **_own(DARK)),
        *(block(0.46, 0.5, 0.06, 0.02, x=x, y=-0.21, **_own(GOLD)) for x in (-0.17, 0.17)),
        *(block(0.24, 0.28, 0.02, 0.02, x=x, y=-0.21, **_own(GOLD)) for x in (-0.07, 0.07)),
    ],
    "wardrobe": [
        block(0.06, 1.06, 0.32, 0.2),
        block(1.06, 1.14, 0.345, 0.225, **_own(WOOD)),
        block(0, 0.06, 0.33, 0.21, **_own(WOOD)),
        block(0.06, 1.06, 0.01, 0.206, **_own(DARK)),
        *(block(0.5, 0.62, 0.014, 0.02, x=x, y=-0.21, **_own(GOLD)) for x in (-0.06, 0.06)),
    ],
    "chest": [
        block(0, 0.28, 0.33, 0.2),
        block(0.28, 0.31, 0.335, 0.205, **_own(DARK)),
        block(0.31, 0.4, 0.34, 0.21),
        block(0.4, 0.45, 0.33, 0.15),
        *(block(-0.01, 0.455, 0.03, 0.214, x=x, **_own(GOLD)) for x in (-0.22, 0.22)),
        block(0.22, 0.34, 0.05, 0.02, y=-0.21, **_own(GOLD)),
    ],
    "sofa": _seat(0.38),
    "armchair": _seat(0.25),
    "bed": [
        block(0, 0.14, 0.37, 0.22, **_own(WOOD)),
        block(0.14, 0.3, 0.36, 0.22, **_own(LIGHT)),
        block(0.15, 0.33, 0.25, 0.226, x=0.115),
        block(0.3, 0.38, 0.08, 0.16, x=-0.26, **_own(LIGHT)),
        block(0, 0.66, 0.025, 0.23, x=-0.385, **_own(WOOD)),
        block(0, 0.42, 0.025, 0.23, x=0.385, **_own(WOOD)),
    ],
    "desk": [
        block(0.48, 0.53, 0.38, 0.2),
        block(0, 0.48, 0.1, 0.18, x=0.26),
        block(0, 0.48, 0.025, 0.18, x=-0.34),
        block(0.15, 0.48, 0.3, 0.015, y=0.17, tint=0.7, color=DARK),
        *(block(low, low + 0.03, 0.05, 0.02, x=0.26, y=-0.19, **_own(GOLD)) for low in (0.09, 0.24, 0.39)),
    ],
    "shelf": [
        block(0, 1.04, 0.33, 0.012, y=0.15, tint=0.6, color=DARK),
        *(block(0, 1.04, 0.022, 0.15, x=x) for x in (-0.32, 0.32)),
        *(block(low, low + 0.035, 0.32, 0.15) for low in (0.03, 0.36, 0.7, 1.0)),
        block(0.735, 0.95, 0.06, 0.1, x=-0.22, **_own((0.75, 0.2, 0.15))),
        block(0.735, 0.91, 0.05, 0.1, x=-0.1, **_own((0.2, 0.35, 0.7))),
        block(0.065, 0.28, 0.09, 0.1, x=0.18, **_own(PAPER)),
    ],
    "plant": [
        lathe((0.0, 0.15), (0.26, 0.22)),
        lathe((0.26, 0.2), (0.262, 0.2), **_own(LEATHER)),
        lathe((0.26, 0.03), (0.5, 0.03), **_own(WOOD)),
        ball(0.6, 0.2, tall=1.1, **_own(LEAF)),
        ball(0.5, 0.15, x=0.18, **_own((0.2, 0.58, 0.2))),
        ball(0.54, 0.14, x=-0.19, y=-0.05, **_own((0.12, 0.42, 0.14))),
        ball(0.84, 0.12, tall=1.3, x=0.05, **_own((0.22, 0.6, 0.22))),
    ],
    "tv": [
        block(0, 0.26, 0.34, 0.15),
        block(0.26, 0.3, 0.12, 0.09, **_own(DARK)),
        block(0.3, 0.36, 0.03, 0.03, **_own(DARK)),
        block(0.34, 0.86, 0.4, 0.03, **_own(DARK)),
        block(0.37, 0.83, 0.37, 0.02, y=-0.016, **_own((0.35, 0.55, 0.75), 0.55)),
        block(0.37, 0.52, 0.37, 0.021, y=-0.017, **_own((0.3, 0.5, 0.28), 0.5)),
        block(0.02, 0.24, 0.004, 0.152, **_own(DARK)),
    ],
    "sink": [
        block(0, 0.5, 0.26, 0.2),
        block(0.04, 0.46, 0.008, 0.204, **_own(DARK)),
        block(0.5, 0.58, 0.33, 0.24, **_own(LIGHT)),
        lathe((0.58, 0.19), (0.584, 0.19), wider=1.3, **_own(WATER)),
        lathe((0.584, 0.04), (0.586, 0.04), **_own(DARK)),
        block(0.58, 0.86, 0.022, 0.022, y=0.2, **_own(IRON)),
        block(0.82, 0.86, 0.02, 0.1, y=0.11, **_own(IRON)),
        block(0.74, 0.82, 0.018, 0.018, y=0.02, **_own(IRON)),
    ],
    "stove": [
        block(0, 0.64, 0.3, 0.24),
        block(0.1, 0.42, 0.22, 0.02, y=-0.23, **_own(GLASS)),
        block(0.46, 0.49, 0.2, 0.02, y=-0.25, **_own(IRON)),
        block(0.64, 0.66, 0.31, 0.25, **_own(DARK)),
        *(
            lathe((0.66, 0.085), (0.675, 0.085), x=x, y=y, **_own(EMBER, 0.5))
            for x in (-0.15, 0.15)
            for y in (-0.1, 0.1)
        ),
        block(0.64, 0.84, 0.3, 0.02, y=0.23),
    ],
    "toilet": [
        lathe((0.0, 0.13), (0.14, 0.1), (0.34, 0.2), y=-0.08),
        lathe((0.34, 0.22), (0.38, 0.22), y=-0.08, tint=0.5, color=LIGHT),
        lathe((0.38, 0.14), (0.383, 0.14), y=-0.08, **_own(WATER)),
        block(0.0, 0.36, 0.1, 0.1, y=0.14),
        block(0.36, 0.74, 0.22, 0.08, y=0.2),
        block(0.74, 0.78, 0.235, 0.095, y=0.2),
        block(0.66, 0.7, 0.05, 0.02, x=0.1, y=0.11, **_own(IRON)),
    ],
    "bathtub": [
        *(block(0, 0.1, 0.04, 0.04, x, y, **_own(GOLD)) for x in (-0.28, 0.28) for y in (-0.12, 0.12)),
        block(0.06, 0.4, 0.37, 0.19),
        block(0.4, 0.44, 0.385, 0.205, **_own(LIGHT)),
        block(0.44, 0.443, 0.32, 0.15, **_own(WATER)),
        block(0.44, 0.68, 0.02, 0.02, x=0.35, **_own(IRON)),
        block(0.64, 0.68, 0.08, 0.02, x=0.29, **_own(IRON)),
    ],
    "washer": [
        block(0, 0.7, 0.28, 0.24),
        block(0.58, 0.67, 0.26, 0.01, y=-0.24, **_own(LIGHT)),
        lathe((0.6, 0.03), (0.65, 0.03), x=0.18, y=-0.25, **_own(DARK)),
        block(0.18, 0.44, 0.13, 0.01, y=-0.24, **_own(GLASS)),
        relief(RING_PICTURE, 0.08, 0.46, y=-0.26, thickness=0.04, **_own(LIGHT)),
    ],
    "car": [
        block(0.1, 0.34, 0.38, 0.19),
        block(0.34, 0.52, 0.22, 0.165, x=-0.03, **_own(GLASS)),
        block(0.51, 0.56, 0.2, 0.16, x=-0.03),
        block(0.34, 0.52, 0.016, 0.168, x=-0.03),
        block(0.34, 0.52, 0.016, 0.168, x=0.18),
        block(0.2, 0.28, 0.012, 0.13, x=0.38, **_own((1.0, 0.95, 0.6), 0.6)),
        block(0.2, 0.26, 0.012, 0.15, x=-0.38, **_own((0.8, 0.1, 0.1), 0.4)),
        *(
            relief(WHEEL_PICTURE, 0.0, 0.23, x=x, y=-0.2, thickness=0.02, **_own((0.5, 0.5, 0.52)))
            for x in (-0.22, 0.22)
        ),
        *(block(0, 0.2, 0.09, 0.02, x=x, y=0.18, **_own(RUBBER)) for x in (-0.22, 0.22)),
    ],
    "bicycle": [
        *(relief(WHEEL_PICTURE, 0.0, 0.42, x=x, thickness=0.02, **_own((0.5, 0.5, 0.52))) for x in (-0.21, 0.21)),
        block(0.4, 0.45, 0.16, 0.02, x=0.02),
        block(0.2, 0.6, 0.022, 0.02, x=-0.1),
        block(0.2, 0.25, 0.12, 0.02, x=0.0),
        block(0.2, 0.66, 0.022, 0.02, x=0.18),
        block(0.6, 0.65, 0.08, 0.05, x=-0.1, **_own(LEATHER)),
        block(0.66, 0.7, 0.03, 0.16, x=0.18, **_own(RUBBER)),
        block(0.19, 0.23, 0.12, 0.018, x=-0.16),
    ],
    "bottle": [
        lathe((0.0, 0.16), (0.4, 0.16)),
        lathe((0.4, 0.16), (0.56, 0.055)),
        lathe((0.56, 0.055), (0.7, 0.055)),
        lathe((0.7, 0.065), (0.78, 0.065), **_own(DARK)),
        lathe((0.1, 0.165), (0.3, 0.165), **_own(PAPER)),
    ],
    "plate": [
        lathe((0.0, 0.16), (0.03, 0.16)),
        lathe((0.03, 0.2), (0.1, 0.4)),
        lathe((0.1, 0.27), (0.105, 0.27), tint=0.25, color=LIGHT),
    ],
    "vase": [
        lathe((0.0, 0.1), (0.2, 0.22), (0.42, 0.08)),
        lathe((0.42, 0.08), (0.5, 0.13)),
        *(lathe((0.48, 0.014), (0.72, 0.014), x=x, **_own(LEAF)) for x in (-0.08, 0.0, 0.08)),
        ball(0.74, 0.08, x=-0.11, **_own((0.95, 0.45, 0.6))),
        ball(0.82, 0.08, **_own((0.98, 0.85, 0.3))),
        ball(0.74, 0.08, x=0.11, **_own((0.95, 0.95, 0.95))),
    ],
    "clock": [
        relief(CLOCK_PICTURE, 0.08, 0.6, thickness=0.06),
        *(ball(0.68, 0.09, x=x, **_own(GOLD)) for x in (-0.17, 0.17)),
        *(block(0, 0.14, 0.03, 0.03, x=x, **_own(DARK)) for x in (-0.16, 0.16)),
    ],
    "laptop": [
        block(0, 0.05, 0.34, 0.22),
        block(0.05, 0.056, 0.29, 0.11, y=0.02, **_own(DARK)),
        block(0.05, 0.056, 0.08, 0.05, y=-0.15, **_own(IRON)),
        block(0.05, 0.52, 0.34, 0.02, y=0.21),
        block(0.09, 0.48, 0.3, 0.02, y=0.195, **_own((0.6, 0.8, 1.0), 0.7)),
    ],
    "toy": [
        ball(0.25, 0.22, tall=1.05),
        ball(0.56, 0.18),
        *(ball(0.73, 0.07, x=x) for x in (-0.14, 0.14)),
        ball(0.52, 0.075, y=-0.15, **_own(PAPER)),
        *(ball(0.62, 0.028, x=x, y=-0.165, **_own(DARK)) for x in (-0.07, 0.07)),
        *(ball(0.34, 0.08, x=x, y=-0.06) for x in (-0.23, 0.23)),
        ball(0.26, 0.12, y=-0.13, **_own(PAPER)),
    ],
    "towel": [
        *(block(0, 0.82, 0.02, 0.02, x=x, **_own(IRON)) for x in (-0.33, 0.33)),
        *(block(0, 0.03, 0.03, 0.14, x=x, **_own(IRON)) for x in (-0.33, 0.33)),
        block(0.78, 0.82, 0.33, 0.016, **_own(IRON)),
        block(0.24, 0.835, 0.25, 0.04),
        *(block(low, low + 0.05, 0.252, 0.043, **_own(LIGHT)) for low in (0.3, 0.4)),
    ],
}

OPENED: Final[dict[str, Parts]] = {
    "fridge": [*_case(1.02, 0.26, 0.22, (-1,)), block(0.4, 0.42, 0.24, 0.18, **_own(WATER))],
    "cabinet": [*_case(0.6, 0.34, 0.2, (-1, 1)), block(0.6, 0.65, 0.36, 0.22, **_own(WOOD))],
    "wardrobe": [*_case(1.06, 0.32, 0.2, (-1, 1)), block(1.06, 1.14, 0.345, 0.225, **_own(WOOD))],
    "chest": [
        block(0, 0.28, 0.33, 0.2),
        block(0.28, 0.284, 0.29, 0.16, **_own(DARK)),
        block(0.28, 0.62, 0.335, 0.03, y=0.2),
        block(0.3, 0.58, 0.29, 0.01, y=0.165, **_own(LEATHER)),
        *(block(-0.01, 0.29, 0.03, 0.205, x=x, **_own(GOLD)) for x in (-0.22, 0.22)),
    ],
}

# Where what it holds stands: height, and how far to the front.
HOLDING: Final[dict[int, tuple[float, float]]] = {
    TABLE: (0.53, 0.0),
    SOLIDS["desk"]: (0.53, 0.0),
    SOLIDS["shelf"]: (0.395, 0.0),
    SOLIDS["bed"]: (0.33, 0.0),
    SOLIDS["washer"]: (0.7, 0.0),
    SOLIDS["fridge"]: (0.42, 0.1),
    SOLIDS["cabinet"]: (0.05, 0.1),
    SOLIDS["wardrobe"]: (0.05, 0.1),
    SOLIDS["chest"]: (0.284, 0.0),
}
HELD_SCALE: Final = 0.52  # beside the ordinary size of what stands on the floor

# How far each is turned from facing the viewer, so that two of its sides are seen.
TURNS: Final[dict[str, float]] = {
    **dict.fromkeys(FURNITURE, 0.45),
    **dict.fromkeys(("bed", "bathtub", "car"), 0.6),
    **dict.fromkeys(("bottle", "plate", "vase", "plant", "clock"), 0.0),
    **dict.fromkeys(("tv", "laptop", "washer", "toy", "towel", "shelf", "toilet"), 0.3),
    "bicycle": 0.25,
    "cabinet": 0.3,
}
