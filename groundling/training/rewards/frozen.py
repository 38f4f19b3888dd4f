"""The learned rewards of another run, which learn no more: ``--reward frozen:RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.interfaces import Array, Transition
from groundling.training.rewards.base import Potential, RewardTerm

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout


class FrozenReward(RewardTerm):
    """What another run's rewards pay, with what they had learned when its checkpoint was written.

    The environment's own reward is left out of it: name ``environment`` beside it if it is wanted.

    Args:
        run: the folder of the other run.
        config: of this run.
        envs: its environments.

    Raises:
        CheckpointError: if there is no whole checkpoint.
        ConfigurationError: if the other run learned no reward, or in environments of another vocabulary or observation.
    """

    learns_nothing = True

    def __init__(self, run: str, config: TrainConfig, envs: VectorEnv) -> None:
        super().__init__(config, envs)
        from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
        from groundling.training.rewards.stage import RewardStage

        checkpoint = Checkpoint.load(Path(run) / CHECKPOINT_NAME)
        theirs = checkpoint.config
        if theirs.reward == ("environment",):
            raise ConfigurationError(f"{run} was paid by the environment only: it has no reward that could be frozen")
        if checkpoint.spec.vocabulary != spec_of(envs).vocabulary:
            raise ConfigurationError(
                f"the rewards of {run} were learned with another vocabulary ({len(checkpoint.spec.vocabulary)} words, "
                f"these environments have {len(spec_of(envs).vocabulary)}): use them in tasks of the same words"
            )
        stage = RewardStage.of(theirs, envs)
        weights = dict(zip(stage.terms, stage.weights, strict=True))
        self._terms = {
            name: (weights[name], term)
            for name, term in stage.terms.items()
            if name != "environment" and isinstance(term, RewardTerm)
        }
        for name, (_, term) in self._terms.items():
            term.load_learned(checkpoint.rewards[name])
            term.freeze()
        self.potential = _common([term.potential for _, term in self._terms.values()])

    @property
    def zeroes_terminal(self) -> bool:
        """Whether all of them do."""
        return all(term.zeroes_terminal for _, term in self._terms.values())

    def begin(self) -> None:
        """The first episodes have begun."""
        for _, term in self._terms.values():
            term.begin()

    def __call__(self, transition: Transition) -> Array:
        """The weighted sum [B] of what they pay."""
        total = np.zeros(len(transition.reward))
        for weight, term in self._terms.values():
            total += weight * np.asarray(term(transition))
        return total

    def update(self, rollout: Rollout) -> dict[str, float]:
        """What they would tell of themselves; nothing is learned."""
        return {
            f"{name}/{key}": value
            for name, (_, term) in self._terms.items()
            for key, value in term.update(rollout).items()
        }

    def repaid(self, rollout: Rollout) -> Array | None:
        """The weighted sum [T, B] of what those pay again that do, and of what the others paid."""
        again = {name: term.repaid(rollout) for name, (_, term) in self._terms.items()}
        if any(array is None for array in again.values()):
            if all(array is None for array in again.values()):
                return None
            raise ConfigurationError("rewards that decide after a rollout cannot be frozen together with others")
        return sum(self._terms[name][0] * np.asarray(array) for name, array in again.items())  # type: ignore[return-value]

    def verdicts(self, transition: Transition) -> NDArray[np.bool_] | None:
        """Those of the first that has some."""
        found = (term.verdicts(transition) for _, term in self._terms.values())
        return next((verdicts for verdicts in found if verdicts is not None), None)

    def state_dict(self) -> dict[str, Any]:
        """What they remember of the present episodes."""
        return {name: term.state_dict() for name, (_, term) in self._terms.items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        for name, (_, term) in self._terms.items():
            term.load_state_dict(saved[name])

    def load_learned(self, saved: dict[str, Any]) -> None:
        """What the other run had learned is there already."""


def _common(kinds: list[Potential]) -> Potential:
    """What kind of potential a sum of terms is."""
    if "none" in kinds:
        return "none"
    return "history" if "history" in kinds else "state"
