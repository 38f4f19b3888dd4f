from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from language.questions.random_scenes import random_scene
from language.questions.test_question_evaluation import SCENE

from groundling.errors import QuestionFileError
from groundling.language.questions.episodes import (
    QUATERNIONS,
    EqaDataset,
    QuestionEpisode,
    eqa_dataset,
    from_dict,
    to_dict,
)
from groundling.language.questions.words import ANSWERS

EPISODES = [
    QuestionEpisode("0", "what is on the table?", "cup", "preposition", (2, 3, 1), 10, SCENE),
    QuestionEpisode("1", "is there a bottle in the fridge?", "yes", "containment", (12, 4, 3), 30, SCENE),
]


def plain() -> dict[str, Any]:
    return json.loads(json.dumps(to_dict("test/Questions-v0", EPISODES)))


def test_our_format_is_read_back() -> None:
    assert from_dict(plain()) == EPISODES
    rng = np.random.default_rng(0)
    many = [
        QuestionEpisode(str(k), "what color is the sofa?", "red", "color", (1, 1, 0), 10, random_scene(rng))
        for k in range(20)
    ]
    assert from_dict(json.loads(json.dumps(to_dict("test", many)))) == many


def broken(change) -> dict[str, Any]:
    values = plain()
    change(values)
    return values


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda v: v.update(version=2), "of version 2, this program reads version 1"),
        (lambda v: v.pop("version"), "of version None"),
        (lambda v: v.update(format="x"), "no file of questions"),
        (lambda v: v.pop("episodes"), "the file has no 'episodes'"),
        (lambda v: v.update(episodes={}), "should be a list, got dict"),
        (lambda v: v["episodes"][1].pop("answer"), "episode 1 has no 'answer'"),
        (lambda v: v["episodes"][0].pop("scene"), "episode 0 has no 'scene'"),
        (lambda v: v["episodes"][0]["scene"].pop("rooms"), "episode 0 has no 'rooms'"),
        (lambda v: v["episodes"][0].update(answer="maybe"), "'maybe' is none of the"),
        (lambda v: v["episodes"][0].update(question="go away"), "cannot read this question"),
        (lambda v: v["episodes"][0]["scene"]["things"][0].pop("kind"), "episode 0 cannot be read"),
        (lambda v: v["episodes"][0]["scene"]["things"][0].update(room=9), "names a room or thing that is not there"),
        (lambda v: v["episodes"][0]["scene"]["doors"][0].update(rooms=[0, 7]), "rooms that are not there"),
        (lambda v: v["episodes"][0].update(start=[1, 2]), "x, y and direction"),
    ],
)
def test_what_is_not_whole_is_refused(change, why: str) -> None:
    with pytest.raises(QuestionFileError, match=why):
        from_dict(broken(change))


def test_other_values_are_refused() -> None:
    for values in (None, [], "questions", {}):
        with pytest.raises(QuestionFileError, match="no file of questions"):
            from_dict(values)


# A file as habitat-lab's, made by hand.
FOREIGN = {
    "episodes": [
        {
            "episode_id": 7,
            "scene_id": "mp3d/abc/abc.glb",
            "start_position": [1.0, 0.1, -2.5],
            "start_rotation": [0, 0.7, 0, 0.7],
            "start_room": None,
            "info": {"bboxes": []},
            "goals": [
                {
                    "position": [0.0, 1.0, 2.0],
                    "radius": None,
                    "object_id": 4,
                    "object_name": "sofa",
                    "object_name_id": None,
                    "object_category": None,
                    "room_id": None,
                    "room_name": "lounge",
                    "view_points": [{"position": [0, 0, 1], "rotation": [0, 0, 0, 1]}],
                }
            ],
            "shortest_paths": [[{"position": [1, 0, -2], "rotation": [0, 0, 0, 1], "action": 3}]],
            "question": {
                "question_text": "hue of sofa",
                "answer_text": "red",
                "question_tokens": [1, 2, 3, 0],
                "answer_token": 1,
                "question_type": "color",
            },
        }
    ],
    "question_vocab": {"word_list": ["hue", "of", "sofa"]},
    "answer_vocab": {"word_list": ["red"]},
}


def test_an_episode_of_mp3d_eqa_is_read_and_written() -> None:
    dataset = EqaDataset.from_dict(FOREIGN)
    (one,) = dataset.episodes
    assert one.question_text == "hue of sofa"
    assert one.episode_id == "7"
    assert one.goals[0].view_points[0].position == (0, 0, 1)
    assert one.shortest_paths[0][0].action == 3
    assert dataset.question_words == ("<unk>", "hue", "of", "sofa")
    assert dataset.answer_words[one.answer_token] == "red"
    written = json.loads(json.dumps(dataset.to_dict()))
    assert EqaDataset.from_dict(written) == dataset
    original = copy.deepcopy(FOREIGN["episodes"][0])
    original["episode_id"] = "7"
    assert written["episodes"][0] == original


def test_our_episodes_are_written_as_mp3d_eqa() -> None:
    dataset = eqa_dataset(EPISODES, [[0, 1], [3]])
    again = EqaDataset.from_dict(json.loads(json.dumps(dataset.to_dict())))
    assert again == dataset
    first, second = again.episodes
    assert len(first.question_tokens) == len(second.question_tokens) == 8
    words = [again.question_words[token] for token in first.question_tokens]
    assert words[:6] == ["what", "is", "on", "the", "table", "?"]
    assert again.answer_words[first.answer_token] == "cup"
    assert again.answer_words[1:] == ANSWERS
    assert first.start_room == "kitchen"
    assert first.start_position == (2.5, 0.0, 3.5)
    assert first.start_rotation == QUATERNIONS[1]
    assert [goal.object_name for goal in first.goals] == ["table", "cup"]
    assert second.goals[0].room_name == "kitchen"


def test_directions_are_turns_about_the_vertical() -> None:
    """A quaternion (0, s, 0, c) turns -z, where habitat looks at first, to (-2 s c, 0, s s - c c)."""
    for (_, s, _, c), (x, z) in zip(QUATERNIONS, ((1, 0), (0, 1), (-1, 0), (0, -1)), strict=True):
        assert (-2 * s * c, s * s - c * c) == (pytest.approx(x, abs=1e-9), pytest.approx(z, abs=1e-9))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (("episodes",), "the file has no 'episodes'"),
        (("answer_vocab",), "the file has no 'answer_vocab'"),
        (("question_vocab", "word_list"), "question_vocab has no 'word_list'"),
        (("episodes", 0, "question"), "episode 0 has no 'question'"),
        (("episodes", 0, "question", "answer_token"), "episode 0 has no 'answer_token'"),
        (("episodes", 0, "goals", 0, "position"), "episode 0 has no 'position'"),
        (("episodes", 0, "start_rotation"), "episode 0 has no 'start_rotation'"),
    ],
)
def test_missing_keys_of_mp3d_eqa_are_named(path: tuple[Any, ...], why: str) -> None:
    values: Any = copy.deepcopy(FOREIGN)
    part = values
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    with pytest.raises(QuestionFileError, match=why):
        EqaDataset.from_dict(values)


def test_a_token_outside_the_answers_is_refused() -> None:
    values: Any = copy.deepcopy(FOREIGN)
    values["episodes"][0]["question"]["answer_token"] = 9
    with pytest.raises(QuestionFileError, match="answer_token 9 of 2 answers"):
        EqaDataset.from_dict(values)
