"""Learning from whole episodes: the gradients of REINFORCE, RLOO and GRPO by their formulas and by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from parts import make_algorithm
from pixel_choice import PixelChoice
from test_a2c import assert_close, gradients
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.training import PPO, PPOConfig, TrainConfig
from groundling.training.algorithms.episodic import Episodic, k3, step_weights, surrogate_loss
from groundling.training.algorithms.grpo import GRPO, GRPOConfig
from groundling.training.algorithms.reinforce import Reinforce, ReinforceConfig
from groundling.training.algorithms.rloo import RLOO, RLOOConfig
from groundling.training.episodes import Episodes

B, T = 8, 48
BARE: dict[str, Any] = {"entropy_coef": 0.0, "max_grad_norm": 1e9}
SIZES: dict[str, Any] = {
    "cell_dim": 6,
    "word_dim": 5,
    "instruction_dim": 7,
    "readout_dim": 3,
    "hidden_dim": 8,
    "memory_dim": 9,
}


def make(kind: type[Any], settings: Any, memory: str = "none", **changes: Any) -> Any:
    """An algorithm of an agent whose policy is not flat, in a few small worlds."""
    torch.manual_seed(0)
    bank = EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", range(8))
    envs = make_vec(bank=bank, num_envs=B, seed=2)
    agent = ActorCritic(AgentConfig(memory=memory, **SIZES), envs.agent_spec)  # type: ignore[arg-type]
    torch.nn.init.normal_(agent.policy.weight, generator=torch.Generator().manual_seed(1))
    return make_algorithm(kind, agent, settings, envs=envs, **changes)


def collected(algorithm: Episodic) -> Episodes:
    algorithm.start(3)
    found = algorithm.collect()
    assert len(found) > 4
    return found


def log_probs_of(algorithm: Episodic, episodes: Episodes) -> Tensor:
    """Log pi(a_t | o_1 .. o_t) [R], episode after episode, each alone."""
    agent, found = algorithm.agent, []
    for number in range(len(episodes)):
        rows = episodes.episode == number
        steps = int(rows.sum())
        first = torch.zeros(steps, 1, dtype=torch.bool)
        first[0] = True
        prepared = agent.prepare({key: array[rows] for key, array in episodes.observation.items()})
        logits = agent(prepared, agent.initial_state(1), first).logits[:, 0]
        found.append(logits.log_softmax(dim=-1).gather(1, episodes.action[rows].unsqueeze(1)).squeeze(1))
    return torch.cat(found)


def steps_of(episodes: Episodes) -> list[list[int]]:
    return [(episodes.episode == number).nonzero().squeeze(1).tolist() for number in range(len(episodes))]


def by_hand(kind: type[Episodic], episodes: Episodes, gamma: float, group_size: int) -> Tensor:
    """The advantage [R] of every step, with Python's numbers."""
    reward, steps = episodes.reward.tolist(), steps_of(episodes)
    total = [sum(gamma**t * reward[row] for t, row in enumerate(rows)) for rows in steps]
    advantage = torch.zeros(len(reward))
    for number, rows in enumerate(steps):
        start = number // group_size * group_size
        group = total[start : start + group_size]
        mean = sum(group) / group_size
        spread = math.sqrt(sum((r - mean) ** 2 for r in group) / max(1, group_size - 1))
        for t, row in enumerate(rows):
            if kind is Reinforce:
                advantage[row] = sum(gamma**k * reward[later] for k, later in enumerate(rows[t:]))
            elif kind is RLOO:
                advantage[row] = total[number] - (sum(group) - total[number]) / (group_size - 1)
            else:
                advantage[row] = (total[number] - mean) / (spread + 1e-6)
    return advantage


@pytest.mark.parametrize("memory", ["none", "gru"])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (Reinforce, ReinforceConfig(baseline="none", num_steps=T, gamma=0.9, **BARE)),
        (RLOO, RLOOConfig(group_size=4, num_steps=T, gamma=0.9, **BARE)),
        (GRPO, GRPOConfig(group_size=4, num_steps=T, gamma=0.9, num_epochs=1, minibatch_size=10**6, **BARE)),
    ],
)
def test_gradient_is_that_of_the_formula(kind: type[Any], settings: Any, memory: str) -> None:
    """-grad of the weighted mean of A log pi(a), over episodes that one policy made."""
    algorithm = make(kind, settings, memory)
    episodes = collected(algorithm)
    size = getattr(settings, "group_size", 1)
    advantage = by_hand(kind, episodes, 0.9, size)
    assert advantage.std() > 0.01
    log_probs = log_probs_of(algorithm, episodes)
    torch.testing.assert_close(log_probs, episodes.log_prob, rtol=1e-4, atol=1e-5)
    each = advantage * log_probs
    if kind is GRPO:
        expected_loss = -torch.stack([each[rows].mean() for rows in steps_of(episodes)]).mean()
    else:
        expected_loss = -each.mean()
    expected_loss.backward()
    expected = gradients(algorithm.agent)
    algorithm.optimizer.zero_grad(set_to_none=True)
    metrics = algorithm.learn(episodes)
    assert metrics["approximate_kl"] == pytest.approx(0, abs=1e-6)
    assert_close(gradients(algorithm.agent), expected)
    assert max(float(gradient.abs().max()) for gradient in expected.values()) > 1e-4


def test_reinforce_is_ppo_with_one_epoch_and_no_clipping() -> None:
    """In a world of one step, where PPO's advantage is the return less the value as well."""
    envs = PixelChoice(B)
    config = AgentConfig(vision="cnn", conv_channels=(4, 4, 8), word_dim=4, instruction_dim=8, readout_dim=2)
    torch.manual_seed(0)
    agent = ActorCritic(config, spec_of(envs))
    torch.nn.init.normal_(agent.policy.weight)
    shared: dict[str, Any] = {
        "num_steps": 5,
        "learning_rate": 1e-3,
        "entropy_coef": 0.02,
        "max_grad_norm": 1e9,
        "value_coef": 0.5,
    }
    saved = {name: array.clone() for name, array in agent.state_dict().items()}
    found = []
    for kind, settings in (
        (Reinforce, ReinforceConfig(**shared)),
        (PPO, PPOConfig(**shared, num_epochs=1, minibatch_size=40, clip=1e9, normalize_advantage=False)),
    ):
        agent.load_state_dict(saved)
        algorithm = make_algorithm(kind, agent, settings, envs=PixelChoice(B))  # type: ignore[type-var]
        algorithm.start(4)
        algorithm.update(algorithm.collect(), 0.0)
        found.append((gradients(agent), {name: array.clone() for name, array in agent.state_dict().items()}))
    assert_close(found[0][0], found[1][0])
    for name, after in found[0][1].items():
        torch.testing.assert_close(after, found[1][1][name], rtol=1e-2, atol=1e-5)


def test_moving_average_is_that_of_earlier_updates() -> None:
    algorithm = make(Reinforce, ReinforceConfig(baseline="average", num_steps=T, decay=0.5, gamma=1.0))
    episodes = collected(algorithm)
    returns = episodes.returns_to_go(1.0)
    assert torch.equal(algorithm.advantages(episodes), returns)  # nothing is known yet
    torch.testing.assert_close(algorithm.advantages(episodes), returns - returns.mean())
    doubled = Episodes(**{**vars(episodes), "reward": 3 * episodes.reward})
    algorithm.advantages(doubled)
    seen = algorithm.advantages(episodes)
    mean = float(returns.mean())
    baseline = (0.125 * mean + 0.25 * mean + 0.5 * 3 * mean) / 0.875  # the means before, the oldest first
    torch.testing.assert_close(seen, returns - baseline)


def test_learned_baseline_is_the_value_when_acting_and_it_is_trained() -> None:
    algorithm = make(Reinforce, ReinforceConfig(num_steps=T, learning_rate=1e-2, gamma=1.0, value_coef=0.5))
    episodes = collected(algorithm)
    returns = episodes.returns_to_go(1.0)
    torch.testing.assert_close(algorithm.advantages(episodes), returns - episodes.value)
    episodes.reward.fill_(1.0)
    losses = [algorithm.learn(episodes)["value_loss"] for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]
    without = make(Reinforce, ReinforceConfig(num_steps=T, baseline="none"))
    without.learn(collected(without))
    assert without.agent.value.weight.grad is None


def test_steps_or_roll_outs_count_alike() -> None:
    algorithm = make(GRPO, GRPOConfig(group_size=2, num_steps=T))
    episodes = collected(algorithm)
    assert len(set(episodes.length.tolist())) > 1
    assert set(step_weights(episodes, "step").tolist()) == {1.0}
    weight = step_weights(episodes, "trajectory")
    each = torch.zeros(len(episodes)).index_add_(0, episodes.episode, weight)
    torch.testing.assert_close(each, torch.full_like(each, float(episodes.length.double().mean())))


def test_loss_equals_hand_computed_numbers() -> None:
    """Ratios 1.5 (clipped to 1.2) and 0.5 with advantages 1 and 2, weights 1 and 3: -(1.2 + 3 * 1) / 4."""
    log_ratio, advantage = torch.tensor([1.5, 0.5]).log(), torch.tensor([1.0, 2.0])
    weight = torch.tensor([1.0, 3.0])
    assert float(surrogate_loss(log_ratio, advantage, weight, 0.2)) == pytest.approx(-1.05)
    assert float(surrogate_loss(log_ratio, advantage, weight, math.inf)) == pytest.approx(-(1.5 + 3) / 4)


def test_k3_is_an_unbiased_estimate_that_is_never_negative() -> None:
    policy, reference = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.3, 0.3, 0.4])
    each = k3(policy.log(), reference.log())
    assert each.tolist() == pytest.approx([3 / 7 - 1 - math.log(3 / 7), 0.5 - math.log(1.5), 3 - math.log(4)])
    exact = float((policy * (policy / reference).log()).sum())
    assert float((policy * each).sum()) == pytest.approx(exact)
    assert float(each.min()) > 0
    assert k3(policy.log(), policy.log()).tolist() == [0, 0, 0]


def test_penalty_draws_the_policy_to_the_reference() -> None:
    settings = GRPOConfig(group_size=2, num_steps=T, kl_coef=1.0, num_epochs=40, learning_rate=3e-3, clip=1e9, **BARE)
    algorithm = make(GRPO, settings, init="another")
    episodes = collected(algorithm)
    episodes.columns["reference"] = torch.full((len(episodes.action), 7), 0.0)
    episodes.reward.zero_()  # nothing to gain
    before = algorithm.learn(episodes)["reference_kl"]
    assert algorithm.learn(episodes)["reference_kl"] < 0.5 * before


def test_update_makes_the_better_roll_out_of_a_group_likelier() -> None:
    algorithm = make(GRPO, GRPOConfig(group_size=2, num_steps=T, num_epochs=3, entropy_coef=0.0))
    episodes = collected(algorithm)
    outcome = algorithm.outcomes(episodes)
    assert outcome.max() > 0.5
    before = log_probs_of(algorithm, episodes).detach()
    algorithm.learn(episodes)
    gain = log_probs_of(algorithm, episodes).detach() - before
    means = torch.stack([gain[rows].mean() for rows in steps_of(episodes)])
    assert means[outcome > 0.5].mean() > means[outcome < -0.5].mean() + 1e-3


def test_group_that_ends_alike_teaches_nothing() -> None:
    algorithm = make(GRPO, GRPOConfig(group_size=2, num_steps=T))
    episodes = collected(algorithm)
    episodes.reward.zero_()
    assert algorithm.advantages(episodes).abs().max() == 0


def test_steps_that_wait_are_dropped_where_the_environments_begin_anew() -> None:
    """Environments that cannot be saved have other episodes after a resume: no two halves are put together."""
    first: Reinforce = make(Reinforce, ReinforceConfig(num_steps=5))
    first.start(3)
    first.collect()
    saved = first.state_dict()
    assert len(saved["episodes"]["kept"]["action"]) > 0
    for envs, waiting in ((saved["collector"]["envs"], True), (None, False)):
        again: Reinforce = make(Reinforce, ReinforceConfig(num_steps=5))
        again.start(3)
        again.load_state_dict({**saved, "collector": {**saved["collector"], "envs": envs}})
        assert bool(again.store.state_dict()["kept"]) == waiting


def test_update_without_a_whole_episode_changes_nothing() -> None:
    algorithm = make(Reinforce, ReinforceConfig(num_steps=1))
    algorithm.start(3)
    before = {name: array.clone() for name, array in algorithm.agent.state_dict().items()}
    assert algorithm.update(algorithm.collect(), 0.0)["learned_episodes"] == 0
    assert all(torch.equal(array, before[name]) for name, array in algorithm.agent.state_dict().items())


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        (ReinforceConfig, {"baseline": "critic"}, "none, average, learned"),
        (ReinforceConfig, {"decay": 1.0}, "decay"),
        (ReinforceConfig, {"gamma": 1.5}, "gamma"),
        (GRPOConfig, {"group_size": 1}, "group_size"),
        (GRPOConfig, {"normalize_by": "token"}, "step or trajectory"),
        (GRPOConfig, {"clip": 0.0}, "clip"),
        (RLOOConfig, {"group_size": 1}, "group_size"),
    ],
)
def test_impossible_setting_is_refused_and_named(kind: type[Any], values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        kind(**values)


def test_penalty_without_a_run_to_start_from_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"kl_coef keeps GRPO near .* it needs an init"):
        TrainConfig(algorithm="grpo", settings=(GRPOConfig(kl_coef=0.1),))
