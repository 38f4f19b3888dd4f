"""Evaluation during training: of the agent alone, on new worlds, without an effect on the run."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from groundling.cli import main
from groundling.cli.train import summary
from groundling.envs.catalog import find_family
from groundling.eval.evaluation import PlayedSet
from groundling.eval.periodic import SEED, PeriodicEvaluation
from groundling.eval.statistics import difference_interval
from groundling.training import PPOConfig, TrainConfig, Trainer, load_agent, resume_config, train
from groundling.training.logs import read_metrics
from groundling.training.progress import rounded, shortened, success_in_words

LEVEL = "BabyAI-GoToObj-v0"
CONFIG = TrainConfig(
    task=LEVEL,
    total_frames=2_048,
    num_envs=32,
    bank_size=64,
    evaluate_every=1_024,
    evaluation_episodes=20,
    ppo=PPOConfig(num_steps=16, minibatch_size=256),
)


def test_metrics_are_those_of_the_agent_on_new_worlds_and_change_nothing(tmp_path: Path) -> None:
    with_it = train(CONFIG, tmp_path / "with", evaluator=PeriodicEvaluation.of(CONFIG)).agent
    without = train(CONFIG, tmp_path / "without").agent
    assert all(torch.equal(a, b) for a, b in zip(with_it.parameters(), without.parameters(), strict=True))
    rows = read_metrics(tmp_path / "with")
    assert ["evaluation_success" in row for row in rows] == [False, True, False, True]
    assert rows[-1]["evaluation_episodes"] == 20
    family = find_family(LEVEL)
    with PlayedSet(family.episodes("layout", CONFIG.held_out, 20, SEED)) as played:
        again = played.by(load_agent(tmp_path / "with"), seed=SEED)
    assert rows[-1]["evaluation_success"] == again.success
    assert rows[-1]["evaluation_length"] == again.mean_length
    with PlayedSet(family.episodes("layout", CONFIG.held_out, 20, 0)) as played:
        reported = played.by(load_agent(tmp_path / "with"), seed=0)
    assert [o.instruction for o in reported.outcomes] != [o.instruction for o in again.outcomes]


def test_each_of_several_tasks_has_its_own_figure(tmp_path: Path) -> None:
    tasks = (LEVEL, "BabyAI-GoToLocal-v0")
    config = replace(CONFIG, tasks=tasks, evaluation_episodes=12)
    found = PeriodicEvaluation(config)(Trainer(config, tmp_path).agent)
    assert found["evaluation_episodes"] == 12
    own = [found[f"evaluation_success/{task}"] for task in tasks]
    assert found["evaluation_success"] == pytest.approx(sum(own) / 2)


def test_what_cannot_be_evaluated_is_told_once_and_training_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent = Trainer(CONFIG, tmp_path).agent
    evaluation = PeriodicEvaluation(CONFIG)
    monkeypatch.setattr("groundling.eval.periodic.families", lambda config: [find_family("BabyAI-Nowhere-v0")])
    with caplog.at_level(logging.WARNING):
        assert evaluation(agent) == {} == evaluation(agent)
    assert len([record for record in caplog.records if "not evaluated while it trains" in record.message]) == 1


def test_nobody_is_asked_where_the_run_says_so() -> None:
    assert PeriodicEvaluation.of(TrainConfig(evaluate_every=0)) is None
    assert PeriodicEvaluation.of(TrainConfig(total_frames=1_000)) is None
    assert PeriodicEvaluation.of(TrainConfig(made_by="my_envs")) is None
    assert PeriodicEvaluation.of(TrainConfig()) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["--task", "BabyAI-GoToSeqS5R2-v0", "--algorithm", "dagger", "--total-frames", "150000"],
        ["--task", "BabyAI-PutNextLocal-v0", "--total-frames", "150000"],
        ["--task", "examples/add_a_task.py:FetchFromShelf", "--total-frames", "150000"],
    ],
)
def test_printed_success_agrees_with_an_evaluation_right_after_it(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    options = ["--num-envs", "128", "--bank-size", "2048", "--evaluation-episodes", "200", "--run-folder", str(run)]
    assert main(["train", *arguments, *options]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    last = read_metrics(run)[-1]
    assert f"{last['evaluation_success']:.2f} in 200 episodes of unseen layouts" in printed
    config = resume_config(run)
    with PlayedSet(find_family(config.task).episodes("layout", config.held_out, 400, 0)) as played:
        after = played.by(load_agent(run))
    during = round(200 * last["evaluation_success"])
    low, high = difference_interval(during, 200, after.successes, after.episodes)
    assert low <= 0 <= high


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"success": 0.934, "window": 100}, "success 0.93 of 100"),
        ({"success": 0.934, "window": 100, "teacher_share": 0.4}, "success 0.93 of 100 (expert acts 40%)"),
        ({"success": float("nan"), "window": 0}, "no episode yet"),
        ({"success": float("nan"), "window": 3}, "success not reported"),
    ],
)
def test_success_is_told_with_whose_actions_they_were(metrics: dict[str, float], expected: str) -> None:
    assert success_in_words(metrics) == expected


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"success": 0.934, "window": 1970}, "success 0.93 in the last 1,970 training episodes"),
        (
            {"success": 1.0, "window": 1970, "teacher_share": 1.0},
            "the expert's success is 1.00 in its last 1,970 episodes; the agent was not evaluated",
        ),
        (
            {
                "success": 0.9,
                "window": 512,
                "teacher_share": 0.3,
                "evaluation_success": 0.4,
                "evaluation_episodes": 100,
            },
            "success 0.90 in the last 512 training episodes (the expert took 30% of the actions); "
            "the agent's success is 0.40 in 100 episodes of unseen layouts",
        ),
        ({"success": float("nan"), "window": 0}, "no episode has ended"),
        ({"success": float("nan"), "window": 3}, "the environments report no success"),
    ],
)
def test_summary_of_a_run_does_not_take_the_experts_success_for_the_agents(
    metrics: dict[str, float], expected: str
) -> None:
    assert summary(metrics) == expected


def test_counts_and_names_are_short_enough_for_80_columns() -> None:
    assert [rounded(n) for n in (7, 812, 43_210, 131_072, 1_310_720, 25e6, 3.1e9)] == [
        "7", "812", "43.2k", "131k", "1.31M", "25M", "3.1G",
    ]  # fmt: skip
    assert shortened("BabyAI-GoToLocal-v0") == "BabyAI-GoToLocal-v0"
    assert len(shortened("BabyAI-KeyInBoxSynthS5R2-v0 and 3 more")) == 20
