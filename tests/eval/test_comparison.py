"""Comparing runs by what their folders hold: hand-computed differences, and what must not or cannot be compared."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from groundling.errors import ConfigurationError, RunFolderError
from groundling.eval.comparison import Estimate, compare_groups, compare_runs
from groundling.eval.results import read_results
from groundling.eval.statistics import difference_interval, wilson_interval

TASK = "BabyAI-GoToLocal-v0"
EPISODES = 100

Counts = dict[str, int]


def entry(successes: int, episodes: int = EPISODES) -> dict[str, float | int]:
    low, high = wilson_interval(successes, episodes)
    return {
        **{"success": successes / episodes, "low": low, "high": high, "episodes": episodes, "successes": successes},
        **{"mean_return": 0.5, "mean_length": 7.0},
    }


def write_run(
    folder: Path,
    suites: dict[str, Counts],
    *,
    episodes: int = EPISODES,
    config: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """A run folder with successes by suite and agent."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {s: {agent: entry(n, episodes) for agent, n in row.items()} for s, row in suites.items()}
    head = {"task": TASK, "greedy": False, "episodes": episodes, "seed": 0, "left_out": {}}
    (folder / "evaluation.json").write_text(json.dumps({**head, **settings, "suites": plain}))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_two_runs_have_each_suites_rates_and_their_difference(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"layout": {"trained": 90}, "combination": {"trained": 80}})
    b = write_run(tmp_path / "b", {"combination": {"trained": 50}, "layout": {"trained": 92}})
    comparison = compare_runs(a, b)
    assert (comparison.task, comparison.agent, comparison.greedy) == (TASK, "trained", False)
    assert (comparison.runs_a, comparison.runs_b, comparison.overall) == ((str(a),), (str(b),), None)
    layout, combination = comparison.rows
    assert (layout.name, combination.name) == ("layout", "combination")
    assert layout.a == Estimate(0.9, wilson_interval(90, 100))
    assert layout.b == Estimate(0.92, wilson_interval(92, 100))
    assert layout.difference.value == pytest.approx(0.02)
    assert layout.difference.interval == difference_interval(90, 100, 92, 100)
    assert combination.difference.value == pytest.approx(-0.3)
    assert combination.difference.interval == difference_interval(80, 100, 50, 100)
    assert not layout.difference.excludes_zero
    assert combination.difference.excludes_zero
    assert comparison.left_out == {}
    assert not any("different" in note for note in comparison.notes)


@pytest.mark.parametrize(
    ("interval", "excludes"),
    [((0.1, 0.2), True), ((-0.2, -0.1), True), ((-0.1, 0.1), False), ((0.0, 0.1), False), (None, False)],
)
def test_difference_is_marked_only_if_0_lies_outside(interval: tuple[float, float] | None, excludes: bool) -> None:
    assert Estimate(0.05, interval).excludes_zero == excludes


def test_each_agent_is_compared_with_the_same_agent(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"layout": {"trained": 90, "blind": 20}})
    b = write_run(tmp_path / "b", {"layout": {"trained": 80, "blind": 30}})
    assert [compare_runs(a, b, agent=agent).rows[0].difference.value for agent in ("trained", "blind")] == [
        pytest.approx(-0.1),
        pytest.approx(0.1),
    ]
    assert compare_groups([a], [b], agent="blind").rows[0].b.value == 0.3


def test_suites_that_not_every_run_has_of_the_agent_are_listed_as_left_out(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"layout": {"trained": 9}, "length": {"trained": 9}, "size": {"trained": 9}})
    b = write_run(tmp_path / "b", {"layout": {"trained": 9}, "size": {"random": 9}, "synonym": {"trained": 9}})
    for comparison in (compare_runs(a, b), compare_groups([a], [b])):
        assert [row.name for row in comparison.rows] == ["layout"]
        assert comparison.left_out == {"length": (str(b),), "size": (str(b),), "synonym": (str(a),)}


def test_no_common_suite_and_a_missing_agent_are_refused_by_name(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"layout": {"trained": 9}})
    b = write_run(tmp_path / "b", {"size": {"trained": 9, "blind": 9}})
    with pytest.raises(ConfigurationError, match=r"no suite .*a has layout; .*b has size"):
        compare_runs(a, b)
    with pytest.raises(ConfigurationError, match=r"evaluation of .*a has no 'blind' agent, it has trained"):
        compare_runs(b, a, agent="blind")


def test_different_tasks_are_refused(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"layout": {"trained": 9}})
    b = write_run(tmp_path / "b", {"layout": {"trained": 9}}, task="BabyAI-PickupLoc-v0")
    for compare in (lambda: compare_runs(a, b), lambda: compare_groups([a, b], [write_run(tmp_path / "c", {})])):
        with pytest.raises(ConfigurationError, match=f"different tasks .*a is of {TASK}, .*b of BabyAI-PickupLoc-v0"):
            compare()


@pytest.mark.parametrize("greedy_first", [False, True])
def test_greedy_and_sampled_actions_are_not_compared(tmp_path: Path, greedy_first: bool) -> None:
    greedy = write_run(tmp_path / "greedy", {"layout": {"trained": 9}}, greedy=True)
    sampled = write_run(tmp_path / "sampled", {"layout": {"trained": 9}})
    runs = [greedy, sampled] if greedy_first else [sampled, greedy]
    with pytest.raises(
        ConfigurationError, match=r"greedy was .* greedy actions, .*sampled with .*evaluate .*sampled --"
    ):
        compare_runs(*runs)
    both = write_run(tmp_path / "greedy2", {"layout": {"trained": 9}}, greedy=True)
    assert compare_runs(greedy, both).greedy is True


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"seed": 5}, r"different seeds.*: 0 \(.*/a, .*/c\), 5 \(.*/b\)"),
        ({"episodes": 200}, r"different numbers of episodes: 100 \(.*/a, .*/c\), 200 \(.*/b\)"),
        ({"config": {"held_out": {"fraction": 0.5}}}, r"held out different things.*0\.25.*/a, .*/c\), .*0\.5.*/b\)"),
        ({}, None),
    ],
)
def test_what_differs_between_evaluations_is_told(tmp_path: Path, settings: dict[str, Any], told: str | None) -> None:
    suites = {"layout": {"trained": 9}, "layout, reordered": {"trained": 3}}
    config = {"held_out": {"fraction": 0.25}}
    a, c = (write_run(tmp_path / name, suites, config=config) for name in "ac")
    b = write_run(tmp_path / "b", suites, **{"config": config, **settings})
    notes = [note for note in compare_groups([a, b], [c]).notes if "different" in note]
    if told is None:
        assert notes == []
    else:
        (note,) = notes
        assert re.search(told, note)


def test_suites_that_are_parts_of_one_may_differ_in_size(tmp_path: Path) -> None:
    """What counts is how many episodes were asked for."""
    a = write_run(tmp_path / "a", {"layout": {"trained": 9}})
    b = write_run(tmp_path / "b", {"layout": {"trained": 9}})
    text = (b / "evaluation.json").read_text()
    (b / "evaluation.json").write_text(
        text.replace('"episodes": 100, "successes": 9', '"episodes": 60, "successes": 9')
    )
    comparison = compare_runs(a, b)
    assert comparison.rows[0].b.value == 9 / 60
    assert not any("different" in note for note in comparison.notes)
    one = write_run(tmp_path / "c", {"seen": {"trained": 9}})
    other = write_run(tmp_path / "d", {"seen": {"trained": 9}}, episodes=300)
    assert any(re.search(r"episodes: 100 \(.*/c\), 300 \(.*/d\)", note) for note in compare_runs(one, other).notes)


def test_missing_run_and_missing_results_name_the_command_to_run(tmp_path: Path) -> None:
    (tmp_path / "untested").mkdir()
    (tmp_path / "file").write_text("")
    there = write_run(tmp_path / "a", {"layout": {"trained": 9}})
    for gone in ("nowhere", "file"):
        with pytest.raises(RunFolderError, match=rf"no run at .*{gone}: `groundling train --run-folder .*{gone}`"):
            compare_runs(there, tmp_path / gone)
    with pytest.raises(
        RunFolderError, match=r"untested holds no evaluation.json: run `groundling evaluate .*untested --suite"
    ):
        compare_groups([there], [tmp_path / "untested"])


HEAD = {"task": TASK, "greedy": False, "episodes": 10, "seed": 0}
GOOD = {"success": 0.5, "episodes": 10, "successes": 5}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"trained": 3}',
        '{"suites": []}',
        *(
            json.dumps({**{k: v for k, v in HEAD.items() if k != gone}, "suites": {"layout": {"trained": GOOD}}})
            for gone in HEAD
        ),
        json.dumps({"task": None, "greedy": False, "episodes": 10, "seed": 0, "suites": {"layout": {"trained": GOOD}}}),
        json.dumps({**HEAD, "suites": {"layout": {"trained": {"success": 0.5}}}}),
        json.dumps({**HEAD, "suites": {"layout": {"trained": {**GOOD, "successes": 11}}}}),
        json.dumps({**HEAD, "suites": {"layout": {"trained": {**GOOD, "episodes": 0}}}}),
        json.dumps({"trained": {"seen": GOOD}}),  # the format of version 0.1
    ],
)
def test_damaged_results_name_the_file_and_the_command_to_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(RunFolderError, match=r"evaluation\.json .*`groundling evaluate "):
        read_results(tmp_path)


def test_file_that_is_not_text_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunFolderError, match="could not be read"):
        read_results(tmp_path)


def write_group(folder: Path, layout: list[int], combination: list[int]) -> list[Path]:
    """One run a training seed."""
    return [
        write_run(folder / str(i), {"layout": {"trained": a}, "combination": {"trained": b}})
        for i, (a, b) in enumerate(zip(layout, combination, strict=True))
    ]


def test_groups_have_means_over_seeds_and_the_interquartile_mean_over_everything(tmp_path: Path) -> None:
    """Side B is of constant runs, so its intervals have no width and the difference has that of A, mirrored."""
    a = write_group(tmp_path / "a", [80, 90, 100, 90, 90], [40, 50, 60, 50, 0])
    b = write_group(tmp_path / "b", [95] * 6, [65] * 6)
    comparison = compare_groups(a, b)
    layout, combination = comparison.rows
    assert layout.a.value == pytest.approx(0.9)
    assert combination.a.value == pytest.approx(0.4)
    assert layout.b.value == layout.b.interval[0] == layout.b.interval[1] == pytest.approx(0.95)
    assert layout.difference.value == pytest.approx(0.05)
    assert 0.8 < layout.a.interval[0] < 0.9 < layout.a.interval[1] < 1
    assert layout.difference.interval == pytest.approx(
        (0.95 - layout.a.interval[1], 0.95 - layout.a.interval[0]), abs=0.01
    )
    overall = comparison.overall
    assert overall is not None
    assert overall.name == "IQM of 2 suites"
    # of 0, 40, 50, 50, 60, 80, 90, 90, 90, 100 two are dropped at each end
    assert overall.a.value == pytest.approx((50 + 50 + 60 + 80 + 90 + 90) / 600)
    # of six 65 and six 95 three are dropped at each end
    assert overall.b.value == pytest.approx(0.8)
    assert overall.b.interval == pytest.approx((0.8, 0.8))
    assert overall.difference.value == pytest.approx(0.8 - 0.7)
    assert overall.a.interval[0] < 0.7 < overall.a.interval[1]
    assert combination.difference.excludes_zero
    assert not any("fewer" in note or "one run" in note for note in comparison.notes)


def test_whole_runs_are_drawn_for_the_interquartile_mean_only_when_asked_for(tmp_path: Path) -> None:
    """Scores of a run that rise and fall together: drawn together they vary more."""
    together = [60, 70, 80, 90, 100, 65]
    a, b = write_group(tmp_path / "a", together, together), write_group(tmp_path / "b", [50] * 6, [50] * 6)
    apart, whole = compare_groups(a, b), compare_groups(a, b, whole_runs=True)
    for side in ("a", "difference"):
        low, high = getattr(apart.overall, side).interval
        least, most = getattr(whole.overall, side).interval
        assert most - least > 1.2 * (high - low)
    assert apart.rows == whole.rows
    assert any("--whole-runs" in note for note in apart.notes)
    assert not any("--whole-runs" in note for note in whole.notes)


def test_same_seed_of_the_bootstrap_gives_the_same_comparison(tmp_path: Path) -> None:
    a, b = (
        write_group(tmp_path / "a", [83, 90, 71], [40, 55, 62]),
        write_group(tmp_path / "b", [81, 92, 95], [65, 61, 68]),
    )
    assert compare_groups(a, b) == compare_groups(a, b, seed=0)
    assert compare_groups(a, b) != compare_groups(a, b, seed=1)


def test_side_of_one_run_has_no_interval_and_says_why(tmp_path: Path) -> None:
    a, b = write_group(tmp_path / "a", [80, 90], [40, 50]), write_group(tmp_path / "b", [95], [65])
    comparison = compare_groups(a, b)
    for row in (*comparison.rows, comparison.overall):
        assert row is not None
        assert row.a.interval is not None
        assert row.b.interval is row.difference.interval is None
    assert any("one run" in note for note in comparison.notes)
    assert any("fewer than 5 runs" in note for note in comparison.notes)


def test_run_given_twice_and_an_empty_side_are_refused(tmp_path: Path) -> None:
    """A run that counts twice would make its side look surer than it is."""
    a, b = write_group(tmp_path, [80, 90], [40, 50])
    for compare in (
        lambda: compare_runs(a, a),
        lambda: compare_groups([a, a / ".." / a.name], [b]),
        lambda: compare_groups([a], [b, a]),
    ):
        with pytest.raises(ConfigurationError, match=f"{a.resolve()} is given twice"):
            compare()
    for sides in (([], [a]), ([a], [])):
        with pytest.raises(ConfigurationError, match="at least one run"):
            compare_groups(*sides)


def test_table_holds_the_numbers_with_marks(tmp_path: Path) -> None:
    a = write_run(tmp_path / "a", {"layout": {"trained": 90}, "combination": {"trained": 80}})
    b = write_run(tmp_path / "b", {"layout": {"trained": 92}, "combination": {"trained": 50}})
    with (tmp_path / "terminal.txt").open("w") as file:
        Console(file=file, width=160).print(compare_runs(a, b).table())
        Console(file=file, width=160).print(compare_groups([a], [b]).table())
    lines = (tmp_path / "terminal.txt").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    assert rows == [
        ["layout", "0.900 [0.826, 0.945]", "0.920 [0.850, 0.959]", "+0.020 [-0.063, +0.104]", ""],
        ["combination", "0.800 [0.711, 0.867]", "0.500 [0.404, 0.596]", "-0.300 [-0.417, -0.169]", "*"],
        ["layout", "0.900", "0.920", "+0.020", ""],
        ["combination", "0.800", "0.500", "-0.300", ""],
        ["IQM of 2 suites", "0.850", "0.710", "-0.140", ""],
    ]
    assert "sampled actions" in lines[0]


def test_saved_comparison_is_the_comparison(tmp_path: Path) -> None:
    a, b = write_group(tmp_path / "a", [83, 90, 71], [40, 55, 62]), write_group(tmp_path / "b", [95], [65])
    comparison = compare_groups(a, b)
    comparison.save(tmp_path / "new" / "comparison.json")
    stored = json.loads((tmp_path / "new" / "comparison.json").read_text())
    assert stored == json.loads(json.dumps(dataclasses.asdict(comparison)))
    assert stored["rows"][0]["a"]["interval"] == list(comparison.rows[0].a.interval)
    assert stored["rows"][0]["b"] == {"value": 0.95, "interval": None}
