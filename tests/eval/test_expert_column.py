"""The column /expert: every agent's steps over those of the expert that walks the grid, and none where nobody walks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from groundling.agents import RandomPolicy
from groundling.agents.bots import expert_steps
from groundling.envs import HeldOut
from groundling.envs.catalog import find_family
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.envs.vector import GroundlingVectorEnv
from groundling.eval.runs import _expert_steps, evaluate_suites
from groundling.eval.suites import SuiteRow

FAMILY = find_family("BabyAI-GoToObjS4-v0")


def ratio(world: WorldOptions) -> float | None:
    episodes = FAMILY.episodes("layout", HeldOut(), 60, 0, world, progress=False)
    rows = {"layout": SuiteRow(FAMILY, "layout", episodes)}
    ((_, _, evaluation),) = evaluate_suites({"random": RandomPolicy()}, rows, seed=1)
    assert evaluation.successes > 5
    return evaluation.steps_ratio


def test_steps_on_the_grid_are_compared_with_the_expert_s() -> None:
    episodes = FAMILY.episodes("layout", HeldOut(), 60, 0, WorldOptions(), progress=False)
    assert (expert_steps(episodes.bank) > 0).all()
    found = ratio(WorldOptions())
    assert found is not None
    assert 1.2 < found < 10  # whoever walks at random goes a longer way


def test_rover_s_steps_are_compared_with_nobody_s() -> None:
    assert ratio(WorldOptions(body="rover", camera=Camera(width=16, height=16))) is None


def test_steps_of_a_family_with_an_expert_of_its_own_are_that_expert_s() -> None:
    """Played again one environment an episode; in the table several share one, which begins anew where one ends."""
    family = find_family("groundling/Questions-Small-v0")
    assert isinstance(family, BankFamily)
    episodes = replace(family.episodes("layout", HeldOut(), 10, 0, WorldOptions(), progress=False), most_envs=4)
    found = _expert_steps(SuiteRow(family, "layout", episodes))
    assert found is not None
    envs = episodes.make_envs(10)
    assert isinstance(envs, GroundlingVectorEnv)
    expert, steps = family.expert(envs), np.zeros(10, dtype=np.int64)
    envs.reset()
    assert expert is not None
    while not steps.all():
        envs.step(np.array(expert.actions()))
        first = envs.worlds.outcomes.success & (steps == 0)
        steps[first] = envs.worlds.outcomes.episode_length[first]
    assert found.tolist() == steps.tolist()
    assert len(set(found.tolist())) > 1
