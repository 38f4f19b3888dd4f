"""Worlds that stand already, as goals are resolved in them: a person asks for something else, or moves a thing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    FIRST_OBJECT,
    HELD,
    NOTHING_CODE,
    NOWHERE,
    STRICT,
    WALL_CODE,
    Verb,
    look_parts,
)
from groundling.envs.engine.kinds import Kinds, kinds_of
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.goal_resolution import resolve
from groundling.envs.worlds.layout import DIRECTIONS, RejectedLayout, Room, Thing, Tile
from groundling.envs.worlds.task import Task
from groundling.errors import InstructionError, TaskError
from groundling.language.goal_parts import with_rules
from groundling.language.goals import Color, Goal, Instructed, ObjectType, clauses
from groundling.language.grammar import render
from groundling.language.lexicon import Lexicon

MOST_CLAUSES: Final = 8
MOST_TOLD: Final = 12  # things, in messages
UNNAMED: Any = "thing"  # the type of what no goal can name, such as lava


@dataclass(frozen=True)
class Restated:
    """An episode in which something else is asked for.

    Attributes:
        episode: the same world, with another sentence and another goal.
        meaning: what is asked for, in standard words.
    """

    episode: Episode
    meaning: str


class AnyWorld(Task):
    """A world of which nobody knows the task."""

    max_clauses = MOST_CLAUSES

    def sample(self, world: WorldBuilder, rng: np.random.Generator) -> Goal | Instructed:
        """Refused: it has no worlds of its own."""
        raise world.error("this is no task to be sampled")


class StandingWorld(WorldBuilder):
    """An episode's world as a builder, so that goals are resolved in it.

    Args:
        episode: whose world it is.
        lexicon: types and colors of its task.
        task: whose relations sentences may have; None: there are none.
    """

    def __init__(self, episode: Episode, lexicon: Lexicon, task: Task | None = None) -> None:
        super().__init__(task or AnyWorld(), episode.seed)
        self._height, self._width = episode.cells.shape
        self._cells = bytearray(episode.cells.tobytes())
        self.things = things_of(episode, kinds_of(lexicon), lexicon)
        self.agent = episode.pose[:2]
        self.facing = DIRECTIONS[episode.pose[2]]
        self.floors = episode.floors
        self._here = self._room_here()

    def _room_at(self, tile: Tile) -> Room:
        """The room in which the agent stands, whose shape is found by walking as far as there is no wall or door."""
        return self._here

    def _room_here(self) -> Room:
        doors = {FIRST_OBJECT + k for k, thing in enumerate(self.things) if thing.is_door}
        width, cells = self._width, self._cells
        x, y = self.standing()
        seen, todo = {y * width + x}, [y * width + x]
        edge: set[int] = set()
        while todo:
            tile = todo.pop()
            for beside in (tile - 1, tile + 1, tile - width, tile + width):
                if not 0 <= beside < len(cells) or beside in seen:
                    continue
                if cells[beside] == WALL_CODE or cells[beside] in doors:
                    edge.add(beside)
                    continue
                seen.add(beside)
                todo.append(beside)
        return FoundRoom(0, 0, (0, 0), width, tuple(sorted(seen)), width=width, all_tiles=frozenset(seen | edge))


@dataclass(slots=True, eq=False)
class FoundRoom(Room):
    """A room of any shape.

    Attributes:
        width: tiles of a row of the map.
        all_tiles: its floor and its walls, y * width + x.
    """

    width: int = 0
    all_tiles: frozenset[int] = frozenset()

    def contains(self, tile: Tile) -> bool:
        """Whether a tile is in the room or in its walls."""
        return tile[1] * self.width + tile[0] in self.all_tiles


def things_of(episode: Episode, kinds: Kinds, lexicon: Lexicon) -> list[Thing]:
    """The doors and objects of an episode, in the order of their codes; what no goal can name is of an unnamed type."""
    types: dict[str, Any] = {str(own): own for own in lexicon.types}
    colors: dict[str, Any] = {str(own): own for own in lexicon.colors}
    type_of = {code: types.get(name) or ObjectType(name) for name, code in kinds.types.items()}
    color_of = {code: colors.get(name) or Color(name) for name, code in kinds.colors.items()}
    width = episode.cells.shape[1]
    traps = _traps(episode)
    inside = {held & HELD for held in episode.contents} | {episode.carried}
    things = []
    for k, look in enumerate(episode.looks):
        kind, color, state = look_parts(look)
        place = episode.positions[k]
        is_gone = place == NOWHERE and FIRST_OBJECT + k not in inside
        things.append(
            Thing(
                UNNAMED if is_gone else type_of.get(kind, UNNAMED),
                color_of.get(color, UNNAMED),
                state,
                None if place == NOWHERE else (place % width, place // width),
                is_trap=bool(traps >> k & 1),
            )
        )
    for thing, held in zip(things, episode.contents, strict=True):
        code = held & HELD
        if thing.is_door or code == NOTHING_CODE:
            continue
        thing.contents = things[code - FIRST_OBJECT]
    return things


def restated(
    episode: Episode, goal: Goal, sentence: str, lexicon: Lexicon, *, task: Task | None = None, max_steps: int = 0
) -> Restated:
    """The episode with another goal, resolved in its world as it stands.

    Args:
        episode: whose world it is.
        goal: what is asked for from now on.
        sentence: what the agent is told; empty: the goal's canonical sentence, with the articles that the world asks
            for.
        lexicon: types and colors of its task.
        task: whose relations sentences may have.
        max_steps: time limit; 0 keeps the episode's.

    Raises:
        InstructionError: if nothing in the world fits the words, or what is asked for is so already; one sentence.
    """
    world = StandingWorld(episode, lexicon, task)
    try:
        goal, program = resolve(world, goal)
    except TaskError as error:
        raise InstructionError(_plain(str(error), goal, world)) from error
    except RejectedLayout as rejected:
        raise InstructionError(f"{rejected}: ask for something else") from rejected
    told = sentence or render(goal)
    changed = replace(
        episode,
        program=program,
        instruction=told,
        goal=goal,
        is_own_sentence=bool(sentence),
        max_steps=max_steps or episode.max_steps,
    )
    return Restated(changed, render(goal))


def with_rules_of(goal: Goal, before: Goal | None, program: tuple[tuple[int, int, int, int], ...]) -> Goal:
    """A goal that is as strict as that of the episode before, and announced where that was.

    Args:
        goal: of a sentence, which says nothing of rules.
        before: the goal of the episode; unknown of episodes of a bank.
        program: of the episode, whose first clause tells the rules where the goal does not.
    """
    announced = any(row[0] == Verb.ANNOUNCE for row in program)
    strict = any(row[1] & STRICT for row in program)
    if before is not None:
        announced = announced or any(getattr(clause, "announced", False) for clause in clauses(before))
    return with_rules(goal, announced=announced, strict=strict)


def _traps(episode: Episode) -> int:
    """The boxes whose opening fails, as a mask of objects."""
    masks = [row[3] for row in episode.program if row[0] == Verb.PICK_UP]
    return masks[0] if masks else 0


def _plain(message: str, goal: Goal, world: StandingWorld) -> str:
    """A task's error as a sentence for a person: without the name of the task and the seed."""
    if "no object in the world satisfies" in message:
        named = [thing for thing in world.things if thing.position and thing.type is not UNNAMED]
        there = [f"{thing.color} {thing.type}" for thing in named]
        told = ", ".join(dict.fromkeys(there[:MOST_TOLD])) + ", ..." * (len(there) > MOST_TOLD)
        return f"nothing here fits {render(goal)!r}: there is {told or 'nothing'}"
    if "which is not a goal that a task can ask for" in message:
        return f"{render(goal)!r} has rules of its own and cannot be sought in a changed world: ask for something else"
    return message.partition(": ")[2] if ", seed " in message.partition(": ")[0] else message
