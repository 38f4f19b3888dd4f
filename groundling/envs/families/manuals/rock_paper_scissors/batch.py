"""A batch of worlds: begins, steps, saves and restores them. Gymnasium's classes are thin layers over it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.batch import ManualBatch
from groundling.envs.families.manuals.rock_paper_scissors.graphs import GRAPHS
from groundling.envs.families.manuals.rock_paper_scissors.kernels import begin_batch, step_batch
from groundling.envs.families.manuals.rock_paper_scissors.names import BEATS_ID, FIRST_LETTER, WORDS, Variant
from groundling.envs.families.manuals.rock_paper_scissors.state import (
    ITEMS,
    MONSTER,
    NUM_THINGS,
    OF_NOTHING,
    Wording,
    empty_seen,
    empty_worlds,
    rules_of,
)
from groundling.envs.families.manuals.rtfm.names import ACTIONS, MAX_STEPS
from groundling.envs.families.manuals.rtfm.state import NO_ENDING, NOTHING, check_cells
from groundling.envs.games.batch import check_counts
from groundling.errors import ConfigurationError


class RockPaperScissorsBatch(ManualBatch):
    """B worlds of a variant, stepped in place.

    Args:
        variant: which.
        num_envs: B.
        part: of the graphs: "train", "validation", "unseen", "edges", "letters" or "all".
        wording: of the sentences.
        seed: names the episodes until ``restart`` is given other seeds.
        max_steps: after which an episode is cut off.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1.
        SplitError: if there is no such part.
    """

    def __init__(
        self,
        variant: Variant,
        num_envs: int,
        *,
        part: str,
        wording: Wording,
        seed: int = 0,
        max_steps: int = MAX_STEPS,
    ) -> None:
        check_counts(num_envs, max_steps)
        self.variant = variant
        self.rules = rules_of(variant, part, wording, max_steps)
        super().__init__(
            num_envs,
            seed=seed,
            num_actions=len(ACTIONS),
            vocabulary=WORDS,
            worlds=empty_worlds(num_envs),
            make_seen=partial(empty_seen, num_envs),
        )

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begin the next episode where ``chosen`` [B] says so."""
        begin_batch(self.worlds, chosen, self.rules, self.seen)

    def advance(self, actions: NDArray[np.int64], autoreset: bool) -> None:
        """Step by checked actions [B]."""
        step_batch(self.worlds, actions, autoreset, self.rules, self.seen, self.last, self.outcomes)

    def needed(self) -> NDArray[np.bool_]:
        """Which sentence of each manual tells what beats the monster, [B, S]: for probes, not for agents."""
        return self.worlds.statement == MONSTER

    def asked_ending(self, manuals: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The item that manuals [R, S, L] ask for in the present episodes of environments [R], [R].

        A manual asks for an item if it says of just one of the three that its letter beats the monster's.
        """
        letters = FIRST_LETTER + self.worlds.letter[rows].astype(np.int64)  # [R, 5]
        is_of_monster = (manuals[..., 1] == BEATS_ID) & (manuals[..., 2] == letters[:, [MONSTER]])
        asks = np.stack(
            [(is_of_monster & (manuals[..., 0] == letters[:, [item]])).any(axis=1) for item in ITEMS], axis=1
        )
        item = np.array(ITEMS)[asks.argmax(axis=1)]
        return np.where(asks.sum(axis=1) == 1, item, NO_ENDING)

    def bounds(self) -> dict[str, tuple[float, float]]:
        """See ``GameBatch``."""
        return {
            "letter": (0, len(WORDS) - 1 - FIRST_LETTER),
            "carried": (NOTHING, NUM_THINGS - 1),
            "statement": (OF_NOTHING, NUM_THINGS - 1),
        }

    def check_saved(self, saved: dict[str, NDArray[Any]]) -> None:
        """Refuse a state with graphs that there are not, or with things that are in no room of its size.

        Raises:
            ConfigurationError: if it has some.
        """
        graph = saved["worlds.graph"]
        if ((graph < 0) | (graph >= len(GRAPHS))).any():
            raise ConfigurationError(f"the saved environments have rules that {self.variant.id} does not have")
        check_cells(saved["worlds.cell"], saved["worlds.over"], self.rules.size)
