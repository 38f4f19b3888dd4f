"""Exported scenes show what our renderer shows, and are what habitat-sim was seen to load."""

from __future__ import annotations

import json
from collections import Counter
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from ray_caster import Triangles, cast, read_glb, read_scene
from recorded import RECORDINGS, recorded

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.catalog import find_family
from groundling.envs.engine.constants import BORDER, NOTHING_CODE, WALL_CODE
from groundling.envs.engine.rover import Rover
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.export.exporting import Export, export_houses
from groundling.envs.families.habitat.houses import House, HouseThing, read_house
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError, HabitatFileError

HOUSES = "groundling/FurnishedHouseBringSmall-v0"
CAMERA = Camera(fov_degrees=90, horizon=0.5, depth=True, segmentation=True, standing=True)


def exported(task: str, folder: Path, seeds: range) -> tuple[Export, RoverBatch]:
    family = find_family(task)
    source = family.source
    bank = EpisodeBank.of_seeds(task, seeds)
    lexicon = source.embodiment.lexicon
    done = export_houses(bank, lexicon, folder, task=task, split="all")
    rovers = RoverBatch(bank, len(bank), rover=Rover(), camera=CAMERA, lexicon=lexicon, shuffle=False)
    rovers.reset()
    return done, rovers


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> tuple[Export, RoverBatch]:
    return exported(HOUSES, tmp_path_factory.mktemp("houses") / "export", range(3))


def scene_of(export: Export, house: House) -> Triangles:
    live_ids = [None, *(thing.code for thing in house.shown())]
    return read_scene(layout.scenes_folder(export.folder), house.name, live_ids)


def poses(house: House, count: int) -> list[tuple[float, float, float]]:
    """Poses on free floor, every other one near a thing and looking at it."""
    rng = np.random.default_rng(house.seed)
    free = np.argwhere(house.cells == NOTHING_CODE)[:, ::-1]
    seen = [thing for thing in house.shown() if thing.kind != "door"]
    found = []
    for number in range(count):
        thing = seen[number // 2 % len(seen)]
        x, y = free[rng.integers(len(free))] + rng.uniform(0.3, 0.7, 2)
        heading = rng.uniform(0, 2 * np.pi)
        if number % 2:
            apart = np.abs(free + 0.5 - [thing.x, thing.y]).sum(axis=1)
            x, y = free[int(np.argmin(apart + rng.uniform(0, 1, len(free))))] + rng.uniform(0.35, 0.65, 2)
            heading = float(np.arctan2(thing.y - y, thing.x - x)) + rng.uniform(-0.3, 0.3)
        found.append((float(x), float(y), float(heading)))
    return found


def compare(export: Export, rovers: RoverBatch, count: int) -> dict[str, float]:
    """Shares of pixels whose depth differs by more than 2 mm, whose ids differ, and how far colors are apart nearby."""
    wrong: Counter[str] = Counter()
    near, far = [], 0
    for row, house in enumerate(export.houses):
        scene = scene_of(export, house)
        for x, y, heading in poses(house, count):
            rovers.poses.x[row], rovers.poses.y[row], rovers.poses.heading[row] = x + BORDER, y + BORDER, heading
            rovers._draw(rovers.observations, row, row + 1)
            ours = rovers.observations
            depth, ids, rgb = cast(scene, x, y, heading, eye_height=layout.EYE_HEIGHT_M)
            wrong["depth"] += int((np.abs(depth - ours.depth[row]) > 2e-3).sum())
            wrong["ids"] += int((ids != ours.segmentation[row]).sum())
            is_near = (ours.depth[row] < 1.5) & (ids <= 1)
            near.append(np.abs(rgb[is_near].astype(float) - ours.image[row][is_near]).ravel())
            far += depth.size
    return {name: count / far for name, count in wrong.items()} | {"color": float(np.median(np.concatenate(near)))}


def test_the_ray_caster_sees_what_habitat_saw() -> None:
    told = recorded("poses")
    scene = read_scene(RECORDINGS / "scene", "rooms")
    depths = ids = 0
    for pose, depth, semantic, rgb in zip(told["map_pose"], told["depth"], told["semantic"], told["rgb"], strict=True):
        seen = cast(scene, *pose)
        depths += int((np.abs(seen[0] - depth) > 1e-3).sum())
        ids += int((seen[1] != semantic).sum())
        assert (np.abs(seen[2].astype(int) - rgb[..., :3]).max(axis=2) > 2).sum() < 10
    assert depths <= 4
    assert ids <= 4


def test_houses_have_our_depth_and_ids(houses: tuple[Export, RoverBatch]) -> None:
    found = compare(*houses, 8)
    assert found["ids"] < 5e-4
    assert found["depth"] < 5e-3
    assert found["color"] <= 3  # of 255, walls and floors nearby, where fog takes little


@pytest.mark.slow
@pytest.mark.parametrize("task", [HOUSES, "BabyAI-GoToLocal-v0", "groundling/GoToHundredLarge-v0"])
def test_a_hundred_poses_of_twenty_worlds_have_our_depth_and_ids(task: str, tmp_path: Path) -> None:
    found = compare(*exported(task, tmp_path / "export", range(20)), 5)
    assert found["ids"] < 5e-4
    assert found["depth"] < 5e-3


def test_walls_are_hollow_and_nothing_is_walkable_but_the_floor(houses: tuple[Export, RoverBatch]) -> None:
    export, _ = houses
    folder = layout.scenes_folder(export.folder)
    for house in export.houses:
        stage, walls = read_glb(folder / f"{house.name}.glb"), read_glb(folder / f"walls-{house.name}.glb")
        for one in walls:
            assert (one["NORMAL"][:, 1] == 0).all()  # no tops
        up = np.concatenate([one["POSITION"][one["faces"]][one["NORMAL"][one["faces"][:, 0], 1] > 0] for one in stage])
        assert (up[..., 1] == 0).all()  # the ceiling faces down
        middles = up.mean(axis=1)
        cells = house.cells[middles[:, 2].astype(int), middles[:, 0].astype(int)]
        assert (cells != WALL_CODE).all()  # no floor below walls
        area = np.abs(np.cross(up[:, 1] - up[:, 0], up[:, 2] - up[:, 0])).sum() / 2
        assert area == pytest.approx((house.cells != WALL_CODE).sum())
        down = [one for one in stage if (one["NORMAL"][:, 1] < 0).all()]
        assert len(down) == 1
        assert down[0]["POSITION"][:, 1] == pytest.approx(layout.CEILING_M)


def test_faces_look_where_their_normals_do(houses: tuple[Export, RoverBatch]) -> None:
    folder = layout.scenes_folder(houses[0].folder)
    for path in sorted(folder.glob("*.glb")):
        for one in read_glb(path):
            a, b, c = np.moveaxis(one["POSITION"][one["faces"]].astype(float), 1, 0)
            normal = np.cross(b - a, c - a)
            assert ((normal * one["NORMAL"][one["faces"]].mean(axis=1)).sum(axis=1) > -1e-9).all(), path.name


def test_walls_are_one_mesh_a_material(houses: tuple[Export, RoverBatch]) -> None:
    export, _ = houses
    for house in export.houses:
        primitives = read_glb(layout.scenes_folder(export.folder) / f"walls-{house.name}.glb")
        looks = [(one["image"].tobytes()) for one in primitives]
        assert len(set(looks)) == len(looks)
        assert all(one["sampler"]["magFilter"] == 9728 and one["sampler"]["wrapS"] == 10497 for one in primitives)


def test_files_have_the_fields_of_those_that_habitat_loaded(houses: tuple[Export, RoverBatch]) -> None:
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not there")
    theirs, ours = RECORDINGS / "scene", layout.scenes_folder(houses[0].folder)
    for suffix in (layout.STAGE_SUFFIX, layout.SCENE_SUFFIX, layout.DATASET_SUFFIX):
        (told,) = theirs.glob(f"*{suffix}")
        for path in ours.glob(f"*{suffix}"):
            assert set(json.loads(path.read_text())) == set(json.loads(told.read_text())), path.name
    told = json.loads((theirs / "red_box.object_config.json").read_text())
    for path in ours.glob(f"*{layout.OBJECT_SUFFIX}"):
        config = json.loads(path.read_text())
        assert set(config) == set(told)
        assert {key: config[key] for key in ("up", "front", "COM", "force_flat_shading")} == {
            key: told[key] for key in ("up", "front", "COM", "force_flat_shading")
        }
        assert (ours / config["render_asset"]).exists()
    scene = json.loads((theirs / "rooms.scene_instance.json").read_text())["object_instances"][0]
    for path in ours.glob(f"*{layout.SCENE_SUFFIX}"):
        for one in json.loads(path.read_text())["object_instances"]:
            assert set(one) == set(scene)
            assert (ours / f"{one['template_name']}{layout.OBJECT_SUFFIX}").exists()
    assert json.loads(layout.lighting_file(houses[0].folder).read_text()) == {
        "enable_ibl": False,
        "ibl_blut_filename": "none",
        "ibl_envmap_filename": "none",
    }


def test_no_name_is_a_part_of_another_one(houses: tuple[Export, RoverBatch]) -> None:
    folder = layout.scenes_folder(houses[0].folder)
    for suffix in (layout.OBJECT_SUFFIX, layout.STAGE_SUFFIX, layout.SCENE_SUFFIX):
        names = [path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}")]
        assert len(names) >= 3
        assert not any(one in other for one, other in permutations(names, 2))


def test_another_house_has_another_name(tmp_path: Path) -> None:
    one, _ = exported("BabyAI-GoToLocal-v0", tmp_path / "one", range(2))
    other, _ = exported("BabyAI-GoToLocal-v0", tmp_path / "other", range(2, 4))
    again, _ = exported("BabyAI-GoToLocal-v0", tmp_path / "again", range(2))
    assert not {house.name for house in one.houses} & {house.name for house in other.houses}
    assert [house.name for house in one.houses] == [house.name for house in again.houses]
    for path in sorted(one.folder.rglob("*.json")) + sorted(one.folder.rglob("*.glb")):
        assert path.read_bytes() == (again.folder / path.relative_to(one.folder)).read_bytes(), path.name


def test_what_is_in_a_closed_container_is_in_no_scene_and_what_stands_on_a_table_is_above_it(
    houses: tuple[Export, RoverBatch],
) -> None:
    things = [(house, thing) for house in houses[0].houses for thing in house.things]
    on = [(house, thing) for house, thing in things if thing.on is not None and not thing.is_inside]
    inside = [(house, thing) for house, thing in things if thing.is_inside]
    assert on
    assert inside
    for house, thing in on:
        assert house.thing(thing.on).holds == "on"  # type: ignore[arg-type]
        assert 0.3 < thing.height < 1
    for house, thing in inside:
        assert thing.is_hidden == (house.thing(thing.on).state == "closed")  # type: ignore[arg-type]


def test_a_house_is_read_back_as_it_was(houses: tuple[Export, RoverBatch]) -> None:
    export, _ = houses
    for house in export.houses:
        again = read_house(layout.house_file(export.folder, house.name))
        assert again.to_dict() == house.to_dict()
        assert isinstance(again.things[0], HouseThing)


def test_rooms_of_a_house_have_their_kinds(houses: tuple[Export, RoverBatch]) -> None:
    from groundling.envs.worlds.houses.stock import ROOM_KINDS

    for house in houses[0].houses:
        assert {room.kind for room in house.rooms} <= {*ROOM_KINDS, "corridor"}
        doors = sum(thing.kind == "door" for thing in house.things)
        assert (house.room_of >= 0).sum() + doors == (house.cells != WALL_CODE).sum()


@pytest.mark.parametrize(
    "broken", ["{", '{"format": "other"}', '{"format": "groundling habitat house", "version": 99}']
)
def test_a_house_that_is_not_whole_is_refused(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "house.json"
    path.write_text(broken)
    with pytest.raises(HabitatFileError, match=r"house"):
        read_house(path)


def test_a_house_with_a_missing_piece_names_it(houses: tuple[Export, RoverBatch]) -> None:
    values = houses[0].houses[0].to_dict()
    del values["things"]
    with pytest.raises(HabitatFileError, match="things"):
        House.from_dict(values)


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="not empty"):
        exported("BabyAI-GoToLocal-v0", tmp_path, range(1))
