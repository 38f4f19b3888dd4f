"""README and examples: what is printed there runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from groundling.agents.bots import unsolved_seeds
from groundling.cli import COMMANDS, parse
from groundling.envs import EpisodeBank
from groundling.envs.banks.sources import find_source
from groundling.envs.worlds import contract

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


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
    example, _, _, _ = EXAMPLES
    assert len(example.strip().splitlines()) <= 15
    result = run("-c", example)
    assert result.returncode == 0, result.stderr
    assert "episodes" in result.stdout


def test_expert_of_the_readme_reaches_goals(capsys: pytest.CaptureFixture[str]) -> None:
    _, example, _, _ = EXAMPLES
    exec(example, {})
    found = re.search(r"(\d+) goals reached; the all-seeing expert takes (\d+) steps", capsys.readouterr().out)
    assert found is not None
    assert int(found[1]) >= 64
    assert 10 < int(found[2]) < 100


def test_rover_of_the_readme_sees(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, example, _ = EXAMPLES
    exec(example, {})
    assert "'image': (16, 64, 96, 3), 'depth': (16, 64, 96)" in capsys.readouterr().out


def test_commands_of_the_readme_are_read() -> None:
    """Every option that is printed exists; what would take long is not run."""
    told = re.sub(r"\\\n\s*", " ", README)
    commands = [
        line.partition("#")[0].split()[1:] for line in told.splitlines() if line.startswith("groundling train ")
    ]
    commands = [arguments for arguments in commands if "A" not in arguments and "--resume" not in arguments]
    assert len(commands) >= 4
    for name, *options in commands:
        assert parse(name, [option for option in options if not option.endswith(".py:FetchBehindDoor")]) is not None


def test_task_of_the_readme_can_be_played_and_solved(tmp_path: Path) -> None:
    _, _, _, example = EXAMPLES
    file = tmp_path / "my_tasks.py"
    file.write_text(example)
    source = find_source(f"{file}:FetchBehindDoor")
    assert source.id == "my/FetchBehindDoor-v0"
    contract.check(source, range(30))
    assert unsolved_seeds(EpisodeBank.of_seeds(f"{file}:FetchBehindDoor", range(30))) == []


def test_commands_of_the_readme_exist() -> None:
    named = set(re.findall(r"\bgroundling (\w+)", README)) - {"as", "in"}
    assert named <= set(COMMANDS)
    assert {"train", "evaluate", "tasks", "play", "bench"} <= named


def test_files_that_the_readme_links_exist() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    missing = [link for link in links if not (ROOT / link.partition("#")[0]).exists()]
    assert missing == []


@pytest.mark.slow
def test_example_trains_and_evaluates() -> None:
    result = run("examples/train_and_evaluate.py", "--frames", "20000")
    assert result.returncode == 0, result.stderr
    assert re.search(r"seen: success 0\.\d+.*\nunseen: success 0\.\d+", result.stdout)
