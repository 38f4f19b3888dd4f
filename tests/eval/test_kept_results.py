"""evaluation.json: what was found before is not lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundling.errors import StorageError
from groundling.eval import kept_results
from groundling.eval.kept_results import BESIDE, EVALUATION_NAME, save_results
from groundling.files import CHECKSUM

AGENT = {"checkpoint": "last", "frames": 96, "fingerprint": "abc"}


def results(*suites: str, episodes: int = 10, fingerprint: str = "abc", **more: Any) -> dict[str, Any]:
    own = {
        "task": "T",
        "greedy": False,
        "episodes": episodes,
        "seed": 0,
        "agent": {**AGENT, "fingerprint": fingerprint},
    }
    found = {suite: {"trained": {"successes": len(suites), "episodes": episodes}} for suite in suites}
    return {**own, "left_out": {}, "suites": found, "breakdown": {"verb": {key: {} for key in suites}}, **more}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    found.pop(CHECKSUM, None)
    return found


def test_suites_of_the_same_agent_stay_and_the_same_suite_is_renewed(tmp_path: Path) -> None:
    save_results(tmp_path, results("layout", left_out={"length": "not held out", "location": "no"}))
    save_results(tmp_path, results("location", "layout", measures={"location": {"a": 1}}))
    found = read(tmp_path / EVALUATION_NAME)
    assert list(found["suites"]) == ["layout", "location"]
    assert found["suites"]["layout"]["trained"]["successes"] == 2
    assert found["breakdown"] == {"verb": {"layout": {}, "location": {}}}
    assert found["left_out"] == {"length": "not held out"}
    assert found["measures"] == {"location": {"a": 1}}
    assert not list(tmp_path.glob(BESIDE))


@pytest.mark.parametrize("change", [{"episodes": 20}, {"fingerprint": "def"}])
def test_another_agent_and_other_options_are_kept_beside_and_gone_on_with(change: Any, tmp_path: Path) -> None:
    save_results(tmp_path, results("layout"))
    first = (tmp_path / EVALUATION_NAME).read_text()
    save_results(tmp_path, results("layout", **change))
    (beside,) = tmp_path.glob(BESIDE)
    assert beside.read_text() == first
    assert read(tmp_path / EVALUATION_NAME) == results("layout", **change)
    save_results(tmp_path, results("location"))
    assert list(read(tmp_path / EVALUATION_NAME)["suites"]) == ["layout", "location"]
    (other,) = tmp_path.glob(BESIDE)
    assert read(other) == results("layout", **change)


@pytest.mark.parametrize("text", ["{", "[]", '{"suites": 3}', '{"task": "T", "suites": {}}', ""])
def test_file_of_something_else_is_kept_beside(text: str, tmp_path: Path) -> None:
    (tmp_path / EVALUATION_NAME).write_text(text)
    save_results(tmp_path, results("layout"))
    assert read(tmp_path / EVALUATION_NAME) == results("layout")
    (beside,) = tmp_path.glob(BESIDE)
    assert beside.read_text() == text


@pytest.mark.parametrize("writes", [0, 1])
def test_full_disk_leaves_what_was_there(writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_results(tmp_path, results("layout"))
    before = (tmp_path / EVALUATION_NAME).read_text()
    left = [kept_results.write_text] * writes

    def write(path: Path, text: str) -> None:
        if not left:
            raise StorageError(28, "full")
        left.pop()(path, text)

    monkeypatch.setattr(kept_results, "write_text", write)
    with pytest.raises(StorageError):
        save_results(tmp_path, results("layout", episodes=20))
    assert (tmp_path / EVALUATION_NAME).read_text() == before
