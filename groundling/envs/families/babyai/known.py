"""Which of Gymnasium's ids are levels that can be compiled, under which names, and why others cannot."""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium

from groundling.envs.catalog import known_ids, unknown_message
from groundling.envs.gymnasium_ids import NAMESPACE
from groundling.errors import UnknownEnvironmentError, UnsupportedLevelError

PREFIXES = ("BabyAI-", "MiniGrid-")

# MiniGrid's own environments whose goal is in an instruction that varies.
MISSION_LEVELS = (
    *("Fetch", "GoToDoor", "GoToObject", "PutNear", "Memory", "LockedRoom", "KeyCorridor", "ObstructedMaze"),
    *("BlockedUnlockPickup", "UnlockPickup"),
)

# What these decide in MiniGrid's classes, the kernels decide in the same way: a class of one's own may not change them.
RULES = (
    *("reset", "step", "_reward", "gen_obs", "gen_obs_grid", "get_view_exts", "update_objs_poss"),
    *("dir_vec", "right_vec", "front_pos"),
)


def minigrid_levels() -> list[str]:
    """Ids of every registered level that can be compiled, BabyAI's first, in the order of registration."""
    import minigrid  # noqa: F401 - registers its levels

    babyai = [id for id in gymnasium.registry if id.startswith("BabyAI-")]
    own = [id for id in gymnasium.registry if id.startswith(tuple(f"MiniGrid-{name}" for name in MISSION_LEVELS))]
    return [*babyai, *own]


def level_of(id: str) -> str:
    """The level behind an id.

    ``groundling/BabyAI-GoToLocal-v0``, ``groundling/GoToLocal-v0`` and ``BabyAI-GoToLocal-v0`` are the same; where
    BabyAI and MiniGrid have a level of one name, the shortest id is BabyAI's.

    Raises:
        UnknownEnvironmentError: if no environment has this id; the message names the nearest ones.
    """
    found = known_level(id)
    if found is None:
        raise UnknownEnvironmentError(unknown_message(id, known_ids()))
    return found


def known_level(id: str) -> str | None:
    """As :func:`level_of`, or None."""
    import minigrid  # noqa: F401 - registers its levels

    bare = id.removeprefix(NAMESPACE)
    names = [bare] if bare.startswith(PREFIXES) or bare == id else [prefix + bare for prefix in PREFIXES]
    for level in names:
        if level in gymnasium.registry and not level.startswith(NAMESPACE):
            return level
    return None


def long_id(level: str) -> str:
    """The id under our namespace that means this level and no other."""
    return NAMESPACE + level


def short_id(level: str) -> str:
    """The id under our namespace without the name of the collection."""
    return NAMESPACE + level.removeprefix(PREFIXES[0]).removeprefix(PREFIXES[1])


def level_class(level: str) -> type[Any]:
    """The class that generates the level which is registered under an id now; errors as :class:`MiniGridLevel`."""
    spec = gymnasium.registry.get(level)
    if spec is None or spec.entry_point is None:
        raise UnknownEnvironmentError(unknown_message(level, minigrid_levels()))
    try:
        entry = entry_point_of(spec)
    except (ImportError, AttributeError, gymnasium.error.DependencyNotInstalled) as error:
        raise UnsupportedLevelError(f"{level} cannot be compiled: {error}") from error
    if not (isinstance(entry, type) and is_level(entry)):
        raise UnsupportedLevelError(f"{level} cannot be compiled: it is no level of MiniGrid")
    check_class(entry, level)
    if spec.max_episode_steps is not None or spec.additional_wrappers:
        raise UnsupportedLevelError(
            f"{level} cannot be compiled: it is registered with a wrapper of Gymnasium's; set a time limit by max_steps"
        )
    return entry


def entry_point_of(spec: Any) -> Any:
    """What a registered id of Gymnasium's makes its environments by, imported."""
    if not isinstance(spec.entry_point, str):
        return spec.entry_point
    module, _, name = spec.entry_point.partition(":")
    return getattr(importlib.import_module(module), name)


def check_class(cls: type[Any], level: str) -> None:
    """Refuse a class of levels whose goal or rules the kernels would not know.

    Raises:
        UnsupportedLevelError: the message says why.
    """
    from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel

    envs = importlib.import_module("minigrid.envs")
    if not issubclass(cls, (RoomGridLevel, *(getattr(envs, f"{name}Env") for name in MISSION_LEVELS))):
        known = f"BabyAI's and {', '.join(MISSION_LEVELS)}"
        if is_minigrids(cls):
            raise UnsupportedLevelError(
                f"{level} cannot be compiled: its mission never varies, so that there is no language to ground (of "
                f"MiniGrid's levels, {known} can be run)"
            )
        raise UnsupportedLevelError(
            f"{level} cannot be compiled: what {cls.__name__} asks for stands in its own code, of which only the "
            "sentence can be read, not the goal. Derive it from RoomGridLevel and state the goal in gen_mission as "
            f"self.instrs, derive it from one of {known}, or write it as a Task"
        )
    deciding = {name: next((base for base in cls.__mro__ if name in vars(base)), cls) for name in RULES}
    changed = [name for name, base in deciding.items() if name in vars(base) and not is_minigrids(base)]
    if changed:
        raise UnsupportedLevelError(
            f"{level} cannot be compiled: {cls.__name__} changes MiniGrid's {', '.join(changed)}, not the kernels"
        )


def is_level(cls: type[Any]) -> bool:
    """Whether a class is a MiniGrid environment."""
    from minigrid.minigrid_env import MiniGridEnv

    return issubclass(cls, MiniGridEnv)


def is_minigrids(cls: type[Any]) -> bool:
    """Whether a class is MiniGrid's own."""
    return cls.__module__.startswith("minigrid.")


def is_of_library(cls: type[Any]) -> bool:
    """Whether a class is of MiniGrid or of what it is built on, whose version is told."""
    return cls.__module__.partition(".")[0] in ("minigrid", "gymnasium", "typing", "abc")
