"""Named random streams: each depends on the seed and its name alone."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.errors import ConfigurationError
from groundling.seeding import generator, integer, stream


def test_same_seed_and_name_give_the_same_draws() -> None:
    assert np.array_equal(generator(3, "bank").random(8), generator(3, "bank").random(8))
    assert integer(3, "bank") == integer(3, "bank")


def test_another_seed_or_name_gives_other_draws() -> None:
    names = [("order",), ("bank",), ("bank", "a"), ("bank", "b"), ("a", "bank"), ("bank", "a", "b"), ("bank", "ab")]
    drawn = [integer(seed, *name) for seed in range(4) for name in names]
    assert len(set(drawn)) == len(drawn)


def test_drawing_from_one_stream_leaves_another_alone() -> None:
    untouched = generator(0, "second").random(4)
    first, second = generator(0, "first"), generator(0, "second")
    first.random(1000)
    assert np.array_equal(second.random(4), untouched)


def test_streams_are_not_correlated() -> None:
    draws = np.array([generator(0, "stream", number).standard_normal(10_000) for number in range(6)])
    off_diagonal = np.corrcoef(draws)[~np.eye(6, dtype=bool)]
    assert np.abs(off_diagonal).max() < 0.05  # five standard errors of 1 / sqrt(10_000)


def test_stream_is_made_of_the_seed_and_checksums_of_the_names() -> None:
    # CRC-32 of "order" and of "7": nothing here may depend on Python's hash, which changes from process to process
    assert stream(5, "order", 7).entropy == [5, 0xF5299398, 0x6ABF4A82]


def test_integer_fits_the_seeds_of_other_libraries() -> None:
    drawn = [integer(seed, "bank") for seed in range(1000)]
    assert min(drawn) >= 0
    assert max(drawn) < 2**63
    assert max(drawn) > 2**62


@pytest.mark.parametrize("make", [stream, generator, integer])
def test_negative_seed_is_refused(make: type) -> None:
    with pytest.raises(ConfigurationError, match="not negative, got -1"):
        make(-1, "bank")
