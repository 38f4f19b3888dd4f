"""Sweeps by other engines: what the examples leave behind is what `groundling compare` reads."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from groundling.agents import AgentConfig
from groundling.cli import main
from groundling.training import PPOConfig, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
PPO = PPOConfig(num_steps=8, minibatch_size=64, num_epochs=1)
BASE = TrainConfig(
    task="BabyAI-GoToObjS4-v0",
    total_frames=512,
    num_envs=16,
    bank_size=32,
    evaluate_every=256,
    evaluation_episodes=8,
    agent=AgentConfig(cell_dim=8, hidden_dim=8),
    settings=(PPO,),
)


def example() -> Any:
    spec = importlib.util.spec_from_file_location("sweep_ray", ROOT / "examples" / "sweep_ray.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_trials_of_ray_are_runs_that_go_on_and_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep, told = example(), list[dict[str, float]]()
    trials = [{"learning_rate": rate, "seed": seed} for rate in (5e-4, 1.5e-3) for seed in (1, 2)]
    folders = [sweep.train_trial(trial, BASE, tmp_path, told.append, episodes=4) for trial in trials]
    assert [folder.relative_to(tmp_path).as_posix() for folder in folders] == [
        *("lr0.0005/seed1", "lr0.0005/seed2"),
        *("lr0.0015/seed1", "lr0.0015/seed2"),
    ]
    assert [report["frames"] for report in told] == [256.0, 512.0] * 4
    assert all(0 <= report["evaluation_success"] <= 1 for report in told)
    saved = Checkpoint.load(folders[3] / CHECKPOINT_NAME).config
    assert (saved.seed, saved.settings_of(PPOConfig)) == (2, replace(PPO, learning_rate=1.5e-3))
    longer = replace(BASE, total_frames=768)
    sweep.train_trial(trials[0], longer, tmp_path, told.append, episodes=4)
    assert [report["frames"] for report in told[8:]] == [768.0]  # it went on, and did not begin anew
    assert main(["compare", "--a", *map(str, folders[:2]), "--b", *map(str, folders[2:])]) == 0
    assert "lr0.0015/seed2" in capsys.readouterr().out


def test_example_asks_ray_for_what_its_documentation_names() -> None:
    """Ray is not installed here: the names are compared with those of its reference."""
    tree = ast.parse((ROOT / "examples" / "sweep_ray.py").read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "tune"
    }
    assert used == {"Tuner", "TuneConfig", "RunConfig", "with_resources", "grid_search", "report"}


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_tasks_of_a_slurm_array_are_runs_that_go_on_and_are_compared(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    command = tools / "groundling"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m groundling "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    told = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    small = "--task BabyAI-GoToObjS4-v0 --num-envs 16 --bank-size 32 --ppo.num-steps 8 --ppo.minibatch-size 64"

    def run_task(number: int, frames: int) -> str:
        variables = {"SLURM_ARRAY_TASK_ID": str(number), "RUNS": "runs", "FRAMES": str(frames), "EPISODES": "4"}
        script = [str(ROOT / "examples" / "sweep_slurm.sh"), *small.split()]
        done = subprocess.run(
            script, cwd=tmp_path, env={**os.environ, **told, **variables}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run_task(0, 256)
    run_task(4, 256)
    assert "the run is complete" in run_task(0, 256)  # started again: nothing is left to do but the evaluation
    one, two = (tmp_path / "runs" / name for name in ("lr5e-4/seed1", "lr1.5e-3/seed2"))
    assert Checkpoint.load(two / CHECKPOINT_NAME).config.seed == 2
    assert main(["compare", str(one), str(two)]) == 0
