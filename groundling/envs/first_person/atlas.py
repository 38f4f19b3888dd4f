"""Atlas: the large tables of what everything is made of, constants for the CPU and arguments for a GPU.

On the CPU they are constants: no store can change one, which the compiler has to know before it makes vectors of a loop
that reads it (as arguments, a step took two and a half times as long). A GPU's constant memory is too small for them,
so kernels there are given them (``engine/cuda/camera.py``). Whoever reads one does so by a function of this module.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.first_person.drawing import inlined_drawing_kernel
from groundling.envs.first_person.solids import PARTS, RELIEF_TEXELS
from groundling.envs.first_person.textures import TEXELS


class Tables(NamedTuple):
    """What everything is made of."""

    texels: NDArray[np.uint32]  # of walls, floors, ceilings and doors, see ``textures``
    reliefs: NDArray[np.uint32]  # of pictures, see ``solids``
    parts: NDArray[np.float32]  # [solids, parts, fields], see ``parts``


Atlas = Tables | tuple[()]  # of the GPU, of the CPU

CONSTANTS: Final[Atlas] = ()
TABLES: Final = Tables(TEXELS, RELIEF_TEXELS, PARTS)


@inlined_drawing_kernel
def texel_at(atlas: Atlas, place: np.uint32) -> np.uint32:
    """A texel of ``Tables.texels``."""
    return TEXELS[place]


@inlined_drawing_kernel
def relief_texel_at(atlas: Atlas, place: np.uint32) -> np.uint32:
    """A texel of ``Tables.reliefs``."""
    return RELIEF_TEXELS[place]


@inlined_drawing_kernel
def part_field(atlas: Atlas, solid: int, part: int, field: int) -> np.float32:
    """A number of ``Tables.parts``."""
    return PARTS[solid, part, field]
