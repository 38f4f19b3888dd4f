"""Environments of real packages behind the adapter: Atari, EnvPool, NetHack and MiniWorld, where they are installed.

The last two are looked for in the Pythons that GROUNDLING_NETHACK_PYTHON and GROUNDLING_MINIWORLD_PYTHON name, too.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundling.envs.catalog import find_family
from groundling.envs.families.foreign.packages import package_of
from groundling.envs.simulators.errors import EngineError, MissingSimulatorError
from groundling.envs.simulators.foreign.adaptation import text_source
from groundling.envs.simulators.foreign.host.making import maker_of
from groundling.envs.simulators.foreign.host.rules import Rule
from groundling.errors import ConfigurationError
from groundling.interfaces import RGB, SYMBOLS, TOKENS


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))


def python_with(module: str, variable: str) -> str:
    """The Python that has a module; the test is skipped where there is none."""
    if importlib.util.find_spec(module) is not None:
        return sys.executable
    python = os.environ.get(variable, "")
    if not python:
        pytest.skip(f"{module} is not installed, and {variable} names no Python that has it")
    return python


# Rules and variables, which need no package


class Memory:
    """An environment in a wrapper, with a memory that a function reads."""

    class Console:
        def cells(self) -> Any:
            return np.array([0, 7])

    def __init__(self) -> None:
        self.console = self.Console()
        self.unwrapped = self


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("env.console.cells.1>=7", True),
        ("env.console.cells.1>7", False),
        ("env.console.cells.0", False),
        ("env.console.cells.2>=0", False),  # not there
        ("env.nothing.at.all", False),
    ],
)
def test_rule_looks_into_the_environment(text: str, holds: bool) -> None:
    class Wrapper:
        unwrapped = Memory()

    assert Rule(text)({}, {}, Wrapper()) is holds


def made_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **environment: str) -> str:
    """The value of a variable when an environment is made."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TEST_DRAWS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    place = tmp_path / "drawn.py"
    place.write_text(
        "import os\n"
        "class Drawn:\n"
        "    def __init__(self): self.how = os.environ.get('TEST_DRAWS', '')\n"
        "    def reset(self): pass\n"
        "    def step(self, action): pass\n"
    )
    maker = {"kind": "place", "place": f"{place}:Drawn", "without_display": {"TEST_DRAWS": "offscreen"}}
    return str(maker_of(maker)[0](None).how)


def test_variables_for_drawing_are_set_where_there_is_no_display_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert made_with(monkeypatch, tmp_path) == "offscreen"
    assert made_with(monkeypatch, tmp_path, DISPLAY=":0") == ""
    assert made_with(monkeypatch, tmp_path, TEST_DRAWS="mine") == "mine"


def test_what_is_usual_for_a_package_is_found_by_the_id() -> None:
    assert package_of("MiniHack-Room-5x5-v0").settings["symbols"] == "chars_crop,colors_crop,specials_crop"
    assert package_of("NetHackScore-v0").settings["symbols"] == "chars,colors,specials"
    assert package_of("MiniWorld-OneRoom-v0").without_display == {"PYGLET_HEADLESS": "1"}


# EnvPool


@pytest.fixture
def envpool() -> Any:
    return pytest.importorskip("envpool", reason="EnvPool is not installed (groundling[envpool])")


def test_envpool_level_has_the_fields_of_minigrids(envpool: Any) -> None:
    ours = find_family("envpool:BabyAI-GoToObjS4-v0?resets=64").spec
    theirs = find_family("gym:BabyAI-GoToObjS4-v0?resets=64").spec
    assert ours.actions == theirs.actions
    assert set(ours.observation) == set(theirs.observation)
    for key in ("image", "direction"):
        assert ours.observation[key] == theirs.observation[key]
    assert set(ours.vocabulary.words) == set(theirs.vocabulary.words)


def test_envpool_steps_are_envpools_own_but_for_the_next_episode(envpool: Any) -> None:
    from groundling.envs.simulators.foreign.envpool import EnvPoolSource
    from groundling.envs.simulators.foreign.pool import Source

    seeds = np.array([3, 4, 5])
    source = EnvPoolSource("BabyAI-GoToObjS4-v0", 3, rules={"success": "reward"})
    source.map([Source("image", "array", (7, 7, 3)), text_source("mission")])
    source.reset(seeds)
    plain = envpool.make_gymnasium("BabyAI-GoToObjS4-v0", num_envs=3, env_seed=seeds.tolist(), num_threads=1)
    seen, _ = plain.reset()
    draw, arrays, ends = np.random.default_rng(0), source.arrays, 0
    for _ in range(150):
        assert (arrays["now:image"] == seen["image"]).all()
        for row in range(3):
            text = bytes(seen["mission"][row]).split(b"\0")[0]
            assert int(arrays["now:mission"][row, :4].view("<u4")[0]) == len(text)
            assert bytes(arrays["now:mission"][row, 4 : 4 + len(text)]) == text
        actions = draw.integers(0, 3, 3)
        source.step(actions)
        seen, reward, terminated, truncated, _ = plain.step(actions.astype(np.int32))
        ended = np.flatnonzero(terminated | truncated).astype(np.int32)
        assert (arrays["reward"] == reward).all()
        assert (arrays["terminated"] == terminated).all()
        assert (arrays["truncated"] == truncated).all()
        assert (arrays["success"] == np.where(terminated | truncated, reward > 0, -1)).all()
        if len(ended):
            ends += len(ended)
            assert (arrays["final:image"][ended] == seen["image"][ended]).all()
            first, _ = plain.reset(ended)
            seen = {key: np.array(seen[key]) for key in ("image", "mission")}
            for key, value in seen.items():
                value[ended] = first[key]
    assert ends >= 3
    plain.close()
    source.close()


def test_envpool_rules_end_episodes_and_count_steps_from_their_beginning(envpool: Any) -> None:
    ours = find_family("envpool:BabyAI-GoToObjS4-v0?resets=16&terminated=length>=3&success=info.elapsed_step==3")
    envs = ours.open("train", 2, 0)
    envs.reset(seed=0)
    for step in range(1, 10):
        _, _, terminated, _, info = envs.step(np.full(2, 6))
        assert terminated.tolist() == [step % 3 == 0] * 2
        if step % 3 == 0:
            assert info["final_info"]["success"].all()
            assert info["final_info"]["episode"]["l"].tolist() == [3, 3]
    envs.close()


def test_envpool_episodes_are_those_of_seed_and_split(envpool: Any) -> None:
    ours = find_family("envpool:BabyAI-GoToLocal-v0?resets=64")
    found = {}
    for name, split, seed in (("a", "train", 0), ("b", "train", 0), ("c", "train", 1), ("d", "seen", 0)):
        envs = ours.open(split, 8, 7)
        seen, _ = envs.reset(seed=seed)
        found[name] = (tuple(envs.instructions), seen["image"].tobytes())  # type: ignore[attr-defined]
        envs.close()
    assert found["a"] == found["b"]
    assert len({found[name] for name in "acd"}) == 3


def test_envpool_episodes_are_chosen_by_their_texts(envpool: Any) -> None:
    ours = find_family("envpool:BabyAI-GoToObj-v0?resets=128&terminated=length>=2&held_out=red,blue ball")
    for split, is_held in (("combination", True), ("train", False)):
        envs = ours.open(ours.split(split), 8, 0)
        envs.reset(seed=0)
        for _ in range(6):
            for text in envs.instructions:  # type: ignore[attr-defined]
                assert (" red " in text or "blue ball" in text) is is_held
            envs.step(np.full(8, 6))
        envs.close()


def test_envpool_pictures_are_its_own(envpool: Any) -> None:
    ours = find_family("envpool:BabyAI-GoToObjS4-v0?resets=16")
    envs = ours.open("train", 2, 0, render_mode="rgb_array")
    envs.reset(seed=0)
    pictures = envs.render()
    assert pictures is not None
    assert len(pictures) == 2
    assert all(picture.ndim == 3 and picture.std() > 0 for picture in pictures)
    envs.close()


@pytest.mark.parametrize(
    ("id", "error", "message"),
    [
        ("envpool:Nowhere-v0", EngineError, "EnvPool cannot make Nowhere-v0: Nowhere-v0 is not supported"),
        ("envpool:BabyAI-GoToLocal-v0?arg.nope=1", EngineError, "unexpected keyword argument 'nope'"),
        ("envpool:BabyAI-GoToLocal-v0?python=/a/python", ConfigurationError, "leave out --simulator-python"),
    ],
)
def test_what_envpool_cannot_do_is_said(envpool: Any, id: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _ = find_family(id).spec


def test_missing_envpool_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "envpool", None)
    with pytest.raises(MissingSimulatorError, match=r"pip install 'groundling\[envpool\]'"):
        _ = find_family("envpool:BabyAI-GoToLocal-v0").spec


# Atari


def test_atari_game_has_pictures_a_manual_and_goals_in_its_memory() -> None:
    pytest.importorskip("ale_py", reason="ale-py is not installed (groundling[atari])")
    rules = "terminated=length>=4&success=env.ale.getRAM.0>=0&arg.frameskip=2"
    ours = find_family(f"gym:ALE/Freeway-v5?say=cross the road, mind the cars&{rules}")
    assert ours.spec.observation["observation"].kind == RGB
    assert ours.spec.observation["observation"].shape == (84, 84, 3)
    assert ours.spec.actions == ("noop", "up", "down")
    envs = ours.open("train", 1, 0)
    seen, _ = envs.reset(seed=0)
    assert seen["observation"].std() > 10
    assert ours.spec.vocabulary.decode(seen["instruction"][0]) == "cross the road, mind the cars"
    for step in range(1, 5):
        _, _, terminated, _, info = envs.step(np.array([1]))
        assert terminated.tolist() == [step == 4]
    assert info["final_info"]["success"].tolist() == [True]
    envs.close()


# NetHack and MiniWorld


def test_minihack_room_has_symbols_messages_and_a_limit_that_cuts_off() -> None:
    python = python_with("minihack", "GROUNDLING_NETHACK_PYTHON")
    ours = find_family(f"gym:MiniHack-Room-5x5-v0?python={python}&resets=8&workers=1&arg.max_episode_steps=5")
    parts = ours.spec.observation
    assert (parts["symbols"].kind, parts["symbols"].shape) == (SYMBOLS, (9, 9, 3))
    assert parts["instruction"].kind == TOKENS
    assert ours.spec.actions == ("n", "e", "s", "w", "ne", "se", "sw", "nw")
    envs = ours.open("train", 4, 0)
    seen, _ = envs.reset(seed=0)
    assert (seen["symbols"][..., 0] == ord("@")).sum(axis=(1, 2)).tolist() == [1] * 4
    assert envs.instructions[0].startswith("Hello")  # type: ignore[attr-defined]
    ends = []
    for _ in range(40):
        _, reward, terminated, truncated, info = envs.step(np.random.default_rng(0).integers(0, 8, 4))
        for row in np.flatnonzero(terminated | truncated):
            length = info["final_info"]["episode"]["l"][row]
            ends.append((bool(truncated[row]), bool(info["final_info"]["success"][row]), reward[row] > 0, length))
    assert any(cut for cut, *_ in ends)
    assert all(success == paid and cut != success for cut, success, paid, _ in ends)
    envs.close()


def test_miniworld_is_drawn_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    python = python_with("miniworld", "GROUNDLING_MINIWORLD_PYTHON")
    monkeypatch.delenv("DISPLAY", raising=False)
    ours = find_family(f"gym:MiniWorld-OneRoomS6Fast-v0?python={python}&say=go to the red box&workers=1")
    assert ours.spec.observation["observation"].kind == RGB
    assert ours.spec.actions == ("turn_left", "turn_right", "move_forward")
    envs = ours.open("train", 2, 0)
    first, _ = envs.reset(seed=0)
    assert first["observation"].std() > 5
    seen, *_ = envs.step(np.array([0, 0]))
    assert (seen["observation"] != first["observation"]).any()
    envs.close()
