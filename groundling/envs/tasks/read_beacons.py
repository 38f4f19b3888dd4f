"""Going to what a word means that nobody knows: only the manual says it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.tasks.assignments import Assignments
from groundling.envs.tasks.reading import Forms, ReadingTask, told_in, words_of
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import Thing
from groundling.errors import InstructionError
from groundling.language.goals import (
    MINIGRID_COLORS,
    Color,
    Goal,
    GoTo,
    Instructed,
    ObjectDescription,
    ObjectType,
)

WORDS: Final = ("dax", "wug", "blicket", "toma", "fep", "zup")
TYPES: Final = (ObjectType.CUP, ObjectType.HAT, ObjectType.STAR)  # of which splits of goals hold out none unasked
THINGS: Final = tuple((kind, color) for kind in TYPES for color in MINIGRID_COLORS)
MEANS: Final = Forms(
    trained=(
        "a {word} is a {color} {type}",
        "the word {word} means a {color} {type}",
        "{word} is what they call the {color} {type} today",
        "today they say {word} to a {color} {type}",
        "when they say {word} they mean the {color} {type}",
        "they call the {color} {type} a {word}",
    ),
    held_out=(
        "to a {color} {type} they say {word} today",
        "the {color} {type} is what they mean when they say {word}",
        "today a {word} means a {color} {type}",
    ),
)
# every fifth thing, so that half of them have all types and most colors
MEANINGS: Final = Assignments(WORDS, tuple(THINGS[5 * k % len(THINGS)] for k in range(len(THINGS))), stride=3)


@register("groundling/ReadBeacons-v0")
class ReadBeacons(ReadingTask):
    """Go to the "dax" and take the action "done" there; the manual says what a dax is today.

    Six made-up words and eighteen things; a word means one thing in an episode. The manual explains the words of all
    things in the room, and of some that are not there. "done" elsewhere fails, so that who does not read succeeds in a
    third of the episodes.
    """

    room_size = 6
    max_steps = 36
    sentences = (*words_of(MEANS), *WORDS)

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Instructed:
        """Three things, any of which the word may mean as far as anybody knows; no tile is beside two of them."""
        drawn = MEANINGS.draw(world, self.assignments, self.num_choices, self.num_absent)
        things = [world.add(*thing) for _, thing in world.sample(drawn.present, len(drawn.present))]
        if any(_have_common_neighbor(*pair) for pair in combinations(things, 2)):
            world.reject("who stands between two things is beside both")
        self.place_rest(world, world.rooms[0])
        word, (kind, color) = drawn.present[0]
        manual = [
            (MEANINGS.number(name, thing), self.tell(world, MEANS, word=name, type=thing[0], color=thing[1]))
            for name, thing in (*drawn.present, *drawn.absent)
        ]
        (meant,) = (thing for thing in things if (thing.type, thing.color) == (kind, color))
        goal = GoTo(world.describe(meant), announced=True)
        return Instructed(goal, f"go to the {word}", manual=self.ordered(world, manual))

    def goal_of(self, sentence: str, manual: Sequence[str]) -> Goal | None:
        """To go to what the manual says that the word means."""
        word = " ".join(sentence.lower().rstrip(" .!").split()).removeprefix("go to the ")
        if word not in WORDS:
            return None
        meant = [told for line in manual if (told := told_in(line, MEANS)) and told["word"] == word]
        things = {(told["type"], told["color"]) for told in meant} & {(str(t), str(c)) for t, c in THINGS}
        if len(things) != 1:
            raise InstructionError(
                f"the manual says {'nothing' if not things else 'several things'} of what a {word} is: write for "
                f'example "a {word} is a red hat"'
            )
        ((kind, color),) = things
        return GoTo(ObjectDescription(ObjectType(kind), Color(color)), announced=True)


def _have_common_neighbor(first: Thing, second: Thing) -> bool:
    """Whether one of the four tiles beside a thing is beside another one too, where "done" would do for both."""
    assert first.position is not None
    assert second.position is not None
    return sum(abs(a - b) for a, b in zip(first.position, second.position, strict=True)) == 2
