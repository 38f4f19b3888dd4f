"""Tasks with words of their own, as their authors write them."""

from __future__ import annotations

from groundling.envs import Relation, Task
from groundling.envs.worlds.task_source import TaskSource
from groundling.language import (
    Color,
    GoTo,
    Instructed,
    ObjectDescription,
    ObjectType,
    OwnColor,
    OwnType,
    PickUp,
)

APPLE = OwnType("apple")
MOUSE = OwnType("mouse", plural="mice", shape="cup")
TEAL, OCHRE = OwnColor("teal", (0, 128, 128)), OwnColor("ochre", (204, 119, 34))


class Orchard(Task):
    """Pick up an apple, a mouse or a ball."""

    room_size = 6
    types = (ObjectType.BALL, APPLE, MOUSE)
    colors = (Color.RED, TEAL, OCHRE)

    def sample(self, world, rng):
        target = world.choice(world.add_crossed())
        world.place_agent()
        world.check_reachable()
        return PickUp(world.describe(target), strict=True)


class OrchardDoor(Orchard):
    """Go to a teal door, then pick both apples up."""

    max_clauses = 4

    def sample(self, world, rng):
        world.add_door(world.room(), "left", TEAL)
        for color in (TEAL, Color.RED):
            world.add(APPLE, color)
        world.place_agent()
        return PickUp(ObjectDescription("apple", both=True))


class Neighbors(Task):
    """Pick up the key next to what is named."""

    room_size = 7
    types = (ObjectType.BALL, ObjectType.BOX)

    def sample(self, world, rng):
        things = world.add("ball", "red"), world.add("box", "blue")
        keys = [world.add("key", "green", next_to=thing) for thing in things]
        world.place_agent()
        world.check_reachable()
        which = world.choice((0, 1))
        description = world.describe(keys[which], next_to=things[which])
        if not description.definite:
            world.reject("both keys lie next to it")
        return PickUp(description, strict=True)


class Northern(Task):
    """Go to the ball in the north."""

    room_size = 7
    relations = (
        Relation("in the north", lambda world, thing: thing.position[1] < 3),
        Relation("in the south", lambda world, thing: thing.position[1] > 3),
    )

    def sample(self, world, rng):
        north, south = world.add("ball", "red", at=(2, 2)), world.add("ball", "red", at=(3, 5))
        world.place_agent()
        thing = world.choice((north, south))
        relation = self.relations[thing is south]
        return GoTo(world.describe(thing, relation=relation), announced=True)


class Thirsty(Task):
    """Bring something to drink from, however it is said."""

    room_size = 6
    types = (ObjectType.CUP, ObjectType.BOOK)
    sentences = ("fetch me something to drink from", "I am thirsty!")

    def sample(self, world, rng):
        for thing in world.add_crossed():
            if thing.type is ObjectType.CUP:
                cup = thing
        world.place_agent()
        goal = PickUp(world.describe(cup, color=False))
        return Instructed(goal, world.choice(self.sentences))


def source_of(task: type[Task], **settings) -> TaskSource:
    return TaskSource(f"own_tasks/{task.__name__}", task(**settings))
