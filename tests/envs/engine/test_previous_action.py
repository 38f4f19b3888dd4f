"""The sense of the action before: which one it tells, and where it tells of none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from groundling.envs import make, make_vec
from groundling.envs.catalog import find_family
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError

LEVEL, A, B = "BabyAI-GoToObjS4-v0", 7, 6


def envs_of(**options: Any) -> GroundlingVectorEnv:
    return make_vec(LEVEL, B, bank_size=16, progress=False, previous_action=True, **options)


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_the_action_of_the_last_step_is_told_and_none_where_an_episode_begins(body: str) -> None:
    options: dict[str, Any] = {"body": "rover", "camera": Camera(width=8, height=8)} if body == "rover" else {}
    envs = envs_of(**options)
    rng, ends = np.random.default_rng(0), 0
    seen, _ = envs.reset(seed=0)
    assert seen["previous_action"].tolist() == [A] * B
    for _ in range(200):
        actions = rng.integers(3, size=B)
        seen, _, terminated, truncated, info = envs.step(actions)
        ended = terminated | truncated
        assert np.array_equal(seen["previous_action"], np.where(ended, A, actions))
        assert envs.observation_space["previous_action"].contains(seen["previous_action"])
        for row in np.flatnonzero(ended):
            ends += 1
            assert info["final_obs"][row]["previous_action"] == actions[row]
    assert ends > 3


def test_observations_that_were_handed_out_stay_as_they_are() -> None:
    envs = envs_of()
    envs.reset(seed=0)
    first = envs.step(np.full(B, 1))[0]["previous_action"]
    envs.step(np.full(B, 2))
    assert first.tolist() == [1] * B


def test_a_reset_of_some_environments_forgets_theirs_only() -> None:
    envs = envs_of()
    envs.reset(seed=0)
    envs.step(np.full(B, 1))
    mask = np.arange(B) < 2
    seen, _ = envs.reset(options={"reset_mask": mask})
    assert seen["previous_action"].tolist() == [A, A, 1, 1, 1, 1]
    assert envs.reset(seed=0)[0]["previous_action"].tolist() == [A] * B


def test_saved_environments_go_on_with_it() -> None:
    first, second = envs_of(), envs_of()
    first.reset(seed=0)
    first.step(np.arange(B) % 3)
    seen = second.load_state_dict(first.state_dict())
    assert seen["previous_action"].tolist() == [0, 1, 2, 0, 1, 2]


def test_threads_tell_the_same() -> None:
    batches = [make_vec(LEVEL, 600, bank_size=16, num_threads=n, progress=False, previous_action=True) for n in (1, 2)]
    actions = np.random.default_rng(0).integers(3, size=(40, 600))
    for envs in batches:
        envs.reset(seed=0)
    for step in actions:
        ours, theirs = (envs.step(step)[0]["previous_action"] for envs in batches)
        assert np.array_equal(ours, theirs)


def test_a_single_environment_tells_it_too_and_others_do_not() -> None:
    env = make(LEVEL, previous_action=True)
    seen, _ = env.reset(seed=0)
    assert seen["previous_action"] == A
    seen = env.step(2)[0]
    assert seen["previous_action"] == 2
    assert env.observation_space.contains(seen)
    assert "previous_action" not in make(LEVEL).reset(seed=0)[0]


def test_a_simulator_that_does_not_tell_it_is_refused() -> None:
    family = find_family("groundling/RTFM-Simple-6x6-v0")
    with pytest.raises(ConfigurationError, match="does not tell which action was taken last"):
        family.check(WorldOptions(previous_action=True))
