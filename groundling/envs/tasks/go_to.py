"""Going to an object and saying so: the first thing to learn."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.language.goals import Goal, GoTo


@register("groundling/RoomGoToLarge-v0", room_size=9, num_distractors=8)
@register("groundling/RoomGoTo-v0")
class RoomGoTo(Task):
    """Go to the object of this color and type and take the action "done" there; "done" elsewhere fails.

    Without "done" an agent could pass before one object after another, and would need no language.

    Attributes:
        announced: False asks for BabyAI's "go to": it is enough to stand before the object and face it.
    """

    room_size = 6
    announced: bool = True

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Four objects, two colors crossed with two types; one of them is named."""
        candidates = world.add_crossed(min(4, 1 + self.num_distractors))
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        return GoTo(world.describe(world.choice(candidates)), self.announced)


@register("groundling/HouseGoToLarge-v0", num_rows=3, num_cols=3, num_distractors=11)
@register("groundling/HouseGoTo-v0")
class HouseGoTo(Task):
    """Go to the object of this color and type, in one of several rooms, and take the action "done" there.

    The doors between the rooms are open.

    Attributes:
        announced: False asks for BabyAI's "go to": it is enough to stand before the object and face it, and the doors
            are closed. (To open one fails a "go to" that is announced, as in MiniGrid.)
    """

    room_size = 6
    num_rows = 2
    num_cols = 2
    num_distractors = 7
    announced: bool = True

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """As in one room, the objects scattered over all of them."""
        world.connect_all(state="open" if self.announced else "closed")
        candidates = world.add_crossed(min(4, 1 + self.num_distractors))
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        return GoTo(world.describe(world.choice(candidates)), self.announced)
