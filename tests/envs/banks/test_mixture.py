"""Mixtures of tasks: drawn by their shares, and each episode played as it would be alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from groundling.envs import EpisodeBank, TaskMixture, make_vec
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError
from groundling.language import VOCABULARY

SMALL = "BabyAI-GoToObjS4-v0"  # a room of 4 x 4
SIZES = (30, 5, 50)
SHARES = np.array([0.2, 0.5, 0.3])


@pytest.fixture(scope="module")
def mixture() -> TaskMixture:
    levels = (SMALL, "BabyAI-GoToLocal-v0", "BabyAI-PickupDistDebug-v0")
    return TaskMixture.of([EpisodeBank.of_seeds(n, range(size)) for n, size in zip(levels, SIZES, strict=True)])


def drawn(worlds: WorldBatch, rounds: int) -> np.ndarray:
    """The rows of the bank that a batch begins, [rounds * B]."""
    rows = []
    for _ in range(rounds):
        worlds.reset()
        rows.append(worlds.state.episode.copy())
    return np.concatenate(rows)


# One task


def test_order_of_one_task_is_that_of_the_first_version() -> None:
    """Published figures depend on these draws; written down before there were mixtures."""
    bank = EpisodeBank.of_seeds(SMALL, range(40))
    expected = {
        0: [[15, 20, 39, 4, 27, 10], [33, 20, 19, 30, 1, 6], [3, 31, 17, 27, 5, 22], [12, 4, 39, 21, 18, 20]],
        7: [[7, 4, 26, 3, 34, 25], [38, 22, 25, 25, 3, 36], [30, 24, 30, 0, 7, 31], [37, 0, 23, 29, 13, 15]],
        2**63 - 1: [[39, 7, 0, 3, 3, 19], [39, 6, 5, 1, 15, 23], [16, 11, 39, 39, 24, 12], [6, 29, 21, 5, 1, 33]],
    }
    for seed, rounds in expected.items():
        for played in (bank, TaskMixture.of([bank])):
            worlds = WorldBatch(played, 6, order_seed=seed)
            assert drawn(worlds, len(rounds)).reshape(-1, 6).tolist() == rounds


def test_run_of_one_task_is_that_of_the_first_version() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds(SMALL, range(40)), num_envs=5, seed=3)
    envs.reset(seed=11)
    assert envs.worlds.state.episode.tolist() == [6, 35, 33, 22, 23]
    rng, total = np.random.default_rng(0), 0
    for _ in range(300):
        observation = envs.step(rng.integers(7, size=5))[0]
        total = total * 31 + int(envs.worlds.state.episode.sum()) + int(observation["image"].sum())
    assert total % 1000003 == 115448


def test_mixture_of_one_bank_is_that_bank() -> None:
    bank = EpisodeBank.of_seeds(SMALL, range(3))
    assert TaskMixture.of([bank]).bank is bank


# Draws


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_tasks_are_drawn_by_their_shares_and_their_episodes_alike(mixture: TaskMixture, scale: float) -> None:
    worlds = WorldBatch(mixture, 1000, order_seed=5)
    worlds.set_shares(SHARES * scale)
    np.testing.assert_allclose(worlds.shares, SHARES)
    counts = np.bincount(drawn(worlds, 60), minlength=len(mixture.bank))
    expected = np.repeat(60_000 * SHARES / SIZES, SIZES)
    assert chisquare(counts, expected).pvalue > 0.001
    assert chisquare(counts, np.full(len(counts), 60_000 / len(counts))).pvalue < 1e-9


def test_tasks_are_drawn_alike_if_nobody_says_otherwise(mixture: TaskMixture) -> None:
    worlds = WorldBatch(mixture, 1000)
    tasks = mixture.task_of(drawn(worlds, 30))
    assert chisquare(np.bincount(tasks, minlength=3)).pvalue > 0.001


@pytest.mark.parametrize("shares", [(0, 1, 0), (1, 0, 0), (0, 0, 1), (0, 0.1, 0.2), (0.1, 0.7, 0), (1 / 3, 0, 2 / 3)])
def test_task_of_no_share_is_never_drawn(mixture: TaskMixture, shares: tuple[float, ...]) -> None:
    worlds = WorldBatch(mixture, 500, order_seed=1)
    worlds.set_shares(shares)
    tasks = mixture.task_of(drawn(worlds, 20))
    assert set(tasks) == {task for task, share in enumerate(shares) if share}


def test_draws_depend_on_the_shares_of_now_and_not_on_earlier_ones(mixture: TaskMixture) -> None:
    steady, changing = (WorldBatch(mixture, 200, order_seed=9) for _ in range(2))
    changing.set_shares([0, 0, 1])
    assert set(mixture.task_of(drawn(changing, 3))) == {2}
    drawn(steady, 3)
    for worlds in (steady, changing):
        worlds.set_shares(SHARES)
    assert np.array_equal(drawn(steady, 2), drawn(changing, 2))


def test_new_shares_leave_the_running_episodes_alone(mixture: TaskMixture) -> None:
    worlds = WorldBatch(mixture, 64, order_seed=2)
    worlds.set_shares([1, 0, 0])
    worlds.reset()
    before = worlds.state.episode.copy()
    worlds.set_shares([0, 0, 1])
    rng, began = np.random.default_rng(0), np.zeros(64, dtype=bool)
    for _ in range(16):  # the time limit
        worlds.step(rng.integers(7, size=64))
        assert np.array_equal(
            worlds.outcomes.episode[worlds.outcomes.ended & ~began], before[worlds.outcomes.ended & ~began]
        )
        began |= worlds.outcomes.ended
        assert np.array_equal(mixture.task_of(worlds.state.episode) == 2, began)
    assert began.all()


def test_episodes_in_order_are_those_of_all_tasks_whatever_their_shares(mixture: TaskMixture) -> None:
    worlds = WorldBatch(mixture, 17, shuffle=False)
    worlds.set_shares([1, 0, 0])
    assert drawn(worlds, 5).tolist() == list(range(sum(SIZES)))


@pytest.mark.parametrize("shares", [[1, 1], [1, 1, 1, 1], 1, [0, 0, 0], [1, -0.1, 1], [1, np.nan, 1], [np.inf, 1, 1]])
def test_impossible_shares_are_refused_and_change_nothing(mixture: TaskMixture, shares: list[float]) -> None:
    worlds = WorldBatch(mixture, 2)
    worlds.set_shares(SHARES)
    with pytest.raises(ConfigurationError, match="shares"):
        worlds.set_shares(shares)
    np.testing.assert_allclose(worlds.shares, SHARES)


def test_shares_of_any_size_can_be_set(mixture: TaskMixture) -> None:
    worlds = WorldBatch(mixture, 2)
    for size in (1e-300, 1e300, 1.7e308):
        worlds.set_shares([size, size, size])
        np.testing.assert_allclose(worlds.shares, [1 / 3] * 3)


def test_shares_are_saved_with_the_environments(mixture: TaskMixture) -> None:
    envs, others = (make_vec(bank=mixture, num_envs=40, seed=seed) for seed in (1, 2))
    envs.set_shares([0.01, 0.9, 0.09])
    envs.reset()
    others.load_state_dict(envs.state_dict())
    assert np.array_equal(others.shares, envs.shares)
    rng = np.random.default_rng(0)
    for _ in range(40):
        actions = rng.integers(7, size=40)
        for first, second in zip(envs.step(actions)[0].values(), others.step(actions)[0].values(), strict=True):
            assert np.array_equal(first, second)
    with pytest.raises(ConfigurationError, match="limits of shape"):
        make_vec(bank=mixture.bank, num_envs=40).load_state_dict(envs.state_dict())


# Sizes


def test_episodes_of_mixed_sizes_play_as_each_alone() -> None:
    """Smaller and larger maps, few and many objects, one clause and four, walls that hide and walls that do not."""
    levels = (
        SMALL,
        "BabyAI-GoToSeqS5R2-v0",
        "MiniGrid-Fetch-8x8-N3-v0",
        "MiniGrid-MemoryS7-v0",
        "MiniGrid-PutNear-6x6-N2-v0",
        "BabyAI-BlockedUnlockPickup-v0",
    )
    count = 6
    banks = [EpisodeBank.of_seeds(level, range(count)) for level in levels]
    assert len({bank.cells.shape[1:] for bank in banks}) >= 4
    assert len({bank.instruction_length for bank in banks}) == len({int(bank.looks[0, 1]) for bank in banks}) == 2
    together = WorldBatch(TaskMixture.of(banks), count * len(levels), shuffle=False)
    alone = [WorldBatch(bank, count, shuffle=False) for bank in banks]
    rng = np.random.default_rng(0)
    rewarded: set[int] = set()
    for worlds in (together, *alone):
        worlds.reset()
    for step in range(150):
        if step:
            actions = rng.choice(7, p=[0.15, 0.15, 0.4, 0.1, 0.05, 0.1, 0.05], size=together.num_envs)
            together.step(actions, autoreset=False)
        for task, worlds in enumerate(alone):
            rows = slice(task * count, (task + 1) * count)
            if step:
                worlds.step(actions[rows], autoreset=False)
                for name in ("reward", "terminated", "truncated", "episode_return", "episode_length", "success"):
                    assert np.array_equal(getattr(together.outcomes, name)[rows], getattr(worlds.outcomes, name)), name
                rewarded.update({task} if worlds.outcomes.reward.any() else ())
            assert np.array_equal(together.observations.image[rows], worlds.observations.image), levels[task]
            assert np.array_equal(together.observations.direction[rows], worlds.observations.direction)
            for longer, own in zip(
                together.observations.instruction[rows], worlds.observations.instruction, strict=True
            ):
                assert VOCABULARY.decode(longer) == VOCABULARY.decode(own)
    assert len(rewarded) >= 3


# Tasks


def test_ended_episodes_are_told_by_task(mixture: TaskMixture) -> None:
    envs = make_vec(bank=mixture, num_envs=30, seed=4)
    envs.reset()
    rng = np.random.default_rng(0)
    told = np.zeros(3, dtype=int)
    for _ in range(100):
        running = mixture.task_of(envs.worlds.state.episode)
        _, _, terminated, truncated, info = envs.step(rng.integers(7, size=30))
        ended = terminated | truncated
        assert ("final_info" in info) == ended.any()
        if ended.any():
            final = info["final_info"]
            assert np.array_equal(final["_task"], ended)
            assert final["task"].dtype == np.int64
            assert np.array_equal(final["task"], np.where(ended, running, 0))
            told += np.bincount(running[ended], minlength=3)
    assert (told > 10).all()


def test_environments_of_one_task_do_not_tell_it() -> None:
    envs = make_vec(bank=EpisodeBank.of_seeds(SMALL, range(4)), num_envs=2)
    envs.reset()
    for _ in range(16):
        *_, info = envs.step(np.full(2, 6))
    assert "episode" in info["final_info"]
    assert "task" not in info["final_info"]
    assert envs.tasks == (SMALL,)
    assert envs.shares.tolist() == [1]


def test_mixture_knows_its_tasks_their_rows_and_their_limits(mixture: TaskMixture) -> None:
    assert mixture.tasks == (SMALL, "BabyAI-GoToLocal-v0", "BabyAI-PickupDistDebug-v0")
    assert mixture.starts.tolist() == [0, 30, 35, 85]
    assert mixture.task_of(np.array([0, 29, 30, 34, 35, 84])).tolist() == [0, 0, 1, 1, 2, 2]
    assert mixture.time_limits.tolist() == [16, 64, 49]
    assert make_vec(bank=mixture, num_envs=1).tasks == mixture.tasks


def test_impossible_mixture_is_refused() -> None:
    bank = EpisodeBank.of_seeds(SMALL, range(2))
    with pytest.raises(ConfigurationError, match="at least one bank"):
        TaskMixture.of([])
    with pytest.raises(ConfigurationError, match=f"task '{SMALL}'"):
        TaskMixture.of([bank, bank])
    with pytest.raises(ConfigurationError, match="at least one episode"):
        TaskMixture.of([bank.take(slice(0, 0))])


def test_mixture_by_instruction_has_the_same_episodes_sorted_by_sentence(mixture: TaskMixture) -> None:
    bank = EpisodeBank.of_seeds("BabyAI-GoToLocal-v0", range(200))
    divided = TaskMixture.of([bank]).by_instruction()
    assert set(divided.tasks) == set(bank.instructions)
    assert len(divided.tasks) == len(bank.instructions) > 20
    assert sorted(divided.bank.seeds.tolist()) == list(range(200))
    rows = np.arange(200)
    told = [divided.tasks[task] for task in divided.task_of(rows)]
    assert told == [divided.bank.instruction(row) for row in rows]
    assert told == [bank.instruction(seed) for seed in divided.bank.seeds]
    with pytest.raises(ConfigurationError, match="several tasks"):
        mixture.by_instruction()
