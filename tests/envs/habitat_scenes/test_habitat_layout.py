"""Poses of our maps are Habitat's, as recorded; names of an exported folder do not contain one another."""

from __future__ import annotations

import ast
import math
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from recorded import recorded

from groundling.envs.families.habitat import layout


def test_a_pose_of_the_map_is_the_one_that_habitat_read_back() -> None:
    poses = recorded("poses")
    for (x, y, heading), position, rotation in zip(
        poses["map_pose"], poses["position"], poses["rotation"], strict=True
    ):
        np.testing.assert_allclose(layout.to_position(x, y), position, atol=1e-5)
        told = layout.wxyz(layout.to_rotation(heading))
        assert abs(np.dot(told, rotation)) == pytest.approx(1, abs=1e-5)


def test_a_pose_that_habitat_read_back_is_the_one_of_the_map() -> None:
    poses = recorded("poses")
    for (x, y, heading), position, (w, qx, qy, qz) in zip(
        poses["map_pose"], poses["position"], poses["rotation"], strict=True
    ):
        assert layout.from_position(position) == pytest.approx((x, y), abs=1e-5)
        for sign in (1, -1):
            turned = layout.from_rotation((sign * qx, sign * qy, sign * qz, sign * w)) - heading
            assert math.remainder(turned, 2 * math.pi) == pytest.approx(0, abs=1e-5)


def test_forward_and_turns_go_as_recorded() -> None:
    run = recorded("trajectory")
    names = ("move_forward", "turn_left", "turn_right")
    actions = [names[int(action)] for action in run["door_actions"]]
    positions, rotations = run["door_slide_position"], run["door_slide_rotation"]
    headings = [layout.from_rotation((x, y, z, w)) for w, x, y, z in rotations]
    turns = {"move_forward": 0.0, "turn_left": -math.pi / 6, "turn_right": math.pi / 6}
    went, slid = 0, 0
    for step, action in enumerate(actions):
        turned = math.remainder(headings[step + 1] - headings[step] - turns[action], 2 * math.pi)
        assert turned == pytest.approx(0, abs=1e-5), action
        if action == "move_forward":
            (x, y), (new_x, new_y) = (layout.from_position(one) for one in positions[step : step + 2])
            told = 0.25 * math.cos(headings[step]), 0.25 * math.sin(headings[step])
            is_told = (new_x - x, new_y - y) == pytest.approx(told, abs=1e-4)
            went, slid = went + is_told, slid + (not is_told)
    assert (went, slid) == (30, 1)  # once it slides along the edge of the navigation mesh, not said to collide


def test_rays_meet_the_floor_at_the_recorded_depth() -> None:
    poses = recorded("poses")
    _, down = layout.camera_rays(64, 64, 90)
    eye = poses["sensor_position"][0][1]
    rows = np.flatnonzero(down > 0)
    center, semantic = poses["depth"][:, rows, 32], poses["semantic"][:, rows, 32]
    lowest = np.isclose(center, eye / down[rows], atol=1e-3) & (semantic == 0)
    assert lowest[:, -1].sum() == 11  # one looks at a wall that is nearer
    assert not np.isclose(center[:, -1], eye / (down[-1] + 0.5 / 32), atol=1e-3).any()  # as it would at pixels' edges


@pytest.mark.parametrize("back", range(4))
def test_a_thing_is_turned_so_that_its_back_is_where_it_should_be(back: int) -> None:
    _, y, _, w = layout.thing_rotation(back)
    yaw = 2 * math.atan2(y, w)
    turned = -math.sin(yaw), -math.cos(yaw)  # of (0, 0, -1) about Y: x and z
    assert turned == pytest.approx((math.cos(back * math.pi / 2), math.sin(back * math.pi / 2)), abs=1e-9)


def test_no_template_has_a_name_that_is_part_of_another_one() -> None:
    names = [
        layout.thing_template(color, kind, state, size)
        for color in ("red", "dark red")
        for kind in ("ball", "red ball", "key")
        for state in ("plain", "big")
        for size in layout.SIZES
    ]
    assert len(set(names)) == 36
    assert not any(one in other for one, other in permutations(names, 2))


def test_the_layout_needs_numpy_only() -> None:
    tree = ast.parse(Path(layout.__file__).read_text())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in modules} <= {"__future__", "math", "pathlib", "typing", "numpy"}


def test_every_file_has_a_place_of_its_own() -> None:
    folder = Path("exported")
    files = [
        layout.manifest_file(folder),
        layout.bank_file(folder),
        layout.lighting_file(folder),
        layout.dataset_file(folder),
        layout.house_file(folder, "a"),
        layout.stage_mesh(folder, "a"),
        layout.stage_file(folder, "a"),
        layout.scene_file(folder, "a"),
        layout.object_mesh(folder, layout.walls_template("a")),
        layout.object_file(folder, layout.walls_template("a")),
        layout.episodes_file(folder, "eqa", "train"),
        layout.content_file(folder, "eqa", "train", "a"),
    ]
    assert len(set(files)) == len(files)
