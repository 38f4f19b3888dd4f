"""Putting one object next to another."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PutNextTo


@register("groundling/RoomPutNextLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomPutNext-v0")
class RoomPutNext(Task):
    """Put one named object next to another, both among objects that share a word with them."""

    room_size = 6
    num_distractors = 2

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Four objects, two colors crossed with two types; two of them are named."""
        candidates = world.add_crossed(min(4, 2 + self.num_distractors))
        world.scatter(self.num_distractors - 2)
        world.place_agent()
        world.check_reachable()
        moved, fixed = world.sample(candidates, 2)
        return PutNextTo(world.describe(moved), world.describe(fixed))
