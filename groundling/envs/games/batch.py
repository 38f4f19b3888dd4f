"""What batches of worlds with rules of their own have in common: episodes by seeds, steps, copies, saved states."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.array_pool import ArrayPool
from groundling.envs.engine.state import Outcomes, empty_outcomes
from groundling.envs.saved_states import check_arrays
from groundling.errors import ActionError, ConfigurationError
from groundling.language.vocabulary import Vocabulary
from groundling.seeding import integer

Arrays = dict[str, NDArray[Any]]


class GameBatch(ABC):
    """B worlds, stepped in place. A game brings its arrays, and the kernels that begin and step them.

    Args:
        num_envs: B.
        seed: names the episodes until :meth:`restart` is given other seeds.
        num_actions: A.
        vocabulary: of the token ids.
        worlds: the state, a ``NamedTuple`` of arrays [B, ...] with ``random`` [B] uint64.
        make_seen: makes arrays for what the agents see, a ``NamedTuple`` with ``instruction`` [B, L].

    Attributes:
        worlds: the state.
        seen: what the agents see, rewritten by every step.
        last: what those whose episode ended in the last step saw then.
        outcomes: reward, terminated, truncated and the statistics of the episodes that ended.
    """

    def __init__(
        self,
        num_envs: int,
        *,
        seed: int,
        num_actions: int,
        vocabulary: Vocabulary,
        worlds: Any,
        make_seen: Callable[[], Any],
    ) -> None:
        self.num_envs = num_envs
        self.num_actions = num_actions
        self.vocabulary = vocabulary
        self.worlds = worlds
        self.seen = make_seen()
        self._last = ArrayPool[Any](make_seen)
        self._copies = ArrayPool[Any](make_seen)
        self._results = ArrayPool[Outcomes](lambda: empty_outcomes(num_envs))
        self.last = self._last.take()
        self.outcomes = self._results.take()
        self._everywhere = np.ones(num_envs, dtype=np.bool_)
        self._seed([integer(seed, "episodes", row) for row in range(num_envs)])

    @abstractmethod
    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begin the next episode where ``chosen`` [B] says so."""

    @abstractmethod
    def advance(self, actions: NDArray[np.int64], autoreset: bool) -> None:
        """Step by checked actions [B], into ``seen``, ``last`` and ``outcomes``."""

    @abstractmethod
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """The lowest and the highest number of each array of the worlds by which kernels index."""

    @abstractmethod
    def check_saved(self, saved: Arrays) -> None:
        """Refuse a saved state whose arrays fit, but whose values are those of another game.

        Raises:
            ConfigurationError: if they are.
        """

    def _seed(self, seeds: Sequence[int]) -> None:
        self.worlds.random[:] = np.array(seeds, dtype=np.uint64)

    def restart(self, seeds: Sequence[int]) -> None:
        """Begin anew: environment b plays the episodes of the b-th of B seeds, whatever was played before."""
        self._seed([integer(seed, "episodes") for seed in seeds])
        self.reset()

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Begin the next episode in every environment (of the mask [B])."""
        self.begin(self._everywhere if mask is None else mask)

    def step(self, actions: Any, *, autoreset: bool = True, fresh: bool = False) -> None:
        """Step every environment; results are in ``seen``, ``last`` and ``outcomes``.

        Args:
            actions: [B] integers in [0, A).
            autoreset: begin the next episode where one ends.
            fresh: write ``last`` and ``outcomes`` into arrays that nobody else holds.

        Raises:
            ActionError: if the actions are not [B] integers in [0, A); no environment is stepped then.
        """
        checked = self._checked(actions)
        if fresh:
            before = self.outcomes
            self.last = self._last.take()
            self.outcomes = self._results.take()
            for name in ("terminated", "truncated", "ended"):  # of episodes that stay as they ended
                getattr(self.outcomes, name)[:] = getattr(before, name)
        self.advance(checked, autoreset)

    def by_key(self, seen: Any) -> Arrays:
        """What agents see, by the keys of an observation."""
        arrays: Arrays = seen._asdict()
        return arrays

    def observation(self, *, fresh: bool) -> Arrays:
        """What the agents see by the keys of the observation; ``fresh``: in arrays that nobody else holds."""
        if not fresh:
            return self.by_key(self.seen)
        copy = self._copies.take()
        arrays: list[tuple[NDArray[Any], NDArray[Any]]] = list(zip(copy, self.seen, strict=True))
        for array, source in arrays:
            np.copyto(array, source)
        return self.by_key(copy)

    def goal(self, row: int) -> str:
        """The instruction of an environment."""
        return self.vocabulary.decode(self.seen.instruction[row])

    def state_dict(self) -> Arrays:
        """A copy of everything that the future depends on, and of what is seen now."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state_dict(self, saved: Arrays) -> None:
        """Continue from :meth:`state_dict` of a batch of the same game, split and size.

        Raises:
            ConfigurationError: if it is that of another batch; nothing is loaded then.
        """
        arrays = self._arrays()
        words = (0, len(self.vocabulary) - 1)
        told = {f"seen.{name}": words for name in ("manual", "instruction", "carried")}
        own = {f"worlds.{name}": bounds for name, bounds in self.bounds().items()}
        bounds = {**told, "worlds.steps": (0, np.inf), **own}
        check_arrays(saved, arrays, bounds, other="another task or num_envs")
        self.check_saved(saved)
        for name, array in arrays.items():
            array[...] = saved[name]

    def row_arrays(self) -> Arrays:
        """What the future of each environment depends on, [B, ...] by name."""
        return self._arrays()

    def _arrays(self) -> Arrays:
        parts = {"worlds": self.worlds, "seen": self.seen}
        return {f"{kind}.{name}": array for kind, part in parts.items() for name, array in part._asdict().items()}

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        array = np.asarray(actions)
        if array.dtype.kind not in "iu":
            raise ActionError(f"actions are integers, got {array.dtype}: did you pass logits or probabilities?")
        if array.shape != (self.num_envs,):
            raise ActionError(
                f"expected actions of shape ({self.num_envs},), one for each environment, got shape {array.shape}"
            )
        array = np.ascontiguousarray(array, dtype=np.int64)
        if array.min() < 0 or array.max() >= self.num_actions:
            raise ActionError(f"actions are 0 to {self.num_actions - 1}, got {array.min()} to {array.max()}")
        return array


def check_counts(num_envs: int, max_steps: int) -> None:
    """Refuse a batch of nothing.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1.
    """
    for name, value in (("num_envs", num_envs), ("max_steps", max_steps)):
        if value < 1:
            raise ConfigurationError(f"{name} must be at least 1, got {value}")
