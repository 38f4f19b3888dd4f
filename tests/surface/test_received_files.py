"""What somebody sends runs no code that the person neither names nor trusts."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
import reliability_received
from reliability_received import TRIALS, Trial, attempt, make_run, outcome_of

from groundling import trust
from groundling.cli import main
from groundling.errors import UntrustedCodeError
from groundling.own_code import import_place
from groundling.trust import command_line, is_permitted, name_code, note_received, permit, trusting_code


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("received") / "run"
    make_run(folder)
    return folder


@pytest.fixture(autouse=True)
def clean_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_STATE", trust._State())


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_received_code_is_named_and_not_run(trial: Trial, run: Path, tmp_path: Path) -> None:
    outcome = outcome_of(trial, *attempt(trial, run, tmp_path / "place"))
    assert not outcome.grade.failed, outcome.what


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_the_same_code_runs_where_it_is_trusted(trial: Trial, run: Path, tmp_path: Path) -> None:
    with contextlib.suppress(TypeError):  # the class that is named is none of the kind
        attempt(trial, run, tmp_path / "place", trusts=True)
    assert (tmp_path / "place" / reliability_received.MARK).exists()


def test_task_that_the_command_line_names_runs_without_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("class Task: pass")
    monkeypatch.chdir(tmp_path)
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        assert main(["train", "--task", "mine.py:Task"]) == 2
        assert main(["train", "--task=./mine.py:Task"]) == 2
    assert told.getvalue().count("mine.py:Task is the class Task, no environment") == 2


TRICKY = (
    *("evil.py:Own", "./evil.py:Own", "sub/../evil.py:Own", "we=ird.py:Own", "a?b&c.py:Own", "gym:evil.py:Own"),
    *("subprocess:run", "gym:subprocess:Env-v0", "os:system"),
)


@pytest.mark.parametrize("name", TRICKY)
def test_no_spelling_of_a_received_name_is_imported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    note_received({"deep": [{"task": name}]}, "sent/config.json")
    for start in (0, *(place + 1 for place, letter in enumerate(name) if letter == ":")):
        if ":" in name[start:]:
            with pytest.raises(UntrustedCodeError, match=r"^sent/config\.json names code: .* would be run"):
                import_place(name[start:])


def test_argument_that_happens_to_be_the_name_of_a_module_does_not_name_it() -> None:
    with command_line(["subprocess", "--suite", "os", "--policy", "mine:act"], trust_code=False):
        assert not is_permitted("subprocess", "subprocess:run")
        assert not is_permitted("os", "os:system")
        assert is_permitted("mine", "mine:act")
        assert not is_permitted("mine_too", "mine_too:act")


def test_interpreter_is_named_by_its_option_only() -> None:
    for words in (["--simulator-python", "/opt/python"], ["--task", "gym:A-v0?workers=1&python=/opt/python&size=8x8"]):
        with command_line(words, trust_code=False):
            assert is_permitted("/opt/python")
    with command_line(["evaluate", "/opt/python"], trust_code=False):
        assert not is_permitted("/opt/python")


def test_command_leaves_nothing_permitted_behind() -> None:
    note_received(["a.py:A", "b.py:B"], "sent")
    with command_line(["--task", "a.py:A"], trust_code=False):
        permit("a.py", "a.py:A")
        assert trust.has_run_code()
    with command_line(["b.py:B"], trust_code=True):
        permit("b.py", "b.py:B")
    assert not is_permitted("a.py", "a.py:A")
    assert not is_permitted("b.py", "b.py:B")
    assert not trust.has_run_code()


def test_in_python_a_name_of_ones_own_runs_and_so_does_what_a_trusted_file_names() -> None:
    assert is_permitted("mine.py", "mine.py:Task")
    note_received({"task": "mine.py:Task"}, "sent")
    assert not is_permitted("mine.py", "mine.py:Task")
    with trusting_code():
        assert is_permitted("mine.py", "mine.py:Task")
    assert not is_permitted("mine.py", "mine.py:Task")
    note_received({"task": "theirs.py:Task"}, "trusted", trust_code=True)
    assert is_permitted("theirs.py", "theirs.py:Task")
    name_code("mine.py:Task")
    assert is_permitted("mine.py", "mine.py:Other")


def test_processes_of_a_command_may_run_what_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    with command_line(["--task", "mine.py:Task"], trust_code=False):
        options, variables = trust.for_other_process()
    assert options == []
    monkeypatch.setenv(trust.NAMED_VARIABLE, variables[trust.NAMED_VARIABLE])
    with command_line(["train", "--config", "aside.json"], trust_code=False):
        assert is_permitted("mine.py", "mine.py:Task")
        assert not is_permitted("evil.py", "evil.py:Task")
    with command_line([], trust_code=True):
        assert trust.for_other_process()[0] == ["--trust-code"]
