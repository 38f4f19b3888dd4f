"""The controls: random actions, and an agent that is told another episode's goal."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.baselines import RandomPolicy, ShuffledInstructions
from groundling.envs import EpisodeBank
from groundling.envs.banks.episode import sample_episodes
from groundling.envs.banks.sources import find_source
from groundling.errors import ConfigurationError
from groundling.language import VOCABULARY

RED, BLUE, KEY = "go to the red ball", "go to the blue ball", "go to the key"


def bank_of(*sentences: str) -> EpisodeBank:
    """An episode for each sentence (their worlds do not matter here)."""
    (episode,) = sample_episodes(find_source("BabyAI-GoToObjS4-v0"), [0])
    return EpisodeBank.pack("some", [replace(episode, instruction=t, seed=n) for n, t in enumerate(sentences)])


def tokens_of(bank: EpisodeBank) -> NDArray[np.int32]:
    """Token ids of every episode, [E, L]."""
    return bank.tokens[bank.sentences].astype(np.int32)


class Listener:
    """A policy that notes what it was told."""

    def __init__(self) -> None:
        self.told: list[NDArray[np.int32]] = []

    def inference_cache(self) -> AbstractContextManager[None]:
        return nullcontext()

    def initial_state(self, num_envs: int) -> Tensor:
        return torch.zeros(num_envs, 0)

    def act(
        self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any
    ) -> tuple[NDArray[np.int64], Tensor]:
        self.told.append(np.asarray(observation["instruction"]).copy())
        return np.zeros(len(state), dtype=np.int64), state


def told_to(bank: EpisodeBank, own: NDArray[np.int32], *, times: int = 1, seed: int = 0) -> list[list[str]]:
    """What an agent hears that begins an episode with each of these instructions, time after time."""
    listener = Listener()
    shuffled = ShuffledInstructions.of_bank(listener, bank, seed)
    state = shuffled.initial_state(len(own))
    for _ in range(times):
        shuffled.act({"instruction": own}, state, np.ones(len(own), dtype=bool))
    return [[VOCABULARY.decode(row) for row in told] for told in listener.told]


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


def test_shuffled_instruction_is_never_the_own_one_and_every_other_one() -> None:
    bank = bank_of(RED, BLUE, KEY)
    own = tokens_of(bank)[np.arange(60) % 3]
    heard = np.array(told_to(bank, own, times=5))
    for number, sentence in enumerate((RED, BLUE, KEY)):
        assert set(heard[:, number::3].ravel()) == {RED, BLUE, KEY} - {sentence}


def test_another_goal_is_told_and_not_the_own_one_in_other_words() -> None:
    """Another phrasing, a synonym, or "a" for "the" make no other goal."""
    same = [RED, "go to a red ball", "walk to the crimson orb", "could you please go to the red ball"]
    bank = bank_of(*same, BLUE)
    for row in range(len(same)):
        heard = told_to(bank, tokens_of(bank)[[row] * 40])[0]
        assert set(heard) == {BLUE}
    assert set(told_to(bank, tokens_of(bank)[[4] * 200])[0]) == set(same)


def test_shuffled_instruction_stays_through_the_episode_and_changes_with_the_next() -> None:
    listener = Listener()
    colors, types = ("red", "green", "blue", "purple", "yellow", "grey"), ("ball", "key", "box", "door")
    bank = bank_of(*(f"go to the {color} {type_}" for color in colors for type_ in types))
    shuffled = ShuffledInstructions.of_bank(listener, bank, seed=0)
    state = shuffled.initial_state(2)
    for is_first in ([True, True], [False, False], [False, True], [False, False]):
        _, state = shuffled.act({"instruction": tokens_of(bank)[:2]}, state, np.array(is_first))
    told = np.stack(listener.told)
    assert (told[:, 0] == told[0, 0]).all()
    assert (told[0, 1] == told[1, 1]).all()
    assert (told[2, 1] == told[3, 1]).all()
    assert (told[1, 1] != told[2, 1]).any()


def test_shuffled_instruction_stays_with_its_environment_where_others_leave_the_batch() -> None:
    listener = Listener()
    bank = bank_of(*(f"go to the {color} ball" for color in ("red", "green", "blue", "purple", "yellow", "grey")))
    shuffled = ShuffledInstructions.of_bank(listener, bank, seed=0)
    own = tokens_of(bank)[:4]
    _, state = shuffled.act({"instruction": own}, shuffled.initial_state(4), np.ones(4, dtype=bool))
    for kept, rows in (([0, 1, 3], [0, 1, 3]), ([1, 2], [1, 3])):
        _, state = shuffled.act({"instruction": own[rows]}, state[kept], np.zeros(len(rows), dtype=bool))
        assert np.array_equal(listener.told[-1], listener.told[0][rows])


def test_same_seed_tells_the_same_and_another_seed_something_else() -> None:
    bank = bank_of(RED, BLUE, KEY)
    own = tokens_of(bank)[np.arange(60) % 3]
    first, again, other = (told_to(bank, own, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_other_parts_of_the_observation_are_not_touched() -> None:
    class Watcher(Listener):
        def act(self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any) -> Any:
            assert observation["image"] is image
            return super().act(observation, state, is_first, **options)

    image = np.ones(3)
    bank = bank_of(RED, BLUE)
    shuffled = ShuffledInstructions.of_bank(Watcher(), bank, seed=0)
    own = tokens_of(bank)[:1]
    shuffled.act({"instruction": own, "image": image}, shuffled.initial_state(1), np.array([True]))
    assert np.array_equal(own, tokens_of(bank)[:1])


def test_sentences_are_drawn_as_often_as_episodes_have_them() -> None:
    bank = bank_of(RED, BLUE, BLUE, BLUE, KEY)
    heard = told_to(bank, tokens_of(bank)[[0] * 4000])[0]
    assert heard.count(BLUE) / 4000 == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("sentences", [[RED], [RED, RED], [RED, "go to a red ball", "walk to the red sphere"]])
def test_one_goal_cannot_be_shuffled(sentences: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="no other to give"):
        ShuffledInstructions.of_bank(Listener(), bank_of(*sentences), seed=0)
