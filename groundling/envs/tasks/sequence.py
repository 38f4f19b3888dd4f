"""Several clauses in one instruction, joined by "and", "then" and "after you"."""

from __future__ import annotations

import numpy as np

from groundling.envs.families.own.registered import register
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.task import Task
from groundling.errors import ConfigurationError
from groundling.language.goals import MAX_CLAUSES, After, And, Clause, Goal, GoTo, PickUp, Step, Then


@register("groundling/RoomSequenceLong-v0", min_clauses=1, num_clauses=4)
@register("groundling/RoomSequence-v0")
class RoomSequence(Task):
    """Go to and pick up several objects in the order that the instruction says; another order fails.

    Attributes:
        num_clauses: the most clauses of an instruction, up to four.
        min_clauses: the fewest; every number between is as frequent.
    """

    room_size = 6
    max_clauses = MAX_CLAUSES
    num_clauses: int = 2
    min_clauses: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.min_clauses <= self.num_clauses <= MAX_CLAUSES:
            raise ConfigurationError(
                f"1 <= min_clauses <= num_clauses <= {MAX_CLAUSES}, got {self.min_clauses} and {self.num_clauses}"
            )

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal:
        """Four objects, two colors crossed with two types; each clause names another one."""
        objects = world.add_crossed()
        world.scatter(self.num_distractors - 3)
        world.place_agent()
        world.check_reachable()
        count = int(rng.integers(self.min_clauses, self.num_clauses + 1))
        clauses: list[Clause] = []
        for thing in world.sample(objects, count):
            target = world.describe(thing)
            if world.chance(0.5):
                clauses.append(GoTo(target))
            else:  # a step is judged by the action that completed the one before, too: a second one cannot be strict
                clauses.append(PickUp(target, strict=not any(isinstance(clause, PickUp) for clause in clauses)))
        return self._join(world, clauses)

    def _join(self, world: WorldBuilder, clauses: list[Clause]) -> Goal:
        """Each clause is joined to the one before by "and", one time in three, or follows it."""
        groups = [clauses[:1]]
        for clause in clauses[1:]:
            if world.chance(1 / 3):
                groups[-1].append(clause)
            else:
                groups.append([clause])
        parts: list[Step] = [group[0] if len(group) == 1 else And(tuple(group)) for group in groups]
        if len(parts) == 1:
            return parts[0]
        if len(parts) == 2 and world.chance(0.5):
            return After(last=parts[1], first=parts[0], strict=True)
        return Then(tuple(parts), strict=True)
