"""Relations: what lies next to what, and what a task's own words hold of, worked out by hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from own_tasks import Neighbors, Northern, source_of

from groundling import own_code
from groundling.agents.bots import expert_steps, unsolved_seeds
from groundling.envs import HeldOut, Relation, build_bank
from groundling.envs.banks.splits import training_split
from groundling.envs.worlds import contract
from groundling.envs.worlds.builder import WorldBuilder
from groundling.envs.worlds.layout import RejectedLayout
from groundling.envs.worlds.task import Task
from groundling.errors import ConfigurationError, InstructionError, TaskError
from groundling.language import (
    HELD_OUT_SYNONYMS,
    And,
    Color,
    GoTo,
    NextTo,
    ObjectDescription,
    ObjectType,
    PickUp,
    Size,
    parse,
    render,
)
from groundling.language.goal_parts import combinations, descriptions, without_determiners

BALL, BOX, KEY, DOOR = (
    ObjectDescription(type_) for type_ in (ObjectType.BALL, ObjectType.BOX, ObjectType.KEY, ObjectType.DOOR)
)
NEIGHBORS, NORTHERN = source_of(Neighbors), source_of(Northern)


class Bare(Task):
    """Settings alone."""

    max_clauses = 4
    relations = (Relation("in the corner", lambda world, thing: thing.position in ((1, 1), (5, 5))),)

    def sample(self, world, rng):
        raise AssertionError("these tests build by hand")


def placed(*things, agent=(3, 3), size=7):
    """A room with objects (type, color, x, y) and the agent."""
    world = WorldBuilder(Bare(room_size=size), 0)
    for kind, color, x, y in things:
        world.add(kind, color, at=(x, y))
    world.place_agent(at=agent, direction="right")
    return world


def next_to(description, neighbor):
    return replace(description, relation=NextTo(neighbor))


def positions(world, description):
    return [thing.position for thing in world.matches(description)]


ROOM = (
    ("ball", "red", 1, 1),
    ("box", "blue", 2, 1),
    ("ball", "red", 4, 1),
    ("box", "green", 5, 2),  # aslant of the second ball
    ("ball", "green", 5, 5),
    ("key", "grey", 4, 5),
)


# ------------------------------------------------------------------------------------------------ next to


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (next_to(BALL, BOX), [(1, 1)]),
        (next_to(BOX, BALL), [(2, 1)]),
        (next_to(BALL, KEY), [(5, 5)]),
        (next_to(BALL, ObjectDescription()), [(1, 1), (5, 5)]),
        (next_to(ObjectDescription(), BALL), [(2, 1), (4, 5)]),
        (next_to(BALL, ObjectDescription(ObjectType.BOX, Color.GREEN)), []),
        (next_to(BALL, BALL), []),  # nothing lies beside itself
        (replace(next_to(BALL, BOX), color=Color.RED), [(1, 1)]),
        (replace(next_to(BALL, BOX), color=Color.GREEN), []),
        (replace(next_to(BALL, BOX), negated=True), [(2, 1), (4, 1), (5, 2), (5, 5), (4, 5)]),
        (replace(next_to(BALL, ObjectDescription()), both=True), [(1, 1), (5, 5)]),
        (replace(next_to(BALL, BOX), both=True), []),
        (replace(BALL, relation="in the corner"), [(1, 1), (5, 5)]),
        (replace(BOX, relation="in the corner"), []),
        (replace(ObjectDescription(), relation="in the corner", negated=True), [(2, 1), (4, 1), (5, 2), (4, 5)]),
    ],
)
def test_meanings_by_hand(description, expected) -> None:
    assert positions(placed(*ROOM), description) == expected


def test_size_compares_those_that_are_in_the_relation() -> None:
    world = placed(("box", "blue", 2, 2))
    small, big = world.add("ball", "red", at=(1, 2), size=4), world.add("ball", "red", at=(2, 1), size=5)
    world.add("ball", "red", at=(5, 5), size=6)
    assert world.matches(replace(next_to(BALL, BOX), size=Size.LARGER)) == [big]
    assert world.matches(replace(next_to(BALL, BOX), size=Size.SMALLER)) == [small]


def test_both_articles_follow_the_world() -> None:
    world = placed(*ROOM)
    with pytest.raises(TaskError, match="nothing fits it"):
        world.finish(GoTo(next_to(BOX, replace(BALL, color=Color.GREEN))))
    object_by_a_key = next_to(ObjectDescription(), replace(KEY, definite=False))
    episode = world.finish(And((PickUp(next_to(BALL, BOX)), GoTo(object_by_a_key))))
    assert episode.instruction == "pick up the ball next to a box and go to the object next to the key"
    assert [mask for _, _, mask, _ in episode.program] == [1, 1 << 4]
    assert parse(episode.instruction) == episode.goal


def test_goals_know_both_objects() -> None:
    goal = parse("pick up a red ball next to a blue door")
    assert combinations(goal) == {("red", "ball"), ("blue", "door")}
    assert [d.type for d in descriptions(goal)] == ["ball", "door"]
    assert render(without_determiners(goal)) == "pick up the red ball next to the blue door"
    with pytest.raises(InstructionError, match="two readings"):
        parse("put the ball next to the box near the door")


# ------------------------------------------------------------------------------------------------ placing


def test_every_tile_beside_a_thing_is_drawn_and_no_other() -> None:
    found = set()
    for seed in range(60):
        world = WorldBuilder(Bare(room_size=7), seed)
        box = world.add("box", at=(2, 1))
        world.add("ball", at=(1, 1))
        key = world.add("key", next_to=box)
        assert key.is_beside(box)
        found.add(key.position)
    assert found == {(3, 1), (2, 2)}


def test_beside_a_door_but_never_before_the_agent() -> None:
    for seed in range(20):
        world = WorldBuilder(Bare(room_size=7, num_cols=2), seed)
        door = world.add_door(world.room(), "right")
        x, y = door.position
        world.place_agent(at=(x - 2, y), direction="right")  # it looks at the tile before the door
        key = world.add("key", next_to=door)
        assert key.position == (x + 1, y)
        with pytest.raises(RejectedLayout, match=r"no tile beside the .* door is free"):
            world.add("key", next_to=door)


def test_beside_other_things_the_ways_through_doors_stay_free() -> None:
    for seed in range(20):
        world = WorldBuilder(Bare(room_size=4), seed)
        door = world.add_door(world.room(), "left")
        before = (1, door.position[1])
        box = world.add("box", at=(2, door.position[1]))
        assert world.add("key", next_to=box).position != before


def test_places_that_cannot_be_are_refused() -> None:
    world = placed(("box", "blue", 1, 1))
    box = world.things[0]
    hidden = world.add("key", inside=box)
    with pytest.raises(TaskError, match=r"nothing lies beside the .* key: it is inside a box"):
        world.add("ball", next_to=hidden)
    with pytest.raises(TaskError, match="give one"):
        world.add("ball", next_to=box, at=(2, 2))
    with pytest.raises(TaskError, match="give one"):
        world.add("ball", next_to=box, room=world.room())


# ------------------------------------------------------------------------------------------------ describing


def test_descriptions_name_the_neighbor() -> None:
    world = placed(*ROOM)
    ball, box = world.things[:2]
    assert render(GoTo(world.describe(ball, next_to=box))) == "go to the red ball next to the blue box"
    short = world.describe(ball, color=False, relation=NextTo(world.describe(box, color=False)))
    assert render(GoTo(short)) == "go to the ball next to a box"
    assert not world.describe(world.things[0], color=False, relation="in the corner").definite
    with pytest.raises(TaskError, match=r"red ball at \(4, 1\) is not in the relation"):
        world.describe(world.things[2], next_to=box)
    with pytest.raises(TaskError, match="give next_to or relation, not both"):
        world.describe(ball, next_to=box, relation="in the corner")


def test_relation_that_a_task_lacks_is_refused() -> None:
    with pytest.raises(TaskError, match="no relation 'in the middle', it has 'in the corner': name it in relations"):
        placed(*ROOM).finish(GoTo(replace(BALL, relation="in the middle")))
    with pytest.raises(TaskError, match="it has none"):
        WorldBuilder(Neighbors(), 0).matches(replace(BALL, relation="in the corner"))


# ------------------------------------------------------------------------------------------------ a task's own


def test_relations_are_words_and_a_question() -> None:
    relation = Relation("  By the  WALL ", lambda world, thing: True)
    assert relation == "by the wall"
    assert pickle.loads(pickle.dumps(relation)) == "by the wall"
    for words, holds in (("", print), (3, print), ("by the wall", None), ("by the wall", "holds")):
        with pytest.raises(ConfigurationError, match="words and a function"):
            Relation(words, holds)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("relations", "reason"),
    [
        (("in the corner",), r"a tuple of Relation\(words, holds\)"),
        ((Relation("next to the door", print),), "Wrong: the relation 'next to the door' cannot be told"),
        ((Relation("alone", print), Relation("alone", print)), "twice"),
    ],
)
def test_relations_that_cannot_work_are_refused(relations, reason) -> None:
    class Wrong(Bare):
        pass

    Wrong.relations = relations
    with pytest.raises(ConfigurationError, match=reason):
        Wrong()


@pytest.mark.parametrize("source", [NEIGHBORS, NORTHERN])
def test_contract_holds_and_experts_solve_it(source) -> None:
    contract.check(source, range(60))
    bank = build_bank(source, 60, cache=False, progress=False)
    assert not unsolved_seeds(bank)
    assert (expert_steps(bank) > 0).all()


def test_own_relation_means_what_its_function_says() -> None:
    words = NORTHERN.embodiment.vocabulary.words
    assert words[-2:] == ("north", "south")
    for seed in range(20):
        episode = NORTHERN.sample(seed)
        is_north = episode.instruction.endswith("in the north")
        y, x = divmod(episode.program[0][2] >> 16, 1)[0], episode.program[0][2] & 0xFFFF
        assert (x, y) == ((2, 2) if is_north else (3, 5))


def test_words_of_a_relation_are_one_part_of_the_bank_key(monkeypatch) -> None:
    """The file may import them from elsewhere."""
    before = NORTHERN.fingerprint()
    renamed = [
        Relation(words, old.holds) for words, old in zip(("up there", "down there"), Northern.relations, strict=True)
    ]
    monkeypatch.setattr(Northern, "relations", tuple(renamed))
    assert source_of(Northern).fingerprint() != before
    assert source_of(Northern).sample(0).instruction in ("go to the red ball up there", "go to the red ball down there")


def test_relations_of_a_notebook_are_read_into_the_key(monkeypatch) -> None:
    """Where there is no file, the functions stand for it."""

    def print_of(holds: Callable[[Any, Any], bool]) -> bytes:
        class Local(Bare):
            relations = (Relation("in a line", holds),)

        return own_code.code_of(Local)

    monkeypatch.setattr(own_code.Path, "is_file", lambda path: False)
    across, other, down = (
        lambda world, thing: thing.position[0] == 1,
        lambda world, thing: thing.position[0] == 2,
        lambda world, thing: thing.position[1] == 1,
    )
    assert b"in a line" in print_of(across)
    assert len({print_of(across), print_of(other), print_of(down)}) == 3


def test_varied_words_keep_the_relation() -> None:
    split = training_split(HeldOut(factors=("phrasing", "synonym")))
    bank = build_bank(NEIGHBORS, 80, split=split, cache=False, progress=False)
    assert len(bank.instructions) > 40
    assert {goal.target.relation for goal in map(without_determiners, bank.goals())} == {  # type: ignore[union-attr]
        NextTo(ObjectDescription(ObjectType.BALL, Color.RED)),
        NextTo(ObjectDescription(ObjectType.BOX, Color.BLUE)),
    }
    assert not {word for text in bank.instructions for word in text.split()} & set(HELD_OUT_SYNONYMS)
