"""The doctor for its user: table, page, checks of one's own, watching a run, and what is refused."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from test_loop import make_config

from groundling.cli import main
from groundling.eval.doctor import CHECKS, frozen_buffer
from groundling.eval.doctor.consulting import keep_watch
from groundling.eval.doctor.examination import Examination, examine
from groundling.eval.doctor.finding import Finding, Panel, State
from groundling.eval.doctor.page import PAGE_NAME, panel_figure, write_page
from groundling.training import Trainer
from groundling.training.algorithms.grpo import GRPOConfig
from groundling.training.checkpoint import CHECKPOINT_NAME

OWN = '''
from groundling.eval.doctor.finding import Finding, State

def patience(run):
    """Has it been trained for a while?

    More of this text is no title.
    """
    return Finding(State.YELLOW, f"{run.frames} frames", "wait", {"frames": run.frames})

number = 3

def forgetful(run):
    return None
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor") / "run"
    Trainer(make_config(), folder).run(stop_after_updates=2)
    return folder


def test_command_prints_the_table_and_writes_the_page(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen_buffer, "UPDATES", (3, 3))
    assert main(["doctor", str(run), "--episodes", "16"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert f"Page: {run / PAGE_NAME}" in told.out
    page = (run / PAGE_NAME).read_text()
    for name in CHECKS.names():
        assert re.search(rf"^ {name} ", told.out, re.MULTILINE), name
        assert f'<p class="note">{name}</p>' in page
    assert "Does the value predict what episodes bring?" in page
    assert page.count("data:image/png;base64,") >= 5
    assert "http" not in page  # it needs no other file


def test_logs_alone_are_read_without_playing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(run), "--logs-only"]) == 0
    printed = capsys.readouterr().out
    assert " gradients " in printed
    assert " controls " not in printed


def test_check_of_ones_own_is_a_function_in_a_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    assert main(["doctor", str(run), "--check", f"{tmp_path / 'mine.py'}:patience", "kl"]) == 0
    assert "192 frames" in capsys.readouterr().out.replace("\n", " ")
    page = (run / PAGE_NAME).read_text()
    assert "Has it been trained for a while?" in page
    assert "Try: wait" in page
    assert "no title" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no run at nowhere"),
        (["RUN", "--check", "klx"], "did you mean 'kl'"),
        (["RUN", "--check", "MINE:number"], "is a int: a check is a function"),
        (["RUN", "--check", "MINE:forgetful"], "returned a NoneType"),
        (["RUN", "--check", "kl", "value", "--logs-only"], "plays episodes or trains (value): leave out --logs-only"),
        (["RUN", "--episodes", "0"], "episodes must be at least 1"),
        (["RUN", "--watch", "--interval", "0"], "interval must be greater than 0"),
    ],
)
def test_what_cannot_be_examined_is_refused(
    run: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    named = [a.replace("MINE", str(tmp_path / "mine.py")).replace("RUN", str(run)) for a in arguments]
    assert main(["doctor", *named]) == 2
    assert message in capsys.readouterr().err


def test_folder_without_a_checkpoint_is_read_as_far_as_it_goes(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "young"
    shutil.copytree(run, copy)
    (copy / CHECKPOINT_NAME).unlink()
    assert main(["doctor", str(copy)]) == 0
    assert "there is no checkpoint yet" in capsys.readouterr().out
    (copy / CHECKPOINT_NAME).write_bytes(b"torn")
    assert main(["doctor", str(copy)]) == 2
    assert "not a whole checkpoint" in capsys.readouterr().err


def test_watching_looks_again_until_the_run_is_done_and_plays_once_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(make_config(), tmp_path / "run")
    folder, asked = trainer.folder, []
    trainer.run(stop_after_updates=1)
    monkeypatch.setattr(trainer.envs, "close", lambda: None)

    def counted(found: object) -> Finding:
        asked.append(found)
        return Finding(State.GREEN, "played")

    CHECKS.register("counted", counted)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) % 2 == 0:  # every second look finds another checkpoint
            Trainer(make_config(), folder, resume=True).run(stop_after_updates=1)

    output = io.StringIO()
    try:
        found = keep_watch(
            folder, ("gradients", "counted"), interval=7, wait=wait, console=Console(file=output, width=100)
        )
    finally:
        CHECKS._found.pop("counted")
    assert found.frames == found.total == 4 * 96
    assert waits == [7.0] * 6
    assert len(asked) == 4  # of seven looks
    assert output.getvalue().count("Page:") == 4  # what is as before is not printed again


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ["a2c", "reinforce", "grpo", "vtrace", "dagger", "sb3:PPO", "sb3:DQN"])
def test_runs_of_every_kind_of_algorithm_are_examined(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if algorithm.startswith("sb3"):
        pytest.importorskip("stable_baselines3")
    monkeypatch.setattr(frozen_buffer, "UPDATES", (3, 3))
    grpo = GRPOConfig(num_steps=12, group_size=4, minibatch_size=48)
    Trainer(make_config(algorithm=algorithm, grpo=grpo), tmp_path / "run").run(stop_after_updates=2)
    found = examine(tmp_path / "run", episodes=16).findings
    assert found["controls"].state is not State.NONE
    assert found["random_return"].state is State.GREEN, found["random_return"].seen
    is_left_out = algorithm == "grpo" or algorithm.startswith("sb3")
    assert (found["frozen_buffer"].state is State.NONE) == is_left_out, found["frozen_buffer"].seen


def test_page_puts_what_is_wrong_first_and_escapes_what_it_is_told(tmp_path: Path) -> None:
    findings = {
        "fine": Finding(State.GREEN, "1 < 2"),
        "bad": Finding(State.RED, "<b>", "less & more"),
        "so": Finding(State.YELLOW, "hm"),
    }
    found = Examination("runs/x", "PPO", 10, 20, findings, {name: name for name in findings})
    page = write_page(tmp_path, found).read_text()
    assert page.index(">red<") < page.index(">yellow<") < page.index(">green<")
    assert "1 red, 1 yellow, 1 green" in page
    assert "&lt;b&gt;" in page
    assert "less &amp; more" in page


def test_panels_are_drawn_as_what_they_are() -> None:
    both = ("left", "right")
    bars = panel_figure(Panel("b", {"agent": (both, (0.2, 0.8)), "expert": (both, (0.5, 0.5))}, "bars"))
    assert [patch.get_height() for patch in bars.axes[0].patches] == [0.2, 0.8, 0.5, 0.5]
    lines = panel_figure(Panel("l", {"kl": ([1, 2, 3], [0.1, 0.2, 0.3])}, marks={"large": 0.15}))
    assert [len(line.get_xdata()) for line in lines.axes[0].lines] == [3, 2]
    points = panel_figure(Panel("p", {"frames": ([1, 2, 3], [1, 2, 3])}, "points", "value"))
    assert points.axes[0].lines[0].get_linestyle() == "None"
