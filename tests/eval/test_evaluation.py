"""Evaluation: every episode exactly once, however many environments play and however long the episodes are."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents import RandomPolicy, ShuffledInstructions
from groundling.envs import Action, EpisodeBank, make_vec
from groundling.errors import ConfigurationError
from groundling.eval import evaluate, wilson_interval
from groundling.eval.evaluation import Evaluation, Outcome, play
from groundling.interfaces import TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

LEVEL = "BabyAI-GoToObjS4-v0"


class Dancer:
    """Walks, turns left, then waits: soon faces what was to its left ahead, and else lets the time run out."""

    def inference_cache(self) -> AbstractContextManager[None]:
        return nullcontext()

    def initial_state(self, num_envs: int) -> Tensor:
        return torch.zeros(num_envs, 1)

    def act(
        self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any
    ) -> tuple[NDArray[np.int64], Tensor]:
        steps = state * ~torch.as_tensor(is_first).unsqueeze(1)
        return script(steps[:, 0].numpy()), steps + 1


def script(steps: NDArray[Any]) -> NDArray[np.int64]:
    return np.select([steps == 0, steps == 1], [Action.FORWARD, Action.LEFT], Action.DONE)


class Counter(Dancer):
    """Notes how often it was asked for an action, and where episodes began."""

    def __init__(self) -> None:
        self.asked, self.begun = 0, 0

    def act(self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any) -> Any:
        assert len(is_first) == len(state) == len(observation["image"])
        self.asked += len(is_first)
        self.begun += int(np.sum(is_first))
        return super().act(observation, state, is_first, **options)


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds(LEVEL, range(60))


@pytest.fixture(scope="module")
def one_by_one(bank: EpisodeBank) -> NDArray[np.float64]:
    """(success, return, length) of the dancer in each episode, played alone."""
    rows = []
    for row in range(len(bank)):
        envs = make_vec(bank=bank.take(slice(row, row + 1)), num_envs=1, shuffle=False)
        envs.reset()
        total, ended, steps = 0.0, False, 0
        while not ended:
            _, reward, terminated, truncated, _ = envs.step(script(np.array([steps])))
            total, steps, ended = total + float(reward[0]), steps + 1, bool(terminated[0] or truncated[0])
        rows.append((float(terminated[0]), total, steps))
    return np.array(rows)


class Scripted:
    """Two environments whose episodes end as a script says; one array of sentences, rewritten at every step."""

    num_envs = 2
    agent_spec = Spec({"instruction": Field((1,), "int32", TOKENS, 2)}, ("wait",), Vocabulary.of([]))

    def __init__(self, *script: tuple[str, int, bool, bool, bool]) -> None:
        """Each episode: sentence, steps, success, terminated, truncated; environment i plays i, i + 2, ..."""
        self.script = [list(script[i::2]) for i in range(2)]
        self.told = np.full(2, "", dtype=object)

    def reset(self) -> tuple[dict[str, Any], dict[str, Any]]:
        self.place, self.steps = [0, 0], np.zeros(2, dtype=np.int64)
        self._tell()
        return {}, {"instruction": self.told}

    def step(self, actions: NDArray[np.int64]) -> Any:
        self.steps += 1
        rows = [self.script[i][self.place[i] % len(self.script[i])] for i in range(2)]
        ends = np.array([steps == own for (_, own, *_), steps in zip(rows, self.steps, strict=True)])
        success, terminated, truncated = (np.array([row[k] for row in rows]) & ends for k in (2, 3, 4))
        lengths = np.where(ends, self.steps, 0)
        info = {"instruction": self.told, "success": success, "episode": {"l": lengths, "r": 0.5 * success}}
        self.steps[ends] = 0
        self.place = [place + int(end) for place, end in zip(self.place, ends, strict=True)]
        self._tell()
        return {}, 0.5 * success, terminated, truncated, info

    @property
    def unwrapped(self) -> Scripted:
        return self

    def _tell(self) -> None:
        self.told[:] = [self.script[i][self.place[i] % len(self.script[i])][0] for i in range(2)]


@pytest.mark.parametrize("num_envs", [1, 7, 59, 60, 500])
def test_every_episode_is_played_once_whatever_the_number_of_environments(
    num_envs: int, bank: EpisodeBank, one_by_one: NDArray[np.float64]
) -> None:
    evaluation = evaluate(Dancer(), bank, num_envs=num_envs)
    successes, returns, lengths = one_by_one.T
    assert evaluation.episodes == len(bank)
    assert evaluation.successes == successes.sum()
    assert evaluation.mean_return == pytest.approx(returns.mean())
    assert evaluation.mean_length == pytest.approx(lengths.mean())


@pytest.mark.parametrize("num_envs", [1, 7, 500])
def test_each_outcome_is_that_of_its_own_instruction(
    num_envs: int, bank: EpisodeBank, one_by_one: NDArray[np.float64]
) -> None:
    outcomes = evaluate(Dancer(), bank, num_envs=num_envs).outcomes
    assert sorted((o.instruction, o.success, o.episode_return, o.length, o.out_of_time) for o in outcomes) == sorted(
        (bank.instruction(row), bool(success), total, steps, not success)
        for row, (success, total, steps) in enumerate(one_by_one.tolist())
    )


def test_outcome_tells_a_mistake_from_a_lack_of_time() -> None:
    envs = Scripted(
        ("reached", 2, True, True, False),
        ("reached in the last step", 5, True, True, True),
        ("wrong", 3, False, True, False),
        ("wrong in the last step", 5, False, True, True),
        ("late", 5, False, False, True),
        ("not asked for", 1, False, True, False),
    )
    evaluation = play(Dancer(), envs, envs.reset(), 5)  # type: ignore[arg-type]
    assert evaluation.outcomes == (
        Outcome("reached", True, False, 2, 0.5),
        Outcome("wrong", False, False, 3, 0.0),
        Outcome("reached in the last step", True, False, 5, 0.5),
        Outcome("late", False, True, 5, 0.0),
        Outcome("wrong in the last step", False, False, 5, 0.0),
    )
    assert evaluation == Evaluation(5, 2, 0.2, 4.0, None, evaluation.outcomes)


def test_episodes_that_end_early_would_be_favored_without_a_quota(
    bank: EpisodeBank, one_by_one: NDArray[np.float64]
) -> None:
    """Negative control: here success is short, and counting whatever ends first gives a far higher rate."""
    successes, _, lengths = one_by_one.T
    assert lengths[successes == 1].max() < lengths[successes == 0].min()
    envs = make_vec(bank=bank, num_envs=60, shuffle=False)
    observation, _ = envs.reset()
    dancer, is_first, first = Dancer(), np.ones(60, dtype=bool), []
    state = dancer.initial_state(60)
    while len(first) < len(bank):
        actions, state = dancer.act(observation, state, is_first)
        observation, _, terminated, truncated, info = envs.step(actions)
        is_first = terminated | truncated
        if is_first.any():
            first.extend(info["success"][is_first].tolist())
    assert np.mean(first[: len(bank)]) > evaluate(Dancer(), bank, num_envs=60).success + 0.2


def test_policy_is_told_where_episodes_begin(bank: EpisodeBank) -> None:
    for num_envs in (1, 7, 60):
        counter = Counter()
        evaluate(counter, bank, num_envs=num_envs)
        assert counter.begun == 60


@pytest.mark.parametrize("num_envs", [1, 7, 60])
def test_policy_is_asked_for_no_more_steps_than_the_episodes_have(num_envs: int, bank: EpisodeBank) -> None:
    counter = Counter()
    evaluation = evaluate(counter, bank, num_envs=num_envs)
    assert counter.asked == sum(outcome.length for outcome in evaluation.outcomes)


@pytest.mark.parametrize("num_envs", [7, 60])
def test_policy_sees_and_remembers_its_own_episodes_where_others_have_left_the_batch(
    num_envs: int, bank: EpisodeBank
) -> None:
    texts = {tuple(tokens): bank.instruction(row) for row, tokens in enumerate(bank.tokens[bank.sentences].tolist())}
    numbers = {tokens: number for number, tokens in enumerate(texts)}

    class Reader(Dancer):
        """Remembers the sentence that an episode began with, and notes how often it heard each."""

        steps = dict.fromkeys(texts.values(), 0)

        def initial_state(self, num_envs: int) -> Tensor:
            return torch.zeros(num_envs, 2)

        def act(self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any) -> Any:
            heard = [tuple(told) for told in observation["instruction"].tolist()]
            for told in heard:
                self.steps[texts[told]] += 1
            sentence = torch.tensor([float(numbers[told]) for told in heard])
            assert torch.equal(torch.where(torch.as_tensor(is_first), sentence, state[:, 1]), sentence)
            actions, steps = super().act(observation, state[:, :1], is_first)
            return actions, torch.cat([steps, sentence.unsqueeze(1)], dim=1)

    expected = dict.fromkeys(texts.values(), 0)
    for outcome in evaluate(Reader(), bank, num_envs=num_envs).outcomes:
        expected[outcome.instruction] += outcome.length
    assert Reader.steps == expected


def test_success_and_interval_follow_from_the_counts(bank: EpisodeBank) -> None:
    evaluation = evaluate(Dancer(), bank)
    assert evaluation.success == evaluation.successes / 60
    low, high = wilson_interval(evaluation.successes, 60)
    assert evaluation.interval == (low, high)
    assert evaluation.to_dict() == {
        "success": evaluation.success,
        "low": low,
        "high": high,
        "episodes": 60,
        "successes": evaluation.successes,
        "mean_return": evaluation.mean_return,
        "mean_length": evaluation.mean_length,
        "steps_ratio": None,
    }


def test_steps_are_compared_with_the_experts_where_both_reach_the_goal(
    bank: EpisodeBank, one_by_one: NDArray[np.float64]
) -> None:
    successes, _, lengths = one_by_one.T
    known = np.arange(1, 61)
    known[::7] = -1  # the expert has found no way there
    compared = (successes == 1) & (known > 0)
    assert 5 < compared.sum() < successes.sum()
    evaluation = evaluate(Dancer(), bank, expert_steps=known)
    assert evaluation.steps_ratio == pytest.approx(lengths[compared].sum() / known[compared].sum())
    assert evaluate(Dancer(), bank, expert_steps=np.full(60, -1)).steps_ratio is None


def test_same_seed_gives_the_same_evaluation_and_another_seed_another(bank: EpisodeBank) -> None:
    first, again, other = (evaluate(RandomPolicy(), bank, seed=seed) for seed in (4, 4, 5))
    assert first == again
    assert first != other


def test_evaluation_does_not_depend_on_what_was_drawn_before(bank: EpisodeBank) -> None:
    first = evaluate(RandomPolicy(), bank, seed=4)
    torch.rand(7)
    np.random.random(7)
    assert evaluate(RandomPolicy(), bank, seed=4) == first


def test_episodes_that_stand_in_the_bank_twice_are_refused(bank: EpisodeBank) -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        evaluate(Dancer(), bank.take(np.array([0, 1, 2, 1])))


@pytest.mark.parametrize("num_envs", [0, -3])
def test_no_environment_is_refused(num_envs: int, bank: EpisodeBank) -> None:
    with pytest.raises(ConfigurationError, match="num_envs must be at least 1"):
        evaluate(Dancer(), bank, num_envs=num_envs)


def test_shuffled_control_is_told_another_sentence_through_each_whole_episode(bank: EpisodeBank) -> None:
    class Listener(Dancer):
        def __init__(self) -> None:
            self.heard: list[NDArray[np.int32]] = []

        def act(self, observation: dict[str, Any], state: Tensor, is_first: Any, **options: Any) -> Any:
            self.heard.append(observation["instruction"][0].copy())
            return super().act(observation, state, is_first, **options)

    honest, deceived = Listener(), Listener()
    lengths = [outcome.length for outcome in evaluate(honest, bank, num_envs=1).outcomes]
    evaluate(ShuffledInstructions.of_bank(deceived, bank, seed=0), bank, num_envs=1)
    own, told = np.stack(honest.heard), np.stack(deceived.heard)
    assert not (own == told).all(axis=1).any()
    ends = np.cumsum(lengths)
    assert len(told) == ends[-1]
    of_episodes = np.split(told, ends[:-1])
    assert all((sentences == sentences[0]).all() for sentences in of_episodes)
    assert any((first[0] != then[0]).any() for first, then in pairwise(of_episodes))
    assert {tuple(row) for row in told.tolist()} <= {tuple(row) for row in bank.tokens.tolist()}
