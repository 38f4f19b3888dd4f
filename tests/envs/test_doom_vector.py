"""Many of ViZDoom's rooms at once: they play what each plays alone, at the same time, and outlive a crash."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import numpy as np
import pytest
from test_doom import FORWARD, LEFT, assert_all_gone, needs_vizdoom, own_temporary_folder

from groundling.envs.simulators.doom import ChaplotDoomEnv
from groundling.envs.simulators.doom_engine import DoomEngine
from groundling.envs.simulators.doom_maps import position_of
from groundling.envs.simulators.doom_vector import make_chaplot_doom_vec
from groundling.envs.simulators.errors import EngineRestartError
from groundling.errors import ActionError
from groundling.language.grounded import GROUNDED_VOCABULARY, TEST

__all__ = ["own_temporary_folder"]  # used by every test here


@needs_vizdoom
def test_vector_reports_episodes_as_training_wants_them() -> None:
    envs = make_chaplot_doom_vec("easy", 2, instructions=TEST, image_size=(64, 64))
    groups = []
    try:
        observation, _ = envs.reset(seed=3)
        groups = list(envs.call("engine_process_id"))
        assert observation["image"].shape == (2, 64, 64, 3)
        assert len(envs.instructions) == 2
        returns, lengths, ended_at_all = np.zeros(2), np.zeros(2, int), np.zeros(2, int)
        for step in range(70):
            told = envs.instructions
            observation, reward, terminated, truncated, info = envs.step(np.array([LEFT, FORWARD]))
            ended = terminated | truncated
            returns, lengths = returns + reward, lengths + 1
            assert ("success" in info) == ended.any()
            for index in np.flatnonzero(ended):
                ended_at_all[index] += 1
                assert info["final_info"]["episode"]["r"][index] == returns[index]
                assert info["final_info"]["episode"]["l"][index] == lengths[index]
                assert info["success"][index] == (returns[index] > 0)
                assert info["final_obs"][index]["image"].shape == (64, 64, 3)
                final = GROUNDED_VOCABULARY.decode(info["final_obs"][index]["instruction"])
                assert final == told[index].lower()
            assert not info.get("success", ended)[~ended].any()
            returns, lengths = returns * ~ended, lengths * ~ended
            for index, text in enumerate(envs.instructions):
                assert GROUNDED_VOCABULARY.decode(observation["instruction"][index]) == text.lower()
            if step == 29:
                assert ended_at_all[0] == 1
                assert truncated[0]
        assert ended_at_all[0] == 2
        assert ended_at_all[1] > 3  # it walks into the middle object
    finally:
        envs.close()
    for group in groups:
        assert_all_gone(group)


@needs_vizdoom
def test_vector_plays_what_single_environments_play() -> None:
    envs = make_chaplot_doom_vec("hard", 3, image_size=(200, 72))
    singles = [ChaplotDoomEnv("hard", image_size=(200, 72)) for _ in range(3)]
    rng = np.random.default_rng(0)
    try:
        seen, _ = envs.reset(seed=5)
        expected = [env.reset(seed=5 + index)[0] for index, env in enumerate(singles)]
        for _ in range(40):
            for index, one in enumerate(expected):
                assert np.array_equal(seen["image"][index], one["image"])
                assert np.array_equal(seen["instruction"][index], one["instruction"])
            actions = rng.choice([LEFT, FORWARD, FORWARD], size=3)
            seen, reward, terminated, truncated, info = envs.step(actions)
            for index, env in enumerate(singles):
                expected[index], *told = env.step(actions[index])
                assert told[:3] == [reward[index], terminated[index], truncated[index]]
                if told[1] or told[2]:
                    assert np.array_equal(info["final_obs"][index]["image"], expected[index]["image"])
                    expected[index], _ = env.reset()
    finally:
        envs.close()
        for env in singles:
            env.close()


@needs_vizdoom
def test_vector_asks_every_engine_before_it_waits_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    def noting(name: str) -> Callable[..., object]:
        method = getattr(DoomEngine, name)

        def noted(*args: object) -> object:
            events.append(name)
            return method(*args)

        return noted

    for name in ("ask_for_step", "ask_for_episode", "answer"):
        monkeypatch.setattr(DoomEngine, name, noting(name))
    envs = make_chaplot_doom_vec("easy", 3)
    try:
        envs.reset(seed=0)
        assert events == ["ask_for_episode"] * 3 + ["answer"] * 3
        events.clear()
        envs.step(np.array([LEFT] * 3))
        assert events == ["ask_for_step"] * 3 + ["answer"] * 3
    finally:
        envs.close()


@needs_vizdoom
def test_vector_plays_nothing_where_an_action_is_wrong() -> None:
    envs = make_chaplot_doom_vec("easy", 2)
    try:
        envs.reset(seed=0)
        with pytest.raises(ActionError, match="integer in"):
            envs.step([FORWARD, 3])
        assert [env.state.x for env in envs.envs if env.state is not None] == [position_of((5, 7))[0]] * 2
        envs.step([FORWARD, FORWARD])
        with pytest.raises(ValueError, match="as many seeds"):
            envs.reset(seed=[1])
    finally:
        envs.close()


@needs_vizdoom
def test_vector_goes_on_where_one_engine_crashes() -> None:
    envs = make_chaplot_doom_vec("easy", 2)
    try:
        envs.reset(seed=3)
        group = envs.call("engine_process_id")[0]
        os.killpg(group, signal.SIGKILL)
        _, _, _, truncated, info = envs.step(np.array([LEFT, LEFT]))
        assert truncated.tolist() == [True, False]
        assert "SIGKILL" in info["final_info"]["engine_error"][0]
        for _ in range(5):
            _, _, _, truncated, _ = envs.step(np.array([LEFT, LEFT]))
            assert not truncated.any()
    finally:
        envs.close()


@needs_vizdoom
@pytest.mark.slow
def test_vector_tells_a_second_crash_within_a_minute() -> None:
    envs = make_chaplot_doom_vec("easy", 2)
    try:
        envs.reset(seed=3)
        os.killpg(envs.call("engine_process_id")[0], signal.SIGKILL)
        envs.step(np.array([LEFT, LEFT]))
        os.killpg(envs.call("engine_process_id")[0], signal.SIGKILL)
        with pytest.raises(EngineRestartError, match="at most once"):
            envs.step(np.array([LEFT, LEFT]))
    finally:
        envs.close()
