"""A reward learned from comparisons of trajectories that somebody made: ``--reward preferences``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.vector import VectorEnv

from groundling.envs.specification import spec_of
from groundling.errors import ConfigurationError
from groundling.interfaces import Array, Transition
from groundling.training.preferences.comparisons import Comparisons
from groundling.training.preferences.reward_model import PreferenceModel, PreferencesConfig
from groundling.training.rewards.base import RewardTerm

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig
    from groundling.training.rollout import Rollout


class PreferenceReward(RewardTerm):
    """What people seem to want: a reward of (instruction, observation, action) under which the trajectories that they
    preferred have the larger return.

    P(first is preferred) = sigmoid(sum_t r(first) - sum_t r(second))

    It is learned when the run begins, saved with it, and learns no more. Keep PPO near the policy whose trajectories
    were compared (--init and --ppo.kl-coef): elsewhere the reward knows nothing.

    Source: Christiano et al. 2017, arXiv:1706.03741 (rewards are bounded by tanh as in Lee et al. 2021,
    arXiv:2106.05091).

    Raises:
        ConfigurationError: if no file is named.
        PreferenceFileError: when the run begins, if the file is torn, or its comparisons were made in environments of
            another vocabulary, observation or body.
    """

    learns_nothing = True
    summary: ClassVar[str] = "a reward learned from comparisons of trajectories, before the run begins"
    Config: ClassVar[type[Any]] = PreferencesConfig
    section: ClassVar[str] = "preferences"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        super().__init__(config, envs)
        self.settings: PreferencesConfig = config.settings_of(PreferencesConfig)
        if not self.settings.comparisons:
            raise ConfigurationError(
                "the reward 'preferences' needs a file of comparisons: --preferences.comparisons FILE (`groundling "
                "label RUN` makes one)"
            )
        self.model = PreferenceModel(config.agent, spec_of(envs), self.settings, config.seed).to(config.device)
        self._is_fitted = False
        self._told: dict[str, float] = {}

    def begin(self) -> None:
        """Learn from the comparisons, unless that was done: a resumed or frozen reward needs no file.

        Raises:
            PreferenceFileError: see the class.
        """
        if self._is_fitted:
            return
        comparisons = Comparisons.load(self.settings.comparisons).labelled
        comparisons.check(spec_of(self.envs), self.settings.comparisons)
        if self.settings.from_init and self.config.init:
            from groundling.training.checkpoint import load_agent

            self.model.take_encoders(load_agent(self.config.init, self.config.device))
        self._told = self.model.fit(comparisons)
        self._is_fitted = True

    def __call__(self, transition: Transition) -> Array:
        """Zeros: the rewards of a rollout are found when it has ended, all at once."""
        return np.zeros(len(transition.reward))

    def update(self, rollout: Rollout) -> dict[str, float]:
        """How far the reward agrees with the comparisons."""
        return self._told

    def repaid(self, rollout: Rollout) -> Array:
        """The rewards [T, B] of a rollout."""
        observation = {key: array.flatten(0, 1) for key, array in rollout.observation.items()}
        paid = self.model(observation, rollout.action.flatten())
        return np.asarray(paid.unflatten(0, rollout.action.shape).cpu().numpy(), dtype=np.float64)

    def state_dict(self) -> dict[str, Any]:
        """What was learned."""
        return {"model": self.model.state_dict(), "told": dict(self._told)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self.model.load_state_dict(saved["model"])
        self._told = dict(saved["told"])
        self._is_fitted = True
