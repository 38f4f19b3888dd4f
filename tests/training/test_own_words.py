"""Runs on a task of one file with a type, a color, a relation and a sentence of its own, end to end."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from groundling.agents.baselines import RandomPolicy
from groundling.cli import main
from groundling.envs import EpisodeBank
from groundling.envs.sources import find_source
from groundling.errors import CheckpointError, ConfigurationError
from groundling.eval.evaluation import evaluate
from groundling.eval.figures import attention_figure, telling_view
from groundling.eval.stages import BankStage
from groundling.training import Checkpoint, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.demonstrations import DemonstrationSet

TASK = '''
from groundling.envs import Relation, Task
from groundling.language import Color, GoTo, Instructed, ObjectType, OwnColor, OwnType

class Fruit(Task):
    """Go to the fruit, wherever it is said to be."""

    room_size = 6
    max_steps = 12
    types = (ObjectType.BALL, OwnType("apple"))
    colors = (Color.RED, OwnColor("teal", (0, 128, 128)))
    relations = (Relation("in the north", lambda world, thing: thing.position[1] < 3),)
    sentences = ("an apple a day",)

    def sample(self, world, rng):
        things = world.add_crossed()
        world.place_agent()
        thing = world.choice(things)
        if thing.type == "apple" and world.chance(0.3):
            return Instructed(GoTo(world.describe(thing)), "an apple a day")
        is_north = thing in world.matches(world.describe(thing)) and thing.position[1] < 3
        return GoTo(world.describe(thing, relation="in the north" if is_north else None))
'''
SMALL = [
    *("--total-frames", "2000", "--num-envs", "16", "--bank-size", "64"),
    *("--agent.cell-dim", "4", "--agent.hidden-dim", "8", "--agent.instruction-dim", "4", "--agent.word-dim", "4"),
]
PPO = ["--ppo.num-steps", "16", "--ppo.minibatch-size", "128"]


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tasks") / "fruits.py"
    path.write_text(TASK)
    return f"{path}:Fruit"


@pytest.fixture(scope="module")
def run(task: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    held_out = ["--held-out.combinations", "teal apple", "--held-out.own-words", "teal", "apple"]
    assert main(["train", "--task", task, "--run-folder", str(folder), *SMALL, *PPO, *held_out]) == 0
    return folder


def test_run_is_trained_and_evaluated(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--episodes", "40"]) == 0
    found = json.loads((run / "evaluation.json").read_text())
    assert set(found["suites"]) == {"layout", "combination"}
    assert set(found["suites"]["layout"]) == {"trained", "random", "shuffled"}
    by_verb = {group["name"]: group["episodes"] for group in found["breakdown"]["verb"]["layout"]["trained"]}
    assert set(by_verb) == {"go to", "in own words"}
    assert sum(by_verb.values()) == 40
    assert "teal apple" not in capsys.readouterr().err


def test_checkpoint_holds_the_sizes_and_the_words(run: Path, task: str) -> None:
    checkpoint = Checkpoint.load(run / CHECKPOINT_NAME)
    source = find_source(task)
    assert (checkpoint.space.num_types, checkpoint.space.num_colors) == (26, 11)
    assert checkpoint.space.vocabulary_size == len(source.embodiment.vocabulary)
    assert checkpoint.config.vocabulary == source.embodiment.vocabulary
    assert checkpoint.config.held_out.own_words == ("teal", "apple")
    assert TrainConfig.from_json(checkpoint.config.to_json()) == checkpoint.config
    agent = checkpoint.make_agent()
    bank = EpisodeBank.of_seeds(task, range(30))
    assert evaluate(agent, bank, embodiment=source.embodiment).episodes == 30


def test_checkpoint_of_other_words_is_refused(run: Path, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from groundling.language import VOCABULARY
    from groundling.training import config

    monkeypatch.setattr(config, "vocabulary_of", lambda task: VOCABULARY)
    with pytest.raises(CheckpointError, match="another vocabulary"):
        Checkpoint.load(run / CHECKPOINT_NAME)


def test_run_can_be_resumed_and_started_from(run: Path, task: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert main(["train", "--task", task, "--init", str(run), "--run-folder", str(other), *SMALL, *PPO]) == 0
    assert main(["train", "--resume", str(other)]) == 0
    usual = ["--task", "BabyAI-GoToObj-v0", "--init", str(run), "--run-folder", str(tmp_path / "usual")]
    assert main(["train", *usual, *SMALL, *PPO]) == 2


def test_tasks_of_different_words_are_trained_on_apart(task: str) -> None:
    with pytest.raises(ConfigurationError, match="different bodies or words"):
        TrainConfig(tasks=(task, "BabyAI-GoToObj-v0")).embodiment()


@pytest.mark.parametrize("algorithm", ["bc", "dagger"])
def test_experts_teach_it(algorithm: str, task: str, tmp_path: Path) -> None:
    options = ["--imitation.num-steps", "16", "--imitation.minibatch-size", "128", "--held-out.factors"]
    folder = tmp_path / "run"
    assert main(["train", "--task", task, "--algorithm", algorithm, "--run-folder", str(folder), *SMALL, *options]) == 0


def test_rover_is_trained(task: str, tmp_path: Path) -> None:
    folder = tmp_path / "rover"
    camera = ["--body", "rover", "--camera.width", "32", "--camera.height", "24", "--agent.vision", "cnn"]
    sizes = [
        "--total-frames",
        "128",
        "--num-envs",
        "8",
        "--bank-size",
        "32",
        "--ppo.num-steps",
        "16",
        "--ppo.minibatch-size",
        "64",
    ]
    assert main(["train", "--task", task, "--run-folder", str(folder), *camera, *sizes]) == 0


def test_demonstrations_know_the_words(task: str, tmp_path: Path) -> None:
    path = tmp_path / "set.demos"
    assert main(["demos", task, "--episodes", "12", "--output", str(path), "--held-out.factors"]) == 0
    loaded = DemonstrationSet.load(path, task=task)
    vocabulary = find_source(task).embodiment.vocabulary
    assert loaded.bank.vocabulary == vocabulary.fingerprint
    replay = loaded.replay(0)
    assert vocabulary.decode(replay.tokens) == replay.instruction.lower()


def test_figures_and_pictures_name_and_show_own_kinds(run: Path, task: str) -> None:
    agent = Checkpoint.load(run / CHECKPOINT_NAME).make_agent()
    bank = EpisodeBank.of_seeds(task, range(40))
    row, sentences = telling_view(bank)
    figure = attention_figure(agent, bank, row, sentences)
    names = {text.get_text() for axis in figure.axes for text in axis.texts}
    assert names <= {"ball", "apple"}
    scene = BankStage(bank, 0, find_source(task).embodiment).begin()
    assert scene.seen.shape == (7 * 56, 7 * 56, 3)
    teal = [
        (0, 128, 128)
        in {tuple(pixel) for pixel in BankStage(bank, k, find_source(task).embodiment).begin().above.reshape(-1, 3)}
        for k in range(10)
    ]
    assert any(teal)


def test_random_policy_is_evaluated_where_the_source_is_known(task: str) -> None:
    bank = EpisodeBank.of_seeds(task, range(20))
    found = evaluate(RandomPolicy(), bank)
    assert found.episodes == 20
    assert np.isfinite(found.mean_length)
    assert dataclasses.is_dataclass(found)
