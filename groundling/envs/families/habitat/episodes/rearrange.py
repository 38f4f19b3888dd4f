"""Rearrangement episodes of habitat-lab ("RearrangeDataset-v0"): bring objects to their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.habitat.episodes.following import ActionSizes
from groundling.envs.families.habitat.episodes.values import Start, key, listed, start_of, start_values
from groundling.errors import HabitatFileError

TYPE: Final = "RearrangeDataset-v0"
SIZES: Final = ActionSizes(0.25, 10.0)
SUCCESS_M: Final = 0.15
MAX_STEPS: Final = 1000

Transform = NDArray[np.float64]  # [4, 4]


@dataclass(frozen=True, eq=False)
class RearrangeEpisode(Start):
    """An episode of rearrangement.

    Attributes:
        rigid_objs: the file of the template and the transform [4, 4] of each object.
        targets: by an object's name ("TEMPLATE_:0000"), where it is to be, [4, 4].
        target_receptacles: where each of these is at first: a receptacle's name and link.
        goal_receptacles: where each is to be.
        name_to_receptacle: the receptacle that each object lies on.
        ao_states: joints of articulated objects.
        markers: places on them.
    """

    rigid_objs: tuple[tuple[str, Transform], ...] = ()
    targets: Mapping[str, Transform] = field(default_factory=dict)
    target_receptacles: tuple[tuple[str, int | None], ...] = ()
    goal_receptacles: tuple[tuple[str, int | None], ...] = ()
    name_to_receptacle: Mapping[str, str] = field(default_factory=dict)
    ao_states: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    markers: tuple[Mapping[str, Any], ...] = ()

    def start_of(self, target: str) -> Transform:
        """Where an object that is to be moved is at first.

        Raises:
            HabitatFileError: if there is no such object.
        """
        name, _, number = target.rpartition("_:")
        same = [transform for file, transform in self.rigid_objs if file.split(".")[0] == name]
        if not number.isdigit() or int(number) >= len(same):
            raise HabitatFileError(f"the target {target!r} is none of 'rigid_objs' of episode {self.episode_id}")
        return same[int(number)]


@dataclass(frozen=True)
class RearrangeDataset:
    """Episodes of rearrangement."""

    episodes: tuple[RearrangeEpisode, ...]

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {"config": None, "episodes": [_values(one) for one in self.episodes]}

    @classmethod
    def from_dict(cls, values: Any) -> RearrangeDataset:
        """Read the values of a file.

        Raises:
            HabitatFileError: if a piece is missing; the message names it.
        """
        told = listed(values, "episodes", "the file")
        return cls(tuple(_episode_of(one, f"episode {row}") for row, one in enumerate(told)))


def _values(one: RearrangeEpisode) -> dict[str, Any]:
    return {
        **start_values(one),
        "ao_states": {name: dict(state) for name, state in one.ao_states.items()},
        "rigid_objs": [[name, transform.tolist()] for name, transform in one.rigid_objs],
        "targets": {name: transform.tolist() for name, transform in one.targets.items()},
        "target_receptacles": [list(pair) for pair in one.target_receptacles],
        "goal_receptacles": [list(pair) for pair in one.goal_receptacles],
        "name_to_receptacle": dict(one.name_to_receptacle),
        "markers": [dict(marker) for marker in one.markers],
    }


def _episode_of(values: Any, where: str) -> RearrangeEpisode:
    targets = key(values, "targets", where)
    if not isinstance(targets, Mapping):
        raise HabitatFileError(f"'targets' of {where} should be a mapping, got {type(targets).__name__}")
    found = RearrangeEpisode(
        **start_of(values, where),
        rigid_objs=tuple(_object_of(one, where) for one in listed(values, "rigid_objs", where)),
        targets={name: _transform(one, f"the target {name!r} of {where}") for name, one in targets.items()},
        target_receptacles=tuple(tuple(one) for one in values.get("target_receptacles") or ()),
        goal_receptacles=tuple(tuple(one) for one in values.get("goal_receptacles") or ()),
        name_to_receptacle=values.get("name_to_receptacle") or {},
        ao_states=values.get("ao_states") or {},
        markers=tuple(values.get("markers") or ()),
    )
    for name in found.targets:
        found.start_of(name)
    return found


def _object_of(values: Any, where: str) -> tuple[str, Transform]:
    if not isinstance(values, list) or len(values) != 2:
        raise HabitatFileError(f"an object of 'rigid_objs' of {where} should be a file and a transform, got {values!r}")
    return str(values[0]), _transform(values[1], f"the object {values[0]!r} of {where}")


def _transform(values: Any, where: str) -> Transform:
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != (4, 4) or not np.isfinite(found).all():
        raise HabitatFileError(f"the transform of {where} should be 4 rows of 4 numbers")
    return found
