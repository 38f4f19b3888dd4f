"""The families of GridLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.gridlu.family import GridLUFamily
from groundling.envs.families.gridlu.names import GAMES


class GridLU:
    """Both tasks."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """Relations and Arrangements."""
        return tuple(GAMES)

    def find(self, id: str) -> EnvFamily | None:
        """A task."""
        return GridLUFamily(GAMES[id]) if id in GAMES else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in GAMES:
            if id not in gymnasium.registry:
                gymnasium.register(
                    id,
                    entry_point="groundling.envs.families.gridlu.single:GridLUEnv",
                    vector_entry_point="groundling.envs.making:make_registered_vec",
                    kwargs={"level": id},
                    disable_env_checker=True,
                )


GROUP = GridLU()
