"""Measures of families beside success: replayed from the actions of an evaluation, in tables, JSON and the report."""

from __future__ import annotations

import json
from io import StringIO

import house_questions.small_houses as small
import numpy as np
import pytest
from rich.console import Console

from groundling.agents.baselines import RandomPolicy
from groundling.envs.banks import bank_building
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.families.base import EnvFamily, MeasureTable
from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.source import QuestionSource
from groundling.eval.measures import EpisodeActions, measure_tables, measures_to_dict
from groundling.eval.report import write_report
from groundling.eval.rollout import Stepped
from groundling.eval.runs import evaluate_suites
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import SuiteRow


def stepped(actions: list[int], ended: list[bool]) -> Stepped:
    off = np.zeros(len(actions), dtype=np.bool_)
    none = np.zeros(len(actions))
    return Stepped(np.array(actions), {}, none, np.array(ended), off, {}, off, off, none.astype(np.int64))


def test_actions_are_kept_by_episode_not_by_environment() -> None:
    kept = EpisodeActions()
    for actions, ended in (([1, 2], [True, False]), ([3, 4], [False, True]), ([5, 6], [True, True])):
        kept(stepped(actions, ended))
    assert [own.tolist() for own in kept.of_each(4)] == [[1], [2, 4], [3, 5], [6]]
    assert len(kept.of_each(3)) == 3


@pytest.fixture(scope="module")
def results():
    patch = pytest.MonkeyPatch()
    patch.setattr(bank_building, "CHUNK", 8)
    source = QuestionSource("test/Questions-v0", small.SmallMaker(), rooms=5, start_distances=(5, 12))
    family = QuestionFamily(source)
    bank = build_bank(source, 20, split="seen", workers=1, cache=False, progress=False)
    patch.undo()
    row = SuiteRow(family, "layout", family.episodes_of(bank))
    family.most_envs = 7  # type: ignore[misc] - so that environments play several episodes
    row = SuiteRow(family, "layout", family.episodes_of(bank))
    policies = {"trained": RandomPolicy(len(family.spec.actions))}
    found = {agent: one for _, agent, one in evaluate_suites(policies, {"layout": row})}
    return SuiteReport("test/Questions-v0", False, 20, 0, {"layout": found})


def test_measures_agree_with_the_evaluation_that_they_are_replayed_from(results: SuiteReport) -> None:
    evaluation = results.results["layout"]["trained"]
    by_start, by_type = results.measures["layout"]
    name, episodes, values = by_start.rows[-1]
    whole = dict(zip(by_start.columns, values, strict=True))
    assert (name, episodes) == ("all", 20)
    assert whole["accuracy"] == pytest.approx(evaluation.success)
    assert whole["length"] == pytest.approx(evaluation.mean_length)
    late = sum(outcome.out_of_time for outcome in evaluation.outcomes) / 20
    assert whole["stop"] == pytest.approx(1 - late)
    assert whole["d_delta"] == pytest.approx(whole["d_0"] - whole["d_T"])
    assert sum(row[1] for row in by_start.rows[:-1]) == sum(row[1] for row in by_type.rows) == 20
    assert whole["known_at_start"] == 0


def test_measures_are_saved_printed_and_reported(results: SuiteReport, tmp_path) -> None:
    results.save(tmp_path)
    saved = json.loads((tmp_path / "evaluation.json").read_text())["measures"]["layout"]
    assert [table["by"] for table in saved] == ["actions away", "type"]
    assert saved[0]["rows"][-1]["episodes"] == 20
    assert {"d_T", "r_e", "justified"} <= set(saved[0]["rows"][0])
    drawn = measure_tables(results.measures)
    assert [len(table.rows) for table in drawn] == [len(t["rows"]) for t in saved for _ in range(3)]
    console = Console(width=80, file=StringIO())
    for table in drawn:
        console.print(table)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in printed, "it fits into 80 columns"
    assert all(str(row["name"]) in printed for table in saved for row in table["rows"])
    assert "d_T: the same at the end" in results.legend()
    write_report(tmp_path, results, facts={}, pictures=(), config="", links={})
    assert "known_at_start" in (tmp_path / "report.html").read_text()


def test_what_is_undefined_is_told_as_such() -> None:
    table = MeasureTable("type", {"d_T": "metres"}, (("color", 3, (float("nan"),)),))
    assert measures_to_dict((table,))[0]["rows"][0]["d_T"] is None
    assert next(iter(measure_tables({"layout": (table,)})[0].columns[-1].cells)) == "-"


def test_families_have_no_measures_unless_they_say_so() -> None:
    assert not EnvFamily.has_measures
