"""Files of episodes: which format each is of, reading any of them, and writing those of an export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from groundling.envs.engine.kinds import Kinds
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.asking import draw_eqa, eqa_dataset_of
from groundling.envs.families.habitat.episodes.drawing import draw_objectnav, draw_pointnav
from groundling.envs.families.habitat.episodes.guiding import draw_vln, vln_dataset_of
from groundling.envs.families.habitat.episodes.moving import draw_rearrange
from groundling.envs.families.habitat.episodes.objectnav import GOALS, TASK_IDS, ObjectGoal, ObjectNavDataset
from groundling.envs.families.habitat.episodes.place import Place
from groundling.envs.families.habitat.episodes.pointnav import PointNavDataset
from groundling.envs.families.habitat.episodes.rearrange import RearrangeDataset
from groundling.envs.families.habitat.episodes.values import read_json, write_json
from groundling.envs.families.habitat.episodes.vln import VlnDataset
from groundling.envs.families.habitat.export.exporting import write_scene
from groundling.envs.families.habitat.houses import House
from groundling.errors import HabitatFileError, QuestionFileError
from groundling.language.questions.episodes import EqaDataset
from groundling.seeding import generator

Dataset = PointNavDataset | ObjectNavDataset | EqaDataset | RearrangeDataset | VlnDataset


class Written(Protocol):
    """Episodes that can be written."""

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""


@dataclass(frozen=True)
class Format:
    """A format of episodes.

    Attributes:
        variant: of the scenes that its agents play in: they can open no doors.
        draw: an episode in a house, or None where there is none.
        dataset: of those that were drawn.
    """

    variant: str
    draw: Callable[[Place, str, np.random.Generator], Any]
    dataset: Callable[[Sequence[Any]], Written]


FORMATS: Final[dict[str, Format]] = {
    "pointnav": Format(layout.OPENED, draw_pointnav, lambda drawn: PointNavDataset(tuple(drawn))),
    "objectnav": Format(layout.OPENED, draw_objectnav, lambda drawn: objectnav_dataset(drawn)),
    "eqa": Format(layout.OPENED, draw_eqa, eqa_dataset_of),
    "rearrange": Format(layout.EMPTIED, draw_rearrange, lambda drawn: RearrangeDataset(tuple(drawn))),
    "vln": Format(layout.OPENED, draw_vln, vln_dataset_of),
}


def objectnav_dataset(drawn: Sequence[tuple[Any, tuple[ObjectGoal, ...]]]) -> ObjectNavDataset:
    """Episodes of ObjectNav with the goals of all of them."""
    categories = sorted({episode.object_category for episode, _ in drawn})
    return ObjectNavDataset(
        tuple(episode for episode, _ in drawn),
        {episode.goals_key: goals for episode, goals in drawn},
        {category: number for number, category in enumerate(categories)},
        {category: number for number, category in enumerate(categories)},
    )


def format_of(values: Any) -> str:
    """Which format the values of a file are of, by the keys that only it has.

    Raises:
        HabitatFileError: if they are of none.
    """
    if isinstance(values, dict) and isinstance(values.get("episodes"), list):
        episode = values["episodes"][0] if values["episodes"] else {}
        if "answer_vocab" in values or "question" in episode:
            return "eqa"
        if "instruction_vocab" in values or "instruction" in episode:
            return "vln"
        if TASK_IDS in values or GOALS in values or "object_category" in episode:
            return "objectnav"
        if {"rigid_objs", "targets", "ao_states"} & set(episode):
            return "rearrange"
        if not values["episodes"] or "goals" in episode or "start_position" in episode:
            return "pointnav"
    raise HabitatFileError(
        f"this is no file of episodes in a format of habitat-lab ({', '.join(layout.FORMATS)}): it has no 'episodes', "
        "or they have neither goals nor objects"
    )


_READERS: Final[dict[str, Any]] = {
    "pointnav": PointNavDataset,
    "objectnav": ObjectNavDataset,
    "eqa": EqaDataset,
    "rearrange": RearrangeDataset,
    "vln": VlnDataset,
}


def read_episodes(path: Path) -> tuple[str, Dataset]:
    """The format and the episodes of a file, gzipped or not. Of ObjectNav, ``content/*.json.gz`` beside it as well.

    Raises:
        HabitatFileError: if there is none, or a piece is missing; the message names it.
    """
    values = read_json(path)
    try:
        name = format_of(values)
        found = _READERS[name].from_dict(values)
    except (HabitatFileError, QuestionFileError) as error:
        raise HabitatFileError(f"{path}: {error}") from error
    parts = sorted((path.parent / "content").glob("*.json.gz"))
    if name == "objectnav" and not found.episodes and parts:
        others = [_content_of(part) for part in parts]
        found = ObjectNavDataset(
            tuple(episode for other in others for episode in other.episodes),
            {key: goals for other in others for key, goals in other.goals.items()},
            found.task_ids,
            found.annotation_ids,
        )
    return name, found


def _content_of(path: Path) -> ObjectNavDataset:
    """A file that holds the episodes of one scene."""
    try:
        return ObjectNavDataset.from_dict(read_json(path))
    except HabitatFileError as error:
        raise HabitatFileError(f"{path}: {error}") from error


def write_episodes(
    folder: Path,
    houses: Sequence[House],
    kinds: Kinds,
    format: str,
    split: str,
    *,
    seed: int = 0,
    report: Callable[[int, int], None] | None = None,
) -> tuple[int, int]:
    """Draw an episode in each house of an export and write them, with the scenes that they are played in.

    Args:
        folder: of the export.
        houses: its houses.
        kinds: what their things look like.
        format: one of ``layout.FORMATS``.
        split: the name of the split.
        seed: of the draws.
        report: is told how many of how many houses are done.

    Returns:
        how many episodes were written, and in how many houses there was none to draw.

    Raises:
        StorageError: if something cannot be written.
    """
    own = FORMATS[format]
    dataset_file = layout.dataset_file(folder).relative_to(folder).as_posix()
    drawn: list[Any] = []
    for row, house in enumerate(houses):
        opened = house.opened(layout.variant_name(house.stage, layout.OPENED))
        place = Place(opened, kinds, dataset_file)
        found = own.draw(place, str(len(drawn)), generator(seed, "habitat", format, house.name))
        if found is not None:
            emptied = opened.emptied(layout.variant_name(house.stage, layout.EMPTIED))
            write_scene(folder, opened if own.variant == layout.OPENED else emptied, kinds)
            drawn.append(found)
        if report is not None:
            report(row + 1, len(houses))
    dataset = own.dataset(drawn)
    path = layout.episodes_file(folder, format, split)
    if isinstance(dataset, ObjectNavDataset):
        shared = ObjectNavDataset((), {}, dataset.task_ids, dataset.annotation_ids)
        write_json(path, shared.to_dict())
        for one, goals in drawn:
            part = ObjectNavDataset((one,), {one.goals_key: goals}, dataset.task_ids, dataset.annotation_ids)
            write_json(layout.content_file(folder, format, split, one.scene_id), part.to_dict())
    else:
        write_json(path, dataset.to_dict())
    return len(drawn), len(houses) - len(drawn)
