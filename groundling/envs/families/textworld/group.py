"""The families of TextWorld's games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.textworld.family import TextWorldFamily
from groundling.envs.families.textworld.names import VARIANTS


class TextWorlds:
    """All kinds of games; they are listed whether or not TextWorld is installed."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """The kinds."""
        return tuple(VARIANTS)

    def find(self, id: str) -> EnvFamily | None:
        """A kind."""
        return TextWorldFamily(VARIANTS[id]) if id in VARIANTS else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in VARIANTS:
            if id not in gymnasium.registry:
                gymnasium.register(
                    id,
                    entry_point="groundling.envs.families.textworld.single:TextWorldEnv",
                    vector_entry_point="groundling.envs.making:make_registered_vec",
                    kwargs={"level": id},
                    disable_env_checker=True,
                )


GROUP = TextWorlds()
