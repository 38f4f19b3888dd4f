"""Playing a game: what is seen after a row of commands, remembered, so that no row is played twice in a process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from groundling.envs.families.textworld.games import load_package, no_warnings

KEPT: Final = 100_000  # scenes that are remembered in a process
IDLE: Final = ("look", "inventory")  # commands that tell nothing new: all texts are seen at every step
READ: Final = "examine cookbook"  # the only thing that is worth a closer look
_STATUS: Final = re.compile(r"(?m)^\s*>?\s*-= .* =-\s*-?\d+/\d+\s*$")  # the place, points and moves of the last line


class Scene(NamedTuple):
    """What a game tells after some commands.

    Attributes:
        instruction: what is asked for.
        texts: what the last command led to, what is seen, what is carried.
        commands: those that are admissible and change or tell something, in alphabetical order.
        right: the next command of a shortest way to win; empty if none is known.
        score: the points so far.
        won: whether the game is won.
        lost: whether it is lost.
    """

    instruction: str
    texts: tuple[str, str, str]
    commands: tuple[str, ...]
    right: str
    score: float
    won: bool
    lost: bool


_SCENES: dict[tuple[str, ...], Scene] = {}


class Player:
    """Plays games, one at a time. Games are deterministic, so what some commands lead to is kept for all players."""

    def __init__(self) -> None:
        self._path = Path()
        self._taken: tuple[str, ...] = ()
        self._engine: Any = None
        self._stands: tuple[str, ...] | None = None  # the game and the commands that the engine has played

    def begin(self, path: Path) -> Scene:
        """The first scene of the game in a file."""
        self._path, self._taken = path, ()
        return self._scene()

    def act(self, command: str) -> Scene:
        """The scene after one more command."""
        self._taken = (*self._taken, command)
        return self._scene()

    def close(self) -> None:
        """End the engine."""
        if self._engine is not None:
            self._engine.close()
        self._engine, self._stands = None, None

    def _scene(self) -> Scene:
        key = (str(self._path), *self._taken)
        if key not in _SCENES:
            if len(_SCENES) >= KEPT:
                _SCENES.clear()
            _SCENES[key] = self._played(key)
        return _SCENES[key]

    def _played(self, key: tuple[str, ...]) -> Scene:
        """Bring the engine to where the commands of a key lead."""
        if len(key) > 1 and self._stands == key[:-1]:
            state = self._engine.step(key[-1])[0]
        else:
            if self._stands is None or self._stands[0] != key[0]:
                self.close()
                self._engine = self._start(key[0])
            state = self._engine.reset()
            for command in key[1:]:
                state = self._engine.step(command)[0]
        self._stands = key
        return scene_of(state, is_first=len(key) == 1)

    @staticmethod
    def _start(path: str) -> Any:
        textworld = load_package()
        asked = ("feedback", "description", "inventory", "admissible_commands", "policy_commands", "won", "lost")
        infos = textworld.EnvInfos(objective=True, score=True, **dict.fromkeys(asked, True))
        with no_warnings():
            engine = textworld.start(path, infos)
        engine.seed(0)
        return engine


def scene_of(state: Any, *, is_first: bool) -> Scene:
    """A scene of a state of TextWorld's; the banner that is told first is left out."""
    description = state.description or ""
    feedback = "" if is_first else _STATUS.sub("", (state.feedback or "").replace(description, ""))
    commands = tuple(
        command
        for command in sorted(state.admissible_commands)
        if command not in IDLE and (command == READ or not command.startswith("examine "))
    )
    right = next((command for command in state.policy_commands or () if command in commands), "")
    texts = (feedback, description, state.inventory or "")
    return Scene(state.objective, texts, commands, right, float(state.score or 0), bool(state.won), bool(state.lost))
