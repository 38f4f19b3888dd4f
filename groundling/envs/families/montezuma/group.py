"""The families of the tasks in Montezuma's Revenge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.montezuma.family import MontezumaFamily
from groundling.envs.families.montezuma.tasks import TASKS


class Montezuma:
    """All 15."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """In the order of the paper."""
        return tuple(TASKS)

    def find(self, id: str) -> EnvFamily | None:
        """One of them."""
        return MontezumaFamily(TASKS[id]) if id in TASKS else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in TASKS:
            if id not in gymnasium.registry:
                gymnasium.register(
                    id,
                    entry_point="groundling.envs.families.montezuma.single:MontezumaEnv",
                    vector_entry_point="groundling.envs.making:make_registered_vec",
                    kwargs={"level": id},
                    disable_env_checker=True,
                )


GROUP = Montezuma()
