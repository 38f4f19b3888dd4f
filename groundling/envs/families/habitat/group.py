"""Exports and episode files in Habitat: ``habitat:DIR``, ``habitat:FILE.json.gz``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.habitat.family import HabitatFamily
from groundling.envs.families.habitat.playing.family import HabitatFileFamily

SCHEME: Final = "habitat:"
FILES: Final = (".json", ".json.gz")


class HabitatPlaces:
    """Whatever was exported for Habitat, by its place."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """None by name: each is a place on the disk."""
        return ()

    def find(self, id: str) -> EnvFamily | None:
        """An exported folder, or a file of episodes."""
        if not id.startswith(SCHEME):
            return None
        place = Path(id.removeprefix(SCHEME)).expanduser()
        return HabitatFileFamily(place) if place.name.endswith(FILES) else HabitatFamily(place)

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Gymnasium's registry is left alone."""


GROUP = HabitatPlaces()
