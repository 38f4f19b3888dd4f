"""What an episode of a file asks for, whatever its format: where it begins, what is told, and when it is done.

Distances are on foot, in metres; an agent says that it is there by the action "done".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes import asking, objectnav, pointnav, rearrange, vln
from groundling.envs.families.habitat.episodes.files import read_episodes
from groundling.envs.families.habitat.episodes.values import DEFAULT_SCENES
from groundling.envs.families.habitat.export.scene_files import shown_back
from groundling.envs.families.habitat.export.templates import template_of
from groundling.envs.families.habitat.houses import House, read_house
from groundling.envs.simulators.habitat.habitat_worker.settings import Placement
from groundling.errors import HabitatFileError
from groundling.language.questions.episodes import EqaDataset, EqaEpisode

Place = tuple[float, float, float]  # X, Y, Z
MOVABLE_ID: Final = 200  # semantic id of the first object that an episode brings itself
EQA_STEPS: Final = asking.MAX_STEPS


@dataclass(frozen=True)
class Movable:
    """An object that can be carried: its key in the scene, and where it is at first."""

    key: str
    placement: Placement


@dataclass(frozen=True)
class Asked:
    """An episode.

    Attributes:
        id: of the episode.
        dataset: absolute path of the dataset that has the scene.
        scene: the scene's id.
        position: X, Y, Z of the start.
        rotation: quaternion x, y, z, w of the start.
        text: what the agent is told.
        max_steps: after which it is cut off.
        goals: where to be when it says "done"; none where that is not what counts.
        radius: metres from the nearest of these that are near enough.
        answer: the number of the right answer; -1 where none is asked for.
        movables: objects that the episode brings.
        targets: where some of them are to be, by their keys; all must be.
        views: where what matters is seen, for an expert.
    """

    id: str
    dataset: str
    scene: str
    position: Place
    rotation: tuple[float, ...]
    text: str
    max_steps: int
    goals: tuple[Place, ...] = ()
    radius: float = 0.0
    answer: int = -1
    movables: tuple[Movable, ...] = ()
    targets: Mapping[str, Place] = field(default_factory=dict)
    views: tuple[Place, ...] = ()


@dataclass(frozen=True)
class AskedFile:
    """The episodes of a file.

    Attributes:
        path: of the file.
        format: its name.
        episodes: in their order.
        answers: that agents may give, in their order; none where nothing is asked.
        folder: of the export that it belongs to; None of another's file.
    """

    path: Path
    format: str
    episodes: tuple[Asked, ...]
    answers: tuple[str, ...]
    folder: Path | None


def read_asked(path: Path) -> AskedFile:
    """Read a file of episodes.

    Raises:
        HabitatFileError: if it is not whole, has no episodes, or its scenes are not here; the message names the piece.
    """
    path = path.absolute()
    format, dataset = read_episodes(path)
    episodes: tuple[Any, ...] = dataset.episodes
    if not episodes:
        raise HabitatFileError(f"{path} has no episodes")
    folder = next((above for above in path.parents if layout.manifest_file(above).is_file()), None)
    answers: tuple[str, ...] = ()
    if isinstance(dataset, EqaDataset):
        answers = tuple(word for word in dataset.answer_words if word != asking.ANSWER_WORDS[0])
    asked = []
    for row, one in enumerate(episodes):
        where = f"episode {row} of {path}"
        told = _of_format(format, one, dataset, answers, where)
        asked.append(
            Asked(
                id=str(one.episode_id),
                dataset=str(_dataset_of(one, path, folder, where)),
                scene=one.scene_id.removeprefix(DEFAULT_SCENES),
                position=place_of(one.start_position),
                rotation=tuple(one.start_rotation),
                **told,
            )
        )
    return AskedFile(path, format, tuple(asked), answers, folder)


def _of_format(format: str, one: Any, dataset: Any, answers: tuple[str, ...], where: str) -> dict[str, Any]:
    """What a format says of when an episode is done."""
    if format == "objectnav":
        goals = dataset.goals_of(one)
        views = tuple(place_of(view.position) for goal in goals for view in goal.view_points)
        if not views:
            raise HabitatFileError(f"no goal of {where} has view points, by which reaching it is judged")
        return {
            "text": f"go to a {one.object_category}",
            "max_steps": objectnav.MAX_STEPS,
            "goals": views,
            "radius": objectnav.SUCCESS_M,
        }
    if format == "eqa":
        return _of_question(one, answers, where)
    if format == "rearrange":
        return _of_rearrangement(one)
    if format == "vln":
        return {
            "text": one.instruction_text.strip(),
            "max_steps": vln.MAX_STEPS,
            "goals": (place_of(one.goals[0].position),),
            "radius": vln.SUCCESS_M,
        }
    x, _, z = one.goals[0].position
    return {
        "text": f"go to {x:.1f} , {z:.1f}",
        "max_steps": pointnav.MAX_STEPS,
        "goals": (place_of(one.goals[0].position),),
        "radius": one.goals[0].radius or pointnav.SUCCESS_M,
    }


def _of_question(one: EqaEpisode, answers: tuple[str, ...], where: str) -> dict[str, Any]:
    if one.answer_text not in answers:
        raise HabitatFileError(f"the answer {one.answer_text!r} of {where} is none of the file's 'answer_vocab'")
    views = [place_of(view.position) for goal in one.goals for view in goal.view_points]
    return {
        "text": one.question_text,
        "max_steps": EQA_STEPS,
        "answer": answers.index(one.answer_text),
        "views": tuple(views) or tuple(place_of(goal.position) for goal in one.goals),
    }


def _of_rearrangement(one: rearrange.RearrangeEpisode) -> dict[str, Any]:
    counts: dict[str, int] = {}
    movables = []
    for row, (file, transform) in enumerate(one.rigid_objs):
        name = file.split("/")[-1].split(".")[0]
        number = counts.get(name, 0)
        counts[name] = number + 1
        yaw = math.atan2(float(transform[0, 2]), float(transform[0, 0]))
        x, y, z = (float(part) for part in transform[:3, 3])
        placement = Placement(name, (x, y, z), layout.rotation_about_y(yaw), MOVABLE_ID + row, is_static=False)
        movables.append(Movable(f"{name}_:{number:04d}", placement))
    targets = {key: place_of(where[:3, 3]) for key, where in one.targets.items()}
    return {
        "text": str(one.info.get("instruction", "bring the things to their places")),
        "max_steps": rearrange.MAX_STEPS,
        "radius": float(one.info.get("success_distance", rearrange.SUCCESS_M)),
        "movables": tuple(movables),
        "targets": targets,
    }


def _dataset_of(one: Any, path: Path, folder: Path | None, where: str) -> Path:
    """The dataset that has the scene of an episode, beside the file or above it."""
    told = str(one.scene_dataset_config)
    found = Path(told)
    candidates = [found] if found.is_absolute() else [above / told for above in (*path.parents, Path.cwd())]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.absolute()
    if folder is not None and layout.dataset_file(folder).is_file():
        return layout.dataset_file(folder).absolute()
    raise HabitatFileError(
        f"the scenes of {where} are not here: its scene_dataset_config is {told!r}, and no such file is beside or "
        "above the file"
    )


def scene_objects(asked: Asked, folder: Path | None, solids: Any) -> tuple[str, dict[Any, Placement]]:
    """What is loaded as a scene, and the objects to be added to it.

    Of our exports the stage alone, with the house's things as objects that have the codes of our segmentation; of other
    scenes the whole scene as it is.
    """
    objects: dict[Any, Placement] = {own.key: own.placement for own in asked.movables}
    if folder is None or not layout.house_file(folder, asked.scene).is_file():
        return asked.scene, objects
    house = read_house(layout.house_file(folder, asked.scene))
    objects |= _house_objects(house, solids)
    return stage_name(house) + layout.STAGE_SUFFIX, objects


def stage_name(house: House) -> str:
    """The scene that a house shares its stage with."""
    return str(getattr(house, "stage", "") or house.name)


def _house_objects(house: House, solids: Any) -> dict[Any, Placement]:
    walls = Placement(layout.walls_template(stage_name(house)), layout.to_position(0, 0), semantic_id=layout.WALL_ID)
    found: dict[Any, Placement] = {"walls": walls}
    for thing in house.shown():
        found[thing.code] = Placement(
            template_of(thing).name,
            layout.to_position(thing.x, thing.y, thing.height),
            layout.thing_rotation(shown_back(thing, solids)),
            semantic_id=thing.code,
            is_static=not thing.is_walkable,
        )
    return found


def place_of(values: Any) -> Place:
    """Three numbers as a place."""
    x, y, z = (float(part) for part in values)
    return x, y, z


def distance(a: Any, b: Any) -> float:
    """Metres between two places."""
    return float(np.linalg.norm(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)))
