"""Checkpoints: whole or not there; whatever else lies at the path is refused with a message that says why."""

from __future__ import annotations

import dataclasses
import errno
import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.errors import CheckpointError, StorageError
from groundling.language.vocabulary import Vocabulary
from groundling.training import Checkpoint, PPOConfig, TrainConfig

CONFIG = TrainConfig(
    num_envs=4,
    ppo=PPOConfig(num_steps=2, minibatch_size=4),
    agent=AgentConfig(cell_dim=3, word_dim=3, instruction_dim=3, readout_dim=2, hidden_dim=4, memory_dim=2),
)


def make_checkpoint(*, frames: int = 8, config: TrainConfig = CONFIG) -> Checkpoint:
    torch.manual_seed(0)
    agent = ActorCritic(config.agent)
    return Checkpoint(
        config=config,
        spec=agent.spec,
        frames=frames,
        updates=1,
        agent=agent.state_dict(),
        algorithm={
            "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]},
            "minibatches": torch.Generator().manual_seed(5).get_state(),
        },
        statistics={"returns": [torch.ones(2)]},
        rewards={"environment": {}, "my_file.py:Mine": {"count": 3, "mean": torch.zeros(2)}},
        curriculum={"newest": 1, "recent": [True, False], "fast": {"sum": [0.25]}},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "checkpoint.pt"
    make_checkpoint().save(path)
    return path


def test_checkpoint_comes_back_as_it_was_saved(path: Path) -> None:
    saved, loaded = make_checkpoint(), Checkpoint.load(path)
    assert loaded.config == saved.config
    assert loaded.spec == saved.spec
    assert (loaded.frames, loaded.updates) == (saved.frames, saved.updates)
    assert loaded.agent.keys() == saved.agent.keys()
    assert all(torch.equal(loaded.agent[name], saved.agent[name]) for name in saved.agent)
    assert loaded.algorithm["optimizer"] == saved.algorithm["optimizer"]
    assert torch.equal(loaded.algorithm["minibatches"], saved.algorithm["minibatches"])
    assert torch.equal(loaded.statistics["returns"][0], torch.ones(2))
    assert loaded.rewards["environment"] == {}
    assert loaded.rewards["my_file.py:Mine"]["count"] == 3
    assert loaded.curriculum == saved.curriculum


def test_agent_of_a_checkpoint_is_the_saved_one(path: Path) -> None:
    agent = Checkpoint.load(path).make_agent()
    assert agent.config == CONFIG.agent
    assert not agent.training
    assert all(torch.equal(value, make_checkpoint().agent[name]) for name, value in agent.state_dict().items())


def test_parameters_that_do_not_fit_the_configuration_are_refused() -> None:
    other = dataclasses.replace(CONFIG, agent=dataclasses.replace(CONFIG.agent, hidden_dim=5))
    checkpoint = dataclasses.replace(make_checkpoint(), config=other)
    with pytest.raises(CheckpointError, match="do not fit its configuration"):
        checkpoint.make_agent()


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no checkpoint at .*nowhere\.pt"):
        Checkpoint.load(tmp_path / "nowhere.pt")


@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_checkpoint_is_refused(part: float, path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(CheckpointError, match="truncated"):
        Checkpoint.load(path)


def test_last_missing_byte_is_noticed(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="truncated"):
        Checkpoint.load(path)


def test_random_bytes_are_refused(path: Path) -> None:
    rng = random.Random(0)
    for length in (1, 2, 5, 17, 80, 80, 300, 300, 300, 5000):
        path.write_bytes(rng.randbytes(length))
        with pytest.raises(CheckpointError, match="not a whole checkpoint"):
            Checkpoint.load(path)


def test_changed_parameters_are_noticed(path: Path) -> None:
    """A flipped byte inside a tensor leaves a file that PyTorch reads without a word."""
    whole = path.read_bytes()
    bias = make_checkpoint().agent["policy.weight"].numpy().tobytes()
    place = whole.index(bias)
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    torch.load(path, weights_only=True)
    with pytest.raises(CheckpointError, match=r"checksum|CRC"):
        Checkpoint.load(path)


@pytest.mark.parametrize("content", [{"weights": torch.ones(3)}, [1, 2], torch.ones(2), "text"])
def test_pytorch_file_of_something_else_is_refused(content: Any, path: Path) -> None:
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of Groundling"):
        Checkpoint.load(path)


def change(path: Path, **parts: Any) -> None:
    torch.save({**torch.load(path, weights_only=True), **parts}, path)


def test_other_format_is_refused_and_both_versions_are_named(path: Path) -> None:
    change(path, groundling_checkpoint=99)
    with pytest.raises(CheckpointError, match=r"newer Groundling \(format 99, this one reads up to \d+\)"):
        Checkpoint.load(path)


@pytest.mark.parametrize("version", [4, 7, "6", None])
def test_versions_before_and_after_those_that_are_read_are_refused(version: Any, path: Path) -> None:
    change(path, groundling_checkpoint=version)
    with pytest.raises(CheckpointError, match=rf"format (is )?{version!r}"):
        Checkpoint.load(path)


def test_words_of_the_agent_are_kept_whatever_they_are(path: Path) -> None:
    spec = dataclasses.replace(make_checkpoint().spec, vocabulary=Vocabulary.of(["red", "blue"]))
    dataclasses.replace(make_checkpoint(), spec=spec).save(path)
    assert Checkpoint.load(path).spec.vocabulary.words[2:] == ("red", "blue")


def test_unknown_setting_is_refused_and_named(path: Path) -> None:
    config = CONFIG.to_dict()
    change(path, config={**config, "ppo": {**config["ppo"], "warp_factor": 9}})
    with pytest.raises(CheckpointError, match="warp_factor"):
        Checkpoint.load(path)


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("num_envs", 0, "num_envs must be at least 1"),
        ("held_out", {"combinations": ("red bawl",)}, "cannot read 'red bawl'"),
        ("held_out", None, "held-out sets"),
    ],
)
def test_impossible_setting_is_refused(setting: str, value: Any, reason: str, path: Path) -> None:
    change(path, config={**CONFIG.to_dict(), setting: value})
    with pytest.raises(CheckpointError, match=reason):
        Checkpoint.load(path)


def test_missing_part_is_refused(path: Path) -> None:
    content = torch.load(path, weights_only=True)
    del content["algorithm"]
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="algorithm"):
        Checkpoint.load(path)


def test_checkpoint_that_would_run_code_is_not_run(path: Path, tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"groundling_checkpoint": 1, "config": Harmful()}, path)
    with pytest.raises(CheckpointError):
        Checkpoint.load(path)
    assert not (tmp_path / "harm").exists()


def test_failed_save_leaves_the_old_checkpoint_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = path.read_bytes()
    monkeypatch.setattr("groundling.files.os.fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        make_checkpoint(frames=16).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    monkeypatch.undo()
    make_checkpoint(frames=16).save(path)
    assert Checkpoint.load(path).frames == 16


def test_folder_under_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        make_checkpoint().save(tmp_path / "file" / "checkpoint.pt")
