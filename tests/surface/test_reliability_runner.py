"""The runner of reliability trials counts failures, tells the worst outcome and keeps rows of other kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import reliability
from reliability_kinds import Grade, Kind, Outcome

from groundling.errors import ConfigurationError, GroundlingError


def outcomes_of(*grades: Grade) -> Kind:
    def run(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
        assert folder.is_dir()
        for number in range(trials):
            grade = grades[number % len(grades)]
            yield Outcome(grade, f"it was {grade.name.lower()}")

    return Kind("made_up", "what nobody does", 6, run)


def test_failures_are_counted_and_the_worst_outcome_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = outcomes_of(Grade.REFUSED, Grade.CRASHED, Grade.WRONG_RESULT)
    monkeypatch.setattr(reliability, "kinds", lambda: {"made_up": kind})
    output = tmp_path / "rows.json"
    output.write_text(json.dumps({"rows": [{"key": "other", "mean": 0}]}))
    with pytest.raises(GroundlingError, match="4 trials failed"):
        reliability.try_all(reliability.Options(output=output))
    other, row = json.loads(output.read_text())["rows"]
    assert other == {"key": "other", "mean": 0}
    assert (row["trials"], row["failures"], row["mean"]) == (6, 4, 4)
    assert row["worst"] == {"grade": "CRASHED", "what": "it was crashed"}
    assert row["outcomes"] == {"REFUSED": 2, "WRONG_RESULT": 2, "CRASHED": 2}
    assert "WRONG_RESULT: it was wrong_result" in capsys.readouterr().out


def test_refusals_are_no_failures_and_unknown_kinds_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reliability, "kinds", lambda: {"made_up": outcomes_of(Grade.UNCHANGED, Grade.REFUSED)})
    reliability.try_all(reliability.Options(only=("made_up",), trials=3, output=tmp_path / "rows.json"))
    with pytest.raises(ConfigurationError, match="'mad_eup': choose among made_up"):
        reliability.try_all(reliability.Options(only=("mad_eup",)))


def test_fewer_outcomes_than_trials_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(trials: int, seed: int, folder: Path) -> Iterator[Outcome]:
        yield Outcome(Grade.UNCHANGED, "as it was")

    with pytest.raises(GroundlingError, match="gave 1 outcomes of 2 trials"):
        reliability.tried(Kind("short", "", 2, run), 2, 0)
