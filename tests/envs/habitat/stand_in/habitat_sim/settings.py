"""Configurations: plain values, and what the real one aborts at."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from .pathfinder import NavMeshSettings, as_point


class SensorType(Enum):
    COLOR, DEPTH, SEMANTIC = range(3)


class SensorSubType(Enum):
    PINHOLE, ORTHOGRAPHIC, FISHEYE, EQUIRECTANGULAR = range(4)


class MotionType(Enum):
    UNDEFINED, STATIC, KINEMATIC, DYNAMIC = -1, 0, 1, 2


class CameraSensorSpec:
    """As ``habitat_sim.CameraSensorSpec``."""

    def __init__(self) -> None:
        self.uuid = ""
        self.position: Any = np.array([0.0, 1.5, 0.0])
        self.sensor_type, self.sensor_subtype = SensorType.COLOR, SensorSubType.PINHOLE
        self.orientation: Any = [0.0, 0.0, 0.0]
        self.resolution: Any = [128, 128]
        self.channels = 4
        self.near, self.far, self.hfov = 0.01, 1000.0, 90.0
        self.clear_color: Any = [0, 0, 0, 1]
        self.noise_model = "None"

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, as_point(value) if name == "position" else value)


class ActuationSpec:
    def __init__(self, amount: float, constraint: Any = None) -> None:
        self.amount, self.constraint = amount, constraint


class ActionSpec:
    def __init__(self, name: str, actuation: ActuationSpec | None = None) -> None:
        self.name, self.actuation = name, actuation


class AgentConfiguration:
    """As ``habitat_sim.agent.AgentConfiguration``."""

    def __init__(self) -> None:
        self.height, self.radius = 1.5, 0.1
        self.sensor_specifications: list[CameraSensorSpec] = []
        self.action_space = {
            "move_forward": ActionSpec("move_forward", ActuationSpec(0.25)),
            "turn_left": ActionSpec("turn_left", ActuationSpec(10.0)),
            "turn_right": ActionSpec("turn_right", ActuationSpec(10.0)),
        }
        self.body_type = "cylinder"


class SimulatorConfiguration:
    """As ``habitat_sim.SimulatorConfiguration``."""

    def __init__(self) -> None:
        self.scene_dataset_config_file = "default"
        self.scene_id = ""
        self.random_seed = self.default_agent_id = self.gpu_device_id = 0
        self.allow_sliding = self.create_renderer = self.frustum_culling = True
        self.enable_physics = False
        self.requires_textures = self.load_semantic_mesh = True
        self.override_scene_light_defaults = False
        self.navmesh_settings: NavMeshSettings | None = None


class Configuration:
    """As ``habitat_sim.Configuration``."""

    def __init__(self, sim_cfg: SimulatorConfiguration, agents: list[AgentConfiguration], **_: Any) -> None:
        self.sim_cfg, self.agents = sim_cfg, agents
