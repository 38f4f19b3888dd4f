"""MiniGrid's own levels, read into episodes: run the level's generator for a seed, then read its grid and instruction.

The generators are MiniGrid's; nothing of a level is written again here. Each episode comes from a freshly made
environment, because some generators keep state between resets.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np

from groundling.envs.bank import Episode
from groundling.envs.constants import (
    FIRST_OBJECT,
    MAX_OBJECTS,
    NOTHING_CODE,
    NOWHERE,
    TYPE_CODES,
    WALL_CODE,
    Verb,
    look,
)
from groundling.errors import ConfigurationError, UnknownEnvironmentError, UnsupportedLevelError
from groundling.language.goals import (
    Color,
    Goal,
    GoTo,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNextTo,
)
from groundling.language.grammar import render

# Levels whose instructions may join several clauses ("..., then ...").
SEQUENCE_LEVELS = frozenset(
    f"BabyAI-{name}-v0"
    for name in (
        "GoToSeq",
        "GoToSeqS5R2",
        "OpenTwoDoors",
        "OpenRedBlueDoors",
        "OpenRedBlueDoorsDebug",
        "OpenDoorsOrderN2",
        "OpenDoorsOrderN4",
        "OpenDoorsOrderN2Debug",
        "OpenDoorsOrderN4Debug",
        "MoveTwoAcrossS5N2",
        "MoveTwoAcrossS8N9",
        "SynthSeq",
        "MiniBossLevel",
        "BossLevel",
        "BossLevelNoUnlock",
    )
)


def minigrid_levels() -> list[str]:
    """Ids of every registered BabyAI level whose instruction is a single clause, in the order of registration."""
    import minigrid  # noqa: F401 - registers its levels

    return [id for id in gymnasium.registry if id.startswith("BabyAI-") and id not in SEQUENCE_LEVELS]


def sample_episodes(level: str, seeds: Iterable[int]) -> list[Episode]:
    """The episodes that a level generates for these seeds, see ``EpisodeBank.from_minigrid`` for the errors."""
    make = level_factory(level)
    seeds = [int(seed) for seed in seeds]
    if not seeds:
        raise ConfigurationError("a bank needs at least one seed")
    if min(seeds) < 0:
        raise ConfigurationError(f"MiniGrid's seeds are not negative, got {min(seeds)}")
    with contextlib.redirect_stdout(io.StringIO()):  # the generators print each layout that they reject
        return [sample_episode(level, make, seed) for seed in seeds]


@lru_cache(maxsize=256)
def level_class(level: str) -> type[Any]:
    """The class that generates a level.

    Raises:
        UnknownEnvironmentError: if the id is not registered; the message names the nearest ones.
        UnsupportedLevelError: if it is not a level of BabyAI's kind, or one of several clauses.
    """
    import minigrid  # noqa: F401 - registers its levels
    from minigrid.envs.babyai.core.roomgrid_level import RoomGridLevel

    spec = gymnasium.registry.get(level)
    if spec is None or spec.entry_point is None:
        raise UnknownEnvironmentError(unknown_message(level, minigrid_levels()))
    entry = spec.entry_point
    if isinstance(entry, str):
        module, _, name = entry.partition(":")
        entry = getattr(importlib.import_module(module), name)
    if not (isinstance(entry, type) and issubclass(entry, RoomGridLevel)):
        raise UnsupportedLevelError(
            f"{level} is not a BabyAI level: only levels whose goal is a BabyAI instruction can be compiled"
        )
    if level in SEQUENCE_LEVELS:
        raise UnsupportedLevelError(
            f"{level} gives instructions of several clauses (then, after, and); "
            f"Groundling compiles single clauses so far. `groundling tasks` lists what it can run"
        )
    return entry


def level_factory(level: str) -> Callable[[], Any]:
    """A function that makes the level's bare environment, without Gymnasium's wrappers; errors as ``level_class``."""
    make, kwargs = level_class(level), dict(gymnasium.registry[level].kwargs)
    return lambda: make(**kwargs)


def unknown_message(id: str, known: Sequence[str]) -> str:
    """One line that names the ids nearest to an unknown one."""
    bare = {name.removeprefix("BabyAI-").removesuffix("-v0").lower(): name for name in known}
    close = difflib.get_close_matches(id.removeprefix("BabyAI-").removesuffix("-v0").lower(), bare, n=3, cutoff=0.5)
    nearest = f"; the nearest are {', '.join(bare[name] for name in close)}" if close else ""
    return f"there is no environment {id!r}{nearest}. `groundling tasks` lists all {len(known)}"


def sample_episode(level: str, make: Callable[[], Any], seed: int) -> Episode:
    """Generate one layout and read it."""
    env = make()
    env.gen_obs = lambda: None  # the first view is drawn by our kernels; MiniGrid's costs a fifth of a reset
    env.reset(seed=seed)
    goal, sets = read_goal(level, env)
    if render(goal) != env.mission:
        raise UnsupportedLevelError(f"{level}, seed {seed}: the grammar writes {render(goal)!r}, not {env.mission!r}")
    things = [cell for cell in env.grid.grid if cell is not None and cell.type != "wall"]
    if env.carrying is not None:
        things.append(env.carrying)
    things.extend([thing.contains for thing in things if thing.contains is not None])
    if len(things) > MAX_OBJECTS:
        raise UnsupportedLevelError(f"{level}, seed {seed}: {len(things)} objects, at most {MAX_OBJECTS} are compiled")
    code_of = {id(thing): FIRST_OBJECT + k for k, thing in enumerate(things)}
    inside = {id(thing.contains) for thing in things if thing.contains is not None}
    width, height = env.grid.width, env.grid.height

    def code(cell: Any) -> int:
        if cell is None:
            return NOTHING_CODE
        return WALL_CODE if cell.type == "wall" else code_of[id(cell)]

    def place(thing: Any) -> int:
        return NOWHERE if id(thing) in inside else int(thing.cur_pos[1]) * width + int(thing.cur_pos[0])

    for thing in things:
        if thing.type not in TYPE_CODES:
            raise UnsupportedLevelError(f"{level}, seed {seed}: the object {thing.type!r} is not compiled")
    # some generators put a thing on the map without telling it its place
    for index, cell in enumerate(env.grid.grid):
        if cell is not None and cell.type != "wall" and cell.cur_pos is None:
            cell.cur_pos = (index % width, index // width)
    if not isinstance(goal, PickUp) and any(thing.type == "wall" for objects in sets for thing in objects):
        raise UnsupportedLevelError(f"{level}, seed {seed}: the instruction {env.mission!r} means walls")
    # MiniGrid counts the walls among "a grey object"; nobody can pick one up
    masks = [
        sum(1 << (code_of[id(thing)] - FIRST_OBJECT) for thing in objects if thing.type != "wall") for objects in sets
    ]
    return Episode(
        cells=np.array([code(cell) for cell in env.grid.grid], dtype=np.uint8).reshape(height, width),
        looks=tuple(look(*map(int, thing.encode())) for thing in things),
        contents=tuple(code(thing.contains) for thing in things),
        positions=tuple(place(thing) for thing in things),
        pose=(int(env.agent_pos[0]), int(env.agent_pos[1]), int(env.agent_dir)),
        carried=code(env.carrying),
        program=compile_goal(goal, masks),
        max_steps=int(env.max_steps),
        instruction=env.mission,
        seed=seed,
    )


def read_goal(level: str, env: Any) -> tuple[Goal, list[list[Any]]]:
    """The goal of a generated level, and for each of its descriptions the objects that it means."""
    from minigrid.envs.babyai.core import verifier

    if verifier.use_done_actions:
        raise UnsupportedLevelError("BABYAI_DONE_ACTIONS changes BabyAI's rules: unset this environment variable")
    instruction = env.instrs
    match instruction:
        case verifier.GoToInstr(desc=desc):
            return GoTo(read_description(desc)), [desc.obj_set]
        case verifier.PickupInstr(desc=desc, strict=strict):
            return PickUp(read_description(desc), bool(strict)), [desc.obj_set]
        case verifier.OpenInstr(desc=desc, strict=strict):
            return Open(read_description(desc), bool(strict)), [desc.obj_set]
        case verifier.PutNextInstr(desc_move=moved, desc_fixed=fixed, strict=strict):
            return (
                PutNextTo(read_description(moved), read_description(fixed), bool(strict)),
                [moved.obj_set, fixed.obj_set],
            )
    raise UnsupportedLevelError(
        f"{level}: the instruction {env.mission!r} is no single clause of BabyAI's language; "
        "`groundling tasks` lists what can be compiled"
    )


def read_description(desc: Any) -> ObjectDescription:
    """BabyAI's ObjDesc as a frozen description."""
    return ObjectDescription(
        type=None if desc.type is None else ObjectType(desc.type),
        color=None if desc.color is None else Color(desc.color),
        location=None if desc.loc is None else Location(desc.loc),
        definite=len(desc.obj_set) == 1,
    )


def compile_goal(goal: Goal, masks: Sequence[int]) -> tuple[int, int, int, int]:
    """The program that the kernels judge by; ``masks`` holds a set of objects for each description of the goal."""
    match goal:
        case GoTo():
            return int(Verb.GO_TO), 0, masks[0], 0
        case PickUp(strict=strict):
            return int(Verb.PICK_UP), int(strict), masks[0], 0
        case Open(strict=strict):
            return int(Verb.OPEN), int(strict), masks[0], 0
        case PutNextTo(strict=strict):
            return int(Verb.PUT_NEXT_TO), int(strict), masks[0], masks[1]
