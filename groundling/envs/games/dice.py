"""Compiled: the random numbers of worlds whose episodes are drawn as they begin, one stream for each environment."""

from __future__ import annotations

from typing import Any

import numpy as np

from groundling.envs.engine import kernels as engine
from groundling.envs.engine.compiling import inlined_kernel
from groundling.envs.engine.kernels import GOLDEN, scrambled

SOURCES = (__file__, *engine.SOURCES)


@inlined_kernel
def below(w: Any, b: int, count: int) -> int:
    """The next random integer in [0, count) of environment ``b``: splitmix64, scaled.

    Args:
        w: worlds, whose ``random`` [B] uint64 is the state.
        b: the environment.
        count: how many integers there are.
    """
    w.random[b] += GOLDEN
    z = scrambled(w.random[b])
    upper = z >> np.uint64(22)  # the result is signed: mixed with signed ones unsigned integers become floats
    return int(np.int64((upper * np.uint64(count)) >> np.uint64(42)))
