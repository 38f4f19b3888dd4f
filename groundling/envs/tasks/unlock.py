"""Locked doors and their keys."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, ObjectType, Open, PickUp


@register("groundling/HouseUnlockBox-v0", in_boxes=True)
@register("groundling/HouseUnlock-v0")
class HouseUnlock(Task):
    """Open the locked door of this color, one of two, with the key of its color; trying the other one fails.

    Attributes:
        in_boxes: whether the keys are hidden in boxes.
    """

    room_size = 6
    num_cols = 3
    num_distractors = 1
    in_boxes: bool = False

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """The agent and both keys are in the middle room, the locked doors left and right of it."""
        middle = world.room(0, 1)
        color, other = world.sample(self.colors, 2)
        doors = [
            world.add_door(world.room(0, 0), "right", color, "locked"),
            world.add_door(world.room(0, 2), "left", other, "locked"),
        ]
        for door in doors:
            if self.in_boxes:
                kind, box_color = world.unused(types=(ObjectType.BOX,))
                world.add_key_for(door, inside=world.add(kind, box_color, room=middle))
            else:
                world.add_key_for(door, room=middle)
        world.scatter(self.num_distractors, room=middle)
        world.place_agent(middle)
        world.check_reachable()
        return Open(world.describe(world.choice(doors)), strict=True)


@register("groundling/HouseUnlockFetchLarge-v0", room_size=9, num_distractors=8, num_keys=4)
@register("groundling/HouseUnlockFetch-v0")
class HouseUnlockFetch(Task):
    """Pick up the object of this color and type from a locked room, whose key lies among others.

    Attributes:
        num_keys: the fitting one included.
    """

    room_size = 6
    num_cols = 2
    types = (ObjectType.BALL, ObjectType.BOX)
    num_keys: int = 2

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """The keys and the agent are in one room; four objects, two colors crossed with two types, in the other."""
        home, locked = world.rooms
        door = world.add_door(locked, "left", state="locked")
        world.add_key_for(door, room=home)
        world.scatter(self.num_keys - 1, types=(ObjectType.KEY,), room=home)
        candidates = world.add_crossed(min(4, 1 + self.num_distractors), rooms=[locked] * 4)
        world.scatter(self.num_distractors - 3, room=locked)
        world.place_agent(home)
        world.check_reachable()
        return PickUp(world.describe(world.choice(candidates)))
