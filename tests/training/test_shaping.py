"""Shaping: what potentials pay, that they leave the optimal policy as it is, and what they are read from."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hand_built import FORWARD, LEFT, PICKUP, RIGHT, episode
from numpy.typing import NDArray
from test_loop import assert_same, checkpoint_of, make_config, metrics_of

from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank, make_vec
from groundling.envs.engine.constants import Verb
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Transition
from groundling.training import PPOConfig, Trainer, train
from groundling.training.rewards.along import DemonstrationConfig, DemonstrationReward
from groundling.training.rewards.base import PotentialTerm
from groundling.training.rewards.distance import DistanceConfig, DistanceReward

GAMMA = 0.9


def run_of(num_envs: int, *settings: Any, gamma: float = GAMMA, bootstrap: bool = True) -> Any:
    """As much of a configuration and environments as a potential asks for."""
    algorithm = SimpleNamespace(gamma=gamma, bootstrap_truncated=bootstrap)
    of_kind = {type(part): part for part in settings}
    return SimpleNamespace(algorithm_settings=algorithm, settings_of=lambda kind: of_kind.get(kind, kind()))


class Table(PotentialTerm):
    """The potential of numbered states; the info tells the state that a step led to, and the one that is begun."""

    def __init__(self, potentials: list[float], **options: Any) -> None:
        bootstrap = options.pop("bootstrap", True)
        envs: Any = SimpleNamespace(num_envs=1)
        super().__init__(run_of(1, bootstrap=bootstrap), envs, **options)
        self.potentials = np.array(potentials)
        self.first = 0

    def begun(self, chosen: NDArray[np.bool_]) -> Any:
        return self.potentials[[self.first]]

    def reached(self, transition: Transition) -> Any:
        return self.potentials[[transition.info["state"]]]

    def paid(self, before: int, after: int, *, terminated: bool = False, truncated: bool = False) -> float:
        """What one step pays, in an episode that begins in the state before it."""
        self.first = before
        self.begin()
        return float(self(step_to(after, terminated=terminated, truncated=truncated))[0])


def step_to(state: int, *, terminated: bool = False, truncated: bool = False) -> Transition:
    none = np.zeros(1, dtype=np.int64)
    ends = (np.array([terminated]), np.array([truncated]))
    return Transition({}, none, {}, np.zeros(1), *ends, {"state": state})


# A world with five states: from each of 0, 1, 2 the agent goes left or right; 3 and 4 end the episode, 4 pays 1, 3 a
# half. The way to 4 is longer.
NEXT = {0: (3, 1), 1: (0, 2), 2: (1, 4)}
PAID = {3: 0.5, 4: 1.0}


def optimal_policy(term: Table | None) -> list[int]:
    """The best action in each state by value iteration, of the reward with what a term adds to it."""
    value = np.zeros(5)
    for _ in range(200):
        gains = np.zeros((3, 2))
        for state, following in NEXT.items():
            for action, after in enumerate(following):
                ends = after in PAID
                extra = 0.0 if term is None else term.paid(state, after, terminated=ends)
                gains[state, action] = PAID.get(after, 0.0) + extra + (0 if ends else GAMMA * value[after])
        value[:3] = gains.max(axis=1)
    return [int(action) for action in gains.argmax(axis=1)]


@pytest.mark.parametrize("potentials", [[0, 0, 0, 9, 0], [5, -5, 5, 3, -3], [-4, 8, 0, 20, 1], [1, 2, 3, 0, 9]])
def test_optimal_policy_is_unchanged_by_any_potential_that_is_zero_at_the_end(potentials: list[float]) -> None:
    assert optimal_policy(None) == [1, 1, 1]
    assert optimal_policy(Table(potentials)) == [1, 1, 1]


def test_optimal_policy_is_another_where_the_terminal_potential_is_kept() -> None:
    assert optimal_policy(Table([0, 0, 0, 9, 0], zero_terminal=False)) == [0, 0, 0]


def test_each_step_pays_the_discounted_difference() -> None:
    term = Table([2.0, 5.0, 7.0, 11.0])
    assert term.paid(0, 1) == pytest.approx(GAMMA * 5 - 2)
    assert term.paid(1, 3, terminated=True) == pytest.approx(-5)
    kept = Table([2.0, 5.0, 7.0, 11.0], zero_terminal=False)
    assert kept.paid(1, 3, terminated=True) == pytest.approx(GAMMA * 11 - 5)
    assert (term.zeroes_terminal, kept.zeroes_terminal) == (True, False)


def test_time_limit_keeps_the_potential_unless_the_value_after_it_is_left_out() -> None:
    assert Table([2.0, 5.0]).paid(0, 1, truncated=True) == pytest.approx(GAMMA * 5 - 2)
    assert Table([2.0, 5.0], bootstrap=False).paid(0, 1, truncated=True) == pytest.approx(-2)


def test_what_an_episode_is_paid_is_the_difference_of_its_ends_and_the_next_one_begins_anew() -> None:
    term = Table([2.0, 5.0, 7.0, 11.0])
    term.begin()
    way = [1, 2, 1, 3]
    paid = [float(term(step_to(state, terminated=state == 3))[0]) for state in way]
    assert sum(GAMMA**step * reward for step, reward in enumerate(paid)) == pytest.approx(-2.0)
    assert float(term(step_to(2))[0]) == pytest.approx(GAMMA * 7 - 2)


# Distance and demonstrations


def envs_of(*episodes: Any) -> GroundlingVectorEnv:
    return GroundlingVectorEnv(EpisodeBank.pack("hand-built", episodes), len(episodes), shuffle=False)


def steps_of(term: Any, envs: GroundlingVectorEnv, actions: Any) -> list[float]:
    """What the first environment is paid for each action of all."""
    paid = []
    for action in actions:
        before = np.full(envs.num_envs, action)
        _, reward, terminated, truncated, info = envs.step(before)
        paid.append(float(term(Transition({}, before, {}, reward, terminated, truncated, info))[0]))
    return paid


ROOM = ("#######", "#>...b#", "#.....#", "#######")


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_distance_is_what_the_expert_still_takes(gamma: float) -> None:
    """To go to the ball the agent walks three tiles: it is reached when it is in front."""
    envs = envs_of(episode(*ROOM, goal=(Verb.GO_TO, "b", "")))
    envs.reset(seed=0)
    term = DistanceReward(run_of(1, DistanceConfig(scale=0.1), gamma=gamma), envs)
    term.begin()
    assert term.potential == "state"
    # a step nearer, a turn away, back again, and the way to the end, where nothing is to go
    away = [3, 2, 3, 2, 1, 0]
    expected = [0.1 * (before - gamma * after) for before, after in itertools.pairwise(away)]
    assert steps_of(term, envs, [FORWARD, LEFT, RIGHT, FORWARD, FORWARD]) == pytest.approx(expected)
    assert steps_of(term, envs, [FORWARD]) == pytest.approx([0.1 * (3 - gamma * 2)])  # of the next episode


def test_distance_is_the_time_limit_where_there_is_no_way() -> None:
    rooms = ("#######", "#>.#.b#", "#..#..#", "#######")
    envs = envs_of(episode(*rooms, goal=(Verb.GO_TO, "b", ""), max_steps=12))
    envs.reset(seed=0)
    term = DistanceReward(run_of(1, DistanceConfig(scale=0.1), gamma=1.0), envs)
    term.begin()
    assert term.state_dict()["potentials"].tolist() == pytest.approx([-1.2])
    assert steps_of(term, envs, [FORWARD]) == pytest.approx([0.0])


def test_demonstration_pays_the_share_of_the_way_that_is_behind() -> None:
    """Of its three states; beside the way counts as the nearest one."""
    envs = envs_of(episode(*ROOM, goal=(Verb.GO_TO, "b", "")))
    envs.reset(seed=0)
    settings = DemonstrationConfig(scale=1.0, zero_terminal=False)
    term = DemonstrationReward(run_of(1, settings, gamma=1.0), envs)
    term.begin()
    assert term.state_dict()["potentials"].tolist() == pytest.approx([1 / 3])
    assert steps_of(term, envs, [FORWARD, RIGHT, FORWARD, LEFT, FORWARD]) == pytest.approx([1 / 3, 0, 0, 0, 1 / 3])


def test_demonstration_counts_only_states_in_which_the_same_is_carried() -> None:
    envs = envs_of(episode("#######", "#>b..g#", "#######", goal=(Verb.PUT_NEXT_TO, "b", "g"), max_steps=30))
    envs.reset(seed=0)
    term = DemonstrationReward(run_of(1, DemonstrationConfig(), gamma=1.0), envs)
    term.begin()
    first = float(term.state_dict()["potentials"][0])
    (paid,) = steps_of(term, envs, [PICKUP])
    assert paid > 0  # the demonstration carries it on at the same place
    envs.worlds.state.carried[0] = 3  # the other ball, which it never carries
    assert float(term._potential()[0]) == 0.0 < first


@pytest.mark.parametrize("kind", [DistanceReward, DemonstrationReward])
def test_who_follows_the_expert_is_paid_at_every_step_of_the_real_levels(kind: Any) -> None:
    envs = make_vec("BabyAI-PutNextLocal-v0", 6, bank_size=12, cache=False)
    envs.reset(seed=0)
    assert isinstance(envs, GroundlingVectorEnv)
    term = kind(run_of(6, gamma=1.0), envs)
    term.begin()
    assert isinstance(envs.worlds, WorldBatch)
    expert = Expert(envs.worlds, sees="world")
    total, ends = np.zeros(6), 0
    for _ in range(40):
        actions = expert.actions().copy()
        _, reward, terminated, truncated, info = envs.step(actions)
        paid = term(Transition({}, actions, {}, reward, terminated, truncated, info))
        assert (paid[~(terminated | truncated)] >= -1e-9).all()
        total, ends = total + paid, ends + int(terminated.sum())
    assert ends >= 6


def test_rover_is_shaped_by_moves_on_the_grid(tmp_path: Path) -> None:
    envs = make_vec("BabyAI-GoToObjS4-v0", 2, bank_size=4, cache=False, body="rover")
    envs.reset(seed=0)
    term = DistanceReward(run_of(2), envs)
    term.begin()
    assert (term.state_dict()["potentials"] < 0).all()


def test_other_simulators_are_refused_in_words() -> None:
    envs: Any = SimpleNamespace(unwrapped=object(), num_envs=1)
    with pytest.raises(ConfigurationError, match="'distance' reads the worlds of Groundling's own tasks"):
        DistanceReward(run_of(1), envs)
    questions = make_vec("groundling/Questions-Near-v0", 1, bank_size=2, cache=False)
    with pytest.raises(ConfigurationError, match="no answers to questions"):
        DistanceReward(run_of(1), questions)


# Looking between the end of an episode and the next


@pytest.mark.parametrize("options", [{}, {"explored_radius": 5}, {"top_down_pixels": 4}, {"body": "rover"}])
def test_watched_environments_do_what_others_do(options: dict[str, Any]) -> None:
    pair = [make_vec("BabyAI-GoToObjS4-v0", 4, bank_size=8, cache=False, **options) for _ in range(2)]
    ours = pair[0]
    assert isinstance(ours, GroundlingVectorEnv)
    seen: list[NDArray[np.bool_]] = []
    ours.watch(lambda: seen.append(ours.worlds.outcomes.ended & (ours.worlds.state.step_count > 0)))
    for envs in pair:
        envs.reset(seed=3)
    generator = np.random.default_rng(0)
    ended = []
    for _ in range(150 if not options.get("body") else 40):
        actions = generator.integers(0, 3, size=4)
        results = [envs.step(actions) for envs in pair]
        for key, array in results[0][0].items():
            assert np.array_equal(array, results[1][0][key]), key
        for one, other in zip(results[0][1:4], results[1][1:4], strict=True):
            assert np.array_equal(one, other)
        ended.append(results[0][2] | results[0][3])
        for row in np.flatnonzero(ended[-1]).tolist():
            one, other = (result[4]["final_obs"][row] for result in results)
            assert all(np.array_equal(one[key], other[key]) for key in one)
    assert np.array_equal(seen, ended)  # the steps of ended episodes are seen, not those of the next ones
    assert np.any(ended) or options.get("body")


# Runs


@pytest.mark.parametrize("reward", ["distance", "demonstration", "rubric"])
def test_resumed_run_is_bit_equal(reward: str, tmp_path: Path) -> None:
    config = make_config(reward=("environment", reward))
    train(config, tmp_path / "whole")
    Trainer(config, tmp_path / "parts").run(stop_after_updates=1)
    train(config, tmp_path / "parts", resume=True)
    whole, parts = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "parts")
    for field in dataclasses.fields(whole):
        assert_same(getattr(parts, field.name), getattr(whole, field.name), field.name)
    assert str(metrics_of(tmp_path / "parts")) == str(metrics_of(tmp_path / "whole"))  # NaN is NaN


def test_discount_of_the_shaping_is_that_of_the_algorithm(tmp_path: Path) -> None:
    ppo = PPOConfig(num_steps=12, minibatch_size=48, gamma=0.8)
    trainer = Trainer(make_config(reward=("distance",), ppo=ppo), tmp_path / "run")
    term = trainer.rewards.terms["distance"]
    assert isinstance(term, DistanceReward)
    assert term.gamma == 0.8
