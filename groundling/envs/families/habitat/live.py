"""The state of a world of ours as objects of a scene: what stands where, as what, and what is carried."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import BORDER, NOTHING_CODE, NOWHERE
from groundling.envs.engine.kinds import Kinds
from groundling.envs.engine.state import Worlds
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.export.scene_files import shown_back
from groundling.envs.families.habitat.export.templates import carried_template_of, template_of
from groundling.envs.families.habitat.houses import HouseThing
from groundling.envs.families.habitat.worlds import things_in
from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.envs.simulators.habitat.habitat_worker.settings import Placement

WALLS: Final = "walls"  # the key of a house's walls among the objects of its scene

Objects = dict[Any, Placement]


class Shown(NamedTuple):
    """The objects of a scene, and the key of the one that is carried."""

    objects: Objects
    carried: int | None


class Snapshot(NamedTuple):
    """All of a world's state that a scene shows; two that are equal show the same."""

    cells: NDArray[np.uint8]
    looks: NDArray[np.int32]
    contents: NDArray[np.uint8]
    positions: NDArray[np.int16]
    carried: int

    @classmethod
    def of(cls, state: Worlds, b: int) -> Snapshot:
        """A copy of environment ``b``'s."""
        return cls(
            state.cells[b].copy(),
            state.looks[b].copy(),
            state.contents[b].copy(),
            state.positions[b].copy(),
            int(state.carried[b]),
        )

    def is_of(self, state: Worlds, b: int) -> bool:
        """Whether environment ``b`` still shows it."""
        return (
            self.carried == int(state.carried[b])
            and np.array_equal(self.positions, state.positions[b])
            and np.array_equal(self.looks, state.looks[b])
            and np.array_equal(self.contents, state.contents[b])
            and np.array_equal(self.cells, state.cells[b])
        )


def things_of(snapshot: Snapshot, width: int, kinds: Kinds) -> tuple[HouseThing, ...]:
    """The things of a world as they stand now, on the map without the engine's border.

    Args:
        snapshot: of the world.
        width: of its map, border included.
        kinds: types and colors of the things.
    """
    inner = slice(BORDER, -BORDER)
    cells = snapshot.cells.reshape(-1, width)[inner, inner]
    at = snapshot.positions.astype(np.int64)
    inside = (at // width - BORDER) * cells.shape[1] + at % width - BORDER
    positions = np.where(at == NOWHERE, NOWHERE, inside)
    return tuple(things_in(cells, snapshot.looks, snapshot.contents, positions, snapshot.carried, kinds))


def shown(snapshot: Snapshot, width: int, kinds: Kinds, scene: str) -> Shown:
    """The objects of a scene of this name that show a world; arguments as of :func:`things_of`."""
    objects: Objects = {
        WALLS: Placement(layout.walls_template(scene), layout.to_position(0, 0), semantic_id=layout.WALL_ID)
    }
    carried = None if snapshot.carried == NOTHING_CODE else snapshot.carried
    for thing in things_of(snapshot, width, kinds):
        if thing.code == carried:
            parked = (0.0, facts.PARKED_M, 0.0)
            template = carried_template_of(thing).name
            objects[thing.code] = Placement(template, parked, semantic_id=thing.code, is_static=False)
        elif not thing.is_hidden:
            objects[thing.code] = Placement(
                template_of(thing).name,
                layout.to_position(thing.x, thing.y, thing.height),
                layout.thing_rotation(shown_back(thing, kinds.solids)),
                semantic_id=thing.code,
                is_static=not thing.is_walkable,  # whoever opens a door can pass
            )
    return Shown(objects, carried)


def changes(before: Shown, after: Shown) -> dict[Any, Placement | None]:
    """What has to be put elsewhere, or away, for a scene to show something else."""
    found: dict[Any, Placement | None] = {key: None for key in before.objects if key not in after.objects}
    return found | {key: own for key, own in after.objects.items() if before.objects.get(key) != own}
