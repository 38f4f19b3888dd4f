"""Our environments as Stable-Baselines3 steps them: the same steps, and infos that it understands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

pytest.importorskip("stable_baselines3")
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecMonitor

import groundling
from groundling.envs import EpisodeBank, make_vec
from groundling.errors import ConfigurationError
from groundling.sb3 import GroundlingVecEnv, make_vec_env

LEVEL = "BabyAI-GoToObjS4-v0"
BANK = EpisodeBank.of_seeds(LEVEL, range(8))
STEPS = 70  # longer than an episode


def pair(num_envs: int = 5, **options: Any) -> tuple[GroundlingVecEnv, Any]:
    """The environments as SB3 has them, and the same once more as Gymnasium has them."""
    ours, plain = (make_vec(bank=BANK, num_envs=num_envs, seed=3, **options) for _ in range(2))
    return GroundlingVecEnv(ours), plain


@pytest.mark.parametrize("copy", [True, False])
def test_steps_are_those_of_the_vector_environment(copy: bool) -> None:
    envs, plain = pair(copy=copy)
    envs.seed(7)
    shown, (seen, _) = envs.reset(), plain.reset(seed=7)
    draw, ended_in_all, kept = np.random.default_rng(0), 0, []
    for _ in range(STEPS):
        assert {key: array.tolist() for key, array in shown.items()} == {k: a.tolist() for k, a in seen.items()}
        kept.append((shown["image"], shown["image"].copy()))
        actions = draw.integers(0, 7, 5)
        shown, reward, done, infos = envs.step(actions)
        seen, told, terminated, truncated, info = plain.step(actions)
        assert reward.dtype == np.float32
        np.testing.assert_allclose(reward, told, rtol=1e-6)
        assert (done == terminated | truncated).all()
        for row, own in enumerate(infos):
            assert bool(own) == done[row]
            if not done[row]:
                continue
            ended_in_all += 1
            final = info["final_info"]
            assert own["TimeLimit.truncated"] == (truncated[row] and not terminated[row])
            assert own["is_success"] == final["success"][row]
            assert own["episode"]["r"] == final["episode"]["r"][row]
            assert own["episode"]["l"] == final["episode"]["l"][row]
            for key, array in own["terminal_observation"].items():
                assert np.array_equal(array, info["final_obs"][row][key])
    assert ended_in_all > 5
    assert all(np.array_equal(array, copied) for array, copied in kept)  # no later step has rewritten one


def test_what_sb3_writes_into_observations_and_rewards_stays_there() -> None:
    envs, plain = pair()
    shown = envs.reset()
    plain.reset()
    shown["direction"] = shown["direction"].reshape(5, 1)  # as its replay buffer does
    shown, reward, _, _ = envs.step(np.full(5, 2))
    reward += 100
    _, after, _, _ = envs.step(np.full(5, 2))
    assert shown["direction"].shape == (5,)
    assert after.max() < 2


def test_episodes_of_environments_that_do_not_report_them_are_counted() -> None:
    envs = GroundlingVecEnv(
        SyncVectorEnv([lambda: groundling.make(LEVEL)] * 3, autoreset_mode=pair()[1].autoreset_mode)
    )
    envs.seed(0)
    envs.reset()
    totals, counts, found = np.zeros(3), np.zeros(3), 0
    draw = np.random.default_rng(0)
    for _ in range(STEPS):
        _, reward, done, infos = envs.step(draw.integers(0, 7, 3))
        totals, counts = totals + reward, counts + 1
        for row in np.flatnonzero(done):
            assert infos[row]["episode"]["r"] == pytest.approx(totals[row])
            assert infos[row]["episode"]["l"] == counts[row]
            assert "is_success" in infos[row]
            totals[row] = counts[row] = 0
            found += 1
    assert found > 2


def test_a_seed_begins_the_same_episodes() -> None:
    envs = make_vec_env(LEVEL, 4, bank_size=16, progress=False)
    first = [(envs.seed(5), envs.reset())[1]["image"] for _ in range(2)]
    envs.seed(6)
    assert np.array_equal(*first)
    assert not np.array_equal(first[0], envs.reset()["image"])


def test_libraries_find_what_they_ask_for() -> None:
    envs = make_vec_env(LEVEL, 4, bank_size=16, progress=False, render_mode="rgb_array")
    envs.reset()
    assert envs.get_attr("render_mode", [0, 2]) == ["rgb_array"] * 2
    assert envs.get_attr("instructions", 1) == [envs.envs.unwrapped.instructions[1]]
    assert envs.has_attr("instructions")
    assert not envs.has_attr("nothing")
    assert envs.env_is_wrapped(Monitor) == [True] * 4
    assert envs.render().ndim == 3
    with pytest.raises(ConfigurationError, match="one batch"):
        envs.env_method("reset")
    with pytest.raises(ConfigurationError, match="cannot be set in some"):
        envs.set_attr("copy", True, [0])


class Forward:
    """A model that always walks on."""

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> Any:
        return np.full(len(observation["image"]), 2), state


def test_evaluate_policy_counts_episodes_without_a_warning() -> None:
    envs = make_vec_env(LEVEL, 4, bank_size=16, progress=False)
    returns, lengths = evaluate_policy(Forward(), envs, 6, return_episode_rewards=True)
    with pytest.warns(UserWarning, match="already wrapped"):
        monitored = VecMonitor(make_vec_env(LEVEL, 4, bank_size=16, progress=False))
    again = evaluate_policy(Forward(), monitored, 6)
    assert len(lengths) == 6
    assert np.mean(returns) == pytest.approx(again[0])


@pytest.mark.filterwarnings("ignore")  # of pictures that are small, and of spaces that it flattens
def test_one_environment_passes_sb3_s_checker() -> None:
    check_env(groundling.make(LEVEL))


def test_environments_that_reset_later_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="SAME_STEP"):
        GroundlingVecEnv(SyncVectorEnv([lambda: groundling.make(LEVEL)]))
