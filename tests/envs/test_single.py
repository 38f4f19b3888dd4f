"""One environment: Gymnasium's checker is content, and a seed gives MiniGrid's own episode."""

from __future__ import annotations

import contextlib
import io

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from groundling.envs import GroundlingEnv, HeldOut, make
from groundling.envs.banks.splits import held_out_split
from groundling.errors import ActionError, ConfigurationError, UnsupportedLevelError
from groundling.language import VOCABULARY, parse

LEVEL = "BabyAI-GoToLocal-v0"


@pytest.mark.filterwarnings("ignore:.*Not able to test alternative render modes:UserWarning")
@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
def test_checker_of_gymnasium_passes(render_mode: str | None) -> None:
    check_env(make(LEVEL, render_mode=render_mode))


@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
def test_checker_of_gymnasium_passes_on_the_registered_environment(render_mode: str | None) -> None:
    check_env(gymnasium.make("groundling/GoToLocal-v0", render_mode=render_mode).unwrapped)


@pytest.mark.parametrize(
    "level",
    [
        *(LEVEL, "BabyAI-PutNextS5N2Carrying-v0", "BabyAI-KeyInBox-v0"),
        *("BabyAI-GoToSeqS5R2-v0", "MiniGrid-Fetch-8x8-N3-v0"),
    ],
)
def test_seed_gives_minigrids_own_episode(level: str) -> None:
    env = make(level)
    rng = np.random.default_rng(0)
    with contextlib.redirect_stdout(io.StringIO()):
        for seed in (0, 7, 12345):
            observation, info = env.reset(seed=seed)
            reference = gymnasium.make(level, disable_env_checker=True).unwrapped
            expected, _ = reference.reset(seed=seed)
            assert info["instruction_text"] == env.instruction == expected["mission"]
            for _ in range(60):
                assert np.array_equal(observation["image"], expected["image"])
                assert observation["direction"] == expected["direction"]
                assert VOCABULARY.decode(observation["instruction"]) == expected["mission"]
                action = int(rng.integers(7))
                observation, *ours, info = env.step(action)
                expected, *theirs, _ = reference.step(action)
                assert ours == theirs
                assert info["success"] == (theirs[0] > 0)
                if ours[1] or ours[2]:
                    break


def test_same_seed_gives_same_episode_after_any_history() -> None:
    env = make(LEVEL)
    first, _ = env.reset(seed=3)
    for action in np.random.default_rng(0).integers(7, size=20):
        env.step(int(action))
    env.reset()
    again, _ = env.reset(seed=3)
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_resets_without_a_seed_follow_from_the_last_seed() -> None:
    def told(env: GroundlingEnv) -> list[str]:
        env.reset(seed=11)
        return [env.reset()[1]["instruction_text"] for _ in range(8)]

    first = told(make(LEVEL))
    assert told(make(LEVEL)) == first
    assert len(set(first)) > 1


def test_observations_are_copies() -> None:
    env = make(LEVEL)
    observation, _ = env.reset(seed=0)
    then = {name: np.array(value) for name, value in observation.items()}
    for action in (0, 2, 1, 2):
        env.step(action)
    assert all(np.array_equal(observation[name], then[name]) for name in then)


@pytest.mark.parametrize("action", [7, -1, 1.0, [1], np.array([1, 2]), "forward", None, True])
def test_wrong_action_is_refused_and_nothing_is_stepped(action: object) -> None:
    env = make(LEVEL)
    env.reset(seed=0)
    with pytest.raises(ActionError):
        env.step(action)  # type: ignore[arg-type]
    assert env.worlds is not None
    assert env.worlds.state.step_count[0] == 0
    env.step(np.int64(2))  # type: ignore[arg-type]
    assert env.worlds.state.step_count[0] == 1


def test_step_before_reset_is_refused() -> None:
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        make(LEVEL).step(0)


@pytest.mark.parametrize("split", ["train", "unseen"])
def test_split_is_respected_whatever_the_seed(split: str) -> None:
    env = make(LEVEL, split=split)
    kept = 0
    for seed in range(25):
        _, info = env.reset(seed=seed)
        assert env.split.keeps(parse(info["instruction_text"]))
        kept += any(pair in info["instruction_text"] for pair in env.split.held_out.combinations)
    assert kept == (25 if split == "unseen" else 0)


def test_split_takes_the_first_seed_that_belongs_to_it() -> None:
    env, plain = make(LEVEL, split="unseen"), make(LEVEL)
    _, info = env.reset(seed=40)
    seed = 40
    while not env.split.keeps(parse(plain.reset(seed=seed)[1]["instruction_text"])):
        seed += 1
    assert info["instruction_text"] == plain.instruction
    assert env.worlds is not None
    assert env.worlds.bank.seeds.tolist() == [seed]


def test_impossible_environments_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'rgb_array', got 'human'"):
        make(LEVEL, render_mode="human")
    with pytest.raises(UnsupportedLevelError, match="mission never varies"):
        make("MiniGrid-Empty-5x5-v0")


def test_own_split_is_told_in_its_own_words() -> None:
    env, plain = make(LEVEL, split=held_out_split(HeldOut(factors=("phrasing",)), "phrasing")), make(LEVEL)
    for seed in range(8):
        observation, info = env.reset(seed=seed)
        plain.reset(seed=seed)
        assert parse(info["instruction_text"]) == parse(plain.instruction)
        assert info["instruction_text"] != plain.instruction
        assert VOCABULARY.decode(observation["instruction"]).lower() == info["instruction_text"].lower()
