"""Other people's libraries on our environments, as they are: the examples run, and what they print is true."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
import torch
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import ClipReward, DictInfoToList, NumpyToTorch, RecordEpisodeStatistics

import groundling
from groundling.own_code import import_file

EXAMPLES = Path(__file__).parents[2] / "examples"
LEVEL = "BabyAI-GoToObj-v0"
pytestmark = pytest.mark.filterwarnings("ignore")


def example(name: str) -> ModuleType:
    return import_file(EXAMPLES / f"{name}.py")


def test_gymnasium_s_vector_wrappers(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("array_api_compat")
    example("with_gymnasium").main(steps=300)
    printed = capsys.readouterr().out
    counted, listed = (int(re.findall(r"^(\d+)", line)[0]) for line in printed.splitlines()[:2])
    assert counted == listed > 20  # the same seeds, and the same actions
    assert "has image, direction, instruction" in printed
    assert "image: (8, 7, 7, 3) torch.uint8; reward: torch.float64" in printed


def test_wrappers_are_stacked_and_final_observations_become_tensors() -> None:
    pytest.importorskip("array_api_compat")
    envs = groundling.make_vec(LEVEL, 3, bank_size=16, progress=False)
    assert envs.autoreset_mode is AutoresetMode.SAME_STEP
    tensors = NumpyToTorch(ClipReward(RecordEpisodeStatistics(envs), 0.0, 0.5))
    tensors.reset(seed=0)
    ended = 0
    for _ in range(200):
        _, reward, terminated, truncated, info = tensors.step(torch.randint(7, (3,)))
        assert reward.max() <= 0.5
        if "final_obs" in info:
            over = (terminated | truncated).tolist()
            assert [final is not None for final in info["final_obs"]] == over
            assert all(isinstance(final["image"], torch.Tensor) for final in info["final_obs"] if final)
            assert torch.equal(info["final_info"]["episode"]["l"], info["episode"]["l"])
            ended += sum(over)
    assert ended > 3


def test_list_of_infos_has_what_single_environments_tell() -> None:
    listed = DictInfoToList(groundling.make_vec(LEVEL, 3, bank_size=16, progress=False))
    listed.reset(seed=0)
    told = [one for _ in range(100) for one in listed.step(listed.action_space.sample())[4] if one]
    assert told
    for one in told:
        assert set(one) == {"final_obs", "final_info", "success"}
        assert one["final_info"]["success"] == one["success"]
        assert one["final_info"]["episode"]["l"] > 0


def test_cleanrl_s_loop_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 < example("with_cleanrl").main(total_timesteps=2_048, num_envs=32) < 0.7
    assert "2,048 frames, return 0." in capsys.readouterr().out


@pytest.mark.slow
def test_cleanrl_s_loop_learns() -> None:
    """At random the return is .2, and .93 after 200,000 frames."""
    assert example("with_cleanrl").main(total_timesteps=81_920) > 0.6


def test_torchrl_s_gym_wrapper(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torchrl")
    example("with_torchrl").main(steps=70, num_envs=4)
    printed = capsys.readouterr().out
    assert "image: Tensor(shape=torch.Size(" in printed
    assert int(re.findall(r"(\d+) episodes ended", printed)[0]) >= 4  # none is longer than 64 steps
    assert "image: (4, 70, 7, 7, 3)" in printed


def test_stable_baselines3_s_policy_for_several_keys(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3")
    example("with_stable_baselines3").main(total_timesteps=512, num_envs=2, episodes=2)
    assert "512 steps" in capsys.readouterr().out


def test_stable_baselines3_takes_symbols_for_numbers_and_pictures_for_pictures() -> None:
    preprocessing = pytest.importorskip("stable_baselines3.common.preprocessing")
    assert not preprocessing.is_image_space(groundling.make(LEVEL).observation_space["image"])
    with_map = groundling.make(LEVEL, explored_radius=4).observation_space
    assert not preprocessing.is_image_space(with_map["explored"])
    assert preprocessing.is_image_space(groundling.make(LEVEL, body="rover").observation_space["image"])
