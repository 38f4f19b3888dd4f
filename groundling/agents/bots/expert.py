"""The expert: the next action towards the goal for every environment of a batch, from whatever state it is in."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import advice, memory, plans
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.batch import Batch
from groundling.envs.engine.constants import NOWHERE, NUM_ACTIONS
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.saved_states import check_arrays
from groundling.errors import ConfigurationError

Sight = Literal["world", "explored"]
SIGHTS: tuple[Sight, ...] = get_args(Sight)
NEVER = -1
UNREACHABLE = -1
EPISODES_AT_ONCE = 1024


class Expert:
    """Knows the next action in every environment of a batch, in any state, along its own way or not.

    Two experts are offered. ``sees="world"`` plans on the true world: it knows what is behind closed doors and in
    boxes, so its ways are short, but an agent that has to look around cannot learn them by imitation. ``"explored"``
    knows the tiles that were in the agent's view since the episode began, as MiniGrid's own bot does, and looks for
    what it has not seen: it must be asked at every step, so that it sees what the agent sees. Whoever strays from its
    way is led to where the way ended, as long as nothing else has changed and nothing new is seen; the all-seeing one
    looks for the shortest way anew.

    Args:
        worlds: the environments; they are read, never changed.
        sees: "world" or "explored".

    Attributes:
        lost: [B] bool, written by :meth:`actions`: no way to the goal was found.

    Raises:
        ConfigurationError: if ``sees`` is neither of the two.
    """

    def __init__(self, worlds: Batch[Any], *, sees: Sight = "explored") -> None:
        if sees not in SIGHTS:
            raise ConfigurationError(f"an expert sees the 'world' or what it has 'explored', not {sees!r}")
        self.worlds = worlds
        self.sees = sees
        batch, cells = worlds.state.cells.shape
        self.lost = np.zeros(batch, dtype=np.bool_)
        self._knows_all = sees == "world"
        self._past = advice.Past(
            seen=np.zeros((1 if self._knows_all else batch, cells), dtype=np.bool_),
            episodes_seen=np.full(batch, NEVER, dtype=np.int64),
            given_up=np.zeros(batch, dtype=np.uint64),
        )
        self._plans = make_plans(batch)
        self._ways = make_ways(batch, 0 if self._knows_all else cells)
        self._memory = make_memory(cells)
        self._second_thoughts = make_plans(1)
        self._actions = np.zeros(batch, dtype=np.int64)

    def actions(self) -> NDArray[np.int64]:
        """The next action [B] of every environment; "done" where :attr:`lost`. The array is written again."""
        advice.advise(
            self.worlds.state,
            self.worlds.width,
            self._knows_all,
            self._past,
            self._plans,
            self._ways,
            self._memory,
            self._second_thoughts,
            self._actions,
            self.lost,
        )
        return self._actions

    def steps_to_go(self) -> NDArray[np.int32]:
        """How many steps [B] this expert still takes to success in each environment; -1 where it finds no way.

        It is played out in a copy of the worlds, from their present state and with what has been seen so far; the
        time limit is left out of account. An expert that goes round in circles counts as having found no way.

        Raises:
            ConfigurationError: if the body in these worlds is not the grid's.
        """
        if not isinstance(self.worlds, WorldBatch):
            raise ConfigurationError("steps to go are counted for the body that walks the grid, not for a rover")
        worlds = copy_of(self.worlds)
        other = Expert(worlds, sees=self.sees)
        other.load_state_dict(self.state_dict())
        worlds.state.max_steps[:] = np.iinfo(np.int32).max
        to_go = np.full(worlds.num_envs, UNREACHABLE, dtype=np.int32)
        open_ones = np.ones(worlds.num_envs, dtype=np.bool_)
        step, marker = 0, other._snapshot()
        while open_ones.any():
            step += 1
            actions = other.actions()
            open_ones &= ~other.lost
            worlds.step(actions, autoreset=False)
            to_go[worlds.outcomes.success & open_ones] = step
            open_ones &= ~worlds.outcomes.ended
            open_ones &= ~other._is_as_in(marker)
            if step & (step - 1) == 0:  # Brent's way: a circle is found once the marker stands in it and is as old
                marker = other._snapshot()
        return to_go

    def _snapshot(self) -> list[NDArray[Any]]:
        """A copy of all on which the further actions depend."""
        return [array.copy() for array in self._all_that_matters()]

    def _is_as_in(self, snapshot: list[NDArray[Any]]) -> NDArray[np.bool_]:
        """Where [B] nothing has changed that further actions depend on."""
        is_same = np.ones(self.worlds.num_envs, dtype=np.bool_)
        for now, then in zip(self._all_that_matters(), snapshot, strict=True):
            is_same &= (now == then).reshape(len(now), -1).all(axis=1)
        return is_same

    def _all_that_matters(self) -> list[NDArray[Any]]:
        worlds = {name: array for name, array in self.worlds.state._asdict().items() if name != "step_count"}
        own = {name: array for name, array in self._kept().items() if name != "ways"}  # which depend on the others
        return [*worlds.values(), *own.values()]

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of what has been seen and of the plans, so that a run can be continued exactly."""
        return {name: array.copy() for name, array in self._kept().items()}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`, of an expert of the same kind on as many environments.

        Raises:
            ConfigurationError: if it is another's, or damaged; nothing is loaded then.
        """
        check_arrays(saved, self._kept(), plan_bounds(self.worlds.state.cells.shape[1]))
        for name, array in self._kept().items():
            array[...] = saved[name]

    def _kept(self) -> dict[str, NDArray[Any]]:
        ways = {"ways": self._ways.steps, "ways_signature": self._ways.signatures}
        return {**self._past._asdict(), **self._plans._asdict(), **ways}


def plan_bounds(cells: int) -> dict[str, tuple[float, float]]:
    """The lowest and the highest number of the arrays of plans and ways on maps of so many cells."""
    return {
        "length": (0, plans.PLAN_LENGTH),
        "actions": (0, NUM_ACTIONS - 1),
        "poses": (0, 4 * cells - 1),
        "drops": (NOWHERE, cells - 1),
        "aims": (NOWHERE, cells - 1),
        "ways": (0, plans.FAR),
    }


def expert_steps(bank: EpisodeBank, *, sees: Sight = "world") -> NDArray[np.int32]:
    """How many steps [E] an expert takes from the start of each episode of a bank; -1 where it finds no way."""
    counts = []
    for start in range(0, len(bank), EPISODES_AT_ONCE):
        part = bank.take(slice(start, start + EPISODES_AT_ONCE))
        worlds = WorldBatch(part, len(part), shuffle=False)
        worlds.reset()
        counts.append(Expert(worlds, sees=sees).steps_to_go())
    return np.concatenate(counts)


def unsolved_seeds(bank: EpisodeBank) -> list[int]:
    """The seeds of the episodes of a bank that neither expert brings to success within their time limit.

    The all-seeing expert plays every episode, and the exploring one those that are left. This is no proof that nobody
    could solve an episode that is named; one that is not named has been solved.
    """
    rows = np.arange(len(bank))
    for sees in SIGHTS:
        if len(rows):
            steps = expert_steps(bank.take(rows), sees=sees)
            rows = rows[(steps == UNREACHABLE) | (steps > bank.max_steps[rows])]
    return [int(seed) for seed in bank.seeds[rows]]


def copy_of(worlds: WorldBatch) -> WorldBatch:
    """Worlds in the same state, which can be stepped without moving the others."""
    twin = WorldBatch(worlds.mixture, worlds.num_envs, shuffle=worlds.shuffle, order_seed=worlds.order_seed)
    twin.load_state_dict(worlds.state_dict())
    return twin


def make_plans(batch: int) -> plans.Plans:
    """Plans of B environments, of no actions yet."""
    length = plans.PLAN_LENGTH
    return plans.Plans(
        length=np.zeros(batch, dtype=np.int32),
        actions=np.zeros((batch, length), dtype=np.uint8),
        poses=np.zeros((batch, length), dtype=np.int32),
        signatures=np.zeros((batch, length), dtype=np.uint64),
        drops=np.zeros(batch, dtype=np.int32),
        is_way_free=np.zeros(batch, dtype=np.bool_),
        aims=np.full(batch, NOWHERE, dtype=np.int32),
    )


def make_ways(batch: int, cells: int) -> plans.Ways:
    """The ways of B environments on maps of so many cells; of 0 cells where all is known, and none are used."""
    shape = (batch, 4 * cells) if cells else (1, 1)
    return plans.Ways(steps=np.zeros(shape, dtype=np.int16), signatures=np.zeros(batch, dtype=np.uint64))


def make_memory(cells: int) -> memory.Memory:
    """Memory of one search at a time, on maps of so many cells."""
    nodes = (1 << memory.MAX_BARRIERS) * memory.HANDS * cells * 4

    def numbers(size: int) -> NDArray[np.int32]:
        return np.zeros(size, dtype=np.int32)

    return memory.Memory(
        nodes=np.zeros((nodes, memory.NUM_COLUMNS), dtype=np.int32),
        heads=numbers(memory.BUCKETS),
        tails=numbers(memory.BUCKETS),
        clock=numbers(1),
        counts=numbers(memory.NUM_COUNTS),
        barriers=numbers(memory.MAX_BARRIERS),
        colors=numbers(memory.KEY_SLOTS),
        drops=np.zeros((cells, 2), dtype=np.int32),
        banned=numbers(memory.MAX_BANNED),
        path=numbers(memory.MAX_STEPS),
    )
