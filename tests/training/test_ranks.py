"""Several processes that train one agent: their updates are those of one process with all of the data."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from rank_processes import run_ranks
from small_runs import STEP, small_config

from groundling.errors import ConfigurationError
from groundling.training import Checkpoint, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.joint_run import averaged
from groundling.training.ranks import ALONE, Ranks
from groundling.training.statistics import EpisodeStatistics


@pytest.mark.slow  # two processes that import everything
def test_updates_of_two_processes_are_those_of_one_with_all_of_the_data(tmp_path: Path) -> None:
    first, second = run_ranks("rank_updates.py", tmp_path)
    assert len(first) >= 13
    for name, found in first.items():
        assert found["moved"] > 1e-3, name
        assert found["apart"] < 2e-5, (name, found)
        assert found["sum"] == second[name]["sum"], name  # bit by bit the same agent on both


@pytest.mark.slow
def test_runs_of_two_processes_stop_resume_and_refuse_together(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    first, second = run_ranks("rank_runs.py", tmp_path)
    assert first["own_envs"] == second["own_envs"] == 4
    assert first["frames"] == second["frames"] == 6 * STEP  # the numbers of a configuration are those of the job
    assert first["logged"] == [STEP * update for update in range(1, 7)]
    assert first["processes"] == 2
    assert not first["same_episodes"]

    assert len(set(first["fingerprints"])) == 1  # interrupted by nothing, by an end, by a signal
    assert first["states_are_equal"]
    assert first["same_metrics"]
    assert first["at_stop"] == second["at_stop"] < 6
    assert "SIGTERM: saved at" in first["stop"]
    assert "SIGTERM: saved at" in second["stop"]

    told = {
        "odd": "ConfigurationError: 2 processes do not divide 9 environments",
        "many": "ConfigurationError: 2 processes share 1 environments",
        "groups": "ConfigurationError: the groups of 4 roll-outs do not divide the 6 environments of each of the 2 "
        "processes: give --num-envs a multiple of 8",
        "infonce": "ConfigurationError: algorithm 'infonce' trains in one process",
        "agile": "ConfigurationError: the reward 'agile' learns from rollouts",
        "used": "RunFolderError: .* already holds a run",
        "one of them has no task": "JobError: process 1 of 2: .*BabyAI-Nowhere-v0",
        "different": "JobError: process 1 of 2: it has another seed than process 0",
        "one of them has no checkpoint": "JobError: process 1 of 2: there is no checkpoint",
    }
    for name, message in told.items():
        assert re.match(message, first[name]), first[name]
        assert second[name].startswith("ToldElsewhereError"), second[name]
    assert first["told of a copy"]
    assert second["told of a copy"]
    assert second["folders"] == ["large", "parts", "stopped", "whole"]  # nothing is left of those that were refused


@pytest.mark.slow
def test_another_number_of_processes_does_not_resume_a_run(tmp_path: Path) -> None:
    config = small_config(2, evaluate_every=0)
    Trainer(config, tmp_path).run(stop_after_updates=1)
    saved = Checkpoint.load(tmp_path / CHECKPOINT_NAME)
    dataclasses.replace(saved, ranks=[{"algorithm": {}, "rewards": {}}]).save(tmp_path / CHECKPOINT_NAME)
    with pytest.raises(ConfigurationError, match=r"is a run of 2 process\(es\), this job has 1: resume it by torchrun"):
        Trainer(config, tmp_path, resume=True)


def test_alone_nothing_is_changed() -> None:
    values = torch.randn(5)
    assert ALONE.mean(values) is values
    assert ALONE.gathered(3) == [3]
    assert [float(part) for part in ALONE.moments(values)] == [float(values.mean()), float(values.std())]


def test_more_processes_than_there_is_to_share_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"8 processes share 4 environments: .* start at most 4"):
        Ranks(0, 8).share(4, "environments")
    with pytest.raises(ConfigurationError, match=r"3 processes do not divide 8 environments: take a multiple.* 6"):
        Ranks(0, 3).share(8, "environments")
    assert Ranks(1, 4).share(8, "environments") == 2


def test_statistics_of_processes_stand_side_by_side_also_where_no_episode_has_ended() -> None:
    every, quiet, busy = EpisodeStatistics(), EpisodeStatistics(), EpisodeStatistics()
    final = {"episode": {"r": np.ones(4), "l": np.array([3, 5, 5, 5])}, "success": np.ones(4, dtype=np.bool_)}
    busy.add({"final_info": final}, np.array([True, False, False, False]))
    every.take_over([quiet.hand_over(), busy.hand_over()])
    assert every.running.tolist() == [0, 0, 0, 0, 3, 0, 0, 0]
    assert every.take()["success"] == 1 / 8  # of eight first episodes one has succeeded


def test_process_of_a_job_ends_with_what_it_was_to_do_at_its_exit() -> None:
    code = "import atexit; from groundling import job; atexit.register(print, 'done'); print('said'); job.end(3)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split()) == (3, ["said", "done"])


def test_metrics_are_means_over_the_processes_that_have_them() -> None:
    nan = float("nan")
    every = [{"loss": 1.0, "explained_variance": nan}, {"loss": 3.0, "explained_variance": 0.5, "clip": 0.25}]
    assert averaged(every, {"explained_variance"}) == {"loss": 2.0, "explained_variance": 0.5, "clip": 0.25}
    assert averaged([{"loss": nan}, {"loss": 1.0}], {"explained_variance"})["loss"] != 1.0
