"""All four verbs of BabyAI in one room, each with every type of object that it can be said of."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import DIRECTIONS, Thing
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, GoTo, ObjectDescription, Open, PickUp, PutNextTo


@register("groundling/RoomMixedLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomMixed-v0")
class RoomMixed(Task):
    """Go to, pick up, put next to or open, whatever is asked, in a room with objects and two doors.

    Picking up or opening what is not asked for fails; "go to" asks for the action "done" beside the object, and fails
    if it is taken elsewhere. Half of the instructions name color and type, the others one of them, some with a place:
    "pick up a red object", "open the door on your left".
    """

    room_size = 6

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Two doors of different colors, and two colors of objects crossed with two types."""
        sides, colors = world.sample(DIRECTIONS, 2), world.sample(self.colors, 2)
        doors = [world.add_door(world.room(), side, color) for side, color in zip(sides, colors, strict=True)]
        objects = world.add_crossed(min(4, 1 + self.num_distractors))
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        verb = int(rng.integers(4))
        if verb == 0:
            kind = int(rng.integers(1 + len(self.types)))  # as often a door as any other type
            thing = world.choice(objects if kind else doors)
            target = self._describe(world, thing)
            return GoTo(target if target.definite else world.describe(thing), announced=True)
        if verb == 1:
            return PickUp(self._describe(world, world.choice(objects)), strict=True)
        if verb == 2:
            return Open(self._describe(world, world.choice(doors)), strict=True)
        moved, fixed = world.sample(objects, 2)
        return PutNextTo(world.describe(moved), world.describe(fixed))

    def _describe(self, world: WorldBuilder, thing: Thing) -> ObjectDescription:
        """Color and type, or one of them; one time in three with a place, where it has one."""
        words = 0 if world.chance(0.5) else 1 + world.chance(0.5)
        places = world.locations_of(thing)
        location = world.choice(places) if places and world.chance(1 / 3) else None
        return world.describe(thing, color=words != 1, type=thing.is_door or words != 2, location=location)
