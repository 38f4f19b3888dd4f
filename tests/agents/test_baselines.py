"""The controls: random actions, and an agent that is told another episode's sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.baselines import RandomPolicy, ShuffledInstructions

SENTENCES = np.array([[3, 1, 0], [4, 1, 0], [5, 1, 2]], dtype=np.int32)


class Listener:
    """A policy that notes what it was told."""

    def __init__(self) -> None:
        self.told: list[NDArray[np.int32]] = []

    def initial_state(self, num_envs: int) -> Tensor:
        return torch.zeros(num_envs, 0)

    def act(
        self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any
    ) -> tuple[NDArray[np.int64], Tensor]:
        self.told.append(np.asarray(observation["instruction"]).copy())
        return np.zeros(len(state), dtype=np.int64), state


def tell(shuffled: ShuffledInstructions, own: NDArray[np.int32], is_first: list[bool], state: Tensor) -> None:
    shuffled.act({"instruction": own}, state, np.array(is_first))


def test_random_policy_draws_every_action_equally_often() -> None:
    policy = RandomPolicy(5)
    actions, _ = policy.act({}, policy.initial_state(20_000), np.ones(1), generator=torch.Generator().manual_seed(0))
    frequencies = np.bincount(actions, minlength=5) / len(actions)
    np.testing.assert_allclose(frequencies, 0.2, atol=0.015)


def test_random_policy_repeats_itself_with_the_same_generator() -> None:
    policy = RandomPolicy()
    draws = [
        policy.act({}, policy.initial_state(50), np.ones(50), generator=torch.Generator().manual_seed(seed))[0].tolist()
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]


def test_shuffled_instruction_is_never_the_own_one() -> None:
    listener = Listener()
    shuffled = ShuffledInstructions(listener, SENTENCES, seed=0)
    own = SENTENCES[np.arange(60) % 3]
    state = shuffled.initial_state(60)
    for _ in range(5):
        tell(shuffled, own, [True] * 60, state)
    for told in listener.told:
        assert not (told == own).all(axis=1).any()
    seen = {tuple(row) for told in listener.told for row in told[own[:, 0] == 3]}
    assert seen == {tuple(SENTENCES[1]), tuple(SENTENCES[2])}


def test_shuffled_instruction_stays_through_the_episode_and_changes_with_the_next() -> None:
    listener = Listener()
    many = np.stack([np.arange(1, 101), np.ones(100)], axis=1).astype(np.int32)
    shuffled = ShuffledInstructions(listener, many, seed=0)
    state = shuffled.initial_state(2)
    for is_first in ([True, True], [False, False], [False, True], [False, False]):
        tell(shuffled, many[:2], is_first, state)
    told = np.stack(listener.told)
    assert (told[:, 0] == told[0, 0]).all()
    assert (told[0, 1] == told[1, 1]).all()
    assert (told[2, 1] == told[3, 1]).all()
    assert (told[1, 1] != told[2, 1]).any()


def test_other_parts_of_the_observation_are_not_touched() -> None:
    class Watcher(Listener):
        def act(self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any) -> Any:
            assert observation["image"] is image
            return super().act(observation, state, is_first, **options)

    image = np.ones(3)
    shuffled = ShuffledInstructions(Watcher(), SENTENCES, seed=0)
    own = SENTENCES[:1].copy()
    shuffled.act({"instruction": own, "image": image}, shuffled.initial_state(1), np.array([True]))
    assert np.array_equal(own, SENTENCES[:1])


def test_sentences_are_drawn_as_often_as_episodes_have_them() -> None:
    listener = Listener()
    episodes = SENTENCES[[0, 1, 1, 1, 2]]
    shuffled = ShuffledInstructions(listener, episodes, seed=0)
    own = SENTENCES[np.zeros(4000, dtype=int)]
    tell(shuffled, own, [True] * 4000, shuffled.initial_state(4000))
    assert (listener.told[0][:, 0] == 4).mean() == pytest.approx(0.75, abs=0.03)


def test_one_sentence_cannot_be_shuffled() -> None:
    with pytest.raises(ValueError, match="no other to give"):
        ShuffledInstructions(Listener(), SENTENCES[[1, 1, 1]], seed=0)
