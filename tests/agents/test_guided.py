"""A guide walks, the agent answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.bots.guided import GuidedPolicy
from groundling.envs.catalog import find_family
from groundling.errors import ConfigurationError
from groundling.eval.rollout import Stepped, roll_out

TASK = "groundling/Questions-Small-v0"


def make_agent() -> ActorCritic:
    torch.manual_seed(0)
    return ActorCritic(AgentConfig(hidden_dim=8), find_family(TASK).spec)


def test_guide_moves_and_agent_answers() -> None:
    family = find_family(TASK)
    envs = family.make_vec(family.split("seen"), 6, 3)
    guide = family.expert(envs)
    assert guide is not None
    agent = make_agent()
    is_last = np.array([action.startswith("answer") for action in family.spec.actions])
    favorite = int(np.flatnonzero(is_last)[0])  # "yes"
    with torch.no_grad():
        agent.policy.bias[favorite] = 50.0
    asked: list[np.ndarray] = []
    expected: list[np.ndarray] = []

    def observe(stepped: Stepped) -> None:
        asked.append(stepped.actions.copy())

    class Noting:
        lost = guide.lost

        def actions(self) -> np.ndarray:
            expected.append(guide.actions().copy())
            return expected[-1]

    policy = GuidedPolicy(agent, Noting(), is_last)  # type: ignore[arg-type]
    outcomes = roll_out(policy, envs, envs.reset(seed=3), 6, spec=family.spec, greedy=True, observer=observe)
    assert len(outcomes) == 6
    assert not any(one.out_of_time for one in outcomes), "the guide's way ends in an answer"
    for env in range(6):
        first = [(int(acted[env]), int(advised[env])) for acted, advised in zip(asked, expected, strict=True)]
        end = next(step for step, (acted, _) in enumerate(first) if is_last[acted])
        assert all(acted == advised for acted, advised in first[:end])
        assert is_last[first[end][1]], "the agent answers where the guide would, not earlier"
        if first[end][1] < favorite + 2:  # a question of yes or no: the mask lets the agent's favorite through
            assert first[end][0] == favorite
    envs.close()


def test_guided_policy_needs_actions_that_end_an_episode() -> None:
    family, agent = find_family(TASK), make_agent()
    envs = family.make_vec(family.split("seen"), 1, 3)
    guide = family.expert(envs)
    assert guide is not None
    for wrong in (np.zeros(family.spec.num_actions, dtype=bool), np.ones(3, dtype=bool)):
        with pytest.raises(ConfigurationError, match="is_last must be"):
            GuidedPolicy(agent, guide, wrong)
    envs.close()
