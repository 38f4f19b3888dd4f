"""Questions about a house as episodes of MP3D-EQA: the task's own, or drawn ones, with a way to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from groundling.envs.families.habitat.episodes.drawing import room_name
from groundling.envs.families.habitat.episodes.following import ActionSizes, LabAction, Waypoint, follow
from groundling.envs.families.habitat.episodes.place import Place
from groundling.envs.families.habitat.episodes.scenes import kind_of, scene_of
from groundling.envs.families.habitat.episodes.walking import Point
from groundling.envs.families.habitat.houses import HouseThing
from groundling.errors import AmbiguousQuestionError, QuestionError
from groundling.language.questions.episodes import UNKNOWN_WORD, EqaDataset, EqaEpisode, EqaGoal, Pose
from groundling.language.questions.evaluation import Answer, Evidence, evaluate
from groundling.language.questions.forms import TYPES
from groundling.language.questions.free import draw_freely
from groundling.language.questions.scene import Scene
from groundling.language.questions.wording import QUESTION_VOCABULARY, parse, render
from groundling.language.questions.words import ANSWERS, ROOM_KINDS, THING_KINDS, answer_number
from groundling.language.vocabulary import split_words

TYPE: Final = "MP3DEQA-v1"
SIZES: Final = ActionSizes(0.25, 10.0)
MAX_STEPS: Final = 500
NEAR_M: Final = 0.15  # to the pose from which evidence is seen
QUESTION_WORDS: Final = (UNKNOWN_WORD, *QUESTION_VOCABULARY.words[2:])
ANSWER_WORDS: Final = (UNKNOWN_WORD, *ANSWERS)

_DRAWS: Final = 20


def question_in(place: Place, rng: np.random.Generator) -> tuple[str, str, Answer] | None:
    """The question that the episode asks or, if its instruction is none, one that is drawn: sentence, type, answer.

    None if none is found whose answer can be seen without opening anything.
    """
    scene, _, _ = scene_of(place.house)
    try:
        question = parse(place.house.instruction)
        found = place.house.instruction, question.type, evaluate(question.program, scene)
        return found if _way_of(found[2], place) is not None else None
    except AmbiguousQuestionError:
        return None
    except QuestionError:
        pass
    if not {room.kind for room in scene.rooms} <= set(ROOM_KINDS):
        return None
    for _ in range(_DRAWS):
        drawn = draw_freely(rng, scene, TYPES, THING_KINDS)
        if drawn is None:
            return None
        name, program, answer = drawn
        if _way_of(answer, place) is not None:
            return render(program), name, answer
    return None


def _way_of(answer: Answer, place: Place) -> Evidence | None:
    """Evidence that can be seen as the house is: a container that is closed cannot be opened there, and doors are all
    open for the agent to pass, whatever they were.
    """
    scene, _, _ = scene_of(place.house)
    for way in answer.ways:
        shut = [row for row in way.opened if scene.things[row].is_open is False]
        hidden = [row for row in way.things if _is_shut_in(scene, row)]
        if not shut and not hidden and not way.doors:
            return way
    return None


def _is_shut_in(scene: Scene, row: int) -> bool:
    inside = scene.things[row].inside
    return inside is not None and scene.things[inside].is_open is False


def draw_eqa(place: Place, episode_id: str, rng: np.random.Generator) -> EqaEpisode | None:
    """A question in a house; None if none is found, or there is no way to what shows its answer."""
    x, y, heading = place.start
    if not place.walking.is_free(x, y):
        return None
    asked = question_in(place, rng)
    if asked is None:
        return None
    sentence, name, answer = asked
    way = _way_of(answer, place)
    assert way is not None, "question_in gives questions with a way"
    _, codes, _ = scene_of(place.house)
    things = [place.house.thing(codes[row]) for row in sorted(way.things | way.opened)]
    rooms = sorted(way.rooms | way.whole_rooms)
    path = visit(place, things, rooms)
    if path is None:
        return None
    tokens = [QUESTION_WORDS.index(word) for word in split_words(sentence)]
    return EqaEpisode(
        episode_id=episode_id,
        scene_id=place.house.name,
        start_position=place.position((x, y)),
        start_rotation=place.rotation(heading),
        question_text=sentence,
        answer_text=answer.text,
        question_type=name,
        question_tokens=tuple(tokens),
        answer_token=answer_number(answer.text) + 1,  # after "<unk>"
        start_room=room_name(place, x, y),
        info={"actions": len(path) - 1},
        goals=tuple([eqa_goal(place, thing) for thing in things] or [room_goal(place, room) for room in rooms]),
        shortest_paths=(tuple(_pose(place, one) for one in path),),
        scene_dataset_config=place.dataset,
    )


def visit(place: Place, things: Sequence[HouseThing], rooms: Sequence[int]) -> list[Waypoint] | None:
    """A way that looks at some things, the nearest first, and comes into some rooms; None if there is none."""
    here = place.start
    left: list[HouseThing | int] = [*things, *rooms]
    found: list[Waypoint] = []
    while left:
        options: list[tuple[float, int, HouseThing | int, list[Point]]] = []
        for one in left:
            if isinstance(one, int):
                points = [_middle(place, one)]
            else:
                points = [pose[:2] for pose in place.reachable_views(one, place.start)]
            reached = [point for point in points if point is not None]
            if reached:
                options.append((place.field(reached).at(*here[:2]), len(options), one, reached))
        if len(options) < len(left):
            return None
        _, _, nearest, points_of = min(options, key=lambda option: option[:2])
        face = None if isinstance(nearest, int) else (nearest.x, nearest.y)
        part = follow(place.field(points_of), here, SIZES, NEAR_M, face)
        if part is None:
            return None
        found = [*found[:-1], *part]
        here = part[-1].x, part[-1].y, part[-1].heading
        left.remove(nearest)
    return found or [Waypoint(*here, LabAction.STOP)]


def _middle(place: Place, room: int) -> tuple[float, float] | None:
    """The point of a room nearest to its middle where one can stand."""
    own = place.house.rooms[room]
    return place.walking.nearest_free(own.left + own.width / 2, own.top + own.height / 2)


def eqa_goal(place: Place, thing: HouseThing) -> EqaGoal:
    """A thing that shows an answer."""
    room = place.house.room_at(thing.x, thing.y)
    x, _, z = place.position((thing.x, thing.y))
    return EqaGoal(
        position=(x, round(thing.height, 6), z),
        object_name=kind_of(thing),
        room_name="" if room is None else place.house.rooms[room].kind,
        radius=None,
        object_id=thing.code,
        object_category=kind_of(thing),
        room_id=room,
        view_points=tuple(
            Pose(place.position(pose[:2]), place.rotation(pose[2]))
            for pose in place.reachable_views(thing, place.start)[:20]
        ),
    )


def room_goal(place: Place, room: int) -> EqaGoal:
    """A room that shows an answer."""
    own = place.house.rooms[room]
    middle = own.left + own.width / 2, own.top + own.height / 2
    return EqaGoal(place.position(middle), own.kind, own.kind, room_id=room, object_category=own.kind)


def _pose(place: Place, one: Waypoint) -> Pose:
    return Pose(place.position((one.x, one.y)), place.rotation(one.heading), int(one.action))


def eqa_dataset_of(episodes: Sequence[EqaEpisode]) -> EqaDataset:
    """Episodes with the words of their questions, all questions padded to one length."""
    length = max((len(one.question_tokens) for one in episodes), default=0)
    padded = [
        EqaEpisode(
            **{
                **{name: getattr(one, name) for name in EqaEpisode.__dataclass_fields__},
                "question_tokens": (*one.question_tokens, *[0] * (length - len(one.question_tokens))),
            }
        )
        for one in episodes
    ]
    return EqaDataset(tuple(padded), QUESTION_WORDS, ANSWER_WORDS)
