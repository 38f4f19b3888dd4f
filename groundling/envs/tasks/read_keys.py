"""Opening a door with the key that opens it today: only the manual says which."""

from __future__ import annotations

from typing import Final

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.tasks.assignments import Assignments
from groundling.envs.tasks.reading import Forms, ReadingTask, words_of
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import Direction
from groundling.language.goals import MINIGRID_COLORS, Instructed, Open

OPENS: Final = Forms(
    trained=(
        "the {key} key opens the {door} door",
        "{door} doors are opened by {key} keys",
        "today a {key} key fits the {door} door",
        "use the {key} key for the {door} door",
        "the {door} door takes the {key} key",
        "to open the {door} door you need a {key} key",
    ),
    held_out=(
        "to open the {door} door use the {key} key",
        "the {key} key fits {door} doors today",
        "for the {door} door you need the {key} key",
    ),
)
LOCKS: Final = Assignments(MINIGRID_COLORS, MINIGRID_COLORS)  # doors, then keys


@register("groundling/ReadKeys-v0")
class ReadKeys(ReadingTask):
    """Open the locked door of this color, one of two; the manual says which color of key opens which door today.

    Three keys lie in the agent's room. A door that is tried with the wrong key, or the wrong door, fails, so that who
    does not read succeeds in a third of the episodes.

    Each door of an episode has the key for its contents whose color opens it (``world.add_key_for(door, color=...)``):
    an entry of an array that worlds have anyway, which the rules look at where something is toggled, and nowhere
    else. Where there is none, as in all other tasks, the key has the door's own color. Nothing that an agent sees shows
    it, under either body.

    A color may be that of a key in one statement and that of a door in another ("the red key opens the blue door", "the
    blue key opens the green door"): a reader must heed which word stands by which, a bag of words is not enough.
    """

    room_size = 6
    num_cols = 3
    max_steps = 96
    sentences = words_of(OPENS)

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Instructed:
        """The agent and the keys are in the middle room, the locked doors left and right of it."""
        middle = world.room(0, 1)
        drawn = LOCKS.draw(world, self.assignments, self.num_choices, self.num_absent)
        walls: list[tuple[int, Direction]] = [(0, "right"), (2, "left")]
        sides = world.sample(walls, 2)
        doors = []
        for number, (door_color, key_color) in enumerate(drawn.present):
            if number < len(sides):
                column, side = sides[number]
                door = world.add_door(world.room(0, column), side, door_color, "locked")
                world.add_key_for(door, color=key_color, room=middle)
                doors.append(door)
            else:
                world.add("key", key_color, room=middle)
        self.place_rest(world, middle)
        manual = [
            (LOCKS.number(door, key), self.tell(world, OPENS, door=door, key=key))
            for door, key in (*drawn.present, *drawn.absent)
        ]
        return Instructed(Open(world.describe(doors[0]), strict=True), manual=self.ordered(world, manual))
