"""LEARN: pairs, the model of relatedness, what it pays, and where it is blind or can be exploited."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.cli import parse
from groundling.cli.options import config_of
from groundling.envs.described_clips import DescribedClip, DescribedClips
from groundling.errors import ConfigurationError, RelatednessFileError
from groundling.interfaces import TOKENS, Field, Spec, Transition
from groundling.language.vocabulary import Vocabulary
from groundling.training import Trainer, train
from groundling.training.rewards.learn import sources
from groundling.training.rewards.learn.fitting import FitConfig, fit
from groundling.training.rewards.learn.model import Relatedness
from groundling.training.rewards.learn.own_clips import ACTIONS
from groundling.training.rewards.learn.pairs import LEAST_MOVES, distinct_sentences, draw_pairs
from groundling.training.rewards.learn.reward import LearnConfig, LearnReward

WAIT, LEFT, RIGHT, JUMP = range(4)
NAMES = ("wait", "left", "right", "jump")
ONE_WAY = {"walk left": [LEFT], "walk right": [RIGHT], "leap up": [JUMP]}
BOTH_WAYS = {"left then right": [LEFT, RIGHT], "right then left": [RIGHT, LEFT]}


def clips_of(programs: dict[str, list[int]], count: int = 240, names: tuple[str, ...] = NAMES) -> DescribedClips:
    """Clips in which the actions of a sentence are pressed one after the other, for some time each."""
    rng = np.random.default_rng(0)
    clips = []
    for number in range(count):
        sentence = list(programs)[number % len(programs)]
        actions = [action for action in programs[sentence] for _ in range(rng.integers(6, 12))]
        clips.append(DescribedClip(np.array(actions), (sentence,), number % 5 == 0))
    return DescribedClips.of(names, clips, idle=(WAIT,))


def quick(**changes: Any) -> FitConfig:
    return FitConfig(**{"pairs": 2000, "epochs": 3, "batch_size": 64, "learning_rate": 3e-3, **changes})


@pytest.fixture(scope="module")
def model() -> Relatedness:
    return fit(clips_of(ONE_WAY), quick())


def potential(model: Relatedness, actions: list[int], sentence: str) -> float:
    memory = model.first(1)
    for action in actions:
        memory = model.advance(memory, torch.tensor([action]))
    return float(model.potentials(memory, model.read(sentence).unsqueeze(0))[0])


class Reward:
    """The reward of a model in B environments of four actions, without a run around it."""

    def __init__(self, model: Relatedness, batch: int = 1, gamma: float = 0.9, **settings: Any) -> None:
        own = LearnConfig(**settings)
        config: Any = SimpleNamespace(
            settings_of=lambda kind: own, algorithm_settings=SimpleNamespace(gamma=gamma, bootstrap_truncated=True)
        )
        spec = Spec({"words": Field((3,), "int32", TOKENS, 9)}, model.actions, Vocabulary.unnamed(9))
        envs: Any = SimpleNamespace(num_envs=batch, agent_spec=spec)
        self.term = LearnReward(config, envs)
        self.term.model = None
        self.term._use(model)
        self.term.begin()

    def __call__(
        self, actions: list[int], texts: tuple[str, ...], terminated: bool = False, truncated: bool = False
    ) -> list[float]:
        count = len(actions)
        ends = [np.full(count, flag) for flag in (terminated, truncated)]
        return self.term(Transition({}, np.array(actions), {}, np.zeros(count), *ends, {}, texts)).tolist()


# Pairs


def test_half_of_the_pairs_are_stretches_of_a_clip_with_one_of_its_sentences() -> None:
    clips = clips_of(ONE_WAY)
    sentences = distinct_sentences(clips)
    pairs = draw_pairs(clips, np.arange(len(clips)), sentences, 1000, np.random.default_rng(1))
    assert sentences == tuple(ONE_WAY)
    assert pairs.is_related.sum() == 500
    pressed = pairs.histogram.argmax(axis=1)
    is_right = [ONE_WAY[sentences[s]] == [action] for s, action in zip(pairs.sentence, pressed, strict=True)]
    is_pure = pairs.histogram.max(axis=1) == 1
    assert all(is_right[:500])
    assert is_pure[:500].all()
    assert 200 < is_pure[500:].sum() < 300, "half of the others have the sentence of another clip"
    assert np.array(is_right)[500:][is_pure[500:]].mean() < 0.03, "few random actions are all the same"
    lengths = (pairs.actions[:500] != len(NAMES)).sum(axis=1)
    assert lengths.min() >= LEAST_MOVES
    assert len(set(lengths.tolist())) > 3
    assert np.allclose(pairs.histogram.sum(axis=1), 1)


def test_what_moves_nothing_is_no_move_of_a_stretch() -> None:
    waits = DescribedClip(np.array([WAIT] * 30 + [LEFT] * LEAST_MOVES + [WAIT] * 30), ("walk left",))
    clips = DescribedClips.of(NAMES, [waits, DescribedClip(np.array([RIGHT] * 9), ("walk right",))], idle=(WAIT,))
    pairs = draw_pairs(clips, np.arange(2), distinct_sentences(clips), 400, np.random.default_rng(1))
    of_left = (pairs.sentence == 0) & pairs.is_related
    assert ((pairs.actions[of_left] == LEFT).sum(axis=1) == LEAST_MOVES).all()


def test_clips_that_cannot_teach_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at least two sentences"):
        fit(clips_of({"walk left": [LEFT]}), quick())
    no_validation = DescribedClips.of(NAMES, [DescribedClip(np.array([LEFT]), ("walk left",))])
    with pytest.raises(ConfigurationError, match="others to validate it by, got 1 and 0"):
        fit(no_validation, quick())


# The model


@pytest.mark.parametrize("reads", ["histogram", "sequence"])
def test_model_tells_actions_that_go_with_a_sentence(reads: Any, model: Relatedness) -> None:
    own = model if reads == "histogram" else fit(clips_of(ONE_WAY), quick(reads="sequence", epochs=2))
    assert own.facts["accuracy"] > 0.8
    for sentence, actions in ONE_WAY.items():
        assert potential(own, actions * 8, sentence) > 0.2
        for other in ONE_WAY:
            if other != sentence:
                assert potential(own, actions * 8, other) < -0.2


def test_a_histogram_cannot_tell_left_then_right_from_right_then_left() -> None:
    """The built-in failure: what only differs in its order is paid alike, and a sequence tells it."""
    clips = clips_of(BOTH_WAYS)
    blind, seeing = fit(clips, quick()), fit(clips, quick(reads="sequence", epochs=8))
    first, second = [LEFT] * 8 + [RIGHT] * 8, [RIGHT] * 8 + [LEFT] * 8
    for sentence in BOTH_WAYS:
        assert potential(blind, first, sentence) == potential(blind, second, sentence)
    assert potential(seeing, first, "left then right") > 0.2 > -0.2 > potential(seeing, second, "left then right")
    assert potential(seeing, second, "right then left") > 0.2 > -0.2 > potential(seeing, first, "right then left")


def test_same_clips_and_settings_make_the_same_model() -> None:
    ours, theirs, other = (fit(clips_of(ONE_WAY), quick(epochs=1, pairs=400, seed=seed)) for seed in (0, 0, 1))
    assert_same(ours.net.state_dict(), theirs.net.state_dict())
    assert not torch.equal(ours.net.words.weight, other.net.words.weight)


def test_file_gives_the_same_model_back(model: Relatedness, tmp_path: Path) -> None:
    model.save(tmp_path / "model.pt")
    again = Relatedness.load(tmp_path / "model.pt")
    assert (again.actions, again.sentences, again.facts) == (model.actions, model.sentences, model.facts)
    assert potential(again, [LEFT] * 5, "walk left") == potential(model, [LEFT] * 5, "walk left")


@pytest.mark.parametrize("damage", ["missing", "torn", "other"])
def test_file_that_is_no_whole_model_is_refused(damage: str, model: Relatedness, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    if damage == "torn":
        model.save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif damage == "other":
        torch.save({"agent": 1}, path)
    with pytest.raises(RelatednessFileError, match=r"model\.pt"):
        Relatedness.load(path)


# The reward


def test_reward_is_the_difference_of_potentials_and_nothing_before_two_steps(model: Relatedness) -> None:
    reward = Reward(model, gamma=0.9, scale=2.0)
    told = ("walk left",)
    two, three = (2 * potential(model, [LEFT] * n, "walk left") for n in (2, 3))
    assert reward([LEFT], told) == [0]
    assert reward([LEFT], told) == pytest.approx([0.9 * two])
    assert reward([LEFT], told) == pytest.approx([0.9 * three - two], abs=1e-6)


def test_episode_that_terminates_pays_its_potential_back_unless_that_is_set_off(model: Relatedness) -> None:
    told = ("walk left",)
    for zero, truncated in ((True, False), (False, False), (True, True)):
        reward = Reward(model, gamma=0.9, zero_terminal=zero)
        reward([LEFT], told)
        reward([LEFT], told)
        two, three = (potential(model, [LEFT] * n, "walk left") for n in (2, 3))
        kept = 0.0 if zero and not truncated else 0.9 * three
        assert reward([LEFT], told, terminated=not truncated, truncated=truncated) == pytest.approx(
            [kept - two], abs=1e-6
        )
        assert reward([RIGHT], told) == [0], "the next episode is counted anew"
        again = potential(model, [RIGHT] * 2, "walk left")
        assert reward([RIGHT], told) == pytest.approx([0.9 * again], abs=1e-6)


def test_who_only_presses_what_is_mentioned_is_paid_by_the_original_alone(model: Relatedness) -> None:
    """The pitfall: loitering. With the terminal zero its discounted return is nothing, without it is much."""
    gained = {}
    for zero in (True, False):
        reward = Reward(model, gamma=0.99, zero_terminal=zero)
        paid = [reward([LEFT], ("walk left",), terminated=step == 19)[0] for step in range(20)]
        gained[zero] = sum(0.99**step * one for step, one in enumerate(paid))
    assert gained[True] == pytest.approx(0, abs=1e-6)
    assert gained[False] == pytest.approx(0.99**20 * potential(model, [LEFT] * 20, "walk left"), abs=1e-6)
    assert gained[False] > 0.2


def test_each_environment_has_a_history_and_a_sentence_of_its_own(model: Relatedness) -> None:
    reward = Reward(model, batch=2, gamma=1.0)
    told = ("walk left", "walk right")
    reward([LEFT, LEFT], told)
    paid = reward([LEFT, LEFT], told)
    assert paid[0] > 0.2
    assert paid[1] < -0.2


def test_controls_change_what_the_model_is_told(model: Relatedness) -> None:
    assert Reward(model).term.told("walk left") == "walk left"
    assert Reward(model, told="none").term.told("walk left") == ""
    assert Reward(model, told="other").term.told("walk left") in set(ONE_WAY) - {"walk left"}
    long = "walk left then leap up and then walk right"
    shuffled = Reward(model, told="shuffled").term.told(long)
    assert shuffled != long
    assert sorted(shuffled.split()) == sorted(long.split())
    given = Reward(model, gamma=1.0, sentence="walk right")
    given([RIGHT], ("walk left",))
    assert given([RIGHT], ("walk left",))[0] > 0.2, "the sentence that is given stands in place of the episode's"


def test_sentence_that_the_model_cannot_read_is_refused(model: Relatedness) -> None:
    with pytest.raises(ConfigurationError, match="knows no word of 'fetch bread'"):
        Reward(model)([LEFT], ("fetch bread",))
    with pytest.raises(ConfigurationError, match=r"these tell none: give the sentence by --learn\.sentence"):
        Reward(model)([LEFT], ())
    with pytest.raises(ConfigurationError, match="told is one of own, other, shuffled, none"):
        LearnConfig(told="wrong")  # type: ignore[arg-type]


# Runs


def test_settings_come_back_from_json_and_from_the_command_line() -> None:
    config = make_config(
        reward=("environment", "learn"), settings=(LearnConfig(scale=2.0, fit=quick(reads="sequence")),)
    )
    assert type(config).from_json(config.to_json()) == config
    told = ["--reward", "environment", "learn", "--learn.fit.reads", "sequence", "--learn.sentence", "go left"]
    command = parse("train", told)
    own = config_of(command.options, command.parts).settings_of(LearnConfig)
    assert (own.fit.reads, own.sentence) == ("sequence", "go left")


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A model of the grid's actions."""
    words = {"go to the red ball": [2], "pick up a key": [3], "turn left": [0]}
    made = fit(clips_of(words, 60, ACTIONS), quick(pairs=200, epochs=1))
    made.save(tmp_path / "relatedness.pt")
    return str(tmp_path / "relatedness.pt")


def learn_config(file: str, **settings: Any) -> Any:
    return make_config(reward=("environment", "learn"), settings=(LearnConfig(file=file, **settings),))


def test_resumed_run_goes_on_with_the_model_of_its_checkpoint_when_the_file_is_gone(file: str, tmp_path: Path) -> None:
    config = learn_config(file)
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    Path(file).unlink()
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(whole):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert any(row["reward/learn"] != 0 for row in metrics_of(tmp_path / "whole"))
    fewer = make_config(num_envs=6, reward=("environment", f"frozen:{tmp_path / 'whole'}"))
    again = train(fewer, tmp_path / "frozen")
    assert again.metrics[f"reward/frozen:{tmp_path / 'whole'}"] != 0


def test_model_of_other_actions_or_no_model_is_refused_and_leaves_no_folder(
    file: str, model: Relatedness, tmp_path: Path
) -> None:
    model.save(tmp_path / "other.pt")
    with pytest.raises(ConfigurationError, match="is of the actions wait, left, right, jump, these environments have"):
        Trainer(learn_config(str(tmp_path / "other.pt")), tmp_path / "run")
    with pytest.raises(RelatednessFileError, match="there is no model of relatedness at"):
        Trainer(learn_config(f"{file}.not"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_run_without_a_file_trains_its_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path / "cache"))
    config, how = make_config(), quick(pairs=100, epochs=1)
    made = sources.model_of(config, "", 24, how)
    assert made.actions == ACTIONS
    assert all("go to" in sentence or len(sentence.split()) > 2 for sentence in made.sentences)
    monkeypatch.setattr(sources, "fit", lambda *arguments: pytest.fail("it was trained again"))
    again = sources.model_of(config, "", 24, how)
    assert_same(again.net.state_dict(), made.net.state_dict())
