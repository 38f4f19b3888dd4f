"""EnvPool's environments: ``envpool:ID``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from groundling.envs.families.envpool.family import EnvPoolFamily
from groundling.envs.families.foreign.packages import Package

SCHEME: Final = "envpool:"
GRID_WORLDS: Final = Package(
    ("BabyAI-", "MiniGrid-"),
    extra="envpool",
    settings={"text": "mission", "success": "reward"},
    actions=("left", "right", "forward", "pickup", "drop", "toggle", "done"),
)
OTHERS: Final = Package((), extra="envpool")


class EnvPoolEnvironments:
    """Whatever EnvPool makes by an id."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """None by name: there are more than a thousand."""
        return ()

    def find(self, id: str) -> EnvPoolFamily | None:
        """An id of EnvPool's behind ``envpool:``."""
        if not id.startswith(SCHEME):
            return None
        name = id.removeprefix(SCHEME)
        return EnvPoolFamily(
            id, {"kind": "envpool", "id": name}, GRID_WORLDS if name.startswith(GRID_WORLDS.prefixes) else OTHERS
        )

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing is made of classes."""

    def register(self) -> None:
        """Gymnasium's registry is left alone."""


GROUP = EnvPoolEnvironments()
