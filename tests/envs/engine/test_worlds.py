"""A batch of worlds: independent rows, threads, actions that are refused, and states saved and loaded."""

from __future__ import annotations

import numpy as np
import pytest
from hand_built import DONE, FORWARD, PICKUP, RIGHT, episode, play, worlds_of

from groundling.envs import EpisodeBank
from groundling.envs.engine.array_pool import ArrayPool
from groundling.envs.engine.constants import Verb
from groundling.envs.engine.state import Observations
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ActionError, ConfigurationError


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds("BabyAI-PickupLoc-v0", range(40))


def small_observations() -> Observations:
    return Observations(
        image=np.zeros((2, 147), dtype=np.uint8),
        direction=np.zeros(2, dtype=np.int64),
        instruction=np.zeros((2, 3), dtype=np.int32),
    )


def snapshot(worlds: WorldBatch) -> list[np.ndarray]:
    """Copies of all that a batch shows and holds, observations first; statistics where an episode ended."""
    out = worlds.outcomes
    ended = out.terminated | out.truncated
    statistics = (array[ended] for array in (out.episode_return, out.episode_length, out.success))
    arrays = (*worlds.observations, out.reward, out.terminated, out.truncated, *statistics, *worlds.state)
    return [array.copy() for array in arrays]


def all_equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_environments_of_a_batch_do_not_touch_each_other(bank: EpisodeBank) -> None:
    together = WorldBatch(bank, 6, shuffle=False)
    together.reset()
    alone = [WorldBatch(bank.take(np.array([row])), 1, shuffle=False) for row in range(6)]
    for worlds in alone:
        worlds.reset()
    rng = np.random.default_rng(0)
    for _ in range(60):
        actions = rng.integers(7, size=6)
        together.step(actions, autoreset=False)
        for row, worlds in enumerate(alone):
            worlds.step(actions[row : row + 1], autoreset=False)
            assert np.array_equal(worlds.observations.image[0], together.observations.image[row])
            assert worlds.outcomes.reward[0] == together.outcomes.reward[row]


def test_two_threads_give_the_results_of_one(bank: EpisodeBank) -> None:
    batches = [WorldBatch(bank, 600, order_seed=3, num_threads=threads) for threads in (1, 2)]
    assert [worlds.threads.count for worlds in batches] == [1, 2]
    for worlds in batches:
        worlds.reset()
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(100):
        actions = rng.integers(7, size=600)
        for worlds in batches:
            worlds.step(actions)
        ended += int((batches[0].outcomes.terminated | batches[0].outcomes.truncated).sum())
        assert all_equal(snapshot(batches[0]), snapshot(batches[1]))
    assert ended > 600
    for worlds in batches:
        worlds.close()


def test_every_share_of_the_threads_is_stepped() -> None:
    worlds = WorldBatch(EpisodeBank.pack("hand-built", [episode("...", ".>.", "...")]), 1030, num_threads=4)
    worlds.reset()
    worlds.step(np.full(1030, RIGHT))
    assert (worlds.observations.direction == 1).all()
    worlds.close()


def test_ended_environment_begins_its_next_episode_in_the_same_step() -> None:
    goal = (Verb.PICK_UP, "b", "")
    first, second = episode("...", ".>b", "...", goal=goal), episode("...", ".^b", "...", goal=goal, max_steps=7)
    worlds = WorldBatch(EpisodeBank.pack("hand-built", [first, second]), 1, shuffle=False)
    worlds.reset()
    worlds.step(np.array([PICKUP]))
    assert worlds.outcomes.terminated[0]
    assert worlds.outcomes.success[0]
    assert worlds.outcomes.episode_length[0] == 1
    assert worlds.outcomes.episode_return[0] == worlds.outcomes.reward[0] == 1 - 0.9 / 20
    assert worlds.state.episode[0] == 1
    assert worlds.state.step_count[0] == 0
    assert worlds.state.max_steps[0] == 7
    assert worlds.final.direction[0] == 0
    assert worlds.observations.direction[0] == 3
    assert worlds.final.image[0].reshape(7, 7, 3)[3, 6, 0] == 6  # the ball is in its hands
    assert worlds.observations.image[0].reshape(7, 7, 3)[3, 6, 0] == 1


def test_failure_of_a_strict_goal_is_no_success() -> None:
    worlds = worlds_of(episode("..g", ".>b", "...", goal=(Verb.PICK_UP, "g", ""), strict=True))
    worlds.step(np.array([PICKUP]))
    assert worlds.outcomes.terminated[0]
    assert not worlds.outcomes.success[0]


def test_new_episode_owes_nothing_to_the_one_before() -> None:
    start = episode("..k..", "B>b.D", "..g..", goal=(Verb.PICK_UP, "g", ""), max_steps=15)
    worlds = worlds_of(start)
    fresh = snapshot(worlds)[:3]
    rng = np.random.default_rng(1)
    for _ in range(20):
        while True:
            worlds.step(rng.integers(7, size=1))
            if worlds.outcomes.terminated[0] or worlds.outcomes.truncated[0]:
                break
        assert all_equal(snapshot(worlds)[:3], fresh)
        reference = worlds_of(start)
        for name, array in worlds.state._asdict().items():
            assert name == "episode_number" or np.array_equal(array, getattr(reference.state, name)), name


def test_order_of_the_bank_is_kept_without_shuffling(bank: EpisodeBank) -> None:
    worlds = WorldBatch(bank, 16, shuffle=False)
    played = []
    for _ in range(4):
        worlds.reset()
        played.append(worlds.state.episode.copy())
    assert np.array_equal(np.concatenate(played), np.arange(64) % 40)


def test_shuffled_order_draws_every_episode_about_equally_often(bank: EpisodeBank) -> None:
    worlds = WorldBatch(bank, 500, order_seed=11)
    counts = np.zeros(len(bank))
    for _ in range(40):
        worlds.reset()
        counts += np.bincount(worlds.state.episode, minlength=len(bank))
    expected = 500 * 40 / 40
    # chi-square with 39 degrees of freedom: above 80 with probability 1e-4
    assert ((counts - expected) ** 2 / expected).sum() < 80
    # as even as chance, not more: a cycle through the bank would give nearly 0
    assert ((counts - expected) ** 2 / expected).sum() > 10


@pytest.mark.parametrize("shuffle", [True, False])
def test_saved_and_loaded_state_continues_identically(bank: EpisodeBank, shuffle: bool) -> None:
    rng = np.random.default_rng(0)
    actions = rng.integers(7, size=(200, 9))
    worlds = WorldBatch(bank, 9, shuffle=shuffle, order_seed=5)
    worlds.reset()
    for row in actions[:100]:
        worlds.step(row)
    saved = worlds.state_dict()
    kept = {name: array.copy() for name, array in saved.items()}
    continued = []
    for row in actions[100:]:
        worlds.step(row)
        continued.append(snapshot(worlds))
    assert all(np.array_equal(saved[name], kept[name]) for name in kept), "the saved state is a copy"

    other = WorldBatch(bank, 9, shuffle=not shuffle, order_seed=99)
    other.load_state_dict(saved)
    assert np.array_equal(other.observations.image, saved["observations.image"])
    for row, expected in zip(actions[100:], continued, strict=True):
        other.step(row)
        assert all_equal(snapshot(other), expected)


def test_current_step_is_saved_by_the_name_that_older_checkpoints_have(bank: EpisodeBank) -> None:
    worlds = WorldBatch(bank, 3)
    worlds.reset()
    worlds.state.current_step[:] = 0, 1, 2
    saved = worlds.state_dict()
    assert saved["state.stage"].tolist() == [0, 1, 2]
    assert "state.current_step" not in saved


def test_state_of_another_batch_is_refused_and_nothing_is_loaded(bank: EpisodeBank) -> None:
    worlds, bigger = WorldBatch(bank, 3), WorldBatch(bank, 4)
    for batch in (worlds, bigger):
        batch.reset()
    before = snapshot(worlds)
    with pytest.raises(ConfigurationError, match="another level, bank or num_envs"):
        worlds.load_state_dict(bigger.state_dict())
    longer = worlds.state_dict()
    longer["state.cells"] += 1
    longer["observations.instruction"] = np.zeros((3, 99), dtype=np.int32)
    with pytest.raises(ConfigurationError, match=r"observations\.instruction"):
        worlds.load_state_dict(longer)
    assert all_equal(snapshot(worlds), before)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.array([0, 7]), "action 7 of environment 1 is out of range"),
        (np.array([-1, 0]), "action -1 of environment 0 is out of range"),
        (np.array([0, 2**64 - 1], dtype=np.uint64), "environment 1 is out of range"),
        (np.array([0.0, 1.0]), "got float64: did you pass logits"),
        (np.array([True, False]), "got bool"),
        (np.array([0, 1, 2]), r"got shape \(3,\)"),
        (np.array([[0], [1]]), r"got shape \(2, 1\)"),
        (np.array(3), r"got shape \(\)"),
        (np.array([None, None]), "got object"),
    ],
)
def test_wrong_actions_are_refused_and_nothing_is_stepped(actions: np.ndarray, message: str) -> None:
    worlds = worlds_of(episode("....", ".>.."), episode(".<..", "...."))
    play(worlds, [FORWARD])
    before = snapshot(worlds)
    with pytest.raises(ActionError, match=message):
        worlds.step(actions)
    assert all_equal(snapshot(worlds), before)
    worlds.step(np.array([int(DONE)] * 2, dtype=np.uint8))  # any integer type will do
    assert worlds.state.step_count.tolist() == [2, 2]


@pytest.mark.parametrize("counts", [{"num_envs": 0}, {"num_envs": -1}, {"num_envs": 2, "num_threads": 0}])
def test_batch_needs_an_environment_and_a_thread(bank: EpisodeBank, counts: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="must be at least 1"):
        WorldBatch(bank, **counts)


def test_observation_pool_reuses_arrays_only_when_nobody_holds_them() -> None:
    pool = ArrayPool(small_observations)
    first = pool.take()
    kept = first.image[1:, :5]  # a view of one of the three arrays
    address = first.image.ctypes.data
    del first
    second = pool.take()
    assert second.image.ctypes.data != address
    assert isinstance(second, Observations)
    del kept
    assert pool.take().image.ctypes.data == address


def test_array_pool_does_not_grow_while_arrays_are_returned() -> None:
    pool = ArrayPool(small_observations)
    for _ in range(20):
        taken = pool.take()
        del taken
    assert len(pool._sets) == 1
