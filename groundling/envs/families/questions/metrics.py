"""The measures of embodied question answering, of each episode and on average by how far away its evidence was.

Source: Das et al. 2018, arXiv:1711.11543, section 6; justified answers: Gordon et al. 2018, arXiv:1712.03316.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.constants import BORDER, NO_CLAUSE
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.questions.notes import OPENED, SEE, START, TARGET_ROOM, rectangle_of
from groundling.envs.families.questions.sight import Sighting
from groundling.envs.families.questions.ways import FAR, make_search, walking_distances
from groundling.envs.vector import GroundlingVectorEnv
from groundling.language.questions.wording import parse

Chooser = Callable[[Any], NDArray[np.int64]]  # observations to actions [B]
MAX_BATCH = 250
UNREACHABLE = np.inf


@dataclass(frozen=True)
class Measured:
    """One episode.

    Attributes:
        type: of the question.
        start: how many actions away the evidence was at first.
        d_0: metres on foot to the nearest piece of evidence at first; infinite if there is no way.
        d_T: the same at the end.
        d_min: the least of the whole episode.
        in_room: whether the agent was in a room with evidence at the end.
        entered_room: whether it ever was.
        stopped: whether it answered before the time was up.
        length: actions.
        correct: whether the answer was right.
        known: whether enough had been in view to know it, when the episode ended.
        known_at_start: whether enough was in view at first.
    """

    type: str
    start: int
    d_0: float
    d_T: float
    d_min: float
    in_room: bool
    entered_room: bool
    stopped: bool
    length: int
    correct: bool
    known: bool
    known_at_start: bool = False

    @property
    def justified(self) -> bool:
        """Right, and not by luck."""
        return self.correct and self.known

    @property
    def is_valid(self) -> bool:
        """Whether its distances are defined."""
        return bool(np.isfinite(self.d_0))


@dataclass(frozen=True)
class Summary:
    """Averages of n episodes; shares are from 0 to 1, distances in metres over the ``valid`` episodes.

    Attributes:
        n: episodes.
        valid: those of which the distances are defined.
        d_0, d_T, d_delta, d_min: distances, and by how much the agent came nearer.
        r_T: share that ends in a room with evidence.
        r_e: share that ever enters one.
        stop: share that answers before the time is up.
        length: actions.
        accuracy: share of right answers.
        justified: share of right answers after the evidence was in view.
        known: share in which the evidence was in view.
        known_at_start: share in which it was in view at first.
    """

    n: int
    valid: int
    d_0: float
    d_T: float
    d_delta: float
    d_min: float
    r_T: float
    r_e: float
    stop: float
    length: float
    accuracy: float
    justified: float
    known: float
    known_at_start: float


def measure(
    bank: EpisodeBank, embodiment: Embodiment, make_chooser: Callable[[GroundlingVectorEnv], Chooser]
) -> list[Measured]:
    """Every episode of a bank once, in its order.

    Args:
        bank: of questions.
        embodiment: what they are played with.
        make_chooser: of the environments, who acts in them: given observations it returns actions [B].
    """
    found: list[Measured] = []
    for start in range(0, len(bank), MAX_BATCH):
        part = bank.take(slice(start, start + MAX_BATCH))
        envs = GroundlingVectorEnv(part, len(part), shuffle=False, embodiment=embodiment, autoreset=False)
        found += _measure_batch(envs, make_chooser(envs))
        envs.close()
    return found


def _measure_batch(envs: GroundlingVectorEnv, choose: Chooser) -> list[Measured]:
    observation, _ = envs.reset()
    worlds, count = envs.worlds, envs.num_envs
    to_target, is_target_room, starts = _targets(envs)
    rows = np.arange(count)
    sighting = Sighting(worlds)
    sighting.look()
    first = nearest = last = to_target[rows, worlds.state.position]
    entered = inside = is_target_room[rows, worlds.state.position]
    known = sighting.known.copy()
    at_start = known.copy()
    stopped, correct = np.zeros((2, count), dtype=np.bool_)
    length = np.zeros(count, dtype=np.int64)
    is_open = np.ones(count, dtype=np.bool_)
    while is_open.any():
        observation, _, terminated, truncated, _ = envs.step(choose(observation))
        place = worlds.state.position
        here = to_target[rows, place]
        # A rover's middle may be over the edge of a tile that nobody walks on: it is as far as it was before.
        last = np.where(is_open & np.isfinite(here), here, last)
        inside = np.where(is_open, is_target_room[rows, place], inside)
        nearest, entered = np.minimum(nearest, last), entered | inside
        length[is_open] += 1
        sighting.look()
        known = np.where(is_open, sighting.known, known)
        ended = (terminated | truncated) & is_open
        stopped |= ended & terminated
        correct |= ended & worlds.outcomes.success
        is_open &= ~ended
    return [
        Measured(
            parse(envs.instructions[b]).type,
            int(starts[b]),
            float(first[b]),
            float(last[b]),
            float(nearest[b]),
            bool(inside[b]),
            bool(entered[b]),
            bool(stopped[b]),
            int(length[b]),
            bool(correct[b]),
            bool(known[b]),
            bool(at_start[b]),
        )
        for b in range(count)
    ]


def _targets(envs: GroundlingVectorEnv) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Metres from each tile [B, cells] to the nearest evidence, which tiles are of its rooms, and START of each."""
    state, width = envs.worlds.state, envs.worlds.width
    batch, cells = state.cells.shape
    distance = np.full((batch, cells), UNREACHABLE)
    rooms = np.zeros((batch, cells), dtype=np.bool_)
    starts = np.zeros(batch, dtype=np.int64)
    search = make_search(cells)
    for b in range(batch):
        notes = [(int(row[1]) & 0xFF, int(row[2])) for row in state.programs[b] if row[0] == NO_CLAUSE and row[1]]
        single = np.zeros(cells, dtype=np.bool_)
        for kind, operand in notes:
            if kind == START:
                starts[b] = operand
            elif kind == TARGET_ROOM:
                rooms[b] |= _tiles(operand, width, cells)
            elif kind in (SEE, OPENED):
                single |= _tiles(operand, width, cells)
        walking_distances(state.cells[b], state.looks[b], width, single if single.any() else rooms[b], search)
        found = search.distance[:cells]
        distance[b] = np.where(found < FAR, found, UNREACHABLE)
    return distance, rooms, starts


def _tiles(operand: int, width: int, cells: int) -> NDArray[np.bool_]:
    left, top, columns, lines = rectangle_of(operand)
    tiles = np.zeros((cells // width, width), dtype=np.bool_)
    tiles[top + BORDER : top + BORDER + lines, left + BORDER : left + BORDER + columns] = True
    return tiles.reshape(-1)


def summarize(episodes: Sequence[Measured]) -> Summary:
    """Averages of episodes; those whose distances are undefined count in all but the distances.

    Raises:
        ValueError: if there are none.
    """
    if not episodes:
        raise ValueError("there are no episodes to average")
    valid = [one for one in episodes if one.is_valid]

    def mean(values: Iterable[float]) -> float:
        listed = list(values)
        return float(np.mean(listed)) if listed else float("nan")

    return Summary(
        n=len(episodes),
        valid=len(valid),
        d_0=mean(one.d_0 for one in valid),
        d_T=mean(one.d_T for one in valid),
        d_delta=mean(one.d_0 - one.d_T for one in valid),
        d_min=mean(one.d_min for one in valid),
        r_T=mean(one.in_room for one in episodes),
        r_e=mean(one.entered_room for one in episodes),
        stop=mean(one.stopped for one in episodes),
        length=mean(one.length for one in episodes),
        accuracy=mean(one.correct for one in episodes),
        justified=mean(one.justified for one in episodes),
        known=mean(one.known for one in episodes),
        known_at_start=mean(one.known_at_start for one in episodes),
    )


def by_start(episodes: Sequence[Measured]) -> dict[int, Summary]:
    """The averages by how far away the evidence was, from near to far; ``n`` tells of how many."""
    parts: dict[int, list[Measured]] = defaultdict(list)
    for one in episodes:
        parts[one.start].append(one)
    return {start: summarize(parts[start]) for start in sorted(parts)}


def by_type(episodes: Sequence[Measured]) -> dict[str, Summary]:
    """The averages by type of question."""
    parts: dict[str, list[Measured]] = defaultdict(list)
    for one in episodes:
        parts[one.type].append(one)
    return {name: summarize(parts[name]) for name in sorted(parts)}


def replaying(actions: Sequence[NDArray[np.int64]]) -> Callable[[GroundlingVectorEnv], Chooser]:
    """Who plays the actions [N] of N episodes again, for :func:`measure` of the same episodes."""
    taken = 0

    def make_chooser(envs: GroundlingVectorEnv) -> Chooser:
        nonlocal taken
        own = actions[taken : taken + envs.num_envs]
        taken += envs.num_envs
        table = np.zeros((max(map(len, own)), len(own)), dtype=np.int64)
        for b, row in enumerate(own):
            table[: len(row), b] = row
        steps = iter(table)
        return lambda observation: next(steps)

    return make_chooser
