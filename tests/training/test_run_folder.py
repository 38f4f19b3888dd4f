"""Run folders: one run at a time, extended by the options that may change, its files those of one run."""

from __future__ import annotations

import dataclasses
import logging
import re
from pathlib import Path

import pytest
import torch
from small_runs import STEP, After, checkpoint_of, small_config

from groundling.errors import ConfigurationError, RunFolderError
from groundling.run_lock import LOCK_NAME, is_locked
from groundling.training import Trainer, resume_config, train
from groundling.training.algorithms import find_algorithm
from groundling.training.logs import read_metrics
from groundling.training.run_folder import CONFIG_NAME, check_belong_together, differences
from groundling.training.streams import restore_stream


def test_second_run_is_refused_from_the_first_moment_of_the_first(tmp_path: Path) -> None:
    first = Trainer(small_config(checkpoint_seconds=1e-9), tmp_path)  # not one update yet
    before = (tmp_path / CONFIG_NAME).read_bytes()
    with pytest.raises(RunFolderError, match="is in use: process"):
        Trainer(small_config(seed=2), tmp_path)
    assert (tmp_path / CONFIG_NAME).read_bytes() == before

    def resume() -> None:
        with pytest.raises(RunFolderError, match="is in use"):
            Trainer(small_config(), tmp_path, resume=True)

    first.run(After(2, resume))
    assert not is_locked(tmp_path)
    train(small_config(), tmp_path, resume=True)
    assert not (tmp_path / LOCK_NAME).exists()


def test_run_that_cannot_begin_leaves_no_lock(tmp_path: Path) -> None:
    train(small_config(1), tmp_path)
    for config, resume in ((small_config(1), False), (small_config(1, seed=2), True)):
        with pytest.raises((RunFolderError, ConfigurationError)):
            Trainer(config, tmp_path, resume=resume)
        assert not is_locked(tmp_path)


def test_run_is_extended_and_its_schedules_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train(small_config(2), tmp_path)
    with caplog.at_level(logging.WARNING, "groundling"):
        train(small_config(8), tmp_path, resume=True)
    (told,) = [record.getMessage() for record in caplog.records if "the run now ends" in record.getMessage()]
    assert (
        "the run now ends at 768 frames, not at 192: the learning rate goes on from here on as at 25 % of a run, "
        in told
    )
    assert resume_config(tmp_path) == checkpoint_of(tmp_path).config == small_config(8)
    rows = read_metrics(tmp_path)
    assert [row["frames"] for row in rows] == [STEP * n for n in range(1, 9)]
    start = small_config().algorithm_settings.learning_rate
    assert [row["learning_rate"] / start for row in rows] == pytest.approx([1, 0.5, *(1 - n / 8 for n in range(2, 8))])


def test_run_is_not_made_shorter_than_it_is(tmp_path: Path) -> None:
    train(small_config(3), tmp_path)
    with pytest.raises(ConfigurationError, match="total_frames 96 is less than the 288 frames that"):
        Trainer(small_config(1), tmp_path, resume=True)
    assert checkpoint_of(tmp_path).config == small_config(3)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("ppo", ("the learning rate",)),
        ("dagger", ("the learning rate", "the expert's share of the actions")),
    ],
)
def test_algorithms_say_what_depends_on_the_end(algorithm: str, expected: tuple[str, ...]) -> None:
    assert find_algorithm(algorithm).schedules(small_config(algorithm=algorithm)) == expected


def test_options_of_stable_baselines3_that_fall_are_told() -> None:
    pytest.importorskip("stable_baselines3")
    config = small_config(algorithm="sb3:PPO")
    config = type(config).from_dict({**config.to_dict(), "sb3": {"options": ("clip_range=linear:0.2",)}})
    assert "clip_range" in find_algorithm("sb3:PPO").schedules(config)


def test_settings_without_effect_on_what_is_learned_may_change(tmp_path: Path) -> None:
    Trainer(small_config(), tmp_path).run(stop_after_updates=1)
    threads = torch.get_num_threads()
    changed = small_config(torch_threads=threads + 1, checkpoint_seconds=5.0, evaluate_every=0, evaluation_episodes=3)
    seen: list[int] = []
    train(changed, tmp_path, resume=True, progress=After(2, lambda: seen.append(torch.get_num_threads())))
    assert seen == [threads + 1]
    assert torch.get_num_threads() == threads, "PyTorch has its threads back"
    assert resume_config(tmp_path) == changed


def test_differences_are_named_down_to_the_setting() -> None:
    one, other = small_config(), small_config(seed=3)
    other = dataclasses.replace(other, ppo=dataclasses.replace(other.algorithm_settings, clip=0.1))
    assert differences(one, other) == ["seed", "ppo.clip"]


def test_files_of_two_runs_do_not_belong_together(tmp_path: Path) -> None:
    train(small_config(1), tmp_path)
    checkpoint = checkpoint_of(tmp_path)
    check_belong_together(dataclasses.replace(checkpoint.config, total_frames=9999), checkpoint, tmp_path)
    with pytest.raises(RunFolderError, match=re.escape("are of two runs, they differ in seed: put back")):
        check_belong_together(small_config(1, seed=2), checkpoint, tmp_path)


def test_stream_of_another_device_begins_anew_the_same_way_each_time(caplog: pytest.LogCaptureFixture) -> None:
    foreign = torch.arange(16, dtype=torch.uint8)  # as many bytes as CUDA's have
    draws = []
    for _ in range(2):
        generator = torch.Generator().manual_seed(len(draws))
        restore_stream(generator, foreign)
        draws.append(torch.rand(3, generator=generator))
    assert torch.equal(*draws)
    assert "another kind of device" in caplog.text
    state = generator.get_state()
    expected = torch.rand(3, generator=generator)
    restore_stream(generator, state)
    assert torch.equal(torch.rand(3, generator=generator), expected)
