"""PPO: the clipped loss by hand, every row once an epoch, and an update that moves the policy the right way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from parts import make_algorithm
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.engine.subgoals import subgoals_now
from groundling.training.algorithms.ppo import PPO, PPOConfig, clipped_policy_loss, explained_variance, kl_divergence
from groundling.training.rollout import Rollout

T, B = 4, 6
METRICS = {
    "policy_loss",
    "value_loss",
    "entropy",
    "approximate_kl",
    "clip_fraction",
    "gradient_norm",
    "gradient_clipped",
    "explained_variance",
    "advantage_spread",
    "advantage_mean",
    "advantage_extreme",
}


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss"),
    [
        (1.1, 2.0, -2.2),  # inside: the ratio counts
        (1.1, -2.0, 2.2),
        (1.5, 2.0, -2.4),  # above: no further gain for a good action
        (1.5, -2.0, 3.0),  # a bad action made likelier is punished in full
        (0.5, 2.0, -1.0),  # a good action made less likely is punished in full
        (0.5, -2.0, 1.6),  # below: no further gain for a bad action
    ],
)
def test_clipped_loss_equals_hand_computed_numbers(ratio: float, advantage: float, loss: float) -> None:
    result = clipped_policy_loss(torch.tensor([math.log(ratio)]), torch.tensor([advantage]), 0.2)
    assert float(result) == pytest.approx(loss, rel=1e-5)


def test_clipped_loss_is_a_mean() -> None:
    log_ratio, advantage = torch.log(torch.tensor([1.1, 1.5])), torch.tensor([2.0, 2.0])
    assert float(clipped_policy_loss(log_ratio, advantage, 0.2)) == pytest.approx((-2.2 - 2.4) / 2, rel=1e-5)


def test_clipped_actions_have_no_gradient() -> None:
    log_ratio = torch.tensor([math.log(1.5), math.log(1.1)], requires_grad=True)
    clipped_policy_loss(log_ratio, torch.tensor([1.0, 1.0]), 0.2).backward()
    assert log_ratio.grad is not None
    assert log_ratio.grad[0] == 0
    assert log_ratio.grad[1] < 0


def test_explained_variance_of_known_values() -> None:
    target = torch.tensor([1.0, 2.0, 3.0])
    assert float(explained_variance(target, target)) == 1
    assert float(explained_variance(torch.full((3,), 9.0), target)) == 0
    assert float(explained_variance(-target, target)) == pytest.approx(1 - 4)


@pytest.mark.parametrize("value", [[1.0, 1.0], [1.0, 2.0]])
def test_explained_variance_of_constant_targets_is_nan(value: list[float]) -> None:
    assert math.isnan(float(explained_variance(torch.tensor(value), torch.tensor([3.0, 3.0]))))


def make_ppo(memory: str = "none", **changes: Any) -> PPO:
    torch.manual_seed(0)
    sizes = {"cell_dim": 8, "word_dim": 5, "instruction_dim": 7, "readout_dim": 4, "hidden_dim": 16, "memory_dim": 9}
    agent = ActorCritic(AgentConfig(memory=memory, **sizes))
    settings = {"num_steps": T, "minibatch_size": 8, "num_epochs": 2, "learning_rate": 1e-3, **changes}
    return make_algorithm(PPO, agent, PPOConfig(**settings), num_envs=B, init="another")


def toy_rollout(agent: ActorCritic, rewarded: int) -> Rollout:
    """Random actions on first views; the rewarded action pays 1 and each step is an episode of its own."""
    envs = make_vec(bank=EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(T * B)), num_envs=T * B, shuffle=False)
    seen, _ = envs.reset()
    observation = {k: torch.as_tensor(np.array(v)).unflatten(0, (T, B)) for k, v in seen.items()}
    action = torch.randint(agent.num_actions, (T, B), generator=torch.Generator().manual_seed(0))
    action[0] = rewarded
    log_probs, value = policy_of(agent, observation)
    yes, no = torch.ones(T, B, dtype=torch.bool), torch.zeros(T, B, dtype=torch.bool)
    return Rollout(
        observation=observation,
        is_first=yes,
        action=action,
        log_prob=log_probs.gather(-1, action.unsqueeze(-1)).squeeze(-1),
        value=value,
        next_value=torch.zeros(T, B),
        reward=(action == rewarded).float(),
        terminated=yes,
        truncated=no,
        initial_state=agent.initial_state(B),
        final_state=agent.initial_state(B),
        columns={"subgoal": torch.from_numpy(subgoals_now(envs.worlds)).unflatten(0, (T, B))},
    )


@torch.no_grad()
def policy_of(agent: ActorCritic, observation: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    prepared = agent.prepare({key: array.flatten(0, 1) for key, array in observation.items()})
    decision = agent(prepared, agent.initial_state(B), torch.ones(T, B, dtype=torch.bool))
    return decision.logits.log_softmax(dim=-1), decision.value


@pytest.mark.parametrize("memory", ["none", "gru"])
@pytest.mark.parametrize("rewarded", [1, 4])
def test_update_makes_the_rewarded_action_likelier(rewarded: int, memory: str) -> None:
    ppo = make_ppo(memory, num_epochs=4)
    rollout = toy_rollout(ppo.agent, rewarded)
    before, _ = policy_of(ppo.agent, rollout.observation)
    ppo.learn(rollout)
    after, _ = policy_of(ppo.agent, rollout.observation)
    gain = (after - before).mean(dim=(0, 1))
    assert gain[rewarded] > 0
    assert gain.argmax() == rewarded


def test_update_moves_the_value_towards_the_returns() -> None:
    ppo = make_ppo(num_epochs=20, learning_rate=3e-3)
    rollout = toy_rollout(ppo.agent, rewarded=2)
    before = (rollout.value - rollout.reward).square().mean()
    ppo.learn(rollout)
    _, value = policy_of(ppo.agent, rollout.observation)
    assert (value - rollout.reward).square().mean() < 0.8 * before


@pytest.mark.parametrize(("bootstraps", "expected"), [(True, 9.0), (False, 0.0)])
def test_value_beyond_the_time_limit_counts_only_where_it_is_asked_for(bootstraps: bool, expected: float) -> None:
    ppo = make_ppo(num_epochs=60, learning_rate=1e-2, gamma=0.9, bootstrap_truncated=bootstraps)
    rollout = toy_rollout(ppo.agent, rewarded=2)
    cut_short = {"truncated": rollout.terminated, "terminated": rollout.truncated}
    rollout = replace(rollout, **cut_short, reward=torch.zeros(T, B), next_value=torch.full((T, B), 10.0))
    ppo.learn(rollout)
    _, value = policy_of(ppo.agent, rollout.observation)
    assert float((value - expected).abs().mean()) < 0.5 + 0.3 * expected


def test_metrics_are_all_there_and_finite() -> None:
    ppo = make_ppo()
    metrics = ppo.learn(toy_rollout(ppo.agent, rewarded=2))
    assert set(metrics) == METRICS
    assert all(math.isfinite(value) for value in metrics.values())


def test_first_gradient_step_is_taken_at_ratio_1() -> None:
    """With one minibatch nothing has moved yet: no divergence, nothing clipped, and the loss is minus the mean of 0."""
    ppo = make_ppo(num_epochs=1, minibatch_size=T * B)
    rollout = toy_rollout(ppo.agent, rewarded=2)
    metrics = ppo.learn(rollout)
    assert metrics["approximate_kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["clip_fraction"] == 0
    assert metrics["policy_loss"] == pytest.approx(0, abs=1e-5)
    assert metrics["value_loss"] == pytest.approx(
        float(0.5 * (rollout.value - rollout.reward).square().mean()), rel=1e-4
    )
    assert metrics["advantage_spread"] == pytest.approx(float((rollout.reward - rollout.value).std()), rel=1e-4)
    assert metrics["entropy"] == pytest.approx(math.log(ppo.agent.num_actions), abs=1e-2)


def test_gradients_are_scaled_down_to_the_largest_norm() -> None:
    ppo = make_ppo(num_epochs=1, minibatch_size=T * B, max_grad_norm=1e-4)
    ppo.learn(toy_rollout(ppo.agent, rewarded=2))
    squares = [p.grad.square().sum() for p in ppo.agent.parameters() if p.grad is not None]
    assert float(torch.stack(squares).sum().sqrt()) == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize("minibatch_size", [5, 8, T * B])
def test_every_row_is_drawn_exactly_once_an_epoch(minibatch_size: int) -> None:
    ppo = make_ppo(minibatch_size=minibatch_size, num_epochs=3)
    drawn = [(rows, envs) for rows, envs in ppo._minibatches(T, B)]
    counts = torch.bincount(torch.cat([rows.flatten() for rows, _ in drawn]), minlength=T * B)
    assert counts.tolist() == [3] * (T * B)
    assert all(rows.shape[0] == 1 and rows.numel() <= minibatch_size for rows, _ in drawn)
    assert all(torch.equal(rows[0] % B, envs) for rows, envs in drawn)


@pytest.mark.parametrize("minibatch_size", [1, 8, 12])
def test_with_memory_whole_environments_are_drawn_once_an_epoch(minibatch_size: int) -> None:
    ppo = make_ppo("gru", minibatch_size=minibatch_size, num_epochs=3)
    drawn = list(ppo._minibatches(T, B))
    counts = torch.bincount(torch.cat([rows.flatten() for rows, _ in drawn]), minlength=T * B)
    assert counts.tolist() == [3] * (T * B)
    for rows, envs in drawn:
        assert rows.tolist() == [[t * B + int(env) for env in envs] for t in range(T)]


def test_epochs_are_drawn_in_different_orders() -> None:
    drawn = torch.cat([rows.flatten() for rows, _ in make_ppo(num_epochs=2)._minibatches(T, B)])
    assert not torch.equal(drawn[: T * B], drawn[T * B :])


def test_learning_rate_falls_linearly_only_where_it_is_annealed() -> None:
    for anneal, expected in ((True, 0.25e-3), (False, 1e-3)):
        ppo = make_ppo(anneal=anneal, learning_rate=1e-3)
        metrics = ppo.update(toy_rollout(ppo.agent, rewarded=2), 0.75)
        assert [group["lr"] for group in ppo.optimizer.param_groups] == [pytest.approx(expected)]
        assert metrics["learning_rate"] == pytest.approx(expected)


def test_memory_is_trained_with_the_values_that_it_acted_with() -> None:
    """Run over the rollout again from its first state, the agent gives the recorded log-probabilities: ratio 1."""
    ppo = make_ppo("lstm", num_epochs=1, minibatch_size=T * B)
    rollout = toy_rollout(ppo.agent, rewarded=2)
    rollout.is_first = torch.zeros(T, B, dtype=torch.bool)
    rollout.initial_state = torch.randn(rollout.initial_state.shape, generator=torch.Generator().manual_seed(3))
    prepared = ppo.agent.prepare({key: array.flatten(0, 1) for key, array in rollout.observation.items()})
    with torch.no_grad():
        decision = ppo.agent(prepared, rollout.initial_state, rollout.is_first)
    log_probs = decision.logits.log_softmax(dim=-1)
    rollout.log_prob = log_probs.gather(-1, rollout.action.unsqueeze(-1)).squeeze(-1)
    assert ppo.learn(rollout)["approximate_kl"] == pytest.approx(0, abs=1e-6)


# The penalty on leaving a reference policy


def test_divergence_equals_hand_computed_numbers() -> None:
    """KL(policy || reference), not the other way round: that one would be 0.9 ln 1.8 + 0.1 ln 0.2 = 0.368."""
    policy, reference = torch.tensor([0.5, 0.5]), torch.tensor([0.9, 0.1])
    expected = 0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1)
    assert (
        float(kl_divergence(policy.log(), reference.log()))
        == pytest.approx(expected)
        == pytest.approx(0.5108, abs=1e-4)
    )
    batch = torch.stack([policy, policy]).log().unsqueeze(1), torch.stack([reference, policy]).log().unsqueeze(1)
    assert float(kl_divergence(*batch)) == pytest.approx(expected / 2)
    assert float(kl_divergence(policy.log(), policy.log())) == 0


def worthless(rollout: Rollout, reference: Tensor) -> Rollout:
    """The rollout with nothing to gain from any action, beside the logits of a reference."""
    rollout.reward = rollout.value.clone()
    rollout.columns["reference"] = reference
    return rollout


@pytest.mark.parametrize("memory", ["none", "gru"])
def test_penalty_alone_draws_every_state_s_policy_to_that_of_the_reference(memory: str) -> None:
    ppo = make_ppo(memory, kl_coef=1.0, entropy_coef=0.0, num_epochs=60, learning_rate=3e-3)
    rollout = toy_rollout(ppo.agent, rewarded=2)
    wanted = torch.where(rollout.observation["direction"].unsqueeze(-1) % 2 == 0, 3.0, 0.0) * torch.eye(7)[5]
    before, _ = policy_of(ppo.agent, rollout.observation)
    ppo.learn(worthless(rollout, wanted))
    after, _ = policy_of(ppo.agent, rollout.observation)
    reference = wanted.log_softmax(dim=-1)
    assert float(kl_divergence(after, reference)) < 0.2 * float(kl_divergence(before, reference))
    favored = (wanted[..., 5] > 0).flatten()
    assert favored.any()
    assert not favored.all()
    assert (after[..., 5].flatten()[favored].exp() > 0.5).float().mean() > 0.8
    assert (after[..., 5].flatten()[~favored].exp() < 0.5).float().mean() > 0.8


def test_own_policy_as_the_reference_changes_no_first_step() -> None:
    """At a divergence of 0 its gradient is 0 as well, however large the coefficient."""
    after = []
    for kl_coef in (0.0, 100.0):
        ppo = make_ppo(num_epochs=1, minibatch_size=T * B, kl_coef=kl_coef)
        rollout = toy_rollout(ppo.agent, rewarded=2)
        rollout.columns["reference"], _ = policy_of(ppo.agent, rollout.observation)
        ppo.learn(rollout)
        after.append(policy_of(ppo.agent, rollout.observation)[0])
    torch.testing.assert_close(*after, rtol=1e-3, atol=1e-4)


def test_reference_is_not_read_without_a_penalty() -> None:
    after = []
    for noise in (0.0, 50.0):
        ppo = make_ppo()
        rollout = toy_rollout(ppo.agent, rewarded=2)
        rollout.columns["reference"] = noise * torch.randn(T, B, 7, generator=torch.Generator().manual_seed(1))
        ppo.learn(rollout)
        after.append(policy_of(ppo.agent, rollout.observation)[0])
    assert torch.equal(*after)
