"""The lock of a run's folder: one at a time, and never a dead one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from groundling.errors import RunFolderError, StorageError
from groundling.run_lock import LOCK_NAME, RunLock, is_locked

HOLD = "import sys, time; from groundling.run_lock import RunLock; lock = RunLock({!r}); print('held', flush=True); {}"


def holder(folder: Path, then: str = "time.sleep(600)") -> subprocess.Popen[str]:
    program = HOLD.format(str(folder), then)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_second_lock_is_refused_and_told_who_holds_the_first(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "run")
    assert is_locked(tmp_path / "run")
    with pytest.raises(RunFolderError, match=rf"is in use: process {os.getpid()} on .* trains in it"):
        RunLock(tmp_path / "run")
    lock.release()
    assert not is_locked(tmp_path / "run")
    assert not (tmp_path / "run" / LOCK_NAME).exists()
    again = RunLock(tmp_path / "run")
    lock.release()  # of a lock that is no more: the other one stays
    assert is_locked(tmp_path / "run")
    again.release()


def test_lock_of_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        with pytest.raises(RunFolderError, match=f"process {process.pid} on"):
            RunLock(tmp_path)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / LOCK_NAME).exists()
    assert not is_locked(tmp_path)
    RunLock(tmp_path).release()


def test_lock_ends_with_its_process(tmp_path: Path) -> None:
    with holder(tmp_path, then="pass") as process:
        process.wait()
    assert not (tmp_path / LOCK_NAME).exists()


def test_lock_that_nobody_keeps_is_let_go(tmp_path: Path) -> None:
    RunLock(tmp_path)
    RunLock(tmp_path).release()


def test_folder_that_cannot_be_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        RunLock(tmp_path / "file" / "run")
    assert not is_locked(tmp_path / "file" / "run")
    assert not is_locked(tmp_path / "nowhere")
