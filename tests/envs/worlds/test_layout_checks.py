"""A task whose agent or things are not where the map has them is told so, before anything is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from groundling.envs import EpisodeBank, Task
from groundling.envs.worlds.layout import Thing
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import TaskError
from groundling.language.goals import Color, GoTo, ObjectType


def task_that(change: Callable[[Any, Thing], None]) -> TaskSource:
    class Changed(Task):
        def sample(self, world: Any, rng: np.random.Generator) -> GoTo:
            thing = world.add(ObjectType.BALL, Color.RED)
            world.place_agent()
            goal = GoTo(world.describe(thing))
            change(world, thing)
            return goal

    return TaskSource("tests/Changed", Changed())


def set_agent(tile: Any) -> Callable[[Any, Thing], None]:
    def change(world: Any, thing: Thing) -> None:
        world.agent = tile

    return change


def set_thing(**values: Any) -> Callable[[Any, Thing], None]:
    def change(world: Any, thing: Thing) -> None:
        for name, value in values.items():
            setattr(thing, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_agent((300, 300)), r"agent stands at \(300, 300\), which is no free tile"),
        (set_agent((-1, 2)), r"agent stands at \(-1, 2\)"),
        (set_agent((0, 0)), r"agent stands at \(0, 0\)"),
        (set_agent((2.5, 2)), r"agent stands at \(2\.5, 2\)"),
        (set_agent("here"), "agent stands at 'here'"),
        (set_thing(position=(300, 300)), r"red ball is at \(300, 300\), beside the map"),
        (set_thing(position=(0, 0)), r"told to be at \(0, 0\), but the map has it elsewhere"),
        (set_thing(state=9), "the state 9"),
        (set_thing(contents=Thing(ObjectType.KEY, Color.RED)), "never placed in the world"),
    ],
)
def test_layout_that_contradicts_itself_is_refused(change: Callable[[Any, Thing], None], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        task_that(change).sample(0)


def test_layout_as_the_methods_leave_it_is_right() -> None:
    episode = task_that(lambda world, thing: None).sample(0)
    assert len(EpisodeBank.pack("tests/Changed", [episode])) == 1


def test_episodes_that_are_packed_by_hand_are_checked_too() -> None:
    episode = task_that(lambda world, thing: None).sample(3)
    with pytest.raises(TaskError, match="tests/Changed, seed 3: episode 0 begins with an agent beside the map"):
        EpisodeBank.pack("tests/Changed", [replace(episode, pose=(200, 1, 0))])
