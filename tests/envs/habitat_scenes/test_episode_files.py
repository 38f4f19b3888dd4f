"""Files of episodes: those of the data sets are read, each missing piece is named, and ours have the same pieces."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_made import FILES, IDENTITY

from groundling.envs.families.habitat.episodes.files import format_of, read_episodes
from groundling.envs.families.habitat.episodes.values import read_json, write_json
from groundling.errors import HabitatFileError

# Of each format, where its pieces are: a path of keys, and rows of lists.
PIECES: dict[str, list[tuple[str | int, ...]]] = {
    "pointnav": [
        ("episodes",),
        *((("episodes", 0, name)) for name in ("episode_id", "scene_id", "start_position", "start_rotation", "goals")),
        ("episodes", 0, "goals", 0, "position"),
    ],
    "objectnav": [
        ("category_to_mp3d_category_id",),
        ("goals_by_category",),
        ("goals_by_category", "rooms_cylinder"),
        ("goals_by_category", "rooms_cylinder", 0, "position"),
        ("goals_by_category", "rooms_cylinder", 0, "view_points", 0, "agent_state"),
        ("goals_by_category", "rooms_cylinder", 0, "view_points", 0, "agent_state", "rotation"),
        ("episodes", 0, "object_category"),
        ("episodes", 0, "start_position"),
    ],
    "eqa": [
        ("question_vocab",),
        ("answer_vocab", "word_list"),
        ("episodes", 0, "question"),
        ("episodes", 0, "question", "answer_token"),
        ("episodes", 0, "question", "question_text"),
        ("episodes", 0, "start_rotation"),
        ("episodes", 0, "goals", 0, "object_name"),
    ],
    "vln": [
        ("instruction_vocab", "word_list"),
        ("episodes", 0, "instruction"),
        ("episodes", 0, "instruction", "instruction_text"),
        ("episodes", 0, "reference_path"),
        ("episodes", 0, "trajectory_id"),
        ("episodes", 0, "goals"),
    ],
    "rearrange": [
        ("episodes", 0, "rigid_objs"),
        ("episodes", 0, "targets"),
        ("episodes", 0, "scene_id"),
    ],
}


def written(values: Any, path: Path) -> Path:
    path.write_bytes(gzip.compress(json.dumps(values).encode()))
    return path


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_a_data_set_is_read_and_its_format_known(name: str, tmp_path: Path) -> None:
    told, dataset = read_episodes(written(FILES[name], tmp_path / "val.json.gz"))
    assert told == name
    (episode,) = dataset.episodes
    assert episode.start_position == (1.5, 0.05, 2.5)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_compressed_is_read_too(name: str, tmp_path: Path) -> None:
    path = tmp_path / "val.json"
    path.write_text(json.dumps(FILES[name]))
    assert read_episodes(path)[0] == name


@pytest.mark.parametrize("name", FILES)
def test_what_is_read_is_written_as_it_was(name: str, tmp_path: Path) -> None:
    path = written(FILES[name], tmp_path / "val.json.gz")
    dataset = read_episodes(path)[1]
    again = tmp_path / "again.json.gz"
    write_json(again, dataset.to_dict())
    assert read_json(again) == json.loads(json.dumps(read_episodes(again)[1].to_dict()))
    ours, theirs = read_json(again)["episodes"][0], FILES[name]["episodes"][0]
    for key in set(theirs) - {"shortest_paths", "episode_id", "goals"}:
        assert ours[key] == theirs[key], key
    assert ours["episode_id"] == str(theirs["episode_id"])


@pytest.mark.parametrize(("name", "piece"), [(name, piece) for name, pieces in PIECES.items() for piece in pieces])
def test_a_missing_piece_is_named(name: str, piece: tuple[str | int, ...], tmp_path: Path) -> None:
    values = copy.deepcopy(FILES[name])
    inner: Any = values
    for part in piece[:-1]:
        inner = inner[part]
    del inner[piece[-1]]
    with pytest.raises(HabitatFileError) as caught:
        read_episodes(written(values, tmp_path / "val.json.gz"))
    told = str(caught.value)
    others = {"category_to_mp3d_category_id": "categories", "episodes": "no file of episodes"}
    assert others.get(str(piece[-1]), f"{piece[-1]}") in told
    assert "val.json.gz" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("pointnav", ("episodes", 0, "start_position"), [1, 2], "3 numbers"),
        ("pointnav", ("episodes", 0, "start_rotation"), [0, 0, 0, float("nan")], "4 numbers"),
        ("pointnav", ("episodes", 0, "goals"), [], "no goal"),
        ("objectnav", ("episodes", 0, "object_category"), "ball", "rooms_ball"),
        ("eqa", ("episodes", 0, "question", "answer_token"), 9, "answer_token"),
        ("vln", ("episodes", 0, "instruction", "instruction_tokens"), [99], "instruction_tokens"),
        ("vln", ("episodes", 0, "reference_path"), [[1, 2]], "reference path"),
        ("rearrange", ("episodes", 0, "targets"), {"blue_box_:0000": IDENTITY}, "blue_box_:0000"),
        ("rearrange", ("episodes", 0, "targets"), {"red_box_:0002": IDENTITY}, "red_box_:0002"),
        ("rearrange", ("episodes", 0, "rigid_objs"), [["red_box.object_config.json", [[1]]]], "4 rows"),
    ],
)
def test_a_wrong_value_is_told(
    name: str, place: tuple[str | int, ...], value: Any, message: str, tmp_path: Path
) -> None:
    values = copy.deepcopy(FILES[name])
    inner: Any = values
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    with pytest.raises(HabitatFileError, match=message):
        read_episodes(written(values, tmp_path / "val.json.gz"))


def test_view_points_of_objectnav_and_of_eqa_are_read_as_each_has_them(tmp_path: Path) -> None:
    _, objectnav = read_episodes(written(FILES["objectnav"], tmp_path / "a.json.gz"))
    (goal,) = objectnav.goals_of(objectnav.episodes[0])  # type: ignore[union-attr,arg-type]
    assert goal.view_points[0].position == (7.5, 0.05, 2.5)
    assert goal.view_points[0].iou == 0.12
    _, eqa = read_episodes(written(FILES["eqa"], tmp_path / "b.json.gz"))
    assert eqa.episodes[0].goals[0].view_points[0].rotation == (0, 1, 0, 0)  # type: ignore[union-attr]


def test_the_default_folder_of_scenes_is_taken_off(tmp_path: Path) -> None:
    _, dataset = read_episodes(written(FILES["objectnav"], tmp_path / "a.json.gz"))
    assert dataset.episodes[0].scene == "mp3d/17DRP5sb8fy/rooms"  # type: ignore[union-attr]


def test_an_object_to_be_moved_is_found_by_its_number(tmp_path: Path) -> None:
    values = copy.deepcopy(FILES["rearrange"])
    values["episodes"][0]["rigid_objs"][1][1] = [[1, 0, 0, 9], [0, 1, 0, 0], [0, 0, 1, 8], [0, 0, 0, 1]]
    _, dataset = read_episodes(written(values, tmp_path / "a.json.gz"))
    start = dataset.episodes[0].start_of("red_box_:0001")  # type: ignore[union-attr]
    assert np.array_equal(start[:3, 3], [9, 0, 8])


@pytest.mark.parametrize("raw", [b"", b"\x1f\x8b\x08broken", b"{", b"[]", b'{"other": 1}', b'{"episodes": [{}]}'])
def test_what_is_no_file_of_episodes_is_refused(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "val.json.gz"
    path.write_bytes(raw)
    with pytest.raises(HabitatFileError, match="episodes"):
        read_episodes(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HabitatFileError, match="there is no file"):
        read_episodes(tmp_path / "val.json.gz")


@pytest.mark.parametrize("name", FILES)
def test_the_format_of_a_file_is_known_by_its_keys(name: str) -> None:
    assert format_of(FILES[name]) == name
