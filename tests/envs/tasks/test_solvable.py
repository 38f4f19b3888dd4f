"""Every episode of every registered task can be solved within its time limit; failing seeds are printed."""

from __future__ import annotations

import pytest

from groundling.envs import EpisodeBank, registered_tasks
from groundling.envs.solver import unsolvable

SEEDS = range(200)


@pytest.mark.slow
@pytest.mark.parametrize("id", registered_tasks())
def test_every_episode_of_a_task_can_be_solved(id: str) -> None:
    failing = unsolvable(EpisodeBank.of_seeds(id, SEEDS))
    assert failing == [], f"{id}: no plan was found for the seeds {failing}"
