"""V-trace: its sums by their definition, n-step returns where nothing is stale, and an actor that lags behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from test_a2c import algorithm_of, assert_close, play, updated
from test_episodic import SIZES, make
from torch import Tensor

from groundling.agents import AgentConfig
from groundling.errors import ConfigurationError
from groundling.training import A2C, A2CConfig, TrainConfig, Trainer, gae
from groundling.training.algorithms.vtrace import VTrace, VTraceConfig, vtrace

GAMMA = 0.9


def arrays(steps: int = 6, seed: int = 0) -> dict[str, Tensor]:
    """One environment: an episode is truncated after two steps, one terminates after four, one goes on."""
    draw = torch.Generator().manual_seed(seed)
    value = torch.randn(steps + 1, 1, generator=draw)
    truncated, terminated = torch.zeros(2, steps, 1, dtype=torch.bool)
    truncated[1], terminated[3] = True, True
    next_value = value[1:].clone()
    next_value[1] = 7.0  # of the observation that the time limit cut off
    return {
        "log_ratio": torch.randn(steps, 1, generator=draw),
        "reward": torch.randn(steps, 1, generator=draw),
        "value": value[:-1],
        "next_value": next_value,
        "terminated": terminated,
        "truncated": truncated,
    }


@pytest.mark.parametrize(("rho_bar", "c_bar"), [(1.0, 1.0), (2.0, 0.5), (math.inf, math.inf)])
def test_targets_are_the_sums_of_the_definition(rho_bar: float, c_bar: float) -> None:
    """v_s = V_s + sum_t gamma^(t-s) (prod_{s <= i < t} c_i) rho_t delta_t, within an episode."""
    given = arrays()
    target, advantage = vtrace(**given, gamma=GAMMA, rho_bar=rho_bar, c_bar=c_bar)
    one = {name: array[:, 0].tolist() for name, array in given.items()}
    ratio = [math.exp(x) for x in one["log_ratio"]]
    rho, c = [min(rho_bar, x) for x in ratio], [min(c_bar, x) for x in ratio]

    def delta(t: int) -> float:
        ahead = 0.0 if one["terminated"][t] else GAMMA * one["next_value"][t]
        return rho[t] * (one["reward"][t] + ahead - one["value"][t])

    ends = [t for t in range(6) if one["terminated"][t] or one["truncated"][t]]
    for s in range(6):
        last = min([end for end in ends if end >= s], default=5)
        expected, weight = one["value"][s], 1.0
        for t in range(s, last + 1):
            expected += weight * delta(t)
            weight *= GAMMA * c[t]
        assert float(target[s]) == pytest.approx(expected, rel=1e-5)
        ahead = float(target[s + 1]) if s < last else one["next_value"][s]
        ahead = 0.0 if one["terminated"][s] else ahead
        gain = rho[s] * (one["reward"][s] + GAMMA * ahead - one["value"][s])
        assert float(advantage[s]) == pytest.approx(gain, rel=1e-5)


def test_hand_computed_example() -> None:
    """Two steps; pi / mu are 2 (cut to 1) and 0.5; gamma 0.5; rewards 1 and 2; V 0, 1, then 4 beyond.

    delta_1 = 0.5 (2 + 0.5 * 4 - 1) = 1.5, v_1 = 2.5; delta_0 = 1 + 0.5 * 1 - 0 = 1.5, v_0 = 1.5 + 0.5 * 1.5 = 2.25
    """
    none = torch.zeros(2, 1, dtype=torch.bool)
    target, advantage = vtrace(
        torch.tensor([[2.0], [0.5]]).log(),
        torch.tensor([[1.0], [2.0]]),
        torch.tensor([[0.0], [1.0]]),
        torch.tensor([[1.0], [4.0]]),
        none,
        none,
        gamma=0.5,
    )
    assert target.flatten().tolist() == pytest.approx([2.25, 2.5])
    assert advantage.flatten().tolist() == pytest.approx([1 + 0.5 * 2.5, 0.5 * 3])


def test_same_policy_gives_n_step_returns() -> None:
    given = {**arrays(seed=3), "log_ratio": torch.zeros(6, 1)}
    target, advantage = vtrace(**given, gamma=GAMMA)
    del given["log_ratio"]
    plain = gae(**given, gamma=GAMMA, gae_lambda=1.0)
    torch.testing.assert_close(advantage, plain)
    torch.testing.assert_close(target, plain + given["value"])


def test_stale_actions_are_weighted_so_that_the_mean_is_that_of_the_learner() -> None:
    """In a world of one step, over all actions by how often the actor takes them, v is the learner's own value."""
    actor, learner, paid = torch.tensor([0.7, 0.3]), torch.tensor([0.2, 0.8]), torch.tensor([1.0, 5.0])
    yes, no = torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 2, dtype=torch.bool)
    none = torch.zeros(1, 2)
    free, _ = vtrace(
        (learner / actor).log()[None], paid[None], none, none, yes, no, gamma=1.0, rho_bar=math.inf, c_bar=1.0
    )
    assert float((actor * free[0]).sum()) == pytest.approx(0.2 * 1 + 0.8 * 5)
    cut, _ = vtrace((learner / actor).log()[None], paid[None], none, none, yes, no, gamma=1.0)
    assert float((actor * cut[0]).sum()) == pytest.approx(0.2 * 1 + 0.3 * 5)  # what rho_bar costs


@pytest.mark.parametrize(
    ("memory", "is_cut", "bootstraps"),
    [("none", False, True), ("lstm", False, True), ("none", True, True), ("none", True, False)],
)
def test_without_a_lag_the_step_is_that_of_a2c(memory: str, is_cut: bool, bootstraps: bool) -> None:
    """Also where a time limit cuts an episode off, behind which the value is that of its final observation."""
    agent, rollout = play(memory)
    if is_cut:
        rollout.truncated[2, 0], rollout.is_first[3, 0] = True, True
        rollout.next_value[2, 0] = 7.0
    shared: dict[str, Any] = {"num_steps": 5, "entropy_coef": 0.02, "max_grad_norm": 1e9, "gamma": 0.9}
    shared["bootstrap_truncated"] = bootstraps
    a2c = algorithm_of(A2C, agent, A2CConfig(**shared, gae_lambda=1.0))
    own: Any = algorithm_of(VTrace, agent, VTraceConfig(**shared, lag=1))  # type: ignore[type-var]
    (theirs, after_theirs), (ours, after_ours) = updated(a2c, rollout), updated(own, rollout)
    assert_close(ours, theirs)
    for name in after_ours:
        torch.testing.assert_close(after_ours[name], after_theirs[name], rtol=1e-2, atol=1e-5)


def test_actor_lags_behind_and_catches_up() -> None:
    algorithm: VTrace = make(VTrace, VTraceConfig(num_steps=8, lag=3, learning_rate=1e-2))
    algorithm.start(3)
    kl, acted = [], []
    for _ in range(6):
        rollout = algorithm.collect()
        acted.append(algorithm.actor.policy.weight.clone())
        kl.append(algorithm.update(rollout, 0.0)["approximate_kl"])
    assert [torch.equal(acted[0], weight) for weight in acted] == [True] * 3 + [False] * 3
    assert kl[0] == pytest.approx(0, abs=1e-6)
    assert kl[3] == pytest.approx(0, abs=1e-6)
    assert min(kl[1], kl[2], kl[4], kl[5]) > 1e-5
    assert not any(p.requires_grad for p in algorithm.actor.parameters())


def test_value_beyond_the_rollout_is_the_learner_s() -> None:
    algorithm: VTrace = make(VTrace, VTraceConfig(num_steps=4, lag=5))
    algorithm.start(3)
    algorithm.update(algorithm.collect(), 0.0)
    torch.nn.init.constant_(algorithm.agent.value.bias, 100.0)
    rollout = algorithm.collect()
    assert float(rollout.next_value[-1].min()) > 50
    assert float(rollout.value.max()) < 50  # the actor's


def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(tmp_path: Path) -> None:
    config = TrainConfig(
        algorithm="vtrace",
        task="BabyAI-GoToObjS4-v0",
        total_frames=8 * 12 * 5,
        num_envs=8,
        bank_size=32,
        agent=AgentConfig(memory="gru", **SIZES),
        settings=(VTraceConfig(num_steps=12, lag=2),),
    )
    whole = Trainer(config, tmp_path / "whole").run().agent.state_dict()
    Trainer(config, tmp_path / "parts").run(stop_after_updates=3)
    parts = Trainer(config, tmp_path / "parts", resume=True).run().agent.state_dict()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("values", [{"lag": 0}, {"rho_bar": 0.0}, {"c_bar": -1.0}, {"gamma": 2.0}])
def test_impossible_setting_is_refused_and_named(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        VTraceConfig(**values)
