"""DRPO: scarce and hard domains count more than abundant and easy ones, within and across domains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from parts import make_algorithm
from test_episodic import SIZES
from test_groups import mixture

from groundling.agents import ActorCritic, AgentConfig
from groundling.envs import make_vec
from groundling.errors import ConfigurationError
from groundling.training import TrainConfig, Trainer
from groundling.training.algorithms.drpo import DRPO, DRPOConfig, cluster_centers, domain_scales
from groundling.training.algorithms.grpo import GRPO
from groundling.training.episodes import Episodes


def scales(domain: list[int], success: list[float], clusters: int = 1) -> list[float]:
    """Of the groups that are known, each."""
    numbers, means = torch.tensor(domain), torch.tensor(success)
    found: list[float] = domain_scales(numbers, means, numbers, means, clusters, 0.05).tolist()
    return found


def test_scales_equal_hand_computed_numbers() -> None:
    """One cluster a domain: T_d T_c = sqrt(N) mu sqrt(N) mu = N mu^2."""
    found = scales([0, 0, 0, 0, 1], [0.5, 0.7, 0.5, 0.7, 0.2])
    assert found[0] == pytest.approx(4 * 0.6**2)
    assert found[4] == pytest.approx(1 * 0.2**2)
    assert found[:4] == pytest.approx([found[0]] * 4)


def test_clusters_within_a_domain_are_told_apart() -> None:
    """Three easy groups of mean .9 and one hard one of .1: mu_d = (.9 / 3 + .1 / 1) / (1 / 3 + 1 / 1) = .3."""
    found = scales([0, 0, 0, 0], [0.9, 0.9, 0.9, 0.1], clusters=2)
    assert found[0] == pytest.approx((4**0.5 * 0.3) * (3**0.5 * 0.9))
    assert found[3] == pytest.approx((4**0.5 * 0.3) * (1**0.5 * 0.1))
    assert found[3] < found[0]


def test_scarcer_and_harder_domains_are_scaled_up() -> None:
    scarce = scales([0] * 9 + [1], [0.5] * 10)
    assert scarce[9] < scarce[0]  # what is divided by
    hard = scales([0] * 5 + [1] * 5, [0.9] * 5 + [0.3] * 5)
    assert hard[9] < hard[0]


def test_domain_that_never_succeeds_has_a_scale_that_is_no_zero() -> None:
    assert scales([0, 0, 1], [0.0, 0.0, 1.0])[0] == pytest.approx(2 * 0.05**2)


def test_centers_are_those_of_k_means() -> None:
    values = torch.tensor([0.0, 0.1, 0.9, 1.0, 1.1])
    assert cluster_centers(values, 2).tolist() == pytest.approx([0.05, 1.0])
    assert cluster_centers(torch.tensor([0.3, 0.3]), 3).tolist() == pytest.approx([0.3])
    assert cluster_centers(values, 1).tolist() == pytest.approx([0.62])


def make(kind: type[Any], **changes: Any) -> Any:
    """An algorithm in two tasks, of groups of two."""
    torch.manual_seed(0)
    envs = make_vec(bank=mixture(), num_envs=8)
    agent = ActorCritic(AgentConfig(**SIZES), envs.agent_spec)
    return make_algorithm(kind, agent, kind.Config(group_size=2, num_steps=8, **changes), envs=envs)


def two_groups(task: list[int], returns: list[float]) -> Episodes:
    """Roll-outs of one step, two a group."""
    count = len(returns)
    number = torch.arange(count)
    none = torch.zeros(count)
    columns = {"task": torch.tensor(task).repeat_interleave(2), "sentence": number // 2}
    return Episodes({}, number, none, none, torch.tensor(returns).float(), columns, number, number // 2)


def test_same_group_counts_more_in_a_scarce_task_and_all_have_one_spread() -> None:
    algorithm: DRPO = make(DRPO)
    outcome = algorithm.outcomes(two_groups([0, 0, 0, 1], [1, 0] * 4))
    assert abs(float(outcome[6])) == pytest.approx(3 * abs(float(outcome[0])), rel=1e-3)  # N of 3 and 1
    assert float(outcome.std()) == pytest.approx(1, rel=1e-3)
    plain = make(GRPO).outcomes(two_groups([0, 0, 0, 1], [1, 0] * 4))
    assert abs(float(plain[6])) == pytest.approx(abs(float(plain[0])))
    assert torch.equal(plain.sign(), outcome.sign())


def test_instructions_can_be_the_domains() -> None:
    algorithm: DRPO = make(DRPO, domains="instructions")
    outcome = algorithm.outcomes(two_groups([0, 0, 0, 1], [1, 0, 1, 0, 1, 0, 1, 0]))
    assert outcome.abs().tolist() == pytest.approx([abs(float(outcome[0]))] * 8)
    assert algorithm.domain.tolist() == [0, 1, 2, 3]


def test_only_the_latest_groups_are_counted() -> None:
    algorithm: DRPO = make(DRPO, window=3)
    algorithm.outcomes(two_groups([0, 0, 0], [1, 0] * 3))
    algorithm.outcomes(two_groups([1], [1, 1]))
    assert algorithm.domain.tolist() == [0, 0, 1]
    assert algorithm.success.tolist() == [0.5, 0.5, 1.0]


def test_resumed_run_is_bit_equal_to_one_that_was_never_interrupted(tmp_path: Path) -> None:
    config = TrainConfig(
        algorithm="drpo",
        tasks=("BabyAI-GoToObjS4-v0", "BabyAI-GoToRedBallNoDists-v0"),
        total_frames=8 * 16 * 8,
        num_envs=8,
        bank_size=32,
        agent=AgentConfig(**SIZES),
        settings=(DRPOConfig(group_size=2, num_steps=16, minibatch_size=64),),
    )
    trainer: Any = Trainer(config, tmp_path / "whole")
    whole = trainer.run()
    assert len(trainer.algorithm.domain) > 0
    Trainer(config, tmp_path / "parts").run(stop_after_updates=5)
    parts = Trainer(config, tmp_path / "parts", resume=True).run().agent.state_dict()
    assert all(torch.equal(array, parts[name]) for name, array in whole.agent.state_dict().items())


@pytest.mark.parametrize("values", [{"domains": "levels"}, {"clusters": 0}, {"least_success": 0.0}, {"group_size": 1}])
def test_impossible_setting_is_refused_and_named(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        DRPOConfig(**values)
