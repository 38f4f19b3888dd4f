"""Agents train, resume and are evaluated in RTFM through the commands that all tasks have."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.encoders.txt2pi import Txt2PiConfig
from groundling.cli import main
from groundling.cli.any_world import play_family
from groundling.envs.catalog import find_family
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer
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
    assert set(told) == {"layout", "assignments", "size", "phrasing", "order", "distractors", "validation"}
    assert all(suite["random"]["success"] < 0.4 for suite in told.values())
    for suite in told.values():
        assert set(suite) == {"trained", "random", "shuffled", "no_doc", "other_doc", "mixed_doc"}
        assert 48 < suite["other_doc"]["misled"] <= 64
        assert "misled" not in suite["trained"]


@pytest.mark.parametrize("greedy", [False, True])
def test_no_agent_walks_into_a_wall(greedy: bool) -> None:
    envs = find_family("groundling/RTFM-Simple-6x6-v0").make_vec("train", 64, 0)
    observation, _ = envs.reset(seed=0)
    agent = ActorCritic(AgentConfig(vision="document", hidden_dim=16), envs.agent_spec)
    state, first = agent.initial_state(64), np.ones(64, dtype=np.bool_)
    for _ in range(20):
        actions, state = agent.act(observation, state, first, greedy=greedy)
        assert observation["valid"][np.arange(64), actions].all()
        observation, *_ = envs.step(actions)


def test_an_agent_that_is_stuck_is_so_for_a_hundred_steps() -> None:
    envs = find_family("groundling/RTFM-Simple-6x6-v0").make_vec("train", 8, 0)
    envs.reset(seed=0)
    ends = [envs.step(np.zeros(8, dtype=np.int64))[3] for _ in range(100)]
    assert ends[99].all()
    assert not np.any(ends[:99])


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


def test_the_reference_reader_trains(tmp_path: Path) -> None:
    agent = AgentConfig(vision="txt2pi", hidden_dim=32, settings=(Txt2PiConfig(channels=(4, 4, 4), reader_dim=8),))
    config = TrainConfig(task=ID, num_envs=64, total_frames=2048, agent=agent, ppo=PPOConfig(minibatch_size=512))
    trainer = Trainer(config, tmp_path / "run")
    before = {name: array.clone() for name, array in trainer.agent.state_dict().items()}
    trainer.run()
    kept = Checkpoint.load(tmp_path / "run" / "checkpoint.pt").make_agent().state_dict()
    moved = [name for name, array in kept.items() if not torch.equal(array, before[name])]
    assert {name.split(".")[1] for name in moved} >= {"words", "reader", "second_reader", "layers", "states", "out"}


def test_play_shows_the_manual_beside_the_room() -> None:
    family, output, keys = find_family(ID), StringIO(), iter("45n" + "q")
    play_family(family, "unseen", 5, read=lambda: next(keys), console=Console(file=output, width=100, height=60))
    envs = family.make_vec("unseen", 1, 5)
    envs.reset(seed=5)
    shown = output.getvalue()
    assert envs.instructions[0] in shown
    assert all(f"- {sentence}" in shown for sentence in envs.manuals[0])
    assert "1 stay   2 up   3 down" in shown
