"""What a manual asks for in a room, be it true there or not: for the control that gives agents another manual."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.rtfm.names import TEAMS
from groundling.envs.families.manuals.rtfm.state import BAD, DISTRACTOR, GOOD, NO_ENDING, TARGET, Worlds
from groundling.envs.families.manuals.rtfm.wording import WORDS


def asked_ending(worlds: Worlds, manuals: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The item and the monster of present episodes that manuals ask for, as ``Worlds.ending`` numbers them.

    A manual asks for a monster if it puts just one of the two into the wanted team, and for an item if it says of just
    one that it beats that monster.

    Args:
        worlds: of B environments.
        manuals: [R, S, L] token ids.
        rows: [R] of the environments.

    Returns:
        [R], ``NO_ENDING`` where no item or no monster is asked for.
    """
    words_of_team = [WORDS.encode(team) for team in TEAMS]
    of_team = np.stack(  # [R, teams, S] sentences that name a team
        [np.all([(manuals == word).any(axis=-1) for word in words], axis=0) for words in words_of_team], axis=1
    )
    wanted = of_team[np.arange(len(rows)), worlds.team[rows]]

    def says(thing: int, names: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which sentences [R, S] name a thing of each environment."""
        return (manuals == names[rows, thing][:, None, None]).any(axis=-1)

    is_wanted = np.stack([(wanted & says(m, worlds.noun)).any(axis=-1) for m in (TARGET, DISTRACTOR)], axis=1)
    beats = np.stack(  # [R, monsters, items]
        [
            [(says(m, worlds.adjective) & says(i, worlds.adjective)).any(axis=-1) for i in (GOOD, BAD)]
            for m in (TARGET, DISTRACTOR)
        ]
    ).transpose(2, 0, 1)
    monster = is_wanted[:, 1].astype(np.int64)
    is_beaten = beats[np.arange(len(rows)), monster]
    ending = 2 * is_beaten[:, 1] + monster
    is_asked = (is_wanted.sum(axis=1) == 1) & (is_beaten.sum(axis=1) == 1)
    return np.where(is_asked, ending, NO_ENDING)
