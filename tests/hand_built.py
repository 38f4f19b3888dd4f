"""Small worlds drawn as text, for tests whose numbers are worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    BALL,
    BOX,
    CLOSED,
    DOOR,
    FIRST_OBJECT,
    GOAL,
    JOINED,
    KEY,
    LOCKED,
    NOWHERE,
    OPAQUE_BIT,
    OPEN,
    ORDERED,
    STRICT,
    Action,
    Verb,
    look,
    place,
    without,
)
from groundling.envs.engine.worlds import WorldBatch

RED, GREEN, BLUE, PURPLE, YELLOW, GREY = range(6)
LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE, DONE = Action
AND, THEN, STRICT_THEN = JOINED, 0, ORDERED  # flags of a clause after the first
SEEN_EMPTY, SEEN_WALL, HIDDEN = (1, 0, 0), (2, 5, 0), (0, 0, 0)


Operand = str | tuple[int, int]  # letters of objects, or x and y of a tile
Asked = tuple[Verb, Operand, Operand] | tuple[Verb, Operand, Operand, int]  # a clause, with flags or without


@dataclass(frozen=True)
class Thing:
    """An object: MiniGrid's type, color and state, and the letter of what is inside."""

    kind: int
    color: int = RED
    state: int = 0
    inside: str | None = None


THINGS: Mapping[str, Thing] = {
    "b": Thing(BALL, RED),
    "g": Thing(BALL, GREEN),
    "k": Thing(KEY, RED),
    "y": Thing(KEY, YELLOW),
    "x": Thing(BOX, BLUE),
    "B": Thing(BOX, PURPLE, inside="k"),
    "Y": Thing(BOX, PURPLE, inside="y"),
    "D": Thing(DOOR, RED, CLOSED),
    "O": Thing(DOOR, RED, OPEN),
    "L": Thing(DOOR, YELLOW, LOCKED),
    "G": Thing(DOOR, GREEN, CLOSED),
    "*": Thing(GOAL, GREEN),
}


def episode(
    *rows: str,
    goal: Asked | Sequence[Asked] = (Verb.GO_TO, "", ""),
    strict: bool = False,
    walls_hide: bool = True,
    max_steps: int = 20,
    instruction: str = "go to the object",
    seed: int = 0,
) -> Episode:
    """An episode drawn as text.

    Args:
        rows: the map: ``#`` a wall, ``.`` nothing, ``>v<^`` the agent, a letter of THINGS an object.
        goal: verb, letters of the objects meant (all of each letter, those in boxes as well), letters of the fixed
            objects (or tiles, where the verb takes them), perhaps flags; or several of these, in the order in which
            they are to be done.
        strict: whether the first clause is strict.
        walls_hide: whether walls and shut doors hide what is behind.
        max_steps: time limit.
        instruction: the sentence (the tests of rules do not read it).
        seed: the seed it pretends to come from.
    """
    text = "".join(rows)
    tiles = [tile for tile, letter in enumerate(text) if letter in THINGS]
    letters = [text[tile] for tile in tiles]
    contents = [0] * len(tiles)
    for k, letter in enumerate(letters.copy()):
        if (inside := THINGS[letter].inside) is not None:
            contents[k] = FIRST_OBJECT + len(letters)
            letters.append(inside)
            tiles.append(NOWHERE)
            contents.append(0)
    cells = np.array([int(letter == "#") for letter in text], dtype=np.uint8)
    for k, tile in enumerate(tiles):
        if tile != NOWHERE:
            cells[tile] = FIRST_OBJECT + k
    agent = next(tile for tile in text if tile in ">v<^")
    y, x = divmod(text.index(agent), len(rows[0]))
    clauses: list[Any] = [goal] if isinstance(goal[0], Verb) else list(goal)
    off = [] if walls_hide else [OPAQUE_BIT]

    def operand(asked: Operand) -> int:
        if isinstance(asked, str):
            return sum(1 << k for k, letter in enumerate(letters) if letter in asked)
        return place(*asked)

    def row(verb: Verb, first: Operand, second: Operand, flags: int = 0) -> tuple[int, int, int, int]:
        return int(verb), flags, operand(first), operand(second)

    program = [row(*clause) for clause in clauses]
    program[0] = (program[0][0], program[0][1] | STRICT * strict, *program[0][2:])
    return Episode(
        cells=cells.reshape(len(rows), -1),
        looks=tuple(without(look(THINGS[c].kind, THINGS[c].color, THINGS[c].state), *off) for c in letters),
        contents=tuple(contents),
        positions=tuple(tiles),
        pose=(x, y, ">v<^".index(agent)),
        carried=0,
        program=tuple(program),
        max_steps=max_steps,
        instruction=instruction,
        seed=seed,
        walls_hide=walls_hide,
    )


def worlds_of(*episodes: Episode, **kwargs: bool) -> WorldBatch:
    """One environment for each episode, at its start."""
    worlds = WorldBatch(EpisodeBank.pack("hand-built", episodes), len(episodes), shuffle=False, **kwargs)
    worlds.reset()
    return worlds


def play(worlds: WorldBatch, actions: Iterable[int]) -> list[tuple[float, bool, bool]]:
    """Step the first environment (every environment alike); its (reward, terminated, truncated) of each step."""
    results = []
    for action in actions:
        worlds.step(np.full(worlds.num_envs, action), autoreset=False)
        out = worlds.outcomes
        results.append((float(out.reward[0]), bool(out.terminated[0]), bool(out.truncated[0])))
    return results


def view(worlds: WorldBatch, row: int = 0) -> NDArray[np.uint8]:
    """What an agent sees as a picture is read, [line, column, 3]: the agent is at [6, 3] and looks up."""
    return worlds.observations.image[row].reshape(7, 7, 3).transpose(1, 0, 2)
