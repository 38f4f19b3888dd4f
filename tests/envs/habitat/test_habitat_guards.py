"""Whatever ends the process of habitat-sim is refused before it is called, and the message says what to do.

Each test makes the call that would end the process: were the guard taken away, the test run would end with it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import habitat_rooms
import numpy as np
import pytest

from groundling.envs.families.habitat import layout
from groundling.envs.simulators.habitat.habitat_worker import facts, guards
from groundling.envs.simulators.habitat.habitat_worker.guards import HabitatRefusal, Owner
from groundling.envs.simulators.habitat.habitat_worker.settings import Placement, SimulatorSettings
from groundling.envs.simulators.habitat.habitat_worker.simulation import Simulation

pytestmark = pytest.mark.skipif(
    not habitat_rooms.RECORDED.exists(), reason="the recordings of habitat-sim are not here"
)
SETTINGS = SimulatorSettings(navmesh=dict(layout.NAVMESH), turn_degrees=30.0, width=32, height=32)
STAGE = "rooms.stage_config.json"
DOOR = Placement("door", (5.5, 0.0, 2.5), semantic_id=9)
CHAIRLIKE = Placement("red_box", (3.5, 0.0, 1.5), semantic_id=5)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[None]:
    """habitat_sim is the stand-in, in this process."""
    sys.path.insert(0, str(habitat_rooms.STAND_IN))
    yield
    sys.path.remove(str(habitat_rooms.STAND_IN))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("habitat_sim", "magnum")]:
        del sys.modules[name]


@pytest.fixture
def simulation(stand_in: None) -> Iterator[Simulation]:
    made = Simulation(SETTINGS)
    yield made
    if not any(owner.is_closed for owner in [made._owner] if owner is not None):
        made.close()
    Owner.alive.clear()
    sys.modules["habitat_sim"].Simulator.alive.clear()


@pytest.fixture
def loaded(simulation: Simulation) -> Simulation:
    simulation.load(str(habitat_rooms.DATASET), STAGE, {"box": CHAIRLIKE})
    simulation.place((1.5, 0.0, 2.5), layout.to_rotation(0.0))
    return simulation


def test_a_gpu_that_is_not_there_is_refused(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards.glob, "glob", lambda pattern: [])
    with pytest.raises(HabitatRefusal, match=r"gpu=0 asks for a GPU.*leave it at -1"):
        Simulation(SimulatorSettings(gpu=0))
    monkeypatch.setattr(guards.glob, "glob", lambda pattern: ["/dev/nvidia0"])
    guards.check_gpu(0)
    with pytest.raises(HabitatRefusal, match=r"this machine shows 1 of them, from 0"):
        guards.check_gpu(1)
    with pytest.raises(HabitatRefusal, match="gpu=-2 is no GPU"):
        guards.check_gpu(-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "at least one pixel"),
        ({"hfov_degrees": 180.0}, "at most 179"),
        ({"sensors": ("rgb", "rgb")}, "two sensors have one name"),
    ],
)
def test_a_camera_that_aborts_or_shows_nothing_is_refused(
    stand_in: None, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(HabitatRefusal, match=message):
        Simulation(SimulatorSettings(**changes))


def test_color_sensors_have_four_channels(loaded: Simulation) -> None:
    with pytest.raises(HabitatRefusal, match="4 channels"):
        guards.check_camera(8, 8, 90.0, ["rgb"], channels=3)
    specs = loaded._sim.config.agents[0].sensor_specifications
    assert specs[0].channels == 4
    assert loaded.look()["rgb"].shape == (32, 32, 3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: s.path((1.5, 0.0, 2.5), [(9.5, 0.0, 2.5)]),
        lambda s: s.snap((1.5, 0.0, 2.5)),
        lambda s: s.is_navigable((1.5, 0.0, 2.5)),
        lambda s: s.random_places(1, 0, (1.5, 0.0, 2.5)),
        lambda s: s.follow([(9.5, 0.0, 2.5)], 0.2),
        lambda s: s.steps_around(),
        lambda s: s.place((1.5, 0.0, 2.5), (0.0, 0.0, 0.0, 1.0)),
        lambda s: s.act(facts.FORWARD),
    ],
)
def test_a_path_finder_without_a_mesh_is_asked_nothing(loaded: Simulation, ask: Callable[[Simulation], Any]) -> None:
    loaded._sim.own_pathfinder = type(loaded._sim.own_pathfinder)()
    with pytest.raises(HabitatRefusal, match="there is no navigation mesh"):
        ask(loaded)


def test_no_mesh_is_computed_of_no_scene(simulation: Simulation) -> None:
    with pytest.raises(HabitatRefusal, match="load one first"):
        simulation.recompute_navmesh()
    with pytest.raises(HabitatRefusal, match="no scene is loaded"):
        simulation.look()


def test_objects_that_are_not_there_are_neither_removed_nor_carried(loaded: Simulation) -> None:
    manager = loaded._sim.get_rigid_object_manager()
    with pytest.raises(HabitatRefusal, match="no object 'chair'"):
        loaded._remove(manager, "chair")
    with pytest.raises(HabitatRefusal, match="no object 'chair'"):
        loaded.carry("chair")
    loaded.change({"chair": None})  # nothing to be put away


@pytest.mark.parametrize("position", [(1, np.nan, 2), (1.0, 2.0), (np.inf, 0, 0)])
def test_places_are_three_finite_numbers(loaded: Simulation, position: Any) -> None:
    with pytest.raises(HabitatRefusal, match="three finite numbers"):
        loaded.is_navigable(position)


def test_whole_numbers_become_floats_and_lists_arrays(loaded: Simulation) -> None:
    assert loaded.is_navigable((2, 0, 2))
    assert guards.as_point([1, 2, 3]).dtype == np.float32


def test_rotations_are_unit_quaternions(loaded: Simulation) -> None:
    with pytest.raises(HabitatRefusal, match="unit quaternion"):
        loaded.place((1.5, 0.0, 2.5), (0.0, 1.0, 0.0, 1.0))


def test_rotations_whose_digits_were_cut_are_made_unit_ones(loaded: Simulation) -> None:
    half = (0.0, 0.7071, 0.0, 0.70709)  # off by 3e-5: an assertion in the real one
    loaded.place((1.5, 0.0, 2.5), half)
    assert loaded.pose()[1] == pytest.approx((0.0, np.sqrt(0.5), 0.0, np.sqrt(0.5)), abs=1e-4)
    loaded.change({"box": Placement("red_box", (3.5, 0.0, 1.5), half)})
    assert loaded._objects["box"].rotation.is_normalized()


def test_unknown_actions_are_refused(loaded: Simulation) -> None:
    with pytest.raises(HabitatRefusal, match="no action 'fly': it has move_forward, turn_left, turn_right"):
        loaded.act("fly")


def test_a_second_simulator_in_a_process_is_refused(loaded: Simulation) -> None:
    second = Simulation(SETTINGS)
    with pytest.raises(HabitatRefusal, match="has a simulator already"):
        second.load(str(habitat_rooms.DATASET), STAGE, {})


def test_use_after_close_is_refused(loaded: Simulation) -> None:
    owner = loaded._owner
    loaded.close()
    loaded.close()
    assert owner is not None
    with pytest.raises(HabitatRefusal, match="closed"):
        owner.check()
    with pytest.raises(HabitatRefusal, match="no scene"):
        loaded.act(facts.FORWARD)


def test_another_thread_is_refused(loaded: Simulation) -> None:
    caught: list[BaseException] = []

    def look() -> None:
        try:
            loaded.look()
        except HabitatRefusal as error:
            caught.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert "in the thread that made it" in str(caught[0])


def test_a_fork_is_refused(loaded: Simulation) -> None:
    child = os.fork()
    if child == 0:
        try:
            loaded.look()
        except HabitatRefusal as error:
            os._exit(7 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


# Scenes with a missing piece


def copied(folder: Path) -> Path:
    """The recorded scene, to be spoiled."""
    shutil.copytree(habitat_rooms.DATASET.parent, folder / "scene")
    return folder / "scene"


@pytest.mark.parametrize(
    ("spoil", "scene", "message"),
    [
        (lambda f: (f / "rooms.scene_dataset_config.json").unlink(), "rooms", "the dataset .* is missing"),
        (lambda f: (f / "rooms.scene_dataset_config.json").write_text("{"), "rooms", "is no JSON"),
        (lambda f: (f / "rooms.scene_dataset_config.json").write_text("{}"), "rooms", "does not say where its stages"),
        (lambda f: (f / "rooms.scene_instance.json").unlink(), "rooms", "the scene rooms is missing"),
        (lambda f: (f / "rooms.stage_config.json").unlink(), "rooms", "the stage is missing"),
        (lambda f: (f / "rooms.glb").unlink(), "rooms", "the stage has no mesh"),
        (lambda f: (f / "rooms.glb").write_bytes(b""), "rooms", "no binary glTF"),
        (lambda f: (f / "rooms.glb").write_bytes((f / "rooms.glb").read_bytes()[:999]), STAGE, "truncated"),
        (lambda f: (f / "red_box.object_config.json").unlink(), "rooms", "the object red_box is missing"),
        (lambda f: (f / "green_cylinder.glb").unlink(), "rooms", "the object green_cylinder has no mesh"),
    ],
)
def test_scenes_with_a_missing_piece_are_refused(
    simulation: Simulation, tmp_path: Path, spoil: Callable[[Path], Any], scene: str, message: str
) -> None:
    folder = copied(tmp_path)
    spoil(folder)
    with pytest.raises(HabitatRefusal, match=message):
        simulation.load(str(folder / "rooms.scene_dataset_config.json"), scene, {})


def test_scenes_are_loaded_by_their_dataset_only(simulation: Simulation) -> None:
    scene = str(habitat_rooms.DATASET.parent / "rooms.glb")
    with pytest.raises(HabitatRefusal, match="loaded by its dataset"):
        simulation.load(scene, scene, {})
    with pytest.raises(HabitatRefusal, match="absolute"):
        simulation.load("rooms.scene_dataset_config.json", "rooms", {})
    with pytest.raises(HabitatRefusal, match="the object chair is missing"):
        simulation.load(str(habitat_rooms.DATASET), STAGE, {"chair": Placement("chair", (0.0, 0.0, 0.0))})


def test_nobody_is_placed_off_the_floor(loaded: Simulation) -> None:
    with pytest.raises(HabitatRefusal, match=r"nobody can stand within 1.75 m of \(50.00, 0.00, 0.00\)"):
        loaded.place((50.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def test_a_scene_that_cannot_be_loaded_leaves_no_half_of_itself(
    loaded: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = sys.modules["habitat_sim"].Simulator

    def fail(*_: Any) -> None:
        raise AssertionError("the asset cannot be read")

    for name in ("reconfigure", "_load"):
        with monkeypatch.context() as patch:
            patch.setattr(package, name, fail)
            with pytest.raises(AssertionError, match="cannot be read"):
                loaded.load(str(habitat_rooms.DATASET), "rooms", {})
        assert package.alive == []
        with pytest.raises(HabitatRefusal, match="no scene is loaded"):
            loaded.look()
    for scene in (STAGE, "rooms"):
        loaded.load(str(habitat_rooms.DATASET), scene, {"box": CHAIRLIKE})
    loaded.place((1.5, 0.0, 2.5), layout.to_rotation(0.0))


def test_another_dataset_takes_another_simulator(loaded: Simulation, tmp_path: Path) -> None:
    other = copied(tmp_path) / habitat_rooms.DATASET.name
    before = sys.modules["habitat_sim"].Simulator.reconfigured
    loaded.load(str(other), STAGE, {})
    assert sys.modules["habitat_sim"].Simulator.reconfigured == before
    assert loaded.renewals == 1


def test_a_dataset_may_name_folders_and_files(simulation: Simulation, tmp_path: Path) -> None:
    folder = copied(tmp_path)
    dataset = folder / habitat_rooms.DATASET.name
    stages, objects = {"paths": {".json": ["rooms.stage_config.json"]}}, {"paths": {".json": ["../sce*/*.json"]}}
    dataset.write_text(json.dumps({"stages": stages, "objects": objects}))
    guards.check_scene(str(dataset), STAGE, ["red_box"])
    with pytest.raises(HabitatRefusal, match=r"the scene rooms is missing: the dataset does not say where"):
        guards.check_scene(str(dataset), "rooms", [])


def test_a_scene_may_be_named_by_its_file(loaded: Simulation) -> None:
    loaded.load(str(habitat_rooms.DATASET), "configs/scenes/rooms.scene_instance.json", {})
    assert loaded._sim.config.sim_cfg.scene_id == "rooms"
    assert [guards.scene_name(name) for name in ("rooms", STAGE, "a/b.glb")] == ["rooms", STAGE, "a/b.glb"]


def test_a_navigation_mesh_that_cannot_be_computed_is_told(loaded: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded._sim, "recompute_navmesh", lambda pathfinder, settings: False)
    with pytest.raises(HabitatRefusal, match="no navigation mesh can be computed"):
        loaded.change({"door": DOOR})


# What it does as the facts say


def test_lighting_is_not_loaded(loaded: Simulation) -> None:
    assert not loaded._sim.has_lights
    assert json.loads(facts.LIGHTING)["enable_ibl"] is False


def test_a_simulator_is_made_anew_before_it_has_leaked_much(stand_in: None) -> None:
    made = Simulation(SETTINGS, max_scenes=2)
    package = sys.modules["habitat_sim"]
    try:
        before = package.Simulator.made
        for number in range(5):
            made.load(str(habitat_rooms.DATASET), STAGE if number % 2 else "rooms", {})
        assert (made.renewals, package.Simulator.made - before) == (2, 3)
        assert len(package.Simulator.alive) == 1
    finally:
        made.close()


def test_the_same_scene_is_loaded_once_and_its_objects_are_swapped(loaded: Simulation) -> None:
    package = sys.modules["habitat_sim"]
    before = package.Simulator.made, package.Simulator.reconfigured
    loaded.load(str(habitat_rooms.DATASET), STAGE, {"pillar": Placement("blue_pillar", (2.5, 0.0, 3.5), semantic_id=3)})
    assert (package.Simulator.made, package.Simulator.reconfigured) == before
    assert set(np.unique(loaded.look()["semantic"])) <= {0, 3}


def test_doors_open_and_close_the_way(loaded: Simulation) -> None:
    ends = [(9.5, 0.0, 2.5)]
    assert loaded.path((1.5, 0.0, 2.5), ends)[0] == pytest.approx(8.0, abs=0.01)
    loaded.change({"door": DOOR})
    assert loaded.path((1.5, 0.0, 2.5), ends)[0] == np.inf
    assert loaded.follow(ends, 0.2) is None
    open_door = Placement(DOOR.template, DOOR.position, DOOR.rotation, DOOR.semantic_id, is_static=False)
    loaded.change({"door": open_door})
    assert loaded.path((1.5, 0.0, 2.5), ends)[0] == pytest.approx(8.0, abs=0.01)


def test_what_is_carried_moves_with_the_agent(loaded: Simulation) -> None:
    loaded.carry("box")
    for action in (facts.FORWARD, facts.LEFT, facts.FORWARD):
        loaded.act(action)
    (x, y, z), _ = loaded.pose()
    there = loaded._objects["box"].translation
    away = np.hypot(there.x - x, there.z - z)
    assert away == pytest.approx(-facts.CARRIED_AT[2], abs=1e-4)
    assert there.y - y == pytest.approx(facts.CARRIED_AT[1], abs=1e-4)
    assert (loaded.look()["semantic"] == 5).sum() > 20
    loaded.carry(None)
    loaded.change({"box": CHAIRLIKE})
    loaded.act(facts.FORWARD)
    assert loaded._objects["box"].translation.x == pytest.approx(3.5)


def test_a_way_is_steered_to_a_place_round_what_stands_there(loaded: Simulation) -> None:
    for goal in ((9.5, 0.0, 4.5), (4.5, 0.0, 1.5), (8.5, 0.0, 3.5)):
        loaded.place((1.5, 0.0, 1.5), layout.to_rotation(np.pi))
        way = loaded.follow([goal], 0.2)
        assert way is not None
        for action in way:
            loaded.act(action)
        assert loaded.path(loaded.pose()[0], [goal])[0] <= 0.2


def test_random_places_are_on_one_island(loaded: Simulation) -> None:
    loaded.change({"door": DOOR})
    places = loaded.random_places(20, 3, (1.5, 0.0, 2.5))
    assert len(places) == 20
    assert max(place[0] for place in places) < 5.0
    assert places == loaded.random_places(20, 3, (1.5, 0.0, 2.5))
