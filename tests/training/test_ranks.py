"""Several processes that train one agent: their updates are those of one process with all of the data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rank_processes import run_ranks

from groundling.errors import ConfigurationError
from groundling.training.joint_run import averaged
from groundling.training.ranks import ALONE, Ranks


@pytest.mark.slow  # two processes that import everything
def test_updates_of_two_processes_are_those_of_one_with_all_of_the_data(tmp_path: Path) -> None:
    first, second = run_ranks("rank_updates.py", tmp_path)
    assert len(first) >= 13
    for name, found in first.items():
        assert found["moved"] > 1e-3, name
        assert found["apart"] < 2e-5, (name, found)
        assert found["sum"] == second[name]["sum"], name  # bit by bit the same agent on both


def test_alone_nothing_is_changed() -> None:
    values = torch.randn(5)
    assert ALONE.mean(values) is values
    assert ALONE.gathered(3) == [3]
    assert [float(part) for part in ALONE.moments(values)] == [float(values.mean()), float(values.std())]


def test_more_processes_than_there_is_to_share_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="8 processes share 4 environments: .* start at most 4"):
        Ranks(0, 8).share(4, "environments")
    with pytest.raises(ConfigurationError, match="3 processes do not divide 8 environments: take a multiple.* 6"):
        Ranks(0, 3).share(8, "environments")
    assert Ranks(1, 4).share(8, "environments") == 2


def test_metrics_are_means_over_the_processes_that_have_them() -> None:
    nan = float("nan")
    every = [{"loss": 1.0, "explained_variance": nan}, {"loss": 3.0, "explained_variance": 0.5, "clip": 0.25}]
    assert averaged(every, {"explained_variance"}) == {"loss": 2.0, "explained_variance": 0.5, "clip": 0.25}
    assert averaged([{"loss": nan}, {"loss": 1.0}], {"explained_variance"})["loss"] != 1.0
