"""Things that are to be put in a room: what counts, what is asked in houses, and the experts that bring them."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.agents.bots.expert import Expert, expert_steps
from groundling.agents.bots.rover_expert import RoverExpert
from groundling.envs import EpisodeBank, Relation, Task
from groundling.envs.engine.constants import FIRST_OBJECT, NOTHING_CODE, NOWHERE, PORTABLE_BIT, PUT_IN, Action, Verb
from groundling.envs.engine.floors import FLOOR_CODES
from groundling.envs.engine.subgoals import subgoals_now
from groundling.envs.families.own.registered import find_task
from groundling.envs.worlds.houses.stock import ROOM_FLOORS
from groundling.envs.worlds.houses.types import HOUSE_COLORS, HOUSE_TYPES
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import ConfigurationError, TaskError
from groundling.language.goals import PutIn, PutNextTo
from groundling.language.grammar import parse

LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE, DONE = Action
BRING, PUT_NEXT = "groundling/FurnishedHouseBringSmall-v0", "groundling/FurnishedHousePutNextSmall-v0"


class TwoFloors(Task):
    """A cup on a table on tiles; beyond x = 3 the floor is of boards, with a desk on it: the bedroom."""

    room_size = 7
    types = HOUSE_TYPES
    colors = HOUSE_COLORS
    max_steps = 60
    relations = (Relation("in the bedroom", lambda world, thing: thing.position[0] > 3, floor="boards"),)

    def sample(self, world, rng):
        world.floors = np.full((7, 7), FLOOR_CODES["checkered tiles"], dtype=np.uint8)
        world.floors[:, 4:] = FLOOR_CODES["boards"]
        cup = world.add("cup", "blue", on=world.add("table", "red", at=(3, 2)))
        world.add("desk", "red", at=(4, 4))
        world.add("cabinet", "red", at=(2, 3))
        world.place_agent(at=(3, 3), direction="up")
        return self.goal(world, cup)

    def goal(self, world, cup):
        return PutIn(world.describe(cup), "in the bedroom")


def batch(task=TwoFloors):
    source = TaskSource(task.__name__, task())
    bank = EpisodeBank.pack(task.__name__, [source.sample(0)], vocabulary=source.embodiment.vocabulary)
    worlds = source.embodiment.make_batch(bank, 1, shuffle=False)
    worlds.reset()
    return worlds


def act(worlds, *actions):
    for action in actions:
        worlds.step(np.array([action]), autoreset=False)
    return bool(worlds.outcomes.success[0])


def test_cup_counts_once_it_lies_on_the_floor_of_the_room():
    worlds = batch()
    assert not act(worlds, PICKUP, LEFT, LEFT, DROP), "on tiles"
    assert worlds.state.carried[0] == NOTHING_CODE
    assert not act(worlds, PICKUP, LEFT, FORWARD), "in the room, but in the hands"
    assert act(worlds, DROP)


def test_cup_counts_on_furniture_of_the_room():
    worlds = batch()
    assert not act(worlds, PICKUP, RIGHT, FORWARD, RIGHT)
    assert act(worlds, DROP)
    assert worlds.state.positions[0, 1] == worlds.state.positions[0, 2], "on the desk"


def test_another_thing_in_the_room_does_not_count():
    class Others(TwoFloors):
        """The same, with a bottle in the way."""

        def sample(self, world, rng):
            goal = super().sample(world, rng)
            world.add("bottle", "red", at=(4, 3))
            return goal

    assert not act(batch(Others), RIGHT, PICKUP, DROP)


def test_expert_takes_the_shortest_way_from_table_to_room():
    worlds = batch()
    assert Expert(worlds, sees="world").steps_to_go().tolist() == [3], "pick up, turn, drop"
    assert Expert(worlds, sees="explored").steps_to_go().tolist() == [3]


def test_expert_that_knows_all_opens_the_cabinet_in_which_the_cup_was_shut():
    worlds = batch()
    act(worlds, PICKUP, LEFT, TOGGLE, DROP, TOGGLE)
    assert worlds.state.positions[0, 1] == NOWHERE
    assert Expert(worlds, sees="world").steps_to_go().tolist() == [5], "open, pick up, turn twice, drop"


def test_subgoal_is_told_as_that_of_putting_something_near():
    worlds = batch()
    assert np.flatnonzero(subgoals_now(worlds)[0, : len(Verb)]).tolist() == [int(Verb.PUT_NEAR)]


def test_layout_in_which_the_thing_is_there_already_is_rejected():
    class There(TwoFloors):
        """The desk has the book."""

        def goal(self, world, cup):
            return PutIn(world.describe(world.add("book", "blue", at=(5, 5))), "in the bedroom")

    with pytest.raises(TaskError, match="is there already"):
        TaskSource("There", There()).sample(0)


@pytest.mark.parametrize(
    ("floor", "place", "reason"),
    [
        ("", "in the bedroom", r"takes a relation with a floor[^;]*the task has none"),
        ("mosaic", "in the bedroom", "no floor of the world is 'mosaic'"),
        ("boards", "in the attic", "nothing can be put 'in the attic'.*'in the bedroom'"),
    ],
)
def test_place_without_a_floor_is_refused(floor, place, reason):
    class Nowhere(TwoFloors):
        """Asks for a place that there is not."""

        relations = (Relation("in the bedroom", lambda world, thing: True, floor=floor),)

        def goal(self, world, cup):
            return PutIn(world.describe(cup), place)

    with pytest.raises(TaskError, match=reason):
        TaskSource("Nowhere", Nowhere()).sample(0)


def test_relation_of_an_unknown_floor_is_refused():
    with pytest.raises(ConfigurationError, match=r"holds on one of the floors checkered tiles, .* not on 'lava'"):
        Relation("in the fire", lambda world, thing: True, floor="lava")


def test_houses_ask_for_what_can_be_carried_in_a_room_that_they_have():
    source = find_task(BRING)
    for seed in range(60):
        episode = source.sample(seed)
        ((verb, _, mask, code),) = episode.program
        assert verb == PUT_IN
        assert (episode.floors == code).any()
        meant = [k for k in range(len(episode.looks)) if mask >> k & 1]
        others = [k for k, look in enumerate(episode.looks) if look >> PORTABLE_BIT & 1 and k not in meant]
        assert any(episode.positions[k] != NOWHERE for k in others)
        for k in meant:
            assert episode.looks[k] >> PORTABLE_BIT & 1
            assert episode.floors.ravel()[episode.positions[k]] != code
        goal = parse(episode.instruction, source.embodiment.lexicon)
        assert ROOM_FLOORS[goal.place.removeprefix("in the ")] == list(FLOOR_CODES)[code]


def test_houses_ask_for_things_to_be_put_next_to_what_stays():
    source = find_task(PUT_NEXT)
    for seed in range(60):
        episode = source.sample(seed)
        assert isinstance(parse(episode.instruction, source.embodiment.lexicon), PutNextTo)
        ((_, _, moved, fixed),) = episode.program
        for k in range(len(episode.looks)):
            assert not (moved >> k & 1) or episode.looks[k] >> PORTABLE_BIT & 1
            assert not (fixed >> k & 1) or not episode.looks[k] >> PORTABLE_BIT & 1


def test_most_things_are_taken_from_furniture():
    """An expert that took them from the floor alone would solve few episodes."""
    held = 0
    for seed in range(60):
        episode = find_task(BRING).sample(seed)
        mask = episode.program[0][2]
        k = next(k for k in range(len(episode.looks)) if mask >> k & 1)
        held += int(episode.cells.ravel()[episode.positions[k]]) != FIRST_OBJECT + k
    assert held > 20


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("sees", ["world", "explored"])
@pytest.mark.parametrize("task", ["Bring", "PutNext"])
@pytest.mark.parametrize("size", ["Small", "", "Large"])
def test_expert_solves_every_episode_on_the_grid(size, task, sees, count):
    bank = EpisodeBank.of_seeds(f"groundling/FurnishedHouse{task}{size}-v0", range(count))
    steps = expert_steps(bank, sees=sees)
    assert (steps > 0).all()
    assert (steps <= bank.max_steps).all()


@pytest.mark.parametrize("count", [8, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("task", [BRING, PUT_NEXT])
def test_expert_solves_every_episode_as_rover(task, count):
    bank = EpisodeBank.of_seeds(task, range(count))
    worlds = bank.find_source().embodiment.changed("rover").make_batch(bank, count, shuffle=False)
    worlds.reset()
    expert, solved = RoverExpert(worlds), np.zeros(count, dtype=np.bool_)
    for _ in range(int(worlds.state.max_steps.max())):
        worlds.step(expert.actions().copy(), autoreset=False)
        solved |= worlds.outcomes.success
        if solved.all():
            break
    assert solved.all(), np.flatnonzero(~solved)
