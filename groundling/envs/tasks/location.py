"""Places: on your left, on your right, in front of you, behind you."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, PickUp


@register("groundling/RoomLocationLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomLocation-v0")
class RoomLocation(Task):
    """Pick up the object in this place, seen from the start, and not its twin elsewhere."""

    room_size = 6
    min_distractors = 3

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two pairs of twins that share their color or their type."""
        twins = [(thing, world.add(thing.type, thing.color)) for thing in world.add_crossed(2)]
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        options = []
        for pair in twins:
            for thing, twin in (pair, pair[::-1]):
                places = [place for place in world.locations_of(thing) if place not in world.locations_of(twin)]
                if places:
                    options.append((thing, places))
        if not options:
            world.reject("no place tells an object from its twin")
        thing, places = world.choice(options)
        return PickUp(world.describe(thing, location=world.choice(places)), strict=True)
