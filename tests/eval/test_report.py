"""The report: one file that holds the table's numbers and the pictures themselves."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from groundling.errors import StorageError
from groundling.eval.evaluation import Evaluation
from groundling.eval.generalization import GeneralizationReport, format_success
from groundling.eval.report import write_report

PICTURE = b"\x89PNG not really"


def make_report(*, greedy: bool = False) -> GeneralizationReport:
    trained = {"seen": Evaluation(10, 8, 0.7, 5.0), "unseen": Evaluation(10, 0, 0.0, 16.0)}
    random = {"seen": Evaluation(10, 5, 0.3, 9.0), "unseen": Evaluation(10, 10, 0.9, 2.0)}
    return GeneralizationReport("BabyAI-GoToLocal-v0", greedy, {"trained": trained, "random": random})


def written(folder: Path, *, greedy: bool = False) -> str:
    write_report(
        folder,
        make_report(greedy=greedy),
        figures={"A caption with <angles>": PICTURE},
        config='{"seed": 1}',
        summary="gated & trained",
        links={"Video": "episode.mp4"},
    )
    return (folder / "report.html").read_text()


def test_success_is_written_with_its_interval() -> None:
    assert format_success(Evaluation(10, 8, 0.0, 0.0)) == "0.800 [0.490, 0.943]"


def test_report_holds_every_number_of_the_table(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert re.findall(r'class="number">([^<]*)<', text) == [
        "0.800 [0.490, 0.943]",
        "0.000 [0.000, 0.278]",
        "0.500 [0.237, 0.763]",
        "1.000 [0.722, 1.000]",
    ]
    assert re.findall(r"<td><b>(\w+)</b>", text) == ["trained", "random"]
    assert "over 10 distinct episodes" in text


def test_report_needs_no_other_file_for_its_pictures(tmp_path: Path) -> None:
    text = written(tmp_path)
    sources = re.findall(r'<img [^>]*src="([^"]*)"', text)
    assert [base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources] == [PICTURE]
    assert "http" not in text


def test_report_escapes_what_it_is_given(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert "A caption with &lt;angles&gt;" in text
    assert "gated &amp; trained" in text
    assert "{&quot;seed&quot;: 1}" in text
    assert '<a href="episode.mp4">Video</a>' in text


def test_report_says_how_actions_were_chosen(tmp_path: Path) -> None:
    assert "drawn from the policy" in written(tmp_path)
    assert "likeliest action" in written(tmp_path, greedy=True)


def test_evaluation_file_has_the_documented_structure(tmp_path: Path) -> None:
    make_report().save(tmp_path)
    results = json.loads((tmp_path / "evaluation.json").read_text())
    assert {agent: set(splits) for agent, splits in results.items()} == {
        "trained": {"seen", "unseen"},
        "random": {"seen", "unseen"},
    }
    one = results["trained"]["seen"]
    assert {"success", "low", "high", "episodes"} <= set(one)
    assert (one["success"], one["episodes"]) == (0.8, 10)
    assert (one["low"], one["high"]) == pytest.approx((0.490, 0.943), abs=1e-3)


def test_table_for_the_terminal_holds_the_same_numbers() -> None:
    console = Console(width=200, file=io.StringIO())
    console.print(make_report(greedy=True).table())
    text = console.file.getvalue()
    for number in ("0.800 [0.490, 0.943]", "0.000 [0.000, 0.278]", "1.000 [0.722, 1.000]", "greedy", "unseen"):
        assert number in text


def test_folder_under_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        written(tmp_path / "file")
