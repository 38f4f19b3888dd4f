"""A batch of worlds: begins, steps, saves and restores them. Gymnasium's classes are thin layers over it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.array_pool import ArrayPool
from groundling.envs.engine.state import Outcomes, empty_outcomes
from groundling.envs.families.manuals.rtfm.assignments import Assignments
from groundling.envs.families.manuals.rtfm.kernels import begin_batch, step_batch
from groundling.envs.families.manuals.rtfm.names import ACTIONS, ELEMENTS, MAX_STEPS, Variant
from groundling.envs.families.manuals.rtfm.state import Dynamics, Seen, empty_seen, empty_worlds, rules_of
from groundling.envs.families.manuals.rtfm.wording import WORDS, Wording, tables
from groundling.errors import ActionError, ConfigurationError
from groundling.seeding import integer


class ManualBatch:
    """B worlds of a variant, stepped in place.

    Args:
        variant: which.
        num_envs: B.
        part: of the assignments of dynamics: "train", "validation", "unseen" or "all".
        wording: of the sentences.
        seed: names the episodes until :meth:`restart` is given other seeds.
        max_steps: after which an episode is cut off.

    Attributes:
        worlds: the state.
        seen: what the agents see, rewritten by every step.
        last: what those whose episode ended in the last step saw then.
        outcomes: reward, terminated, truncated and the statistics of the episodes that ended.

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
        for name, value in (("num_envs", num_envs), ("max_steps", max_steps)):
            if value < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {value}")
        self.variant = variant
        self.num_envs = num_envs
        self.assignments = Assignments.of(variant)
        self.rules = rules_of(variant, part, wording, max_steps)
        self.dynamics = Dynamics(self.assignments.teams, self.assignments.elements)
        self.tables = tables()
        self.worlds = empty_worlds(num_envs)
        self.seen = empty_seen(num_envs)
        self._last = ArrayPool[Seen](partial(empty_seen, num_envs))
        self._copies = ArrayPool[Seen](partial(empty_seen, num_envs))
        self._results = ArrayPool[Outcomes](partial(empty_outcomes, num_envs))
        self.last = self._last.take()
        self.outcomes = self._results.take()
        self._everywhere = np.ones(num_envs, dtype=np.bool_)
        self._seed([integer(seed, "episodes", row) for row in range(num_envs)])

    def _seed(self, seeds: Sequence[int]) -> None:
        self.worlds.random[:] = np.array(seeds, dtype=np.uint64)

    def restart(self, seeds: Sequence[int]) -> None:
        """Begin anew: environment b plays the episodes of the b-th of B seeds, whatever was played before."""
        self._seed([integer(seed, "episodes") for seed in seeds])
        self.reset()

    def reset(self, mask: NDArray[np.bool_] | None = None) -> None:
        """Begin the next episode in every environment (of the mask [B])."""
        chosen = self._everywhere if mask is None else mask
        begin_batch(self.worlds, chosen, self.rules, self.dynamics, self.tables, self.seen)

    def step(self, actions: Any, *, autoreset: bool = True, fresh: bool = False) -> None:
        """Step every environment; results are in ``seen``, ``last`` and ``outcomes``.

        Args:
            actions: [B] integers in [0, 5).
            autoreset: begin the next episode where one ends.
            fresh: write ``last`` and ``outcomes`` into arrays that nobody else holds.

        Raises:
            ActionError: if the actions are not [B] integers in [0, 5); no environment is stepped then.
        """
        checked = self._checked(actions)
        if fresh:
            before = self.outcomes
            self.last = self._last.take()
            self.outcomes = self._results.take()
            for name in ("terminated", "truncated", "ended"):  # of episodes that stay as they ended
                getattr(self.outcomes, name)[:] = getattr(before, name)
        step_batch(
            *(self.worlds, checked, autoreset, self.rules, self.dynamics, self.tables),
            *(self.seen, self.last, self.outcomes),
        )

    def observation(self, *, fresh: bool) -> dict[str, NDArray[Any]]:
        """What the agents see by the keys of the observation; ``fresh``: in arrays that nobody else holds."""
        if not fresh:
            return self.seen._asdict()
        copy = self._copies.take()
        arrays: list[tuple[NDArray[Any], NDArray[Any]]] = list(zip(copy, self.seen, strict=True))
        for array, source in arrays:
            np.copyto(array, source)
        return copy._asdict()

    def goal(self, row: int) -> str:
        """The goal sentence of an environment."""
        return WORDS.decode(self.seen.instruction[row])

    def manual(self, row: int) -> tuple[str, ...]:
        """The sentences of an environment's manual, in their order."""
        return tuple(WORDS.decode(line) for line in self.seen.manual[row] if line[0])

    def needed(self) -> NDArray[np.bool_]:
        """Which sentences of the manuals are needed to win, [B, S]: for probes, not for agents.

        One tells who is in the wanted team; the other what beats the element of the monster of that team.
        """
        wanted = self.worlds.team + len(ELEMENTS)
        statement = self.worlds.statement
        return (statement == wanted[:, None]) | (statement == self.worlds.element[:, :1])

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of everything that the future depends on, and of what is seen now."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict` of a batch of the same variant, split and size.

        Raises:
            ConfigurationError: if it is that of another batch; nothing is loaded then.
        """
        arrays = self._arrays()
        for name, array in arrays.items():
            if name not in saved or saved[name].shape != array.shape:
                found = list(saved[name].shape) if name in saved else "missing"
                raise ConfigurationError(
                    f"the saved environments have {name} {found}, these have {list(array.shape)}: another task or "
                    "num_envs"
                )
        if (saved["worlds.assignment"] >= self.rules.total).any():
            raise ConfigurationError(f"the saved environments have dynamics that {self.variant.id} does not have")
        for name, array in arrays.items():
            array[...] = saved[name]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        parts = {"worlds": self.worlds, "seen": self.seen}
        return {
            f"{kind}.{name}": array
            for kind, arrays in parts.items()
            for name, array in arrays._asdict().items()  # type: ignore[attr-defined]
        }

    def _checked(self, actions: Any) -> NDArray[np.int64]:
        array = np.asarray(actions)
        if array.dtype.kind not in "iu":
            raise ActionError(f"actions are integers, got {array.dtype}: did you pass logits or probabilities?")
        if array.shape != (self.num_envs,):
            raise ActionError(
                f"expected actions of shape ({self.num_envs},), one for each environment, got shape {array.shape}"
            )
        array = np.ascontiguousarray(array, dtype=np.int64)
        if array.min() < 0 or array.max() >= len(ACTIONS):
            raise ActionError(f"actions are 0 to {len(ACTIONS) - 1}, got {array.min()} to {array.max()}")
        return array
