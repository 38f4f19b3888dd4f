"""Stand-in for habitat-sim: its Python interface as far as the wrapper uses it, by geometry and recordings.

It is put on the path of worker processes by tests only. It refuses what the real one refuses, and ends its process
where the real one does. What it cannot do (textures through lights, physics, several floors) it does not pretend to.
"""

import os
from types import SimpleNamespace

from . import errors
from .pathfinder import MultiGoalShortestPath, NavMeshSettings, PathFinder, ShortestPath
from .settings import (
    ActionSpec,
    ActuationSpec,
    AgentConfiguration,
    CameraSensorSpec,
    Configuration,
    MotionType,
    SensorSubType,
    SensorType,
    SimulatorConfiguration,
)
from .simulator import AgentState, Simulator

__version__ = os.environ.get("HABITAT_STAND_IN_VERSION", "0.3.3")

agent = SimpleNamespace(
    ActionSpec=ActionSpec, ActuationSpec=ActuationSpec, AgentConfiguration=AgentConfiguration, AgentState=AgentState
)
physics = SimpleNamespace(MotionType=MotionType)
nav = SimpleNamespace(NavMeshSettings=NavMeshSettings, PathFinder=PathFinder, ShortestPath=ShortestPath)

__all__ = [
    "AgentState",
    "CameraSensorSpec",
    "Configuration",
    "MultiGoalShortestPath",
    "NavMeshSettings",
    "PathFinder",
    "SensorSubType",
    "SensorType",
    "ShortestPath",
    "Simulator",
    "SimulatorConfiguration",
    "agent",
    "errors",
    "nav",
    "physics",
]
