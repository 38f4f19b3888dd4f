"""The stand-in for habitat-sim answers as the recordings of the real one say: every array of them is compared."""

from __future__ import annotations

import faulthandler
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

STAND_IN = Path(__file__).parent / "stand_in"
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "habitat"
SCENE = RECORDED / "scene" / "rooms.scene_dataset_config.json"
needs_recordings = pytest.mark.skipif(not RECORDED.exists(), reason="the recordings of habitat-sim are not here")

DEPTH_M = 1e-3  # as a plain ray caster agrees with the real one
EDGE_PIXELS = 4  # of 49,152, at the edges of the round cylinder
TOPDOWN_SQUARES = 12  # of 6,600
PATH_M = 0.03


@pytest.fixture(scope="module")
def sim() -> Iterator[ModuleType]:
    """The stand-in, imported in this process; forgotten afterwards."""
    sys.path.insert(0, str(STAND_IN))
    try:
        import habitat_sim

        yield habitat_sim
    finally:
        sys.path.remove(str(STAND_IN))
        for name in [name for name in sys.modules if name.partition(".")[0] in ("habitat_sim", "magnum")]:
            del sys.modules[name]


def load(name: str) -> dict[str, NDArray[Any]]:
    with np.load(RECORDED / f"{name}.npz") as file:
        return dict(file)


def make(sim: ModuleType, *, slides: bool = True, navmesh: bool = True, gpu: int = -1, channels: int = 4) -> Any:
    cfg = sim.SimulatorConfiguration()
    cfg.scene_dataset_config_file, cfg.scene_id = str(SCENE), "rooms"
    cfg.gpu_device_id, cfg.enable_physics, cfg.allow_sliding = gpu, True, slides
    if navmesh:
        settings = sim.NavMeshSettings()
        settings.agent_radius, settings.agent_height, settings.agent_max_climb = 0.2, 1.0, 0.1
        settings.cell_size, settings.cell_height, settings.include_static_objects = 0.05, 0.05, True
        cfg.navmesh_settings = settings
    agent = sim.agent.AgentConfiguration()
    agent.sensor_specifications = []
    for uuid, kind in (("rgb", "COLOR"), ("depth", "DEPTH"), ("semantic", "SEMANTIC")):
        spec = sim.CameraSensorSpec()
        spec.uuid, spec.sensor_type = uuid, getattr(sim.SensorType, kind)
        spec.resolution, spec.hfov, spec.position, spec.channels = [64, 64], 90.0, np.array([0.0, 0.6, 0.0]), channels
        agent.sensor_specifications.append(spec)
    agent.action_space = {
        name: sim.agent.ActionSpec(name, sim.agent.ActuationSpec(amount))
        for name, amount in (("move_forward", 0.25), ("turn_left", 30.0), ("turn_right", 30.0))
    }
    return sim.Simulator(sim.Configuration(cfg, [agent]))


def place(sim: ModuleType, simulator: Any, x: float, y: float, heading: float, floor: float = 0.0) -> None:
    yaw = -(heading + math.pi / 2)
    state = sim.AgentState()
    state.position, state.rotation = np.array([x, floor, y]), [0, math.sin(yaw / 2), 0, math.cos(yaw / 2)]
    simulator.get_agent(0).set_state(state)


def on_floor(point: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([point[0], 0.0, point[1]])


@needs_recordings
def test_pictures_are_those_of_the_recorded_poses(sim: ModuleType) -> None:
    recorded = load("poses")
    simulator = make(sim)
    wrong = {"depth": 0, "semantic": 0, "rgb": 0}
    for row, pose in enumerate(recorded["map_pose"]):
        place(sim, simulator, *pose, floor=recorded["position"][row, 1])
        state = simulator.get_agent(0).get_state()
        np.testing.assert_allclose(state.position, recorded["position"][row], atol=1e-5)
        assert abs(state.rotation.components @ recorded["rotation"][row]) > 1 - 1e-6
        np.testing.assert_allclose(state.sensor_states["rgb"].position, recorded["sensor_position"][row], atol=1e-5)
        seen = simulator.get_sensor_observations()
        assert {key: array.dtype for key, array in seen.items()} == {
            key: recorded[key].dtype for key in ("rgb", "depth", "semantic")
        }
        wrong["depth"] += int((abs(seen["depth"] - recorded["depth"][row]) > DEPTH_M).sum())
        wrong["semantic"] += int((seen["semantic"] != recorded["semantic"][row]).sum())
        wrong["rgb"] += int((seen["rgb"] != recorded["rgb"][row]).any(axis=-1).sum())
    assert wrong["depth"] <= EDGE_PIXELS
    assert wrong["semantic"] <= EDGE_PIXELS
    assert wrong["rgb"] <= 100, "colors are exact but where a texel ends"


@needs_recordings
def test_paths_are_those_that_were_recorded(sim: ModuleType) -> None:
    recorded = load("paths")
    finder = make(sim).pathfinder
    np.testing.assert_allclose(finder.get_bounds(), recorded["bounds"], atol=1e-6)
    assert abs(finder.navigable_area - float(recorded["navigable_area"])) < 0.05
    view = finder.get_topdown_view(float(recorded["topdown_metres"]), 0.1)
    assert view.shape == recorded["topdown"].shape
    assert (view != recorded["topdown"]).sum() <= TOPDOWN_SQUARES
    same_corners = same_heights = 0
    for row in range(len(recorded["start"])):
        start, end = on_floor(recorded["start"][row]), on_floor(recorded["end"][row])
        path = sim.ShortestPath()
        path.requested_start, path.requested_end = start, end
        assert finder.find_path(path) == recorded["found"][row]
        for point, name in ((start, "start"), (end, "end")):
            assert finder.is_navigable(point) == recorded[f"{name}_navigable"][row]
            np.testing.assert_allclose(finder.snap_point(point), recorded[f"{name}_snapped"][row], atol=1e-3)
        if not recorded["found"][row]:
            assert path.geodesic_distance == math.inf
            continue
        assert abs(path.geodesic_distance - recorded["distance"][row]) < PATH_M
        points = recorded["points"][row]
        points = points[~np.isnan(points[:, 0])]
        ends = np.array([path.points[0], path.points[-1]])
        for own, other in zip(ends, points[[0, -1]], strict=True):
            np.testing.assert_allclose(own[[0, 2]], other[[0, 2]], atol=1e-3)
            same_heights += bool(abs(own[1] - other[1]) < 1e-3)
        same_corners += len(points) == len(path.points) and bool(np.abs(points - path.points).max() < 0.06)
    assert same_corners >= 16  # of the 19 that are found
    assert same_heights >= 36  # of 38: an end on the very border is on it or not


@needs_recordings
@pytest.mark.parametrize(
    ("run", "actions", "slides"),
    [("wall_slide", "wall_actions", True), ("wall_stop", "wall_actions", False), ("door_slide", "door_actions", True)],
)
def test_actions_lead_where_they_did(sim: ModuleType, run: str, actions: str, slides: bool) -> None:
    recorded = load("trajectory")
    simulator = make(sim, slides=slides)
    place(sim, simulator, *recorded["start"])
    np.testing.assert_allclose(simulator.get_agent(0).get_state().position, recorded[f"{run}_position"][0])
    for t, action in enumerate(recorded[actions]):
        seen = simulator.step(str(recorded["action_names"][action]))
        state = simulator.get_agent(0).get_state()
        np.testing.assert_allclose(state.position, recorded[f"{run}_position"][t + 1], atol=1e-5)
        assert abs(state.rotation.components @ recorded[f"{run}_rotation"][t + 1]) > 1 - 1e-6
        assert seen["collided"] == recorded[f"{run}_collided"][t]
        np.testing.assert_allclose(seen["depth"][32], recorded[f"{run}_depth_row32"][t], atol=DEPTH_M)
        np.testing.assert_array_equal(seen["semantic"][32], recorded[f"{run}_semantic_row32"][t])


@needs_recordings
def test_the_recorded_way_of_the_follower_ends_where_it_did(sim: ModuleType) -> None:
    recorded = load("follower")
    simulator = make(sim)
    for row in range(len(recorded["start"])):
        place(sim, simulator, *recorded["start"][row])
        names = [str(recorded["action_names"][action]) for action in recorded["actions"][row] if action >= 0]
        assert names[-1] == "stop"
        for name in names[:-1]:
            simulator.step(name)
        there = simulator.get_agent(0).get_state().position
        np.testing.assert_allclose(there, recorded["final_position"][row], atol=0.06)  # sides of the round cylinder
        path = sim.ShortestPath()
        path.requested_start, path.requested_end = there.astype(np.float64), on_floor(recorded["goal"][row])
        simulator.pathfinder.find_path(path)
        assert abs(path.geodesic_distance - recorded["final_distance"][row]) < 0.06
        place(sim, simulator, *recorded["start"][row])
        own = simulator.make_greedy_follower(0, goal_radius=0.2, stop_key="stop").find_path(
            on_floor(recorded["goal"][row])
        )
        assert abs(len(own) - len(names)) <= 2


@needs_recordings
def test_recordings_are_replayed_call_by_call(sim: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HABITAT_RECORDINGS", str(RECORDED))
    sys.modules["habitat_sim.replay"]._recordings.cache_clear()
    poses, runs, ways = load("poses"), load("trajectory"), load("follower")
    simulator = make(sim)
    for row, pose in enumerate(poses["map_pose"]):
        place(sim, simulator, *pose, floor=poses["position"][row, 1])
        seen = simulator.get_sensor_observations()
        for key in ("rgb", "depth", "semantic"):
            np.testing.assert_array_equal(seen[key], poses[key][row])
    place(sim, simulator, *runs["start"])
    for t, action in enumerate(runs["wall_actions"]):
        collided = simulator.step(str(runs["action_names"][action]))["collided"]
        assert collided == runs["wall_slide_collided"][t]
        np.testing.assert_array_equal(
            simulator.get_agent(0).get_state().position, runs["wall_slide_position"][t + 1].astype(np.float32)
        )
    place(sim, simulator, *ways["start"][1])
    found = simulator.make_greedy_follower(0, goal_radius=0.2, stop_key="stop").find_path(on_floor(ways["goal"][1]))
    assert found == [str(ways["action_names"][action]) for action in ways["actions"][1] if action >= 0]


def test_outlines_enclose_as_much_as_their_cells(sim: ModuleType) -> None:
    voxels, polygons = sys.modules["habitat_sim.voxels"], sys.modules["habitat_sim.polygons"]
    rng = np.random.default_rng(0)
    for _ in range(20):
        free = np.zeros((60, 80), dtype=np.bool_)
        for _ in range(8):
            row, column = rng.integers(0, 40), rng.integers(0, 50)
            free[row : row + rng.integers(6, 20), column : column + rng.integers(6, 30)] = True
        free[20:26, 30:36] = False
        numbers = voxels.regions(free, 4.0)
        loops = [(loop, n) for n in range(1, numbers.max() + 1) for loop in voxels.outlines(numbers == n)]
        assert abs(polygons.Ground(loops).area - (numbers > 0).sum()) < 0.04 * free.sum()


@needs_recordings
def test_a_door_closes_the_way_and_opens_it(sim: ModuleType) -> None:
    simulator = make(sim)
    objects, templates = simulator.get_rigid_object_manager(), simulator.get_object_template_manager()
    magnum = sys.modules["magnum"]
    settings = simulator.config.sim_cfg.navmesh_settings
    (handle,) = templates.get_template_handles("door.")
    assert objects.add_object_by_template_handle("door") is None, "a short name is unknown"
    door = objects.add_object_by_template_handle(handle)
    door.translation = magnum.Vector3(5.5, 0.0, 2.5)
    door.motion_type = sim.physics.MotionType.STATIC
    simulator.recompute_navmesh(simulator.pathfinder, settings)
    path = sim.ShortestPath()
    path.requested_start, path.requested_end = np.array([1.5, 0.0, 2.5]), np.array([9.5, 0.0, 2.5])
    assert not simulator.pathfinder.find_path(path)
    assert simulator.pathfinder.num_islands == 2
    place(sim, simulator, 4.0, 2.5, 0.0)
    assert (simulator.get_sensor_observations()["semantic"] == 14).sum() > 500
    door.translation = magnum.Vector3(0.0, -50.0, 0.0)
    assert door.translation.y == 0.0, "a static object stays"
    door.motion_type = sim.physics.MotionType.KINEMATIC
    simulator.recompute_navmesh(simulator.pathfinder, settings)
    assert simulator.pathfinder.find_path(path)


# What ends the real one's process ends this one's


def ended_by(do: Callable[[], Any]) -> int:
    """How a child process ended: its exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        try:
            do()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_other_thread(do: Callable[[], Any]) -> None:
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


@needs_recordings
def test_it_dies_of_what_the_real_one_dies_of(sim: ModuleType) -> None:
    origin = np.zeros(3)
    cases: dict[str, tuple[Callable[[], Any], int]] = {
        "a GPU that is not there": (lambda: make(sim, gpu=0), 1),
        "snapping without a mesh": (lambda: make(sim, navmesh=False).pathfinder.snap_point(origin), -signal.SIGSEGV),
        "a path without a mesh": (
            lambda: make(sim, navmesh=False).pathfinder.find_path(sim.ShortestPath()),
            -signal.SIGSEGV,
        ),
        "is_navigable without a mesh": (
            lambda: make(sim, navmesh=False).pathfinder.is_navigable(origin),
            -signal.SIGSEGV,
        ),
        "three channels": (lambda: make(sim, channels=3), -signal.SIGABRT),
        "an unknown object": (
            lambda: make(sim).get_rigid_object_manager().remove_object_by_id(77),
            -signal.SIGABRT,
        ),
        "a rotation of cut digits": (
            lambda: make(sim).get_agent(0).set_state(sim.AgentState(np.zeros(3), [0.0, 0.7071, 0.0, 0.70709])),
            -signal.SIGABRT,
        ),
        "another thread": (lambda: in_other_thread(make(sim).get_sensor_observations), -signal.SIGABRT),
    }
    assert {name: ended_by(do) for name, (do, _) in cases.items()} == {name: code for name, (_, code) in cases.items()}


@needs_recordings
def test_it_refuses_what_the_real_one_refuses(sim: ModuleType) -> None:
    simulator = make(sim)
    finder = simulator.pathfinder
    for point in (np.array([1, 0, 2]), [1.0, 0.0, 2.0]):
        with pytest.raises(TypeError):
            finder.is_navigable(point)
    with pytest.raises(AssertionError):
        simulator.step("fly")
    state = sim.AgentState()
    state.position = np.array([1, 0, 2])
    with pytest.raises(TypeError):
        simulator.get_agent(0).set_state(state)
    state.position = np.array([np.nan, 0.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        simulator.get_agent(0).set_state(state)
    simulator.close()
    simulator.close()
    with pytest.raises(IndexError):
        simulator.step("move_forward")
