"""Half batches: what is collected is what stepping all environments at once would give."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import checkpoint_of, small_config

import groundling
from groundling.agents import AgentConfig
from groundling.envs import make_vec
from groundling.envs.first_person import Camera
from groundling.envs.parts import PartOfEnvs
from groundling.errors import ActionError, ConfigurationError
from groundling.training import train
from groundling.training.loop import Trainer

SIZES: dict[str, Any] = {"cell_dim": 6, "word_dim": 5, "instruction_dim": 7, "readout_dim": 3, "hidden_dim": 8}


def rover(**sizes: Any) -> dict[str, Any]:
    agent = AgentConfig(
        vision="cnn", conv_channels=(4, 4, 8), attributes=2, word_dim=5, instruction_dim=7, hidden_dim=8
    )
    return {"body": "rover", "camera": Camera(width=24, height=24), "agent": agent}


RUNS: dict[str, dict[str, Any]] = {
    "symbols": {},
    "a memory and a map": {"agent": AgentConfig(**SIZES, memory="gru", memory_dim=6, map_radius=3)},
    "pictures": rover(),
    "reinforce": {"algorithm": "reinforce"},
}


@pytest.mark.parametrize("name", list(RUNS))
def test_rollouts_metrics_and_agents_are_those_of_whole_batches(name: str, tmp_path: Path) -> None:
    whole = Trainer(small_config(**RUNS[name]), tmp_path / "whole")
    halves = Trainer(small_config(**RUNS[name], half_batches=True), tmp_path / "halves")
    ended = 0.0
    for _ in range(3):
        metrics, ours = whole.train_once(), halves.train_once()
        assert set(metrics) == set(ours)
        for key, value in metrics.items():
            assert ours[key] == pytest.approx(value, rel=1e-3, abs=1e-4, nan_ok=True), key
        ended += metrics["episodes"]
    one, other = whole.algorithm.collector.rollout, halves.algorithm.collector.rollout  # type: ignore[attr-defined]
    assert torch.equal(one.action, other.action)
    assert ended > 0
    for key, array in one.observation.items():
        assert torch.equal(array, other.observation[key]), key
    for key in ("is_first", "terminated", "truncated", "reward"):
        assert torch.equal(getattr(one, key), getattr(other, key)), key
    for key in ("value", "next_value", "log_prob", "initial_state", "final_state"):
        torch.testing.assert_close(getattr(one, key), getattr(other, key), rtol=1e-4, atol=1e-5)
    whole.close()
    halves.close()


def test_run_goes_on_in_halves_and_whole_again(tmp_path: Path) -> None:
    train(small_config(4), tmp_path / "whole")
    Trainer(small_config(4), tmp_path / "mixed").run(stop_after_updates=1)
    Trainer(small_config(4, half_batches=True), tmp_path / "mixed", resume=True).run(stop_after_updates=2)
    train(small_config(4), tmp_path / "mixed", resume=True)
    one, other = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "mixed")
    for name, array in one.agent.items():
        torch.testing.assert_close(array, other.agent[name], rtol=1e-4, atol=1e-6)


def test_resumed_halves_are_bit_equal(tmp_path: Path) -> None:
    train(small_config(3, half_batches=True), tmp_path / "once")
    Trainer(small_config(3, half_batches=True), tmp_path / "twice").run(stop_after_updates=1)
    train(small_config(3, half_batches=True), tmp_path / "twice", resume=True)
    assert checkpoint_of(tmp_path / "once").fingerprint == checkpoint_of(tmp_path / "twice").fingerprint


def test_halves_are_stepped_in_another_thread_and_decided_on_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int]] = []
    step = PartOfEnvs.step

    def noted(self: PartOfEnvs, actions: Any) -> Any:
        steps.append((threading.current_thread().name, self.rows.start))
        return step(self, actions)

    monkeypatch.setattr(PartOfEnvs, "step", noted)
    trainer = Trainer(small_config(half_batches=True), tmp_path)
    trainer.algorithm.collect()
    trainer.close()
    assert [start for _, start in steps] == [0, 4] * 12
    assert all(name.startswith("groundling-half") for name, _ in steps)


@pytest.mark.parametrize("threads", [1, 2])
def test_parts_play_what_the_whole_would_play(threads: int) -> None:
    """Two copies of the same worlds, one stepped at once and one in three parts, in any order."""
    options: dict[str, Any] = {"num_envs": 600, "seed": 5, "bank_size": 64, "copy": False, "num_threads": threads}
    whole, divided = (make_vec("BabyAI-GoToObjS4-v0", **options) for _ in range(2))
    whole.reset(seed=1)
    divided.reset(seed=1)
    parts = [PartOfEnvs(divided, 300, 600), PartOfEnvs(divided, 0, 10), PartOfEnvs(divided, 10, 300)]
    rng = np.random.default_rng(0)
    ends = 0
    for _ in range(30):
        actions = rng.integers(0, 7, 600)
        seen, reward, terminated, truncated, info = whole.step(actions)
        for part in parts:
            ours = part.step(actions[part.rows])
            for key, array in seen.items():
                assert np.array_equal(ours[0][key], array[part.rows]), key
            for array, own in zip((reward, terminated, truncated), ours[1:4], strict=True):
                assert np.array_equal(own, array[part.rows])
            ended = (terminated | truncated)[part.rows]
            if ended.any():
                ends += int(ended.sum())
                assert np.array_equal(ours[4]["success"], info["success"][part.rows])
                row = int(np.flatnonzero(ended)[0])
                final, own_final = info["final_obs"][part.rows.start + row], ours[4]["final_obs"][row]
                assert all(np.array_equal(final[key], own_final[key]) for key in final)
        assert divided.instructions == whole.instructions
    assert ends > 600


def test_wrong_actions_of_a_part_step_nothing() -> None:
    envs = make_vec("BabyAI-GoToObjS4-v0", num_envs=6, bank_size=8, copy=False)
    envs.reset(seed=0)
    before = envs.worlds.state.step_count.copy()
    with pytest.raises(ActionError, match=r"shape \(3,\)"):
        PartOfEnvs(envs, 3, 6).step(np.zeros(6, dtype=np.int64))
    assert np.array_equal(envs.worlds.state.step_count, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithm": "bc"}, "'bc' does not collect in half batches"),
        ({"algorithm": "vtrace"}, "'vtrace' does not collect in half batches"),
        ({"num_envs": 7}, "7 environments have no halves"),
        ({"reward": ("environment", "distance")}, "a reward that is not the environment's"),
    ],
)
def test_run_that_cannot_be_halved_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Trainer(small_config(**changes, half_batches=True), tmp_path / "run")


def test_environments_of_others_are_not_divided() -> None:
    envs = groundling.make("BabyAI-GoToObjS4-v0")
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    others = SyncVectorEnv([lambda: envs] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ConfigurationError, match="not Groundling's own"):
        PartOfEnvs(others, 0, 1)
