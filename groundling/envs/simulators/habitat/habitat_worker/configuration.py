"""What habitat-sim is made with: its configuration, its sensors, and a working folder without pictures of light."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import facts
from .settings import SimulatorSettings


def make_configuration(package: Any, settings: SimulatorSettings, dataset: str, scene_id: str) -> Any:
    """The configuration of a simulator with one agent.

    Args:
        package: habitat-sim.
        settings: the agent's body, its camera, and how it moves.
        dataset: file of the dataset.
        scene_id: the scene that is loaded first.
    """
    cfg = package.SimulatorConfiguration()
    cfg.scene_dataset_config_file, cfg.scene_id = dataset, scene_id
    cfg.gpu_device_id, cfg.random_seed = settings.gpu, settings.seed
    cfg.enable_physics = True  # else objects are not found again by their ids
    cfg.allow_sliding = settings.slides
    agent = package.agent.AgentConfiguration()
    agent.height = settings.navmesh.get("agent_height", agent.height)
    agent.radius = settings.navmesh.get("agent_radius", agent.radius)
    agent.sensor_specifications = [_sensor(package, settings, name) for name in settings.sensors]
    agent.action_space = {
        name: package.agent.ActionSpec(name, package.agent.ActuationSpec(amount))
        for name, amount in (
            (facts.FORWARD, float(settings.step_m)),
            (facts.LEFT, float(settings.turn_degrees)),
            (facts.RIGHT, float(settings.turn_degrees)),
        )
    }
    return package.Configuration(cfg, [agent])


def _sensor(package: Any, settings: SimulatorSettings, name: str) -> Any:
    kinds = {facts.COLOR: "COLOR", facts.DEPTH: "DEPTH", facts.SEMANTIC: "SEMANTIC"}
    spec = package.CameraSensorSpec()
    spec.uuid, spec.sensor_type = name, getattr(package.SensorType, kinds[name])
    spec.resolution = [settings.height, settings.width]
    spec.hfov = float(settings.hfov_degrees)
    spec.position = np.array([0.0, settings.eye_m, 0.0], dtype=np.float32)
    spec.channels = facts.CHANNELS if name == facts.COLOR else 1
    return spec


@contextlib.contextmanager
def without_lighting() -> Iterator[None]:
    """A working folder in which a simulator is made in .1 s instead of 12: it finds no pictures of light to load."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="groundling-") as folder:
        path = os.path.join(folder, facts.LIGHTING_FILE)
        os.makedirs(os.path.dirname(path))
        with open(path, "w") as file:
            file.write(facts.LIGHTING)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
