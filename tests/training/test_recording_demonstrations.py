"""Recording: the expert's own actions, of the first episodes that it solves, whatever plays beside them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from groundling.agents.bots import Expert
from groundling.envs import EpisodeBank, HeldOut, build_bank
from groundling.envs.banks.splits import SPLITS, training_split
from groundling.envs.engine.constants import Action
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError, SplitError, UnknownEnvironmentError
from groundling.language import parse
from groundling.training import recording
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.recording import play, record

LEVEL = "BabyAI-GoToLocal-v0"
OBSTACLES = "BabyAI-UnlockLocal-v0"


def assert_same(first: DemonstrationSet, second: DemonstrationSet) -> None:
    assert first.provenance == second.provenance
    for name, array in first.arrays.items():
        assert np.array_equal(array, second.arrays[name]), name


def stubborn(monkeypatch: pytest.MonkeyPatch, *, lost: set[int] = frozenset(), idle: set[int] = frozenset()) -> None:
    """Let the expert be lost, or do nothing but wait, in the episodes of these rows of the whole bank."""
    whole = build_bank(LEVEL, 400, seed=3, split="train", progress=False)
    lost_seeds, idle_seeds = whole.seeds[sorted(lost)], whole.seeds[sorted(idle)]

    class Stubborn(Expert):
        def actions(self) -> NDArray[np.int64]:
            actions = super().actions()
            seeds = self.worlds.bank.seeds[self.worlds.state.episode]
            self.lost |= np.isin(seeds, lost_seeds)
            actions[np.isin(seeds, [*lost_seeds, *idle_seeds])] = Action.DONE
            return actions

    monkeypatch.setattr(recording, "Expert", Stubborn)


def rows_of(demonstrations: DemonstrationSet) -> list[int]:
    """Where the episodes are in the whole bank."""
    whole = build_bank(LEVEL, 400, seed=3, split="train", progress=False).seeds.tolist()
    return [whole.index(seed) for seed in demonstrations.bank.seeds.tolist()]


# What is recorded


def test_recorded_episodes_are_the_first_of_the_bank_of_that_seed() -> None:
    demonstrations = record(LEVEL, 30, seed=3)
    bank = build_bank(LEVEL, 30, seed=3, split="train")
    assert len(demonstrations) == 30
    assert demonstrations.bank.seeds.tolist() == bank.seeds.tolist()
    assert demonstrations.bank.instructions == bank.instructions
    assert np.array_equal(demonstrations.bank.cells, bank.cells)


@pytest.mark.parametrize("sees", ["world", "explored"])
def test_actions_are_those_of_an_expert_alone_in_the_world(sees) -> None:
    demonstrations = record(LEVEL, 12, seed=3, sees=sees, num_envs=5)
    for row in range(12):
        worlds = WorldBatch(demonstrations.bank.take(np.array([row])), 1, shuffle=False)
        worlds.reset()
        expert, taken = Expert(worlds, sees=sees), []
        while not taken or not worlds.outcomes.ended[0]:
            taken.append(int(expert.actions()[0]))
            worlds.step(np.array(taken[-1:]), autoreset=False)
        own = slice(*demonstrations.starts[row : row + 2])
        assert demonstrations.actions[own].tolist() == taken
        assert demonstrations.returns[row] == worlds.outcomes.episode_return[0] > 0
        assert demonstrations.lengths[row] == worlds.outcomes.episode_length[0]
    assert demonstrations.provenance.expert == sees


def test_number_of_environments_changes_nothing() -> None:
    alone = record(LEVEL, 20, seed=3, num_envs=1)
    for num_envs in (2, 7, 20, 1000):
        assert_same(record(LEVEL, 20, seed=3, num_envs=num_envs), alone)


def test_seed_names_the_demonstrations() -> None:
    first = record(LEVEL, 20, seed=3)
    assert_same(record(LEVEL, 20, seed=3, cache=False), first)
    other = record(LEVEL, 20, seed=4)
    assert not set(other.bank.seeds.tolist()) & set(first.bank.seeds.tolist())
    assert other.actions.tolist() != first.actions.tolist()
    assert (first.provenance.seed, other.provenance.seed) == (3, 4)


def test_fewer_demonstrations_are_the_first_of_more() -> None:
    few, many = record(LEVEL, 10, seed=3), record(LEVEL, 25, seed=3)
    assert few.bank.seeds.tolist() == many.bank.seeds[:10].tolist()
    assert few.actions.tolist() == many.actions[: few.num_frames].tolist()


def test_nothing_that_is_held_out_is_demonstrated() -> None:
    held_out = HeldOut(combinations=("red ball", "blue key"))
    demonstrations = record(LEVEL, 60, seed=3, split=training_split(held_out))
    assert not any(held_out.violated(parse(text)) for text in demonstrations.bank.instructions)
    assert demonstrations.provenance.split == training_split(held_out).describe()
    assert record(LEVEL, 2).provenance.split == SPLITS["train"].describe()


def test_nothing_is_printed_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    record(LEVEL, 3, cache=False)
    assert capfd.readouterr() == ("", "")


# What is left out


def test_lost_and_failed_episodes_are_left_out_and_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, idle = {0, 7, 8, 30, 43, 90}, {2, 3, 41}
    stubborn(monkeypatch, lost=lost, idle=idle)
    expected = [row for row in range(400) if row not in lost | idle][:40]
    for num_envs in (1, 16, 256):
        demonstrations = record(LEVEL, 40, seed=3, num_envs=num_envs)
        assert rows_of(demonstrations) == expected
        origin = demonstrations.provenance
        assert (origin.tried, origin.lost, origin.failed) == (expected[-1] + 1, 5, 3)
        list(demonstrations.replays())


def test_lost_episode_takes_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn(monkeypatch, lost=set(range(0, 400, 3)))
    bank = build_bank(LEVEL, 400, seed=3, split="train", progress=False).take(slice(0, 30))
    played = play(bank, num_envs=2)
    assert played.lost.tolist() == [row % 3 == 0 for row in range(30)]
    assert played.solved.tolist() == [row % 3 != 0 for row in range(30)]
    assert set(played.lengths[played.lost].tolist()) == {1}
    assert played.lengths[played.solved].sum() == len(played.actions)


def test_single_demonstration_is_found_where_the_first_episode_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn(monkeypatch, lost={0, 1})
    demonstrations = record(LEVEL, 1, seed=3)
    assert rows_of(demonstrations) == [2]
    assert demonstrations.provenance.tried == 3


@pytest.mark.parametrize(
    ("sees", "told"), [("explored", r"--expert world"), ("world", "The task may have no solution")]
)
def test_expert_that_solves_too_little_is_told(monkeypatch: pytest.MonkeyPatch, sees, told: str) -> None:
    stubborn(monkeypatch, lost=set(range(0, 400, 2)), idle={1, 3})
    with pytest.raises(ConfigurationError, match=told) as caught:
        record(LEVEL, 100, seed=3, sees=sees)
    seeds = build_bank(LEVEL, 100, seed=3, split="train", progress=False).seeds
    assert f"solves only 48 of 100 episodes of {LEVEL}: it is lost in 50" in str(caught.value)
    assert f"seeds that fail: {seeds[0]}, {seeds[1]}, {seeds[2]}, {seeds[3]}, {seeds[4]} ..." in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"episodes": 0}, ConfigurationError, "episodes must be at least 1, got 0"),
        ({"num_envs": 0}, ConfigurationError, "num_envs must be at least 1, got 0"),
        ({"seed": -1}, ConfigurationError, "negative"),
        ({"split": "nope"}, SplitError, "nope"),
        ({"task": "BabyAI-Nope-v0"}, UnknownEnvironmentError, "BabyAI-Nope-v0"),
        ({"sees": "nothing"}, ConfigurationError, "nothing"),
    ],
)
def test_impossible_wishes_are_refused(options, error, told: str) -> None:
    with pytest.raises(error, match=told):
        record(**{"task": LEVEL, "episodes": 2, **options})


def test_every_episode_is_played_once_however_they_are_shared_out() -> None:
    bank = EpisodeBank.of_seeds(OBSTACLES, range(11))
    plays = [play(bank, num_envs=num_envs) for num_envs in (1, 3, 11)]
    ended: list[int] = []
    play(bank, num_envs=3, on_ended=ended.append)
    assert sum(ended) == 11
    for played in plays:
        assert played.solved.all()
        assert played.actions.tolist() == plays[0].actions.tolist()
        assert played.lengths.tolist() == plays[0].lengths.tolist()
        assert np.allclose(played.returns, 1 - 0.9 * played.lengths / bank.max_steps)
