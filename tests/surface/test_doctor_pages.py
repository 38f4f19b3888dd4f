"""The examples of docs/doctor.md and docs/planning.md run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from groundling.eval.doctor import CHECKS
from groundling.eval.doctor.finding import State
from groundling.eval.doctor.record import RunRecord
from groundling.training import TrainConfig

DOCS = Path(__file__).parents[2] / "docs"


def code_of(page: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return str(code)


def test_check_of_the_page_tells_a_run_that_learns_from_one_that_does_not() -> None:
    names: dict[str, object] = {}
    exec(code_of("doctor.md"), names)
    patience = names["patience"]
    assert callable(patience)

    def state(success: np.ndarray) -> State:
        rows = [{"frames": i, "success": float(value)} for i, value in enumerate(success)]
        found: State = patience(RunRecord(TrainConfig(), rows)).state
        return found

    assert state(np.linspace(0.1, 0.8, 40)) is State.GREEN
    assert state(np.full(40, 0.3)) is State.YELLOW
    assert state(np.full(5, 0.3)) is State.NONE


def test_every_check_has_a_line_on_the_page() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (DOCS / "doctor.md").read_text(), re.MULTILINE)
    assert set(listed) == set(CHECKS.names())


def test_search_of_the_page_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    exec(code_of("planning.md").replace("range(20)", "range(6)"), {})
    assert capsys.readouterr().out == "success 1.00\n"
