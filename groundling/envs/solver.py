"""Plans for the episodes of a bank, by breadth-first search with the real kernels: proof that an episode is solvable.

The search is tried narrowly first and then wider (``WIDENING``). Whatever a narrow search leaves out, the plan that it
finds is right: every part of a plan is played by ``WorldBatch.step``, and the last one must end in success.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from groundling.envs.bank import EpisodeBank
from groundling.envs.constants import FIRST_OBJECT, NOWHERE, Action
from groundling.envs.solver_search import EXACT, FIRST_COLUMN, Nodes, search_plan
from groundling.envs.solver_survey import Survey
from groundling.envs.state import Worlds
from groundling.envs.worlds import WorldBatch

MAX_STATES: Final = 400_000


class Width(NamedTuple):
    """How wide a search is.

    Attributes:
        staged: look for the nearest state in which one more clause is done, settle there and look on from it.
        everything: any object may be moved and any box opened; otherwise only what the goal asks for and what stands
            in its way: blocking objects, keys of locked doors, boxes that hold one of these.
        places: ``EXACT``, or how many places of a moved object are told apart. Then the first state found stands for
            all that are alike; an unlocked door is as good as an open one, and nothing is dropped before a door.
    """

    staged: bool
    everything: bool
    places: int


WIDENING: Final = (
    Width(staged=True, everything=False, places=1),
    Width(staged=True, everything=False, places=2),
    Width(staged=False, everything=False, places=1),
    Width(staged=True, everything=True, places=1),
    Width(staged=True, everything=False, places=EXACT),
    Width(staged=True, everything=True, places=4),
    Width(staged=False, everything=True, places=EXACT),
)


class Solver:
    """The memory of searches over one bank."""

    def __init__(self, bank: EpisodeBank, max_states: int) -> None:
        self.worlds = WorldBatch(bank, 1, shuffle=False)
        self.max_states = max(2, max_states)
        objects = bank.contents.shape[1]
        self.marked = np.zeros(objects, dtype=np.int16)
        # the system hands out what is touched, so that a short search takes little of this
        self.nodes = Nodes(
            parents=np.empty(self.max_states, dtype=np.int32),
            actions=np.empty(self.max_states, dtype=np.uint8),
            slots=np.empty(self.max_states, dtype=np.int64),
            table=np.zeros(1 << (2 * self.max_states - 1).bit_length(), dtype=np.uint64),
        )
        self.columns = FIRST_COLUMN + bank.programs.shape[1]
        self.memory = np.empty(self.max_states * (self.columns + 2 * objects), dtype=np.int16)

    def solve(self, row: int) -> list[Action] | None:
        """A plan for an episode by the narrowest search that finds one."""
        self._begin(row)
        if Survey(self.worlds.state, self.worlds.width).is_hopeless():
            return None
        for search in WIDENING:
            plan = self.attempt(row, search)
            if plan is not None:
                return plan
        return None

    def attempt(self, row: int, search: Width) -> list[Action] | None:
        """A plan by searches of one width, one after the other if they are staged; each of their plans is played."""
        self._begin(row)
        plan: list[Action] = []
        while not self.worlds.outcomes.ended[0]:
            more = self._search(search, int(self.worlds.state.max_steps[0]) - len(plan))
            if not more:
                return None
            plan += more
            self._play(more)
        return plan if self.worlds.outcomes.success[0] else None

    def _begin(self, row: int) -> None:
        self.worlds.state.episode_number[0] = row
        self.worlds.reset()
        self.worlds.outcomes.ended[0] = False
        self.marked[:] = self.worlds.state.positions[0]

    def _play(self, actions: list[Action]) -> None:
        """Step the world, and keep where the verifier has seen each object."""
        state = self.worlds.state
        for action in actions:
            self.worlds.step(np.array([action]), autoreset=False)
            if action == Action.DROP:
                is_seen = state.cells[0, state.positions[0]] == np.arange(len(self.marked)) + FIRST_OBJECT
                self.marked[:] = np.where(is_seen & (state.positions[0] != NOWHERE), state.positions[0], NOWHERE)

    def _search(self, search: Width, max_depth: int) -> list[Action]:
        """The actions from the world's state to success or progress, none if there are none; the world stays."""
        state = self.worlds.state
        survey = Survey(state, self.worlds.width)
        survey.allow_what_is_needed(staged=search.staged)
        if search.everything:
            survey.allow_everything()
        scope = survey.scope()
        columns = self.columns + 2 * len(scope.things) + len(scope.doors)
        node = search_plan(
            Worlds(**{name: array.copy() for name, array in state._asdict().items()}),
            self.worlds.width,
            scope,
            self.marked.copy(),
            self.memory[: self.max_states * columns].reshape(self.max_states, columns),
            self.nodes,
            search.places,
            search.staged,
            max_depth,
        )
        actions = []
        while node > 0:
            actions.append(Action(self.nodes.actions[node]))
            node = int(self.nodes.parents[node])
        return actions[::-1]


def solve(bank: EpisodeBank, row: int, *, max_states: int = MAX_STATES) -> list[Action] | None:
    """A sequence of actions, the shortest or nearly so, that reaches success from the start of an episode.

    Args:
        bank: the episodes.
        row: of the episode in the bank.
        max_states: of one search; bounds memory and time.

    Returns:
        The plan, at most the episode's ``max_steps`` long, replayed by the kernels; None if none was found: there is
        none, or a search was cut off by ``max_states``.

    Raises:
        IndexError: if the bank has no such row.
    """
    return Solver(bank, max_states).solve(range(len(bank))[row])


def unsolvable(bank: EpisodeBank, rows: Iterable[int] | None = None, *, max_states: int = MAX_STATES) -> list[int]:
    """The seeds of the episodes for which :func:`solve` finds no plan.

    Args:
        bank: the episodes.
        rows: of the episodes to try; all unless told.
        max_states: of one search.

    Raises:
        IndexError: if the bank has no such row.
    """
    solver = Solver(bank, max_states)
    every = range(len(bank))
    chosen = every if rows is None else (every[row] for row in rows)
    return [int(bank.seeds[row]) for row in chosen if solver.solve(row) is None]
