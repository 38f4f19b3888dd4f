"""``torchrun``: a process that is killed ends the job with a message, and the job goes on when it is restarted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundling.training import Checkpoint
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes in /proc"),
]
TRAIN = ("--task", "BabyAI-GoToObjS4-v0", "--num-envs", "16", "--bank-size", "64", "--ppo.minibatch-size", "64")
SMALL = ("--ppo.num-steps", "8", "--agent.hidden-dim", "8", "--agent.cell-dim", "8", "--evaluate-every", "0")
FRAMES = 16 * 8 * 150


def start(*words: str, restarts: int = 0) -> subprocess.Popen[str]:
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--max-restarts", str(restarts), "-m", "groundling", "train", *TRAIN, *SMALL, *words]
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def finish(job: subprocess.Popen[str]) -> str:
    try:
        return job.communicate(timeout=240)[0]
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)


def process_of_rank(job: subprocess.Popen[str], rank: int) -> int:
    for child in Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split():
        if f"RANK={rank}".encode() in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"):
            return int(child)
    raise AssertionError(f"there is no rank {rank}")


def wait_for(path: Path) -> None:
    limit = time.monotonic() + 180
    while not path.exists():
        assert time.monotonic() < limit, f"{path} was not written"
        time.sleep(0.05)


@pytest.mark.parametrize("restarts", [0, 1])
def test_killed_process_ends_the_job_which_goes_on_when_it_is_restarted(tmp_path: Path, restarts: int) -> None:
    run = tmp_path / "run"
    words = ("--run-folder", str(run), "--total-frames", str(FRAMES), "--checkpoint-seconds", "0.2")
    job = start(*words, restarts=restarts)
    wait_for(run / CHECKPOINT_NAME)
    os.kill(process_of_rank(job, 1), signal.SIGKILL)
    printed = finish(job)
    assert re.search(
        "^groundling: (another process of the job has ended|SIGTERM|ended by SIGTERM)", printed, re.MULTILINE
    )
    saved = Checkpoint.load(run / CHECKPOINT_NAME)
    if restarts:
        assert job.returncode == 0, printed
        assert saved.frames == FRAMES
        assert [row["frames"] for row in read_metrics(run)] == list(range(128, FRAMES + 1, 128))
    else:
        assert job.returncode != 0
        assert saved.frames < FRAMES


def test_wrong_options_are_told_once(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    job = start("--run-folder", str(tmp_path / "run"), "--total-frames", "many")
    printed = finish(job)
    assert job.returncode != 0
    assert printed.count("groundling: ") == 1, printed
