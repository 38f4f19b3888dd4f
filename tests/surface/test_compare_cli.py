"""`groundling compare`: what it prints and writes, and one line for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundling.cli import main

TASK = "BabyAI-GoToLocal-v0"


def write_run(name: str, *, task: str = TASK, **successes: int) -> None:
    """A run folder with the results of 100 episodes by suite."""
    results = {
        suite: {
            agent: {"success": n / 100, "low": 0.0, "high": 1.0, "episodes": 100, "successes": n}
            for agent, n in (("trained", successes[suite]), ("random", 7))
        }
        for suite in successes
    }
    Path(name).mkdir()
    content = {"task": task, "greedy": False, "episodes": 100, "seed": 0, "suites": results}
    (Path(name) / "evaluation.json").write_text(json.dumps(content))


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three seeds of each of two ways of training, and one run of another task."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    for seed, (layout, combination) in enumerate([(90, 80), (92, 84), (97, 82)]):
        write_run(f"gated{seed}", layout=layout, combination=combination)
        write_run(f"plain{seed}", layout=layout - 1, combination=combination - 40, size=33)
    write_run("other", task="BabyAI-PickupLoc-v0", layout=90)
    Path("untested").mkdir()
    Path("file").write_text("")


GROUPS = ["--a", "gated0", "gated1", "gated2", "--b", "plain0", "plain1", "plain2"]


def rows(told: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in told.splitlines() if line[:1] == "│"]
    return {name: rest for name, *rest in cells}


def test_help_tells_both_ways_of_calling_it_and_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--help"]) == 0
    told = capsys.readouterr().out
    for text in ("groundling compare RUN_A RUN_B", "groundling compare --a RUNS --b RUNS", "excludes 0"):
        assert text in told
    for option in ("--a RUN", "--b RUN", "--agent {trained,blind,shuffled,random}", "--whole-runs", "--output"):
        assert option in told


def test_two_runs_are_told_apart_suite_by_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "gated0", "plain0"]) == 0
    told = capsys.readouterr().out
    assert f"{TASK}: success of the trained agent, 95 % interval, sampled actions" in told
    assert rows(told) == {
        "layout": ["0.900 [0.826, 0.945]", "0.890 [0.814, 0.937]", "-0.010 [-0.098, +0.078]", ""],
        "combination": ["0.800 [0.711, 0.867]", "0.400 [0.309, 0.498]", "-0.400 [-0.512, -0.268]", "*"],
    }
    lines = told.splitlines()
    assert lines[lines.index("A: gated0") + 1] == "B: plain0"
    assert "skipped size: not in gated0" in lines
    assert "* the interval of the difference excludes 0" in lines


def test_mark_is_explained_only_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "gated0", "plain0", "--agent", "random"]) == 0
    told = capsys.readouterr().out
    assert rows(told)["layout"][:2] == ["0.070 [0.034, 0.137]"] * 2
    assert "*" not in told


def test_groups_are_told_apart_over_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *GROUPS]) == 0
    told = capsys.readouterr().out
    found = rows(told)
    assert list(found) == ["layout", "combination", "IQM of 2 suites"]
    assert found["layout"][0].startswith("0.930 [0.9")
    assert found["layout"][2].startswith("-0.010 [")
    assert found["layout"][3] == ""
    assert found["combination"][2].startswith("-0.400 [")
    assert found["combination"][3] == "*"
    assert found["IQM of 2 suites"][0].startswith("0.870 [")  # of 80 82 84 90 92 97 one is dropped at each end
    assert "A: gated0, gated1, gated2" in told.splitlines()
    assert "note: fewer than 5 runs on a side" in told
    assert main(["compare", *GROUPS, "--whole-runs"]) == 0
    assert rows(capsys.readouterr().out)["IQM of 2 suites"][0] != found["IQM of 2 suites"][0]


def test_one_run_a_side_is_the_comparison_of_two_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "gated0", "plain0"]) == 0
    told = capsys.readouterr().out
    assert main(["compare", "--a", "gated0", "--b", "plain0"]) == 0
    assert capsys.readouterr().out == told


def test_output_is_written_whole_beside_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *GROUPS, "--output", "new/comparison.json"]) == 0
    stored = json.loads(Path("new/comparison.json").read_text())
    assert [file.name for file in Path("new").iterdir()] == ["comparison.json"]
    assert [row["name"] for row in stored["rows"]] == ["layout", "combination"]
    value, (low, high) = stored["overall"]["difference"].values()
    assert f"{value:+.3f} [{low:+.3f}, {high:+.3f}]" == rows(capsys.readouterr().out)["IQM of 2 suites"][2]
    assert stored["left_out"] == {"size": ["gated0", "gated1", "gated2"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "two runs are compared, but 0 given: `groundling compare RUN_A RUN_B`"),
        (["gated0"], "but 1 given"),
        (["gated0", "gated1", "gated2"], "but 3 given"),
        (["gated0", "plain0", "--a", "gated1", "--b", "gated2"], "not both"),
        (["--a", "gated0"], "side B has no run"),
        (["--b", "gated0", "gated1"], "side A has no run"),
        (["gated0", "plain0", "--whole-runs"], "several training seeds"),
        (["gated0", "gated0"], "given twice"),
        (["gated0", "nowhere"], "there is no run at nowhere: `groundling train --run-folder nowhere`"),
        (["gated0", "file"], "there is no run at file"),
        (["untested", "gated0"], "`groundling evaluate untested --suite all`"),
        (["gated0", "other"], f"gated0 is of {TASK}, other of BabyAI-PickupLoc-v0"),
        (["gated0", "plain0", "--agent", "blind"], "has no 'blind' agent, it has trained, random"),
        (["gated0", "plain0", "--agent", "bot"], "'bot'"),
        (["gated0", "plain0", "--output", "file/comparison.json"], "is a file, not a folder"),
        (["gated0", "plain0", "--bogus"], "--bogus"),
    ],
)
def test_mistake_is_told_in_one_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *arguments]) == 2
    complaint = capsys.readouterr()
    assert complaint.err.startswith("groundling: ")
    assert complaint.err.count("\n") == 1
    assert told in complaint.err
    assert complaint.out == ""
