"""An environment of EnvPool's as a family: that of other packages, with another source of observations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundling.envs.families.foreign.family import ForeignFamily
from groundling.envs.simulators.errors import MissingSimulatorError
from groundling.envs.simulators.foreign.envpool import EnvPoolSource
from groundling.errors import ConfigurationError


class EnvPoolFamily(ForeignFamily):
    """An environment that EnvPool steps, in threads of this process."""

    def _open(
        self, num_envs: int, options: Mapping[str, Any] | None = None, choice: Mapping[str, Any] | None = None
    ) -> EnvPoolSource:
        """The environments themselves; at least one.

        Raises:
            MissingSimulatorError: if EnvPool is not installed; the message names the extra.
            EngineError: if they cannot be made.
            ConfigurationError: if they are to run in another Python.
        """
        settings = self.settings
        if settings.python:
            raise ConfigurationError(
                f"{self.id} runs in this process, not in {settings.python}: leave out --simulator-python (or python=)"
            )
        options = {**settings.options, **(options or {})}
        try:
            return EnvPoolSource(
                self._maker["id"],
                max(num_envs, 1),
                self._num_workers(num_envs),
                rules=settings.rules,
                options=options,
                choice=choice,
            )
        except ImportError as error:
            raise MissingSimulatorError(
                f"{self.id} cannot be made: {error}. To have it, pip install 'groundling[{self._package.extra}]'"
            ) from error
