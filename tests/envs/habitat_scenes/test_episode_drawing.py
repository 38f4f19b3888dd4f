"""Drawn episodes are true of their houses: paths are walked in the tasks' own steps, sentences tell what comes when."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray_caster import read_scene
from recorded import RECORDINGS, recorded
from test_scene_export import exported

from groundling.cli import main
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.catalog import find_family
from groundling.envs.engine.kinds import Kinds, kinds_of
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes import asking, guiding, objectnav, pointnav, vln
from groundling.envs.families.habitat.episodes.asking import draw_eqa
from groundling.envs.families.habitat.episodes.drawing import draw_objectnav, draw_pointnav
from groundling.envs.families.habitat.episodes.files import FORMATS, read_episodes
from groundling.envs.families.habitat.episodes.following import ActionSizes, LabAction, follow
from groundling.envs.families.habitat.episodes.footprints import blocked_squares
from groundling.envs.families.habitat.episodes.guiding import draw_vln
from groundling.envs.families.habitat.episodes.moving import draw_rearrange
from groundling.envs.families.habitat.episodes.place import Place
from groundling.envs.families.habitat.episodes.scenes import scene_of
from groundling.envs.families.habitat.episodes.vln import VlnEpisode
from groundling.envs.families.habitat.episodes.walking import (
    CLEARANCE_M,
    SQUARE_M,
    WalkingMap,
    length_of,
)
from groundling.envs.families.habitat.export.exporting import named_houses
from groundling.envs.families.habitat.houses import House
from groundling.envs.worlds.houses import ROOM_KINDS
from groundling.language.questions.evaluation import evaluate
from groundling.language.questions.wording import parse as parse_question
from groundling.language.routes import Cross, Enter, GoThrough, Landmark, Leave, PassBy, StopAt, parse

HOUSES = "groundling/FurnishedHouseBringSmall-v0"


def places(task: str, seeds: range) -> list[Place]:
    source = find_family(task).source
    kinds = kinds_of(source.embodiment.lexicon)
    houses = named_houses(EpisodeBank.of_seeds(task, seeds), kinds, task)
    return [Place(one.opened(layout.variant_name(one.name, layout.OPENED)), kinds, "d.json") for one in houses]


@pytest.fixture(scope="module")
def drawn() -> list[Place]:
    return places(HOUSES, range(4))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def is_clear(place: Place, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether a step keeps away from all that stands there, but for a square: files round positions."""
    points = np.linspace(start, end, 20)
    columns, rows = (points / SQUARE_M).astype(int).T
    return bool((place.walking.clearance[rows, columns] >= CLEARANCE_M - SQUARE_M - 1e-6).all())


def walked(place: Place, start: tuple[Any, ...], path: Any, sizes: ActionSizes) -> list[tuple[float, float, float]]:
    """Poses that the actions of a path lead to from a start, which must be those that it tells, on free floor."""
    (x, y), heading = layout.from_position(start[0]), layout.from_rotation(start[1])
    found = []
    for number, point in enumerate(path):
        assert layout.from_position(point.position) == pytest.approx((x, y), abs=1e-4)
        turned = layout.from_rotation(point.rotation) - heading
        assert math.remainder(turned, math.tau) == pytest.approx(0, abs=1e-4)
        assert is_clear(place, (x, y), (x, y))
        found.append((x, y, heading))
        match point.action:
            case LabAction.MOVE_FORWARD:
                to = x + sizes.forward_m * math.cos(heading), y + sizes.forward_m * math.sin(heading)
                assert is_clear(place, (x, y), to)
                x, y = to
            case LabAction.TURN_LEFT:
                heading -= math.radians(sizes.turn_deg)
            case LabAction.TURN_RIGHT:
                heading += math.radians(sizes.turn_deg)
            case _:
                assert number == len(path) - 1
    assert path[-1].action == LabAction.STOP
    return found


def test_a_way_is_as_long_as_habitat_says() -> None:
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not there")
    told = recorded("paths")
    scene = read_scene(RECORDINGS / "scene", "rooms")
    blocked = blocked_squares(scene.corners, (11, 6))
    rows, columns = np.indices(blocked.shape) // 20
    blocked |= (columns == 0) | (columns == 10) | (rows == 0) | (rows == 5) | ((columns == 5) & (rows != 2))
    walking = WalkingMap.of_blocked(blocked)
    compared = 0
    for start, end, found, distance in zip(told["start"], told["end"], told["found"], told["distance"], strict=True):
        here, there = walking.nearest_free(*start), walking.nearest_free(*end)
        if here is None or there is None:
            assert not found
            continue
        way = walking.field([there]).path(*here)
        if max(np.hypot(*(start - here)), np.hypot(*(end - there))) > 0.05:
            continue  # Habitat moves the ends to another edge of what they are in
        assert way is not None
        # corners are cut as closely as the squares let, so a little longer at most
        assert distance - 0.05 <= length_of(way) <= 1.1 * distance + 0.05
        compared += 1
    assert compared >= 14


def test_where_one_can_stand_one_can_in_habitat() -> None:
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not there")
    told = recorded("paths")
    scene = read_scene(RECORDINGS / "scene", "rooms")
    blocked = blocked_squares(scene.corners, (11, 6))
    rows, columns = np.indices(blocked.shape) // 20
    blocked |= (columns == 0) | (columns == 10) | (rows == 0) | (rows == 5) | ((columns == 5) & (rows != 2))
    walking = WalkingMap.of_blocked(blocked)
    ours = np.array([[walking.is_free(0.1 * c + 0.05, 0.1 * r + 0.05) for c in range(110)] for r in range(60)])
    assert not (ours & ~told["topdown"]).any()
    assert ours.sum() > 0.9 * told["topdown"].sum()


def test_pointnav_is_walked_to_its_goal(drawn: list[Place], rng: np.random.Generator) -> None:
    for place in drawn:
        episode = draw_pointnav(place, "0", rng)
        assert episode is not None
        start = episode.start_position, episode.start_rotation
        poses = walked(place, start, episode.shortest_paths[0], pointnav.SIZES)
        goal = layout.from_position(episode.goals[0].position)
        assert math.dist(poses[-1][:2], goal) <= pointnav.SUCCESS_M + 1e-6
        straight = math.dist(poses[0][:2], goal)
        assert straight - 1e-3 <= episode.info["geodesic_distance"]
        steps = sum(point.action == LabAction.MOVE_FORWARD for point in episode.shortest_paths[0])
        assert steps * 0.25 <= 1.1 * episode.info["geodesic_distance"] + 0.25


def test_objectnav_is_walked_to_a_view_of_the_nearest_of_its_kind(drawn: list[Place], rng: np.random.Generator) -> None:
    for place in drawn:
        found = draw_objectnav(place, "0", rng)
        assert found is not None
        episode, goals = found
        start = episode.start_position, episode.start_rotation
        poses = walked(place, start, episode.shortest_paths[0], objectnav.SIZES)
        views = [layout.from_position(point.position) for goal in goals for point in goal.view_points]
        assert min(math.dist(poses[-1][:2], view) for view in views) <= objectnav.SUCCESS_M + 1e-6
        known = {thing.code for thing in place.house.shown() if thing.kind == episode.object_category}
        assert {goal.object_id for goal in goals} <= known
        for goal in goals:
            x, y = layout.from_position(goal.position)
            for point in goal.view_points:
                at, heading = layout.from_position(point.position), layout.from_rotation(point.rotation)
                assert math.dist(at, (x, y)) <= 1
                away = math.atan2(y - at[1], x - at[0]) - heading
                assert math.remainder(away, math.tau) == pytest.approx(0, abs=1e-4)
                assert point.iou is not None
                assert 0 < point.iou < 1


def test_eqa_has_the_answer_of_its_scene_and_a_way_to_it(drawn: list[Place], rng: np.random.Generator) -> None:
    for place in drawn:
        episode = draw_eqa(place, "0", rng)
        assert episode is not None
        scene, codes, _ = scene_of(place.house)
        answer = evaluate(parse_question(episode.question_text).program, scene)
        assert answer.text == episode.answer_text
        assert asking.ANSWER_WORDS[episode.answer_token] == answer.text
        walked(place, (episode.start_position, episode.start_rotation), episode.shortest_paths[0], asking.SIZES)
        named = {codes[row] for way in answer.ways for row in way.things | way.opened}
        assert all(goal.object_id in named for goal in episode.goals if goal.object_id is not None)


def test_eqa_of_a_question_task_is_its_own_question(rng: np.random.Generator) -> None:
    found = 0
    for place in places("groundling/Questions-Small-v0", range(5)):
        episode = draw_eqa(place, "0", rng)
        if episode is not None:
            assert episode.question_text == place.house.instruction
            found += 1
    assert found >= 2


def test_what_is_to_be_moved_goes_to_another_place(drawn: list[Place], rng: np.random.Generator) -> None:
    for place in drawn:
        episode = draw_rearrange(place, "0", rng)
        assert episode is not None
        ((name, target),) = episode.targets.items()
        start = episode.start_of(name)
        assert math.dist(start[[0, 2], 3], target[[0, 2], 3]) >= 1
        emptied = place.house.emptied(episode.scene_id)
        portable = [thing for thing in place.house.shown() if thing.is_portable]
        assert len(portable) == len(episode.rigid_objs) == len(place.house.shown()) - len(emptied.shown())
        spots = {(thing.x, thing.y) for thing in emptied.shown() if thing.on is None}
        if target[1, 3] == 0:  # on the floor: beside all that stands there
            assert (target[0, 3], target[2, 3]) not in spots
        else:
            assert (target[0, 3], target[2, 3]) in spots


def rooms_along(house: House, points: np.ndarray) -> list[str | None]:
    """The kind of the room at each point, by rectangles; None in doorways."""
    found: list[str | None] = []
    for x, y in points:
        inside = [
            room.kind
            for room in house.rooms
            if room.left <= x < room.left + room.width and room.top <= y < room.top + room.height
        ]
        found.append(inside[0] if len(inside) == 1 else None)
    return found


def check_route(place: Place, episode: VlnEpisode, scene: dict[str, Any]) -> int:
    """Whether a sentence is true of its path, judged by the scene's file: each step after the one before it."""
    names = [one["template_name"].split("-") for one in scene["object_instances"]]
    at = [(one["translation"][0], one["translation"][2]) for one in scene["object_instances"]]

    def the_only(landmark: Landmark) -> tuple[float, float]:
        fits = [
            where
            for where, name in zip(at, names, strict=True)
            if name[0] == "thing" and name[2] == landmark.kind and landmark.color in ("", name[1])
        ]
        assert len(fits) == 1, f"{landmark} is one of {len(fits)} in {episode.instruction_text!r}"
        return fits[0]

    corners = np.array([layout.from_position(point) for point in episode.reference_path])
    points = np.concatenate(
        [np.linspace(a, b, max(2, int(np.hypot(*(b - a)) / 0.02))) for a, b in itertools.pairwise(corners)]
    )
    kinds = rooms_along(place.house, points)
    done = 0
    steps = parse(episode.instruction_text)
    for step in steps:
        match step:
            case Leave(room):
                assert kinds[0] == room
                assert done <= (here := next(k for k, kind in enumerate(kinds) if kind != room))
            case Enter(room) | Cross(room):
                assert [one.kind for one in place.house.rooms].count(room) == 1
                here = next(k for k, kind in enumerate(kinds) if kind == room)
                if isinstance(step, Cross):
                    assert kinds[-1] != room
            case GoThrough(color):
                doors = [k for k, name in enumerate(names) if name[0] == "thing" and name[2] == "door"]
                (door,) = [k for k in doors if names[k][1] == color]
                here = int(np.argmin(np.hypot(*(points - at[door]).T)))
                assert np.abs(points[here] - at[door]).max() < 0.5
            case PassBy(landmark):
                thing = the_only(landmark)
                here = int(np.argmin(np.hypot(*(points - thing).T)))
                assert math.dist(points[here], thing) <= guiding.PASSED_M + 0.01
            case StopAt(landmark):
                here = len(points) - 1
                assert math.dist(points[here], the_only(landmark)) <= 1.05
        assert here >= done - 2, f"{step} comes too late in {episode.instruction_text!r}"
        done = here
    return len(steps)


def guided(place: Place, kinds: Kinds, rng: np.random.Generator) -> int | None:
    from groundling.envs.families.habitat.export.scene_files import scene_instance

    episode = draw_vln(place, "0", rng)
    if episode is None:
        return None
    start = episode.start_position, episode.start_rotation
    poses = walked(place, start, episode.shortest_paths[0], vln.SIZES)
    assert math.dist(poses[-1][:2], layout.from_position(episode.goals[0].position)) <= vln.SUCCESS_M
    return check_route(place, episode, scene_instance(place.house, kinds.solids))


def test_a_sentence_tells_what_a_way_comes_by_in_order(drawn: list[Place], rng: np.random.Generator) -> None:
    told = [guided(place, place.kinds, rng) for place in drawn]
    assert sum(one is not None for one in told) >= 3
    assert max(one or 0 for one in told) >= 3


@pytest.mark.slow
def test_sentences_of_two_hundred_houses_tell_what_their_ways_come_by_in_order() -> None:
    rng = np.random.default_rng(1)
    told = [guided(place, place.kinds, rng) for place in places("groundling/FurnishedHouseGoTo-v0", range(200))]
    known = [one for one in told if one is not None]
    assert len(known) >= 190
    assert np.mean(known) > 3.5


def test_a_task_whose_way_is_shut_has_no_episode(drawn: list[Place], rng: np.random.Generator) -> None:
    house = drawn[0].house
    walls = np.ones_like(house.cells)
    x, y, _ = house.start
    walls[y, x] = 0
    alone = Place(House(**{**vars(house), "cells": walls, "things": ()}), drawn[0].kinds, "d.json")
    assert draw_pointnav(alone, "0", rng) is None
    assert draw_vln(alone, "0", rng) is None


def test_a_follower_takes_no_way_through_a_wall(drawn: list[Place]) -> None:
    place = drawn[0]
    other = next(room for room in place.house.rooms[1:] if room.kind in ROOM_KINDS)
    middle = place.walking.nearest_free(other.left + other.width / 2, other.top + other.height / 2)
    assert middle is not None
    for sizes in (ActionSizes(0.25, 10), ActionSizes(0.25, 30), ActionSizes(0.1, 9)):
        way = follow(place.field([middle]), place.start, sizes, 0.2)
        assert way is not None
        for one in way:
            assert place.walking.is_free(one.x, one.y)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "export"
    formats = ["objectnav", "eqa", "pointnav", "rearrange", "vln"]
    arguments = ["export-habitat", HOUSES, "--episodes", "3", "--output", str(folder), "--split", "seen"]
    assert main([*arguments, "--format", *formats]) == 0
    return folder


def test_the_command_writes_every_format_with_its_scenes(folder: Path) -> None:
    told = json.loads(layout.manifest_file(folder).read_text())
    assert set(told["episodes"]) == set(FORMATS) == set(layout.FORMATS)
    for name in FORMATS:
        format, dataset = read_episodes(layout.episodes_file(folder, name, "seen"))
        assert format == name
        assert len(dataset.episodes) == told["episodes"][name]["episodes"] > 0
        for episode in dataset.episodes:
            assert layout.scene_file(folder, episode.scene_id).exists()
            assert layout.house_file(folder, episode.scene_id).exists()
            assert (folder / episode.scene_dataset_config).exists()
            read_scene(layout.scenes_folder(folder), episode.scene_id)
    scenes = [path.name.removesuffix(layout.SCENE_SUFFIX) for path in folder.rglob(f"*{layout.SCENE_SUFFIX}")]
    assert len(scenes) == 9
    assert not any(one != other and one in other for one in scenes for other in scenes)


def test_objects_of_rearrangement_are_templates_of_the_export(folder: Path) -> None:
    _, dataset = read_episodes(layout.episodes_file(folder, "rearrange", "seen"))
    for episode in dataset.episodes:
        for file, _ in episode.rigid_objs:  # type: ignore[union-attr]
            assert (folder / episode.additional_obj_config_paths[0] / file).exists()  # type: ignore[union-attr]


def test_agents_of_habitat_lab_meet_no_closed_door(folder: Path) -> None:
    for path in folder.rglob(f"{layout.OPENED}-*{layout.SCENE_SUFFIX}"):
        names = [one["template_name"] for one in json.loads(path.read_text())["object_instances"]]
        doors = [name for name in names if "-door-" in name]
        assert doors
        assert all(name.split("-")[3] == "open" for name in doors)


def test_the_command_describes_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export-habitat", str(layout.episodes_file(folder, "vln", "seen"))]) == 0
    told = capsys.readouterr().out
    assert "3 episodes of vln in 3 scenes" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([HOUSES], "--output"),
        (["groundling/NoSuch-v0", "--output", "x"], "NoSuch"),
        (["val.json.gz"], "there is no file"),
        (["BabyAI-GoToLocal-v0", "--episodes", "2", "--output", "{new}", "--format", "eqa"], "furnished houses"),
        (["BabyAI-GoToLocal-v0", "--episodes", "2", "--output", "{new}", "--format", "vln", "vln"], "twice"),
        (["BabyAI-GoToLocal-v0", "--episodes", "2", "--output", "{old}"], "not empty"),
    ],
)
def test_a_mistake_is_told_in_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "file").touch()
    filled = [one.format(old=old, new=new) for one in arguments]
    capsys.readouterr()
    assert main(["export-habitat", *filled]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_the_same_seed_writes_the_same_episodes(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    arguments = ["export-habitat", HOUSES, "--episodes", "3", "--output", str(again), "--split", "seen"]
    assert main([*arguments, "--format", "pointnav", "vln"]) == 0
    for name in ("pointnav", "vln"):
        files = [layout.episodes_file(one, name, "seen") for one in (folder, again)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_an_export_without_trimesh_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "trimesh", None)
    assert main(["export-habitat", "BabyAI-GoToLocal-v0", "--episodes", "1", "--output", str(tmp_path / "x")]) == 2
    assert "groundling[habitat]" in capsys.readouterr().err


def test_scenes_of_the_export_are_those_of_the_houses(tmp_path: Path) -> None:
    done, _ = exported(HOUSES, tmp_path / "export", range(1))
    assert done.houses[0].stage == done.houses[0].name
