"""Enumerated episodes: every state by hand in a corridor, and everywhere else the same as stepping the worlds."""

from __future__ import annotations

import numpy as np
import pytest
from hand_built import FORWARD, LEFT, PICKUP, RIGHT, TOGGLE, episode

from groundling.envs import EpisodeBank
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import Verb
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError, EnumerationError
from groundling.exact import FAILURE, SUCCESS, Mdp, enumerate_bank, enumerate_episode

CORRIDOR = ("#####", "#>.b#", "#####")


def mdp_of(*drawn: Episode) -> Mdp:
    return enumerate_bank(EpisodeBank.pack("BabyAI-GoToObj-v0", drawn))


def test_states_of_a_corridor_are_those_counted_by_hand() -> None:
    """Four directions on the first tile; to go on to the second faces the ball, which ends the episode."""
    mdp = mdp_of(episode(*CORRIDOR, goal=(Verb.GO_TO, "b", "")))
    assert len(mdp) == 4
    start = int(mdp.starts[0])
    assert mdp.following[start, FORWARD] == SUCCESS
    turned = int(mdp.following[start, RIGHT])
    assert mdp.following[turned, LEFT] == start
    assert mdp.following[turned, FORWARD] == turned  # into a wall
    assert mdp.following[start, PICKUP] == start
    assert (mdp.following == SUCCESS).sum() == mdp.reward.sum() == 1


def test_failure_is_another_end_than_success() -> None:
    mdp = mdp_of(episode("######", "#b.>g#", "######", goal=(Verb.GO_TO, "b", ""), strict=True))
    assert (mdp.following == FAILURE).any()
    assert (mdp.following == SUCCESS).any()
    assert mdp.reward[mdp.following == FAILURE].sum() == 0


BOXES = ("#######", "#>.B..#", "#....D#", "#######")
HAND_BUILT = {
    "go": episode("#####", "#>..#", "#.bg#", "#####", goal=(Verb.GO_TO, "b", "")),
    "carry": episode("#####", "#>b.#", "#..g#", "#####", goal=(Verb.PUT_NEXT_TO, "b", "g")),
    "open": episode("#######", "#>.#..#", "#.yL.b#", "#######", goal=(Verb.GO_TO, "b", "")),
    "box": episode("######", "#>.B.#", "#....#", "######", goal=(Verb.PICK_UP, "k", "")),
    "trap": episode("#####", "#>B.#", "#.Y.#", "#####", goal=(Verb.PICK_UP, "k", "Y")),  # to open the other box fails
    "steps": episode("#####", "#>.b#", "#.g.#", "#####", goal=[(Verb.GO_TO, "b", ""), (Verb.PICK_UP, "g", "", 0)]),
    "strict": episode("#####", "#>.b#", "#g..#", "#####", goal=(Verb.PICK_UP, "b", ""), strict=True),
}


@pytest.mark.parametrize("name", HAND_BUILT)
def test_every_transition_is_what_the_worlds_do(name: str) -> None:
    """Every state with every action, and what the agent sees in the state that follows."""
    mdp = mdp_of(HAND_BUILT[name])
    rng = np.random.default_rng(0)
    states = np.arange(len(mdp)) if len(mdp) < 400 else rng.choice(len(mdp), 400, replace=False)
    for action in range(mdp.num_actions):
        worlds = mdp.worlds(states)
        worlds.state.max_steps[:] = 10**6
        worlds.step(np.full(len(states), action), autoreset=False)
        after = mdp.following[states, action]
        assert np.array_equal(worlds.outcomes.success, after == SUCCESS)
        assert np.array_equal(worlds.outcomes.terminated, after < 0)
        goes_on = np.flatnonzero(after >= 0)
        expected = mdp.worlds(after[goes_on])
        assert np.array_equal(worlds.observations.image[goes_on], expected.observations.image)
        for part in ("cells", "positions", "carried", "current_step", "looks"):
            assert np.array_equal(getattr(worlds.state, part)[goes_on], getattr(expected.state, part))


@pytest.mark.parametrize("task", ["BabyAI-GoToLocalS5N2-v0", "BabyAI-UnlockLocal-v0"])
def test_random_walk_goes_the_same_way(task: str) -> None:
    bank = EpisodeBank.of_seeds(task, [4])
    mdp = enumerate_episode(bank)
    assert len({row.tobytes() for row in mdp.packed[0]}) == len(mdp)  # no state stands there twice
    rng = np.random.default_rng(1)
    worlds = WorldBatch(bank, 1, shuffle=False)
    worlds.reset()
    state = int(mdp.starts[0])
    for _ in range(300):
        assert np.array_equal(worlds.observations.image[0], mdp.worlds([state]).observations.image[0])
        action = int(rng.integers(7))
        worlds.state.step_count[:] = 0
        worlds.step(np.array([action]), autoreset=False)
        state = int(mdp.following[state, action])
        assert bool(worlds.outcomes.ended[0]) == (state < 0)
        if state < 0:
            worlds = WorldBatch(bank, 1, shuffle=False)
            worlds.reset()
            state = int(mdp.starts[0])


def test_joined_episodes_do_not_meet() -> None:
    parts = [mdp_of(HAND_BUILT["go"]), mdp_of(episode(*CORRIDOR))]
    mdp = Mdp.joined(parts)
    assert mdp.starts.tolist() == [0, len(parts[0])]
    assert [mdp.episode_of(state) for state in (0, len(parts[0]) - 1, len(parts[0]))] == [0, 0, 1]
    second = mdp.following[len(parts[0]) :]
    assert second[second >= 0].min() >= len(parts[0])
    assert len(mdp.worlds([len(parts[0])]).bank.looks[0]) != len(mdp.worlds([0]).bank.looks[0])
    with pytest.raises(ConfigurationError, match="of one episode"):
        mdp.worlds([0, len(parts[0])])


def test_episode_that_is_too_large_is_refused_with_its_size() -> None:
    bank = EpisodeBank.pack("BabyAI-GoToObj-v0", [HAND_BUILT["carry"]])
    count = len(enumerate_episode(bank))
    assert len(enumerate_episode(bank, most_states=count)) == count
    with pytest.raises(EnumerationError, match=rf"more than {count - 1:,} states \(6 tiles, 2 things\): choose"):
        enumerate_episode(bank, most_states=count - 1)


def test_rover_is_refused() -> None:
    bank = EpisodeBank.of_seeds("groundling/GroundedRoom-Easy-v0", [0])
    with pytest.raises(EnumerationError, match="driven through by a rover"):
        enumerate_episode(bank)


def test_toggled_box_is_another_state() -> None:
    mdp = mdp_of(episode(*BOXES, goal=(Verb.PICK_UP, "k", "")))
    path = [int(mdp.starts[0])]
    for action in (FORWARD, TOGGLE):
        path.append(int(mdp.following[path[-1], action]))
    assert len(set(path)) == 3
    assert mdp.following[path[2], PICKUP] == SUCCESS
