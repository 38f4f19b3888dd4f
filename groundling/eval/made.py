"""Environments that a user makes (``Trainer(make_envs=...)``) as a family, so that a run in them can be evaluated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gymnasium.vector import VectorEnv

from groundling.envs.families.base import TRAIN, EnvFamily
from groundling.envs.specification import spec_of
from groundling.interfaces import Spec, Suite
from groundling.training.config import TrainConfig
from groundling.training.environments import EnvsMaker


class MadeFamily(EnvFamily):
    """What ``make_envs`` makes.

    Args:
        config: of the run.
        make_envs: as the trainer was given it.
        name: of what makes the environments.
    """

    suites = {"layout": Suite("the environments of training, begun with other seeds", TRAIN)}  # noqa: RUF012

    def __init__(self, config: TrainConfig, make_envs: EnvsMaker, name: str) -> None:
        self.id = name
        self.description = f"Environments that {name} makes"
        self._config = config
        self._make_envs = make_envs
        self._spec: Spec | None = None

    @property
    def spec(self) -> Spec:  # type: ignore[override]
        """That of the environments."""
        if self._spec is None:
            envs = self.make_vec(TRAIN, 1, 0)
            self._spec = spec_of(envs)
            envs.close()
        return self._spec

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        """As many as are asked for, if the maker heeds ``config.num_envs``."""
        return self._make_envs(replace(self._config, num_envs=num_envs))
