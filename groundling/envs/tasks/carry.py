"""Carrying an object from one room to another."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PutNextTo


@register("groundling/HouseCarryLarge-v0", room_size=9, num_distractors=8)
@register("groundling/HouseCarry-v0")
class HouseCarry(Task):
    """Fetch the one named object from the next room and put it next to the other, in the room of the start."""

    room_size = 6
    num_cols = 2
    num_distractors = 2

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two colors crossed with two types: two of the four objects in each room."""
        home, away = world.sample(world.rooms, 2)
        world.connect_all()
        candidates = world.add_crossed(rooms=[home, home, away, away])
        world.scatter(self.num_distractors - 2)
        world.place_agent(home)
        world.check_reachable()
        fixed, moved = world.choice(candidates[:2]), world.choice(candidates[2:])
        return PutNextTo(world.describe(moved), world.describe(fixed))
