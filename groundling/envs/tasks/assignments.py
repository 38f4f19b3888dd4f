"""Assignments: what belongs to what in an episode with a manual, and which pairs are kept from training, as data.

Pair (i, j) of N names and M things has the number i * M + j. Of each name half of all things are trained: those whose
place, counted on from ``stride`` * i, is below M / 2. So no name and no thing is missing on either side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, Literal, NamedTuple, TypeVar, get_args

from groundling.envs.worlds.builder import WorldBuilder

Part = Literal["trained", "held_out", "all"]
PARTS: Final[tuple[str, ...]] = get_args(Part)

Name = TypeVar("Name")
Thing = TypeVar("Thing")


class Drawn(NamedTuple, Generic[Name, Thing]):
    """What belongs to what in an episode.

    Attributes:
        present: pairs whose things are in the world, that of the name which is asked for first.
        absent: pairs whose things are not.
    """

    present: list[tuple[Name, Thing]]
    absent: list[tuple[Name, Thing]]


@dataclass(frozen=True)
class Assignments(Generic[Name, Thing]):
    """All pairs of a name with a thing, in one order.

    Attributes:
        names: N of them.
        things: M of them.
        stride: by how many places the trained things of a name are moved on from those of the name before.
    """

    names: tuple[Name, ...]
    things: tuple[Thing, ...]
    stride: int = 1

    def __len__(self) -> int:
        return len(self.names) * len(self.things)

    def number(self, name: Name, thing: Thing) -> int:
        """The number of a pair."""
        return self.names.index(name) * len(self.things) + self.things.index(thing)

    def pair(self, number: int) -> tuple[Name, Thing]:
        """The pair of a number."""
        name, thing = divmod(number, len(self.things))
        return self.names[name], self.things[thing]

    def is_trained(self, number: int) -> bool:
        """Whether the pair of a number is one of training."""
        name, thing = divmod(number, len(self.things))
        return 2 * ((thing - self.stride * name) % len(self.things)) < len(self.things)

    def holds(self, name: Name, thing: Thing, part: str) -> bool:
        """Whether a pair belongs to a part."""
        return part == "all" or self.is_trained(self.number(name, thing)) == (part == "trained")

    def things_of(self, name: Name, part: str) -> list[Thing]:
        """The things that go with a name in a part."""
        return [thing for thing in self.things if self.holds(name, thing, part)]

    def names_of(self, thing: Thing, part: str) -> list[Name]:
        """The names that go with a thing in a part."""
        return [name for name in self.names if self.holds(name, thing, part)]

    def draw(self, world: WorldBuilder, part: str, present: int, absent: int) -> Drawn[Name, Thing]:
        """Who goes with whom in an episode: every name and thing once.

        All things that are present go with the name that is asked for in this part, each as likely as the others. So
        who sees them and the name, and does not read, cannot do better than to guess.

        Args:
            world: whose draws are used.
            part: of the pairs.
            present: things in the world.
            absent: the most pairs of other things; fewer where no more go together.
        """
        asked = world.choice(self.names)
        things = world.sample(self.things_of(asked, part), present)
        pairs = [(asked, things[0])]
        left = [name for name in self.names if name != asked]
        for thing in things[1:]:
            fitting = [name for name in self.names_of(thing, part) if name in left]
            if not fitting:
                raise world.error(f"{thing} goes with too few names of {len(self.names)}: give the task fewer things")
            pairs.append((world.choice(fitting), thing))
            left.remove(pairs[-1][0])
        others: list[tuple[Name, Thing]] = []
        for name in world.sample(left, len(left)):
            gone = [*things, *(thing for _, thing in others)]
            free = [thing for thing in self.things_of(name, part) if thing not in gone]
            if free and len(others) < absent:
                others.append((name, world.choice(free)))
        return Drawn(pairs, others)
