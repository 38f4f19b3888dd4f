"""The manual as a sense: whole and the same throughout an episode, under every body, in every interface."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from groundling.envs import build_bank, make, make_vec
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.banks.sources import find_source
from groundling.envs.catalog import find_family
from groundling.envs.families.banked import embodiment_of
from groundling.envs.first_person import Camera
from groundling.envs.texts import documents_of
from groundling.errors import ConfigurationError
from groundling.interfaces import DOCUMENT

TASK = "groundling/ReadBeacons-v0"
BODIES: list[dict[str, Any]] = [
    {"body": "grid"},
    {"body": "grid", "top_down_pixels": 4},
    {"body": "rover", "camera": Camera(width=16, height=12)},
]


@pytest.fixture(scope="module")
def bank():
    return build_bank(TASK, 24, cache=False, progress=False)


def decoded(envs, manual) -> tuple[str, ...]:
    return tuple(envs.embodiment.vocabulary.decode(line) for line in manual if line.any())


@pytest.mark.parametrize("options", BODIES)
@pytest.mark.parametrize("copy", [True, False])
def test_manual_is_the_episodes_own_until_it_ends(bank, options, copy) -> None:
    envs = make_vec(bank=bank, num_envs=6, seed=3, copy=copy, **options)
    observation, _ = envs.reset()
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(160):
        rows = envs.worlds.state.episode.copy()
        told = envs.manuals
        assert told == tuple(bank.manual(row) for row in rows)
        assert [decoded(envs, manual) for manual in observation["manual"]] == list(told)
        assert documents_of(observation, envs.agent_spec) == list(told)
        assert envs.observation_space.contains(observation)
        observation, _, terminated, truncated, info = envs.step(
            rng.choice([0, 1, 2, 6], p=(0.3, 0.3, 0.35, 0.05), size=6)
        )
        for row in np.flatnonzero(terminated | truncated):
            assert decoded(envs, info["final_obs"][row]["manual"]) == bank.manual(rows[row])
            ended += 1
    assert ended > 3


def test_field_is_a_document_of_the_tasks_words() -> None:
    family = find_family(TASK)
    part = family.spec.observation["manual"]
    assert (part.kind, part.shape, part.dtype, part.size) == (DOCUMENT, (8, 12), "int32", len(family.spec.vocabulary))
    assert "dax" in family.spec.vocabulary
    assert make_vec(TASK, 2, bank_size=4, cache=False, progress=False).agent_spec == family.spec


def test_tasks_without_manuals_have_no_such_sense() -> None:
    envs = make_vec("groundling/RoomGoTo-v0", 2, bank_size=4, cache=False, progress=False)
    observation, _ = envs.reset()
    assert "manual" not in observation
    assert envs.manuals == ((), ())
    assert envs.embodiment.manual_space is None


@pytest.mark.parametrize("options", [BODIES[0], BODIES[2]])
def test_a_single_environment_tells_the_manual_of_the_seed(options) -> None:
    env = make(TASK, **options)
    observation, info = env.reset(seed=5)
    expected = find_source(TASK).sample(5).manual
    assert info["manual_text"] == env.manual == expected
    assert decoded(env, observation["manual"]) == expected
    assert env.observation_space.contains(observation)
    after, _, _, _, info = env.step(0)
    assert np.array_equal(after["manual"], observation["manual"])
    assert info["manual_text"] == expected


def test_gymnasium_makes_it() -> None:
    env = gymnasium.make(TASK)
    observation, _ = env.reset(seed=1)
    assert observation["manual"].shape == (8, 12)
    assert "manual_text" not in gymnasium.make("groundling/RoomGoTo-v0").reset(seed=1)[1]


def test_a_saved_state_goes_on_with_the_same_manuals(bank) -> None:
    envs = make_vec(bank=bank, num_envs=4, seed=1)
    before, _ = envs.reset()
    saved = envs.state_dict()
    for _ in range(50):
        envs.step(np.full(4, 6))
    assert np.array_equal(envs.load_state_dict(saved)["manual"], before["manual"])


def test_other_words_in_a_larger_vocabulary_are_the_same_sentences(bank) -> None:
    spec = find_family(TASK).spec
    words = type(spec.vocabulary).of(["zebra", *reversed(spec.vocabulary.words[2:])])
    for row in (0, 7):
        encoded = bank.encoded(words).manuals
        lines = encoded.tokens[encoded.rows[row]]
        assert tuple(words.decode(line) for line in lines if line.any()) == bank.manual(row)


def test_tasks_with_and_without_manuals_are_not_played_side_by_side() -> None:
    with pytest.raises(ConfigurationError, match="train on them apart"):
        embodiment_of([find_family(TASK), find_family("groundling/RoomGoTo-v0")])


def test_a_mixture_of_instructions_keeps_each_episodes_manual(bank) -> None:
    mixture = TaskMixture.of([bank]).by_instruction()
    told = {(mixture.bank.instruction(row), mixture.bank.manual(row)) for row in range(len(bank))}
    assert told == {(bank.instruction(row), bank.manual(row)) for row in range(len(bank))}
