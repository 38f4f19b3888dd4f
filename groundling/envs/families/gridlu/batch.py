"""A batch of worlds: begins, steps, saves and restores them. Gymnasium's classes are thin layers over it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.gridlu.instructions import instructions, vocabulary
from groundling.envs.families.gridlu.kernels import begin_batch, step_batch
from groundling.envs.families.gridlu.names import ACTIONS, COLORS, NUM_CELLS, SHAPES, Game, View
from groundling.envs.families.gridlu.painting import paint
from groundling.envs.families.gridlu.state import NONE, empty_seen, empty_worlds, rules_of
from groundling.envs.games.batch import GameBatch, check_counts
from groundling.errors import ConfigurationError


class GridLUBatch(GameBatch):
    """B worlds of a task, stepped in place.

    Args:
        game: the task.
        num_envs: B.
        part: of the instructions, see ``instructions.part``.
        seed: names the episodes until ``restart`` is given other seeds.
        max_steps: of an episode; None takes the task's.
        view: what agents see, "symbols" or "rgb".

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1.
    """

    def __init__(
        self,
        game: Game,
        num_envs: int,
        *,
        part: str = "all",
        seed: int = 0,
        max_steps: int | None = None,
        view: View = "symbols",
    ) -> None:
        limit = game.max_steps if max_steps is None else max_steps
        check_counts(num_envs, limit)
        self.game = game
        self.view = view
        self.rules = rules_of(game, part, limit)
        super().__init__(
            num_envs,
            seed=seed,
            num_actions=len(ACTIONS),
            vocabulary=vocabulary(),
            worlds=empty_worlds(num_envs),
            make_seen=partial(empty_seen, num_envs),
        )

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begin the next episode where ``chosen`` [B] says so."""
        begin_batch(self.worlds, chosen, self.rules, self.seen)

    def advance(self, actions: NDArray[np.int64], autoreset: bool) -> None:
        """Step by checked actions [B]."""
        step_batch(self.worlds, actions, autoreset, self.rules, self.seen, self.last, self.outcomes)

    def by_key(self, seen: Any) -> dict[str, NDArray[Any]]:
        """The image as symbols, or painted."""
        arrays = super().by_key(seen)
        return arrays if self.view == "symbols" else {**arrays, "image": paint(arrays["image"])}

    def holds(self) -> NDArray[np.bool_]:
        """Whether what each instruction says is so now, [B]."""
        return self.worlds.holds.copy()

    def bounds(self) -> dict[str, tuple[float, float]]:
        """See ``GameBatch``."""
        blocks = (NONE, len(SHAPES) * len(COLORS))
        return {
            "instruction": (0, len(self.rules.table) - 1),
            "blocks": blocks,
            "position": (0, NUM_CELLS - 1),
            "carried": blocks,
        }

    def check_saved(self, saved: dict[str, NDArray[np.generic]]) -> None:
        """Refuse a state of another task.

        Raises:
            ConfigurationError: if it is one.
        """
        numbers = saved["worlds.instruction"]
        told = saved["seen.instruction"]
        is_own = numbers.max() < len(instructions(self.game)) and np.array_equal(self.rules.tokens[numbers], told)
        if not is_own:
            raise ConfigurationError(f"the saved environments have instructions that {self.game.id} has not")
