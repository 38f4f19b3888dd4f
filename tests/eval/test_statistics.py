"""Wilson's interval against published and hand-computed values."""

from __future__ import annotations

import pytest

from groundling.errors import ConfigurationError
from groundling.eval.statistics import wilson_interval


@pytest.mark.parametrize(
    ("successes", "episodes", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_equals_known_values(successes: int, episodes: int, low: float, high: float) -> None:
    assert wilson_interval(successes, episodes) == pytest.approx((low, high), abs=1e-4)


def test_interval_is_symmetric_in_success_and_failure() -> None:
    for successes in range(21):
        low, high = wilson_interval(successes, 20)
        assert wilson_interval(20 - successes, 20) == pytest.approx((1 - high, 1 - low))


def test_interval_holds_the_rate_and_stays_between_0_and_1() -> None:
    for episodes in (1, 2, 7, 1000):
        for successes in {0, 1, episodes // 2, episodes}:
            low, high = wilson_interval(successes, episodes)
            assert 0 <= low <= successes / episodes <= high <= 1
            assert low < high


def test_more_episodes_narrow_the_interval() -> None:
    widths = [high - low for low, high in (wilson_interval(n // 2, n) for n in (10, 100, 1000, 10_000))]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(2 * 1.96 * 0.5 / 100, rel=1e-3)  # the normal approximation


@pytest.mark.parametrize(("successes", "episodes"), [(0, 0), (-1, 5), (6, 5), (1, -1)])
def test_impossible_counts_are_refused(successes: int, episodes: int) -> None:
    with pytest.raises(ConfigurationError, match="impossible counts"):
        wilson_interval(successes, episodes)
