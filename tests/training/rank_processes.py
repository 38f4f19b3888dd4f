"""Starts a few processes that join each other as those of ``torchrun`` do, and gives back what each found."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from groundling import job
from groundling.training.ranks import leave_job

HERE = Path(__file__).parent
LIMIT_S = 240.0


def run_ranks(script: str, folder: Path, size: int = 2) -> list[dict[str, Any]]:
    """Run ``tests/training/SCRIPT FOLDER`` in so many processes; each writes ``FOLDER/rankN.json``.

    Raises:
        AssertionError: with what it printed, if one of them fails.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join([str(HERE), str(HERE.parent), *(place or os.getcwd() for place in sys.path)])
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size), "PYTHONPATH": path}
    started = [
        subprocess.Popen(
            [sys.executable, str(HERE / script), str(folder)],
            env={**os.environ, **told, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(size)
    ]
    try:
        printed = [process.communicate(timeout=LIMIT_S)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    for process, text in zip(started, printed, strict=True):
        assert process.returncode == 0, text
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(size)]


def tell(folder: str, found: dict[str, Any]) -> None:
    """Write down what this process found, leave the job, and end."""
    (Path(folder) / f"rank{os.environ['RANK']}.json").write_text(json.dumps(found))
    leave_job()
    job.end(0)
