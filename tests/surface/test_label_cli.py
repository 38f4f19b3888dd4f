"""``groundling label``: pairs of trajectories compared by a simulated person, on a page and in the terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from groundling.agents import AgentConfig
from groundling.cli import main
from groundling.cli.label import ask
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, PreferenceFileError
from groundling.eval.preference_page import fingerprint, pictures, read_choices
from groundling.eval.preference_pairs import Person, pair_episodes, play, play_pairs
from groundling.training import PPOConfig, TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.preferences.comparisons import EQUAL, FIRST, SECOND, UNLABELLED, Comparisons

TASK = "BabyAI-GoToObjS4-v0"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of hardly any training."""
    folder = tmp_path_factory.mktemp("label") / "run"
    agent = AgentConfig(word_dim=8, instruction_dim=8, hidden_dim=16)
    ppo = PPOConfig(num_steps=4, minibatch_size=32)
    Trainer(
        TrainConfig(task=TASK, agent=agent, num_envs=32, bank_size=16, total_frames=128, settings=(ppo,)), folder
    ).run()
    return folder


@pytest.fixture(scope="module")
def checkpoint(run: Path) -> Checkpoint:
    return Checkpoint.load(run / CHECKPOINT_NAME)


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["label", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    return told.err


def test_both_trajectories_of_a_pair_are_of_one_episode_and_replay_to_what_was_paid(checkpoint: Checkpoint) -> None:
    episodes, _ = pair_episodes(checkpoint, 300, seed=1)
    pairs = play_pairs(checkpoint.make_agent(), episodes, (TASK,), seed=2)
    assert len(pairs) == 300  # more than are played side by side
    for key, array in pairs.observation.items():
        assert np.array_equal(array[:, 0, 0], array[:, 1, 0]), key
    assert not np.array_equal(pairs.action[:, 0], pairs.action[:, 1])
    bank = episodes[0].bank
    assert list(pairs.texts) == [bank.instructions[row] for row in bank.sentences]
    for number in (0, 7, 255, 256, 299):
        for side in range(2):
            envs = GroundlingVectorEnv(bank.take(slice(number, number + 1)), 1, shuffle=False, autoreset=False)
            observation, _ = envs.reset()
            paid = 0.0
            for step in range(pairs.length[number, side]):
                for key in pairs.observation:
                    assert np.array_equal(observation[key][0], pairs.observation[key][number, side, step])
                observation, reward, terminated, truncated, _ = envs.step(pairs.action[number, side, step : step + 1])
                paid += float(reward[0])
            assert terminated[0] | truncated[0]
            assert paid == pytest.approx(pairs.returns[number, side])
            assert pairs.success[number, side] == (paid > 0)


def test_trajectories_are_cut_and_do_not_depend_on_each_other(checkpoint: Checkpoint) -> None:
    (episodes,), _ = pair_episodes(checkpoint, 6, seed=1)
    agent = checkpoint.make_agent()
    whole, cut = play(agent, episodes, seed=4), play(agent, episodes, seed=4, most_steps=5)
    assert max(len(one.actions) for one in whole) > 5
    for long, short in zip(whole, cut, strict=True):
        assert short.actions == long.actions[:5]
        assert len(short.observations) == len(short.actions)
        assert short.success == (long.success and len(long.actions) <= 5)


def test_simulated_person_prefers_larger_returns_and_errs_as_often_as_told() -> None:
    gap = np.repeat([1.0, 0.1, 0.0, -1.0], 2000)

    class Pairs:
        returns = np.stack([gap, np.zeros(8000)], axis=1)

        def with_labels(self, label: np.ndarray, labeller: str) -> np.ndarray:
            return label.reshape(4, 2000)

    label = Person(noise=0.1, temperature=0.1).compare(Pairs(), seed=0)  # type: ignore[arg-type]
    assert label[0].mean() == pytest.approx(0.9, abs=0.03)  # 1 / (1 + e^-10), of which a tenth is turned round
    assert label[1].mean() == pytest.approx(0.9 * 0.731 + 0.1 * 0.269, abs=0.03)
    assert (label[2] == EQUAL).all()
    assert label[3].mean() == pytest.approx(0.1, abs=0.03)
    for wrong in ({"noise": 1.5}, {"temperature": 0.0}):
        with pytest.raises(ConfigurationError):
            Person(**wrong)


def test_simulated_comparisons_are_written(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "some.npz"
    assert main(["label", str(run), "--simulated", "--episodes", "12", "--noise", "0", "--output", str(path)]) == 0
    told = Comparisons.load(path)
    assert len(told) == 12
    assert told.labeller.startswith("simulated")
    assert f"they are in {path}" in capsys.readouterr().out
    assert main(["label", str(run), "--simulated", "--episodes", "12", "--noise", "0", "--output", str(path)]) == 0
    assert np.array_equal(Comparisons.load(path).label, told.label)


def test_page_shows_two_videos_of_each_pair_and_its_choices_are_read(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", str(run), "--episodes", "2", "--most-steps", "4"]) == 0
    assert "--read choices.json" in capsys.readouterr().out
    folder = run / "label"
    videos = sorted(path.name for path in folder.glob("*.mp4"))
    assert videos == ["0000a.mp4", "0000b.mp4", "0001a.mp4", "0001b.mp4"]
    pairs = Comparisons.load(folder / "pairs.npz")
    page = (folder / "index.html").read_text()
    assert fingerprint(pairs) in page
    assert all(text in page for text in pairs.texts)
    choices = tmp_path / "choices.json"
    content = {"kind": "groundling choices", "pairs": fingerprint(pairs), "choices": {"1": "second"}}
    choices.write_text(json.dumps(content))
    assert read_choices(choices, pairs).tolist() == [UNLABELLED, SECOND]
    assert main(["label", str(run), "--read", str(choices)]) == 0
    told = Comparisons.load(run / "comparisons.npz")
    assert told.label.tolist() == [SECOND]
    assert np.array_equal(told.action, pairs.action[1:])
    for changed, error in (
        ({"pairs": "0-2"}, "of other pairs"),
        ({"kind": "x"}, "is no file of choices"),
        ({"choices": {"2": "first"}}, "pair 2"),
        ({"choices": {"0": "best"}}, "'best'"),
    ):
        choices.write_text(json.dumps(content | changed))
        assert error in complaint([str(run), "--read", str(choices)], capsys)
    choices.write_text(json.dumps(content)[:-9])
    assert "no whole file of choices" in complaint([str(run), "--read", str(choices)], capsys)
    with pytest.raises(PreferenceFileError, match="there is no file"):
        read_choices(tmp_path / "missing.json", pairs)


def test_terminal_shows_both_and_asks(checkpoint: Checkpoint) -> None:
    episodes, _ = pair_episodes(checkpoint, 3, seed=1)
    pairs = play_pairs(checkpoint.make_agent(), episodes, (TASK,), seed=2, most_steps=3)
    shown = list(pictures(episodes, 2, [2, 2]))
    assert len(shown) == 3
    assert all(picture.ndim == 3 and picture.dtype == np.uint8 for picture in shown)
    keys = iter(["x", "r", "1", "0", "q"])
    text = io.StringIO()
    console = Console(file=text, width=60, height=30)
    label = ask(pairs, episodes, read=lambda: next(keys), console=console, seconds=0.0)
    assert label.tolist() == [FIRST, EQUAL, UNLABELLED]
    assert text.getvalue().count("pair 1 of 3: second, step 0") == 2  # shown again after r


def test_mistakes_cost_one_line(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "choose one of" in complaint([str(run), "--simulated", "--terminal"], capsys)
    assert "episodes must be at least 1" in complaint([str(run), "--episodes", "0"], capsys)
    assert "noise must be between 0 and 1" in complaint([str(run), "--simulated", "--noise", "2"], capsys)
    assert "there is no checkpoint" in complaint([str(tmp_path / "nothing")], capsys)
    assert "there is no file of comparisons" in complaint([str(tmp_path), "--read", "x.json"], capsys)
