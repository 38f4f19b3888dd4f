"""What a goal means in a world: the objects of each description, the articles of the sentence, the goal program.

The meanings are those of BabyAI's verifier (``ObjDesc.find_matching_objs``); sizes, "both", negation and relations are
our own. All are found once, in the world as the episode begins. What is inside a box is meant only where it is to be
picked up and nothing else fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from groundling.envs.engine.constants import OPEN, place
from groundling.envs.engine.floors import FLOOR_CODES
from groundling.envs.worlds.layout import DIRECTIONS, STRIDES, Thing
from groundling.envs.worlds.programs import Program, compile_goal
from groundling.language.goal_parts import with_descriptions
from groundling.language.goals import (
    After,
    And,
    Clause,
    Goal,
    GoTo,
    NextTo,
    ObjectDescription,
    Open,
    PickUp,
    PutIn,
    PutNear,
    PutNextTo,
    Size,
    Step,
    Then,
    clause_descriptions,
    clauses,
    steps,
)
from groundling.language.grammar import render

if TYPE_CHECKING:
    from groundling.envs.worlds.builder import WorldBuilder


def resolve(world: WorldBuilder, goal: Goal) -> tuple[Goal, Program]:
    """The goal with the articles that the world asks for, and its program.

    Raises:
        TaskError: if no object satisfies a description, or the goal is none of a task's.
    """
    try:
        named = clauses(goal)
    except (TypeError, AttributeError):
        named = ()
    if not named or not all(isinstance(clause, GoTo | PickUp | Open | PutNextTo | PutNear | PutIn) for clause in named):
        raise world.error(f"sample returned {goal!r}, which is not a goal that a task can ask for")
    if any(_with_known_words(world, d) is not d for clause in named for d in clause_descriptions(clause)):
        goal = with_descriptions(goal, lambda description: _with_known_words(world, description))
        named = clauses(goal)
    if len(named) > world.task.max_clauses:
        raise world.error(f"{render(goal)!r} has {len(named)} clauses: set max_clauses = {len(named)} in the class")
    if any(thing.is_trap for thing in world.things) and not all(isinstance(clause, PickUp) for clause in named):
        raise world.error(f"a box is a trap only where something is to be picked up, not in {render(goal)!r}")
    first_step = steps(goal)[0]
    operands, told = [], []
    for clause in named:
        sets = [_meant(world, d, clause, i, goal) for i, d in enumerate(clause_descriptions(clause))]
        _refuse_done(world, clause, sets, clause in first_step)
        operands.append(_operands(world, clause, sets))
        told.append(_with_articles(world, clause))
    goal = _with_clauses(goal, told)
    return goal, compile_goal(goal, operands)


def fitting(world: WorldBuilder, description: ObjectDescription, among: Iterable[Thing]) -> list[Thing]:
    """The things that fit a description, its negation left aside; see ``WorldBuilder.matches``."""
    kind, color, location = description.type, description.color, description.location
    found = [t for t in among if (kind is None or t.type == kind) and (color is None or t.color == color)]
    if location is not None:
        found = [thing for thing in found if location in world.locations_of(thing)]
    if description.relation is not None:
        found = _related(world, description.relation, found)
    if description.size is not None:
        return _extreme(found, description.size)
    return found if not description.both or len(found) == 2 else []


def _related(world: WorldBuilder, relation: NextTo | str, things: Iterable[Thing]) -> list[Thing]:
    """Those of the things that are in a relation."""
    if isinstance(relation, NextTo):
        neighbors = fitting(world, relation.neighbor, _on_map(world))
        return [thing for thing in things if any(thing.is_beside(neighbor) for neighbor in neighbors)]
    own = world.task.relations
    if relation not in own:
        known = f"it has {', '.join(map(repr, own))}" if own else "it has none"
        raise world.error(
            f"the task has no relation {relation!r}, {known}: name it in relations = (Relation(...), ...)"
        )
    holds = own[own.index(relation)].holds
    return [thing for thing in things if holds(world, thing)]


def _on_map(world: WorldBuilder) -> list[Thing]:
    return [thing for thing in world.things if thing.position is not None]


def _with_known_words(world: WorldBuilder, description: ObjectDescription) -> ObjectDescription:
    """The description with the language's and the task's own types and colors, where it has their mere names."""
    kind, color, relation = description.type, description.color, description.relation
    if isinstance(relation, NextTo):
        neighbor = _with_known_words(world, relation.neighbor)
        relation = relation if neighbor is relation.neighbor else NextTo(neighbor)
    elif isinstance(relation, str):
        relation = str(relation)
    kind = None if kind is None else world.find_type(kind)
    color = None if color is None else world.find_color(color)
    if kind is description.type and color is description.color and relation is description.relation:
        return description
    return replace(description, type=kind, color=color, relation=relation)


def _candidates(world: WorldBuilder, clause: Clause, role: int) -> list[Thing]:
    """The things that a clause's first (0) or second (1) description can mean."""
    on_map = _on_map(world)
    if isinstance(clause, Open):
        return [thing for thing in on_map if thing.is_door]
    if isinstance(clause, GoTo) or role == 1:
        return on_map
    return [thing for thing in on_map if not thing.is_door]


def _hidden(world: WorldBuilder, description: ObjectDescription, clause: Clause) -> list[Thing]:
    """The things inside boxes that are meant where something is to be picked up, and nothing that is seen fits."""
    if not isinstance(clause, PickUp) or description.negated:
        return []
    return fitting(world, description, [thing for thing in world.things if thing.position is None])


def _meant(world: WorldBuilder, description: ObjectDescription, clause: Clause, role: int, goal: Goal) -> list[Thing]:
    meant = world.matches(description, _candidates(world, clause, role)) or _hidden(world, description, clause)
    if not meant:
        part = "" if clause is goal else f", of {render(goal)!r}"
        raise world.error(
            f"no object in the world satisfies {'what is named second' if role else 'what is named'} in "
            f"{render(clause)!r}{part}: {_requirement(description)}"
        )
    return meant


def _refuse_done(world: WorldBuilder, clause: Clause, sets: Sequence[list[Thing]], is_first: bool) -> None:
    """Reject a layout in which the clause holds already."""
    if isinstance(clause, GoTo) and not clause.announced and is_first:
        x, y = world.standing()
        ahead_x, ahead_y = STRIDES[DIRECTIONS.index(world.facing)]
        if any(thing.position == (x + ahead_x, y + ahead_y) for thing in sets[0]):
            world.reject("the agent stands before its goal already")
    if isinstance(clause, Open) and any(door.state == OPEN for door in sets[0]):
        world.reject("the door is open already")
    if isinstance(clause, PutIn):
        code = _floor_code(world, clause)
        if any(_floor_under(world, thing) == code for thing in sets[0]):
            world.reject("an object that is to be put in a room is there already")
    if isinstance(clause, PutNextTo | PutNear):
        moved, fixed = sets
        if any(thing in fixed for thing in moved):
            world.reject("an object fits both what is to be put and where")
        for first in moved:
            for second in fixed:
                assert first.position is not None
                assert second.position is not None
                x, y = (abs(a - b) for a, b in zip(first.position, second.position, strict=True))
                if x + y == 1 or (isinstance(clause, PutNear) and max(x, y) == 1):
                    world.reject("the objects lie side by side already")


def _operands(world: WorldBuilder, clause: Clause, sets: Sequence[list[Thing]]) -> tuple[int, int]:
    if isinstance(clause, GoTo) and clause.announced:
        return _only_place(world, clause, sets[0]), 0
    if isinstance(clause, PutNear):
        return _mask(world, sets[0]), _only_place(world, clause, sets[1])
    if isinstance(clause, PutIn):
        return _mask(world, sets[0]), _floor_code(world, clause)
    if isinstance(clause, PickUp):
        return _mask(world, sets[0]), _mask(world, (thing for thing in world.things if thing.is_trap))
    return _mask(world, sets[0]), _mask(world, sets[1]) if len(sets) == 2 else 0


def _floor_code(world: WorldBuilder, clause: PutIn) -> int:
    """The code of the floor on which something is to be put; the world has such a floor."""
    own = world.task.relations
    floor = own[own.index(clause.place)].floor if clause.place in own else ""
    if not floor:
        known = ", ".join(repr(str(relation)) for relation in own if relation.floor) or "none"
        raise world.error(
            f"nothing can be put {clause.place!r}: that takes a relation with a floor, Relation(words, holds, "
            f"floor=...), and the task has {known}"
        )
    code = FLOOR_CODES[floor]
    if world.floors is None or not (world.floors == code).any():
        raise world.error(f"no floor of the world is {floor!r}, where {render(clause)!r} asks for it")
    return code


def _floor_under(world: WorldBuilder, thing: Thing) -> int:
    assert thing.position is not None
    assert world.floors is not None
    x, y = thing.position
    return int(world.floors[y, x])


def _only_place(world: WorldBuilder, clause: Clause, meant: list[Thing]) -> int:
    if len(meant) != 1 or meant[0].position is None:
        raise world.error(f"{render(clause)!r} must mean one object, {len(meant)} fit")
    return place(*meant[0].position)


def _mask(world: WorldBuilder, meant: Iterable[Thing]) -> int:
    return sum(1 << world.things.index(thing) for thing in meant)


def _with_articles(world: WorldBuilder, clause: Clause) -> Clause:
    told = [_with_article(world, d, clause, i) for i, d in enumerate(clause_descriptions(clause))]
    match clause:
        case PutNextTo() | PutNear():
            if told[0] is clause.moved and told[1] is clause.fixed:
                return clause
            return replace(clause, moved=told[0], fixed=told[1])
        case PutIn():
            return clause if told[0] is clause.moved else replace(clause, moved=told[0])
        case GoTo() | PickUp() | Open():
            return clause if told[0] is clause.target else replace(clause, target=told[0])
        case _:
            return clause


def _with_article(world: WorldBuilder, description: ObjectDescription, clause: Clause, role: int) -> ObjectDescription:
    relation = description.relation
    if isinstance(relation, NextTo):
        neighbor = relation.neighbor
        is_alone = neighbor.size is not None or len(fitting(world, neighbor, _on_map(world))) == 1
        if is_alone is not neighbor.definite:
            description = replace(description, relation=NextTo(replace(neighbor, definite=is_alone)))
    is_definite = description.both or description.size is not None
    if not is_definite:
        seen = fitting(world, description, _candidates(world, clause, role))
        is_definite = len(seen or _hidden(world, description, clause)) == 1
    return description if is_definite is description.definite else replace(description, definite=is_definite)


def _extreme(things: list[Thing], size: Size) -> list[Thing]:
    """The thing that a comparative or superlative means; none where it has no meaning."""
    is_comparative = size in (Size.SMALLER, Size.LARGER)
    if (len(things) != 2) if is_comparative else (len(things) < 3):
        return []
    pick = min if size in (Size.SMALLER, Size.SMALLEST) else max
    extreme = pick(thing.state for thing in things)
    found = [thing for thing in things if thing.state == extreme]
    return found if len(found) == 1 else []


def _requirement(description: ObjectDescription) -> str:
    if description.size in (Size.SMALLER, Size.LARGER):
        return f"{description.size!s} means one of exactly two things of different sizes"
    if description.size is not None:
        return f"{description.size!s} means the only such one of three things or more"
    if description.both:
        return "both means exactly two things"
    return "everything fits it" if description.negated else "nothing fits it"


def _with_clauses(goal: Goal, told: Iterable[Clause]) -> Goal:
    """The goal with other clauses, in the order of the sentence."""
    clauses_left = iter(told)

    def step(old: Step) -> Step:
        if isinstance(old, And):
            return And(tuple(next(clauses_left) for _ in old.parts))
        return next(clauses_left)

    match goal:
        case Then(parts, strict):
            return Then(tuple(step(part) for part in parts), strict)
        case After(last, first, strict):
            later = step(last)
            return After(later, step(first), strict)
        case _:
            return step(goal)
