"""Runs on a hub: published and fetched by the real huggingface_hub, from a hub on the loopback of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import groundling
from groundling.cli import main
from groundling.errors import CheckpointError, ConfigurationError, HubError, MissingPackageError
from groundling.eval import evaluate_run, from_hub, push_to_hub
from groundling.eval.publishing import write_published
from groundling.hub import HubPlace
from groundling.training import Checkpoint, Trainer, load_agent, resume_config

huggingface_hub: Any = pytest.importorskip("huggingface_hub")
constants: Any = pytest.importorskip("huggingface_hub.constants")

from hub_server import TOKEN, Hub, matching, serving  # noqa: E402

LEVEL = "BabyAI-GoToObjS4-v0"
ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    *("--num-envs", "8", "--bank-size", "32", "--total-frames", "500"),
    *("--ppo.num-steps", "16", "--ppo.minibatch-size", "64", "--agent.hidden-dim", "16"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with a blind control, evaluated."""
    folder = tmp_path_factory.mktemp("hub") / "run"
    assert main(["train", "--task", LEVEL, *SMALL, "--run-folder", str(folder), "--blind-control"]) == 0
    assert main(["evaluate", str(folder), "--episodes", "20", "--no-video"]) == 0
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that huggingface_hub takes for the real one, and an empty cache."""
    found = Hub()
    with serving(found) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))
        yield found


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_published_agent_comes_back_bit_by_bit_and_acts_the_same(run: Path, hub: Hub) -> None:
    address = push_to_hub(run, "me/goto")
    assert address.endswith(hub.commit_ids("me/goto")[-1])
    folder = from_hub("me/goto")
    theirs, ours = (Checkpoint.load(place / "checkpoint.pt") for place in (folder, run))
    assert (theirs.fingerprint, theirs.config, theirs.frames) == (ours.fingerprint, ours.config, ours.frames)
    envs = groundling.make_vec(LEVEL, 8, bank_size=8)
    observation, _ = envs.reset(seed=0)
    first = np.ones(8, dtype=np.bool_)
    acted = [
        agent.act(observation, agent.initial_state(8), first, greedy=True)[0]
        for agent in map(load_agent, (folder, run, "hub:me/goto"))
    ]
    np.testing.assert_array_equal(acted[0], acted[1])
    np.testing.assert_array_equal(acted[0], acted[2])


def test_what_training_goes_on_from_is_published_only_if_asked_for(run: Path, hub: Hub) -> None:
    push_to_hub(run, "me/goto")
    folder = from_hub("me/goto")
    assert Checkpoint.load(folder / "checkpoint.pt").algorithm == {}
    assert (folder / "checkpoint.pt").stat().st_size < (run / "checkpoint.pt").stat().st_size / 2
    with pytest.raises(CheckpointError, match=r"an agent alone.*--init"):
        Trainer(resume_config(folder), folder, resume=True)
    push_to_hub(run, "me/whole", whole=True)
    assert (from_hub("me/whole") / "checkpoint.pt").read_bytes() == (run / "checkpoint.pt").read_bytes()


@pytest.mark.parametrize("option", [["--resume", "hub:me/whole"], ["--resume=hub:me/whole"]])
def test_fetched_run_is_resumed_in_a_copy_only(
    option: list[str], run: Path, hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    push_to_hub(run, "me/whole", whole=True)
    folder = from_hub("me/whole")
    told = complaint(["train", *option, "--total-frames", "1000"], capsys)
    assert "--init hub:me/whole" in told
    assert f"resume a copy of {folder}" in told
    assert Checkpoint.load(folder / "checkpoint.pt").frames == 512
    shutil.copytree(folder, tmp_path / "copy")
    assert main(["train", "--resume", str(tmp_path / "copy"), "--total-frames", "1000"]) == 0
    assert Checkpoint.load(tmp_path / "copy" / "checkpoint.pt").frames == 1024


def test_commands_take_a_place_on_the_hub_wherever_a_run_is_named(
    run: Path, hub: Hub, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["push", str(run), "me/goto"]) == 0
    assert "groundling watch hub:me/goto" in capsys.readouterr().out
    assert main(["evaluate", "hub:me/goto", "--episodes", "20", "--suite", "layout", "--no-video"]) == 0
    folder = from_hub("me/goto")
    theirs, ours = (json.loads((place / "evaluation.json").read_text()) for place in (folder, run))
    assert theirs["suites"]["layout"] == ours["suites"]["layout"]
    assert set(theirs["suites"]["layout"]) == {"trained", "random", "blind", "shuffled"}
    assert main(["compare", "hub:me/goto", str(run)]) == 0
    start = ["train", "--task", LEVEL, *SMALL, "--total-frames", "100", "--run-folder", str(tmp_path / "next")]
    assert main([*start, "--init=hub:me/goto"]) == 0
    assert hub.commit_ids("me/goto")[-1] in resume_config(tmp_path / "next").init
    assert main(["watch", "hub:me/nothing", "--help"]) == 0, "help asks nobody"
    report = evaluate_run("hub:me/goto", ["layout"], episodes=5, progress=False)
    assert report.results["layout"]["trained"].episodes == 5


def test_each_commit_is_fetched_once_and_has_a_folder_of_its_own(run: Path, hub: Hub) -> None:
    push_to_hub(run, "me/goto")
    first = from_hub("hub:me/goto")
    (first / "evaluation.json").write_text("mine")
    fetched = len(matching(hub, "GET */resolve/*"))
    assert from_hub("me/goto") == first
    assert len(matching(hub, "GET */resolve/*")) == fetched
    push_to_hub(run, "me/goto", message="again")
    second = from_hub("me/goto")
    assert second != first
    assert (first / "evaluation.json").read_text() == "mine"
    asked = len(hub.requests)
    assert from_hub(f"me/goto@{hub.commit_ids('me/goto')[-2]}") == first, "a commit is final: the hub is not asked"
    assert len(hub.requests) == asked
    assert not list(first.parent.glob(".*"))


def test_only_files_of_a_run_are_fetched(run: Path, hub: Hub) -> None:
    push_to_hub(run, "me/goto")
    hub.add("me/goto", {"own.py": b"raise SystemExit", "blind/deep/x.pt": b"", "weights.pkl": b"", "blind/a.py": b""})
    folder = from_hub("me/goto")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "config.json", "checkpoint.pt", "evaluation.json", "blind/checkpoint.pt"} <= found
    assert not {path for path in found if not path.endswith((".json", ".jsonl", ".pt", ".md"))}
    assert "blind/deep/x.pt" not in found


def test_card_tells_the_results_that_the_run_has(run: Path, hub: Hub) -> None:
    push_to_hub(run, "me/goto", license="apache-2.0")
    text = hub.repositories["me/goto"][-1]["README.md"].decode()
    card = huggingface_hub.ModelCard(text)
    assert (card.data.library_name, card.data.license) == ("groundling", "apache-2.0")
    assert {"reinforcement-learning", LEVEL} <= set(card.data.tags)
    scores = json.loads((run / "evaluation.json").read_text())["suites"]
    told = {result.dataset_split: result for result in card.data.eval_results}
    assert set(told) == set(scores)
    for suite, row in scores.items():
        own = row["trained"]
        assert told[suite].metric_value == pytest.approx(own["success"], abs=1e-4)
        assert told[suite].metric_args["interval_95"] == pytest.approx([own["low"], own["high"]], abs=1e-4)
        cells = [f"{own['success']:.3f}", f"[{own['low']:.3f}, {own['high']:.3f}]", str(own["episodes"])]
        others = [f"{row[agent]['success']:.3f}" for agent in ("random", "blind", "shuffled")]
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {suite} |")]
        assert [cell.strip() for cell in line.split("|")[3:-1]] == [*cells, *others]
    for line in ("groundling evaluate hub:me/goto ", 'load_agent("hub:me/goto")', "| frames | 512 of 512 |"):
        assert line in text
    assert "--trust-code" not in text


def test_results_of_another_agent_are_left_off_the_card(run: Path, hub: Hub, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    assert main(["train", "--resume", str(tmp_path / "run"), "--total-frames", "1000"]) == 0
    published = write_published(tmp_path / "run", tmp_path, "me/goto")
    assert published.results is None
    text = (tmp_path / "README.md").read_text()
    assert "of another agent" in text
    assert "model-index" not in text
    (tmp_path / "run" / "evaluation.json").unlink()
    write_published(tmp_path / "run", tmp_path, "me/goto")
    assert "It was not evaluated" in (tmp_path / "README.md").read_text()


@pytest.mark.slow
def test_received_agent_runs_no_code_unless_it_is_trusted(hub: Hub, tmp_path: Path) -> None:
    """In a process of its own: in this one the person has named the file."""
    code = tmp_path / "mine.py"
    text = (ROOT / "examples/add_a_task.py").read_text()
    code.write_text(text.replace("examples/FetchFromShelf-v0", "mine/FetchFromShelf-v0"))
    options = [*SMALL, "--total-frames", "128", "--run-folder", str(tmp_path / "run")]
    assert main(["train", "--task", f"{code}:FetchFromShelf", *options]) == 0
    push_to_hub(tmp_path / "run", "me/own")
    files = hub.repositories["me/own"][-1]
    assert not any(name.endswith(".py") for name in files)
    card = files["README.md"].decode()
    assert "groundling evaluate hub:me/own --trust-code" in card
    assert "names code outside Groundling" in card
    code.write_text(f"open({str(tmp_path / 'it ran')!r}, 'w').close()\n" + code.read_text())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    asked = [sys.executable, "-m", "groundling", "evaluate", "hub:me/own", "--suite", "layout", "--episodes", "4"]
    told = subprocess.run(
        asked, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False, timeout=200
    )
    assert told.returncode == 2
    assert f"names code: the file {code} would be run" in told.stderr
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("name", ["me", "me/", "/x", "a/b/c", "me/../x", "../x", "me/x@", "hub:", "me /x"])
def test_place_of_another_form_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="hub:USER/NAME"):
        HubPlace.parse(name)
    assert "is no place on the hub" in complaint(["watch", f"hub:{name}"], capsys)


@pytest.mark.parametrize("revision", ["..", "a/../b", "/a", "v1@v2", "v 1"])
def test_revision_given_apart_has_to_be_of_the_same_form(revision: str, hub: Hub) -> None:
    with pytest.raises(ConfigurationError, match="hub:USER/NAME@REVISION"):
        from_hub("me/goto@v1", revision=revision)
    assert not hub.requests


def test_place_can_name_a_revision() -> None:
    assert HubPlace.parse("hub:me/x.y-z") == HubPlace("me/x.y-z", "main")
    assert HubPlace.parse("me/x@v1.0/b") == HubPlace("me/x", "v1.0/b")
    assert str(HubPlace.parse("me/x@v1")) == "hub:me/x@v1"


def test_mistakes_are_told_in_one_line(
    run: Path, hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no hub:me/nothing, or it is private" in complaint(["evaluate", "hub:me/nothing"], capsys)
    hub.add("me/other", {"README.md": b"a language model", "config.json": b"{}"})
    assert "is no run of Groundling, it lacks checkpoint.pt" in complaint(["watch", "hub:me/other"], capsys)
    assert "has no revision 'v9'" in complaint(["watch", "hub:me/other@v9"], capsys)
    for place in ("me/x", "hub:me/x"):
        assert "there is no run at nowhere" in complaint(["push", "nowhere", place], capsys)
    assert "is no place on the hub" in complaint(["push", str(run), "x"], capsys)
    assert "me/x" not in hub.repositories
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    assert "the hub does not know you: log in with `hf auth login`" in complaint(["push", str(run), "me/x"], capsys)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert "nobody is logged in to the hub" in complaint(["push", str(run), "me/x"], capsys)
    assert "there is no run at nowhere" in complaint(["push", "nowhere", "me/x"], capsys), "whoever is logged in"


def test_private_run_is_seen_by_its_owner_alone(run: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    push_to_hub(run, "me/secret", private=True)
    assert from_hub("me/secret").is_dir()
    monkeypatch.setenv("HF_TOKEN", "hf_of_nobody")
    with pytest.raises(HubError, match="or it is private: check the name, or log in"):
        from_hub("me/secret")


def test_without_a_network_what_was_fetched_before_is_taken(
    run: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    push_to_hub(run, "me/goto")
    folder = from_hub("me/goto")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert from_hub("me/goto") == folder
    assert "the hub cannot be reached: taking commit" in caplog.text
    with pytest.raises(HubError, match="the hub cannot be reached for hub:me/other"):
        from_hub("me/other")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="whether HF_HUB_OFFLINE is set"):
        from_hub("me/other")


def test_missing_package_is_named_with_the_command_that_installs_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for command in (["watch", "hub:me/goto"], ["push", str(run), "me/goto"]):
        assert "pip install 'groundling[hub]'" in complaint(command, capsys)
    with pytest.raises(MissingPackageError):
        from_hub("me/goto")


def test_second_agent_leaves_nothing_of_the_first_but_files_of_others(run: Path, hub: Hub, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "first")
    shutil.copyfile(run / "checkpoint.pt", tmp_path / "first" / "best.pt")
    shutil.copyfile(run / "evaluation.json", tmp_path / "first" / "evaluation-0a1b.json")
    (tmp_path / "first" / "episode.mp4").write_bytes(b"a video")
    push_to_hub(tmp_path / "first", "me/goto")
    hub.add("me/goto", {"notes.md": b"mine"})
    named = set(hub.repositories["me/goto"][-1])
    assert {"best.pt", "evaluation.json", "evaluation-0a1b.json", "replay.mp4", "blind/checkpoint.pt"} <= named
    second = tmp_path / "second"
    second.mkdir()
    for name in ("config.json", "checkpoint.pt"):
        shutil.copyfile(run / name, second / name)
    push_to_hub(second, "me/goto")
    files = set(hub.repositories["me/goto"][-1])
    assert files == {".gitattributes", "notes.md", "README.md", "config.json", "checkpoint.pt"}


def test_place_that_is_published_to_is_not_fetched(run: Path, hub: Hub, tmp_path: Path) -> None:
    assert main(["push", str(run), "hub:me/goto"]) == 0
    assert not matching(hub, "GET */resolve/*")
    assert main(["push", "hub:me/goto", "hub:me/again"]) == 0, "a run on the hub is one as well"
    first, second = (hub.repositories[name][-1] for name in ("me/goto", "me/again"))
    assert first["config.json"] == second["config.json"]


def test_run_that_somebody_else_fetches_at_the_same_time_is_theirs(
    run: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_to_hub(run, "me/goto")
    fetch = huggingface_hub.HfApi.snapshot_download

    def overtaken(api: Any, *args: Any, local_dir: Path, **kwargs: Any) -> Any:
        theirs = local_dir.parents[1] / kwargs["revision"]
        theirs.mkdir()
        (theirs / "config.json").write_text("theirs")
        return fetch(api, *args, local_dir=local_dir, **kwargs)

    monkeypatch.setattr(huggingface_hub.HfApi, "snapshot_download", overtaken)
    folder = from_hub("me/goto")
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert not list(folder.parent.glob(".*"))


def test_folder_of_files_to_look_at_is_whole_or_not_there(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "file"
    kept.write_text("mine")
    assert "is a file: choose a new folder" in complaint(["push", str(run), "me/x", "--output", str(kept)], capsys)
    assert "is a file, not a folder" in complaint(["push", str(run), "me/x", "--output", f"{kept}/new"], capsys)
    torn = tmp_path / "torn"
    shutil.copytree(run, torn)
    (torn / "blind" / "checkpoint.pt").write_bytes(b"torn")
    for bad in (torn, tmp_path / "nowhere"):
        complaint(["push", str(bad), "me/x", "--output", str(tmp_path / "some" / "new")], capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "torn"}
    assert kept.read_text() == "mine"


def test_files_can_be_looked_at_before_they_are_sent(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(run), "me/goto", "--output", str(tmp_path / "new")]) == 0
    assert {"README.md", "config.json", "checkpoint.pt", "blind"} <= {
        path.name for path in (tmp_path / "new").iterdir()
    }
    assert "is not empty" in complaint(["push", str(run), "me/goto", "--output", str(tmp_path / "new")], capsys)
