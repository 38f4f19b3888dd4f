"""The families of worlds with a manual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import gymnasium

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.manuals.messenger.family import MessengerFamily
from groundling.envs.families.manuals.messenger.names import STAGES
from groundling.envs.families.manuals.rock_paper_scissors.family import RockPaperScissorsFamily
from groundling.envs.families.manuals.rock_paper_scissors.names import VARIANTS as ROCK_PAPER_SCISSORS
from groundling.envs.families.manuals.rtfm.family import RTFMFamily
from groundling.envs.families.manuals.rtfm.names import VARIANTS

ROOM: Final = "groundling.envs.families.manuals"
ENTRY_POINTS: Final = {
    **dict.fromkeys(VARIANTS, f"{ROOM}.rtfm.single:RTFMEnv"),
    **dict.fromkeys(ROCK_PAPER_SCISSORS, f"{ROOM}.rock_paper_scissors.single:RockPaperScissorsEnv"),
    **dict.fromkeys(STAGES, f"{ROOM}.messenger.single:MessengerEnv"),
}


class Manuals:
    """All worlds with a manual."""

    wanted = ""

    def ids(self) -> Sequence[str]:
        """Those of RTFM, its rock-paper-scissors, and Messenger."""
        return tuple(ENTRY_POINTS)

    def find(self, id: str) -> EnvFamily | None:
        """A variant of RTFM or of rock-paper-scissors, or a stage of Messenger."""
        if id in STAGES:
            return MessengerFamily(STAGES[id])
        if id in ROCK_PAPER_SCISSORS:
            return RockPaperScissorsFamily(ROCK_PAPER_SCISSORS[id])
        return RTFMFamily(VARIANTS[id]) if id in VARIANTS else None

    def wrap(self, thing: Any, reference: str) -> None:
        """Nothing of a user's own belongs here."""

    def register(self) -> None:
        """Register all ids with Gymnasium."""
        for id, entry_point in ENTRY_POINTS.items():
            if id not in gymnasium.registry:
                gymnasium.register(
                    id,
                    entry_point=entry_point,
                    vector_entry_point="groundling.envs.making:make_registered_vec",
                    kwargs={"level": id},
                    disable_env_checker=True,
                )


GROUP = Manuals()
