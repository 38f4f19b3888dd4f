"""Tests of environments on a GPU that need Numba's simulator, which is chosen when Numba is imported: pytest runs this
file in a process of its own, see ``test_device_vector.py``.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from numba import cuda

from groundling.envs import EpisodeBank, GroundlingVectorEnv, TaskMixture, make_vec
from groundling.envs.device_vector import DeviceVectorEnv
from groundling.envs.engine.constants import Action
from groundling.envs.engine.embodiment import GRID
from groundling.errors import ActionError, ConfigurationError

pytestmark = pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # integers wrap, as a GPU's do
B = 3


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(8))


def begun(bank: EpisodeBank | TaskMixture, **options: Any) -> DeviceVectorEnv:
    envs = DeviceVectorEnv(bank, B, **{"copy": False, **options})
    envs.reset(seed=1)
    return envs


def test_action_out_of_range_does_nothing_and_is_told_once(bank: EpisodeBank) -> None:
    envs, others = begun(bank), begun(bank)
    envs.step(np.array([2, 7, -1]))
    others.step(np.array([2, Action.DONE, Action.DONE]))
    with pytest.raises(ActionError, match=r"environment 1 was given an action out of range.*0 to 6"):
        envs.state_dict()
    there, expected = envs.state_dict(), others.state_dict()
    assert all(np.array_equal(there[name], array) for name, array in expected.items())
    envs.step(np.array([2, 2, 99]))
    with pytest.raises(ActionError, match="environment 2"):
        envs.reset()


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        (np.zeros(B + 1, dtype=np.int64), "expected actions of shape"),
        (np.zeros((B, 1), dtype=np.int64), "expected actions of shape"),
        (np.zeros(B, dtype=np.float32), "int64, got float32: did you pass logits"),
        (np.zeros(B, dtype=np.int32), "int64, got int32"),
    ],
)
def test_actions_of_another_shape_or_type_step_nothing(bank: EpisodeBank, actions: np.ndarray, reason: str) -> None:
    envs = begun(bank)
    with pytest.raises(ActionError, match=reason):
        envs.step(actions)
    assert not envs.state_dict()["state.step_count"].any()


def test_actions_may_be_on_the_device(bank: EpisodeBank) -> None:
    envs, others = begun(bank), begun(bank)
    actions = np.array([0, 1, 2])
    first, second = envs.step(cuda.to_device(actions))[0], others.step(actions)[0]
    assert all(np.array_equal(first[key].copy_to_host(), second[key].copy_to_host()) for key in first)


def test_copies_stay_as_they_are_and_other_arrays_are_written_again(bank: EpisodeBank) -> None:
    for copy in (True, False):
        envs = begun(bank, copy=copy)
        before = envs.step(np.full(B, Action.LEFT))[0]["direction"]
        first = before.copy_to_host()
        after = envs.step(np.full(B, Action.LEFT))[0]["direction"]
        assert np.array_equal(after.copy_to_host(), (first + 3) % 4)
        assert np.array_equal(before.copy_to_host(), first) is copy


def test_without_autoreset_an_ended_episode_stays_until_it_is_reset(bank: EpisodeBank) -> None:
    senses = GRID.changed(explored_radius=2, previous_action=True)
    cpu = GroundlingVectorEnv(bank, B, autoreset=False, embodiment=senses)
    envs = begun(bank, autoreset=False, embodiment=senses)
    cpu.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(70):
        actions = rng.integers(7, size=B)
        here, there = cpu.step(actions), envs.step(actions)
        assert np.array_equal(here[1], there[1].copy_to_host())
        assert all(np.array_equal(here[0][key], there[0][key].copy_to_host()) for key in here[0])
        assert "final_obs" not in there[4]
    assert there[3].copy_to_host().all()
    ended = np.array([True, False, True])
    here, there = (made.reset(options={"reset_mask": ended})[0] for made in (cpu, envs))
    assert np.array_equal(here["image"], there["image"].copy_to_host())


def test_tasks_are_drawn_by_their_shares_and_planned_episodes_begin() -> None:
    banks = [EpisodeBank.of_seeds(level, range(4)) for level in ("BabyAI-GoToLocal-v0", "BabyAI-PickupLoc-v0")]
    envs = begun(TaskMixture.of(banks))
    envs.set_shares([0, 1])
    assert envs.shares.tolist() == [0, 1]
    envs.reset()
    assert (envs.worlds.state.episode.copy_to_host() >= 4).all()
    envs.worlds.plan(np.array([1]), np.array([2]))
    envs.reset()
    rows = envs.worlds.state.episode.copy_to_host()
    assert rows[1] == 2
    assert (np.delete(rows, 1) >= 4).all()
    envs.reset()
    assert (envs.worlds.state.episode.copy_to_host() >= 4).all(), "a plan is for one episode"


def test_wrong_calls_are_refused(bank: EpisodeBank) -> None:
    envs = DeviceVectorEnv(bank, B)
    with pytest.raises(gymnasium.error.ResetNeeded):
        envs.step(np.zeros(B, dtype=np.int64))
    with pytest.raises(ConfigurationError, match="one integer as the seed"):
        envs.reset(seed=[1, 2, 3])
    with pytest.raises(ConfigurationError, match="bool array of shape"):
        envs.reset(options={"reset_mask": np.ones(B)})
    with pytest.raises(ConfigurationError, match="without a reset_mask"):
        envs.reset(seed=1, options={"reset_mask": np.ones(B, dtype=np.bool_)})
    with pytest.raises(ConfigurationError, match="another level, bank or num_envs"):
        envs.load_state_dict(begun(EpisodeBank.of_seeds("BabyAI-BossLevel-v0", range(2))).state_dict())
    with pytest.raises(ConfigurationError, match="view from above is painted on the host"):
        make_vec(bank=bank, num_envs=B, top_down_pixels=4, env_device="cuda")
