"""Whole episodes out of rollouts: every step is handed out once, in order, when its group is whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from groundling.training.episodes import Episodes, EpisodeStore
from groundling.training.rollout import Rollout


def rollout_of(ends: list[list[int]], first: int = 0, group: list[list[int]] | None = None) -> Rollout:
    """Steps numbered from ``first`` on, time by time; ``ends`` [T, B] is 1 where an episode ends, 2 by its limit."""
    ended = torch.tensor(ends)
    steps = torch.arange(first, first + ended.numel()).reshape(ended.shape)
    none = torch.zeros(ended.shape)
    return Rollout(
        observation={"number": steps},
        is_first=torch.zeros(ended.shape, dtype=torch.bool),
        action=steps,
        log_prob=none,
        value=none,
        next_value=none,
        reward=steps.float(),
        terminated=ended == 1,
        truncated=ended == 2,
        initial_state=none[0],
        final_state=none[0],
        columns={} if group is None else {"group": torch.tensor(group)},
    )


def told(episodes: Episodes) -> list[list[int]]:
    """The steps of each episode."""
    return [episodes.action[episodes.episode == number].tolist() for number in range(len(episodes))]


def test_episode_that_goes_on_over_rollouts_is_handed_out_whole_when_it_ends() -> None:
    store = EpisodeStore(2)
    first = store.add(rollout_of([[0, 0], [0, 1], [0, 0]]))  # 0 1 / 2 3 / 4 5
    assert told(first) == [[1, 3]]
    second = store.add(rollout_of([[0, 2], [1, 0], [0, 0]], first=6))  # 6 7 / 8 9 / 10 11
    assert sorted(told(second)) == [[0, 2, 4, 6, 8], [5, 7]]
    assert store.add(rollout_of([[0, 0]], first=12)).action.tolist() == []
    assert sorted(told(store.add(rollout_of([[1, 1]], first=14)))) == [[9, 11, 13, 15], [10, 12, 14]]


def test_group_waits_for_its_last_episode_and_its_episodes_stand_side_by_side() -> None:
    store = EpisodeStore(4, group_size=2)
    group = [[7, 3, 7, 3], [7, 3, 9, 3], [7, 9, 9, 3]]
    assert told(store.add(rollout_of([[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], group=group))) == []
    found = store.add(rollout_of([[0, 1, 1, 1]], first=12, group=[[7, 9, 9, 3]]))
    assert found.group.tolist() == [0, 0, 1, 1]
    assert [sorted(told(found)[:2]), sorted(told(found)[2:])] == [[[1, 5], [3, 7, 11, 15]], [[6, 10, 14], [9, 13]]]
    assert told(store.add(rollout_of([[1, 0, 0, 0]], first=16, group=[[7, 1, 1, 1]]))) == [[0, 4, 8, 12, 16], [2]]


def test_every_step_is_handed_out_once_whatever_the_lengths() -> None:
    rng, store = np.random.default_rng(0), EpisodeStore(5)
    handed: list[int] = []
    for number in range(40):
        ends = (rng.random((4, 5)) < 0.2).astype(int).tolist()
        found = store.add(rollout_of(ends, first=20 * number))
        for steps in told(found):
            assert np.all(np.diff(steps) == 5)  # of one environment, in order
        handed += found.action.tolist()
    found = store.add(rollout_of([[1] * 5], first=800))
    assert sorted(handed + found.action.tolist()) == list(range(805))


def test_returns_equal_hand_computed_numbers() -> None:
    episodes = EpisodeStore(1).add(rollout_of([[0], [0], [1], [2]], first=1))
    assert told(episodes) == [[1, 2, 3], [4]]
    assert episodes.length.tolist() == [3, 1]
    assert episodes.returns_to_go(0.5).tolist() == [1 + 0.5 * (2 + 0.5 * 3), 2 + 0.5 * 3, 3.0, 4.0]
    assert episodes.returns(0.5).tolist() == [2.75, 4.0]
    rows, is_real = episodes.grid(torch.tensor([1, 0]))
    assert is_real.tolist() == [[True, True], [False, True], [False, True]]
    assert rows[is_real].tolist() == [3, 0, 1, 2]


def test_saved_store_goes_on_as_if_it_had_never_stopped() -> None:
    whole, parts = EpisodeStore(3), EpisodeStore(3)
    ends = [[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1]]
    found: list[Tensor] = []
    for store in (whole, parts):
        for number, row in enumerate(ends):
            found.append(store.add(rollout_of([row], first=3 * number)).action)
            if store is parts:
                saved = store.state_dict()
                store = EpisodeStore(3)
                store.load_state_dict(saved)
    assert all(torch.equal(a, b) for a, b in zip(found[:6], found[6:], strict=True))
    assert sum(map(len, found[:6])) == 18


def test_what_waits_is_forgotten_when_the_environments_begin_anew() -> None:
    store = EpisodeStore(1)
    store.add(rollout_of([[0], [0]]))
    store.forget()
    assert told(store.add(rollout_of([[0], [1]], first=5))) == [[5, 6]]


@pytest.mark.parametrize("size", [1, 2])
def test_copies_are_kept_of_arrays_that_the_next_rollout_overwrites(size: int) -> None:
    store = EpisodeStore(2, size)
    first = rollout_of([[0, 0]], group=[[1, 1]])
    store.add(first)
    first.action.fill_(99)
    first.columns["group"].fill_(99)
    assert sorted(told(store.add(rollout_of([[1, 1]], first=2, group=[[1, 1]])))) == [[0, 2], [1, 3]]
