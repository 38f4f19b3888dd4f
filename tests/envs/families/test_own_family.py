"""A family in one file of a user's own: found, evaluated with its controls, watched and played by its place alone."""

from __future__ import annotations

import dataclasses
import io
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from corridor import WORDS
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor

from groundling.agents import AgentConfig
from groundling.cli import main
from groundling.cli.any_world import keys_of, play_family
from groundling.envs.catalog import find_family
from groundling.envs.engine.outcomes import require_successes
from groundling.envs.families.options import WorldOptions
from groundling.errors import ConfigurationError, SplitError, TaskError
from groundling.eval.evaluation import PlayedSet
from groundling.eval.runs import evaluate_run, evaluate_suites
from groundling.eval.suites import SuiteRow
from groundling.training import PPOConfig, TrainConfig, train

FILE = Path(__file__).parent / "corridor.py"
PLACE = f"{FILE}:Corridor"
CONFIG = TrainConfig(
    task=PLACE,
    total_frames=64,
    num_envs=4,
    agent=AgentConfig(vision="cnn", conv_channels=(4, 4, 8), attributes=2, word_dim=5, instruction_dim=7, hidden_dim=8),
    ppo=PPOConfig(num_steps=8, minibatch_size=32, num_epochs=1),
)


class Obedient:
    """Walks where it is told."""

    def __init__(self, key: str) -> None:
        self.key = key

    def initial_state(self, num_envs: int) -> Tensor:
        return torch.zeros(num_envs, 0)

    def act(self, observation: Any, state: Tensor, is_first: Any, **_: Any) -> tuple[NDArray[np.int64], Tensor]:
        return np.array(["east" in WORDS.decode(row) for row in observation[self.key]], dtype=np.int64), state

    def inference_cache(self) -> AbstractContextManager[None]:
        return nullcontext()


def test_family_is_found_by_the_place_where_it_stands() -> None:
    family = find_family(PLACE)
    assert (family.id, family.reference) == ("mine/Corridor-v0", PLACE)
    assert family.split("polite") == "polite"
    with pytest.raises(SplitError, match="no split 'unseen': choose one of all, train, seen, polite"):
        family.split("unseen")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Corridors", "has no 'Corridors'; it has Corridor"),
        ("Unfinished", "Unfinished has no make_vec"),
        ("NUMBER", "of the type int, no environment: it has to be a family .*, a Task class, a level"),
    ],
)
def test_what_is_no_family_is_refused_and_it_is_said_what_it_has_to_be(name: str, reason: str) -> None:
    with pytest.raises(TaskError, match=reason):
        find_family(f"{FILE}:{name}")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (WorldOptions(time_limit_scale=0.5), "leave time_share at 1"),
        (WorldOptions(by_instruction=True), "episodes of a bank"),
        (WorldOptions(body="rover"), "a body of its own"),
        (WorldOptions(explored_radius=3), "no map of what was seen"),
    ],
)
def test_options_that_it_has_no_use_for_are_refused(options: WorldOptions, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        find_family(PLACE).open("train", 1, 0, options)


@pytest.mark.parametrize("name", ["Corridor", "Ordered"])
def test_agent_that_is_told_another_goal_fails_whatever_the_key_of_the_sentence(name: str) -> None:
    family = find_family(f"{FILE}:{name}")
    episodes = family.episodes("layout", None, 40, 3)
    assert set(episodes.texts) == {"walk east", "walk west"}
    rows = {"layout": SuiteRow(family, "layout", episodes)}
    results = {agent: e for _, agent, e in evaluate_suites({"trained": Obedient(episodes.text_key)}, rows)}
    assert (results["trained"].success, results["shuffled"].success) == (1.0, 0.0)
    assert {outcome.instruction for outcome in results["shuffled"].outcomes} == {"walk east", "walk west"}
    assert {outcome.length for outcome in results["trained"].outcomes} == {3}


def test_same_episodes_are_played_by_every_policy() -> None:
    episodes = find_family(PLACE).episodes("polite", None, 9, 1)
    with PlayedSet(episodes) as played:
        first, second = (played.by(Obedient("instruction")) for _ in range(2))
    assert [o.instruction for o in first.outcomes] == [o.instruction for o in second.outcomes]
    assert {o.instruction for o in first.outcomes} == {"walk east please", "walk west please"}


def test_environments_that_do_not_tell_success_cannot_be_evaluated() -> None:
    ended = np.array([True, False])
    assert require_successes({"is_success": np.array([True, True])}, ended).tolist() == [True, False]
    told_last = {"success": np.array([True, False]), "_success": ended}
    final = {"final_info": told_last, "success": np.array([False, True])}
    assert require_successes(final, ended).tolist() == [True, False]
    for info in ({}, {"success": np.array([True, True]), "_success": np.array([False, True])}):
        with pytest.raises(ConfigurationError, match="do not tell whether an episode succeeded"):
            require_successes(info, ended)


def test_run_in_it_is_evaluated_and_watched_by_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    train(CONFIG, run)
    assert main(["evaluate", str(run), "--trust-code", "--suite", "all", "--episodes", "6"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "polite: orders with a word that training never told" in told
    report = evaluate_run(run, ("polite",), episodes=6)
    assert {suite: list(row) for suite, row in report.results.items()} == {"polite": ["trained", "random", "shuffled"]}
    assert report.by == ("instruction",)
    assert main(["watch", str(run), "--trust-code", "--episodes", "2", "--suite", "polite"]) == 0
    assert capsys.readouterr().out.count("please'") == 2
    assert (run / "watch.mp4").stat().st_size > 1000
    assert main(["evaluate", str(run), "--trust-code", "--suite", "combination"]) == 2
    assert "no suite 'combination': choose among layout, polite" in capsys.readouterr().err


def test_it_is_played_by_digits_and_the_pictures_are_shown() -> None:
    family = find_family(PLACE)
    assert keys_of(family.spec.actions) == {"1": 0, "2": 1}
    keys = iter(["2", "2", "2", " ", "n", "q"])
    output = io.StringIO()
    play_family(family, "train", 5, read=lambda: next(keys), console=Console(file=output, width=80, height=40))
    shown = output.getvalue()
    assert "1 west   2 east" in shown
    assert "walk east" in shown or "walk west" in shown
    assert "step 3   done" in shown or "step 3   failed" in shown
    assert "▀" in shown


def test_sentences_that_nobody_knew_beforehand_are_no_fault() -> None:
    """A control draws another sentence all the same."""
    family = find_family(PLACE)
    known = family.episodes("polite", None, 12, 1)
    texts = ("walk east", "walk west")
    tokens = np.stack([WORDS.encode(text, length=3) for text in texts])
    fewer = dataclasses.replace(known, texts=texts, sentences=np.array([0, 1]), tokens=tokens)
    rows = {"polite": SuiteRow(family, "polite", fewer)}
    assert len(list(evaluate_suites({"trained": Obedient("instruction")}, rows))) == 2
