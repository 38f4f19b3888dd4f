"""The optimality gap: nothing for an expert, and what is lost by others, where episodes can be solved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from groundling.agents.baselines import RandomPolicy
from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank, GroundlingVectorEnv
from groundling.envs.banks.sources import embodiment_of
from groundling.envs.families.banked import bank_episodes
from groundling.errors import ConfigurationError
from groundling.eval.evaluation import Evaluation, PlayedSet
from groundling.eval.optimality import OptimalityGap
from groundling.eval.policies import evaluate_policy
from groundling.interfaces import Policy

TASK = "BabyAI-GoToLocalS5N2-v0"


class Knowing:
    """The full-state expert as a policy of the environments that it is told."""

    envs: GroundlingVectorEnv

    def initial_state(self, num_envs: int) -> torch.Tensor:
        return torch.zeros(num_envs, 0)

    def act(self, observation: object, state: torch.Tensor, is_first: object, **options: object) -> object:
        return Expert(self.envs.worlds, sees="world").actions().copy()[: len(state)], state

    inference_cache = RandomPolicy.inference_cache


def played(policy: Policy | Knowing, gap: OptimalityGap, count: int = 30) -> Evaluation:
    bank = EpisodeBank.of_seeds(TASK, range(count))
    with PlayedSet(bank_episodes(bank, embodiment_of(bank), count)) as episodes:

        def begin(envs: GroundlingVectorEnv, observation: object) -> None:
            gap.begin(envs, {})
            if isinstance(policy, Knowing):
                policy.envs = envs

        return episodes.by(policy, observer=gap, on_begin=begin)  # type: ignore[arg-type]


def test_gap_is_what_the_returns_lack() -> None:
    gap = OptimalityGap()
    evaluation = played(RandomPolicy(7), gap)
    ((name, count, (lost, best, extra)),) = gap.tables()[0].rows
    assert (name, count) == ("solved", 30)
    assert lost == pytest.approx(best - evaluation.mean_return)
    assert 0.1 < lost < best < 1
    assert extra > 1


def test_gap_of_an_expert_that_takes_the_fewest_steps_is_nothing() -> None:
    gap = OptimalityGap()
    evaluation = played(Knowing(), gap, count=1)
    ((_, count, (lost, best, extra)),) = gap.tables()[0].rows
    assert count == 1
    assert lost == pytest.approx(0)
    assert extra == 0
    assert best == pytest.approx(evaluation.mean_return)


def test_episodes_that_are_too_large_are_counted_apart() -> None:
    gap = OptimalityGap(most_states=300)
    played(RandomPolicy(7), gap)
    solved, large = gap.tables()[0].rows
    assert solved[1] + large[1] == 30
    assert min(solved[1], large[1]) > 3
    assert large[0] == "over 300 states"
    assert np.isnan(large[2]).all()


def test_evaluation_tells_it_when_it_is_asked_to() -> None:
    policy = RandomPolicy(7)
    report = evaluate_policy(policy, TASK, ["layout"], episodes=20, optimality=True, progress=False)
    assert [table.title for table in report.measures["layout"]] == ["exact value"]
    assert not evaluate_policy(policy, TASK, ["layout"], episodes=20, progress=False).measures.get("layout")


def test_rover_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="leave --optimality out"):
        evaluate_policy(RandomPolicy(3), "groundling/GroundedRoom-Easy-v0", episodes=2, optimality=True, progress=False)
