"""Import of a generated MiniGrid environment as an episode: its grid, its agent, its goal.

The generators are MiniGrid's; nothing of a level is written again here.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import repeat
from typing import Any

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    BORDER,
    FIRST_OBJECT,
    MAX_OBJECTS,
    MAX_POSITIONS,
    NO_PLACE,
    NOTHING_CODE,
    NOWHERE,
    OPAQUE_BIT,
    PORTABLE_BIT,
    VIEW_SIZE,
    WALL_CODE,
    look,
    place,
    without,
)
from groundling.envs.worlds.programs import compile_goal
from groundling.errors import InstructionError, UnsupportedLevelError
from groundling.language.goal_parts import without_rules
from groundling.language.goals import (
    After,
    And,
    Clause,
    Color,
    Goal,
    GoTo,
    GoToMatch,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNear,
    PutNextTo,
    Step,
    Then,
    UnlockAndGoToGoal,
)
from groundling.language.grammar import parse, render

Operands = list[tuple[int, int]]  # the operands of each clause, in the order of the sentence


def read_episode(level: str, env: Any, seed: int) -> Episode:
    """Read a freshly reset MiniGrid environment.

    Raises:
        UnsupportedLevelError: if something in it is not compiled, or the grammar does not write its instruction.
    """
    from minigrid.core.world_object import Wall

    where = f"{level}, seed {seed}"
    width, height = env.grid.width, env.grid.height
    # the hot part of bank building: most of a map is floor and grey walls, which their classes tell
    tiles = env.grid.grid
    codes = bytearray(map({type(None): NOTHING_CODE, Wall: WALL_CODE}.get, map(type, tiles), repeat(FIRST_OBJECT)))
    positions = [index for index, code in enumerate(codes) if code == FIRST_OBJECT]
    if {tile.color for tile in tiles if type(tile) is Wall} - {"grey"}:
        positions = [i for i, tile in enumerate(tiles) if tile and not (type(tile) is Wall and tile.color == "grey")]
    things = [tiles[index] for index in positions]
    for code, index in enumerate(positions, start=FIRST_OBJECT):
        codes[index] = min(code, 255)
    cells = np.frombuffer(codes, dtype=np.uint8)
    if env.carrying is not None:
        things.append(env.carrying)
        positions.append(int(env.carrying.cur_pos[1]) * width + int(env.carrying.cur_pos[0]))
    for thing in things:  # grows: what is in a box may be a box
        if thing.contains is not None:
            things.append(thing.contains)
            positions.append(NOWHERE)
    reason = _what_is_not_compiled(env, things)
    if reason:
        raise UnsupportedLevelError(f"{where}: {reason}")
    code_of = {id(thing): FIRST_OBJECT + k for k, thing in enumerate(things)}
    code_of[id(None)] = NOTHING_CODE
    goal, operands = _Reader(where, env, code_of).read()
    if not _says(env.mission, goal):
        raise UnsupportedLevelError(f"{where}: the grammar writes {render(goal)!r}, not {env.mission!r}")
    looks = tuple(look(*map(int, thing.encode())) for thing in things)
    off = [*([OPAQUE_BIT] if env.see_through_walls else []), *([PORTABLE_BIT] if goal == GoToMatch() else [])]
    return Episode(
        cells=cells.reshape(height, width),
        looks=tuple(without(seen, *off) for seen in looks) if off else looks,
        contents=tuple(code_of[id(thing.contains)] for thing in things),
        positions=tuple(positions),
        pose=(int(env.agent_pos[0]), int(env.agent_pos[1]), int(env.agent_dir)),
        carried=code_of[id(env.carrying)],
        program=compile_goal(goal, operands),
        max_steps=int(env.max_steps),
        instruction=env.mission,
        seed=seed,
        walls_hide=not env.see_through_walls,
        goal=without_rules(goal),
    )


def _what_is_not_compiled(env: Any, things: Sequence[Any]) -> str:
    """Why the kernels would not do with this world as MiniGrid does; empty if they would."""
    from minigrid.core.world_object import Ball, Box, Door, Goal, Key
    from minigrid.envs.lockedroom import LockedRoomEnv

    width, height = env.grid.width, env.grid.height
    if env.agent_view_size != VIEW_SIZE:
        return f"a view of {env.agent_view_size} tiles; {VIEW_SIZE} are compiled"
    if (width + 2 * BORDER) * (height + 2 * BORDER) > MAX_POSITIONS:
        return f"a map of {width} x {height} tiles; positions are 16-bit integers"
    if len(things) > MAX_OBJECTS:
        return f"{len(things)} objects, at most {MAX_OBJECTS} are compiled"
    if len({id(thing) for thing in things}) < len(things):
        return "the same object stands in two places"
    for thing in things:
        if type(thing) not in (Door, Key, Ball, Box, Goal):
            return f"the object {type(thing).__name__} ({thing.color} {thing.type}) is not compiled"
        if type(thing) is Door and thing.is_open and thing.is_locked:
            return "a door that is both open and locked is not compiled"
    goal_tiles = sum(type(thing) is Goal for thing in things)
    if goal_tiles != isinstance(env, LockedRoomEnv):
        return f"{goal_tiles} goal tiles: only the one of LockedRoom is compiled"
    return ""


def _says(mission: str, goal: Goal) -> bool:
    try:
        return render(goal) == mission or parse(mission) == without_rules(goal)
    except InstructionError:
        return False


class _Reader:
    """Reads the goal of one environment, and the objects or places that its clauses mean."""

    def __init__(self, where: str, env: Any, code_of: dict[int, int]) -> None:
        self.where = where
        self.env = env
        self.code_of = code_of

    def read(self) -> tuple[Goal, Operands]:
        """The goal, and the operands of its clauses in the order of the sentence."""
        if hasattr(self.env, "instrs"):
            return self._read_babyai(self.env.instrs)
        return self._read_minigrid()

    def _read_babyai(self, instruction: Any) -> tuple[Goal, Operands]:
        from minigrid.envs.babyai.core import verifier

        if verifier.use_done_actions:
            raise UnsupportedLevelError("BABYAI_DONE_ACTIONS changes BabyAI's rules: unset this environment variable")
        match instruction:
            case verifier.BeforeInstr(instr_a=a, instr_b=b, strict=strict) if _is_babyais(instruction):
                (first, theirs), (second, others) = self._read_step(a), self._read_step(b)
                return Then((first, second), bool(strict)), theirs + others
            case verifier.AfterInstr(instr_a=a, instr_b=b, strict=strict) if _is_babyais(instruction):
                (last, theirs), (first, others) = self._read_step(a), self._read_step(b)
                return After(last, first, bool(strict)), theirs + others
        return self._read_step(instruction)

    def _read_step(self, instruction: Any) -> tuple[Step, Operands]:
        from minigrid.envs.babyai.core import verifier

        if isinstance(instruction, verifier.AndInstr) and _is_babyais(instruction):
            a, theirs = self._read_clause(instruction.instr_a)
            b, others = self._read_clause(instruction.instr_b)
            return And((a, b)), [theirs, others]
        clause, operands = self._read_clause(instruction)
        return clause, [operands]

    def _read_clause(self, instruction: Any) -> tuple[Clause, tuple[int, int]]:
        from minigrid.envs.babyai.core import verifier

        clause: Clause
        match instruction if _is_babyais(instruction) else None:
            case verifier.GoToInstr(desc=desc):
                clause, sets = GoTo(_description(desc)), [desc.obj_set]
            case verifier.PickupInstr(desc=desc, strict=strict):
                clause, sets = PickUp(_description(desc), bool(strict)), [desc.obj_set]
            case verifier.OpenInstr(desc=desc, strict=strict):
                clause, sets = Open(_description(desc), bool(strict)), [desc.obj_set]
            case verifier.PutNextInstr(desc_move=moved, desc_fixed=fixed, strict=strict):
                clause = PutNextTo(_description(moved), _description(fixed), bool(strict))
                sets = [moved.obj_set, fixed.obj_set]
            case _:
                raise UnsupportedLevelError(f"{self.where}: {type(instruction).__name__} is no instruction of BabyAI's")
        if not isinstance(clause, PickUp) and any(thing.type == "wall" for objects in sets for thing in objects):
            raise UnsupportedLevelError(f"{self.where}: the instruction {self.env.mission!r} means walls")
        first, second = (*map(self._mask, sets), 0)[:2]
        return clause, (first, second)

    def _read_minigrid(self) -> tuple[Goal, Operands]:
        envs = import_module("minigrid.envs")
        env = self.env
        match env:
            case envs.FetchEnv(targetType=kind, targetColor=color):
                meant = [t for t in env.grid.grid if t is not None and (t.type, t.color) == (kind, color)]
                target = ObjectDescription(ObjectType(kind), Color(color), definite=False)
                return PickUp(target, strict=True), [(self._mask(meant), 0)]
            case envs.GoToDoorEnv(target_color=color, target_pos=position):
                target = ObjectDescription(ObjectType.DOOR, Color(color))
                return GoTo(target, announced=True), [(_place(position), 0)]
            case envs.GoToObjectEnv(targetType=kind, target_color=color, target_pos=position):
                target = ObjectDescription(ObjectType(kind), Color(color))
                return GoTo(target, announced=True), [(_place(position), 0)]
            case envs.PutNearEnv():
                moved = ObjectDescription(ObjectType(env.move_type), Color(env.moveColor))
                fixed = ObjectDescription(ObjectType(env.target_type), Color(env.target_color))
                meant = [env.grid.get(*env.move_pos)]
                return PutNear(moved, fixed), [(self._mask(meant), _place(env.target_pos))]
            case envs.MemoryEnv(success_pos=right, failure_pos=wrong):
                return GoToMatch(), [(_place(right), _place(wrong))]
            case envs.LockedRoomEnv():
                return self._read_locked_room()
            case (
                envs.KeyCorridorEnv()
                | envs.ObstructedMazeEnv()
                | envs.UnlockPickupEnv()
                | envs.BlockedUnlockPickupEnv()
            ):
                target = ObjectDescription(ObjectType(env.obj.type), Color(env.obj.color))
                return PickUp(target), [(self._mask([env.obj]), 0)]
        raise UnsupportedLevelError(f"{self.where}: the goal of {type(env).__name__} cannot be compiled")

    def _read_locked_room(self) -> tuple[Goal, Operands]:
        env = self.env
        goal = parse(env.mission)
        assert isinstance(goal, UnlockAndGoToGoal)
        index = next(i for i, thing in enumerate(env.grid.grid) if thing is not None and thing.type == "goal")
        return goal, [(place(index % env.grid.width, index // env.grid.width), NO_PLACE)]

    def _mask(self, objects: Sequence[Any]) -> int:
        # MiniGrid counts the walls among "a grey object"; nobody can pick one up
        return sum(1 << (self.code_of[id(thing)] - FIRST_OBJECT) for thing in objects if thing.type != "wall")


def _is_babyais(instruction: Any) -> bool:
    """Whether it is a class of BabyAI's verifier; one that is derived from it may have other rules."""
    from minigrid.envs.babyai.core import verifier

    return type(instruction).__module__ == verifier.__name__


def _place(position: Any) -> int:
    return place(int(position[0]), int(position[1]))


def _description(desc: Any) -> ObjectDescription:
    """BabyAI's ObjDesc as a frozen description."""
    return ObjectDescription(
        type=None if desc.type is None else ObjectType(desc.type),
        color=None if desc.color is None else Color(desc.color),
        location=None if desc.loc is None else Location(desc.loc),
        definite=len(desc.obj_set) == 1,
    )
