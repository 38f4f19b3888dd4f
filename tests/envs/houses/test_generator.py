"""Generated houses: everything can be reached, wishes hold, the same seed gives the same house."""

from __future__ import annotations

import time

import numpy as np
import pytest

from groundling.envs.worlds.houses import (
    ROOM_KINDS,
    THING_KINDS,
    Forbidden,
    House,
    HouseSettings,
    Wanted,
    Wishes,
    sample_house,
)
from groundling.envs.worlds.layout import STRIDES
from groundling.errors import ConfigurationError, HouseTooSmallError, ImpossibleWishError
from groundling.language.questions.scene import Scene, Tile


def house_of(seed: int, settings: HouseSettings | None = None, wishes: Wishes | None = None) -> House:
    return sample_house(np.random.default_rng(seed), settings, wishes)


def beside(tile: Tile) -> list[Tile]:
    return [(tile[0] + dx, tile[1] + dy) for dx, dy in STRIDES]


def reachable(scene: Scene) -> set[Tile]:
    """Every tile where an agent can stand, by doors of any state, from the first free one."""
    floor = {
        (x, y)
        for room in scene.rooms
        for x in range(room.left, room.left + room.width)
        for y in range(room.top, room.top + room.height)
    }
    ways = floor - {thing.position for thing in scene.things} | {door.position for door in scene.doors}
    todo, seen = [min(ways)], set()
    while todo:
        tile = todo.pop()
        if tile in ways and tile not in seen:
            seen.add(tile)
            todo += beside(tile)
    return seen


@pytest.mark.parametrize("rooms", [1, 2, 3, 4, 5, 6, 9, 12])
def test_every_door_and_thing_can_be_stood_beside_and_every_room_reached(rooms):
    for seed in range(40):
        house = house_of(seed, HouseSettings(rooms, rooms))
        scene, seen = house.scene, reachable(house.scene)
        free = {tile for tiles in house.free for tile in tiles}
        doors = {door.position for door in scene.doors}
        assert seen == free | doors, f"seed {seed}: some floor is cut off"
        for door in scene.doors:
            assert len([tile for tile in beside(door.position) if tile in free]) == 2, f"seed {seed}: blocked {door}"
        for thing in scene.things:
            assert any(tile in free for tile in beside(thing.position)), f"seed {seed}: nobody gets to {thing}"


def test_rooms_do_not_overlap_and_hold_their_things():
    for seed in range(60):
        scene = house_of(seed).scene
        assert 3 <= sum(room.kind != "corridor" for room in scene.rooms) <= 8
        tiles = [
            (x, y)
            for room in scene.rooms
            for x in range(room.left, room.left + room.width)
            for y in range(room.top, room.top + room.height)
        ]
        assert len(tiles) == len(set(tiles))
        assert all(0 < x < scene.width - 1 and 0 < y < scene.height - 1 for x, y in tiles)
        assert not any(room.contains(door.position) for room in scene.rooms for door in scene.doors)
        on_floor = [thing.position for thing in scene.things if thing.on is None and thing.inside is None]
        assert len(on_floor) == len(set(on_floor))
        for thing in scene.things:
            assert scene.rooms[thing.room].contains(thing.position)
            assert (thing.is_open is not None) == THING_KINDS[thing.kind].is_container
            for below in (thing.on, thing.inside):
                if below is not None:
                    assert scene.things[below].position == thing.position
            if thing.on is not None:
                assert THING_KINDS[scene.things[thing.on].kind].is_surface
            if thing.inside is not None:
                assert THING_KINDS[scene.things[thing.inside].kind].is_container
        below = [row for thing in scene.things for row in (thing.on, thing.inside) if row is not None]
        assert len(below) == len(set(below)), "one thing stands on or lies in another"


def test_rooms_have_what_belongs_in_them():
    for seed in range(60):
        scene = house_of(seed).scene
        for row, room in enumerate(scene.rooms):
            if room.kind == "corridor":
                assert not list(scene.in_room(row))
                continue
            kinds = {scene.things[thing].kind for thing in scene.in_room(row)}
            assert kinds <= set(ROOM_KINDS[room.kind].belongings)
            assert ROOM_KINDS[room.kind].always[0] in kinds


def test_same_seed_gives_same_house_and_another_seed_another():
    assert house_of(3) == house_of(3)
    assert house_of(3) != house_of(4)


@pytest.mark.parametrize("seed", range(12))
def test_wishes_hold(seed):
    wishes = Wishes(
        rooms={"bedroom": 2, "garage": 0, "kitchen": 1},
        wanted=(
            Wanted("table", "red", "kitchen"),
            Wanted("cup", "blue", place="on", anchor=0),
            Wanted("fridge", room="kitchen"),
            Wanted("bottle", "green", place="inside", anchor=2),
            Wanted("sofa", "yellow"),
            Wanted("plant", "white", place="next to", anchor=4),
            Wanted("chair", "purple", "study", copies=5),
            Wanted("ball", size="big"),
        ),
        forbidden=(Forbidden("cup"), Forbidden("chair", room="study"), Forbidden("plant", "white"), Forbidden("sofa")),
    )
    scene = house_of(seed, HouseSettings(4, 8), wishes).scene
    kinds = [room.kind for room in scene.rooms]
    assert (kinds.count("bedroom"), kinds.count("garage"), kinds.count("kitchen")) == (2, 0, 1)
    found = {(thing.kind, thing.color): thing for thing in scene.things}
    cups = [thing for thing in scene.things if thing.kind == "cup"]
    assert len(cups) == 1
    assert scene.things[cups[0].on].kind == "table"
    assert scene.things[cups[0].on].color == "red"
    assert scene.rooms[cups[0].room].kind == "kitchen"
    assert any(t.kind == "bottle" and t.color == "green" and t.inside is not None for t in scene.things)
    sofas = [row for row, thing in enumerate(scene.things) if thing.kind == "sofa"]
    plants = [row for row, thing in enumerate(scene.things) if (thing.kind, thing.color) == ("plant", "white")]
    assert len(sofas) == len(plants) == 1
    assert scene.is_next_to(sofas[0], plants[0])
    studies = [row for row, kind in enumerate(kinds) if kind == "study"]
    assert sorted(sum(t.kind == "chair" and t.room == row for t in scene.things) for row in studies)[-1] == 5
    assert sum(t.kind == "chair" and kinds[t.room] == "study" for t in scene.things) == 5
    assert found["sofa", "yellow"].size == ""
    assert any(thing.kind == "ball" and thing.size == "big" for thing in scene.things)


def test_what_is_forbidden_in_a_room_is_nowhere_in_it_but_elsewhere():
    wishes = Wishes(forbidden=(Forbidden("sink", room="kitchen"), Forbidden("plant")))
    elsewhere = 0
    for seed in range(30):
        scene = house_of(seed, wishes=wishes).scene
        for thing in scene.things:
            assert thing.kind != "plant"
            assert thing.kind != "sink" or scene.rooms[thing.room].kind != "kitchen"
            elsewhere += thing.kind == "sink"
    assert elsewhere


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        (Wishes(wanted=(Wanted("spaceship"),)), "no 'spaceship'"),
        (Wishes(rooms={"attic": 1}), "'attic'"),
        (Wishes(wanted=(Wanted("cup", "mauve"),)), "none of the colors"),
        (Wishes(wanted=(Wanted("sofa"), Wanted("cup", place="on", anchor=0))), "nothing can be on a sofa"),
        (Wishes(wanted=(Wanted("table"), Wanted("bed", place="on", anchor=0))), "a bed cannot be on"),
        (Wishes(wanted=(Wanted("table"), Wanted("cup", place="on", anchor=0, copies=2))), "one thing can be on"),
        (Wishes(wanted=(Wanted("cup", place="on", anchor=0),)), "an earlier wish"),
        (Wishes({"kitchen": 0}, (Wanted("cup", room="kitchen"),)), "of which there are to be 0"),
        (Wishes({"bedroom": 0}, (Wanted("bed"),)), "name its room"),
        (Wishes(wanted=(Wanted("fridge", size="big"),)), "has no size"),
        (Wishes(wanted=(Wanted("sofa"), *(Wanted("plant", place="next to", anchor=0),) * 4)), "at most 3"),
        (Wishes(wanted=(Wanted("chair", room="bathroom", copies=70),)), "fewer copies"),
    ],
)
def test_impossible_wishes_are_refused_with_the_reason(wishes, told):
    with pytest.raises(ImpossibleWishError, match=told):
        house_of(0, wishes=wishes)


def test_house_too_small_for_its_rooms_is_refused():
    with pytest.raises(HouseTooSmallError, match="make size at least"):
        house_of(0, HouseSettings(6, 6, size=(12, 12)))
    with pytest.raises(HouseTooSmallError, match="raise max_rooms"):
        house_of(0, HouseSettings(2, 2), Wishes(rooms={"bedroom": 3}))
    with pytest.raises(ConfigurationError, match="min_rooms at most max_rooms"):
        HouseSettings(5, 4)
    assert house_of(0, HouseSettings(6, 6, size=(16, 15))).scene.width == 16


def test_houses_are_drawn_quickly():
    started = time.perf_counter()
    for seed in range(100):
        house_of(seed, HouseSettings(6, 6))
    assert time.perf_counter() - started < 2.0  # 50 a second even on a busy machine; 1,400 are usual
