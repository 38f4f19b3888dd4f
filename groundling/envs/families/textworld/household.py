"""Houses of a few rooms with furniture and things, and the task to put one of them in or on another place.

The tasks are in the spirit of ALFWorld's (Shridhar et al. 2021, arXiv:2010.03768), made with TextWorld's own world
model; the layouts, names and the split by pairs are ours.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

ROOMS: Final = {  # furniture by room; "c" is a container that is opened, "s" a place to put things on
    "kitchen": (("fridge", "c"), ("counter", "s"), ("cupboard", "c")),
    "bedroom": (("bed", "s"), ("wardrobe", "c"), ("nightstand", "s")),
    "bathroom": (("shelf", "s"), ("cabinet", "c")),
    "study": (("desk", "s"), ("drawer", "c")),
}
THINGS: Final = ("mug", "plate", "book", "towel", "candle", "apple", "clock", "pillow")
PLACES: Final = tuple(place for furniture in ROOMS.values() for place, _ in furniture)
NUM_ROOMS: Final = 2
NUM_THINGS: Final = 3
HELD_OUT_OF: Final = 4  # one pair of a thing and a place in so many is kept from training


class Plan(NamedTuple):
    """One house and its task.

    Attributes:
        rooms: from west to east.
        start: the room where one begins.
        places: of each thing, where it is.
        thing: which is to be moved.
        goal: where to.
    """

    rooms: tuple[str, ...]
    start: str
    places: dict[str, str]
    thing: str
    goal: str


def is_held_out(thing: str, goal: str) -> bool:
    """Whether training never asks to put this thing there."""
    return (THINGS.index(thing) + PLACES.index(goal)) % HELD_OUT_OF == 0


def draw_plan(rng: np.random.Generator, part: str) -> Plan:
    """A house and a task: with a held-out pair of thing and place where ``part`` is "pairs", else with another."""
    while True:
        rooms = tuple(str(room) for room in rng.choice(list(ROOMS), NUM_ROOMS, replace=False))
        places = [place for room in rooms for place, _ in ROOMS[room]]
        things = [str(thing) for thing in rng.choice(THINGS, NUM_THINGS, replace=False)]
        where = {thing: str(rng.choice(places)) for thing in things}
        goal = str(rng.choice([place for place in places if place != where[things[0]]]))
        if part == "all" or is_held_out(things[0], goal) == (part == "pairs"):
            return Plan(rooms, str(rng.choice(rooms)), where, things[0], goal)


def commands_of(plan: Plan) -> list[str]:
    """The shortest way to do the task, as commands."""
    room_of = {place: room for room in plan.rooms for place, _ in ROOMS[room]}
    kind_of = dict(item for furniture in ROOMS.values() for item in furniture)
    here, commands = plan.rooms.index(plan.start), []
    opened = set()
    for place, is_goal in ((plan.places[plan.thing], False), (plan.goal, True)):
        there = plan.rooms.index(room_of[place])
        commands += ["go east" if there > here else "go west"] * abs(there - here)
        here = there
        if kind_of[place] == "c" and place not in opened:
            commands.append(f"open {place}")
            opened.add(place)
        if not is_goal:
            commands.append(f"take {plan.thing} from {place}")
        elif kind_of[place] == "c":
            commands.append(f"insert {plan.thing} into {place}")
        else:
            commands.append(f"put {plan.thing} on {place}")
    return commands


def instruction_of(plan: Plan) -> str:
    """What is asked for."""
    kind_of = dict(item for furniture in ROOMS.values() for item in furniture)
    return f"put the {plan.thing} {'in' if kind_of[plan.goal] == 'c' else 'on'} the {plan.goal}."


def build(plan: Plan, options: Any) -> Any:
    """The game (``textworld.Game``) of a plan."""
    from textworld.generator import GameMaker
    from textworld.generator.game import Event, GameProgression, Quest
    from textworld.generator.inform7 import Inform7Game

    maker = GameMaker(options)
    rooms = [maker.new_room(name) for name in plan.rooms]
    for west, east in pairwise(rooms):
        maker.connect(west.east, east.west)
    made = {}
    for room in rooms:
        for name, kind in ROOMS[room.name]:
            made[name] = maker.new(type=kind, name=name)
            if kind == "c":
                made[name].add_property("closed")
            room.add(made[name])
    for thing, place in plan.places.items():
        made[place].add(maker.new(type="o", name=thing))
    maker.set_player(rooms[plan.rooms.index(plan.start)])
    progress = GameProgression(maker.build(), track_quests=False)
    inform, commands, actions = Inform7Game(progress.game), commands_of(plan), []
    for command in commands:
        possible = inform.gen_commands_from_actions(progress.valid_actions)
        actions.append(progress.valid_actions[possible.index(command)])
        progress.update(actions[-1])
    event = Event(actions=actions, commands=commands)
    maker.quests = [Quest(win_events=[event], commands=commands, desc=instruction_of(plan))]
    game = maker.build()
    game.objective = instruction_of(plan)
    return game
