"""The doctor's checks of a log: each turns red in a log that is broken in exactly that way, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from groundling.eval.doctor import CHECKS
from groundling.eval.doctor.examination import examination_of, find_checks
from groundling.eval.doctor.finding import State, graded, worst
from groundling.eval.doctor.record import RunRecord
from groundling.training import A2CConfig, TrainConfig

UPDATES = 40
CONFIG = TrainConfig(total_frames=UPDATES * TrainConfig().rollout_frames)
Log = dict[str, np.ndarray]
LOGS = ("kl", "clip_fraction", "entropy", "gradients", "advantages", "curriculum", "throughput", "reward")


def healthy() -> Log:
    """Metrics of a run that learns two tasks, one after the other."""
    done = np.linspace(0, 1, UPDATES)
    noise = 1 + 0.1 * np.random.default_rng(0).standard_normal(UPDATES)
    success = 0.1 + 0.88 * done
    return {
        "success": success,
        "return": 0.9 * success,
        "entropy": 1.9 - 1.6 * done,
        "approximate_kl": 0.006 * noise,
        "clip_fraction": 0.05 * noise,
        "gradient_norm": 0.6 * noise,
        "gradient_clipped": np.full(UPDATES, 0.4),
        "advantage_spread": 0.1 * noise,
        "advantage_extreme": 6 * noise,
        "advantage_mean": 0.01 * noise,
        "value_loss": 0.01 * noise,
        "learning_rate": 1e-3 * (1 - done),
        "frames_per_second": 5000 * noise,
        "share/easy": 0.7 - 0.4 * done,
        "share/hard": 0.3 + 0.4 * done,
        "success/easy": np.minimum(1, 0.3 + done),
        "success/hard": success,
        "reward/paid_return": 0.9 * success,
        "reward/success_is_paid_more": np.full(UPDATES, 0.98),
    }


def record(log: Log, config: TrainConfig = CONFIG) -> RunRecord:
    """The record of a run that logged this; NaN is left out, as the log leaves it out."""
    step = config.rollout_frames
    rows: list[dict[str, Any]] = [
        {
            "frames": (i + 1) * step,
            **{name: float(v[i]) for name, v in log.items() if i < len(v) and not np.isnan(v[i])},
        }
        for i in range(max(map(len, log.values())))
    ]
    return RunRecord(config, rows)


def states(run: RunRecord) -> dict[str, State]:
    return {name: f.state for name, f in examination_of(run, find_checks(LOGS), "run").findings.items()}


def constant(name: str, value: float) -> Callable[[Log], Log]:
    return lambda log: {name: np.full(UPDATES, value)}


def late(name: str, value: float) -> Callable[[Log], Log]:
    """Another value in the last third."""
    return lambda log: {name: np.where(np.arange(UPDATES) > UPDATES * 2 // 3, value, log[name])}


BROKEN: dict[str, tuple[str, State, Callable[[Log], Log]]] = {
    "steps too large": ("kl", State.RED, late("approximate_kl", 0.5)),
    "steps large": ("kl", State.YELLOW, late("approximate_kl", 0.05)),
    "clips everything": ("clip_fraction", State.RED, late("clip_fraction", 0.7)),
    "clips much": ("clip_fraction", State.YELLOW, late("clip_fraction", 0.4)),
    "exploding gradients": ("gradients", State.RED, late("gradient_norm", 500.0)),
    "growing gradients": ("gradients", State.YELLOW, late("gradient_norm", 20.0)),
    "no gradients": ("gradients", State.RED, late("gradient_norm", 0.0)),
    "always clipped": ("gradients", State.YELLOW, constant("gradient_clipped", 1.0)),
    "gradients not a number": ("gradients", State.RED, late("gradient_norm", np.nan)),
    "loss infinite": ("gradients", State.RED, late("value_loss", np.inf)),
    "no reward found": ("advantages", State.RED, constant("advantage_spread", 0.0)),
    "one frame has it all": ("advantages", State.RED, constant("advantage_extreme", 400.0)),
    "few frames have it all": ("advantages", State.YELLOW, constant("advantage_extreme", 50.0)),
    "slow": ("throughput", State.YELLOW, late("frames_per_second", 2800.0)),
    "crawling": ("throughput", State.RED, late("frames_per_second", 500.0)),
    "paid for failing": ("reward", State.RED, constant("reward/success_is_paid_more", 0.3)),
    "paid for little": ("reward", State.YELLOW, constant("reward/success_is_paid_more", 0.6)),
    "paid return rises as success falls": (
        "reward",
        State.RED,
        lambda log: {"reward/paid_return": 2 - log["success"], "return": 2 - log["success"]},
    ),
    "learned task takes all": (
        "curriculum",
        State.YELLOW,
        lambda log: {
            "share/easy": np.full(UPDATES, 0.9),
            "share/hard": np.full(UPDATES, 0.1),
            "success/hard": np.full(UPDATES, 0.2),
        },
    ),
    "starved task": (
        "curriculum",
        State.RED,
        lambda log: {
            "share/easy": np.full(UPDATES, 0.995),
            "share/hard": np.full(UPDATES, 0.005),
            "success/hard": np.full(UPDATES, 0.2),
        },
    ),
}


def test_healthy_log_is_green() -> None:
    assert states(record(healthy())) == dict.fromkeys(LOGS, State.GREEN)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_log_is_told_by_the_check_that_is_for_it_and_by_no_other(name: str) -> None:
    check, state, breaking = BROKEN[name]
    found = states(record({**healthy(), **breaking(healthy())}))
    assert found[check] is state
    assert {other for other, its in found.items() if its is not State.GREEN} == {check}


def test_update_that_no_whole_episode_came_to_is_no_sign_of_broken_gradients() -> None:
    run = record({**healthy(), "learned_episodes": np.full(UPDATES, 12.0)})
    step = CONFIG.rollout_frames
    empty = {"frames": (UPDATES + 1) * step, "success": 0.98, "learned_episodes": 0.0}
    assert states(RunRecord(CONFIG, [*run.metrics, empty]))["gradients"] is State.GREEN
    silent = {**empty, "learned_episodes": 8.0}  # which learned, and of which nothing finite is told
    assert states(RunRecord(CONFIG, [*run.metrics, silent]))["gradients"] is State.RED


def test_updates_that_learn_from_nothing_do_not_make_the_others_slow() -> None:
    """Every fifth update of an algorithm that waits for whole episodes takes no time; the run is as fast as ever."""
    uneven = np.where(np.arange(UPDATES * 5) % 5 == 0, 30_000.0, 5_000.0)
    log = {name: np.repeat(values, 5) for name, values in healthy().items()} | {"frames_per_second": uneven}
    assert states(record(log))["throughput"] is State.GREEN
    slow = np.where(np.arange(UPDATES * 5) > UPDATES * 3, uneven / 3, uneven)
    assert states(record({**log, "frames_per_second": slow}))["throughput"] is State.RED


def failing(log: Log, **others: np.ndarray) -> Log:
    """The log of a run whose success stays where it is at first."""
    low = {name: np.full(UPDATES, 0.2) for name in ("success", "return", "reward/paid_return")}
    return {**log, **low, **others}


def test_policy_that_decides_before_it_is_good_has_collapsed() -> None:
    gone = np.where(np.arange(UPDATES) > 10, 0.001, 1.9)
    assert states(record(failing(healthy(), entropy=gone)))["entropy"] is State.RED
    good = {**healthy(), "entropy": gone, "success": np.full(UPDATES, 0.97)}
    assert states(record(good))["entropy"] is State.GREEN


def test_policy_that_stays_at_chance_does_not_decay() -> None:
    chance = failing(healthy(), entropy=np.full(UPDATES, np.log(7) - 0.001))
    assert states(record(chance))["entropy"] is State.RED
    early = {name: values[:8] for name, values in chance.items()}
    assert states(record(early))["entropy"] is State.GREEN  # it has only begun
    midway = {name: values[: UPDATES // 2] for name, values in chance.items()}
    assert states(record(midway))["entropy"] is State.YELLOW


def test_policy_that_stands_still_is_told_from_a_learning_rate_that_has_run_out() -> None:
    still = failing(healthy(), approximate_kl=np.zeros(UPDATES), learning_rate=np.full(UPDATES, 1e-3))
    assert states(record(still))["kl"] is State.RED
    run_out = np.where(np.arange(UPDATES) > 25, 0.0, 1e-3)
    assert states(record({**still, "learning_rate": run_out}))["kl"] is State.GREEN


def test_what_was_not_logged_is_not_applicable() -> None:
    log = {name: healthy()[name] for name in ("success", "return")}
    found = states(record(log))
    assert found.pop("reward") is State.GREEN
    assert set(found.values()) == {State.NONE}
    config = TrainConfig(algorithm="a2c", a2c=A2CConfig())
    zero = np.zeros(UPDATES)  # it takes one step on each rollout, before which nothing has moved
    found = states(record({**healthy(), "clip_fraction": zero, "approximate_kl": zero}, config))
    assert found["clip_fraction"] is found["kl"] is State.NONE


def test_run_that_has_logged_nothing_is_not_judged() -> None:
    found = examination_of(RunRecord(CONFIG, []), find_checks(), "run").findings
    assert {finding.state for finding in found.values()} == {State.NONE}
    assert all("no update was logged yet" in finding.seen for finding in found.values())


def test_checks_that_play_wait_for_a_checkpoint() -> None:
    found = examination_of(record(healthy()), find_checks(), "run").findings
    waiting = {name for name, finding in found.items() if "no checkpoint" in finding.seen}
    assert waiting == set(CHECKS.names()) - set(LOGS)


def test_numbers_are_graded_either_way() -> None:
    assert [graded(x, yellow=1, red=2) for x in (1, 1.5, 3, float("nan"))] == [
        *(State.GREEN, State.YELLOW, State.RED, State.RED)
    ]
    assert [graded(x, yellow=2, red=1) for x in (3, 1.5, 0.5, float("nan"))] == [
        *(State.GREEN, State.YELLOW, State.RED, State.RED)
    ]
    assert worst(State.NONE, State.GREEN) is State.GREEN
    assert worst(State.YELLOW, State.RED, State.NONE) is State.RED
