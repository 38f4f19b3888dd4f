"""Finding something in one of several boxes: only the manual says in which, and which box is a trap."""

from __future__ import annotations

from typing import Final

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.tasks.assignments import Assignments
from groundling.envs.tasks.reading import Forms, ReadingTask, words_of
from groundling.envs.worlds.builder import WorldBuilder
from groundling.language.goals import MINIGRID_COLORS, Instructed, ObjectDescription, ObjectType, PickUp

HOLDS: Final = Forms(
    trained=(
        "the {thing} is in the {box} box",
        "in the {box} box lies the {thing}",
        "you find the {thing} in the {box} box",
        "somebody put the {thing} into the {box} box",
        "the {box} box holds the {thing}",
        "look into the {box} box for the {thing}",
    ),
    held_out=(
        "the {thing} lies in the {box} box",
        "for the {thing} look into the {box} box",
        "in the {box} box you find the {thing}",
    ),
)
IS_TRAP: Final = Forms(
    trained=("opening the {box} box ends the day", "the {box} box is a trap", "do not look into the {box} box"),
    held_out=(
        "the {box} box ends the day",
        "to look into the {box} box ends the day",
        "opening the {box} box is a trap",
    ),
)
LAW: Final = Forms(
    trained=("every box but the one that you need ends the day", "to look into the wrong box ends the day"),
    held_out=("opening the wrong box ends the day",),
)
WANTED: Final = (ObjectType.KEY, ObjectType.BALL, ObjectType.BELL, ObjectType.BOOK, ObjectType.CUP, ObjectType.HAT)
PLACES: Final = Assignments(WANTED, MINIGRID_COLORS)  # what is wanted, then boxes
LAST: Final = len(PLACES)


@register("groundling/ReadBoxes-v0")
class ReadBoxes(ReadingTask):
    """Pick up what is hidden in one of three boxes; the manual says in which, and names a trap.

    To open another box than the right one fails, and so does picking up a box. Who does not read succeeds in a third of
    the episodes, who only heeds the trap that is named in half of them: the manual names one of the wrong boxes.
    """

    room_size = 6
    max_steps = 40
    sentences = words_of(HOLDS, IS_TRAP, LAW)

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Instructed:
        """Three boxes with a thing in each; the agent sees only boxes."""
        drawn = PLACES.draw(world, self.assignments, self.num_choices, self.num_absent)
        asked, right = drawn.present[0]
        for wanted, color in world.sample(drawn.present, len(drawn.present)):
            box = world.add("box", color, trap=color != right)
            world.add(wanted, world.choice(self.colors), inside=box)
        self.place_rest(world, world.rooms[0])
        manual = [
            (PLACES.number(wanted, color), self.tell(world, HOLDS, thing=wanted, box=color))
            for wanted, color in (*drawn.present, *drawn.absent)
        ]
        trap = world.choice([color for _, color in drawn.present[1:]])
        manual.append((LAST, self.tell(world, IS_TRAP, box=trap)))
        manual.append((LAST + 1, self.tell(world, LAW)))
        goal = PickUp(ObjectDescription(asked), strict=True)
        return Instructed(goal, f"pick up the {asked}", manual=self.ordered(world, manual))
