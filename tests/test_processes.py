"""Processes of our own modules import what this one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from groundling.processes import module_command


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
