"""A rubric: credit for each part of a goal that is done, penalties for errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.constants import NO_CLAUSE, NOTHING_CODE, Action
from groundling.errors import ConfigurationError
from groundling.interfaces import Array, Transition
from groundling.training.checks import require, require_each
from groundling.training.rewards.base import RewardTerm
from groundling.training.rewards.worlds import own_worlds, require_goals

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout

ERRORS: Final = ("failed", "bumped", "in_vain", "wrong_thing")


@dataclass(frozen=True)
class RubricConfig:
    """Credit for the parts of a goal, penalties for errors.

    Attributes:
        weights: of the parts (clauses) of a goal in the order of the sentence; they are scaled to the sum 1 over those
            that the goal has. By default all weigh the same.
        failed: penalty of an episode that ends in failure.
        bumped: penalty of a step forward into what cannot be walked on.
        in_vain: penalty of picking up, dropping or toggling that changes nothing.
        wrong_thing: penalty of picking up what no part of the goal that is to be picked up or put somewhere is about.
    """

    weights: tuple[float, ...] = ()
    failed: float = 0.5
    bumped: float = 0.0
    in_vain: float = 0.0
    wrong_thing: float = 0.1

    def __post_init__(self) -> None:
        require(all(weight > 0 for weight in self.weights), f"weights must be greater than 0, got {self.weights}")
        require_each(self, *ERRORS, least=0)


class RubricReward(RewardTerm):
    """Pays the share of a part of the goal in the step in which it is done, once, and takes penalties for errors.

    It is no difference of potentials: an agent may prefer to avoid errors to reaching its goal, if they cost much.

    Raises:
        ConfigurationError: if the environments are not ours, or a goal has more parts than there are weights.
    """

    learns_nothing = True
    Config: ClassVar[type[Any]] = RubricConfig
    section: ClassVar[str] = "rubric"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        super().__init__(config, envs)
        self.settings: RubricConfig = config.settings_of(RubricConfig)
        own, self._worlds = own_worlds(envs, "rubric")
        require_goals(self._worlds, "rubric")
        parts = int((self._worlds.bank.programs[..., 0] != NO_CLAUSE).sum(axis=1).max())
        if self.settings.weights and len(self.settings.weights) < parts:
            raise ConfigurationError(
                f"--rubric.weights gives {len(self.settings.weights)} weights, but goals of these tasks have up to "
                f"{parts} parts: give as many"
            )
        self._weights = np.array([*self.settings.weights, *[1.0] * parts][:parts])
        self._before = self._after = self._now()
        self._failed = np.zeros(envs.num_envs, dtype=np.bool_)
        self._counts = dict.fromkeys(ERRORS, 0)
        self._steps = 0
        own.watch(self._look)

    def begin(self) -> None:
        """Note the first states."""
        self._before = self._now()

    def __call__(self, transition: Transition) -> Array:
        """Credit less penalties [B]."""
        before, now = self._before, self._after
        done = _bits(now["done"] & ~before["done"], len(self._weights))
        weights = self._weights * _bits(before["parts"], len(self._weights))
        paid = (done * weights).sum(axis=1) / weights.sum(axis=1)
        for name, happened in self._errors(transition, before, now).items():
            paid = paid - getattr(self.settings, name) * happened
            self._counts[name] += int(happened.sum())
        self._steps += len(paid)
        self._before = self._now()
        return paid

    def update(self, rollout: Rollout) -> Mapping[str, float]:
        """Nothing is learned; the errors a step since the last call."""
        told = {name: count / max(1, self._steps) for name, count in self._counts.items()}
        self._counts, self._steps = dict.fromkeys(ERRORS, 0), 0
        return told

    def _look(self) -> None:
        self._after = self._now()
        self._failed = self._worlds.outcomes.terminated & ~self._worlds.outcomes.success

    def _now(self) -> dict[str, NDArray[Any]]:
        """What errors and parts of the goal are told from."""
        state = self._worlds.state
        is_part = state.programs[..., 0] != NO_CLAUSE
        return {
            "done": state.done.copy(),
            "parts": (is_part.astype(np.int64) << np.arange(is_part.shape[1])).sum(axis=1),
            "position": state.position.copy(),
            "carried": state.carried.copy(),
            "looks": state.looks.copy(),
            "cells": state.cells.copy(),
            "place": np.stack(self._worlds.places()),
            "meant": np.bitwise_or.reduce(np.where(is_part, state.programs[..., 2], np.uint64(0)), axis=1),
        }

    def _errors(
        self, transition: Transition, before: dict[str, NDArray[Any]], now: dict[str, NDArray[Any]]
    ) -> dict[str, NDArray[np.bool_]]:
        """Where [B] each kind of error was made in a step."""
        action = transition.action
        same = (now["looks"] == before["looks"]).all(axis=1) & (now["cells"] == before["cells"]).all(axis=1)
        same &= now["carried"] == before["carried"]
        acts = (action == Action.PICKUP) | (action == Action.DROP) | (action == Action.TOGGLE)
        picked = (now["carried"] != before["carried"]) & (now["carried"] != NOTHING_CODE)
        code = np.maximum(now["carried"].astype(np.int64) - 2, 0).astype(np.uint64)
        is_meant = (before["meant"] >> code & np.uint64(1)) != 0
        return {
            "failed": self._failed,
            "bumped": (action == Action.FORWARD) & (now["place"] == before["place"]).all(axis=0),
            "in_vain": acts & same,
            "wrong_thing": picked & ~is_meant,
        }

    def state_dict(self) -> dict[str, Any]:
        """The counts of errors; the states are the worlds'."""
        return {"counts": dict(self._counts), "steps": self._steps}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self._counts, self._steps = dict(saved["counts"]), int(saved["steps"])
        self._before = self._now()

    def load_learned(self, saved: dict[str, Any]) -> None:
        """Nothing is learned."""


def _bits(mask: NDArray[Any], count: int) -> NDArray[np.int64]:
    """The lowest ``count`` bits [B, count] of masks [B]."""
    return (mask[:, None].astype(np.int64) >> np.arange(count)) & 1
