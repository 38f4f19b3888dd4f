"""Training in Habitat, and taking an agent there that was trained in our own renderer, by the commands."""

from __future__ import annotations

import json
from pathlib import Path

import habitat_rooms
import pytest

from groundling.cli import main
from groundling.training.logs import read_metrics

pytestmark = pytest.mark.slow
TASK = "groundling/RoomGoTo-v0"
SMALL = [
    "--camera.width",
    "24",
    "--camera.height",
    "24",
    "--evaluate-every",
    "0",
    "--agent.vision",
    "cnn",
    "--ppo.minibatch-size",
    "32",
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return habitat_rooms.export(TASK, 4, tmp_path_factory.mktemp("export") / "rooms")


def test_an_agent_of_our_renderer_acts_in_habitat_unchanged(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python, run = habitat_rooms.python_with_stand_in(tmp_path), tmp_path / "run"
    sizes = ["--num-envs", "8", "--total-frames", "512", "--bank-size", "64"]
    main(["train", "--task", TASK, "--body", "rover", *SMALL, *sizes, "--run-folder", str(run)])
    place = f"habitat:{exported}"
    main(["evaluate", str(run), "--task", place, "--simulator-python", python, "--episodes", "4"])
    (found,) = (run / "on").glob("*/evaluation.json")
    told = json.loads(found.read_text())
    assert set(told["suites"]) == {"transfer", "native"}
    for suite in told["suites"].values():
        assert {"trained", "random", "shuffled"} <= set(suite)
        assert suite["trained"]["episodes"] == 4
    assert "transfer" in capsys.readouterr().out
    other = habitat_rooms.export("groundling/FurnishedHouseGoToSmall-v0", 1, tmp_path / "house")
    assert main(["evaluate", str(run), "--task", f"habitat:{other}", "--simulator-python", python]) == 2
    assert "tells words that the agent does not have" in capsys.readouterr().err


def test_a_run_trains_in_habitat_and_is_evaluated_there(exported: Path, tmp_path: Path) -> None:
    python, run = habitat_rooms.python_with_stand_in(tmp_path), tmp_path / "run"
    train = ["train", "--task", f"habitat:{exported}", "--simulator-python", python, "--run-folder", str(run)]
    main([*train, *SMALL, "--num-envs", "2", "--total-frames", "256"])
    assert read_metrics(run)[-1]["frames"] >= 256
    main(["evaluate", str(run), "--trust-code", "--episodes", "2", "--suite", "transfer"])
    assert json.loads((run / "evaluation.json").read_text())["suites"]["transfer"]["trained"]["episodes"] == 2
