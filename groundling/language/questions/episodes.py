"""Questions as plain values: ours with their houses, of a version, and the episodes of MP3D-EQA; written and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from groundling.errors import AnswerError, InstructionError, QuestionFileError
from groundling.language.questions.scene import Scene, SceneDoor, SceneRoom, SceneThing
from groundling.language.questions.wording import QUESTION_VOCABULARY, parse
from groundling.language.questions.words import ANSWERS, answer_number
from groundling.language.vocabulary import split_words

FORMAT: Final = "groundling questions"
VERSION: Final = 1
DIRECTIONS: Final = ("right", "down", "left", "up")
UNKNOWN_WORD: Final = "<unk>"


@dataclass(frozen=True)
class QuestionEpisode:
    """A question in a house.

    Attributes:
        id: of the episode.
        question: the sentence.
        answer: one of ``words.ANSWERS``.
        type: of the question.
        start: tile x, y and direction (0 right, 1 down, 2 left, 3 up) of the agent at first.
        distance: how many actions away the evidence is at first.
        scene: the house.
    """

    id: str
    question: str
    answer: str
    type: str
    start: tuple[int, int, int]
    distance: int
    scene: Scene


def to_dict(task: str, episodes: Sequence[QuestionEpisode]) -> dict[str, Any]:
    """Episodes of a task as values for JSON."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "task": task,
        "answers": list(ANSWERS),
        "episodes": [asdict(episode) for episode in episodes],
    }


def from_dict(values: Any) -> list[QuestionEpisode]:
    """Read :meth:`to_dict` back.

    Raises:
        QuestionFileError: if it is something else, of another version, or keys are missing; the message names them.
    """
    if not isinstance(values, Mapping) or values.get("format") != FORMAT:
        raise QuestionFileError(f'this is no file of questions: its "format" is not {FORMAT!r}')
    if values.get("version") != VERSION:
        raise QuestionFileError(
            f"these questions are of version {values.get('version')!r}, this program reads version {VERSION}: write "
            "them again with 'groundling questions'"
        )
    return [_episode(row, one) for row, one in enumerate(_listed(values, "episodes", "the file"))]


def _episode(row: int, values: Any) -> QuestionEpisode:
    where = f"episode {row}"
    house = _key(values, "scene", where)
    try:
        scene = Scene(
            _key(house, "width", where),
            _key(house, "height", where),
            tuple(SceneRoom(**one) for one in _listed(house, "rooms", where)),
            tuple(SceneDoor(**_tupled(one, "rooms", "position")) for one in _listed(house, "doors", where)),
            tuple(SceneThing(**_tupled(one, "position")) for one in _listed(house, "things", where)),
        )
        found = QuestionEpisode(
            id=_key(values, "id", where),
            question=_key(values, "question", where),
            answer=_key(values, "answer", where),
            type=_key(values, "type", where),
            start=tuple(_key(values, "start", where)),
            distance=_key(values, "distance", where),
            scene=scene,
        )
        _check_scene(scene, where)
        answer_number(found.answer)
        parse(found.question)
    except (TypeError, AnswerError, InstructionError) as error:
        raise QuestionFileError(f"{where} cannot be read: {error}") from error
    if len(found.start) != 3:
        raise QuestionFileError(f"{where} cannot be read: its start is x, y and direction, got {found.start}")
    return found


def _check_scene(scene: Scene, where: str) -> None:
    """Refuse rows of rooms and things that are not there."""
    rooms, things = range(len(scene.rooms)), range(len(scene.things))
    wrong = [door for door in scene.doors if any(row not in rooms for row in door.rooms)]
    for thing in scene.things:
        others = [row for row in (thing.on, thing.inside) if row is not None]
        if thing.room not in rooms or any(row not in things for row in others):
            raise QuestionFileError(f"{where} cannot be read: a {thing.kind} names a room or thing that is not there")
    if wrong:
        raise QuestionFileError(f"{where} cannot be read: a door joins rooms that are not there")


def _tupled(values: Any, *names: str) -> dict[str, Any]:
    return {**values, **{name: tuple(_key(values, name, "a house")) for name in names}}


def _key(values: Any, name: str, where: str) -> Any:
    if not isinstance(values, Mapping) or name not in values:
        raise QuestionFileError(f"{where} has no {name!r}: the file is not whole, or of another format")
    return values[name]


def _listed(values: Any, name: str, where: str) -> list[Any]:
    found = _key(values, name, where)
    if not isinstance(found, list):
        raise QuestionFileError(f"{name!r} of {where} should be a list, got {type(found).__name__}")
    return found


# The episodes of MP3D-EQA (habitat-lab's dataset "MP3DEQA-v1").


@dataclass(frozen=True)
class Pose:
    """Where an agent stands: metres x, y (up), z, and a quaternion x, y, z, w; ``action`` is what it does next."""

    position: tuple[float, ...]
    rotation: tuple[float, ...]
    action: int | None = None


@dataclass(frozen=True)
class EqaGoal:
    """What a question of MP3D-EQA is about; its view points are bare poses."""

    position: tuple[float, ...]
    object_name: str
    room_name: str
    radius: float | None = None
    object_id: Any = None
    object_name_id: Any = None
    object_category: Any = None
    room_id: Any = None
    view_points: tuple[Pose, ...] = ()


@dataclass(frozen=True)
class EqaEpisode:
    """An episode of MP3D-EQA."""

    episode_id: str
    scene_id: str
    start_position: tuple[float, ...]
    start_rotation: tuple[float, ...]
    question_text: str
    answer_text: str
    question_type: str
    question_tokens: tuple[int, ...]
    answer_token: int
    start_room: str | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    goals: tuple[EqaGoal, ...] = ()
    shortest_paths: tuple[tuple[Pose, ...], ...] = ()
    scene_dataset_config: str = "default"


@dataclass(frozen=True)
class EqaDataset:
    """Episodes, and the words that their tokens stand for; "<unk>" is the first, as habitat-lab puts it there."""

    episodes: tuple[EqaEpisode, ...]
    question_words: tuple[str, ...]
    answer_words: tuple[str, ...]

    @classmethod
    def from_dict(cls, values: Any) -> EqaDataset:
        """Read the values of a file of MP3D-EQA.

        Raises:
            QuestionFileError: if keys are missing or tokens are outside the vocabularies; the message says where.
        """
        words = []
        for name in ("question_vocab", "answer_vocab"):
            told = tuple(_listed(_key(values, name, "the file"), "word_list", name))
            words.append(told if UNKNOWN_WORD in told else (UNKNOWN_WORD, *told))
        episodes = tuple(_eqa_episode(row, one) for row, one in enumerate(_listed(values, "episodes", "the file")))
        for row, one in enumerate(episodes):
            if not 0 <= one.answer_token < len(words[1]):
                raise QuestionFileError(f"episode {row} has answer_token {one.answer_token} of {len(words[1])} answers")
        return cls(episodes, words[0], words[1])

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON that habitat-lab reads."""
        return {
            "episodes": [_eqa_values(one) for one in self.episodes],
            "question_vocab": {"word_list": list(self.question_words)},
            "answer_vocab": {"word_list": list(self.answer_words)},
        }


def _eqa_episode(row: int, values: Any) -> EqaEpisode:
    where = f"episode {row}"
    question = _key(values, "question", where)
    try:
        return EqaEpisode(
            episode_id=str(_key(values, "episode_id", where)),
            scene_id=_key(values, "scene_id", where),
            start_position=tuple(_key(values, "start_position", where)),
            start_rotation=tuple(_key(values, "start_rotation", where)),
            start_room=values.get("start_room"),
            info=values.get("info") or {},
            goals=tuple(_goal(one, where) for one in values.get("goals") or ()),
            shortest_paths=tuple(tuple(_pose(p, where) for p in path) for path in values.get("shortest_paths") or ()),
            scene_dataset_config=values.get("scene_dataset_config") or "default",
            question_text=_key(question, "question_text", where),
            answer_text=_key(question, "answer_text", where),
            question_type=_key(question, "question_type", where),
            question_tokens=tuple(_key(question, "question_tokens", where)),
            answer_token=int(_key(question, "answer_token", where)),
        )
    except (TypeError, ValueError) as error:
        raise QuestionFileError(f"{where} cannot be read: {error}") from error


def _pose(values: Any, where: str) -> Pose:
    return Pose(tuple(_key(values, "position", where)), tuple(_key(values, "rotation", where)), values.get("action"))


def _goal(values: Any, where: str) -> EqaGoal:
    return EqaGoal(
        position=tuple(_key(values, "position", where)),
        object_name=_key(values, "object_name", where),
        room_name=_key(values, "room_name", where),
        **{name: values.get(name) for name in ("radius", "object_id", "object_name_id", "object_category", "room_id")},
        view_points=tuple(_pose(one, where) for one in values.get("view_points") or ()),
    )


def _eqa_values(one: EqaEpisode) -> dict[str, Any]:
    values = asdict(one)
    names = ("question_text", "answer_text", "question_tokens", "answer_token", "question_type")
    values["question"] = {name: values.pop(name) for name in names}
    if one.scene_dataset_config == "default":
        del values["scene_dataset_config"]
    for goal in values["goals"]:
        for point in goal["view_points"]:
            del point["action"]
    return values


def eqa_dataset(episodes: Sequence[QuestionEpisode], goals: Sequence[Sequence[int]]) -> EqaDataset:
    """Our episodes in the format of MP3D-EQA, a metre a tile, without shortest paths.

    Args:
        episodes: ours; the house is named by the episode's id, since there is no scan of it.
        goals: rows of the things that each is about.
    """
    words = (UNKNOWN_WORD, *QUESTION_VOCABULARY.words[2:])
    number = {word: k for k, word in enumerate(words)}
    told = [split_words(one.question) for one in episodes]
    length = max(map(len, told), default=0)
    found = []
    for one, sentence, rows in zip(episodes, told, goals, strict=True):
        x, y, direction = one.start
        room = next((room.kind for room in one.scene.rooms if room.contains((x, y))), None)
        tokens = [number[word] for word in sentence]
        found.append(
            EqaEpisode(
                episode_id=one.id,
                scene_id=f"groundling/{one.id}",
                start_position=(x + 0.5, 0.0, y + 0.5),
                start_rotation=QUATERNIONS[direction],
                question_text=one.question,
                answer_text=one.answer,
                question_type=one.type,
                question_tokens=(*tokens, *[0] * (length - len(tokens))),
                answer_token=answer_number(one.answer) + 1,  # after "<unk>"
                start_room=room,
                info={"distance": one.distance},
                goals=tuple(_goal_of(one.scene, row) for row in rows),
            )
        )
    return EqaDataset(tuple(found), words, (UNKNOWN_WORD, *ANSWERS))


def _goal_of(scene: Scene, row: int) -> EqaGoal:
    thing = scene.things[row]
    x, y = thing.position
    return EqaGoal(
        position=(x + 0.5, 0.0, y + 0.5),
        object_name=thing.kind,
        room_name=scene.rooms[thing.room].kind,
        object_id=row,
        object_category=thing.kind,
        room_id=thing.room,
    )


_HALF: Final = 0.5**0.5
# Of the four directions: habitat looks along -z at first, and turns about y, to the left if positive.
QUATERNIONS: Final = ((0.0, -_HALF, 0.0, _HALF), (0.0, 1.0, 0.0, 0.0), (0.0, _HALF, 0.0, _HALF), (0.0, 0.0, 0.0, 1.0))
