"""Ordinary arguments of the factories: numbers of NumPy, no seed, several sentences; everything else is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import groundling
from groundling.errors import ConfigurationError, GroundlingError, SplitError
from groundling.seeding import reset_seeds, stream, whole_seed

LEVEL = "BabyAI-GoToObjS4-v0"


def make_vec(**changes: Any) -> Any:
    return groundling.make_vec(**{"id": LEVEL, "num_envs": 2, "bank_size": 16, **changes})


def test_numbers_of_numpy_are_numbers() -> None:
    plain = make_vec(seed=3).reset(seed=5)[0]
    other = make_vec(num_envs=np.int64(2), bank_size=np.float32(16), seed=np.uint8(3), num_threads=np.int8(1))
    seen = other.reset(seed=np.int64(5))[0]
    assert all(np.array_equal(plain[key], seen[key]) for key in plain)
    one = groundling.make(LEVEL)
    first = one.reset(seed=7)[0]["image"]
    assert np.array_equal(one.reset(seed=np.int64(7))[0]["image"], first)


def test_without_a_seed_the_order_is_another_one_each_time_and_the_bank_the_same() -> None:
    orders = set()
    for _ in range(4):
        envs = make_vec(seed=None, num_envs=16)
        envs.reset()
        orders.add(tuple(envs.worlds.state.episode.tolist()))
        assert envs.bank.seeds.tolist() == make_vec().bank.seeds.tolist()
    assert len(orders) > 1


@pytest.mark.parametrize("seed", [2**31, 2**32, 2**63, 10**30, np.uint64(2**63)])
def test_seeds_of_any_size_name_an_order(seed: Any) -> None:
    envs = make_vec(seed=seed)
    envs.reset(seed=seed)


@pytest.mark.parametrize("seed", [-1, 2.5, "3", True, float("nan"), [1, 2], (1,), b"1"])
def test_what_is_no_seed_is_refused_everywhere(seed: Any) -> None:
    envs, one = make_vec(), groundling.make(LEVEL)
    for use in (lambda: make_vec(seed=seed), lambda: envs.reset(seed=seed), lambda: one.reset(seed=seed)):
        with pytest.raises(ConfigurationError, match="seed"):
            use()


def test_seed_that_is_no_number_of_an_episode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a seed of an episode is less than 4,611,686,018,427,387,904, got"):
        groundling.make(LEVEL).reset(seed=2**63)
    with pytest.raises(ConfigurationError, match="more digits than can be shown"):
        groundling.make(LEVEL).reset(seed=10**5000)


@pytest.mark.parametrize(
    "changes",
    [
        *({"num_envs": value} for value in (0, -1, None, "2", 2.5, True, 10**30, float("inf"))),
        *({"bank_size": value} for value in (0, None, "16", 10**30)),
        *({"num_threads": value} for value in (0, "1")),
        *({"instruction": value} for value in (3, None, [3])),
        *({"split": value} for value in (3, None, ["train"], "nope")),
        *({"id": value} for value in (3, b"x", ["x"], "")),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(GroundlingError) as info:
        make_vec(**changes)
    assert "\n" not in str(info.value)
    assert not isinstance(info.value, SplitError) or "split" in changes


@pytest.mark.parametrize("sentences", [["go to the red ball"], ("go to the red ball",), "go to the red ball"])
def test_instruction_is_a_sentence_or_several(sentences: Any) -> None:
    envs = make_vec(id="BabyAI-GoToObj-v0", instruction=sentences)
    assert set(envs.bank.instructions) == {"go to the red ball"}


def test_environments_of_their_own_seeds_get_each_its_own() -> None:
    assert reset_seeds(3, 2) == [3, 4]
    assert reset_seeds(np.array([5, 9]), 2) == reset_seeds([5, np.int64(9)], 2) == [5, 9]
    assert reset_seeds(None, 2) is None
    for wrong in ([1], [1, None], "12", [1, "2"], [1, -1], 2**62):
        with pytest.raises(ConfigurationError):
            reset_seeds(wrong, 2)


def test_streams_of_equal_seeds_are_equal() -> None:
    assert stream(np.int64(3), "a").entropy == stream(3, "a").entropy == stream(3.0, "a").entropy  # type: ignore[arg-type]
    assert whole_seed(10**400) == 10**400
