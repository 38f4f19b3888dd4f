"""Random actions reach the known floors, the expert more than the published greedy one."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.messenger.expert import Planner
from groundling.envs.families.manuals.messenger.names import STAGES
from groundling.envs.families.manuals.messenger.planning import DEPTH
from groundling.envs.families.manuals.messenger.state import (
    AGENT,
    CHASER,
    ENEMY,
    FLEEING,
    GOAL,
    GONE,
    IMMOVABLE,
    MESSAGE,
)
from groundling.errors import ConfigurationError

S1, S2, S3 = STAGES
UP, DOWN, LEFT, RIGHT, STAY = range(5)


def success(id: str, split: str, episodes: int, *, is_expert: bool) -> float:
    """The share of first episodes that are won, one of each environment."""
    family = find_family(id)
    envs = family.make_vec(split, episodes, 0, copy=False, autoreset=False)
    envs.reset(seed=1)
    expert, rng = family.expert(envs), np.random.default_rng(0)
    won, over = np.zeros(episodes, dtype=bool), np.zeros(episodes, dtype=bool)
    while not over.all():
        actions = expert.actions() if is_expert else rng.integers(5, size=episodes)
        _, _, terminated, truncated, info = envs.step(actions)
        over |= terminated | truncated
        won |= info.get("success", False)
    return float(won.mean())


@pytest.mark.parametrize(
    ("id", "split", "published"),
    [(S1, "unseen", 0.081), (S2, "unseen", 0.022), (S2, "moves", 0.051), (S3, "unseen", 0.018)],
)
def test_floors_are_the_known_ones(id: str, split: str, published: float) -> None:
    error = (published * (1 - published) * (1 / 3000 + 1 / 10_000)) ** 0.5
    assert success(id, split, 10_000, is_expert=False) == pytest.approx(published, abs=4 * error)


@pytest.mark.parametrize(
    ("id", "split", "least"),
    [
        (S1, "unseen", 1.0),
        (S2, "unseen", 0.99),  # a greedy one that knows the roles: 0.954
        (S2, "moves", 0.99),  # 0.935
        (S2, "states", 0.99),
        (S3, "unseen", 0.97),  # 0.748
        (S3, "states", 0.95),
    ],
)
def test_expert_wins_nearly_always(id: str, split: str, least: float) -> None:
    assert success(id, split, 800, is_expert=True) >= least


def room(cells: dict[int, tuple[float, float]], ways: dict[int, int] | None = None):
    family = find_family(S2)
    envs = family.make_vec("all", 1, 0, autoreset=False)
    envs.reset(seed=0)
    worlds = envs.batch.worlds
    worlds.x[0], worlds.movement[0] = GONE, IMMOVABLE
    for thing, (x, y) in cells.items():
        worlds.x[0, thing], worlds.y[0, thing] = round(2 * x), round(2 * y)
    for thing, way in (ways or {}).items():
        worlds.movement[0, thing] = way
    return envs, family.expert(envs)


def moves_in(envs, expert, count: int) -> list[int]:
    moves = []
    for _ in range(count):
        moves.append(int(expert.actions()[0]))
        envs.step(np.array(moves[-1:]))
    return moves


def test_expert_takes_the_message_and_goes_around_the_enemy_to_the_goal() -> None:
    envs, expert = room({AGENT: (2, 5), MESSAGE: (4, 5), ENEMY: (6, 5), GOAL: (8, 5)})
    moves = moves_in(envs, expert, 8)
    assert moves[:2] == [RIGHT, RIGHT]
    assert sorted(moves[2:]) in ([UP, DOWN, *[RIGHT] * 4], sorted([UP, DOWN, *[RIGHT] * 4]))
    assert envs.batch.outcomes.success[0]


def test_expert_keeps_off_the_goal_without_the_message() -> None:
    envs, expert = room({AGENT: (2, 5), GOAL: (4, 5), MESSAGE: (6, 5), ENEMY: (0, 0)})
    moves = moves_in(envs, expert, 6)
    assert sorted(moves) == sorted([UP, DOWN, *[RIGHT] * 4])
    assert not envs.batch.worlds.over[0]
    assert envs.batch.worlds.has_message[0]


def test_expert_does_not_let_a_chaser_catch_it() -> None:
    envs, expert = room({AGENT: (0, 0), ENEMY: (1.5, 0), MESSAGE: (9, 9), GOAL: (9, 0)}, {ENEMY: CHASER})
    assert moves_in(envs, expert, 1) == [DOWN]
    envs, expert = room({AGENT: (5, 5), MESSAGE: (6.5, 5), ENEMY: (0, 0), GOAL: (9, 0)}, {MESSAGE: FLEEING})
    assert moves_in(envs, expert, 1) == [RIGHT]


def test_expert_looks_at_the_state_as_it_is_and_leaves_it() -> None:
    envs, expert = room({AGENT: (2, 5), MESSAGE: (4, 5), ENEMY: (6, 5), GOAL: (8, 5)})
    before = envs.state_dict()
    first = expert.actions()
    assert all(np.array_equal(array, before[name]) for name, array in envs.state_dict().items())
    assert np.array_equal(first, expert.actions())
    assert expert.lost.tolist() == [False]
    envs.batch.worlds.over[0] = True
    assert expert.actions().tolist() == [STAY]


def test_expert_sees_as_far_as_its_depth() -> None:
    """Where a chaser beside the message would be met in one of the next steps, it waits or goes around."""
    assert DEPTH == 3
    envs, expert = room({AGENT: (0, 5), MESSAGE: (3, 5), ENEMY: (3, 6), GOAL: (9, 0)})
    assert moves_in(envs, expert, 3) == [RIGHT, RIGHT, RIGHT]  # it does not fear what stands still


def test_planner_refuses_other_worlds() -> None:
    with pytest.raises(ConfigurationError, match="plays Messenger"):
        Planner(SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")]))


def test_the_expert_never_asks_for_a_move_that_an_agent_cannot_take() -> None:
    envs = find_family(S3).make_vec("train", 200, 0, copy=False)
    observation, _ = envs.reset(seed=1)
    expert = Planner(envs)
    for _ in range(60):
        actions = expert.actions()
        assert observation["valid"][np.arange(200), actions].all()
        observation, *_ = envs.step(actions)
