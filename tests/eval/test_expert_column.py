"""The column /expert: every agent's steps over those of the expert that walks the grid, and none where nobody walks."""

from __future__ import annotations

from groundling.agents import RandomPolicy
from groundling.agents.bots import expert_steps
from groundling.envs import HeldOut
from groundling.envs.catalog import find_family
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.eval.runs import evaluate_suites
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
