"""Houses in the engine: things on and in others, for both bodies, and what is seen of them."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.agents.bots.expert import Expert
from groundling.envs import EpisodeBank, Task, make_vec
from groundling.envs.engine.constants import (
    BORDER,
    CLOSED,
    FIRST_OBJECT,
    HELD,
    HOLDS,
    NOTHING_CODE,
    NOWHERE,
    Action,
    look_parts,
)
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.rendering import render_world
from groundling.envs.worlds.houses import HouseSettings, sample_house
from groundling.envs.worlds.houses.compiling import compile_house
from groundling.envs.worlds.houses.types import HOUSE_COLORS, HOUSE_LEXICON, HOUSE_TYPES, TYPE_OF
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import TaskError
from groundling.language.goals import GoTo, PickUp

KINDS = kinds_of(HOUSE_LEXICON)


class Kitchen(Task):
    """A cup on a table to the right of the agent and a fridge with a bottle in it on its left; pick the cup up."""

    room_size = 7
    types = HOUSE_TYPES
    colors = HOUSE_COLORS
    max_steps = 50

    def sample(self, world, rng):
        table = world.add("table", "red", at=(4, 3))
        cup = world.add("cup", "blue", on=table)
        fridge = world.add("fridge", "white", at=(2, 3))
        world.add("bottle", "green", inside=fridge)
        world.place_agent(at=(3, 3), direction="down")
        return PickUp(world.describe(cup))


def batch(body: str = "grid"):
    source = TaskSource("Kitchen", Kitchen())
    bank = EpisodeBank.pack("Kitchen", [source.sample(0)], vocabulary=source.embodiment.vocabulary)
    embodiment: Embodiment = source.embodiment.changed(None if body == "grid" else body)
    worlds = embodiment.make_batch(bank, 1, shuffle=False)
    worlds.reset()
    return worlds


def act(worlds, *actions):
    for action in actions:
        worlds.step(np.array([action]), autoreset=False)


def code_of(worlds, kind: str) -> int:
    return next(
        code for code in range(FIRST_OBJECT, 6) if look_parts(worlds.state.looks[0, code])[0] == KINDS.types[kind]
    )


def test_arrays_agree_with_the_scene():
    for seed in range(40):
        house = sample_house(np.random.default_rng(seed), HouseSettings(open_containers=0.5))
        scene, arrays = house.scene, compile_house(house.scene)
        doors = len(scene.doors)
        for k, thing in enumerate(scene.things, doors):
            kind, color, _ = look_parts(arrays.looks[k])
            assert KINDS.type_names[kind] == str(TYPE_OF[thing.kind])
            assert KINDS.color_names[color] == thing.color
            x, y = thing.position
            below = thing.on if thing.inside is None else thing.inside
            if below is None:
                assert arrays.cells[y, x] == FIRST_OBJECT + k
                continue
            held = arrays.contents[doors + below]
            assert held >= HOLDS
            assert held & HELD == FIRST_OBJECT + k
            is_hidden = scene.things[below].is_open is False
            assert (arrays.positions[k] == NOWHERE) == is_hidden


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_cup_is_taken_from_the_table_and_put_back(body):
    worlds = batch(body)
    turn = 1 if body == "grid" else 360 // int(worlds.rover.turn_angle_deg) // 4
    act(worlds, *[Action.LEFT] * turn, Action.PICKUP)
    cup, table = code_of(worlds, "cup"), code_of(worlds, "table")
    assert worlds.state.carried[0] == cup
    assert worlds.outcomes.success[0]
    assert worlds.state.contents[0, table - FIRST_OBJECT] == HOLDS
    act(worlds, Action.DROP)
    assert worlds.state.carried[0] == NOTHING_CODE
    assert worlds.state.contents[0, table - FIRST_OBJECT] == HOLDS | cup
    assert worlds.state.positions[0, cup - FIRST_OBJECT] == worlds.state.positions[0, table - FIRST_OBJECT]


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_fridge_opens_stays_and_gives_its_bottle(body):
    worlds = batch(body)
    turn = 1 if body == "grid" else 360 // int(worlds.rover.turn_angle_deg) // 4
    bottle, fridge = code_of(worlds, "bottle"), code_of(worlds, "fridge")
    place = (3 + BORDER) * worlds.width + 2 + BORDER
    act(worlds, *[Action.RIGHT] * turn, Action.PICKUP)
    assert worlds.state.carried[0] == NOTHING_CODE, "it is closed"
    act(worlds, Action.TOGGLE)
    assert worlds.state.cells[0, place] == fridge
    assert worlds.state.positions[0, bottle - FIRST_OBJECT] == place
    act(worlds, Action.PICKUP, Action.TOGGLE)
    assert worlds.state.carried[0] == bottle
    assert look_parts(worlds.state.looks[0, fridge])[2] == CLOSED
    act(worlds, Action.DROP)
    assert worlds.state.carried[0] == bottle, "nothing goes into a closed fridge"


@pytest.mark.parametrize("body", ["grid", "rover"])
def test_nothing_goes_into_what_holds_something(body):
    worlds = batch(body)
    turn = 1 if body == "grid" else 360 // int(worlds.rover.turn_angle_deg) // 4
    act(worlds, *[Action.LEFT] * turn, Action.PICKUP, *[Action.LEFT] * (2 * turn), Action.TOGGLE)
    cup, bottle, fridge = (code_of(worlds, kind) for kind in ("cup", "bottle", "fridge"))
    inside = int(worlds.state.contents[0, fridge - FIRST_OBJECT])
    assert inside & HELD == bottle
    act(worlds, Action.DROP)
    assert worlds.state.carried[0] == cup
    assert worlds.state.contents[0, fridge - FIRST_OBJECT] == inside


def test_what_stands_on_things_is_seen_beside_them():
    worlds = batch()
    act(worlds, Action.LEFT)
    image, on_top = worlds.seen()["image"][0], worlds.seen()["on_top"][0]
    assert image[3, 5, 0] == KINDS.types["table"]
    assert tuple(on_top[3, 5, :2]) == (KINDS.types["cup"], KINDS.colors["blue"])
    assert np.count_nonzero(on_top.any(axis=-1)) == 1
    act(worlds, Action.LEFT, Action.LEFT)
    assert not worlds.seen()["on_top"].any(), "the fridge is closed"
    act(worlds, Action.TOGGLE)
    assert worlds.seen()["on_top"][0, 3, 5, 0] == KINDS.types["bottle"]


def test_rover_sees_the_cup_on_the_table_and_the_open_fridge():
    worlds = batch("rover")
    turn = 360 // int(worlds.rover.turn_angle_deg) // 4
    act(worlds, *[Action.LEFT] * turn)
    with_cup = worlds.seen()["image"].copy()
    act(worlds, Action.PICKUP)
    table = worlds.seen()["image"][0, :40]  # above what is held
    assert (with_cup[0, :40] != table).any()
    act(worlds, *[Action.LEFT] * (2 * turn))
    closed = worlds.seen()["image"].copy()
    act(worlds, Action.TOGGLE)
    assert (closed != worlds.seen()["image"]).any()


def test_what_cannot_hold_is_refused():
    class Wrong(Kitchen):
        """A cup on a sofa."""

        def sample(self, world, rng):
            world.add("cup", on=world.add("sofa"))

    with pytest.raises(TaskError, match="nothing stands on a sofa"):
        TaskSource("Wrong", Wrong()).sample(0)


def test_house_is_made_before_anything_else():
    class Late(Kitchen):
        """A house too late."""

        def sample(self, world, rng):
            world.add("cup")
            world.house(3)

    with pytest.raises(TaskError, match="before anything is added"):
        TaskSource("Late", Late()).sample(0)


def test_expert_solves_houses():
    bank = EpisodeBank.of_seeds("groundling/FurnishedHouseGoTo-v0", range(40))
    worlds = bank.find_source().embodiment.make_batch(bank, len(bank), shuffle=False)
    worlds.reset()
    expert, solved = Expert(worlds), np.zeros(len(bank), dtype=np.bool_)
    for _ in range(int(bank.max_steps.max())):
        worlds.step(expert.actions(), autoreset=False)
        solved |= worlds.outcomes.success
        if solved.all():
            break
    assert solved.all()


def test_sizes_of_symbols_are_declared_for_agents():
    envs = make_vec("groundling/FurnishedHouseGoToSmall-v0", 4, bank_size=8, cache=False, progress=False)
    observation, _ = envs.reset(seed=0)
    space = envs.single_observation_space
    for _ in range(60):
        assert space["on_top"].contains(observation["on_top"][0])
        assert space["image"].contains(observation["image"][0])
        observation, *_ = envs.step(np.random.default_rng(0).integers(0, 7, 4))
    assert space["image"].high[0, 0, 0] == len(KINDS.solids) - 1


class FarCup(Kitchen):
    """Go to the cup, which stands on a table."""

    def sample(self, world, rng):
        table = world.add("table", at=(4, 3))
        cup = world.add("cup", "blue", on=table)
        world.place_agent(at=(1, 3), direction="right")
        return GoTo(world.describe(cup))


def test_going_to_a_table_is_going_to_what_is_on_it():
    source = TaskSource("FarCup", FarCup())
    bank = EpisodeBank.pack("FarCup", [source.sample(0)], vocabulary=source.embodiment.vocabulary)
    worlds = source.embodiment.make_batch(bank, 1)
    worlds.reset()
    act(worlds, Action.FORWARD)
    assert not worlds.outcomes.success[0]
    act(worlds, Action.FORWARD)
    assert worlds.outcomes.success[0]


def test_pictures_from_above_show_what_stands_on_things():
    worlds = batch()
    with_cup = render_world(worlds, 0)
    act(worlds, Action.LEFT, Action.PICKUP)
    tile = (slice(3 * 32, 4 * 32), slice(4 * 32, 5 * 32))
    assert (with_cup[tile] != render_world(worlds, 0)[tile]).any(axis=-1).sum() > 30
    assert with_cup[tile][:16, 16:, 2].max() > 200, "the cup is blue"
