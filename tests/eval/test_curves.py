"""Training curves of several runs: groups, means, intervals, and the charts of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from groundling.errors import ConfigurationError, RunFolderError
from groundling.eval.curve_figure import curve_figure
from groundling.eval.curves import Curve, axis_limits, curves_of, default_metrics, find_groups, group_curve, seeds_in
from groundling.eval.statistics import mean_interval
from groundling.eval.text_chart import short_count, text_chart


def make_run(
    folder: Path, values: dict[int, float], *, seed: int = 1, rate: float = 1e-3, metric: str = "success"
) -> Path:
    folder.mkdir(parents=True)
    rows = [json.dumps({"frames": frames, "other": 0.0, "success": value}) for frames, value in values.items()]
    (folder / "metrics.jsonl").write_text("\n".join(rows) + "\n")
    (folder / "config.json").write_text(json.dumps({"seed": seed, "ppo": {"learning_rate": rate}}))
    return folder


def straight(name: str, values: list[float], runs: int = 1, spread: float = 0.0) -> Curve:
    mean = np.array(values)
    frames = np.linspace(100, 1000, len(values))
    return Curve(name, runs, frames, mean, mean - spread, mean + spread, (min(values), max(values)))


def test_mean_and_interval_are_over_the_seeds(tmp_path: Path) -> None:
    rates = (0.2, 0.4, 0.9)
    runs = [make_run(tmp_path / f"seed{i}", {10: 0.0, 20: rate}, seed=i) for i, rate in enumerate(rates)]
    curve = group_curve("all", runs, "success", smoothing=1)
    assert curve is not None
    assert (curve.runs, curve.frames[0], curve.frames[-1]) == (3, 10, 20)
    assert curve.mean[[0, -1]] == pytest.approx([0.0, 0.5])
    half = 4.30265 * np.std(rates, ddof=1) / np.sqrt(3)  # t(0.975, 2), from a table
    assert curve.high[-1] == pytest.approx(min(0.5 + half, 1.0), abs=1e-4)
    assert curve.low[-1] == 0.0, "a success rate is not below 0"
    assert curve.limits == (0.0, 0.9)


def test_interval_of_a_mean_needs_two_runs() -> None:
    with pytest.raises(ConfigurationError, match="at least 2"):
        mean_interval([[0.5, 0.6]])


def test_runs_are_compared_at_frames_that_all_have_reached(tmp_path: Path) -> None:
    short = make_run(tmp_path / "a", {20: 0.2, 30: 0.3})
    long = make_run(tmp_path / "b", {10: 0.1, 20: 0.2, 40: 0.4})
    curve = group_curve("all", [short, long], "success", smoothing=1)
    assert curve is not None
    assert (curve.frames[0], curve.frames[-1]) == (20, 30)
    assert curve.mean == pytest.approx(curve.frames / 100)
    assert curve.low == pytest.approx(curve.high)
    apart = make_run(tmp_path / "c", {100: 0.5})
    assert group_curve("all", [short, apart], "success") is None


def test_updates_in_which_no_episode_ended_are_left_out_and_others_averaged(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {10: 0.0, 20: 1.0, 40: 0.5})
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"frames": 50}\n')
    curve = group_curve("run", [run], "success", smoothing=2)
    assert curve is not None
    assert (curve.frames[0], curve.frames[-1]) == (20, 40)
    assert curve.mean[[0, -1]] == pytest.approx([0.5, 0.75])
    with pytest.raises(ConfigurationError, match="smoothing must be at least 1"):
        group_curve("run", [run], "success", smoothing=0)


def test_evaluations_are_drawn_by_default_and_never_averaged(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {10: 0.0, 20: 1.0})
    assert default_metrics({"run": [run]}) == ("success",)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"frames": 30, "evaluation_success": 0.2}\n{"frames": 40, "evaluation_success": 0.6}\n')
    assert default_metrics({"run": [run]}) == ("success", "evaluation_success")
    curve = group_curve("run", [run], "evaluation_success", smoothing=5)
    assert curve is not None
    assert curve.mean[[0, -1]] == pytest.approx([0.2, 0.6])
    assert axis_limits("evaluation_success", [curve]) == (0.0, 1.0)


def test_folder_of_seeds_is_a_group_of_its_own(tmp_path: Path) -> None:
    for seed in (1, 2, 10):
        make_run(tmp_path / "mine" / f"seed{seed}", {1: 0.0}, seed=seed)
    (tmp_path / "mine" / "seed3").mkdir()  # begun, but without metrics
    other = make_run(tmp_path / "other", {1: 0.0})
    assert [place.name for place in seeds_in(tmp_path / "mine")] == ["seed1", "seed2", "seed10"]
    groups = find_groups([tmp_path / "mine", other])
    assert {name: len(runs) for name, runs in groups.items()} == {"mine": 3, "other": 1}


def test_single_runs_that_differ_in_their_seed_only_are_one_group(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / f"GoTo-seed{seed}", {1: 0.0}, seed=seed) for seed in (1, 2)]
    faster = make_run(tmp_path / "fast-seed1", {1: 0.0}, rate=0.1)
    assert find_groups([*runs, faster]) == {"GoTo": runs, "fast-seed1": [faster]}
    inner = [make_run(tmp_path / "x" / f"seed{seed}", {1: 0.0}, seed=seed, rate=5.0) for seed in (1, 2)]
    assert find_groups(inner) == {"x": inner}


def test_groups_of_one_name_are_told_apart_by_more_of_their_paths(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / place / "run", {1: 0.0}, rate=i) for i, place in enumerate("ab")]
    assert list(find_groups(runs)) == ["a/run", "b/run"]


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {1: 0.0})
    for folders, told, error in (
        ([], "at least one run", ConfigurationError),
        ([run, run], "named twice", ConfigurationError),
        ([tmp_path], "no training run", RunFolderError),
        ([tmp_path / "none"], "there is no run at", RunFolderError),
    ):
        with pytest.raises(error, match=told):
            find_groups(folders)
    (run / "config.json").write_text("{")
    with pytest.raises(RunFolderError, match="damaged"):
        find_groups([run])


def test_unknown_metric_names_the_nearest(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {1: 0.0, 2: 1.0})
    with pytest.raises(ConfigurationError, match=r"no run has a metric 'succes'; did you mean success\?"):
        curves_of({"run": [run]}, ["succes"])
    assert [curve.name for curve in curves_of({"run": [run]}, ["success"])["success"]] == ["run"]


def test_axis_shows_all_of_a_rate_and_of_others_what_the_runs_reached() -> None:
    curve = straight("a", [-1.0, 3.0], runs=2, spread=10.0)
    assert axis_limits("task/success/GoTo", [curve]) == (0.0, 1.0)
    assert axis_limits("return", [curve]) == (-1.0, 3.0)
    assert axis_limits("return", [straight("a", [2.0, 2.0])]) == (1.5, 2.5)


def test_chart_has_the_mean_where_it_belongs_and_fits_the_width() -> None:
    up, flat = straight("up", [0.0, 1.0]), straight("flat", [0.5, 0.5], runs=3, spread=0.25)
    lines = text_chart("success", [up, flat], limits=(0.0, 1.0), width=60, height=5).plain.splitlines()
    assert lines[0] == "success"
    assert max(map(len, lines)) <= 60
    axis = lines[1].index("│") + 1
    assert lines[1].rstrip().endswith("●"), "it ends at the top right"
    assert lines[5][axis] == "●", "and begins at the bottom left"
    assert "▲" * 10 in lines[3]
    assert "▒" in lines[2]
    assert "▒" in lines[4]
    assert "▒" not in lines[1] + lines[5]
    assert lines[1].split()[0] == "1"
    assert lines[-2].strip() == "● up: 1.000 at the end"
    assert lines[-1].strip() == "▲ flat, 3 seeds: 0.500 [0.250, 0.750] at the end"
    narrow = text_chart("success", [up, flat], limits=(0.0, 1.0), width=40, height=5).plain.splitlines()
    assert max(map(len, narrow)) <= 40
    assert narrow[-1].split()[-1] == "end"


def test_chart_can_do_with_ascii() -> None:
    curves = [straight(str(i), [0.1 * i, 1.0], runs=2, spread=0.1) for i in range(3)]
    assert text_chart("success", curves, limits=(0.0, 1.0), ascii_only=True).plain.isascii()


@pytest.mark.parametrize(("number", "told"), [(12, "12"), (20_000, "20k"), (1_500_000, "1.5M"), (3e9, "3G")])
def test_counts_are_short(number: float, told: str) -> None:
    assert short_count(number) == told


def test_figure_draws_a_line_and_a_band_for_each_group() -> None:
    panels = {"success": [straight("a", [0.0, 1.0], runs=3, spread=0.1), straight("b", [0.5, 0.5])], "return": []}
    success, empty = curve_figure(panels).axes
    assert [line.get_label() for line in success.lines] == ["a (3 seeds)", "b"]
    (band,) = success.collections
    assert tuple(band.get_facecolor()[0][:3]) == to_rgba(success.lines[0].get_color())[:3]
    assert not empty.lines
