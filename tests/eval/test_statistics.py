"""Intervals against published values, hand computation, enumeration of all resamples, and coverage."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from groundling.errors import ConfigurationError
from groundling.eval.statistics import (
    bootstrap_difference_interval,
    difference_interval,
    interquartile_mean,
    plain_mean,
    stratified_bootstrap_interval,
    wilson_interval,
)


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


@pytest.mark.parametrize(
    ("successes_a", "episodes_a", "successes_b", "episodes_b", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        (48, 80, 56, 70, 0.0524, 0.3339),
        (3, 10, 9, 10, 0.1705, 0.8090),
        (2, 7, 6, 7, 0.0582, 0.8062),
        (0, 29, 5, 56, -0.0381, 0.1926),
        (0, 20, 0, 10, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (0, 20, 10, 10, 0.6791, 1.0),
        (0, 10, 10, 10, 0.6075, 1.0),
    ],
)
def test_interval_of_a_difference_equals_published_values(
    successes_a: int, episodes_a: int, successes_b: int, episodes_b: int, low: float, high: float
) -> None:
    interval = difference_interval(successes_a, episodes_a, successes_b, episodes_b)
    assert interval == pytest.approx((low, high), abs=1e-4)


def test_interval_of_a_difference_changes_sign_with_the_sides() -> None:
    low, high = difference_interval(3, 10, 40, 45)
    assert difference_interval(40, 45, 3, 10) == pytest.approx((-high, -low))


def test_interval_of_a_difference_covers_the_truth_as_often_as_it_says() -> None:
    """Exactly, over all outcomes of 30 and 40 episodes; the worse a rate is known, the more it may stray."""
    intervals = [[difference_interval(a, 30, b, 40) for b in range(41)] for a in range(31)]
    low, high = np.moveaxis(np.array(intervals), -1, 0)
    coverages = []
    for rate_a, rate_b in itertools.product((0.1, 0.3, 0.5, 0.8, 0.95), repeat=2):
        chance = np.outer(binom.pmf(np.arange(31), 30, rate_a), binom.pmf(np.arange(41), 40, rate_b))
        is_covered = (low <= rate_b - rate_a) & (rate_b - rate_a <= high)
        coverages.append((chance * is_covered).sum())
    assert min(coverages) > 0.92
    assert np.mean(coverages) == pytest.approx(0.955, abs=0.01)


@pytest.mark.parametrize("counts", [(0, 0, 1, 2), (1, 2, 0, 0), (3, 2, 1, 2), (1, 2, 1, -1)])
def test_impossible_counts_of_either_side_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ConfigurationError, match="impossible counts"):
        difference_interval(*counts)


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 100], (2 + 3 + 4 + 5) / 4),
        ([9, 0, 8, 1, 7, 2, 6, 3, 5, 40], (2 + 3 + 5 + 6 + 7 + 8) / 6),  # floor(10 / 4) = 2 dropped at each end
        ([[0.0, 1.0], [0.25, 0.5]], 0.375),  # all values together, not column by column
        ([5, 1], 3.0),
        ([2, 3, 10], 5.0),
        ([0.7], 0.7),
    ],
)
def test_interquartile_mean_equals_hand_computation(values: list, mean: float) -> None:
    assert interquartile_mean(values) == pytest.approx(mean)


@pytest.mark.parametrize("values", [[], [0.5, float("nan")], [float("inf"), 1.0]])
def test_interquartile_mean_of_nothing_or_of_what_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(ConfigurationError, match="finite"):
        interquartile_mean(values)


SCORES = np.array([[0.10, 0.62], [0.23, 0.71], [0.47, 0.95]])


def percentiles_of_all_resamples(scores: NDArray[np.float64], *, whole_runs: bool) -> tuple[float, float]:
    """Of the interquartile means of two strata's resamples, each as likely as any other."""
    draws = [list(rows) for rows in itertools.product(range(len(scores)), repeat=len(scores))]
    pairs = zip(draws, draws, strict=True) if whole_runs else itertools.product(draws, repeat=2)
    means = [interquartile_mean([scores[first, 0], scores[second, 1]]) for first, second in pairs]
    assert len(means) == (27 if whole_runs else 27**2)
    low, high = np.quantile(means, (0.025, 0.975), method="inverted_cdf")
    return low, high


@pytest.mark.parametrize("whole_runs", [False, True])
def test_bootstrap_interval_equals_the_percentiles_of_all_resamples(whole_runs: bool) -> None:
    interval = stratified_bootstrap_interval(SCORES, whole_runs=whole_runs, resamples=20_000)
    expected = percentiles_of_all_resamples(SCORES, whole_runs=whole_runs)
    assert interval == pytest.approx(expected, abs=0.005)
    other = percentiles_of_all_resamples(SCORES, whole_runs=not whole_runs)
    assert np.abs(np.subtract(interval, other)).max() > 0.02


def test_bootstrap_does_not_mix_strata() -> None:
    """Runs that agree leave nothing to resample, however far the strata are apart."""
    scores = np.tile([0.0, 0.2, 1.0], (4, 1))
    mean = 0.4
    assert stratified_bootstrap_interval(scores, aggregate=plain_mean) == pytest.approx((mean, mean))
    pooled = stratified_bootstrap_interval(scores.reshape(-1, 1), aggregate=plain_mean)
    assert pooled[0] < mean - 0.1
    assert pooled[1] > mean + 0.1


def test_bootstrap_draws_each_stratum_by_itself_unless_whole_runs_are_asked_for() -> None:
    scores = [[0.0, 1.0], [1.0, 0.0]]  # a whole run always has mean 0.5
    assert stratified_bootstrap_interval(scores, aggregate=plain_mean) == (0.0, 1.0)
    assert stratified_bootstrap_interval(scores, aggregate=plain_mean, whole_runs=True) == (0.5, 0.5)


@pytest.mark.parametrize("whole_runs", [False, True])
def test_bootstrap_of_a_difference_is_b_minus_a(whole_runs: bool) -> None:
    """Sides of different numbers of runs; where a side's runs agree, it only shifts the other's interval."""
    a, b = np.full((2, 2), 0.25), SCORES
    low, high = stratified_bootstrap_interval(b, whole_runs=whole_runs)
    assert bootstrap_difference_interval(a, b, whole_runs=whole_runs) == pytest.approx(
        (low - 0.25, high - 0.25), abs=0.02
    )
    assert bootstrap_difference_interval(b, a, whole_runs=whole_runs) == pytest.approx(
        (0.25 - high, 0.25 - low), abs=0.02
    )


@pytest.mark.parametrize("whole_runs", [False, True])
def test_bootstrap_of_a_difference_draws_the_sides_independently(whole_runs: bool) -> None:
    """The variance of the difference of two equal sides is the sum of theirs; drawn together it would be 0."""
    side = np.random.default_rng(0).normal(size=(40, 3))
    low, high = stratified_bootstrap_interval(side, aggregate=plain_mean, whole_runs=whole_runs)
    least, most = bootstrap_difference_interval(side, side, aggregate=plain_mean, whole_runs=whole_runs)
    assert most - least == pytest.approx(np.sqrt(2) * (high - low), rel=0.05)
    assert most + least == pytest.approx(0, abs=0.05 * (most - least))


def test_bootstrap_is_repeatable_and_another_seed_gives_other_draws() -> None:
    scores = np.random.default_rng(0).random((10, 4))
    assert stratified_bootstrap_interval(scores, seed=1) == stratified_bootstrap_interval(scores, seed=1)
    assert stratified_bootstrap_interval(scores, seed=1) != stratified_bootstrap_interval(scores, seed=2)


Interval = Callable[[NDArray[np.float64]], tuple[float, float]]


def coverage(interval: Interval, *, correlation: float, runs: int = 20, trials: int = 200) -> float:
    """How often an interval holds 0, the true interquartile mean of four strata around it."""
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(trials):
        of_run, own = rng.normal(size=(runs, 1)), rng.normal(size=(runs, 4))
        noise = np.sqrt(correlation) * of_run + np.sqrt(1 - correlation) * own
        low, high = interval(noise + np.array([-0.3, -0.1, 0.1, 0.3]))
        covered += low <= 0 <= high
    return covered / trials


def test_bootstrap_interval_covers_the_truth_as_often_as_it_says() -> None:
    found = coverage(lambda scores: stratified_bootstrap_interval(scores, resamples=400), correlation=0)
    assert 0.90 <= found <= 0.98


def test_only_whole_runs_cover_the_truth_where_the_scores_of_a_run_rise_and_fall_together() -> None:
    strata = coverage(lambda scores: stratified_bootstrap_interval(scores, resamples=400), correlation=0.9)
    whole = coverage(
        lambda scores: stratified_bootstrap_interval(scores, resamples=400, whole_runs=True), correlation=0.9
    )
    assert strata < 0.85
    assert 0.89 <= whole <= 0.98


@pytest.mark.parametrize(
    ("scores", "cause"),
    [
        ([[0.5, 0.6]], "at least 2 runs"),
        ([0.5, 0.6], "at least 2 runs"),
        (np.zeros((0, 3)), "at least 2 runs"),
        (np.zeros((3, 0)), "at least 2 runs"),
        ([[0.5, float("nan")], [0.1, 0.2]], "finite"),
    ],
)
def test_scores_without_a_spread_to_speak_of_are_refused(scores: list, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause):
        stratified_bootstrap_interval(scores)
    with pytest.raises(ConfigurationError, match=cause):
        bootstrap_difference_interval(SCORES, scores)
    with pytest.raises(ConfigurationError, match=cause):
        bootstrap_difference_interval(scores, SCORES)


def test_sides_of_different_strata_and_no_resamples_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="2 of A and 1 of B"):
        bootstrap_difference_interval(SCORES, SCORES[:, :1])
    with pytest.raises(ConfigurationError, match="resamples"):
        stratified_bootstrap_interval(SCORES, resamples=0)
