"""The loop: runs that repeat bit by bit, whatever was drawn before and wherever they were interrupted."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.config import Precision
from groundling.envs import HeldOut
from groundling.envs.first_person import Camera
from groundling.errors import (
    CheckpointError,
    ConfigurationError,
    RunFolderError,
    SplitError,
    StorageError,
    UnknownEnvironmentError,
)
from groundling.training import Checkpoint, PPOConfig, TrainConfig, Trainer, resume_config, train
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import METRICS_NAME, TAGS, TENSORBOARD_NAME, read_metrics
from groundling.training.recorders import ReferencePolicy
from groundling.training.recording import record

UPDATES = 4


def make_config(memory: Any = "none", **changes: Any) -> TrainConfig:
    sizes = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8, "memory_dim": 9}
    settings = {
        "task": "BabyAI-GoToObjS4-v0",
        "total_frames": 8 * 12 * UPDATES,
        "num_envs": 8,
        "bank_size": 32,
        "agent": AgentConfig(memory=memory, **sizes),
        "ppo": PPOConfig(num_steps=12, minibatch_size=48, num_epochs=2),
        "imitation": ImitationConfig(num_steps=12, minibatch_size=48, num_epochs=2),
    }
    return TrainConfig(**{**settings, **changes})


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal bit by bit, through dicts and lists down to the tensors."""
    assert type(ours) is type(theirs), where
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs), where
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{where}[{place}]")
    else:
        assert ours == theirs, where


def pixel_config(**changes: Any) -> TrainConfig:
    """A run on pixels with a memory, one minibatch an update."""
    sizes: Any = {"word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8, "memory_dim": 9}
    settings: dict[str, Any] = {
        "body": "rover",
        "camera": Camera(width=40, height=32),
        "agent": AgentConfig(vision="cnn", memory="gru", conv_channels=(6, 7, 8), attributes=2, **sizes),
        "ppo": PPOConfig(num_steps=12, minibatch_size=96, num_epochs=1),
    }
    return make_config(**{**settings, **changes})


def checkpoint_of(folder: Path) -> Checkpoint:
    return Checkpoint.load(folder / CHECKPOINT_NAME)


def metrics_of(folder: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "frames_per_second"} for row in read_metrics(folder)]


def parameters_of(config: TrainConfig, folder: Path) -> dict[str, torch.Tensor]:
    return train(config, folder).agent.state_dict()


@pytest.mark.parametrize("memory", ["none", "gru"])
@pytest.mark.parametrize(
    ("algorithm", "stops"),
    [
        *(("ppo", (1,)), ("ppo", (2, 1)), ("bc", (1, 2)), ("dagger", (1, 1))),
        *(("recorded", (2,)), ("init", (1,)), ("near", (1, 2)), ("world", (3,)), ("map", (2,))),
    ],
)
def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(
    algorithm: str, stops: tuple[int, ...], memory: str, tmp_path: Path
) -> None:
    """Of every algorithm, and of PPO that starts from another run and is kept near to it."""
    config = make_config(memory)
    if algorithm in ("init", "near"):
        train(make_config(memory, algorithm="bc"), tmp_path / "start")
        ppo = dataclasses.replace(config.settings_of(PPOConfig), kl_coef=0.3 if algorithm == "near" else 0.0)
        config = dataclasses.replace(config, init=str(tmp_path / "start"), ppo=ppo)
    elif algorithm == "map":
        config = dataclasses.replace(
            config, agent=dataclasses.replace(config.agent, map_radius=6, language="contextual")
        )
    elif algorithm != "ppo":
        imitation = dataclasses.replace(config.settings_of(ImitationConfig), mixing=1.0)
        if algorithm == "recorded":
            record(config.task, 20, seed=2).save(tmp_path / "set.demos")
            imitation = dataclasses.replace(imitation, demonstrations=str(tmp_path / "set.demos"))
        if algorithm == "world":
            imitation = dataclasses.replace(imitation, expert="world")
        kind: Any = "dagger" if algorithm in ("dagger", "world") else "bc"
        config = dataclasses.replace(config, algorithm=kind, imitation=imitation)
    train(config, tmp_path / "whole")
    for place, updates in enumerate(stops):
        Trainer(config, tmp_path / "parts", resume=place > 0).run(stop_after_updates=updates)
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(Checkpoint):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert metrics_of(tmp_path / "parts") == metrics_of(tmp_path / "whole")
    assert len(metrics_of(tmp_path / "parts")) == UPDATES


@pytest.mark.parametrize("precision", get_args(Precision))
def test_resumed_run_on_pixels_is_bit_equal_in_either_precision(precision: Precision, tmp_path: Path) -> None:
    config = pixel_config(precision=precision)
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=2)
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(Checkpoint):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert {p.dtype for p in whole.agent.values()} == {torch.float32}
    assert whole.make_agent().encoder.precision == "float32"


def test_precisions_give_different_agents(tmp_path: Path) -> None:
    exact = parameters_of(pixel_config(), tmp_path / "exact")
    rounded = parameters_of(pixel_config(precision="bfloat16"), tmp_path / "rounded")
    assert any(not torch.equal(exact[name], rounded[name]) for name in exact)


def first_divergence(config: TrainConfig, folder: Path, learns_in: Precision) -> float:
    """Of the policy that learns from the one that acted, before anything has moved."""
    trainer = Trainer(config, folder)
    trainer.agent.policy.weight.data *= 300  # a new policy is so even that no rounding shows
    rollout = trainer.algorithm.collect()
    trainer.agent.encoder.precision = learns_in
    divergence = trainer.algorithm.update(rollout, progress=0.0)["approximate_kl"]
    trainer.envs.close()
    return divergence


@pytest.mark.parametrize("precision", get_args(Precision))
def test_agent_learns_in_the_precision_that_it_acted_in(precision: Precision, tmp_path: Path) -> None:
    """Or PPO's ratio would not begin at 1."""
    (other,) = set(get_args(Precision)) - {precision}
    config = pixel_config(precision=precision)
    mixed = first_divergence(config, tmp_path / "mixed", other)
    assert mixed > 1e-6
    assert abs(first_divergence(config, tmp_path / "same", precision)) < 0.05 * mixed


def test_agent_is_kept_near_to_another_in_its_own_precision(tmp_path: Path) -> None:
    config = pixel_config(precision="bfloat16")
    train(config, tmp_path / "start")
    ppo = dataclasses.replace(config.settings_of(PPOConfig), kl_coef=0.3)
    near = dataclasses.replace(config, init=str(tmp_path / "start"), ppo=ppo)
    trainer = Trainer(near, tmp_path / "near")
    (reference,) = trainer.algorithm.collector.recorders
    trainer.envs.close()
    assert isinstance(reference, ReferencePolicy)
    assert reference.agent.encoder.precision == "bfloat16"


def test_run_that_broke_off_after_its_checkpoint_writes_the_lost_updates_again(tmp_path: Path) -> None:
    config = make_config()
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    early = (tmp_path / "parts" / CHECKPOINT_NAME).read_bytes()
    Trainer(config, tmp_path / "parts", resume=True).run(stop_after_updates=2)
    (tmp_path / "parts" / CHECKPOINT_NAME).write_bytes(early)
    train(config, tmp_path / "parts", resume=True)
    assert metrics_of(tmp_path / "parts") == metrics_of(tmp_path / "whole")


def test_finished_run_resumed_changes_nothing(tmp_path: Path) -> None:
    first = train(make_config(), tmp_path)
    again = train(make_config(), tmp_path, resume=True)
    assert again.frames == first.frames
    assert_same(again.agent.state_dict(), first.agent.state_dict())


def test_same_seed_gives_the_same_agent_whatever_was_drawn_before(tmp_path: Path) -> None:
    first = parameters_of(make_config(), tmp_path / "first")
    torch.manual_seed(77)
    torch.rand(13)
    np.random.seed(77)
    np.random.random(13)
    assert_same(parameters_of(make_config(), tmp_path / "second"), first)


def test_another_seed_gives_another_agent(tmp_path: Path) -> None:
    first, second = (parameters_of(make_config(seed=seed), tmp_path / str(seed)) for seed in (1, 2))
    assert not torch.equal(first["encoder.hidden.weight"], second["encoder.hidden.weight"])


def test_training_leaves_the_global_random_streams_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.random()
    torch.manual_seed(5)
    np.random.seed(5)
    train(make_config(total_frames=1), tmp_path)
    assert (torch.rand(1), np.random.random()) == expected


def test_training_changes_the_agent(tmp_path: Path) -> None:
    trainer = Trainer(make_config(), tmp_path)
    before = {name: value.clone() for name, value in trainer.agent.state_dict().items()}
    after = trainer.run().agent.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in ("policy.weight", "encoder.readout.weight"))


def test_run_folder_holds_configuration_checkpoint_metrics_and_tensorboard(tmp_path: Path) -> None:
    config = make_config()
    result = train(config, tmp_path)
    assert resume_config(tmp_path) == config
    assert checkpoint_of(tmp_path).frames == result.frames == config.total_frames
    assert [row["frames"] for row in read_metrics(tmp_path)] == [96, 192, 288, 384]
    assert list((tmp_path / TENSORBOARD_NAME).glob("events.out.tfevents.*"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        ["config.json", CHECKPOINT_NAME, METRICS_NAME, TENSORBOARD_NAME]
    )


def test_metrics_hold_every_number_that_tensorboard_shows(tmp_path: Path) -> None:
    shown: set[str] = set()
    for algorithm in ("ppo", "dagger"):
        imitation = ImitationConfig(num_steps=12, minibatch_size=48)
        folder = tmp_path / algorithm
        result = train(make_config(algorithm=algorithm, imitation=imitation), folder)
        shown |= set(result.metrics) & set().union(*read_metrics(folder))
    assert {name for name in TAGS if not name.startswith("evaluation_")} <= shown


@pytest.mark.parametrize(
    ("every", "expected"), [(0, []), (None, []), (1, [1, 2, 3, 4, 5]), (200, [3, 5]), (10**9, [5])]
)
def test_agent_is_evaluated_as_often_as_asked_and_at_the_end(
    every: int | None, expected: list[int], tmp_path: Path
) -> None:
    config = make_config(evaluate_every=every, total_frames=5 * 8 * 12)
    metrics = {"evaluation_success": 0.25, "evaluation_return": 0.2, "evaluation_length": 9.0}
    seen: list[float] = []

    def evaluator(agent: ActorCritic) -> dict[str, float]:
        seen.append(next(agent.parameters()).double().sum().item())
        return metrics

    train(config, tmp_path / "asked", evaluator=evaluator)
    rows = read_metrics(tmp_path / "asked")
    assert [number for number, row in enumerate(rows, 1) if "evaluation_success" in row] == expected
    assert len(seen) == len(set(seen)) == len(expected)  # of the agent as it was then
    events = EventAccumulator(str(tmp_path / "asked" / TENSORBOARD_NAME))
    events.Reload()
    assert ("evaluation/success" in events.Tags()["scalars"]) == bool(expected)


def test_usual_run_is_evaluated_five_times() -> None:
    assert TrainConfig(total_frames=1_000_000).evaluation_interval == 200_000
    assert TrainConfig(total_frames=49_999).evaluation_interval == 0


@pytest.mark.parametrize("algorithm", ["ppo", "bc", "dagger"])
def test_learning_rate_falls_from_its_start_towards_zero(algorithm: str, tmp_path: Path) -> None:
    config = make_config(algorithm=algorithm)
    train(config, tmp_path)
    start = config.algorithm_settings.learning_rate
    rates = [row["learning_rate"] for row in read_metrics(tmp_path)]
    assert rates == pytest.approx([start * part for part in (1, 0.75, 0.5, 0.25)])


def test_progress_is_told_after_every_update(tmp_path: Path) -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[tuple[int, int]] = []

        def update(self, frames: int, total: int, metrics: dict[str, float]) -> None:
            assert "success" in metrics
            self.heard.append((frames, total))

    listener = Listener()
    train(make_config(total_frames=100), tmp_path, progress=listener)
    assert listener.heard == [(96, 192), (192, 192)]


def test_checkpoints_are_written_as_often_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(Checkpoint, "save", lambda self, path: saved.append(self.updates))
    train(make_config(checkpoint_seconds=1e-9), tmp_path)
    assert saved == [1, 2, 3, 4, 4]


def test_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    train(make_config(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(RunFolderError, match="already holds a run"):
        train(make_config(seed=2), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("seed", 2), ("bank_size", 16), ("agent", AgentConfig()), ("algorithm", "bc")),
        ("imitation", ImitationConfig(expert="world", minibatch_size=48)),
        *(("held_out", HeldOut(factors=())), ("held_out", HeldOut(combinations=("red ball",)))),
    ],
)
def test_resuming_with_another_configuration_is_refused_and_the_setting_named(
    setting: str, value: Any, tmp_path: Path
) -> None:
    Trainer(make_config(), tmp_path).run(stop_after_updates=1)
    with pytest.raises(ConfigurationError, match=rf"another {setting}\b"):
        train(make_config(**{setting: value}), tmp_path, resume=True)


def test_how_often_checkpoints_are_written_may_change(tmp_path: Path) -> None:
    Trainer(make_config(), tmp_path).run(stop_after_updates=1)
    assert train(make_config(checkpoint_seconds=5.0), tmp_path, resume=True).frames == 8 * 12 * UPDATES


def test_resuming_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train(make_config(), tmp_path, resume=True)


def test_folder_under_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        Trainer(make_config(), tmp_path / "file" / "run")


@pytest.mark.parametrize("device", ["warp", "cuda:99", ""])
def test_device_that_is_not_there_is_refused(device: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Trainer(make_config(device=device), tmp_path)


def test_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownEnvironmentError, match="BabyAI-GoToObjS4-v0"):
        Trainer(make_config(task="BabyAI-GoToObjS44-v0"), tmp_path)


def test_folder_without_a_run_has_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"config\.json is missing"):
        resume_config(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00\x80"])
def test_damaged_configuration_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match="not valid JSON"):
        resume_config(tmp_path)


def test_run_trains_on_no_instruction_that_is_held_out(tmp_path: Path) -> None:
    trainer = Trainer(make_config(held_out=HeldOut(combinations=("red ball", "blue key"))), tmp_path)
    told = set(trainer.envs.bank.instructions)
    assert told
    assert not any(pair in text for text in told for pair in ("red ball", "blue key"))
    assert json.loads((tmp_path / "config.json").read_text())["held_out"]["combinations"] == ["red ball", "blue key"]


def test_run_with_nothing_to_train_on_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundling.envs.banks.bank_building.BARREN_SEEDS", 64)
    verbs = tuple(f"go to {kind}" for kind in ("ball", "key", "box"))
    with pytest.raises(SplitError, match=r"'train' of BabyAI-GoToObjS4-v0 is empty: .*verb_object"):
        Trainer(make_config(held_out=HeldOut(factors=("verb_object",), verb_objects=verbs)), tmp_path)


def test_every_random_stream_of_a_run_is_its_own(tmp_path: Path) -> None:
    algorithm = Trainer(make_config(), tmp_path).algorithm
    generators = [algorithm.minibatches, algorithm.collector.generator, algorithm.run.generator("agent")]
    draws = [torch.rand(4, generator=generator).tolist() for generator in generators]
    assert all(one != other for one, other in itertools.combinations(draws, 2))
