"""Processes of our own modules import what this one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from groundling.processes import LIFELINE, ChildCommand, follow_parent, module_command, stop_all


def test_another_checkout_in_the_current_folder_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "groundling").mkdir()
    (tmp_path / "groundling" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    command, environment = module_command("groundling", "--version")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_modules_of_the_current_folder_are_found_where_this_process_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told.py").write_text("print('found')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as in an interactive session
    command, environment = module_command("told")
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "found\n"


def test_child_ends_when_its_parent_does_however_that_ends() -> None:
    program = (
        "import sys, time; from groundling.processes import follow_parent; follow_parent(); print(1); time.sleep(600)"
    )
    ours, theirs = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        env={**os.environ, LIFELINE: str(ours)},
        pass_fds=[ours],
        stdout=subprocess.PIPE,
    ) as child:
        os.close(ours)
        assert child.stdout is not None
        assert child.stdout.readline() == b"1\n"
        assert child.poll() is None
        os.close(theirs)  # as the system does when a process is killed
        assert child.wait(60) == -signal.SIGTERM


def test_process_that_nobody_started_follows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.active_count()
    monkeypatch.delenv(LIFELINE, raising=False)
    follow_parent()
    monkeypatch.setenv(LIFELINE, "x")
    follow_parent()
    assert threading.active_count() == before
    assert LIFELINE not in os.environ, "or a process of this one's would follow it"


def test_command_that_is_stopped_is_gone_and_says_how_it_ended(tmp_path: Path) -> None:
    child = ChildCommand(("--version",), tmp_path / "log")
    assert child.wait() == 0
    child.stop()
    child.stop()
    assert (tmp_path / "log").read_text().startswith("groundling ")
    long = ChildCommand(("watch", "--episodes", "1000", "--output", str(tmp_path / "v.mp4")), tmp_path / "log")
    assert os.getsid(long.process_id) == long.process_id, "a Ctrl-C in the terminal does not reach it"
    stop_all([long])
    assert long.poll() not in (None, 0)


def test_worker_leaves_it_to_its_parent_to_end_it() -> None:
    program = (
        "import os, signal; from groundling.processes import ignore_stopping_signals as ignore; ignore();"
        "[os.kill(os.getpid(), s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)];"
        "import subprocess, sys; print(subprocess.run(['sh', '-c', 'kill -TERM $$; echo alive']).returncode)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{-signal.SIGTERM}\n", "what a worker starts is ended by signals as ever"
