"""Statistics of success."""

from __future__ import annotations

import math

from groundling.errors import ConfigurationError

Z_95 = 1.959963984540054


def wilson_interval(successes: int, episodes: int, *, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a success rate.

    center = (p + z^2 / 2n) / (1 + z^2 / n)
    half   = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2)

    Args:
        successes: k, between 0 and ``episodes``.
        episodes: n, at least 1.
        z: quantile of the normal distribution; the default gives 95 %.

    Returns:
        lower and upper bound, between 0 and 1.

    Raises:
        ConfigurationError: if the counts are impossible.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if episodes < 1 or not 0 <= successes <= episodes:
        raise ConfigurationError(f"{successes} successes of {episodes} episodes are impossible counts")
    rate = successes / episodes
    scale = 1 + z * z / episodes
    center = (rate + z * z / (2 * episodes)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / episodes + z * z / (4 * episodes * episodes))
    # the bounds of no success and of nothing but success are exact; rounding would put them off by a hair
    return (0.0 if successes == 0 else center - half), (1.0 if successes == episodes else center + half)
