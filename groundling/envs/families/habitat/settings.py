"""Settings that stand behind ``habitat:PLACE``: the interpreter of the simulators, the GPU, how many there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.errors import ConfigurationError


@dataclass(frozen=True)
class HabitatSettings:
    """How Habitat is run.

    Attributes:
        python: the Python interpreter that has habitat-sim; empty: this one.
        gpu: the number of the GPU that renders; -1 renders on the CPU.
        scenes: that a simulator loads before it is made anew, since it keeps a part of each.
        envs: simulators side by side in evaluation, at most; each is a process of some 300 MB.
    """

    python: str = ""
    gpu: int = facts.CPU
    scenes: int = facts.MAX_SCENES
    envs: int = 8

    def __post_init__(self) -> None:
        if self.scenes < 1 or self.envs < 1:
            raise ConfigurationError(f"scenes and envs are at least 1, got {self.scenes} and {self.envs}")

    def changed(self, told: Mapping[str, str]) -> HabitatSettings:
        """The same with these, as they stand behind an id.

        Raises:
            ConfigurationError: if one is unknown or no number.
        """
        values: dict[str, str | int] = {}
        known = [part.name for part in dataclasses.fields(self)]
        for name, text in told.items():
            if name not in known:
                raise ConfigurationError(f"Habitat has no setting {name!r}: choose among {', '.join(known)}")
            if name == "python":
                values[name] = text
                continue
            try:
                values[name] = int(text)
            except ValueError:
                raise ConfigurationError(f"{name} is a whole number, not {text!r}") from None
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]
