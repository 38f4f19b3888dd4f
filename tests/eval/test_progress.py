"""The progress of an evaluation: lines in a pipe, a bar of at most 80 columns in a terminal."""

from __future__ import annotations

import io
import re

from rich.console import Console

from groundling.eval.progress import EvaluationProgress, NoProgress

LONG = "evaluating BabyAI-SomeVeryLongLevelName-v0: combination, shuffled agent"


def test_pipe_gets_a_line_for_each_step_and_no_control_characters() -> None:
    output = io.StringIO()
    with EvaluationProgress(Console(file=output, force_terminal=False, width=80)) as progress:
        progress.begin(LONG, 1000, "episodes")
        progress.advance(1000)
        progress.begin("video of 3 episodes", 40, "frames")
    assert output.getvalue() == f"{LONG}: 1,000 episodes\nvideo of 3 episodes: 40 frames\n"


def test_bar_fits_a_terminal_of_80_columns() -> None:
    output = io.StringIO()
    with EvaluationProgress(Console(file=output, force_terminal=True, width=80)) as progress:
        progress.begin(LONG, 1000, "episodes")
        progress.advance(250)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    lines = re.split(r"[\r\n]+", text)
    assert any("250/1000 episodes" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_nothing_is_told_where_nothing_is_asked_for() -> None:
    with NoProgress() as progress:
        progress.begin("x", 1, "episodes")
        progress.advance()
