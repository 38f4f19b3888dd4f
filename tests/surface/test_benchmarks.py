"""The commands of benchmarks/: every one starts and says what it does, and mistakes cost one line."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.document_controls import NoDocument
from groundling.envs.catalog import find_family
from groundling.envs.engine.constants import FIRST_OBJECT
from groundling.errors import CheckpointError
from groundling.eval.rollout import Outcome, roll_out
from groundling.training import Checkpoint, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, load_agent
from groundling.training.logs import METRICS_NAME
from groundling.training.presets import PRESETS

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
COMMANDS = sorted(path.stem for path in BENCHMARKS.glob("*.py") if '"__main__"' in path.read_text())

# One interpreter for all of them: most of their time goes into the same imports.
ASK_EACH_FOR_HELP = """
import contextlib, io, json, runpy, sys
told = {}
for path in sys.argv[1:]:
    sys.argv, text = [path, "--help"], io.StringIO()
    with contextlib.redirect_stdout(text):
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            told[path] = [end.code, text.getvalue()]
print(json.dumps(told))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{BENCHMARKS}", "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=300, env=environment, check=False
    )


def test_every_benchmark_starts_and_says_what_it_measures() -> None:
    paths = [str(BENCHMARKS / f"{name}.py") for name in COMMANDS]
    assert len(paths) >= 16
    result = run("-c", ASK_EACH_FOR_HELP, *paths)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    for path in paths:
        code, text = told[path]
        first = Path(path).read_text().split('"""')[1].split()[:5]
        assert code in (0, None)
        assert " ".join(first) in " ".join(text.replace("│", " ").split()), path


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("grounded_room", "--difficulties", "medium", "--curriculum", "--runs", "nowhere"), "agent of the easy ones"),
        (("room_failures", "nowhere"), "nowhere"),
        (("room_glance", "--frames", "10"), "512 at a time"),
        (("algorithms", "--rows", "ppo_nowhere"), "no row 'ppo_nowhere'"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_mistake_is_told_in_one_line(
    arguments: tuple[str, ...], cause: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = arguments
    monkeypatch.setattr(sys, "argv", [str(BENCHMARKS / f"{name}.py"), *options])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(sys.argv[0], run_name="__main__")
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"{name}: ")
    assert cause in line


def test_missing_start_of_a_curriculum_is_told_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    grounded_room = importlib.import_module("grounded_room")
    trained: list[Path] = []
    monkeypatch.setattr(grounded_room, "Trainer", lambda config, folder, resume: trained.append(folder))
    start = tmp_path / "room-medium-ours-seed1"
    config = TrainConfig(agent=AgentConfig(), init=str(tmp_path / "room-easy-ours-seed1"))
    agent = ActorCritic(config.agent)
    Checkpoint(config, agent.spec, 8, 1, agent.state_dict(), {}, {}, {}, {}).save(start / CHECKPOINT_NAME)
    (start / METRICS_NAME).write_text('{"frames": 8, "frames_per_second": 1.0}\n')
    with pytest.raises(CheckpointError, match="room-easy-ours-seed1"):
        grounded_room.run_cell(grounded_room.Options(curriculum=True, runs=tmp_path), "room", "hard", "ours", 1)
    assert not trained


def test_package_that_a_benchmark_lacks_is_named() -> None:
    lacking = "from launch import launch\ndef main(options: dict): import no_such_peer\nlaunch(main, dict, None)"
    result = run("-c", lacking)
    assert result.returncode == 2
    (line,) = result.stderr.strip().splitlines()
    assert "needs the package no_such_peer" in line


class CountingPool:
    """A pool of two environments with EnvPool's interface, in which every third step of the second only resets."""

    def __init__(self) -> None:
        self.elapsed = np.zeros(2, dtype=np.int32)
        self.sent: list[np.ndarray] = []

    def async_reset(self) -> None:
        self.elapsed[:] = 0

    def send(self, actions: np.ndarray, env_id: np.ndarray) -> None:
        self.sent.append(env_id)
        self.elapsed = np.array([self.elapsed[0] + 1, (self.elapsed[1] + 1) % 3], dtype=np.int32)

    def recv(self) -> tuple:
        info = {"env_id": np.array([1, 0]), "elapsed_step": self.elapsed}
        return None, None, None, None, info


def test_steps_of_envpool_that_only_reset_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    pool = CountingPool()
    step = importlib.import_module("envpool_peer").pool_step(pool, 2)
    assert [step() for _ in range(6)] == [2, 2, 1, 2, 2, 1]
    assert all(env_id.tolist() == [1, 0] for env_id in pool.sent)


def test_envpool_is_left_out_with_its_reason_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setitem(sys.modules, "envpool", None)
    reason = importlib.import_module("envpool_peer").why_left_out("BabyAI-GoToLocal-v0")
    assert "envpool is not installed: pip install" in reason
    assert "\n" not in reason


def test_rows_of_a_level_take_the_place_of_its_earlier_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    environment_speed = importlib.import_module("environment_speed")
    path = tmp_path / "rows.json"
    for task, ratio in (("BabyAI-GoToLocal-v0", 2.0), ("BabyAI-BossLevel-v0", 3.0), ("BabyAI-GoToLocal-v0", 4.0)):
        options = environment_speed.Options(task=task, rounds=2)
        speeds = {"ours": [ratio * 10, ratio * 20], "theirs": [10.0, 20.0]}
        environment_speed.write_rows(path, environment_speed.envpool_rows(options, "ours", "theirs", speeds))
    rows = {row["key"]: row for row in json.loads(path.read_text())["rows"]}
    assert len(rows) == 6
    assert rows["envpool/BabyAI-BossLevel-v0/ratio"]["mean"] == 3
    latest = rows["envpool/BabyAI-GoToLocal-v0/ratio"]
    assert (latest["low"], latest["mean"], latest["high"]) == (4, 4, 4)


def test_places_at_a_glance_are_those_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    room_glance = importlib.import_module("room_glance")
    pixels = PRESETS["pixels"]
    config = replace(pixels, camera=replace(pixels.camera, segmentation=True), bank_size=room_glance.BATCH)
    bank = config.training_bank(progress=False)
    codes = room_glance.make_envs(config, bank).reset()[0]["segmentation"]
    places = room_glance.places_of(bank)
    assert set(places) == set(range(room_glance.PLACES))
    for seen, place, goal in zip(codes, places, room_glance.asked_for(bank), strict=True):
        columns = {code: np.nonzero(seen == code)[1].mean() for code in np.unique(seen) if code >= FIRST_OBJECT}
        assert sorted(columns, key=columns.__getitem__)[place] == FIRST_OBJECT + goal


@pytest.mark.slow
def test_glance_measures_each_suite_and_test_instruction(tmp_path: Path) -> None:
    output = tmp_path / "glance.json"
    few = ("--episodes", "512", "--frames", "1024", "--tests", "512", "--seeds", "1", "--fusions", "film", "concat")
    result = run(str(BENCHMARKS / "room_glance.py"), *few, "--output", str(output))
    assert result.returncode == 0, result.stderr
    rows = json.loads(output.read_text())
    assert set(rows) == {"film, 512 episodes", "concat, 512 episodes"}
    for row in rows.values():
        (told,) = row["runs"]
        assert len(told.pop("by_instruction")) == 15
        assert set(told) == {"layout", "zero_shot", "reordered", "new_set", "superlative"}
        assert all(0 <= share <= 1 for share in told.values())


def play_readers(folder: Path) -> list[list[Outcome]]:
    """What a run's agent does in the same episodes by the same draws, with its manual and without."""
    agent, family = load_agent(folder), find_family("groundling/RTFM-Simple-6x6-v0")
    played = []
    for policy in (agent, NoDocument(agent, ("manual",))):
        envs = family.make_vec(family.split("validation"), 40, 1)
        played.append(roll_out(policy, envs, envs.reset(seed=5), 40, spec=family.spec, seed=3))
    return played


def test_rows_of_manuals_have_the_keys_that_they_are_known_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    manuals = importlib.import_module("manuals")
    assert manuals.key_of("rtfm_simple", "ours", "assignments") == "rtfm_simple"
    assert manuals.key_of("rtfm_simple", "txt2pi", "assignments") == "txt2pi_simple"
    assert manuals.key_of("rtfm_simple", "unread", "validation") == "rtfm_simple_unread_validation"
    rows = {row["key"]: row for row in json.loads((BENCHMARKS / "results" / "manuals.json").read_text())["rows"]}
    wanted = {"rtfm_simple", "rtfm_full_6x6", "rtfm_full_10x10", "messenger_s1", "messenger_s2", "messenger_s3"}
    assert rows.keys() >= wanted | {"rtfm_speed", "messenger_speed", "rtfm_random_6x6", "messenger_random_s2"}
    assert min(rows[key]["mean"] for key in ("rtfm_speed", "messenger_speed")) > 1e6
    for key, simulated in (("rtfm_random_6x6", 0.117), ("messenger_random_s2", 0.022)):
        assert rows[key]["mean"] == pytest.approx(simulated, abs=4 * (simulated / 3000) ** 0.5)


@pytest.mark.slow
def test_readers_are_trained_once_and_told_in_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    manuals = importlib.import_module("manuals")
    output = tmp_path / "rows.json"
    options = manuals.Options(
        ("rtfm_simple",), ("ours", "unread"), (1, 2), "validation", 16_384, 50, tmp_path / "runs", output
    )
    options.run()
    first = json.loads(output.read_text())["rows"]
    assert [row["key"] for row in first] == ["rtfm_simple_validation", "rtfm_simple_unread_validation"]
    wanted = ["key", "row", "mean", "low", "high", "seeds", "frames", "minutes", "floor", "ceiling", "command"]
    for row in first:
        assert list(row)[: len(wanted)] == wanted
        assert row["low"] == min(row["scores"]) <= row["mean"] <= max(row["scores"]) == row["high"]
        assert (row["seeds"], row["frames"]) == (2, 16_384)
        assert row["minutes"] > 0
        assert {"trained", "random", "shuffled", "no_doc", "other_doc", "mixed_doc", "greedy"} <= set(row["agents"])
    # each agent of a table has a stream of draws of its own, so what reads nothing is compared with one and the same
    plays = [play_readers(tmp_path / "runs" / f"rtfm_simple-{agent}-16384-seed1") for agent in ("unread", "ours")]
    assert plays[0][0] == plays[0][1], "it reads nothing, whatever it is given"
    assert plays[1][0] != plays[1][1]
    assert "--agents unread --seeds 1 2 --frames 16384" in first[1]["command"]
    checkpoints = {path: path.stat().st_mtime_ns for path in tmp_path.rglob(CHECKPOINT_NAME)}
    options.run()
    assert json.loads(output.read_text())["rows"] == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob(CHECKPOINT_NAME)} == checkpoints


@pytest.mark.slow
def test_learned_rewards_are_told_in_rows_of_each_suite_and_as_a_ratio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    agile, output = importlib.import_module("agile"), tmp_path / "rows.json"
    quick = dataclasses.replace(agile.LEARNED, updates=1, warmup=0, pairs=50)
    rows = {name: dataclasses.replace(row, frames=15_360) for name, row in agile.ROWS.items()}
    rows = {name: dataclasses.replace(row, agile=None if row.agile is None else quick) for name, row in rows.items()}
    monkeypatch.setattr(agile, "ROWS", rows)
    agile.Options(("agile_relations", "agile_gotolocal"), (1,), 1.0, 40, tmp_path / "runs", output).run()
    told = {row["key"]: row for row in json.loads(output.read_text())["rows"]}
    assert list(told) == ["agile_relations", "agile_held_out", "agile_gotolocal"]
    for key, suite in (("agile_relations", "layout"), ("agile_held_out", "held_out")):
        row = told[key]
        assert row["mean"] == row["agents"][f"trained, {suite}"]
        assert row["low"] <= row["mean"] <= row["high"]
        assert 0 <= row["agents"]["false positives"] <= 1
    ratio = told["agile_gotolocal"]
    assert ratio["mean"] == pytest.approx(ratio["agents"]["trained, layout"] / ratio["agents"]["true reward"])
