"""Sizes, told by comparison: the smaller red ball, the largest blue key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from groundling.envs.engine.constants import SIZES
from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PickUp, Size


@register("groundling/RoomSizeLarge-v0", room_size=9, num_distractors=10)
@register("groundling/RoomSize-v0")
class RoomSize(Task):
    """Pick up the smaller or larger of two objects of this color and type, or the smallest or largest of three."""

    room_size = 7
    num_distractors = 5
    min_distractors = 5

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two kinds that share their color or their type, of each two or three objects of different sizes."""
        count = int(rng.integers(2, 4))
        kinds = world.add_crossed(2)
        for thing in kinds:
            thing.state, *others = world.sample(SIZES, count)
            for size in others:
                world.add(thing.type, thing.color, size=size)
        world.scatter(self.num_distractors - 5)
        world.place_agent()
        world.check_reachable()
        sizes = (Size.SMALLER, Size.LARGER) if count == 2 else (Size.SMALLEST, Size.LARGEST)
        target = world.describe(world.choice(kinds))
        return PickUp(replace(target, size=world.choice(sizes), definite=True), strict=True)
