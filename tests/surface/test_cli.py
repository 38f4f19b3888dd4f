"""The command line: what each command writes and prints, and one line on standard error for every mistake."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import groundling
from groundling.agents.encoders.pixels import CNNConfig
from groundling.cli import COMMANDS, GROUPS, main, parse
from groundling.cli.options import config_of
from groundling.cli.train import blind_control_of
from groundling.envs import HeldOut, registered_tasks
from groundling.envs.catalog import find_family, known_ids
from groundling.envs.families.babyai.known import minigrid_levels
from groundling.envs.families.chaplot.room import ROOMS
from groundling.envs.families.goals import SUITES
from groundling.envs.families.gridlu.group import GROUP as GRIDLU
from groundling.envs.families.manuals.group import GROUP as MANUALS
from groundling.envs.families.montezuma.tasks import TASKS as MONTEZUMA
from groundling.envs.families.questions.group import SOURCES as QUESTIONS
from groundling.envs.families.textworld.names import VARIANTS as TEXT_WORLDS
from groundling.envs.simulators.doom import DOOM_IDS
from groundling.training import A2CConfig, Checkpoint, PPOConfig, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS, Preset

LEVEL = "BabyAI-GoToObjS4-v0"
PYTHON = [sys.executable, "-m", "groundling"]
SMALL = [
    *("--task", LEVEL, "--num-envs", "8", "--bank-size", "32", "--total-frames", "2000"),
    *("--ppo.num-steps", "16", "--ppo.minibatch-size", "64", "--agent.hidden-dim", "16"),
]
DEADLINE_S = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run, trained by the command itself."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", *SMALL, "--run-folder", str(folder)]) == 0
    return folder


def assert_one_line_of_complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("groundling: ")
    assert complaint.count("\n") == 1
    assert complaint.endswith("\n")
    assert "Traceback" not in complaint
    return complaint


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_tells_its_options_and_defaults(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr()
    assert f"usage: groundling {command}" in told.out
    assert "default" in told.out
    assert told.err == ""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command_under_what_a_person_wants_to_do(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    found: dict[str, dict[str, str]] = {}
    for group, name, what in re.findall(r"^  (.{11})  ([\w-]+) +(.+)$", capsys.readouterr().out, re.MULTILINE):
        found.setdefault(group.strip() or list(found)[-1], {})[name] = what
    assert found == GROUPS
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"groundling {groundling.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["frobnicate"], "no command 'frobnicate'"),
        (["trian"], "did you mean 'train'"),
        (["train", "--bogus", "1"], "--bogus"),
        (["train", "--seed", "abc"], "abc"),
        (["train", "--seed"], "--seed"),
        (["train", "--seed", "-1"], "seed must not be negative"),
        (["train", "--split", "seen"], "--split"),
        (["train", "--held-out.factors", "colour"], "colour"),
        (["train", "--held-out.combinations", "red bawl"], "cannot read 'red bawl'"),
        (["train", "--held-out.combinations", "red", "ball"], "cannot read 'red'"),
        (["train", "--held-out.verb-objects", "eat ball"], "cannot read 'eat ball'"),
        (["train", "--held-out.max-clauses", "0"], "max_clauses must be at least 1"),
        (["train", "--held-out.phrasings", "could you pleas"], "no phrasing 'could you pleas'"),
        (["train", "--held-out.factors", "synonym", "--held-out.synonyms"], "holds out no synonym"),
        (["train", "--ppo.gamma", "2"], "gamma must be between 0 and 1"),
        (["train", "--num-envs", "0"], "num_envs must be at least 1"),
        (["train", "--agent.hidden-dim", "0"], "hidden_dim must be at least 1"),
        (["train", "--task", "BabyAI-GoToLocall-v0"], "BabyAI-GoToLocal-v0"),
        (["train", "--device", "warp"], "'warp' cannot be used"),
        (["train", "--resume", "nowhere"], "no run at nowhere"),
        (["train", "--run-folder", "file/run"], "is a file, not a folder"),
        (["evaluate"], "folder of the run"),
        (["evaluate", "nowhere"], "no run at nowhere"),
        (["evaluate", "nowhere", "--episodes", "many"], "many"),
        (["evaluate", "nowhere", "--suite", "unseen"], "no run at nowhere"),
        (["tasks", "--bogus"], "--bogus"),
        (["play"], "needs a terminal"),
        (["play", "--task", "BabyAI-Nope-v0"], "BabyAI-Nope-v0"),
        (["bench", "--seconds", "0"], "seconds must be greater than 0"),
        (["bench", "--task", "BabyAI-Nope-v0"], "BabyAI-Nope-v0"),
        (["bench", "--task", LEVEL, "--seconds", "0.01", "--num-envs", "0"], "num_envs must be at least 1"),
        (["demo", "--episodes", "0"], "episodes must be at least 1"),
        (["demo", "--run-folder", "file/demo"], "is a file, not a folder"),
        (["demo", "--seed", "-1"], "seed must not be negative"),
        (["push"], "groundling: give RUN and USER/NAME. See `groundling push --help`"),
        (["push", "run"], "groundling: give USER/NAME. See"),
    ],
)
def test_mistake_is_told_in_one_line(
    arguments: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert told.lower() in assert_one_line_of_complaint(arguments, capsys).lower()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_wrong_option_is_named_whatever_the_terminal_can_write(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "FORCE_COLOR": "1"}
    command = [*PYTHON, "tasks", "--contain", "x"]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert "--contain" in process.stderr
    assert "did you mean --contains?" in process.stderr


def test_tasks_are_listed_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    ids = known_ids()
    others = {*ROOMS, *DOOM_IDS, *QUESTIONS, *MANUALS.ids(), *GRIDLU.ids(), *MONTEZUMA, *TEXT_WORLDS}
    assert set(ids) == {*registered_tasks(), *minigrid_levels(), *others}
    assert [line.split()[0] for line in lines[: len(ids)]] == ids
    for line in lines[: len(ids)]:
        sentence, asked_for = re.fullmatch(r'\S+ +"(.+)": (.+)', line).groups()
        family = find_family(line.split()[0])
        assert family.meaning({family.text_key: sentence})
        assert asked_for
    assert lines[-1].startswith(f"{len(ids)} tasks.")
    assert len(lines) == len(ids) + 2


def test_tasks_can_be_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks", "--contains", "gotoobjs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == ["BabyAI-GoToObjS4-v0", "BabyAI-GoToObjS6-v1"]
    assert main(["tasks", "--contains", "gotoobjs", "--no-examples"]) == 0
    assert '"' not in capsys.readouterr().out
    assert main(["tasks", "--contains", "zzz"]) == 0
    assert capsys.readouterr().out == "no task id contains 'zzz'\n"


@pytest.mark.parametrize(
    ("options", "held_out"),
    [
        ([], HeldOut()),
        (["--held-out.factors", "combination", "phrasing"], HeldOut(factors=("combination", "phrasing"))),
        (["--held-out.factors"], HeldOut(factors=())),
        (["--held-out.combinations", "red ball", "grey key"], HeldOut(combinations=("red ball", "grey key"))),
        (["--held-out.factors", "length", "--held-out.max-clauses", "1"], HeldOut(factors=("length",), max_clauses=1)),
        (["--held-out.varied"], HeldOut(varied=True)),
        (["--held-out.synonyms", "orb", "fuchsia"], HeldOut(synonyms=("orb", "fuchsia"))),
    ],
)
def test_what_is_held_out_can_be_chosen(options: list[str], held_out: HeldOut) -> None:
    assert parse("train", options).options.held_out == held_out


def test_what_is_held_out_reaches_the_run(tmp_path: Path) -> None:
    options = ["--held-out.factors", "combination", "phrasing", "--held-out.combinations", "red ball"]
    assert main(["train", *SMALL, *options, "--total-frames", "1", "--run-folder", str(tmp_path / "run")]) == 0
    stored = json.loads((tmp_path / "run" / "config.json").read_text())["held_out"]
    assert (stored["factors"], stored["combinations"]) == (["combination", "phrasing"], ["red ball"])
    assert Checkpoint.load(tmp_path / "run" / CHECKPOINT_NAME).config.held_out.combinations == ("red ball",)


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_is_what_the_other_options_begin_with(preset: Preset) -> None:
    """Of the settings that a preset has for algorithms, those of the algorithm that is named are taken."""
    own = PRESETS[preset]
    expected = dataclasses.replace(own, settings=(own.algorithm_settings,))
    assert config_told(["--preset", preset]) == expected
    told = ["--seed", "7", "--algorithm", "ppo", "--ppo.gamma", "0.5"]
    ppo = dataclasses.replace(own.settings_of(PPOConfig), gamma=0.5)
    changed = dataclasses.replace(own, algorithm="ppo", seed=7, settings=(ppo,))
    assert config_told([f"--preset={preset}", *told]) == changed


def test_settings_that_the_named_parts_do_not_have_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--a2c.gamma", "0.5"], ["--agent.conv-channels", "1", "1", "1"]):
        assert options[0] in assert_one_line_of_complaint(["train", *options], capsys)
    config = config_told(
        ["--algorithm", "a2c", "--a2c.gamma", "0.5", "--agent.vision", "cnn", "--agent.attributes", "2"]
    )
    assert config.settings_of(A2CConfig).gamma == 0.5
    assert config.agent.settings_of(CNNConfig).attributes == 2


def config_told(options: list[str]) -> TrainConfig:
    """The configuration that options of ``train`` say."""
    command = parse("train", options)
    return config_of(command.options, command.parts)


def test_help_shows_the_defaults_of_the_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "pixels", "--help"]) == 0
    assert "(default: groundling/GroundedRoom-Easy-v0)" in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--preset", "pixel"], "there is no preset 'pixel': choose one of symbols, mazes, pixels, chaplot, doom"),
        (["--preset"], "Missing value for argument '--preset'"),
    ],
)
def test_unknown_preset_is_told_in_one_line(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert complaint in assert_one_line_of_complaint(["train", *options], capsys)


def test_train_with_nothing_left_to_train_on_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--held-out.factors", "verb_object", "--held-out.verb-objects", "go to ball", "go to key", "go to box"]
    told = assert_one_line_of_complaint(["train", *SMALL, *options, "--run-folder", str(tmp_path / "run")], capsys)
    assert f"the split 'train' of {LEVEL} is empty" in told
    assert "(verb_object) leaves nothing of this level" in told


def test_train_writes_a_run_of_the_options_given(run: Path) -> None:
    checkpoint = Checkpoint.load(run / CHECKPOINT_NAME)
    assert checkpoint.config.task == LEVEL
    assert checkpoint.config.agent.hidden_dim == 16
    assert checkpoint.frames == read_metrics(run)[-1]["frames"] == 2048


def test_train_without_a_folder_names_it_after_task_and_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *SMALL, "--total-frames", "100", "--seed", "3"]) == 0
    assert (tmp_path / "runs" / f"{LEVEL}-seed3" / CHECKPOINT_NAME).is_file()
    assert f"groundling evaluate runs/{LEVEL}-seed3" in capsys.readouterr().out


def test_train_refuses_a_used_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = assert_one_line_of_complaint(["train", *SMALL, "--run-folder", str(run)], capsys)
    assert "already holds a run" in told


def test_train_says_that_a_complete_run_has_nothing_left_to_do(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, tmp_path / "copy")
    capsys.readouterr()
    assert main(["train", "--resume", str(tmp_path / "copy")]) == 0
    told = capsys.readouterr().out
    assert "the run is complete (2,048 frames): nothing to do" in told
    assert "trained" not in told
    assert Checkpoint.load(tmp_path / "copy" / CHECKPOINT_NAME).frames == 2048


def test_train_adds_a_blind_control_that_evaluate_shows(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    assert main(["train", "--resume", str(folder), "--blind-control"]) == 0  # the run is finished, its control is not
    control, seeing = (Checkpoint.load(place / CHECKPOINT_NAME) for place in (folder / "blind", folder))
    assert control.frames == seeing.frames
    assert control.config == dataclasses.replace(
        seeing.config, agent=dataclasses.replace(seeing.config.agent, blind=True)
    )
    assert main(["train", "--resume", str(folder), "--blind-control"]) == 0  # there is nothing left to do
    capsys.readouterr()
    assert main(["evaluate", str(folder), "--suite", "layout", "--episodes", "20", "--no-video"]) == 0
    assert "blind: trained the same way, without the image" in capsys.readouterr().out


def test_control_of_a_run_from_another_one_starts_from_that_ones_control(run: Path) -> None:
    config = dataclasses.replace(Checkpoint.load(run / CHECKPOINT_NAME).config, init="runs/first")
    assert blind_control_of(config).init == str(Path("runs/first/blind"))


def test_blind_run_has_no_blind_control(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*SMALL, "--agent.blind", "--blind-control", "--run-folder", str(tmp_path / "run")]
    assert "a blind run has no blind control" in assert_one_line_of_complaint(["train", *options], capsys)
    assert not (tmp_path / "run").exists()


def test_evaluate_writes_numbers_report_and_video(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--episodes", "20"]) == 0
    told = capsys.readouterr().out
    results = json.loads((run / "evaluation.json").read_text())
    assert list(results["suites"]) == ["layout", "combination"]
    assert all(list(row) == ["trained", "random", "shuffled"] for row in results["suites"].values())
    trained = results["suites"]["layout"]["trained"]
    assert f"[{trained['low']:.3f}, {trained['high']:.3f}]" in told
    assert (run / "report.html").is_file()
    assert (run / "episode.mp4").is_file()


def test_evaluate_prints_what_fails_first(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(run, folder)
    options = ["--suite", "layout", "--episodes", "60", "--no-video", "--by", "instruction", "verb"]
    assert main(["evaluate", str(folder), *options]) == 0
    told = capsys.readouterr().out
    stored = json.loads((folder / "evaluation.json").read_text())["breakdown"]
    assert list(stored) == ["verb", "clauses", "instruction"]
    assert [row["name"] for row in stored["verb"]["layout"]["trained"]] == ["go to"]
    assert told.index("success by instruction") < told.index("success by verb"), "in the order in which they are asked"
    assert "success by clauses" not in told
    rows = stored["instruction"]["layout"]["trained"]
    assert len(rows) <= 20
    assert sum(row["episodes"] for row in rows) == 60
    printed = re.findall(r"^ *(go to [a-z ]*?) +(\d+) +([\d.]+) ", told.split("success by verb")[0], re.MULTILINE)
    assert printed == [(row["name"], str(row["episodes"]), f"{row['success']:.3f}") for row in rows]


def test_evaluate_of_all_suites_says_why_some_are_left_out(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, tmp_path / "copy")
    folder = str(tmp_path / "copy")
    assert main(["evaluate", folder, "--suite", "all", "--episodes", "12", "--no-video", "--allow-unseen-words"]) == 0
    told = capsys.readouterr().out
    stored = json.loads((tmp_path / "copy" / "evaluation.json").read_text())
    assert list(stored["suites"]) == ["layout", "combination", "size"]
    assert set(stored["left_out"]) == set(SUITES) - set(stored["suites"])
    page = (tmp_path / "copy" / "report.html").read_text()
    for suite, row in stored["suites"].items():
        trained = row["trained"]
        assert f"{trained['success']:.3f} [{trained['low']:.3f}, {trained['high']:.3f}]" in page
        assert trained["episodes"] == 12  # told once, above the table
        assert re.search(rf"^ *{suite} +{trained['success']:.3f} ", told, re.MULTILINE)
    assert re.search(r"\b12\s+episodes each", told)
    for suite, reason in stored["left_out"].items():
        assert f"skipped {suite}: {reason}" in told
        assert f"<li>{suite}: " in page


def test_evaluate_of_a_suite_that_cannot_be_run_is_told_in_one_line(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = assert_one_line_of_complaint(["evaluate", str(run), "--suite", "length"], capsys)
    assert "not held out in training (--held-out.factors length)" in told


def test_evaluate_without_video_writes_none(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "copy", ignore=shutil.ignore_patterns("*.mp4"))
    assert main(["evaluate", str(tmp_path / "copy"), "--episodes", "5", "--no-video", "--greedy"]) == 0
    assert not (tmp_path / "copy" / "episode.mp4").exists()
    assert (tmp_path / "copy" / "report.html").is_file()


def test_evaluate_tells_a_damaged_run_in_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, tmp_path / "copy")
    path = tmp_path / "copy" / CHECKPOINT_NAME
    path.write_bytes(path.read_bytes()[:1000])
    for command in (["evaluate", str(tmp_path / "copy")], ["train", "--resume", str(tmp_path / "copy")]):
        assert "truncated" in assert_one_line_of_complaint(command, capsys)
    path.unlink()
    assert "there is no checkpoint" in assert_one_line_of_complaint(["evaluate", str(tmp_path / "copy")], capsys)
    (tmp_path / "copy" / "config.json").write_text("{")
    assert "not valid JSON" in assert_one_line_of_complaint(["evaluate", str(tmp_path / "copy")], capsys)


def test_unknown_suite_and_breakdown_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = assert_one_line_of_complaint(["evaluate", str(run), "--suite", "unseen"], capsys)
    assert "no suite 'unseen': choose among layout, combination" in told
    told = assert_one_line_of_complaint(["evaluate", str(run), "--by", "color"], capsys)
    assert "no breakdown by 'color'" in told


def test_evaluate_of_no_episode_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "at least 1" in assert_one_line_of_complaint(["evaluate", str(run), "--episodes", "0"], capsys)


def test_bench_prints_speeds_beside_minigrid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--task", LEVEL, "--num-envs", "64", "--seconds", "0.02"]) == 0
    told = capsys.readouterr().out
    assert "minigrid, one environment" in told
    assert "groundling, 64" in told


def test_program_exits_with_the_code_and_without_a_traceback(tmp_path: Path) -> None:
    process = subprocess.run(
        [*PYTHON, "evaluate", "nowhere"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert process.stderr.startswith("groundling: there is no run at nowhere")
    assert process.stdout == ""


def test_reader_that_has_seen_enough_of_the_tasks_causes_no_complaint(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        process = subprocess.run([*PYTHON, "tasks"], stdout=closed, stderr=subprocess.PIPE, cwd=tmp_path, check=False)
    assert process.stderr == b""


@pytest.mark.slow
def test_demo_trains_evaluates_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    options = ["--task", LEVEL, "--total-frames", "20000", "--episodes", "40", "--run-folder", str(folder)]
    folder.mkdir()
    (folder / "keep.txt").write_text("mine")
    for name in ("config.json", "metrics.jsonl", "evaluation.json"):
        (folder / name).write_text("of an earlier demo")
    assert main(["demo", *options]) == 0
    assert {"config.json", CHECKPOINT_NAME, "metrics.jsonl", "tensorboard", "blind", "keep.txt"} <= names(folder)
    assert {"evaluation.json", "report.html", "episode.mp4"} <= names(folder)
    assert {"config.json", CHECKPOINT_NAME, "metrics.jsonl", "train.log"} <= names(folder / "blind")
    assert Checkpoint.load(folder / "blind" / CHECKPOINT_NAME).config.agent.blind
    results = json.loads((folder / "evaluation.json").read_text())
    assert list(results["suites"]) == ["layout", "combination"]
    for row in results["suites"].values():
        assert set(row) == {"trained", "random", "blind", "shuffled"}
        assert all(evaluation["episodes"] == 40 for evaluation in row.values())
    assert "report.html" in capsys.readouterr().out.replace("\n", "")


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_usage_fits_a_small_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_evaluate_in_a_pipe_has_no_control_characters_and_80_columns(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    environment = os.environ | {"PYTHONPATH": str(Path(groundling.__file__).parent.parent)}
    process = subprocess.run(
        [*PYTHON, "evaluate", "run", "--suite", "layout", "--episodes", "4"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    assert process.stdout.splitlines()[0] == "evaluating run"
    assert "video of 3 episodes" in process.stderr
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", process.stdout + process.stderr)
    table = process.stdout.split("95 % interval")[1].split("layout:")[0]
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize(("told", "threads"), [("", 1), ("2", 2)])
def test_commands_use_one_thread_of_pytorch_unless_told_otherwise(told: str, threads: int) -> None:
    code = "from groundling.cli import main; main(['watch', '--help']); import torch; print(torch.get_num_threads())"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {"OMP_NUM_THREADS": told} if told else {}
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True, timeout=120
    )
    assert process.stdout.split()[-1] == str(threads)
