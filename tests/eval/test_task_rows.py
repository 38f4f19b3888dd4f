"""Evaluation of a run over several tasks: rows for each of them, told together."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from groundling.agents import AgentConfig
from groundling.envs import EpisodeBank
from groundling.envs.catalog import find_family
from groundling.envs.families.goals import SUITES
from groundling.errors import ConfigurationError, SplitError
from groundling.eval import evaluate_run, suite_bank
from groundling.eval.evaluating import report_run
from groundling.eval.evaluation import Evaluation, Outcome
from groundling.eval.figures import SMOOTHING, task_curves
from groundling.eval.results import read_results
from groundling.eval.suite_report import SuiteReport, format_success
from groundling.eval.suites import describe_suite, split_row, suite_rows
from groundling.training import CurriculumConfig, PPOConfig, TrainConfig, train

TASKS = ("BabyAI-GoToObjS4-v0", "groundling/PickupDistDebug-v0")
ROOM, PICK_UP = "BabyAI-GoToObjS4-v0", "BabyAI-PickupDistDebug-v0"
EPISODES = 12
CONFIG = TrainConfig(
    tasks=TASKS,
    curriculum=CurriculumConfig(kind="progress"),
    total_frames=512,
    num_envs=8,
    bank_size=100,
    agent=AgentConfig(cell_dim=6, word_dim=5, instruction_dim=7, readout_dim=3, hidden_dim=8),
    ppo=PPOConfig(num_steps=16, minibatch_size=64, num_epochs=1),
)


def suite_banks(config: TrainConfig, *args: Any, **options: Any) -> tuple[dict[str, EpisodeBank], dict[str, str]]:
    """The banks of the rows of several suites."""
    rows, left_out = suite_rows(config, *args, **options)
    return {name: row.episodes.bank for name, row in rows.items()}, left_out  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(CONFIG, folder)
    return folder


def test_each_task_has_its_rows_and_they_are_those_of_its_own_banks() -> None:
    banks, left_out = suite_banks(CONFIG, ("layout", "combination", "size"), episodes=EPISODES, progress=False)
    rows = [f"{task}: {suite}" for task in (ROOM, PICK_UP) for suite in ("layout", "combination", "size")]
    assert {*banks, *left_out} == set(rows)
    assert len(banks) >= 4
    for name, bank in banks.items():
        task, suite = split_row(name)
        assert bank.level == task
        alone = suite_bank(CONFIG.alone(task), suite, episodes=EPISODES, progress=False)
        assert np.array_equal(bank.seeds, alone.seeds)
    trained = CONFIG.training_bank(progress=False)
    assert not {seed for bank in banks.values() for seed in bank.seeds.tolist()} & set(trained.seeds.tolist())


def test_words_that_any_task_told_are_known_in_all_of_them() -> None:
    """Boxes are told of by the second task only; to an agent of the first one alone they would be new."""
    combinations = tuple(f"{color} box" for color in ("red", "green", "blue", "purple", "yellow", "grey"))
    held_out = dataclasses.replace(CONFIG.held_out, combinations=combinations)
    alone = dataclasses.replace(CONFIG.alone(ROOM), held_out=held_out)
    with pytest.raises(SplitError, match="no training instruction has: box"):
        suite_banks(alone, ("combination",), episodes=EPISODES, progress=False)
    both = dataclasses.replace(alone, task="", tasks=(ROOM, "groundling/RoomMixed-v0"))
    told = {word for text in both.training_bank(progress=False).instructions for word in text.split()}
    assert "box" in told, "of no color, or of one that is not named"
    banks, _ = suite_banks(both, ("combination",), episodes=EPISODES, progress=False)
    assert f"{ROOM}: combination" in banks


def test_suite_of_several_tasks_at_once_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"config\.alone"):
        suite_bank(CONFIG, "layout", episodes=3, progress=False)


def test_report_leaves_rows_tables_and_figures_of_each_task(run: Path) -> None:
    output = io.StringIO()
    report = report_run(run, episodes=EPISODES, seed=3, video=False, console=Console(file=output, width=80))
    told, page = output.getvalue(), (run / "report.html").read_text()
    assert report.task == ", ".join(TASKS)
    assert report == evaluate_run(run, episodes=EPISODES, seed=3, progress=False)
    assert {split_row(name)[0] for name in report.results} == {ROOM, PICK_UP}
    stored = json.loads((run / "evaluation.json").read_text())["suites"]
    for name, row in report.results.items():
        task, suite = split_row(name)
        assert stored[name]["trained"] == row["trained"].to_dict()
        assert f"<b>{name}</b>" in page
        assert format_success(row["trained"]) in page
        own = told[told.index(f"{task}: success") :]
        line = next(line for line in own.splitlines() if line.split()[:1] == [suite.split(",")[0]])
        assert f"{row['trained'].success:.3f}" in line
        assert "…" not in line, "the table is wider than a terminal"
    assert told.count(f"layout: {SUITES['layout'].description}\n") == 1
    assert page.count("data:image/png;base64,") == 4, "learning curve, two readings, tasks"
    assert f"<dt>tasks</dt><dd>{', '.join(TASKS)}</dd>" in page
    assert "<dt>curriculum</dt><dd>progress</dd>" in page
    assert set(read_results(run).scores) == set(report.results)


def test_tables_are_one_a_task_in_their_order() -> None:
    def result(successes: int) -> dict[str, Evaluation]:
        return {"trained": Evaluation(10, successes, 0.5, 5.0)}

    report = SuiteReport("A, B", False, 10, 0, {"A: layout": result(1), "A: size": result(2), "B: layout": result(3)})
    console = Console(width=100, file=io.StringIO())
    for table in report.tables():
        console.print(table)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    told = [line[:2] for line in lines if line and line[0] in ("A:", "B:", "layout", "size")]
    assert told == [
        ["A:", "success,"],
        ["layout", "0.100"],
        ["size", "0.200"],
        ["B:", "success,"],
        ["layout", "0.300"],
    ]
    assert describe_suite("A: combination, reordered", SUITES) == "words of a trained instruction in another order"


def test_failures_are_told_task_by_task() -> None:
    def result(sentence: str, successes: int) -> dict[str, Evaluation]:
        outcomes = [Outcome(sentence, place < successes, place >= successes, 5, 0.0) for place in range(10)]
        return {"trained": Evaluation.of(outcomes)}

    results = {
        "A: layout": result("open a door", 8),
        "A: size": result("go to a key", 3),
        "B: layout": result("open a door", 0),
    }
    groupings = dict.fromkeys(results, find_family(ROOM).groups)
    report = SuiteReport("A, B", False, 10, 0, results, {}, ("verb",), groupings=groupings)
    assert {
        task: [(suite, group.name, group.successes) for suite, group in rows]
        for task, rows in report.failures("verb").items()
    } == {
        "A": [("size", "go to", 3), ("layout", "open", 8)],
        "B": [("layout", "open", 0)],
    }
    assert [table.title for table in report.breakdown_tables("verb")] == [
        "A: success by verb, 95 % interval",
        "B: success by verb, 95 % interval",
    ]


def test_table_of_failures_says_how_many_rows_it_leaves_to_the_file() -> None:
    outcomes = [Outcome(f"go to the {number}", True, False, 5, 0.9) for number in range(23)]
    report = SuiteReport("A", True, 23, 0, {"layout": {"trained": Evaluation.of(outcomes)}}, {}, ("instruction",))
    (table,) = report.breakdown_tables("instruction")
    assert (len(table.rows), table.caption) == (20, "3 more rows are in evaluation.json")


def test_task_curves_draw_success_and_share_of_each_task() -> None:
    count = SMOOTHING + 2
    metrics = [{"frames": 1e6 * n, "share/A": n / 10, "share/B/C": 1 - n / 10, "success/A": 0.5} for n in range(count)]
    metrics[-1]["success/B/C"] = 0.25
    success, share = task_curves(metrics).axes
    assert [text.get_text() for text in share.get_legend().get_texts()] == ["A", "B/C"]
    np.testing.assert_allclose(
        share.lines[0].get_ydata(), [np.mean(np.arange(n, n + SMOOTHING)) / 10 for n in range(3)]
    )
    assert [line.get_label() for line in success.lines] == ["A", "B/C"]
    assert success.lines[1].get_xydata().tolist() == [[1e6 * (count - 1), 0.25]]
