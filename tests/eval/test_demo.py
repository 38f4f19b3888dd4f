"""The demo's care for what stands in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundling.errors import RunFolderError, UnknownEnvironmentError
from groundling.eval.demo import run_demo
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import METRICS_NAME
from groundling.training.run_folder import CONFIG_NAME


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_text("somebody's own")
    with pytest.raises(RunFolderError, match="holds no run"):
        run_demo(tmp_path, task="BabyAI-GoToObjS4-v0", total_frames=10_000, episodes=10, seed=1)
    assert (tmp_path / CONFIG_NAME).read_text() == "somebody's own"


def test_an_earlier_demo_survives_a_wrong_task(tmp_path: Path) -> None:
    for name in (CONFIG_NAME, METRICS_NAME, CHECKPOINT_NAME):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UnknownEnvironmentError):
        run_demo(tmp_path, task="BabyAI-Nowhere-v0", total_frames=10_000, episodes=10, seed=1)
    assert (tmp_path / CHECKPOINT_NAME).exists()
