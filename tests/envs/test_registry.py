"""Ids: every single-clause BabyAI level under both of its names, and errors that name the nearest."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys

import gymnasium
import pytest
from minigrid.envs.babyai.core import verifier

import groundling
from groundling.envs import GroundlingEnv, make, make_vec
from groundling.envs.levels import SEQUENCE_LEVELS, minigrid_levels
from groundling.envs.registry import level_of
from groundling.errors import UnknownEnvironmentError, UnsupportedLevelError


def test_both_forms_of_an_id_are_the_same_level() -> None:
    assert level_of("groundling/GoToLocal-v0") == level_of("BabyAI-GoToLocal-v0") == "BabyAI-GoToLocal-v0"
    short, long = make("groundling/GoToLocal-v0"), make("BabyAI-GoToLocal-v0")
    assert short.level == long.level
    assert short.reset(seed=1)[1] == long.reset(seed=1)[1]
    batch = make_vec("groundling/GoToObjS4-v0", num_envs=2, bank_size=8, progress=False)
    assert batch.bank.level == "BabyAI-GoToObjS4-v0"


def test_every_level_is_registered_with_gymnasium() -> None:
    levels = minigrid_levels()
    assert len(levels) == len(set(levels)) > 70
    ours = {id for id in gymnasium.registry if id.startswith("groundling/")}
    assert ours == {f"groundling/{level.removeprefix('BabyAI-')}" for level in levels}
    env = gymnasium.make("groundling/OpenDoor-v0", split="train").unwrapped
    assert isinstance(env, GroundlingEnv)
    assert (env.level, env.split.name) == ("BabyAI-OpenDoor-v0", "train")


def test_registering_twice_does_no_harm() -> None:
    before = dict(gymnasium.registry)
    groundling.register_environments()
    assert dict(gymnasium.registry) == before


@pytest.mark.parametrize(
    ("id", "nearest"),
    [
        ("BabyAI-GoToLokal-v0", "BabyAI-GoToLocal-v0"),
        ("groundling/PikupLoc-v0", "BabyAI-PickupLoc-v0"),
        ("gotolocal", "BabyAI-GoToLocal-v0"),
    ],
)
def test_unknown_id_is_refused_and_the_nearest_are_named(id: str, nearest: str) -> None:
    for ask in (level_of, make, make_vec):
        with pytest.raises(UnknownEnvironmentError, match=nearest) as caught:
            ask(id)
        assert repr(id) in str(caught.value)
        assert not str(caught.value).startswith('"'), "a sentence, not the repr that KeyError prints"
    assert isinstance(caught.value, KeyError)


def test_hopeless_id_is_refused_without_a_guess() -> None:
    with pytest.raises(UnknownEnvironmentError) as caught:
        make("zzzzzzzz")
    assert "nearest" not in str(caught.value)
    assert "groundling tasks" in str(caught.value)


@pytest.mark.parametrize("id", ["BabyAI-GoToSeq-v0", "groundling/BossLevel-v0"])
def test_level_of_several_clauses_is_refused(id: str) -> None:
    for ask in (make, make_vec):
        with pytest.raises(UnsupportedLevelError, match="several clauses"):
            ask(id)


@pytest.mark.parametrize("id", ["CartPole-v1", "MiniGrid-Empty-5x5-v0"])
def test_environment_of_another_kind_is_refused(id: str) -> None:
    with pytest.raises(UnsupportedLevelError, match="is not a BabyAI level"):
        make(id)


def test_levels_called_sequences_are_those_that_generate_sequences() -> None:
    generating = set()
    for id in [*minigrid_levels(), *SEQUENCE_LEVELS]:
        with contextlib.redirect_stdout(io.StringIO()):
            env = gymnasium.make(id, disable_env_checker=True).unwrapped
            env.gen_obs = lambda: None  # the pictures cost most of a reset
            for seed in range(30):
                env.reset(seed=seed)
                if isinstance(env.instrs, verifier.SeqInstr):
                    generating.add(id)
                    break
    assert generating == SEQUENCE_LEVELS


@pytest.mark.parametrize("module", ["groundling", "groundling.envs", "groundling.language"])
def test_importing_worlds_and_words_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in ('torch', 'numba') if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["numba"]
