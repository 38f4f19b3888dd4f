"""Agents train, resume and are evaluated in RTFM through the commands that all tasks have."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from groundling.agents import AgentConfig
from groundling.cli import main
from groundling.cli.any_world import play_family
from groundling.envs.catalog import find_family
from groundling.training import Checkpoint, TrainConfig, Trainer
from groundling.training.logs import read_metrics

ID = "groundling/RTFM-Simple-Moving-6x6-v0"  # where monsters move episodes are short
SMALL = ["--num-envs", "64", "--agent.hidden-dim", "16", "--agent.word-dim", "16", "--agent.vision", "document"]


def run(*words: Any) -> None:
    assert main([str(word) for word in words]) == 0, words


def test_run_is_trained_resumed_bit_by_bit_and_evaluated_by_all_suites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train = ["train", "--task", ID, *SMALL, "--total-frames", 4096, "--ppo.minibatch-size", 512]
    run(*train, "--run-folder", "whole")
    whole = Checkpoint.load("whole/checkpoint.pt")
    assert list(whole.spec.observation) == ["image", "manual", "instruction", "carried", "valid"]

    config = TrainConfig.from_json(Path("whole/config.json").read_text())
    Trainer(config, "parts").run(stop_after_updates=2)
    run("train", "--resume", "parts")
    parts = Checkpoint.load("parts/checkpoint.pt")
    assert all(torch.equal(array, parts.agent[name]) for name, array in whole.agent.items())

    run("evaluate", "whole", "--suite", "all", "--episodes", 64)
    told = json.loads(Path("whole/evaluation.json").read_text())["suites"]
    assert set(told) == {"layout", "assignments", "size", "phrasing", "order", "distractors"}
    assert all(suite["random"]["success"] < 0.4 for suite in told.values())


def test_expert_teaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("train", "--task", ID, *SMALL, "--algorithm", "dagger", "--total-frames", 2048, "--run-folder", "taught")
    assert read_metrics(Path("taught"))


def test_agents_of_other_visions_read_the_manual_beside_the_room(tmp_path: Path) -> None:
    agent = AgentConfig(reads_manual=False)
    config = TrainConfig(task="groundling/RTFM-Groups-Moving-NL-10x10-v0", num_envs=128, total_frames=2048, agent=agent)
    trainer = Trainer(config, tmp_path / "run")
    names = [type(part).__name__ for part in (trainer.agent.encoder, *trainer.agent.others)]
    assert names == ["SymbolicEncoder", "DocumentEncoder", "VectorEncoder"]
    trainer.run()


def test_play_shows_the_manual_beside_the_room() -> None:
    family, output, keys = find_family(ID), StringIO(), iter("45n" + "q")
    play_family(family, "unseen", 5, read=lambda: next(keys), console=Console(file=output, width=100, height=60))
    envs = family.make_vec("unseen", 1, 5)
    envs.reset(seed=5)
    shown = output.getvalue()
    assert envs.instructions[0] in shown
    assert all(f"- {sentence}" in shown for sentence in envs.manuals[0])
    assert "1 stay   2 up   3 down" in shown
