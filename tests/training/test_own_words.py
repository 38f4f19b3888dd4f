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
from groundling.envs.banks.bank import CLAUSE_TOKENS
from groundling.envs.banks.sources import find_source
from groundling.envs.catalog import find_family
from groundling.envs.engine.constants import NUM_STATES
from groundling.envs.engine.embodiment import GRID
from groundling.envs.families.banked import watched_episode
from groundling.errors import ConfigurationError
from groundling.eval.attention import readings
from groundling.eval.evaluation import evaluate
from groundling.eval.figures import reading_figure
from groundling.eval.pictures import TILE_PIXELS
from groundling.eval.watching import watch
from groundling.training import Checkpoint, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.tasks import embodiment

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
    assert main(["evaluate", str(run), "--episodes", "40", "--trust-code"]) == 0
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
    assert checkpoint.spec.observation["image"].sizes == (26, 11, NUM_STATES)
    assert checkpoint.spec.vocabulary == source.embodiment.vocabulary
    assert checkpoint.spec == source.embodiment.spec(source.instruction_length)
    assert checkpoint.config.held_out.own_words == ("teal", "apple")
    assert TrainConfig.from_json(checkpoint.config.to_json()) == checkpoint.config
    agent = checkpoint.make_agent()
    bank = EpisodeBank.of_seeds(task, range(30))
    assert evaluate(agent, bank, embodiment=source.embodiment).episodes == 30


def test_checkpoint_of_other_words_and_kinds_says_so(run: Path) -> None:
    different = Checkpoint.load(run / CHECKPOINT_NAME).spec.differences(GRID.spec(CLAUSE_TOKENS))
    assert different[0] == "image is symbols [7, 7, 3], not symbols [7, 7, 3] of 26 types, 11 colors and 7 states"
    assert different[1].startswith("the vocabulary has")


def test_run_can_be_resumed_and_started_from(run: Path, task: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert main(["train", "--task", task, "--init", str(run), "--run-folder", str(other), *SMALL, *PPO]) == 0
    assert main(["train", "--resume", str(other), "--trust-code"]) == 0
    usual = ["--task", "BabyAI-GoToObj-v0", "--init", str(run), "--run-folder", str(tmp_path / "usual")]
    assert main(["train", *usual, *SMALL, *PPO]) == 2


def test_tasks_of_different_words_are_trained_on_apart(task: str) -> None:
    with pytest.raises(ConfigurationError, match="different bodies or words"):
        embodiment(TrainConfig(tasks=(task, "BabyAI-GoToObj-v0")))


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
    episodes = find_family(task).episodes_of(bank)  # type: ignore[attr-defined]
    (reading, *_) = readings(agent, episodes)
    assert reading.instruction in bank.instructions
    labels = [label.get_text() for label in reading_figure(reading).axes[2].get_yticklabels()]
    assert labels == list(reading.words) == reading.instruction.split()
    first = [watch(agent, watched_episode(episodes, row), seed=row).moments[0] for row in range(10)]
    assert first[0].seen.shape == (7 * TILE_PIXELS, 7 * TILE_PIXELS, 3)
    for pictures in ([moment.seen for moment in first], [moment.above for moment in first]):
        assert any((picture == (0, 128, 128)).all(axis=-1).any() for picture in pictures)


def test_random_policy_is_evaluated_where_the_source_is_known(task: str) -> None:
    bank = EpisodeBank.of_seeds(task, range(20))
    found = evaluate(RandomPolicy(), bank)
    assert found.episodes == 20
    assert np.isfinite(found.mean_length)
    assert dataclasses.is_dataclass(found)
