"""README, manual and examples: what is printed there runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from groundling.agents.bots import unsolved_seeds
from groundling.cli import COMMANDS
from groundling.envs import EpisodeBank
from groundling.envs.banks.sources import find_source
from groundling.envs.worlds import contract

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
TEXT = "\n".join(page.read_text() for page in PAGES)


def example_with(text: str) -> str:
    """The one example in README and manual that has this text."""
    (found,) = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if text in block]
    return found


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env=environment,
        check=False,
    )


def test_python_example_of_the_readme_runs() -> None:
    example = example_with("ActorCritic()  # untrained")
    assert len(example.strip().splitlines()) <= 15
    result = run("-c", example)
    assert result.returncode == 0, result.stderr
    assert "episodes" in result.stdout


def test_training_in_code_of_the_manual_prints_what_it_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(example_with("PeriodicEvaluation").replace("100_000", "20_480, evaluate_every=20_480"), {})
    assert re.search(r"success 0\.\d\d in unseen layouts", capsys.readouterr().out)
    assert (tmp_path / "runs/obj/checkpoint.pt").exists()


def test_expert_of_the_manual_reaches_goals(capsys: pytest.CaptureFixture[str]) -> None:
    exec(example_with("Expert("), {})
    found = re.search(r"(\d+) goals reached; a full-state expert needs (\d+) steps", capsys.readouterr().out)
    assert found is not None
    assert int(found[1]) >= 64
    assert 10 < int(found[2]) < 100


def test_rover_of_the_manual_sees(capsys: pytest.CaptureFixture[str]) -> None:
    exec(example_with("Randomization("), {})
    assert "'image': (16, 64, 96, 3), 'depth': (16, 64, 96)" in capsys.readouterr().out


def test_exact_values_of_the_manual_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    exec(example_with("enumerate_episode"), {})
    told = capsys.readouterr().out
    assert "240 states, V* 0.815, 5 steps, at most 0.82" in told
    assert "SARSA's greedy policy: 0.815" in told


def test_task_of_the_readme_can_be_played_and_solved(tmp_path: Path) -> None:
    example = example_with("FetchBehindDoor")
    file = tmp_path / "my_tasks.py"
    file.write_text(example)
    source = find_source(f"{file}:FetchBehindDoor")
    assert source.id == "my/FetchBehindDoor-v0"
    contract.check(source, range(30))
    assert unsolved_seeds(EpisodeBank.of_seeds(f"{file}:FetchBehindDoor", range(30))) == []


def test_commands_of_the_readme_exist() -> None:
    named = set(re.findall(r"^(?: {4})?groundling ([a-z][\w-]*)|`groundling ([a-z][\w-]*)", TEXT, re.MULTILINE))
    named = {name for pair in named for name in pair if name}
    assert named <= set(COMMANDS)
    assert {"train", "evaluate", "tasks", "play", "bench"} <= named


def test_files_that_the_readme_links_exist() -> None:
    links = [
        (page, link)
        for page in PAGES
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text())
        if "://" not in link and not link.startswith("#")
    ]
    assert len(links) > 10
    missing = [link for page, link in links if not (page.parent / link.partition("#")[0]).exists()]
    assert missing == []


@pytest.mark.slow
def test_example_trains_and_evaluates() -> None:
    result = run("examples/train_and_evaluate.py", "--frames", "20000")
    assert result.returncode == 0, result.stderr
    assert re.search(r"seen: success 0\.\d+.*\nunseen: success 0\.\d+", result.stdout)
