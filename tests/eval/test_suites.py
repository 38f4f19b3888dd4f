"""Suites: what each tests and only that, beside its controls, and everything that a report leaves in a run's folder."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from groundling.agents import AgentConfig, RandomPolicy
from groundling.envs import EpisodeBank, HeldOut
from groundling.envs.banks.episode import sample_episodes
from groundling.envs.banks.held_out import FACTORS
from groundling.envs.banks.sources import find_source
from groundling.envs.catalog import find_family
from groundling.envs.families import banked
from groundling.envs.families.banked import BankFamily, enlarged
from groundling.envs.families.goals import SUITES
from groundling.errors import CheckpointError, RunFolderError, SplitError
from groundling.eval import evaluate_run, suite_bank
from groundling.eval.clips import VIDEO_EPISODES
from groundling.eval.evaluating import report_run
from groundling.eval.runs import evaluate_suites
from groundling.eval.suite_report import format_success
from groundling.eval.suites import (
    REORDERED,
    describe_suite,
    reordered_episodes,
    rows_of_banks,
    suite_rows,
    suites_for,
    unseen_words,
)
from groundling.eval.watching import Watched, watch
from groundling.language import parse
from groundling.language.paraphrases import HELD_OUT_SYNONYMS
from groundling.language.vocabulary import split_words
from groundling.training import PPOConfig, TrainConfig, train

LEVEL = "BabyAI-GoToObjS4-v0"
EPISODES = 30
ALL = tuple(SUITES)
AGENTS = ["trained", "random", "blind", "shuffled"]
CONFIG = TrainConfig(
    task=LEVEL,
    total_frames=256,
    num_envs=8,
    bank_size=200,
    agent=AgentConfig(cell_dim=6, word_dim=5, instruction_dim=7, readout_dim=3, hidden_dim=8, memory_dim=4),
    ppo=PPOConfig(num_steps=16, minibatch_size=64, num_epochs=1),
)


def changed(**settings: Any) -> TrainConfig:
    return dataclasses.replace(CONFIG, **settings)


def suite_banks(config: TrainConfig, *args: Any, **options: Any) -> tuple[dict[str, EpisodeBank], dict[str, str]]:
    """The banks of the rows of several suites."""
    rows, left_out = suite_rows(config, *args, **options)
    return {name: row.episodes.bank for name, row in rows.items()}, left_out  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run with its blind control."""
    folder = tmp_path_factory.mktemp("run")
    train(CONFIG, folder)
    train(changed(agent=dataclasses.replace(CONFIG.agent, blind=True)), folder / "blind")
    return folder


def bank_of(*sentences: str) -> EpisodeBank:
    """An episode for each sentence; its world is some."""
    (episode,) = sample_episodes(find_source(LEVEL), [0])
    told = [dataclasses.replace(episode, instruction=text, seed=n) for n, text in enumerate(sentences)]
    return EpisodeBank.pack(LEVEL, told)


# What a suite tests


def test_suites_are_new_layouts_and_only_combination_names_held_out_ones() -> None:
    trained = CONFIG.training_bank(progress=False)
    banks = {suite: suite_bank(CONFIG, suite, episodes=EPISODES, progress=False) for suite in ("layout", "combination")}
    for suite, bank in banks.items():
        assert len(bank) == EPISODES
        assert not set(bank.seeds) & set(trained.seeds)
        assert (bank.seeds % 2 == 1).all()  # training draws even seeds
        for text in bank.instructions:
            assert any(pair in text for pair in CONFIG.held_out.combinations) == (suite == "combination")
    assert not set(banks["layout"].instructions) & set(banks["combination"].instructions)


@pytest.mark.parametrize(
    ("task", "factors"),
    [
        ("BabyAI-GoToLocal-v0", ("combination",)),
        ("BabyAI-PutNextLocal-v0", ("combination",)),
        ("BabyAI-PickupLoc-v0", ("combination", "location")),
        ("BabyAI-SynthS5R2-v0", ("verb_object",)),
        ("BabyAI-GoToSeqS5R2-v0", ("length",)),
        ("groundling/RoomMixed-v0", ("combination", "verb_object", "location")),
    ],
)
def test_default_sets_leave_every_single_word_in_training(task: str, factors: Any) -> None:
    config = TrainConfig(task=task, bank_size=300, held_out=HeldOut(factors=factors))
    banks, left_out = suite_banks(config, factors, episodes=40, progress=False)
    assert not left_out
    trained = config.training_bank(progress=False)
    for suite in factors:
        rows = [bank for name, bank in banks.items() if name in (suite, suite + REORDERED)]
        assert sum(map(len, rows)) == 40
        for bank in rows:
            assert unseen_words(bank, trained) == []
            assert all(config.held_out.violated(goal) == {suite} for goal in bank.goals())


@pytest.mark.parametrize("task", ["BabyAI-GoToLocal-v0", "BabyAI-PickupLoc-v0"])
def test_held_out_phrasings_are_made_of_trained_words_and_synonyms_of_new_ones(task: str) -> None:
    config = TrainConfig(task=task, bank_size=2000, held_out=HeldOut(factors=("phrasing", "synonym")))
    banks, _ = suite_banks(config, ("layout", "phrasing", "synonym"), episodes=120, progress=False)
    trained = config.training_bank(progress=False)
    assert unseen_words(banks["phrasing"], trained) == []
    synonyms = {word for name in HELD_OUT_SYNONYMS for word in split_words(name)}
    new = set(unseen_words(banks["synonym"], trained))
    assert new
    assert all(any(word.startswith(synonym[:4]) for synonym in synonyms) for word in new), "plurals apart"
    goals = {suite: set(bank.goals()) for suite, bank in banks.items()}
    assert goals["phrasing"] <= {parse(text) for text in trained.instructions} | goals["layout"]


def test_suite_of_words_that_training_never_told_is_refused_and_they_are_named() -> None:
    held_out = HeldOut(combinations=tuple(f"{color} ball" for color in ("red", "green", "blue", "purple", "yellow")))
    config = changed(held_out=dataclasses.replace(held_out, combinations=(*held_out.combinations, "grey ball")))
    with pytest.raises(
        SplitError, match=r"'combination' tells words .* no training instruction has: ball\.* .*--allow-un"
    ):
        suite_banks(config, ("layout", "combination"), episodes=20, progress=False)
    banks, _ = suite_banks(config, ("layout", "combination"), episodes=20, allow_unseen_words=True, progress=False)
    assert list(banks) == ["layout", "combination"]


@pytest.mark.parametrize(
    ("task", "setting", "value", "more"),
    [
        ("BabyAI-GoToLocal-v0", "room_size", 8, 12),
        ("BabyAI-GoToLocal-v0", "num_distractors", 8, 12),
        ("BabyAI-GoToObjS4-v0", "room_size", 4, 6),
        ("MiniGrid-Fetch-5x5-N2-v0", "num_distractors", 2, 3),
        ("groundling/RoomMixed-v0", "room_size", 6, 9),
        ("groundling/RoomMixed-v0", "num_distractors", 3, 5),
    ],
)
def test_enlarged_levels_have_larger_rooms_and_more_objects(task: str, setting: str, value: int, more: int) -> None:
    source = find_source(task)
    large = enlarged(source, setting)
    assert (source.setting(setting), large.setting(setting)) == (value, more)
    assert large.id == source.id
    few, many = (sample_episodes(s, range(5)) for s in (source, large))
    objects = [np.mean([len(episode.looks) for episode in episodes]) for episodes in (few, many)]
    sizes = [episodes[0].cells.shape for episodes in (few, many)]
    if setting == "room_size":
        assert sizes == [(value, value), (more, more)]
        assert objects[0] == objects[1]
    else:
        assert sizes[0] == sizes[1]
        assert objects[1] - objects[0] == more - value


def test_enlarged_suites_are_built_of_the_enlarged_level() -> None:
    bank = suite_bank(CONFIG, "size", episodes=10, progress=False)
    assert bank.cells.shape == (10, 6, 6)
    assert suite_bank(CONFIG, "layout", episodes=10, progress=False).cells.shape == (10, 4, 4)
    assert (bank.seeds % 2 == 1).all()
    assert not any(CONFIG.held_out.violated(goal) for goal in bank.goals())


@pytest.mark.parametrize(
    ("task", "suite", "reason"),
    [
        (LEVEL, "distractors", "has no setting num_distractors to enlarge"),
        ("BabyAI-GoToRedBallNoDists-v0", "distractors", "has no setting num_distractors to enlarge"),
        ("BabyAI-OpenRedDoor-v0", "size", "cannot be enlarged: BabyAI-OpenRedDoor-v0 fixes room_size itself"),
        ("MiniGrid-MemoryS9-v0", "size", "cannot be made with room_size=14"),  # only odd ones
        ("BabyAI-GoToRedBall-v0", "combination", "is empty: none of"),
        (LEVEL, "location", r"not held out in training \(--held-out.factors location\)"),
    ],
)
def test_suite_that_cannot_be_run_is_refused_with_the_reason(task: str, suite: str, reason: str) -> None:
    with pytest.raises(SplitError, match=reason):
        suite_bank(changed(task=task), suite, episodes=5, progress=False)


def test_level_that_finds_no_layout_when_enlarged_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the enlarged task must not cost the numbers of the other suites."""
    config = changed(task="groundling/RoomGoTo-v0")
    full = find_source(config.task).changed(room_size=4, num_distractors=9)  # ten objects on four tiles
    monkeypatch.setattr(banked, "enlarged", lambda source, setting: full)
    banks, left_out = suite_banks(config, ("layout", "distractors"), episodes=5, progress=False)
    assert list(banks) == ["layout"]
    assert left_out["distractors"].startswith("enlarged, it cannot be generated: ")


def test_suites_that_cannot_be_run_are_left_out_with_their_reasons() -> None:
    banks, left_out = suite_banks(CONFIG, ALL, episodes=10, progress=False)
    assert list(banks) == ["layout", "combination", "size"]
    assert set(left_out) == set(ALL) - set(banks)
    assert all("held out" in left_out[factor] for factor in FACTORS if factor != "combination")
    assert "num_distractors" in left_out["distractors"]
    for suites in (("location",), ("location", "length")):
        with pytest.raises(SplitError, match="not held out in training"):
            suite_banks(CONFIG, suites, episodes=10, progress=False)


def test_unknown_suite_is_refused_and_the_others_are_named(run: Path) -> None:
    for ask in (
        lambda: suite_bank(CONFIG, "nonsense", episodes=5),
        lambda: suite_banks(CONFIG, ("layout", "nonsense"), episodes=5),
        lambda: evaluate_run(run, ("layout", "nonsense"), episodes=5),
    ):
        with pytest.raises(SplitError, match="no suite 'nonsense': choose among layout, combination"):
            ask()


def test_every_factor_is_a_suite_and_all_of_them_are_described() -> None:
    assert set(FACTORS) < set(SUITES)
    family = find_family(LEVEL)
    assert suites_for([family], ("all",)) == ALL
    assert suites_for([family]) == ("layout", "combination")
    assert all(describe_suite(suite, SUITES) for suite in SUITES)


# Instructions that only reorder trained words


def test_episodes_that_reorder_a_trained_instruction_are_known() -> None:
    trained = bank_of("put the red ball next to the blue key", "go to the green box")
    tested = bank_of(
        "put the blue key next to the red ball",
        "put the red ball next to the blue key",  # trained as it is: no test of order
        "put the red key next to the blue ball",  # the same words again
        "put the red ball next to the green key",
        "put the blue key next to the red ball",
        "go to a green box",
    )
    assert reordered_episodes(tested, trained).tolist() == [True, False, True, False, True, False]


def test_reordered_episodes_have_a_row_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = bank_of("put the red ball next to the blue key", "put the green box next to the green box")
    tested = bank_of("put the blue key next to the red ball", "put the green key next to the red box")
    monkeypatch.setattr(TrainConfig, "training_bank", lambda self, progress: trained)
    monkeypatch.setattr(BankFamily, "suite_bank", lambda *args, **options: tested)
    banks, _ = suite_banks(CONFIG, ("combination", "layout"), episodes=2)
    assert {name: bank.instructions for name, bank in banks.items()} == {
        "combination": tested.instructions[1:],
        "combination, reordered": tested.instructions[:1],
        "layout": tested.instructions,  # tests worlds, not words
    }
    assert describe_suite("combination, reordered", SUITES) == "words of a trained instruction in another order"


def test_unseen_words_are_told_in_order() -> None:
    trained = bank_of("go to the red ball")
    assert unseen_words(bank_of("go to the Red ball", "pick up a red key"), trained) == ["a", "key", "pick", "up"]
    assert unseen_words(bank_of("go to the red ball"), trained) == []


# Evaluation


def test_shuffled_control_needs_two_goals() -> None:
    one, two = bank_of("go to the red ball", "go to a red ball"), bank_of("go to the red ball", "go to a key")
    results = [
        (s, agent)
        for s, agent, _ in evaluate_suites({"trained": RandomPolicy()}, rows_of_banks({"one": one, "two": two}))
    ]
    assert results == [("one", "trained"), ("two", "trained"), ("two", "shuffled")]


def test_run_is_evaluated_with_all_its_controls(run: Path) -> None:
    report = evaluate_run(run, episodes=EPISODES, seed=3, progress=False)
    assert {suite: list(row) for suite, row in report.results.items()} == {"layout": AGENTS, "combination": AGENTS}
    assert all(evaluation.episodes == EPISODES for row in report.results.values() for evaluation in row.values())
    assert (report.task, report.greedy, report.episodes, report.seed) == (LEVEL, False, EPISODES, 3)
    assert report.agents == AGENTS
    assert report.left_out == {}


def test_same_seed_gives_the_same_report_and_another_seed_another(run: Path) -> None:
    first, again, other = (evaluate_run(run, episodes=EPISODES, seed=seed, progress=False) for seed in (3, 3, 4))
    assert first == again
    assert first.results != other.results


def test_controls_that_cannot_be_are_left_out(tmp_path: Path) -> None:
    """No blind run, and a level of one sentence that has neither held-out episodes nor another goal to tell."""
    train(changed(task="BabyAI-GoToRedBallGrey-v0"), tmp_path)
    report = evaluate_run(tmp_path, episodes=5, progress=False)
    assert {suite: list(row) for suite, row in report.results.items()} == {"layout": ["trained", "random"]}
    assert list(report.left_out) == ["combination"]


def test_report_of_all_suites_leaves_numbers_pictures_and_a_video_that_agree(run: Path) -> None:
    output = io.StringIO()
    report = report_run(run, suites=ALL, episodes=EPISODES, seed=3, console=Console(file=output, width=160))
    told, page = output.getvalue(), (run / "report.html").read_text()
    stored = json.loads((run / "evaluation.json").read_text())
    assert {name: stored[name] for name in ("task", "greedy", "episodes", "seed")} == {
        "task": LEVEL,
        "greedy": False,
        "episodes": EPISODES,
        "seed": 3,
    }
    assert list(stored["suites"]) == list(report.results) == ["layout", "combination", "size"]
    for suite, row in report.results.items():
        assert list(row) == AGENTS
        for agent, evaluation in row.items():
            assert stored["suites"][suite][agent] == evaluation.to_dict()
            assert format_success(evaluation) in page
            assert f"{evaluation.success:.3f}" in told
        assert format_success(row["trained"]).split(" ", 1)[1] in told
        assert f"{suite}: {SUITES[suite].description}" in told
    assert stored["left_out"] == report.left_out
    for suite, reason in report.left_out.items():
        assert f"skipped {suite}: {reason}" in told
        assert f"<li>{suite}: {reason}</li>" in page
    assert page.count("data:image/png;base64,") == 3, "the learning curve and two readings"
    assert base64.b64encode((run / "episode.mp4").read_bytes()).decode() in page
    capture = cv2.VideoCapture(str(run / "episode.mp4"))
    assert capture.isOpened()
    shown = report.results["layout"]["trained"].first_actions
    assert len(shown) == VIDEO_EPISODES
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) >= sum(len(actions) + 1 for actions in shown)
    capture.release()
    listed = re.findall(r"^  (\d+:\d\d \".*)$", told, re.MULTILINE)
    assert len(listed) == VIDEO_EPISODES
    for line, actions in zip(listed, shown, strict=True):
        assert line.endswith(f"after {len(actions)} steps")
        assert html.escape(line) in page
    facts = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
    assert len(facts) <= 10
    assert facts["task"] == LEVEL
    assert facts["seed"] == str(CONFIG.seed)


def test_evaluation_plays_no_more_episodes_for_its_video(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows the ones of the table, and hunts for no others."""
    watched = []

    def counting(*arguments: Any, **options: Any) -> Watched:
        watched.append(options["actions"])
        return watch(*arguments, **options)

    monkeypatch.setattr("groundling.eval.clips.watch", counting)
    report = report_run(run, suites=("layout",), episodes=2, seed=4, console=Console(file=io.StringIO()))
    assert watched == list(report.results["layout"]["trained"].first_actions)
    assert len(watched) == 2


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        report_run(tmp_path)
    with pytest.raises(CheckpointError):
        evaluate_run(tmp_path)
