"""ObjectNav episodes of habitat-lab ("ObjectNav-v1"): go to any object of a category, to where it is seen from.

Goals stand once for all episodes of a scene and a category, under "SCENE_CATEGORY".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from groundling.envs.families.habitat.episodes.following import ActionSizes
from groundling.envs.families.habitat.episodes.values import (
    Goal,
    PathPoint,
    Start,
    Vector,
    key,
    listed,
    paths_of,
    paths_values,
    start_of,
    start_values,
    vector,
)
from groundling.errors import HabitatFileError

TYPE: Final = "ObjectNav-v1"
SIZES: Final = ActionSizes(0.25, 30.0)
SUCCESS_M: Final = 0.1  # to a view point
MAX_STEPS: Final = 500
TASK_IDS: Final = "category_to_task_category_id"
ANNOTATION_IDS: Final = ("category_to_scene_annotation_category_id", "category_to_mp3d_category_id")
GOALS: Final = "goals_by_category"


@dataclass(frozen=True)
class ViewPoint:
    """A pose from which an object is seen, and the share of the picture that it fills there."""

    position: Vector
    rotation: Vector
    iou: float | None = None


@dataclass(frozen=True)
class ObjectGoal(Goal):
    """An object to go to.

    Attributes:
        object_id: of the object.
        object_name: of it.
        object_category: its category.
        room_id: the room it is in, if that is told.
        room_name: likewise.
        view_points: from where it is seen.
    """

    object_id: Any = None
    object_name: str | None = None
    object_category: str | None = None
    room_id: Any = None
    room_name: str | None = None
    view_points: tuple[ViewPoint, ...] = ()


@dataclass(frozen=True)
class ObjectNavEpisode(Start):
    """An episode of ObjectNav.

    Attributes:
        object_category: what to go to.
        start_room: the room it begins in, if that is told.
        shortest_paths: to the nearest one, in the task's own actions.
    """

    object_category: str = ""
    start_room: str | None = None
    shortest_paths: tuple[tuple[PathPoint, ...], ...] = ()

    @property
    def goals_key(self) -> str:
        """Under which its goals are."""
        return f"{self.scene_id.rsplit('/', 1)[-1]}_{self.object_category}"


@dataclass(frozen=True)
class ObjectNavDataset:
    """Episodes of ObjectNav.

    Attributes:
        episodes: of the file; none in one that holds what those of its folder "content" share.
        goals: by the keys of episodes.
        task_ids: number of each category.
        annotation_ids: number of each category in the scenes' annotations.
    """

    episodes: tuple[ObjectNavEpisode, ...]
    goals: Mapping[str, tuple[ObjectGoal, ...]] = field(default_factory=dict)
    task_ids: Mapping[str, int] = field(default_factory=dict)
    annotation_ids: Mapping[str, int] = field(default_factory=dict)

    def goals_of(self, episode: ObjectNavEpisode) -> tuple[ObjectGoal, ...]:
        """The objects that an episode may go to."""
        return self.goals[episode.goals_key]

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "episodes": [_episode_values(one) for one in self.episodes],
            TASK_IDS: dict(self.task_ids),
            ANNOTATION_IDS[0]: dict(self.annotation_ids),
            GOALS: {name: [_goal_values(goal) for goal in goals] for name, goals in self.goals.items()},
        }

    @classmethod
    def from_dict(cls, values: Any) -> ObjectNavDataset:
        """Read the values of a file.

        Raises:
            HabitatFileError: if a piece is missing; the message names it.
        """
        told = listed(values, "episodes", "the file")
        task_ids = key(values, TASK_IDS, "the file") if TASK_IDS in values or not told else {}
        annotation_ids: Mapping[str, int] = next((values[name] for name in ANNOTATION_IDS if name in values), {})
        if set(task_ids) != set(annotation_ids):
            raise HabitatFileError(f"the file has other categories in {TASK_IDS!r} than in {ANNOTATION_IDS[0]!r}")
        shared = key(values, GOALS, "the file") if told else values.get(GOALS) or {}
        goals = {
            name: tuple(_goal_of(one, f"goal {row} of {name!r}") for row, one in enumerate(many))
            for name, many in shared.items()
        }
        episodes = tuple(_episode_of(one, f"episode {row}") for row, one in enumerate(told))
        for row, one in enumerate(episodes):
            if one.goals_key not in goals:
                raise HabitatFileError(f"episode {row} asks for {one.goals_key!r}, which {GOALS!r} does not have")
        return cls(episodes, goals, dict(task_ids), dict(annotation_ids))


def _episode_values(one: ObjectNavEpisode) -> dict[str, Any]:
    return {
        **start_values(one),
        "goals": [],
        "start_room": one.start_room,
        "shortest_paths": paths_values(one.shortest_paths) or None,
        "object_category": one.object_category,
    }


def _episode_of(values: Any, where: str) -> ObjectNavEpisode:
    return ObjectNavEpisode(
        **start_of(values, where),
        object_category=key(values, "object_category", where),
        start_room=values.get("start_room"),
        shortest_paths=paths_of(values, where),
    )


def _goal_values(one: ObjectGoal) -> dict[str, Any]:
    points = [
        {"agent_state": {"position": list(point.position), "rotation": list(point.rotation)}, "iou": point.iou}
        for point in one.view_points
    ]
    return {
        "position": list(one.position),
        "radius": one.radius,
        "object_id": one.object_id,
        "object_name": one.object_name,
        "object_category": one.object_category,
        "room_id": one.room_id,
        "room_name": one.room_name,
        "view_points": points,
    }


def _goal_of(values: Any, where: str) -> ObjectGoal:
    return ObjectGoal(
        position=vector(values, "position", where, 3),
        **{
            name: values.get(name)
            for name in ("radius", "object_id", "object_name", "object_category", "room_id", "room_name")
        },
        view_points=tuple(_view_point(one, where) for one in values.get("view_points") or ()),
    )


def _view_point(values: Any, where: str) -> ViewPoint:
    state = key(values, "agent_state", f"a view point of {where}")
    return ViewPoint(
        vector(state, "position", f"a view point of {where}", 3),
        vector(state, "rotation", f"a view point of {where}", 4),
        values.get("iou"),
    )
