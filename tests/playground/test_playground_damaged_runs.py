"""Runs that are damaged, that diverged or that vanish: the page shows the others, and says what is wrong with these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="the playground needs groundling[playground]")
pytest.importorskip("httpx2", reason="the tests of the server need httpx2")

from starlette.testclient import TestClient

from groundling.playground.runs import Runs
from groundling.playground.server import Playground

HERE = "http://127.0.0.1:8765"


def made(root: Path, name: str, values: tuple[float, ...] = (0.5, 0.75), config: str = '{"task": "T"}') -> Path:
    """A run of no more than its metrics and its configuration."""
    folder = root / name
    folder.mkdir(parents=True)
    rows = [{"frames": 100 * (row + 1), "return": value, "success": value} for row, value in enumerate(values)]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "config.json").write_text(config)
    return folder


def asked(root: Path, path: str, **parameters: Any) -> Any:
    with TestClient(Playground(root).app(), base_url=HERE) as client:
        answer = client.get(f"/api/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize("smoothing", [1, 5])
@pytest.mark.parametrize("wrong", [float("inf"), float("-inf"), float("nan")])
def test_a_curve_shows_what_is_finite(tmp_path: Path, wrong: float, smoothing: int) -> None:
    made(tmp_path, "one", (0.5, 1.5, *[2.0] * 5, wrong, 3.0, *[2.5] * 6))
    told = asked(tmp_path, "curves", run="one", metric="return", smoothing=smoothing)
    (curve,) = told["curves"]
    low, high = told["limits"]
    assert any(value is None for value in curve["mean"])
    known = [value for value in curve["mean"] if value is not None]
    assert len(known) > len(curve["mean"]) // 4
    assert low == pytest.approx(min(known), abs=0.2)
    assert high == pytest.approx(max(known), abs=0.2)


def test_curves_of_several_seeds_of_which_one_diverged(tmp_path: Path) -> None:
    made(tmp_path, "seed1", (0.5, 1.5, 2.0))
    made(tmp_path, "seed2", (0.5, float("inf"), float("nan")))
    told = asked(tmp_path, "curves", run=["seed1", "seed2"], metric="return", smoothing=1)
    assert told["curves"][0]["runs"] == 2
    assert len(told["singles"]) == 2
    assert all(map(is_finite_number, told["limits"]))


def test_a_run_that_only_diverged_has_an_axis_all_the_same(tmp_path: Path) -> None:
    made(tmp_path, "one", (float("nan"),) * 3)
    told = asked(tmp_path, "curves", run="one", metric="return")
    assert told["limits"] == [0, 1]
    (run,) = asked(tmp_path, "runs")["runs"]
    assert run["success"] is None


def is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e9


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[1]",
        "null",
        '"text"',
        "{" * 100_000,
        '{"tasks": 7}',
        '{"task": 7}',
        '{"tasks": [{}]}',
        '{"task": "T", "total_frames": "many"}',
        '{"task": "T", "seed": NaN}',
        "\udcff",
    ],
)
def test_a_damaged_configuration_hides_no_other_run_and_is_told(tmp_path: Path, config: str) -> None:
    made(tmp_path, "good", config='{"task": "T", "seed": 3, "total_frames": 200}')
    (made(tmp_path, "bad") / "config.json").write_bytes(config.encode(errors="surrogateescape"))
    runs = {run["name"]: run for run in asked(tmp_path, "runs")["runs"]}
    assert set(runs) == {"good", "bad"}
    assert runs["good"]["tasks"] == ["T"]
    assert runs["good"]["damage"] == ""
    assert runs["bad"]["damage"] == "its config.json cannot be read"
    assert runs["bad"]["tasks"] == []
    assert runs["bad"]["frames"] == 200


def test_metrics_that_cannot_be_read_hide_no_other_run_and_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "good")
    bad = made(tmp_path, "bad") / "metrics.jsonl"
    read = Path.read_bytes

    def fails(path: Path) -> bytes:
        if path == bad:
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", fails)
    runs = {run["name"]: run for run in asked(tmp_path, "runs")["runs"]}
    assert runs["good"]["frames"] == 200
    assert (runs["bad"]["frames"], runs["bad"]["success"]) == (0, None)
    assert runs["bad"]["damage"] == "its metrics.jsonl cannot be read"


def test_a_run_that_is_deleted_while_runs_are_listed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "good")
    runs = Runs(tmp_path)
    found = [*runs._metrics_files(), tmp_path / "gone" / "metrics.jsonl"]
    monkeypatch.setattr(runs, "_metrics_files", lambda: found)
    assert [run["name"] for run in runs.all()] == ["good"]


def test_a_link_to_a_run_elsewhere_hides_no_other_run(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    made(root, "good")
    (root / "link").symlink_to(made(tmp_path, "outside"))
    assert [run["name"] for run in asked(root, "runs")["runs"]] == ["good"]
