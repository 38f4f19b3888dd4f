"""What can go wrong with a foreign simulator; every class is a :class:`GroundlingError`.

GroundlingError
├── MissingSimulatorError   the simulator's package is not installed (a MissingPackageError)
└── EngineError             the simulator's engine failed
    ├── EngineCrashError    its process died
    ├── EngineHangError     it did not answer in time, and was killed
    ├── EngineRejectionError  it refused a map or did not know an actor
    └── EngineRestartError  it failed again too soon after it was restarted
"""

from __future__ import annotations

from groundling.errors import GroundlingError, MissingPackageError


class MissingSimulatorError(MissingPackageError):
    """The simulator is an optional extra that is not installed."""


class EngineError(GroundlingError):
    """The simulator's engine failed; its processes are gone."""


class EngineCrashError(EngineError):
    """The engine's process died."""


class EngineHangError(EngineError):
    """The engine did not answer in time."""


class EngineRejectionError(EngineError):
    """The engine refused a map, or does not know one of its actors."""


class EngineRestartError(EngineError):
    """The engine failed again within a minute of its last restart."""
