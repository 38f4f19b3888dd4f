"""From an episode of a bank to the Markov decision process of all that can happen in it."""

from __future__ import annotations

from typing import Final

import numpy as np

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.sources import embodiment_of
from groundling.envs.engine.constants import EMPTY_LOOK, FIRST_OBJECT
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import EnumerationError
from groundling.exact.kernels import FULL, expand
from groundling.exact.mdp import Layout, Mdp

MOST_STATES: Final = 200_000


def enumerate_episode(bank: EpisodeBank, row: int = 0, *, most_states: int = MOST_STATES) -> Mdp:
    """All states that can be reached in an episode by the rules themselves, and where each action leads from each.

    How many there are grows with what can be carried and put down: an agent and one thing in a room of 6 x 6 tiles have
    some five thousand, two things in one of 3 x 3 some two thousand, eight things in a room too many for any computer.

    Args:
        bank: of the episode.
        row: its number.
        most_states: beyond which it is refused.

    Raises:
        EnumerationError: if there are more states, or the body in the episode is no grid's, whose states are countless.
    """
    own = bank.take(np.array([row]))
    embodiment = embodiment_of(own)
    if embodiment.rover is not None:
        raise EnumerationError(
            f"{bank.level} is driven through by a rover, whose places are real numbers: only episodes of the body that "
            "walks the grid can be enumerated"
        )
    worlds = WorldBatch(own, 1, shuffle=False, answers=embodiment.answers)
    worlds.reset()
    layout = Layout.of(worlds)
    size = 1 << int(2 * most_states).bit_length()
    states = np.zeros((most_states + 1, layout.length), dtype=np.uint8)  # pages are taken as they are written
    following = np.zeros((most_states, worlds.num_actions), dtype=np.int32)
    table = np.zeros(size, dtype=np.int32)
    count = expand(worlds.state, worlds.width, layout.tiles, layout.objects, states, table, following)
    if count == FULL:
        things = int((own.looks[0, FIRST_OBJECT:] != EMPTY_LOOK).sum())
        raise EnumerationError(
            f"{bank.level}, seed {int(own.seeds[0])}, has more than {most_states:,} states ({len(layout.tiles)} tiles, "
            f"{things} things): choose a smaller episode, or a larger most_states if they fit into the memory "
            f"({layout.length + 4 * worlds.num_actions} bytes each)"
        )
    return Mdp(
        following=following[:count].copy(),
        starts=np.zeros(1, dtype=np.int64),
        max_steps=own.max_steps.astype(np.int64),
        packed=(states[:count].copy(),),
        layouts=(layout,),
        banks=(own,),
    )


def enumerate_bank(bank: EpisodeBank, *, most_states: int = MOST_STATES) -> Mdp:
    """Every episode of a bank, joined; errors as of :func:`enumerate_episode`."""
    return Mdp.joined([enumerate_episode(bank, row, most_states=most_states) for row in range(len(bank))])
