"""Routes as sentences: one reading each, and what is none is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from groundling.errors import InstructionError
from groundling.language.questions.words import ROOM_KINDS
from groundling.language.routes import (
    JOINTS,
    LAST,
    ROUTE_VOCABULARY,
    WORDINGS,
    Cross,
    Enter,
    GoThrough,
    Landmark,
    Leave,
    PassBy,
    Route,
    Step,
    StopAt,
    parse,
    render,
)

ROUTE: Route = (
    Leave("kitchen"),
    GoThrough("red"),
    Cross("living room"),
    Enter("bedroom"),
    PassBy(Landmark("sofa", "blue")),
    StopAt(Landmark("lamp")),
)


def drawn(rng: np.random.Generator) -> Route:
    def landmark() -> Landmark:
        kind = str(rng.choice(["sofa", "tv", "armchair", "trunk"]))
        return Landmark(kind, str(rng.choice(["", "red", "white"])))

    def room() -> str:
        return str(rng.choice(ROOM_KINDS))

    steps: list[Step] = []
    for kind in rng.integers(0, 5, rng.integers(0, 8)).tolist():
        steps.append((Leave(room()), Cross(room()), Enter(room()), GoThrough("red"), PassBy(landmark()))[kind])
    return (*steps, StopAt(landmark()))


def test_a_route_reads_as_in_a_guide() -> None:
    assert render(ROUTE) == (
        "leave the kitchen, go through the red door, cross the living room, enter the bedroom, pass the blue sofa "
        "and stop at the lamp"
    )


def test_a_sentence_of_any_wording_has_the_route_as_its_only_reading() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        route = drawn(rng)
        text = render(route, rng.integers(0, 6, 30).tolist())
        assert parse(text) == route
        assert parse(f"{text.capitalize()}.") == route


def test_every_wording_and_joint_is_used() -> None:
    rng = np.random.default_rng(0)
    told = " ; ".join(render(drawn(rng), rng.integers(0, 6, 30).tolist()) for _ in range(500))
    for wording in itertools.chain.from_iterable(WORDINGS.values()):
        assert wording.removesuffix(" {}") in told
    for joint in (*JOINTS, *LAST):
        assert joint in told


def test_no_wording_begins_as_one_of_another_kind_of_step() -> None:
    for one, other in itertools.permutations(WORDINGS, 2):
        for mine, theirs in itertools.product(WORDINGS[one], WORDINGS[other]):
            same = mine.split() == theirs.split()
            # "walk through the red door" and "walk across the room" part in a word before the noun
            assert not same


def test_the_vocabulary_has_every_word_of_routes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        ROUTE_VOCABULARY.encode(render(drawn(rng), rng.integers(0, 6, 30).tolist()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "leave the kitchen",
        "stop at the lamp and leave the kitchen",
        "stop at the lamp and stop at the sofa",
        "leave the pantry and stop at the lamp",
        "fly to the kitchen and stop at the lamp",
        "leave kitchen and stop at the lamp",
        "go through the door and stop at the lamp",
        "stop at the big red lamp",
    ],
)
def test_what_is_no_route_is_refused(text: str) -> None:
    with pytest.raises(InstructionError, match="route"):
        parse(text)


@pytest.mark.parametrize("route", [(), (Leave("kitchen"),), (StopAt(Landmark("lamp")), Leave("kitchen"))])
def test_what_does_not_end_with_a_stop_is_not_written(route: Route) -> None:
    with pytest.raises(InstructionError, match="route"):
        render(route)
