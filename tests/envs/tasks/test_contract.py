"""The contract finds what it is there for: each test breaks one thing."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from groundling.envs.worlds import contract
from groundling.envs.worlds.draw_statistics import evenness, independence
from groundling.envs.worlds.task import Task
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import TaskError
from groundling.language.goals import Color, PickUp


class Sound(Task):
    """Pick one up."""

    room_size = 6

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        world.place_agent()
        return PickUp(world.describe(target))


class Uneven(Sound):
    """Red is named too often."""

    def sample(self, world, rng):
        things = world.add_crossed()
        world.place_agent()
        return PickUp(world.describe(next((t for t in things if t.color == "red"), things[0])))


class Coupled(Sound):
    """The agent starts above what has certain colors."""

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        y = (1, 2) if target.color in tuple(Color)[:3] else (3, 4)
        world.place_agent(at=(world.choice(range(1, 5)), world.choice(y)))
        return PickUp(world.describe(target))


class Cornered(Sound):
    """The agent avoids one row."""

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        if world.place_agent()[1] == 1 and world.chance(0.5):
            world.reject("too high")
        return PickUp(world.describe(target))


class Historic(Sound):
    """Remembers earlier episodes."""

    def sample(self, world, rng):
        Historic.count = getattr(Historic, "count", 0) + 1
        world.scatter(Historic.count % 3)
        return super().sample(world, rng)


class Mute(Sound):
    """Always says the same."""

    def sample(self, world, rng):
        target = world.add("ball", "red")
        world.place_agent()
        return PickUp(world.describe(target))


class Altered(TaskSource):
    """A source that spoils its episodes."""

    changes: ClassVar[dict] = {}

    def sample(self, seed):
        return replace(super().sample(seed), **self.changes)


def source(cls):
    return TaskSource(f"tests/{cls.__name__}-v0", cls())


def test_sound_task_passes():
    contract.check(source(Sound))
    contract.check_marginals(source(Sound))


@pytest.mark.parametrize(
    ("cls", "reason"), [(Uneven, "named color"), (Coupled, "agent tile and named color"), (Cornered, "agent tile")]
)
def test_biased_draws_are_found(cls, reason):
    with pytest.raises(TaskError, match=rf"{reason} .*p = "):
        contract.check_marginals(source(cls))


def test_history_is_found():
    with pytest.raises(TaskError, match=r"another episode .*All seeds that fail"):
        contract.check_determinism(source(Historic))


def test_task_that_needs_no_language_is_found():
    with pytest.raises(TaskError, match="every instruction of 200 seeds"):
        contract.check_language(source(Mute))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pose": (0, 0, 0)}, "does not stand on the floor"),
        ({"pose": (1, 1, 4)}, "off the map"),
        ({"positions": (-1,) * 4}, "is nowhere"),
        ({"positions": (7,) * 4}, "not where its position says"),
        ({"contents": ()}, "0 contents"),
        ({"program": ((1, 0, 0, 0),)}, "means no object"),
        ({"program": ((1, 0, 16, 0),)}, "not there"),
        ({"program": ()}, "no goal"),
        ({"max_steps": 0}, "no time"),
        ({"seed": -1}, "its seed is -1"),
    ],
)
def test_parts_that_do_not_fit_together_are_found(changes, reason, monkeypatch):
    monkeypatch.setattr(Altered, "changes", changes)
    with pytest.raises(TaskError, match=rf"Seed 0: .*{reason}"):
        contract.check_api(Altered("tests/Altered-v0", Sound()))


def test_unreadable_instruction_is_found(monkeypatch):
    monkeypatch.setattr(Altered, "changes", {"instruction": "fetch me the ball"})
    with pytest.raises(TaskError, match="not read back"):
        contract.check_language(Altered("tests/Altered-v0", Sound()))


def test_chi_square_by_hand():
    # 60 and 40 of expected 50 each: 100 / 50 + 100 / 50 = 4 with one degree of freedom.
    assert evenness([0] * 60 + [1] * 40, 2) == pytest.approx(0.0455, abs=1e-4)
    table = [(0, 0)] * 30 + [(0, 1)] * 20 + [(1, 0)] * 20 + [(1, 1)] * 30
    assert independence(table) == pytest.approx(0.0455, abs=1e-4)


def test_even_draws_pass_at_the_rate_of_chance():
    rng = np.random.default_rng(3)
    found = [evenness(rng.integers(6, size=300).tolist(), 6) for _ in range(1000)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.02)
