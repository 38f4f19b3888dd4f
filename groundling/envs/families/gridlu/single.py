"""One grid of GridLU behind Gymnasium's ``Env``."""

from __future__ import annotations

from groundling.envs.families.gridlu.family import GridLUFamily
from groundling.envs.families.gridlu.names import GAMES
from groundling.envs.games.single import GameEnv
from groundling.errors import UnknownEnvironmentError


class GridLUEnv(GameEnv):
    """One cursor on one grid; see ``GridLUVectorEnv`` for spaces, reward and endings.

    Args:
        level: the id, ``"groundling/GridLU-Relations-v0"``.
        split: "all", "train", "seen" or that of another suite.
        render_mode: None or "rgb_array".
        max_steps: of an episode; None takes the task's.

    Raises:
        UnknownEnvironmentError: if there is no such task.
        SplitError: if there is no such split.
        ConfigurationError: if the render mode is unknown, or max_steps is out of range.
    """

    def __init__(
        self, level: str, *, split: str = "all", render_mode: str | None = None, max_steps: int | None = None
    ) -> None:
        if level not in GAMES:
            raise UnknownEnvironmentError(f"there is no grid {level!r}: choose one of {', '.join(GAMES)}")
        family = GridLUFamily(GAMES[level])
        envs = family.make_vec(split, 1, 0, render_mode=render_mode, autoreset=False, max_steps=max_steps)
        super().__init__(envs, level)
