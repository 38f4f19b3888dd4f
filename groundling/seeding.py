"""Named random streams: every draw of a run comes from one seed and a stream's name, so no draw depends on another."""

from __future__ import annotations

import zlib

import numpy as np

from groundling.errors import ConfigurationError


def stream(seed: int, *names: str | int) -> np.random.SeedSequence:
    """The seed sequence of one named stream of a seed.

    Args:
        seed: the run's seed, not negative.
        names: what is drawn, for example ``("bank", "BabyAI-GoToLocal-v0", "train")``.

    Returns:
        A seed sequence that depends on nothing but the arguments.

    Raises:
        ConfigurationError: if the seed is negative.
    """
    if seed < 0:
        raise ConfigurationError(f"a seed is an integer that is not negative, got {seed}")
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.SeedSequence([seed, *words])


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator on a named stream."""
    return np.random.default_rng(stream(seed, *names))


def integer(seed: int, *names: str | int) -> int:
    """One integer in [0, 2**63) of a named stream, for libraries that want a plain seed."""
    return int(stream(seed, *names).generate_state(1, np.uint64)[0] >> 1)
