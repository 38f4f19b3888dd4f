"""The report: one file that holds the table's numbers and the pictures themselves."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from groundling.envs.catalog import find_family
from groundling.envs.families.goals import SUITES
from groundling.errors import StorageError
from groundling.eval.evaluation import Evaluation, Outcome
from groundling.eval.report import Picture, Video, write_report
from groundling.eval.suite_report import SuiteReport, format_success
from groundling.files import CHECKSUM, checksum_of

MOVIE = b"not really a video"
PICTURE = b"\x89PNG not really"


def make_report(*, greedy: bool = False) -> SuiteReport:
    """Three rows, the second of them with a control less than the first."""
    results = {
        "layout": {"trained": Evaluation(10, 8, 0.7, 5.0, 1.25), "random": Evaluation(10, 5, 0.3, 9.0)},
        "combination": {"trained": Evaluation(7, 0, 0.0, 16.0)},
        "combination, reordered": {"trained": Evaluation(3, 3, 0.9, 2.0), "random": Evaluation(3, 1, 0.4, 8.0)},
    }
    left_out = {"size": "it cannot be <enlarged>"}
    return SuiteReport("BabyAI-GoToLocal-v0", greedy, 10, 4, results, left_out, suites=SUITES)


def make_broken_down() -> SuiteReport:
    """Two suites of one task; "go to" fails in the second, "put" a little in both."""
    go, put = "go to the red ball", "put a key next to the red ball"
    first = [Outcome(go, True, False, 4, 0.9)] * 20 + [
        Outcome(put, place < 5, place == 5, 9, 0.1) for place in range(10)
    ]
    second = [Outcome(go, False, True, 64, 0.0)] * 20 + [Outcome(put, True, False, 9, 0.5)] * 2
    results = {"layout": {"trained": Evaluation.of(first), "random": Evaluation.of(second)}}
    results["size"] = {"trained": Evaluation.of(second)}
    groups = find_family("BabyAI-GoToLocal-v0").groups
    groupings = dict.fromkeys(results, groups)
    return SuiteReport(
        "BabyAI-Two-v0", False, 30, 4, results, {}, ("verb", "clauses"), suites=SUITES, groupings=groupings
    )


def written(folder: Path, *, greedy: bool = False) -> str:
    write_report(
        folder,
        make_report(greedy=greedy),
        facts={"agent": "gated & trained"},
        pictures=[Picture("A caption with <angles>", PICTURE)],
        video=Video("The first <two>", MOVIE, ('0:00 "go to the <ball>": reached after 3 steps', "0:04 another")),
        config='{"seed": 1}',
        links={"Video": "episode.mp4"},
    )
    return (folder / "report.html").read_text()


def test_success_is_written_with_its_interval() -> None:
    assert format_success(Evaluation(10, 8, 0.0, 0.0)) == "0.800 [0.490, 0.943]"


def test_report_holds_every_number_of_the_table(tmp_path: Path) -> None:
    text = written(tmp_path)
    rows = [re.findall(r"<t[dh][^>]*>(?:<span><b>)?([^<]*)<", row) for row in re.findall(r"<tr.*?</tr>", text)]
    assert rows == [
        ["suite", "episodes", "trained", "steps", "/expert", "random"],
        ["layout", "10", "0.800 [0.490, 0.943]", "5.0", "1.25", "0.500 [0.237, 0.763]"],
        ["combination", "7", "0.000 [0.000, 0.354]", "16.0", "-", "-"],
        ["combination, reordered", "3", "1.000 [0.439, 1.000]", "2.0", "-", "0.333 [0.061, 0.792]"],
    ]
    assert re.findall(r"</b><br>([^<]*)</span>", text) == [
        SUITES["layout"].description,
        SUITES["combination"].description,
        "words of a trained instruction in another order",
    ]
    assert "<li>size: it cannot be &lt;enlarged&gt;</li>" in text


def test_report_needs_no_other_file_for_its_pictures_and_video(tmp_path: Path) -> None:
    text = written(tmp_path)
    (video,) = re.findall(r'<video [^>]*src="([^"]*)"', text)
    assert base64.b64decode(video.removeprefix("data:video/mp4;base64,")) == MOVIE
    sources = re.findall(r'<img [^>]*src="([^"]*)"', text)
    assert [base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources] == [PICTURE]
    assert "http" not in text


def test_report_escapes_what_it_is_given(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert "A caption with &lt;angles&gt;" in text
    assert "gated &amp; trained" in text
    assert "<details><summary>All settings</summary><pre>{&quot;seed&quot;: 1}</pre></details>" in text, "folded"
    assert "The first &lt;two&gt;:<ul><li>0:00 &quot;go to the &lt;ball&gt;&quot;: reached after 3 steps</li>" in text
    assert '<a href="episode.mp4">Video</a>' in text


def test_report_says_how_actions_were_chosen(tmp_path: Path) -> None:
    assert "sampled from the policy" in written(tmp_path)
    assert "greedy actions" in written(tmp_path, greedy=True)


def test_report_shows_what_fails_first_unless_it_tells_nothing_apart(tmp_path: Path) -> None:
    write_report(tmp_path, make_broken_down(), facts={}, pictures=[], config="", links={})
    page = (tmp_path / "report.html").read_text()
    _, table = page.split("<h3>By verb</h3>")
    rows = [re.findall(r"<t[dh][^>]*>([^<]*)<", row) for row in re.findall(r"<tr.*?</tr>", table)]
    assert rows == [
        ["verb", "suite", "episodes", "trained", "timeout", "failed"],
        ["go to", "size", "20", "0.000 [0.000, 0.161]", "1.00", "0.00"],
        ["put", "layout", "10", "0.500 [0.237, 0.763]", "0.10", "0.40"],
        ["go to", "layout", "20", "1.000 [0.839, 1.000]", "0.00", "0.00"],
        ["put", "size", "2", "1.000 [0.342, 1.000]", "0.00", "0.00"],
    ]
    assert "By clauses" not in page, "all instructions have one"
    assert "What fails" not in written(tmp_path)


def test_evaluation_file_has_the_breakdown_of_every_agent(tmp_path: Path) -> None:
    report = make_broken_down()
    report.save(tmp_path)
    stored = json.loads((tmp_path / "evaluation.json").read_text())["breakdown"]
    assert list(stored) == ["verb", "clauses"]
    assert {suite: list(row) for suite, row in stored["verb"].items()} == {
        "layout": ["trained", "random"],
        "size": ["trained"],
    }
    put, go = stored["verb"]["layout"]["trained"]
    assert (put["name"], put["successes"], put["episodes"], put["late"], put["wrong"]) == ("put", 5, 10, 0.1, 0.4)
    assert (go["name"], go["success"]) == ("go to", 1.0)
    (one,) = stored["clauses"]["size"]["trained"]
    assert (one["name"], one["episodes"], one["mean_length"]) == ("1", 22, pytest.approx((20 * 64 + 2 * 9) / 22))


def test_evaluation_file_has_the_documented_structure(tmp_path: Path) -> None:
    make_report().save(tmp_path)
    stored = json.loads((tmp_path / "evaluation.json").read_text())
    assert stored.pop(CHECKSUM) == checksum_of(stored)
    suites = stored.pop("suites")
    assert stored == {
        "agent": {},
        "task": "BabyAI-GoToLocal-v0",
        "greedy": False,
        "episodes": 10,
        "seed": 4,
        "left_out": {"size": "it cannot be <enlarged>"},
        "breakdown": {},
    }
    assert {suite: list(row) for suite, row in suites.items()} == {
        "layout": ["trained", "random"],
        "combination": ["trained"],
        "combination, reordered": ["trained", "random"],
    }
    one = suites["layout"]["trained"]
    assert (one["success"], one["episodes"], one["successes"]) == (0.8, 10, 8)
    assert (one["low"], one["high"]) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert (one["mean_return"], one["mean_length"]) == (0.7, 5.0)


def test_table_for_the_terminal_holds_the_same_numbers() -> None:
    console = Console(width=200, file=io.StringIO())
    (table,) = make_report(greedy=True).tables()
    console.print(table)
    text = console.file.getvalue()
    assert "BabyAI-GoToLocal-v0: success, 95 % interval (greedy actions)" in text
    rows = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if "0." in line]
    assert rows == [
        ["layout", "10", "0.800", "[0.490, 0.943]", "5.0", "1.25", "0.500"],
        ["combination", "7", "0.000", "[0.000, 0.354]", "16.0", "-", "-"],
        ["combination, reordered", "3", "1.000", "[0.439, 1.000]", "2.0", "-", "0.333"],
    ]


def test_table_has_a_value_in_every_column() -> None:
    (table,) = make_report().tables()
    cells = {str(column.header): list(column.cells) for column in table.columns}
    assert cells["n"] == ["10", "7", "3"]
    assert cells["/expert"] == ["1.25", "-", "-"]
    assert cells["random"] == ["0.500", "-", "0.333"]


def test_legend_explains_every_row_and_column() -> None:
    assert make_report().legend().splitlines() == [
        f"layout: {SUITES['layout'].description}",
        f"combination: {SUITES['combination'].description}",
        "combination, reordered: words of a trained instruction in another order",
        "n: episodes",
        "steps: mean number of steps of the trained agent, over all episodes",
        "/expert: steps of successful episodes, divided by the steps of the full-state expert",
        "random: uniformly random actions",
        "skipped size: it cannot be <enlarged>",
    ]


def test_folder_under_a_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        written(tmp_path / "file")
