"""MiniGrid levels of a user's own: every spelling finds them, and their banks follow all that they depend on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from groundling.cli import main
from groundling.envs import build_bank
from groundling.envs.banks.sources import find_source
from groundling.envs.catalog import find_family
from groundling.envs.families.babyai.levels import MiniGridLevel
from groundling.envs.families.foreign.family import ForeignFamily
from groundling.errors import TaskError, UnknownEnvironmentError

LEVELS = """
import gymnasium
from minigrid.core.mission import MissionSpace
from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel
from minigrid.envs.babyai.core.verifier import GoToInstr, ObjDesc, PickupInstr
from minigrid.minigrid_env import MiniGridEnv

THINGS = {things}


class Near(RoomGridLevel):
    def __init__(self, room_size=6, **settings):
        super().__init__(num_rows=1, num_cols=1, room_size=room_size, **settings)

    def gen_mission(self):
        self.place_agent()
        things = self.add_distractors(num_distractors=THINGS, all_unique=True)
        self.check_objs_reachable()
        self.instrs = {verb}(ObjDesc(things[0].type, things[0].color))


class Greet(GoToInstr):
    def surface(self, env):
        return "greet " + self.desc.surface(env)


class Greeting(Near):
    def gen_mission(self):
        super().gen_mission()
        self.instrs = Greet(self.instrs.desc)


class SometimesBlue(Near):
    def gen_mission(self):
        super().gen_mission()
        if self._rand_bool():
            self.instrs = Greet(self.instrs.desc)


class WideView(Near):
    def __init__(self, **settings):
        super().__init__(agent_view_size=9, **settings)


class Slow(Near):
    def step(self, action):
        return super().step(action)


class TwoMissions(MiniGridEnv):
    pass


gymnasium.register("OwnTest-Near-v0", entry_point=Near)
gymnasium.register("OwnTest-Large-v0", entry_point="{module}:Near", kwargs={{"room_size": 9}})
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of levels that is a module as well, and the registry as it was before afterwards."""
    file = tmp_path / f"levels_{tmp_path.name.replace('-', '_')}.py"
    file.write_text(LEVELS.format(things=3, verb="GoToInstr", module=file.stem))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    before = dict(gymnasium.registry)
    yield file
    gymnasium.registry.clear()
    gymnasium.registry.update(before)
    sys.modules.pop(file.stem, None)


def test_every_spelling_finds_the_level(module: Path) -> None:
    name = module.stem
    with pytest.raises(UnknownEnvironmentError):
        find_family("OwnTest-Near-v0")
    family = find_family(f"{name}:OwnTest-Near-v0")
    assert (family.id, family.reference) == ("OwnTest-Near-v0", f"{name}:OwnTest-Near-v0")
    again = find_family("OwnTest-Near-v0")  # it is registered now
    assert again.source == family.source  # type: ignore[attr-defined]
    assert again.reference == f"{name}:OwnTest-Near-v0"
    assert find_family("OwnTest-Large-v0").reference == f"{name}:OwnTest-Large-v0"
    assert find_source("OwnTest-Large-v0").setting("room_size") == 9
    assert find_family(f"{name}:Near").id == f"{name}/Near"
    for id in ("OwnTest-Near-v0", "OwnTest-Large-v0"):  # the file registers them again
        del gymnasium.registry[id]
    by_file = find_family(f"{module}:Near")
    assert (by_file.id, by_file.reference) == (f"{name}/Near", f"{module}:Near")
    assert by_file.example() == family.example()
    with pytest.raises(UnknownEnvironmentError, match="was imported, but registers no 'OwnTest-Far-v0'"):
        find_family(f"{name}:OwnTest-Far-v0")
    with pytest.raises(TaskError, match="no_such_module"):
        find_family("no_such_module:OwnTest-Near-v0")


def test_level_of_several_missions_is_run_as_it_is_with_a_true_reason(
    module: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = find_family(f"{module}:TwoMissions")
    assert isinstance(found, ForeignFamily)
    assert found.settings.success == "reward"  # as in MiniGrid's own
    (warning,) = caplog.messages
    assert "is run as it is" in warning
    assert "what TwoMissions asks for stands in its own code" in warning
    assert "never varies" not in warning
    assert "self.instrs" in warning


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Greeting", "Greet is no instruction of BabyAI's"),
        ("SometimesBlue", "Greet is no instruction of BabyAI's"),
        ("WideView", "a view of 9 tiles; 7 are compiled"),
        ("Slow", "Slow changes MiniGrid's step, not the kernels"),
    ],
)
def test_level_whose_rules_or_sentences_are_its_own_is_run_as_it_is(
    module: Path, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    for _ in range(2):
        assert isinstance(find_family(f"{module}:{name}"), ForeignFamily)
    (warning,) = caplog.messages  # told once
    assert warning.startswith(f"{module}:{name} is run as it is")
    assert reason in warning


def test_level_that_is_compiled_is_said_to_be_and_can_be_run_as_it_is(
    module: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "groundling"):
        assert not isinstance(find_family(f"{module}:Near"), ForeignFamily)
    assert caplog.messages == [f"{module.stem}/Near is compiled: its rules are MiniGrid's, and its sentences are read"]
    adapted = find_family(f"gym:{module}:Near?resets=8&workers=1&success=reward")
    assert isinstance(adapted, ForeignFamily)
    assert adapted.spec.actions == ("left", "right", "forward", "pickup", "drop", "toggle", "done")


def test_reference_finds_it_in_another_process(module: Path) -> None:
    reference = find_family(f"{module.stem}:OwnTest-Large-v0").reference
    code = (
        f"from groundling.envs.banks.sources import find_source\nprint(find_source({reference!r}).setting('room_size'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "9"


def test_class_of_a_function_has_no_reference() -> None:
    base: Any = MiniGridLevel("BabyAI-GoToLocal-v0").generator

    class Here(base):  # type: ignore[misc]
        pass

    gymnasium.register("OwnTest-Here-v0", entry_point=Here)
    try:
        assert find_family("OwnTest-Here-v0").reference == ""
    finally:
        del gymnasium.registry["OwnTest-Here-v0"]


def test_edited_file_is_another_level(module: Path) -> None:
    level = find_source(f"{module}:Near")
    before = level.fingerprint()
    assert level.fingerprint() == before
    module.write_text(LEVELS.format(things=8, verb="GoToInstr", module=module.stem))
    assert level.fingerprint() != before


def test_id_that_is_registered_again_is_another_level() -> None:
    def level(things: int, verb: str) -> Any:
        space: dict[str, Any] = {"__name__": "__main__"}
        body = LEVELS.format(things=things, verb=verb, module="nowhere").partition("class TwoMissions")[0]
        exec(body, space)
        return space["Near"]

    found = {}
    for things, verb in ((3, "GoToInstr"), (5, "GoToInstr"), (3, "PickupInstr"), (3, "GoToInstr")):
        gymnasium.register("OwnTest-Again-v0", entry_point=level(things, verb))
        try:
            source = find_source("OwnTest-Again-v0")
            bank = build_bank(source, 4, progress=False)
        finally:
            del gymnasium.registry["OwnTest-Again-v0"]
        assert bank.contents.shape[1] == things
        assert bank.instructions[0].startswith("go to" if verb == "GoToInstr" else "pick up")
        found.setdefault((things, verb), set()).add(source.fingerprint())
    assert [len(prints) for prints in found.values()] == [1, 1, 1]
    assert len(set.union(*found.values())) == 3, "also a constant of the prompt is part of it"


def test_command_records_demonstrations_of_it(module: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = module.parent / "near.demos"
    words = ["demos", f"{module}:Near", "--episodes", "8", "--num-envs", "4", "--output", str(output)]
    assert main(words) == 0
    assert "recorded 8 demonstrations" in capsys.readouterr().out
