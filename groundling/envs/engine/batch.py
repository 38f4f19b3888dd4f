"""A batch of worlds: the arrays of B environments and the order of a step, whatever bodies move in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.action_checks import checked_actions
from groundling.envs.engine.answers import Answers
from groundling.envs.engine.array_pool import ArrayPool
from groundling.envs.engine.batch_state import bounds_of_saved, check_saved_worlds, state_name
from groundling.envs.engine.constants import BORDER, NUM_ACTIONS
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.engine.senses import Senses
from groundling.envs.engine.state import Tasks, empty_outcomes, empty_worlds
from groundling.envs.engine.step_threads import StepThreads
from groundling.envs.saved_states import check_arrays
from groundling.errors import ConfigurationError
from groundling.language.lexicon import PLAIN, Lexicon

ObservationArrays = dict[str, NDArray[Any]]
Seen = TypeVar("Seen", bound=tuple[NDArray[Any], ...])


class Batch(ABC, Generic[Seen]):
    """B environments over one bank, stepped in place; what moves in them and what it sees is a subclass's.

    Args:
        bank: the episodes to play, of one task or of several, which are then drawn evenly at first.
        num_envs: B.
        shuffle: draw episodes at random; otherwise environment b plays episodes b, b + B, b + 2B, ...
        order_seed: seed of that draw.
        num_threads: threads that share a step; more than one pays from some thousands of environments on.
        top_down_pixels: pixels of a tile of the view from above, another sense; None leaves it out.
        explored_radius: tiles that a map of what the agent has seen reaches, another sense; None leaves it out.
        on_top: add what stands on the things in view, another sense of the body that walks the grid.
        previous_action: add the action that each agent took last, another sense.
        lexicon: words of a task's own, for what is drawn: what its types and colors look like.
        answers: of tasks in which agents answer; None leaves these actions out.
        text_key: the key of the observation that holds the sentence.
        manual_space: sentences of a manual and tokens of each, another sense; None leaves it out.

    Attributes:
        observations: what the agents see now, rewritten by every step.
        final: the last observation of each environment whose episode ended in the last step.
        outcomes: reward, terminated, truncated and the statistics of the episodes that ended.
        mixture: the tasks of the bank.
        kinds: the types and colors that can be drawn.
        senses: the senses beside what a step writes.
        threads: those that share a step.
        num_actions: A.
        watchers: are called after each step, before environments whose episode ended begin the next one.
    """

    min_envs_per_thread: ClassVar[int]
    num_actions: int = NUM_ACTIONS

    def __init__(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        shuffle: bool = True,
        order_seed: int = 0,
        num_threads: int = 1,
        top_down_pixels: int | None = None,
        explored_radius: int | None = None,
        on_top: bool = False,
        previous_action: bool = False,
        lexicon: Lexicon = PLAIN,
        answers: Answers | None = None,
        text_key: str = "instruction",
        manual_space: tuple[int, int] | None = None,
    ) -> None:
        if num_envs < 1:
            raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
        if num_threads < 1:
            raise ConfigurationError(f"num_threads must be at least 1, got {num_threads}")
        self.mixture = bank if isinstance(bank, TaskMixture) else TaskMixture.of([bank])
        self.bank = bank = self.mixture.bank
        bank.check()
        self.num_envs = num_envs
        self.kinds = kinds_of(lexicon)
        self.shuffle = shuffle
        self.order_seed = order_seed
        self.text_key = text_key
        if answers is not None:
            self.num_actions = answers.num_actions
        self.episodes = bank.episodes()
        self.tasks = Tasks(
            self.mixture.starts, np.empty(len(self.mixture.tasks)), np.full(num_envs, -1, dtype=np.int64)
        )
        self.set_shares(np.ones(len(self.mixture.tasks)))
        _, height, width = bank.cells.shape
        objects, clauses = bank.contents.shape[1], bank.programs.shape[1]
        b = num_envs
        self.width = width + 2 * BORDER
        tiles = (height + 2 * BORDER) * self.width
        self.state = empty_worlds(b, tiles, bank.looks.shape[1], objects, clauses, has_floors=bank.floors.shape[1] > 0)
        self._views = ArrayPool(self.make_observations)
        self._final_views = ArrayPool(self.make_observations)
        self._results = ArrayPool(partial(empty_outcomes, b))
        self.observations = self._views.take()
        self.final = self._final_views.take()
        self.outcomes = self._results.take()
        self.watchers: list[Callable[[], None]] = []
        self.senses = Senses(
            bank,
            self.state,
            self.width,
            self.places,
            kinds=self.kinds,
            num_actions=self.num_actions,
            top_down_pixels=top_down_pixels,
            explored_radius=explored_radius,
            on_top=on_top,
            previous_action=previous_action,
            answers=answers,
            manual_space=manual_space,
        )
        self.threads = StepThreads(b, max(1, min(num_threads, b // self.min_envs_per_thread)))

    def reset(self, mask: NDArray[np.bool_] | None = None, *, fresh: bool = False) -> None:
        """Begin the next episode in every environment (of the mask [B]); for ``fresh`` see :meth:`step`."""
        if mask is None:
            chosen = np.ones(self.num_envs, dtype=np.bool_)
            self._renew_arrays(fresh)
        else:
            chosen, before = mask, self.observations
            self._renew_arrays(fresh)
            for array, old in zip(self.observations, before, strict=True):
                array[:] = old
        self._begin(chosen)
        self.senses.begin(chosen)
        self.senses.draw(np.arange(self.num_envs))

    def restart(self, order_seed: int, *, fresh: bool = False) -> None:
        """Forget every episode played and begin anew with this order."""
        self.order_seed = order_seed
        self.state.episode_number[:] = 0
        self.reset(fresh=fresh)

    @property
    def shares(self) -> NDArray[np.float64]:
        """How often each of the K tasks is drawn, [K] with sum 1."""
        return np.diff(self.tasks.limits, prepend=0.0)

    def set_shares(self, shares: Sequence[float] | NDArray[np.floating[Any]]) -> None:
        """Draw the tasks of the episodes that begin from now on by these shares (without ``shuffle`` all are played).

        Args:
            shares: [K] not negative, of any sum; a task of share 0 is not drawn.

        Raises:
            ConfigurationError: if the shares are not K numbers that are not negative, or all are zero.
        """
        array = np.asarray(shares, dtype=np.float64)
        if array.shape != self.tasks.limits.shape:
            raise ConfigurationError(f"{len(self.mixture.tasks)} tasks need as many shares, got shape {array.shape}")
        if not (np.isfinite(array).all() and (array >= 0).all() and array.any()):
            raise ConfigurationError(f"shares are not negative and not all zero, got {array.tolist()}")
        limits = np.cumsum(array / array.max())
        self.tasks.limits[:] = limits / limits[-1]

    def plan(self, rows: NDArray[np.integer[Any]], episodes: NDArray[np.integer[Any]]) -> None:
        """Begin these episodes next, once, in these environments, instead of those that would be drawn.

        A plan is no part of :meth:`state_dict`: who makes it is to make it again, or to make it in a watcher, just
        before the episode begins.

        Args:
            rows: [R] environments.
            episodes: [R] rows of the bank.

        Raises:
            ConfigurationError: if the bank has no such episode; nothing is planned then.
        """
        if len(episodes) and not 0 <= np.min(episodes) <= np.max(episodes) < len(self.bank):
            raise ConfigurationError(f"the bank has episodes 0 to {len(self.bank) - 1}, not {np.asarray(episodes)}")
        self.tasks.planned[rows] = episodes

    def _renew_arrays(self, fresh: bool) -> None:
        if fresh:
            self.observations = self._views.take()
            self.final = self._final_views.take()
            self.outcomes = self._results.take()
            self.senses.renew_arrays()

    @abstractmethod
    def make_observations(self) -> Seen:
        """Empty arrays for what B agents see."""

    def seen(self) -> ObservationArrays:
        """What the agents see now, by the keys of the observation space."""
        return {**self.named(self.observations), **self.senses.seen()}

    def last_seen(self) -> ObservationArrays:
        """What those whose episode ended in the last step saw then; the rows of others mean nothing."""
        return {**self.named(self.final), **self.senses.last_seen(self.outcomes.episode)}

    def _step_and_show(self, actions: NDArray[np.int64], autoreset: bool) -> None:
        """Step without the next episodes first, since the watchers are to see how the last ones ended."""
        self.threads.run(partial(self._step, actions, False))
        for watcher in self.watchers:
            watcher()
        if autoreset:
            self.threads.run(self._go_on)
        self.senses.draw(np.arange(self.num_envs))

    def _step_and_paint(self, actions: NDArray[np.int64], autoreset: bool, start: int, stop: int) -> None:
        """Step without the next episodes first, since the ends of the last ones are to be painted."""
        self._step(actions, False, start, stop)
        if autoreset:
            self._go_on(start, stop)
        self.senses.draw(np.arange(start, stop))

    def _go_on(self, start: int, stop: int) -> None:
        """Keep the last observations of the episodes that ended, and begin the next ones."""
        rows = np.flatnonzero(self.outcomes.ended[start:stop]) + start
        for last, now in zip(self.final, self.observations, strict=True):
            if len(now):
                last[rows] = now[rows]
        self.senses.draw_last(rows)
        chosen = np.zeros(self.num_envs, dtype=np.bool_)
        chosen[rows] = True
        self._begin(chosen)

    @abstractmethod
    def places(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Where the agents are: x and y in tiles, border included, and heading in radians, [B] each."""

    @abstractmethod
    def named(self, seen: Seen) -> ObservationArrays:
        """What the agents see by the keys of the observation space, without copies."""

    @abstractmethod
    def _begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begin the next episode where ``chosen`` [B] says so."""

    @abstractmethod
    def _step(self, actions: NDArray[np.int64], autoreset: bool, start: int, stop: int) -> None:
        """Step environments ``start`` to ``stop``; several threads may do so at once, each with its own."""

    def step(self, actions: NDArray[np.integer[Any]], *, autoreset: bool = True, fresh: bool = False) -> None:
        """Step every environment; results are in ``observations``, ``final`` and ``outcomes``.

        Args:
            actions: [B] integers in [0, A).
            autoreset: begin the next episode where one ends.
            fresh: write the results into arrays that nobody else holds, instead of over the last ones.

        Raises:
            ActionError: if the actions are not [B] integers in [0, A); no environment is stepped then.
        """
        actions = checked_actions(actions, self.num_envs, self.num_actions)
        self._renew_arrays(fresh)
        self.senses.before_step(actions)
        run = partial(self._step_and_paint if self.senses.are_drawn else self._step, actions, autoreset)
        if self.watchers:
            self._step_and_show(actions, autoreset)
        else:
            self.threads.run(run)
        self.senses.after_step(actions, self.outcomes.ended, autoreset)

    def step_part(self, actions: NDArray[np.integer[Any]], start: int, stop: int, *, autoreset: bool = True) -> None:
        """Step environments ``start`` to ``stop`` alone, over the last results of these; the others stay as they are.

        Only of batches that can be divided, see :meth:`why_undivided`.

        Raises:
            ActionError: if the actions are not integers in [0, A), one for each; no environment is stepped then.
        """
        checked = checked_actions(actions, stop - start, self.num_actions)
        every = np.zeros(self.num_envs, dtype=np.int64)
        every[start:stop] = checked
        run = self._step_and_paint if self.senses.are_drawn else self._step
        self.threads.run(partial(run, every, autoreset), start, stop)

    def why_undivided(self) -> str:
        """Why the batch cannot be stepped in parts; empty where it can."""
        if self.watchers:
            return "somebody watches how their episodes end (groups of roll-outs, labels of experts)"
        if self.senses.previous is not None or self.senses.masks is not None:
            return "their agents see masks of actions, or the actions that they took last"
        return ""

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of everything that the future depends on, the bank apart."""
        copies = {name: array.copy() for name, array in self.arrays().items()}
        return {**copies, "order_seed": np.array(self.order_seed), "shuffle": np.array(self.shuffle)}

    def load_state_dict(self, saved: dict[str, NDArray[Any]], *, fresh: bool = False) -> None:
        """Continue from :meth:`state_dict` of a batch of the same bank and size; for ``fresh`` see :meth:`step`.

        Raises:
            ConfigurationError: if the arrays are those of another batch or bank, or hold what no world can be; nothing
                is loaded then.
        """
        ours = {name: array for name, array in self.arrays().items() if array.size}  # older states lack newer senses
        self.check_saved(saved, ours)
        self._renew_arrays(fresh)
        now = self.arrays()
        for name in ours:
            now[name][...] = saved[name]
        self.order_seed = int(saved["order_seed"])
        self.shuffle = bool(saved["shuffle"])

    def row_arrays(self) -> dict[str, NDArray[Any]]:
        """What the future of each environment depends on, [B, ...] by name, without what a step draws anew."""
        observations: Any = self.observations
        drawn = {f"observations.{name}" for name in (*observations._fields, *self.senses.pictures._fields)}
        kept = {name: array for name, array in self.arrays().items() if name not in drawn and array.size}
        del kept["limits"]  # of the batch
        return {**kept, "observations.instruction": observations.instruction}  # written at the beginning only

    def check_saved(self, saved: Mapping[str, NDArray[Any]], ours: Mapping[str, NDArray[Any]]) -> None:
        """Refuse a state that is none of a batch like this: kernels index by what it holds.

        Args:
            saved: see :meth:`state_dict`.
            ours: the arrays that it is to be copied into, by name.

        Raises:
            ConfigurationError: naming the first thing that is wrong.
        """
        orders = {"order_seed": np.zeros((), dtype=np.int64), "shuffle": np.zeros((), dtype=np.bool_)}
        check_arrays(saved, {**ours, **orders}, self.bounds())
        check_saved_worlds(saved, self.state, self.width, self.episodes, has_map=self.senses.explorer is not None)

    def bounds(self) -> dict[str, tuple[float, float]]:
        """The lowest and the highest number of arrays of a saved state whose numbers have some of their own."""
        return bounds_of_saved(self.num_actions)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the future depends on, the bank apart."""
        state = {state_name(name): array for name, array in self.state._asdict().items()}
        state["limits"] = self.tasks.limits
        observations: Any = self.observations
        state |= {f"observations.{name}": array for name, array in observations._asdict().items()}
        return {**state, **self.senses.arrays()}

    def close(self) -> None:
        """End the threads."""
        self.threads.close()
