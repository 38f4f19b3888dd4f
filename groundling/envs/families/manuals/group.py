"""The families of worlds with a manual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.manuals.rtfm.family import RTFMFamily
from groundling.envs.families.manuals.rtfm.names import VARIANTS


class Manuals:
    """All worlds with a manual."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """Those of RTFM."""
        return tuple(VARIANTS)

    def find(self, id: str) -> EnvFamily | None:
        """A variant of RTFM."""
        return RTFMFamily(VARIANTS[id]) if id in VARIANTS else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id in VARIANTS:
            if id not in gymnasium.registry:
                gymnasium.register(
                    id,
                    entry_point="groundling.envs.families.manuals.rtfm.single:RTFMEnv",
                    vector_entry_point="groundling.envs.making:make_registered_vec",
                    kwargs={"level": id},
                    disable_env_checker=True,
                )


GROUP = Manuals()
