"""Named random streams: every draw of a run comes from one seed and a stream's name, so no draw depends on another."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from groundling.errors import ConfigurationError
from groundling.setting_types import whole_number

SEEDS_OF_EPISODES: Final = 2**62  # seeds that name an episode itself, which is a number of 64 bits, are below this


def stream(seed: int, *names: str | int) -> np.random.SeedSequence:
    """The seed sequence of one named stream of a seed.

    Args:
        seed: the run's seed, not negative.
        names: what is drawn, for example ``("bank", "BabyAI-GoToLocal-v0", "train")``.

    Returns:
        A seed sequence that depends on nothing but the arguments.

    Raises:
        ConfigurationError: if the seed is negative, or no whole number.
    """
    seed = whole_seed(seed)
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.SeedSequence([seed, *words])


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator on a named stream."""
    return np.random.default_rng(stream(seed, *names))


def integer(seed: int, *names: str | int) -> int:
    """One integer in [0, 2**63) of a named stream, for libraries that want a plain seed."""
    return int(stream(seed, *names).generate_state(1, np.uint64)[0] >> 1)


def whole_seed(seed: Any, *, below: int | None = None) -> int:
    """A seed as an integer: any whole number, of Python's or NumPy's, that is not negative.

    Args:
        seed: to be checked.
        below: where seeds end; None: nowhere.

    Raises:
        ConfigurationError: if it is something else.
    """
    number = whole_number("a seed", seed)
    if number < 0:
        raise ConfigurationError(f"a seed is an integer that is not negative, got {number}")
    if below is not None and number >= below:
        shown = str(number) if number < 10**30 else "one of more digits than can be shown"
        raise ConfigurationError(f"a seed of an episode is less than {below:,}, got {shown}")
    return number


def reset_seed(seed: Any, *, below: int | None = None) -> int | None:
    """The seed of a ``reset``, None as it is; errors as of :func:`whole_seed`."""
    return None if seed is None else whole_seed(seed, below=below)


def reset_seeds(seed: Any, num_envs: int) -> list[int] | None:
    """The seeds [B] of environments that are seeded ``seed + b``, or each by its own of a list; None as it is.

    Raises:
        ConfigurationError: as of :func:`whole_seed`, and if a list has not as many seeds as there are environments.
    """
    if seed is None:
        return None
    if not isinstance(seed, Sequence | np.ndarray) or isinstance(seed, str):
        first = whole_seed(seed, below=SEEDS_OF_EPISODES)
        return [first + row for row in range(num_envs)]
    if len(seed) != num_envs or any(one is None for one in seed):
        raise ConfigurationError(f"{num_envs} environments need as many seeds, all integers, or one")
    return [whole_seed(one, below=SEEDS_OF_EPISODES) for one in seed]


def random_seed() -> int:
    """A seed that is another one each time, for those who want none."""
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 2)
