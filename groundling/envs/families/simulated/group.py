"""The family of a simulator of a user's own: worker processes, splits by name, sentences as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gymnasium.vector import VectorEnv

from groundling.envs.families.base import EnvFamily
from groundling.envs.simulators.vector import SimulatorVectorEnv
from groundling.interfaces import Simulator

PARTS = ("spec", "description", "reset", "step", "close")
ENVS_PER_WORKER = 32


class SimulatorFamily(EnvFamily):
    """A class of simulators as a family.

    Args:
        simulator: the class, which is made without arguments, in the worker processes only.
        reference: where it stands, ``"my_file.py:MySimulator"``.
    """

    def __init__(self, simulator: type[Simulator], reference: str) -> None:
        self.id = self.reference = reference
        self.description = simulator.description
        self.spec = simulator.spec

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        """B simulators that play a split, in as many processes as they need."""
        workers = -(-num_envs // ENVS_PER_WORKER)
        return SimulatorVectorEnv(self.reference, num_envs, seed=seed, split=str(split), workers=workers)


class Simulators:
    """Classes of a user's own that are simulators."""

    wanted = f"a simulator (a class with {', '.join(PARTS)})"

    def ids(self) -> Sequence[str]:
        """None by name."""
        return ()

    def find(self, id: str) -> None:
        """None by name."""
        return

    def wrap(self, thing: Any, reference: str) -> SimulatorFamily | None:
        """A class that has all parts of a simulator."""
        is_one = isinstance(thing, type) and all(hasattr(thing, part) for part in PARTS)
        return SimulatorFamily(thing, reference) if is_one else None

    def register(self) -> None:
        """Gymnasium's registry is left alone."""


GROUP = Simulators()
