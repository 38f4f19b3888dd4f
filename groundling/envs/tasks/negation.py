"""Saying what is not meant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PickUp


@register("groundling/RoomNegationLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomNegation-v0")
class RoomNegation(Task):
    """Pick up what fits the words or, as often, something that does not; any other object fails."""

    room_size = 6
    min_distractors = 3

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two colors crossed with two types; color, type or both are named."""
        objects = world.add_crossed()
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        words = int(rng.integers(3))
        target = world.describe(world.choice(objects), color=words != 1, type=words != 2)
        return PickUp(replace(target, negated=bool(rng.integers(2))), strict=True)
