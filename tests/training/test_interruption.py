"""Ctrl-C, SIGTERM and SIGHUP: no update is lost, and a run goes on as if none had come."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import STEP, After, checkpoint_of, small_config

from groundling.interruption import STOPPING, Interrupted, signals_as_errors, stop_requests
from groundling.training import Trainer, train
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics


def twice() -> None:
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", STOPPING)
@pytest.mark.parametrize("algorithm", ["ppo", "bc", "sb3:PPO"])
def test_signal_saves_the_run_and_says_so_and_it_goes_on_bit_by_bit(
    number: int, algorithm: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, Any] = {}
    if algorithm == "sb3:PPO":
        pytest.importorskip("stable_baselines3")
        options = {"sb3": {"options": ("n_steps=12", "batch_size=48", "n_epochs=1")}}
    config = small_config(algorithm=algorithm)
    if options:
        config = type(config).from_dict({**config.to_dict(), **options})
    before = [signal.getsignal(one) for one in STOPPING]
    name = signal.Signals(number).name
    with pytest.raises(
        Interrupted, match=f"{name}: saved at 192 frames; `groundling train --resume .* goes on"
    ) as info:
        Trainer(config, tmp_path / "parts").run(After(2, lambda: signal.raise_signal(number)))
    assert info.value.exit_code == 128 + number
    assert f"{name}: a checkpoint is saved after this update" in capfd.readouterr().err
    assert [signal.getsignal(one) for one in STOPPING] == before
    assert [row["frames"] for row in read_metrics(tmp_path / "parts")] == [STEP, 2 * STEP]
    assert checkpoint_of(tmp_path / "parts").updates == 2
    train(config, tmp_path / "parts", resume=True)
    train(config, tmp_path / "whole")
    parts, whole = (checkpoint_of(tmp_path / name) for name in ("parts", "whole"))
    assert all(torch.equal(parts.agent[name], whole.agent[name]) for name in whole.agent)


def test_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="stopped at once"):
        Trainer(small_config(), tmp_path).run(After(1, twice))
    assert not (tmp_path / CHECKPOINT_NAME).exists()


def test_signal_during_a_long_evaluation_finds_the_update_saved(tmp_path: Path) -> None:
    """The evaluation is ended by a second Ctrl-C: the update before it is not lost."""
    config = small_config(evaluate_every=STEP)

    class Learning(Trainer):
        def train_once(self) -> dict[str, float]:
            metrics = super().train_once()
            signal.raise_signal(signal.SIGINT)
            return metrics

    def evaluator(agent: Any) -> dict[str, float]:
        signal.raise_signal(signal.SIGINT)
        return {}

    with pytest.raises(Interrupted, match="at once"):
        Learning(config, tmp_path, evaluator=evaluator).run()
    assert checkpoint_of(tmp_path).updates == 1


def test_signals_that_are_ignored_or_somebodys_own_stay_so() -> None:
    told: list[int] = []
    before = {number: signal.getsignal(number) for number in STOPPING}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
        signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
        with stop_requests("") as stop:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            assert not stop
        assert told == [signal.SIGTERM]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_commands_are_ended_by_an_error_and_a_run_inside_of_one_by_a_request() -> None:
    with signals_as_errors():
        with pytest.raises(Interrupted, match="ended by SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        with stop_requests("") as stop:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)  # schedulers repeat it; only Ctrl-C is a person's
        assert stop.name == "SIGTERM"
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGHUP)


def test_training_outside_of_the_main_thread_leaves_signals_alone(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in STOPPING]
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(train(small_config(1), tmp_path).frames))
    thread.start()
    thread.join()
    assert found == [STEP]
    assert [signal.getsignal(number) for number in STOPPING] == before
