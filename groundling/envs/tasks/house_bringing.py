"""Bringing things from room to room in generated houses, and putting them next to furniture."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.tasks.houses import InFurnishedHouse
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import Thing
from groundling.language.goals import Goal, PutIn, PutNextTo


@register("groundling/FurnishedHouseBringLarge-v0", min_rooms=8, max_rooms=12, max_steps=1024)
@register("groundling/FurnishedHouseBringSmall-v0", min_rooms=2, max_rooms=3, max_steps=256)
@register("groundling/FurnishedHouseBring-v0")
class FurnishedHouseBring(InFurnishedHouse):
    """Bring the thing that the instruction names to another kind of room of a house: "put the red cup in the bedroom".

    It lies on the floor, on furniture or in an open container, and is named by its kind and color, and by its room
    where the house has another one like it. Where there are several rooms of the kind, any of them will do.
    """

    max_steps = 512

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """A house as it comes; something that can be carried is asked for in another kind of room."""
        things = world.house((self.min_rooms, self.max_rooms))
        world.place_agent()
        moved = _something_to_carry(world, things)
        kinds = [kind for kind in world.room_kinds() if kind != world.room_kind_of(moved)]
        if not kinds:
            world.reject("all rooms are of one kind")
        return PutIn(self.named(world, moved), f"in the {world.choice(kinds)}")


@register("groundling/FurnishedHousePutNextLarge-v0", min_rooms=8, max_rooms=12, max_steps=1024)
@register("groundling/FurnishedHousePutNextSmall-v0", min_rooms=2, max_rooms=3, max_steps=256)
@register("groundling/FurnishedHousePutNext-v0")
class FurnishedHousePutNext(InFurnishedHouse):
    """Put the thing that the instruction names next to a piece of furniture of a house.

    Each is named by its kind and color, and by its room where the house has another one like it.
    """

    max_steps = 512

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """A house as it comes; something that can be carried is asked for beside what cannot."""
        things = world.house((self.min_rooms, self.max_rooms))
        world.place_agent()
        moved = _something_to_carry(world, things)
        fixed = world.choice([thing for thing in things if not thing.is_portable and world.is_on_floor(thing)])
        return PutNextTo(self.named(world, moved), self.named(world, fixed))


def _something_to_carry(world: WorldBuilder, things: list[Thing]) -> Thing:
    """Something that can be carried, and taken without opening anything; it is not the only such thing."""
    options = [thing for thing in things if thing.is_portable and thing.position is not None]
    if len(options) < 2:
        world.reject("there is no choice of what to carry: the words would not matter")
    return world.choice(options)
