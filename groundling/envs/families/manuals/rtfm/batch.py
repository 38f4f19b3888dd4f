"""A batch of worlds: begins, steps, saves and restores them. Gymnasium's classes are thin layers over it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.batch import ManualBatch
from groundling.envs.families.manuals.rtfm.assignments import Assignments
from groundling.envs.families.manuals.rtfm.kernels import begin_batch, step_batch
from groundling.envs.families.manuals.rtfm.names import ACTIONS, ELEMENTS, MAX_STEPS, TEAMS, Variant
from groundling.envs.families.manuals.rtfm.state import (
    NO_STATEMENT,
    NOTHING,
    NUM_THINGS,
    Dynamics,
    check_cells,
    empty_seen,
    empty_worlds,
    rules_of,
)
from groundling.envs.families.manuals.rtfm.wording import WORDS, Wording, tables
from groundling.envs.games.batch import check_counts
from groundling.errors import ConfigurationError


class RTFMBatch(ManualBatch):
    """B worlds of a variant, stepped in place.

    Args:
        variant: which.
        num_envs: B.
        part: of the assignments of dynamics: "train", "validation", "unseen" or "all".
        wording: of the sentences.
        seed: names the episodes until ``restart`` is given other seeds.
        max_steps: after which an episode is cut off.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1.
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
        self.assignments = Assignments.of(variant)
        self.rules = rules_of(variant, part, wording, max_steps)
        self.dynamics = Dynamics(self.assignments.teams, self.assignments.elements)
        self.tables = tables()
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
        begin_batch(self.worlds, chosen, self.rules, self.dynamics, self.tables, self.seen)

    def advance(self, actions: NDArray[np.int64], autoreset: bool) -> None:
        """Step by checked actions [B]."""
        step_batch(
            *(self.worlds, actions, autoreset, self.rules, self.dynamics, self.tables),
            *(self.seen, self.last, self.outcomes),
        )

    def needed(self) -> NDArray[np.bool_]:
        """Which sentences of the manuals are needed to win, [B, S]: for probes, not for agents.

        One tells who is in the wanted team; the other what beats the element of the monster of that team.
        """
        wanted = self.worlds.team + len(ELEMENTS)
        statement = self.worlds.statement
        return (statement == wanted[:, None]) | (statement == self.worlds.element[:, :1])

    def bounds(self) -> dict[str, tuple[float, float]]:
        """See ``GameBatch``."""
        words, elements = len(self.vocabulary) - 1, len(ELEMENTS)
        return {
            "team": (0, len(TEAMS) - 1),
            "element": (0, elements - 1),
            "statement": (NO_STATEMENT, elements + len(TEAMS) - 1),
            "noun": (0, words),
            "adjective": (0, words),
            "carried": (NOTHING, NUM_THINGS - 1),
        }

    def check_saved(self, saved: dict[str, NDArray[Any]]) -> None:
        """Refuse a state with assignments of another variant, or with things that are in no room of its size.

        Raises:
            ConfigurationError: if it has some.
        """
        assignment = saved["worlds.assignment"]
        if ((assignment < 0) | (assignment >= self.rules.total)).any():
            raise ConfigurationError(f"the saved environments have dynamics that {self.variant.id} does not have")
        check_cells(saved["worlds.cell"], saved["worlds.over"], self.rules.size)
