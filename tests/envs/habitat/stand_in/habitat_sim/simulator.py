"""The simulator: scenes, the agent, its sensors and actions; it refuses or dies of what the real one does."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

import magnum
import numpy as np
from numpy.typing import NDArray

from . import replay
from .gltf import Mesh, read_glb
from .objects import Dataset, ObjectTemplateManager, RigidObjectManager, orientation
from .pathfinder import MOVED, NavMeshSettings, PathFinder, as_point, die_of_segfault
from .rendering import Surfaces, render
from .settings import AgentConfiguration, Configuration, MotionType, SensorType

MOTION_TYPES = {"static": MotionType.STATIC, "kinematic": MotionType.KINEMATIC, "dynamic": MotionType.DYNAMIC}
LIGHTING = "data/default.pbr_config.json"
NO_LIGHTING = {"enable_ibl": False, "ibl_blut_filename": "none", "ibl_envmap_filename": "none"}
BLACK = np.zeros((1, 3, 3))


class Rotation:
    """A numpy-quaternion as far as it is used: w, x, y, z."""

    def __init__(self, w: float, x: float, y: float, z: float) -> None:
        self.w, self.x, self.y, self.z = (float(np.float32(part)) for part in (w, x, y, z))

    @property
    def components(self) -> NDArray[np.float64]:
        return np.array([self.w, self.x, self.y, self.z])


class AgentState:
    """As ``habitat_sim.AgentState``."""

    def __init__(self, position: Any = None, rotation: Any = None) -> None:
        self.position = np.zeros(3) if position is None else position
        self.rotation: Any = Rotation(1, 0, 0, 0) if rotation is None else rotation
        self.sensor_states: dict[str, Any] = {}


class Agent:
    """The only one of a simulator."""

    def __init__(self, config: AgentConfiguration, simulator: Simulator) -> None:
        self.agent_config = config
        self._simulator = simulator
        self._position, self._yaw = np.zeros(3), 0.0
        self.initial_state = AgentState()

    def get_state(self) -> AgentState:
        half = self._yaw / 2
        state = AgentState(self._position.astype(np.float32), Rotation(math.cos(half), 0.0, math.sin(half), 0.0))
        for spec in self.agent_config.sensor_specifications:
            there = AgentState(self._simulator.eye_of(spec).astype(np.float32), state.rotation)
            state.sensor_states[spec.uuid] = there
        return state

    @property
    def state(self) -> AgentState:
        return self.get_state()

    def set_state(
        self,
        state: AgentState,
        reset_sensors: bool = True,
        infer_sensor_states: bool = True,
        is_initial: bool = False,
    ) -> None:
        self._simulator.check_use()
        position = state.position
        if isinstance(position, np.ndarray) and position.dtype.kind in "iu":
            raise TypeError("a float array is needed")
        position = np.asarray(position, dtype=np.float64)
        rotation = state.rotation
        w, x, y, z = (
            (rotation.w, rotation.x, rotation.y, rotation.z)
            if hasattr(rotation, "w")
            else (rotation[3], rotation[0], rotation[1], rotation[2])
        )
        if not np.isfinite(position).all() or not math.isfinite(w + x + y + z):
            raise ValueError("the state is not finite")
        if abs(math.sqrt(w * w + x * x + y * y + z * z) - 1) > 1e-4:
            raise ValueError("the rotation is no unit quaternion")
        if abs(w * w + x * x + y * y + z * z - 1) >= 2e-5:
            os.abort()  # an assertion of Magnum
        self._position = position.astype(np.float32).astype(np.float64)
        self._yaw = 2 * math.atan2(y, w)
        if is_initial:
            self.initial_state = self.get_state()

    def act(self, name: str) -> bool:
        """Do an action; whether it was a collision."""
        config = self.agent_config.action_space
        assert name in config, f"{name} is no action"
        spec = config[name]
        if spec.name == "stop":
            raise AssertionError("No move_fn for action stop")
        amount = spec.actuation.amount
        if spec.name in ("turn_left", "turn_right"):
            self._yaw += math.radians(amount) * (1 if spec.name == "turn_left" else -1)
            return False
        assert spec.name == "move_forward", f"No move_fn for action {spec.name}"
        return self._move(amount)

    def _move(self, amount: float) -> bool:
        way = amount * np.array([-math.sin(self._yaw), 0.0, -math.cos(self._yaw)])
        pathfinder = self._simulator.own_pathfinder
        start, end = self._position, self._position + way
        if not pathfinder.is_loaded:
            self._position = end
            return False
        if np.isnan(pathfinder.snap_point(start)).any():
            return True
        slides = self._simulator.config.sim_cfg.allow_sliding
        step = pathfinder.try_step if slides else pathfinder.try_step_no_sliding
        self._position = np.array(step(start, end), dtype=np.float64)
        moved = np.linalg.norm((self._position - start)[[0, 2]])
        return bool(moved + MOVED < amount)

    @property
    def scene_node(self) -> _Node:
        return _Node(self)


class _Node:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def absolute_transformation(self) -> _Node:
        return self

    def transform_point(self, point: magnum.Vector3) -> magnum.Vector3:
        state = self._agent.get_state()
        yaw = 2 * math.atan2(state.rotation.y, state.rotation.w)
        x, y, z = point
        turned = (x * math.cos(yaw) + z * math.sin(yaw), y, -x * math.sin(yaw) + z * math.cos(yaw))
        return magnum.Vector3(*(float(a + b) for a, b in zip(state.position, turned, strict=True)))


class Simulator:
    """As ``habitat_sim.Simulator``."""

    alive: ClassVar[list[Simulator]] = []
    made: ClassVar[int] = 0
    reconfigured: ClassVar[int] = 0

    def __init__(self, config: Configuration) -> None:
        self._thread, self._process = threading.get_ident(), os.getpid()
        self._closed = False
        self.own_pathfinder = PathFinder()
        self._meshes: dict[Path, Mesh] = {}  # by path: a file that is written anew is not read again
        self._agents: list[Agent] = []
        self._surfaces: Surfaces | None = None
        self._drawn = -1
        self.has_lights = not _is_dark(Path(LIGHTING))
        self._load(config)
        Simulator.alive.append(self)
        Simulator.made += 1

    def check_use(self) -> None:
        """Die, or hang, where the real one does."""
        if os.getpid() != self._process:
            time.sleep(1e9)
        if threading.get_ident() != self._thread:
            os.abort()

    # Scenes

    def _load(self, config: Configuration) -> None:
        cfg = config.sim_cfg
        sensors = config.agents[0].sensor_specifications
        if cfg.create_renderer and sensors and cfg.gpu_device_id >= 0:
            os._exit(1)  # there is no GPU
        for spec in sensors:
            if min(spec.resolution) <= 0 or (spec.sensor_type == SensorType.COLOR and spec.channels != 4):
                os.abort()
        self.config = config
        self._dataset = None
        if cfg.scene_dataset_config_file != "default":
            self._dataset = Dataset(Path(cfg.scene_dataset_config_file))
        self._templates = ObjectTemplateManager(self._dataset)
        self._objects = RigidObjectManager(self._templates, self._meshes, cfg.enable_physics)
        self._stage: tuple[Mesh, NDArray[np.float64], bool] | None = None
        if cfg.scene_id != "NONE":
            self._load_scene(cfg.scene_id)
        self.own_pathfinder = PathFinder()
        self.own_pathfinder.seed(cfg.random_seed)
        self._surfaces = None
        self._agents = [Agent(config.agents[0], self)]
        if cfg.navmesh_settings is not None and self._stage is not None:
            self.recompute_navmesh(self.own_pathfinder, cfg.navmesh_settings)
        agent = self._agents[0]
        if self.own_pathfinder.is_loaded:
            agent._position = np.array(self.own_pathfinder.get_random_navigable_point(), dtype=np.float64)
            agent._yaw = float(self.own_pathfinder._random.uniform(0, 2 * math.pi))
        agent.initial_state = agent.get_state()

    def _load_scene(self, scene: str) -> None:
        if self._dataset is None:
            path = Path(scene)
            if path.with_name(f"{path.name.split('.')[0]}.scene_instance.json").exists():
                die_of_segfault()
            beside = path.with_name(f"{path.name.split('.')[0]}.stage_config.json")
            config = json.loads(beside.read_text()) if beside.exists() else {"up": (0, 0, 1), "front": (0, 1, 0)}
            asset = path if path.suffix == ".glb" else path.parent / config["render_asset"]
            self._set_stage(asset, config)
            return
        if scene.endswith(".stage_config.json"):
            found = self._dataset.find("stages", Path(scene).name)
            assert found is not None, f"there is no stage {scene}"
            self._set_stage(found[0].parent / found[1]["render_asset"], found[1])
            return
        instance = self._dataset.find("scene_instances", scene)
        assert instance is not None, f"there is no scene {scene}"
        stage = self._dataset.find("stages", instance[1]["stage_instance"]["template_name"])
        assert stage is not None, "the stage of the scene is missing"
        self._set_stage(stage[0].parent / stage[1]["render_asset"], stage[1])
        for own in instance[1].get("object_instances", ()):
            template = self._dataset.find("objects", own["template_name"])
            if template is None:
                die_of_segfault()
            made = self._objects.add_object_by_template_handle(str(template[0]))
            assert made is not None, f"the object {own['template_name']} cannot be made"
            made.motion_type = MotionType.KINEMATIC
            made.translation = magnum.Vector3(*map(float, own.get("translation", (0, 0, 0))))
            w, x, y, z = map(float, own.get("rotation", (1, 0, 0, 0)))
            made.rotation = magnum.Quaternion(magnum.Vector3(x, y, z), w)
            made.motion_type = MOTION_TYPES[own.get("motion_type", "dynamic")]

    def _set_stage(self, asset: Path, config: Any) -> None:
        if asset not in self._meshes:
            self._meshes[asset] = read_glb(asset)
        mesh = self._meshes[asset]
        corners = mesh.corners @ orientation(config).T
        self._stage = mesh, corners, bool(config.get("force_flat_shading", False))

    def reconfigure(self, config: Configuration) -> None:
        self.check_use()
        before = {spec.uuid for agent in self._agents for spec in agent.agent_config.sensor_specifications}
        after = {spec.uuid for spec in config.agents[0].sensor_specifications}
        if not before and after:
            raise RuntimeError("sensors cannot be added later")
        self._load(config)
        Simulator.reconfigured += 1

    def close(self) -> None:
        if self._closed:
            return
        self.check_use()
        self._closed = True
        Simulator.alive.remove(self)

    def recompute_navmesh(self, pathfinder: PathFinder, settings: NavMeshSettings) -> bool:
        self.check_use()
        assert self._stage is not None, "there is no scene"
        corners = [self._stage[1]]
        if settings.include_static_objects:
            corners += [own.corners for own in self._objects.objects.values() if own.motion_type == MotionType.STATIC]
        return pathfinder.build(np.concatenate(corners), settings)

    # The agent

    @property
    def pathfinder(self) -> PathFinder | None:
        return None if self._closed else self.own_pathfinder

    def get_agent(self, id: int) -> Agent:
        return self._agents[id]

    def initialize_agent(self, id: int, initial_state: AgentState | None = None) -> Agent:
        if initial_state is not None:
            self._agents[id].set_state(initial_state, is_initial=True)
        return self._agents[id]

    def seed(self, seed: int) -> None:
        self.own_pathfinder.seed(seed)

    def reset(self) -> dict[str, Any]:
        self.check_use()
        state = self._agents[0].initial_state
        self._agents[0].set_state(AgentState(np.asarray(state.position, dtype=np.float64), state.rotation))
        return self.get_sensor_observations()

    def step(self, action: str, dt: float = 1 / 60) -> dict[str, Any]:
        self.check_use()
        if self._closed:
            raise IndexError("the simulator is closed")
        agent = self._agents[0]
        recorded = replay.step(self, agent, action)
        collided = agent.act(action) if recorded is None else recorded
        return {**self.get_sensor_observations(), "collided": collided}

    def make_greedy_follower(self, agent_id: int, goal_radius: float | None = None, **keys: Any) -> Any:
        from .follower import GreedyFollower

        return GreedyFollower(self, self._agents[agent_id], goal_radius, **keys)

    # What is seen

    def eye_of(self, spec: Any) -> NDArray[np.float64]:
        agent = self._agents[0]
        x, y, z = map(float, spec.position)
        sine, cosine = math.sin(agent._yaw), math.cos(agent._yaw)
        return agent._position + np.array([x * cosine + z * sine, y, -x * sine + z * cosine])

    def get_sensor_observations(self, agent_ids: int = 0) -> dict[str, Any]:
        self.check_use()
        if self._closed:
            raise IndexError("the simulator is closed")
        if len(Simulator.alive) > 1 and Simulator.alive[0]._closed:
            os.abort()
        agent = self._agents[0]
        yaw = agent._yaw
        forward = np.array([-math.sin(yaw), 0.0, -math.cos(yaw)])
        right = np.array([math.cos(yaw), 0.0, -math.sin(yaw)])
        axes = np.stack([right, [0.0, 1.0, 0.0], forward])
        found: dict[str, Any] = {}
        drawn: dict[Any, Any] = {}
        for spec in agent.agent_config.sensor_specifications:
            eye = self.eye_of(spec)
            key = (*eye, *spec.resolution, float(spec.hfov), spec.near, spec.far)
            if key not in drawn:
                recorded = replay.picture(self, eye, yaw, spec)
                drawn[key] = recorded or render(
                    self.surfaces(), eye, axes, tuple(spec.resolution), float(spec.hfov), spec.near, spec.far
                )
            rgba, depth, ids = drawn[key]
            picture = {SensorType.COLOR: rgba, SensorType.DEPTH: depth, SensorType.SEMANTIC: ids}[spec.sensor_type]
            found[spec.uuid] = picture.copy()
        return found

    def surfaces(self) -> Surfaces:
        """The triangles of the stage and of all objects."""
        now = self._objects.changes + sum(own.changes for own in self._objects.objects.values()) * 1000
        if self._surfaces is None or now != self._drawn:
            parts = []
            if self._stage is not None:
                parts.append((*_shaded(self._stage[0], self._stage[1], self._stage[2]), 0))
            for own in self._objects.objects.values():
                parts.append((*_shaded(own.mesh, own.corners, own.is_flat), own.semantic_id))
            self._surfaces, self._drawn = Surfaces.of(parts), now
        return self._surfaces

    def get_object_template_manager(self) -> ObjectTemplateManager:
        return self._templates

    def get_rigid_object_manager(self) -> RigidObjectManager:
        return self._objects


def _shaded(mesh: Mesh, corners: NDArray[np.float64], is_flat: bool) -> tuple[Mesh, NDArray[np.float64]]:
    """A mesh as it is lit: what is not flat is black without lights."""
    return (mesh if is_flat else mesh._replace(colors=mesh.colors * BLACK)), corners


def _is_dark(path: Path) -> bool:
    """Whether the file that keeps the lighting's pictures from being loaded is there."""
    try:
        return json.loads(path.read_text()).items() >= NO_LIGHTING.items()
    except (OSError, ValueError):
        return False


def as_array(point: Any) -> NDArray[np.float64]:
    """A goal as the follower takes it."""
    return as_point(np.asarray(point))
