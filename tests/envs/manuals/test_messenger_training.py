"""Agents train, resume and are evaluated in Messenger through the commands that all tasks have."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from groundling.cli import main
from groundling.cli.any_world import play_family
from groundling.envs.catalog import find_family
from groundling.training import Checkpoint, TrainConfig, Trainer
from groundling.training.logs import read_metrics

S1, S2 = "groundling/Messenger-S1-v0", "groundling/Messenger-S2-v0"
REAL = Path(__file__).parents[4] / "shared" / "data" / "messenger"
needs_files = pytest.mark.skipif(not REAL.is_dir(), reason="the original's sentences are not here")
SMALL = ["--num-envs", "64", "--agent.hidden-dim", "16", "--agent.word-dim", "16", "--agent.vision", "document"]


def run(*words: Any) -> None:
    assert main([str(word) for word in words]) == 0, words


def test_run_is_trained_resumed_bit_by_bit_and_evaluated_by_all_suites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("train", "--task", S2, *SMALL, "--total-frames", 4096, "--ppo.minibatch-size", 512, "--run-folder", "whole")
    whole = Checkpoint.load("whole/checkpoint.pt")
    assert list(whole.spec.observation) == ["image", "manual", "instruction", "carried", "valid"]
    config = TrainConfig.from_json(Path("whole/config.json").read_text())
    Trainer(config, "parts").run(stop_after_updates=2)
    run("train", "--resume", "parts")
    parts = Checkpoint.load("parts/checkpoint.pt")
    assert all(torch.equal(array, parts.agent[name]) for name, array in whole.agent.items())
    run("evaluate", "whole", "--suite", "all", "--episodes", 32, "--no-video")
    told = json.loads(Path("whole/evaluation.json").read_text())["suites"]
    assert set(told) == {"layout", "pairs", "moves", "states", "phrasing", "val"}
    assert all(suite["random"]["success"] < 0.3 for suite in told.values())


@needs_files
def test_texts_of_a_run_travel_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = f"{S1}?texts={REAL}"
    run("train", "--task", task, *SMALL, "--total-frames", 1024, "--ppo.minibatch-size", 512, "--run-folder", "real")
    assert TrainConfig.from_json(Path("real/config.json").read_text()).task == task
    checkpoint = Checkpoint.load("real/checkpoint.pt")
    assert checkpoint.spec == find_family(task).spec
    run("evaluate", "real", "--suite", "all", "--episodes", 16, "--no-video")
    assert set(json.loads(Path("real/evaluation.json").read_text())["suites"]) == {"layout", "pairs", "val"}


def test_agent_of_one_stage_goes_on_in_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    short = [*SMALL, "--total-frames", 1024, "--ppo.minibatch-size", 512]
    run("train", "--task", S1, *short, "--run-folder", "first")
    run("train", "--task", S2, *short, "--init", "first", "--run-folder", "second")
    run("train", "--task", "groundling/Messenger-S3-v0", *short, "--init", "second", "--run-folder", "third")
    assert read_metrics(Path("third"))


def test_expert_teaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("train", "--task", S2, *SMALL, "--algorithm", "dagger", "--total-frames", 2048, "--run-folder", "taught")
    assert read_metrics(Path("taught"))


def test_agents_of_other_visions_read_the_manual_and_earlier_frames_beside_the_room(tmp_path: Path) -> None:
    config = TrainConfig(task=f"{S2}?frames=2", num_envs=128, total_frames=2048)
    trainer = Trainer(config, tmp_path / "run")
    names = [type(part).__name__ for part in (trainer.agent.encoder, *trainer.agent.others)]
    assert names == ["SymbolicEncoder", "SymbolicEncoder", "VectorEncoder"], "the first reads the manual"
    trainer.run()


def test_play_shows_the_manual_beside_the_room() -> None:
    family, output, keys = find_family(S2), StringIO(), iter("54n" + "q")
    play_family(family, "unseen", 5, read=lambda: next(keys), console=Console(file=output, width=100, height=60))
    envs = family.make_vec("unseen", 1, 5)
    envs.reset(seed=5)
    shown = output.getvalue()
    assert "bring the message to the goal" in shown
    assert all(f"- {sentence}" in shown for sentence in envs.manuals[0])
    assert "1 up   2 down   3 left" in shown
