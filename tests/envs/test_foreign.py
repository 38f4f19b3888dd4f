"""Environments of other packages: what agents are given of them, how they end, and what happens when they fail."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import foreign_envs
import numpy as np
import pytest

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs.catalog import find_family
from groundling.envs.families.foreign.family import ForeignFamily
from groundling.envs.simulators.errors import EngineError, EngineRestartError, MissingSimulatorError
from groundling.envs.simulators.foreign.host.rules import Rule
from groundling.envs.simulators.foreign.pool import ForeignPool, Source
from groundling.envs.simulators.foreign.vector import decode
from groundling.errors import ConfigurationError, TaskError
from groundling.interfaces import ACTION_MASK, CATEGORY, RGB, SYMBOLS, TOKENS

FILE = Path(foreign_envs.__file__)


def family(name: str = "make_lamp", **settings: str) -> ForeignFamily:
    told = "&".join(f"{key}={value}" for key, value in {"resets": "20", **settings}.items())
    found = find_family(f"{FILE}:{name}?{told}")
    assert isinstance(found, ForeignFamily)
    return found


def maker(name: str) -> dict[str, Any]:
    return {"kind": "place", "place": f"{FILE}:{name}"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))


def test_spaces_become_fields_and_texts_words() -> None:
    spec = family().spec
    kinds = {key: (part.kind, part.shape) for key, part in spec.observation.items()}
    assert kinds == {
        "view": (RGB, (4, 6, 3)),
        "count": (CATEGORY, ()),
        "inner.action_mask": (ACTION_MASK, (3,)),
        "instruction": (TOKENS, (10,)),
    }
    assert spec.observation["count"].size == 6
    assert spec.actions == ("red", "green", "blue")
    words = {"switch", "the", "lamp", "on", ",", "please", "!", *foreign_envs.COLORS}
    assert set(spec.vocabulary.words[2:]) == words


def test_episodes_are_those_of_the_environment_in_its_seeds_order() -> None:
    ours = family(success="info.won")
    envs = ours.open(ours.split("train"), 3, 0)
    seen, _ = envs.reset(seed=4)
    assert seen["view"].shape == (3, 4, 6, 3)
    assert [text.split()[2] in foreign_envs.COLORS for text in envs.instructions] == [True] * 3  # type: ignore[attr-defined]
    goals = [foreign_envs.COLORS.index(text.split()[2]) for text in envs.instructions]  # type: ignore[attr-defined]
    first = list(envs.instructions)  # type: ignore[attr-defined]
    wrong = np.array([(goal + 1) % 3 for goal in goals])
    for step in range(1, 5):
        seen, reward, terminated, truncated, info = envs.step(wrong)
        assert not (terminated | truncated).any()
        assert (seen["view"] == round(255 * step / 5)).all()
        assert seen["count"].tolist() == [step] * 3
        assert seen["inner.action_mask"].tolist() == [[1, 1, 1]] * 3
    goals[1] = wrong[1]
    seen, reward, terminated, truncated, info = envs.step(np.array([goals[0], wrong[1], wrong[2]]))
    assert terminated.all()  # so the environment says
    assert reward.tolist() == [1, 0, 0]
    assert info["final_info"]["success"].tolist() == [True, False, False]
    assert info["final_info"]["episode"]["l"].tolist() == [5] * 3
    assert info["final_info"]["episode"]["r"].tolist() == [1, 0, 0]
    assert info["final_obs"][0]["count"] == 5
    told = ours.spec.vocabulary.decode(info["final_obs"][2]["instruction"])
    assert told == first[2].lower()
    assert seen["count"].tolist() == [0] * 3
    envs.reset(seed=4)
    assert list(envs.instructions) == first  # type: ignore[attr-defined]
    envs.reset(seed=5)
    envs.close()


@pytest.mark.parametrize("reseeds", [True, False])
def test_later_episodes_have_seeds_of_their_own_unless_they_follow_from_the_first(reseeds: bool) -> None:
    lamp, goals = foreign_envs.Lamp(), []
    seeds = [11, 12, 13, 14, 15, 16]
    for number, seed in enumerate(seeds):
        lamp.reset(seed=seed if reseeds or not number else None)
        goals.append(lamp.goal)
    pool = ForeignPool({**maker("make_lamp"), "reseeds": reseeds, "options": {"limit": 1}}, 1)
    pool.map([Source("inner.told", "text", size=60)])
    pool.reset(np.array(seeds[:1]))
    told = []
    for following in [*seeds[1:], 0]:
        told.append(decode(pool.arrays["now:inner.told"][0]).split()[2])
        pool.arrays["next_seed"][0] = following
        pool.step(np.array([0]))
    assert told == [foreign_envs.COLORS[goal] for goal in goals]
    pool.close()


def test_splits_have_seeds_of_their_own() -> None:
    ours = family()
    texts = []
    for split in ("train", "seen"):
        envs = ours.open(split, 16, 0)
        envs.reset(seed=0)
        texts.append(tuple(envs.instructions))  # type: ignore[attr-defined]
        envs.close()
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("rules", "terminated", "success"),
    [
        ({}, True, None),
        ({"success": "reward"}, True, False),
        ({"truncated": "info.status==-1", "success": "info.won"}, False, False),
        ({"success": "length>=5"}, True, True),
    ],
)
def test_rules_tell_success_and_what_a_limit_is(rules: dict[str, str], terminated: bool, success: bool | None) -> None:
    ours = family(**rules)
    envs = ours.open("train", 1, 0)
    envs.reset(seed=0)
    goal = foreign_envs.COLORS.index(envs.instructions[0].split()[2])  # type: ignore[attr-defined]
    for _ in range(5):
        _, _, ends, cut, info = envs.step(np.array([(goal + 1) % 3]))
    assert (bool(ends[0]), bool(cut[0])) == (terminated, not terminated)
    told = info["final_info"].get("success")
    assert (None if told is None else bool(told[0])) is success
    envs.close()


@pytest.mark.parametrize(
    ("text", "told", "info", "holds"),
    [
        ("reward", {"reward": 0.5}, {}, True),
        ("reward", {"reward": 0.0}, {}, False),
        ("return>=10", {"return": 10.0}, {}, True),
        ("info.end_status==-1", {}, {"end_status": -1}, True),
        ("info.end_status==-1", {}, {}, False),
        ("info.a.b", {}, {"a": {"b": True}}, True),
        ("info.how==won", {}, {"how": "won"}, True),
        ("info.flag==True", {}, {"flag": False}, False),
    ],
)
def test_rule_holds_where_it_says(text: str, told: dict[str, Any], info: dict[str, Any], holds: bool) -> None:
    assert Rule(text)(told, info) is holds


@pytest.mark.parametrize("name", ["make_old", "OldLamp"])
def test_older_interface_is_understood(name: str) -> None:
    pool = ForeignPool(maker(name), 2, rules={"success": "info.won"})
    pool.map([Source("count", "array", (), "int64")])
    pool.reset(np.array([0, 1]))
    for _ in range(5):
        pool.step(np.array([0, 0]))
        if pool.arrays["terminated"].any():
            break
    assert (pool.arrays["terminated"] == (pool.arrays["reward"] > 0)).all()
    pool.close()


def test_settings_choose_what_is_used() -> None:
    spec = family(keep="view", size="8x9", length="3").spec
    assert set(spec.observation) == {"view", "instruction"}
    assert spec.observation["view"].shape == (8, 9, 3)
    assert spec.observation["instruction"].shape == (3,)
    assert family(**{"arg.limit": "3"}).spec.observation["count"].size == 4


def test_environment_without_a_text_is_told_what_is_said() -> None:
    ours = find_family("gym:CartPole-v1?say=hold the pole up")
    assert set(ours.spec.vocabulary.words[2:]) == {"hold", "the", "pole", "up"}
    assert ours.spec.observation["observation"].kind == "vector"
    envs = ours.open("train", 2, 0)
    envs.reset(seed=0)
    assert envs.instructions == ["hold the pole up"] * 2  # type: ignore[attr-defined]
    envs.close()
    assert find_family("gym:CartPole-v1").spec.vocabulary.words[2:] == ("play", "cartpole")


def test_level_as_minigrid_has_it() -> None:
    ours = find_family("gym:BabyAI-GoToObjS4-v0?resets=50")
    spec = ours.spec
    assert spec.observation["image"].kind == SYMBOLS
    assert spec.observation["direction"].size == 4
    assert spec.actions == ("left", "right", "forward", "pickup", "drop", "toggle", "done")
    envs = ours.open("train", 4, 0)
    envs.reset(seed=0)
    ends = []
    for _ in range(150):
        _, reward, terminated, truncated, info = envs.step(np.random.default_rng(0).integers(0, 3, 4))
        for row in np.flatnonzero(terminated | truncated):
            ends.append((reward[row] > 0, info["final_info"]["success"][row], truncated[row]))
    assert ends
    assert all(paid == success for paid, success, _ in ends)
    envs.close()


# Failures


def test_worker_that_dies_is_started_again_and_its_episodes_are_cut_off() -> None:
    pool = ForeignPool(maker("make_fatal"), 4, 2, restart_s=0.0)
    pool.map([Source("count", "array", (), "int64")])
    pool.reset(np.arange(4))
    processes = pool.processes()
    pool.step(np.zeros(4, dtype=np.int64))
    pool.step(np.array([2, 0, 0, 0]))
    assert pool.restarts == 1
    assert pool.arrays["truncated"].tolist() == [True, True, False, False]
    assert pool.arrays["final:count"][:2].tolist() == [1, 1]
    assert pool.arrays["now:count"].tolist() == [0, 0, 2, 2]
    assert pool.processes()[1] == processes[1]
    assert pool.processes()[0] != processes[0]
    pool.close()
    assert not any(Path(f"/proc/{process}").exists() for process in [*processes, *pool.processes()])


def test_worker_killed_at_any_moment_is_started_again_and_none_is_orphaned() -> None:
    pool = ForeignPool(maker("make_lamp"), 4, 2, restart_s=0.0)
    pool.map([Source("count", "array", (), "int64")])
    pool.reset(np.arange(4))
    every = set(pool.processes())
    for number in range(6):
        os.kill(pool.processes()[number % 2], signal.SIGKILL)
        if number % 3 == 0:
            time.sleep(0.02)
        for _ in range(3):
            pool.step(np.zeros(4, dtype=np.int64))
        every |= set(pool.processes())
    assert pool.restarts == 6
    assert len(every) == 8
    pool.close()
    assert not any(Path(f"/proc/{process}").exists() for process in every)


def test_worker_that_fails_again_too_soon_ends_the_run_with_its_last_words() -> None:
    pool = ForeignPool(maker("make_fatal"), 2, 1)
    pool.map([])
    pool.reset(np.array([1, 1]))
    for _ in range(3):
        pool.step(np.array([2, 2]))
    with pytest.raises(EngineRestartError, match=r"(?s)died \(exit code 7\); it wrote:\nthe last words.*than 60 s"):
        pool.step(np.array([2, 2]))
    pool.close()


def test_worker_that_hangs_is_ended() -> None:
    pool = ForeignPool(maker("make_hanging"), 1, answer_s=0.5, restart_s=0.0)
    pool.map([])
    pool.reset(np.array([0]))
    for _ in range(2):
        pool.step(np.array([2]))
    assert pool.restarts == 1
    assert pool.arrays["truncated"].tolist() == [True]
    pool.close()


def test_error_of_an_environment_is_told_with_its_line() -> None:
    pool = ForeignPool(maker("make_raising"), 1)
    pool.map([])
    pool.reset(np.array([0]))
    pool.step(np.array([2]))
    with pytest.raises(EngineError, match=r"RuntimeError: this lamp is broken \(.*foreign_envs.py, line \d+\)"):
        pool.step(np.array([2]))
    pool.close()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("make_two_texts", {}, "has several texts, one, two: choose the instruction by text=KEY"),
        (
            "make_lamp",
            {"text": "mission"},
            "no 'mission' to read: it has count, inner.action_mask, inner.told, view",
        ),
        ("make_lamp", {"keep": "picture"}, "the observation has no 'picture'; it has count, inner.action_mask, view"),
        ("make_unreadable", {}, "nothing of this observation can be given to an agent: numbers: no agent reads a"),
        (
            "make_with_box_actions",
            {},
            "an agent acts by Discrete actions from 0, this environment by a Box [2] of float32 from -1 to 1",
        ),
        ("make_lamp", {"symbols": "view"}, "symbols are one key [H, W, 3]"),
    ],
)
def test_what_cannot_be_adapted_is_said_with_what_was_found(name: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        _ = family(name, **settings).spec


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sucess": "reward"}, "have no setting 'sucess': choose one of text, say"),
        ({"success": "rewards"}, "success: a rule is NAME or NAME==VALUE"),
        ({"size": "84"}, "the size of pictures is HEIGHTxWIDTH"),
        ({"workers": "0"}, "workers is a number from 1"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        family(**settings)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(EngineError, match="Nowhere-v0"):
        _ = find_family("gym:Nowhere-v0").spec
    with pytest.raises(EngineError, match="gave a int, which is no environment"):
        _ = family("make_nothing").spec
    with pytest.raises(EngineError, match="the Python interpreter /no/python cannot be started"):
        _ = find_family("gym:CartPole-v1?python=/no/python").spec
    with pytest.raises(MissingSimulatorError, match=r"pip install 'groundling\[miniworld\]'"):
        _ = find_family(f"gym:MiniWorld-Hallway-v0?python={sys.executable}").spec


def test_words_are_learned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = family().spec.vocabulary
    monkeypatch.setattr("groundling.envs.families.foreign.family.learn_words", None)
    assert family().spec.vocabulary == first


def test_pictures_are_the_environments_own() -> None:
    ours = family()
    envs = ours.open("train", 2, 0, render_mode="rgb_array")
    envs.reset(seed=0)
    envs.step(np.array([0, 0]))
    pictures = envs.render()
    assert pictures is not None
    assert [picture.shape for picture in pictures] == [(8, 8, 3)] * 2
    envs.close()


def test_text_of_a_terminal_is_drawn() -> None:
    envs = family("Terminal").open("train", 1, 0, render_mode="rgb_array")
    envs.reset(seed=0)
    begun = envs.render()
    envs.step(np.array([(foreign_envs.COLORS.index(envs.instructions[0].split()[2]) + 1) % 3]))  # type: ignore[attr-defined]
    went_on = envs.render()
    assert begun is not None
    assert went_on is not None
    assert begun[0].shape == (336, 640, 3)
    lit = [picture[0].any(axis=-1) for picture in (begun, went_on)]
    assert not lit[0][:28].any()  # no line but the third, and no codes of colors
    assert lit[0][28:42, :8].any()
    assert lit[1][:14, :8].any()
    assert not lit[1][:14, 10:].any()
    envs.close()


def test_environments_run_in_the_python_that_is_named(tmp_path: Path) -> None:
    from groundling.training import TrainConfig
    from groundling.training.tasks import families

    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntouch {tmp_path}/was_started\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (ours,) = families(TrainConfig(task="gym:CartPole-v1", simulator_python=str(python)))
    assert ours.spec.num_actions == 2
    assert (tmp_path / "was_started").exists()
    assert ours.reference == "gym:CartPole-v1"
    file = tmp_path / "elsewhere.py"  # what only the other Python has is imported there
    file.write_text(
        "import sys\nif 'groundling' in sys.modules: import no_such_module\n"
        "import gymnasium\ndef make_env(): return gymnasium.make('CartPole-v1')\n"
    )
    (ours,) = families(TrainConfig(task=f"{file}:make_env", simulator_python=str(python)))
    assert ours.spec.num_actions == 2
    with pytest.raises(TaskError, match="no_such_module"):
        families(TrainConfig(task=f"{file}:make_env"))
    with pytest.raises(ConfigurationError, match="BabyAI-GoToLocal-v0 is run by Groundling itself: leave it out"):
        families(TrainConfig(task="BabyAI-GoToLocal-v0", simulator_python=str(python)))


def test_agent_that_sees_nothing_there_is_told_which_vision_would() -> None:
    with pytest.raises(ConfigurationError, match=r"choose a vision that reads one of them \(--agent.vision vector"):
        ActorCritic(AgentConfig(), find_family("gym:CartPole-v1").spec)
