"""A level for what BabyAI's own levels never ask: strict clauses and strict orders of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel
from minigrid.envs.babyai.core.verifier import (
    AfterInstr,
    AndInstr,
    BeforeInstr,
    GoToInstr,
    ObjDesc,
    OpenInstr,
    PickupInstr,
    PutNextInstr,
)


class AnyGoal(RoomGridLevel):
    """One small room with four doors and a few objects; any joined instruction, each part strict or not by chance."""

    def __init__(self, room_size: int = 6, num_dists: int = 4, **kwargs: Any) -> None:
        self.num_dists = num_dists
        super().__init__(room_size=room_size, num_rows=3, num_cols=3, **kwargs)

    def gen_mission(self) -> None:
        self.objects = self.add_distractors(1, 1, num_distractors=self.num_dists, all_unique=False)
        self.doors = [self.add_door(1, 1, k, locked=False)[0] for k in range(4)]
        self.place_agent(1, 1)
        if self._rand_bool():
            self.instrs = self.step_of_a_sequence()
            return
        join = BeforeInstr if self._rand_bool() else AfterInstr
        self.instrs = join(self.step_of_a_sequence(), self.step_of_a_sequence(), strict=self.by_chance())

    def step_of_a_sequence(self) -> Any:
        return AndInstr(self.clause(), self.clause()) if self.by_chance() else self.clause()

    def clause(self) -> Any:
        match self._rand_int(0, 4):
            case 0:
                return GoToInstr(self.describe(self.doors + self.objects))
            case 1:
                return PickupInstr(self.describe(self.objects), strict=self.by_chance())
            case 2:
                return OpenInstr(self.describe(self.doors), strict=self.by_chance())
        return PutNextInstr(self.describe(self.objects), self.describe(self.objects), strict=self.by_chance())

    def describe(self, things: list[Any]) -> ObjDesc:
        thing = self._rand_elem(things)
        return ObjDesc(thing.type, thing.color if self._rand_int(0, 3) else None)

    def by_chance(self) -> bool:
        return bool(self._rand_bool())


@contextmanager
def registered(level: type[Any], id: str, **options: Any) -> Iterator[str]:
    """A class as a registered level, for a while."""
    gymnasium.register(id, entry_point=level, **options)
    try:
        yield id
    finally:
        del gymnasium.registry[id]
