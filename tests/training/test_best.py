"""The best checkpoint: by evaluations where there are any, else by an honest window."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from small_runs import STEP, checkpoint_of, small_config

from groundling.training import Checkpoint, CurriculumConfig, Trainer, train
from groundling.training.best import BEST_NAME, BestSoFar

WINDOW = {"success": 0.5, "window": 100.0}


class Evaluator:
    """Gives these successes one after the other."""

    def __init__(self, *successes: float) -> None:
        self.left = list(successes)

    def __call__(self, agent: Any) -> dict[str, float]:
        return {"evaluation_success": self.left.pop(0)}


def test_best_evaluation_is_kept_beside_the_last(tmp_path: Path) -> None:
    config = small_config(evaluate_every=STEP)
    train(config, tmp_path, evaluator=Evaluator(0.2, 0.6, 0.6, 0.4))
    best, last = Checkpoint.load(tmp_path / BEST_NAME), checkpoint_of(tmp_path)
    assert (best.updates, last.updates) == (3, 4)  # of equal ones the latest
    assert best.fingerprint != last.fingerprint
    assert last.best == {"by_evaluation": True, "success": 0.6, "frames": 3 * STEP}
    best.make_agent()


def test_resumed_run_knows_its_best(tmp_path: Path) -> None:
    config = small_config(evaluate_every=STEP)
    Trainer(config, tmp_path, evaluator=Evaluator(0.2, 0.6)).run(stop_after_updates=2)
    train(config, tmp_path, resume=True, evaluator=Evaluator(0.3, 0.4))
    assert Checkpoint.load(tmp_path / BEST_NAME).updates == 2


def best(**changes: Any) -> BestSoFar | None:
    return BestSoFar.of(small_config(10, **changes), is_evaluated=False)


@pytest.mark.parametrize(
    ("metrics", "is_best"),
    [
        (WINDOW, True),
        ({**WINDOW, "teacher_share": 0.1}, False),
        ({**WINDOW, "window": 99.0}, False),
        ({**WINDOW, "success": math.nan}, False),
        ({}, False),
    ],
)
def test_window_counts_if_it_is_full_and_the_agents_own(metrics: dict[str, float], is_best: bool) -> None:
    judge = best()
    assert judge is not None
    assert judge.note(2 * STEP, metrics) is is_best


def test_window_is_looked_at_five_times_in_a_run() -> None:
    judge = best()
    assert judge is not None
    assert [n for n in range(1, 11) if judge.note(n * STEP, WINDOW)] == [2, 4, 6, 8, 10]
    assert not judge.note(12 * STEP, {**WINDOW, "success": 0.4})


def test_success_under_a_curriculum_is_not_compared() -> None:
    tasks = ("BabyAI-GoToObjS4-v0", "BabyAI-GoToObj-v0")
    assert best(tasks=tasks, curriculum=CurriculumConfig("stages")) is None
    assert best(tasks=tasks) is not None


def test_run_that_is_judged_otherwise_begins_anew() -> None:
    judge, other = best(), BestSoFar.of(small_config(10, evaluate_every=1), is_evaluated=True)
    assert judge is not None
    assert other is not None
    assert judge.note(2 * STEP, WINDOW)
    other.load_state_dict(judge.state_dict())
    assert other.success == -1
    again = best()
    assert again is not None
    again.load_state_dict(judge.state_dict())
    assert again == judge
    again.load_state_dict({})
    assert again == judge


def test_fingerprint_is_of_the_parameters_alone(tmp_path: Path) -> None:
    train(small_config(1), tmp_path / "one")
    train(small_config(1, checkpoint_seconds=7.0), tmp_path / "other")
    train(small_config(1, seed=2), tmp_path / "third")
    one, other, third = (checkpoint_of(tmp_path / name).fingerprint for name in ("one", "other", "third"))
    assert one == other != third
