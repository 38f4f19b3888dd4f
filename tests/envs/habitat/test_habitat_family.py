"""Exports and files of episodes played in the stand-in: same worlds, same rules, another body and another camera."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import habitat_rooms
import numpy as np
import pytest

from groundling.agents.bots.path_expert import PathFinderExpert
from groundling.agents.bots.rover_expert import RoverExpert
from groundling.envs.catalog import find_family
from groundling.envs.engine.constants import BORDER, Action
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.batch import HabitatBatch
from groundling.envs.families.habitat.episodes.files import write_episodes
from groundling.envs.families.habitat.exported import read_export
from groundling.envs.families.habitat.houses import read_house
from groundling.envs.families.habitat.view import View
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.envs.simulators.errors import EngineRestartError, MissingSimulatorError
from groundling.envs.simulators.habitat.habitat_worker.settings import Placement, SimulatorSettings
from groundling.envs.simulators.habitat.pool import DEATHS, HabitatPool, SceneError, _places_of_habitat, _plain
from groundling.errors import ConfigurationError, HabitatFileError, SplitError

TASK = "groundling/FurnishedHousePutNextSmall-v0"
ALL_SENSES = Camera(width=48, height=48, horizon=0.5, depth=True, segmentation=True, standing=True)
ROVER = WorldOptions(body="rover", camera=ALL_SENSES)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    return habitat_rooms.python_with_stand_in(tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = habitat_rooms.export(TASK, 3, tmp_path_factory.mktemp("export") / "houses")
    found = read_export(folder)
    houses = [read_house(layout.house_file(folder, name)) for name in found.scenes]
    kinds = kinds_of(find_family(TASK).source.embodiment.lexicon)
    for name in ("objectnav", "eqa", "rearrange", "vln", "pointnav"):
        write_episodes(folder, houses, kinds, name, "train")
    return folder


@pytest.fixture(scope="module")
def family(exported: Path, python: str) -> Any:
    return find_family(f"habitat:{exported}?python={python}&envs=2")


@pytest.fixture(scope="module")
def envs(family: Any) -> Iterator[Any]:
    made = family.episodes("transfer", None, 3, 0, ROVER).make_envs(1)
    yield made
    made.close()


def test_an_agent_sees_and_does_what_it_does_in_our_own_renderer(family: Any) -> None:
    own = find_family(TASK)
    for world in (WorldOptions(body="rover"), ROVER):
        family.check(world)
        there = family.embodiment(world).spec(24)
        here = own.embodiment(world).spec(24)
        assert here.differences(there) == []


def test_pictures_are_those_of_our_own_renderer(family: Any, envs: Any) -> None:
    native = family.episodes("native", None, 3, 0, ROVER).make_envs(1)
    off = {"depth": [], "segmentation": []}
    try:
        for _ in range(3):
            seen, _ = envs.reset(seed=None)
            ours, _ = native.reset(seed=None)
            assert envs.instructions == native.instructions
            for _ in range(6):
                off["depth"].append(np.abs(seen["depth"] - ours["depth"]).ravel())
                off["segmentation"].append((seen["segmentation"] != ours["segmentation"]).ravel())
                turn = np.array([Action.RIGHT])
                seen, ours = envs.step(turn)[0], native.step(turn)[0]
    finally:
        native.close()
    assert np.mean(np.concatenate(off["segmentation"])) < 0.02
    assert np.mean(np.concatenate(off["depth"]) > 0.02) < 0.03


def test_cameras_are_cut_so_that_the_horizon_is_where_it_was() -> None:
    for height, horizon in ((64, 0.42), (48, 0.5), (40, 0.3), (33, 0.42), (10, 0.0)):
        camera = Camera(width=64, height=height, horizon=horizon)
        view = View.of(camera)
        assert view.first_row + camera.height <= view.height
        middle = view.height / 2 - view.first_row
        assert abs(middle - horizon * height) <= 0.25


@pytest.mark.slow
def test_the_expert_plays_a_house_to_success_by_our_rules(envs: Any) -> None:
    envs.reset()
    expert = PathFinderExpert(envs.worlds)
    ends, carried = [], 0
    while len(ends) < 2:
        seen = envs.step(np.array(expert.actions()))[0]
        code = int(envs.worlds.state.carried[0])
        if code:
            carried += 1
            assert (seen["segmentation"] == code).any(), "what is carried is seen before the agent"
        if envs.worlds.outcomes.ended[0]:
            ends.append(bool(envs.worlds.outcomes.success[0]))
    assert ends == [True, True]
    assert carried > 5


@pytest.mark.slow
def test_what_is_carried_is_as_small_as_in_our_own_renderer(family: Any, envs: Any) -> None:
    native = family.episodes("native", None, 3, 0, ROVER).make_envs(1)
    pixels = []
    try:
        for own, expert_of in ((native, RoverExpert), (envs, PathFinderExpert)):
            own.reset()
            expert = expert_of(own.worlds)
            while not own.worlds.state.carried[0]:
                seen = own.step(np.array(expert.actions()))[0]
            is_it = seen["segmentation"][0] == own.worlds.state.carried[0]
            rows, columns = np.nonzero(is_it)
            pixels.append((len(rows), rows.mean(), columns.mean()))
            assert seen["depth"][0][is_it].max() < 0.2, "nearer than any wall"
    finally:
        native.close()
    np.testing.assert_allclose(pixels[1], pixels[0], rtol=0.15)


def test_poses_are_read_back_from_habitat(envs: Any) -> None:
    envs.reset()
    worlds = envs.worlds
    assert isinstance(worlds, HabitatBatch)
    x, y, heading = (float(array[0]) for array in worlds.poses)
    for number in range(1, 25):
        envs.step(np.array([Action.RIGHT]))
        turned = (heading + number * np.radians(15) - worlds.poses.heading[0] + np.pi) % (2 * np.pi) - np.pi
        assert abs(turned) < 1e-4
    ((position, _),) = worlds.pool.do({0: [("pose",)]})[0][0]
    assert position == pytest.approx((x - BORDER, layout.NAVMESH["cell_height"], y - BORDER), abs=1e-4)


@pytest.mark.slow
def test_a_state_is_taken_up_again(envs: Any) -> None:
    envs.reset()
    expert = PathFinderExpert(envs.worlds)
    for _ in range(30):
        envs.step(np.array(expert.actions()))
    saved = envs.state_dict()
    turns = np.array([Action.RIGHT])
    after = {key: array.copy() for key, array in envs.step(turns)[0].items()}
    envs.load_state_dict(saved)
    again = envs.step(turns)[0]
    for key, array in after.items():
        np.testing.assert_allclose(array, again[key], atol=2e-3 if key == "depth" else 8)


def test_a_worker_that_is_killed_cuts_its_episode_off_and_the_next_one_begins(envs: Any) -> None:
    envs.reset()
    envs.step(np.array([Action.RIGHT]))
    (process,) = envs.worlds.pool.processes()
    os.kill(process, signal.SIGKILL)
    _, reward, terminated, truncated, info = envs.step(np.array([Action.RIGHT]))
    assert (reward[0], terminated[0], truncated[0]) == (0.0, False, True)
    assert not info["success"][0]
    assert envs.worlds.pool.processes() != [process]
    seen = envs.step(np.array([Action.RIGHT]))[0]
    assert seen["image"].any()
    assert envs.worlds.outcomes.ended[0] == False  # noqa: E712 - NumPy's


@pytest.mark.parametrize(
    "format",
    ["rearrange", *(pytest.param(name, marks=pytest.mark.slow) for name in ("objectnav", "eqa", "vln", "pointnav"))],
)
def test_the_expert_plays_files_of_episodes_to_success(format: str, exported: Path, python: str) -> None:
    path = layout.episodes_file(exported, format, "train")
    family = find_family(f"habitat:{path}?python={python}&envs=1")
    episodes = family.episodes("episodes", None, 1, 0)
    envs = episodes.make_envs(1)
    try:
        seen, _ = envs.reset()
        assert set(seen) == set(family.spec.observation)
        assert envs.observation_space.contains(seen)
        expert, total, ended = family.expert(envs), 0.0, np.array([False])
        while not ended[0]:
            _, reward, terminated, truncated, info = envs.step(expert.actions())
            total += float(reward[0])
            ended = terminated | truncated
        assert info["final_info"]["success"][0]
        assert total == 1.0, "nothing is paid before the goal"
    finally:
        envs.close()


def test_whoever_says_it_is_there_or_answers_wrongly_fails(exported: Path, python: str) -> None:
    for format in ("objectnav", "eqa"):
        path = layout.episodes_file(exported, format, "train")
        family = find_family(f"habitat:{path}?python={python}")
        envs = family.make_vec("all", 1, 0)
        try:
            envs.reset()
            right = envs.bodies[0].asked.answer
            wrong = Action.DONE if format == "objectnav" else 7 + (right + 1) % len(family.file.answers)
            _, reward, terminated, _, info = envs.step(np.array([wrong]))
            assert terminated[0]
            assert not info["final_info"]["success"][0]
            assert reward[0] == 0
        finally:
            envs.close()


# Bad input


def test_without_habitat_sim_one_line_says_how_to_get_it(exported: Path) -> None:
    family = find_family(f"habitat:{exported}")
    with pytest.raises(MissingSimulatorError, match=r"install it with conda .* --simulator-python PYTHON"):
        family.make_vec("all", 1, 0)


def test_another_version_is_told(tmp_path: Path) -> None:
    python = habitat_rooms.python_with_stand_in(tmp_path, version="0.2.5")
    with pytest.warns(UserWarning, match=r"habitat-sim 0\.2\.5; .* tested with 0\.3\.3"):
        pool = HabitatPool(SimulatorSettings(), 1, python=python)
    pool.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HabitatPool(SimulatorSettings(), 1, python=habitat_rooms.python_with_stand_in(tmp_path)).close()


def test_workers_are_told_plain_values_only() -> None:
    position, ids = np.array([1.5, 0.0, 2.5]), np.arange(3)
    placement = Placement("box", (position[0], 0.0, np.float32(1)), tuple(np.eye(4)[3]), np.int64(5))
    calls = [("load", "/scenes", "house", {ids[1]: placement}), ("path", tuple(position), [position]), ("snap", [])]
    raw = pickle.dumps([_plain(call) for call in calls], protocol=4)
    assert b"numpy" not in raw
    assert pickle.loads(raw)[1] == ("path", (1.5, 0.0, 2.5), [[1.5, 0.0, 2.5]])


def test_a_habitat_built_from_source_is_found_where_pythonpath_says(tmp_path: Path) -> None:
    (tmp_path / "source" / "habitat_sim").mkdir(parents=True)
    (tmp_path / "ours" / "groundling").mkdir(parents=True)
    path = os.pathsep.join(["", str(tmp_path / "source"), str(tmp_path / "ours"), str(tmp_path / "nowhere")])
    assert _places_of_habitat(path) == [str(tmp_path / "source")]


@pytest.mark.slow
def test_workers_that_die_again_and_again_are_told(python: str) -> None:
    pool = HabitatPool(SimulatorSettings(), 1, python=python)
    try:
        for _ in range(DEATHS):
            os.kill(pool.processes()[0], signal.SIGKILL)
            assert pool.do({0: [("renewed",)]})[1]
        os.kill(pool.processes()[0], signal.SIGKILL)
        with pytest.raises(EngineRestartError, match=f"the {DEATHS + 1}th time within 60 s"):
            pool.do({0: [("renewed",)]})
        assert pool.restarts == DEATHS
    finally:
        pool.close()


def spoiled(exported: Path, folder: Path) -> Path:
    shutil.copytree(exported, folder / "copy")
    return folder / "copy"


def test_missing_pieces_of_an_export_are_named_before_a_simulator_is_made(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(HabitatFileError, match=r"no export for Habitat: .*export-habitat TASK"):
        find_family(f"habitat:{tmp_path}").make_vec("all", 1, 0)
    folder = spoiled(exported, tmp_path)
    name = read_export(folder).scenes[1]
    stage = layout.stage_file(folder, name)
    stage.rename(stage.with_suffix(".away"))
    os.utime(layout.manifest_file(folder))
    with pytest.raises(HabitatFileError, match=f"the scene {name} lacks .*stage_config.json"):
        find_family(f"habitat:{folder}").make_vec("all", 1, 0)
    stage.with_suffix(".away").rename(stage)
    manifest = json.loads(layout.manifest_file(folder).read_text())
    layout.manifest_file(folder).write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(HabitatFileError, match="version 99"):
        find_family(f"habitat:{folder}").make_vec("all", 1, 0)


def test_a_missing_template_is_named_by_the_worker(exported: Path, tmp_path: Path, python: str) -> None:
    folder = spoiled(exported, tmp_path)
    for path in layout.scenes_folder(folder).glob("thing-*.object_config.json"):
        path.unlink()
    family = find_family(f"habitat:{folder}?python={python}")
    envs = family.make_vec("all", 1, 0)
    try:
        with pytest.raises(SceneError, match=r"the object thing-.* is missing"):
            envs.reset()
    finally:
        envs.close()


def test_a_goal_that_cannot_be_reached_is_told(exported: Path, tmp_path: Path, python: str) -> None:
    folder = spoiled(exported, tmp_path)
    path = layout.episodes_file(folder, "pointnav", "train")
    import gzip

    values = json.loads(gzip.decompress(path.read_bytes()))
    for episode in values["episodes"]:
        episode["goals"][0]["position"] = [-9.0, 0.2, -9.0]
    path.write_bytes(gzip.compress(json.dumps(values).encode()))
    envs = find_family(f"habitat:{path}?python={python}").make_vec("all", 1, 0)
    try:
        with pytest.raises(SceneError, match="has a goal that cannot be reached from its start"):
            envs.reset()
    finally:
        envs.close()


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (WorldOptions(body="grid"), "take --body rover"),
        (WorldOptions(explored_radius=3), "leave the agent's map out"),
    ],
)
def test_what_habitat_lacks_is_refused(family: Any, world: WorldOptions, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        family.check(world)


def test_settings_and_splits_that_are_unknown_are_refused(family: Any) -> None:
    with pytest.raises(ConfigurationError, match="choose among python, gpu, scenes, envs"):
        family.with_settings({"threads": "2"})
    with pytest.raises(ConfigurationError, match="gpu is a whole number"):
        family.with_settings({"gpu": "first"})
    with pytest.raises(SplitError, match="choose one of all, train"):
        family.split("unseen")


# The real one


@pytest.mark.habitat
@pytest.mark.skipif(not habitat_rooms.has_real_habitat(), reason="habitat-sim is not installed (see docs/habitat.md)")
def test_the_real_simulator_plays_an_export_to_success(exported: Path) -> None:
    python = os.environ.get("GROUNDLING_HABITAT_PYTHON", "")
    family = find_family(f"habitat:{exported}?envs=1" + (f"&python={python}" if python else ""))
    envs = family.episodes("transfer", None, 3, 0, ROVER).make_envs(1)
    try:
        envs.reset()
        expert, ends = PathFinderExpert(envs.worlds), []
        while len(ends) < 3:
            envs.step(np.array(expert.actions()))
            if envs.worlds.outcomes.ended[0]:
                ends.append(bool(envs.worlds.outcomes.success[0]))
        assert all(ends)
    finally:
        envs.close()
