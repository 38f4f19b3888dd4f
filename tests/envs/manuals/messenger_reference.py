"""The rules of Messenger once more, plain and slow: names instead of numbers, cells as fractions, one object a thing.

It draws its random numbers in the same order as the compiled rules, from the same generator, so that both can be
compared step by step.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from splitmix import Dice

from groundling.envs.families.manuals.messenger import wording

STEPS = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0), "stay": (0, 0)}
WAYS = ("chaser", "fleeing", "immovable")
TRIPLES = (  # of enemy, message and goal, in the order in which they are numbered
    ("chaser", "fleeing", "immovable"),
    ("chaser", "immovable", "fleeing"),
    ("fleeing", "immovable", "chaser"),
    ("fleeing", "chaser", "immovable"),
    ("immovable", "chaser", "fleeing"),
    ("immovable", "fleeing", "chaser"),
)
AROUND = [(5, 3), (3, 5), (7, 5), (5, 7)]
CORNERS = [(2, 2), (7, 7), (7, 2), (2, 7)]
SIX = [(2, 1), (8, 1), (1, 6), (9, 6), (5, 9), (5, 4)]
# what an entity is in training games; to tell more would give away what is held out
TRAINED = {
    **dict.fromkeys(("robot", "queen", "dog", "sword"), ("enemy", "goal")),
    **dict.fromkeys(("airplane", "scientist", "bird", "mage"), ("message", "goal", "enemy")),  # enemies as false ones
    **dict.fromkeys(("ship", "thief", "fish", "ball"), ("enemy", "message")),
}


@dataclass
class Thing:
    name: str
    way: str
    x: float = 0
    y: float = 0
    is_there: bool = True
    heading: str = ""

    def distance(self, x: float, y: float) -> float:
        return abs(self.x - x) + abs(self.y - y)

    def move(self, step: str, length: float) -> None:
        x, y = self.x + STEPS[step][0] * length, self.y + STEPS[step][1] * length
        if 0 <= x <= 9 and 0 <= y <= 9:
            if (int(x), int(y)) != (int(self.x), int(self.y)):
                self.heading = step
            self.x, self.y = x, y

    def overlaps(self, other: Thing) -> bool:
        return other.is_there and abs(self.x - other.x) < 1 and abs(self.y - other.y) < 1


class Room:
    """One room.

    ``games`` are those of the split in order, where training has the four that are together at the end; ``sentences``
    are those of the original's files by split, None for our own.
    """

    def __init__(
        self,
        stage: int,
        dice: Dice,
        games: list[tuple[str, str, str]],
        split: str,
        max_steps: int,
        *,
        words: int = 0,
        any_moves: bool = False,
        new_starts: bool = False,
        sentences: dict[str, Any] | None = None,
    ) -> None:
        self.stage, self.dice, self.games, self.split, self.max_steps = stage, dice, games, split, max_steps
        self.words, self.any_moves, self.new_starts, self.sentences = words, any_moves, new_starts, sentences
        self.begin()

    def begin(self) -> None:
        dice = self.dice
        if self.split == "train":
            game = dice.pick(self.games[-4:] if dice.below(4) == 0 else self.games[:-4])
        else:
            game = dice.pick(self.games)
        ways = ["immovable"] * 5
        if self.any_moves:
            ways = list(list(itertools.product(WAYS, repeat=3))[dice.below(27)])
        elif self.stage == 2:
            ways = list(TRIPLES[dice.below(6)])
        elif self.stage == 3:
            number = dice.below(18)
            enemy, message, goal = TRIPLES[number // 3]
            ways = [enemy, message, goal, *((goal, message), (goal, enemy), (enemy, message))[number % 3]]
        self.agent = Thing("you", "")
        self.enemy, self.message, self.goal = (Thing(name, way) for name, way in zip(game, ways, strict=False))
        self.false = []
        if self.stage == 3:
            self.false = [Thing(game[1], ways[3]), Thing(game[2], ways[4])]
        self.others = [self.enemy, self.message, self.goal, *self.false]
        self.set_out()
        self.has_message = self.stage == 1 and dice.below(5) == 0
        self.steps = 0
        self.write()

    def set_out(self) -> None:
        cells = {1: AROUND, 2: CORNERS, 3: SIX}[self.stage]
        things = [self.agent, *self.others]
        if self.new_starts:
            found: list[tuple[int, int]] = []
            tries = 0
            while len(found) < len(things):
                number = self.dice.below(100)
                x, y = number % 10, number // 10
                if (x, y) not in cells and all(max(abs(x - a), abs(y - b)) >= 3 for a, b in found):
                    found.append((x, y))
                tries += 1
                if tries % 64 == 0:
                    found = []
            cells = found
        else:
            cells = list(cells)
            for place in range(len(cells) - 1, 0, -1):
                other = self.dice.below(place + 1)
                cells[place], cells[other] = cells[other], cells[place]
        if self.stage == 1:
            cells = [(5, 5), *cells]
        for thing, (x, y) in zip(things, cells, strict=False):
            thing.x, thing.y = x, y

    def can_tell(self, name: str, role: str, way: str) -> bool:
        if self.sentences is not None:
            return bool(self.sentences[self.split][name][role][way])
        return self.split != "train" or role in TRAINED[name]

    def write(self) -> None:
        dice, told = self.dice, []
        for thing, role in ((self.enemy, "enemy"), (self.message, "message"), (self.goal, "goal")):
            is_left_out = self.stage < 3 and dice.below(20) >= 17 and self.can_tell(thing.name, role, "unknown")
            told.append((thing.name, role, "unknown" if is_left_out else thing.way, True))
        told += [(thing.name, "enemy", thing.way, True) for thing in self.false]
        if self.stage == 3:
            way = WAYS[(WAYS.index(self.enemy.way) + 1 + dice.below(2)) % 3]
            roles = ["message", "goal"]
            role = roles[dice.below(2)]
            if not self.can_tell(self.enemy.name, role, way):
                (role,) = set(roles) - {role}
            told.append((self.enemy.name, role, way, False))
        for row in range(len(told) - 1, 0, -1):
            other = dice.below(row + 1)
            told[row], told[other] = told[other], told[row]
        self.told = told
        self.manual = [self.sentence(name, role, way) for name, role, way, _ in told]

    def sentence(self, name: str, role: str, way: str) -> str:
        dice, words = self.dice, self.words
        if self.sentences is not None:
            return dice.pick(self.sentences[self.split][name][role][way])
        form = dice.pick((wording.UNSTATED_FORMS if way == "unknown" else wording.FORMS)[words])
        entity = dice.pick(wording.ENTITY_WORDS[name][words])
        called = dice.pick(wording.ROLE_WORDS[role][words])
        moves = dice.pick(wording.MOVEMENT_WORDS["chaser" if way == "unknown" else way][words])
        return form.format(entity=entity, role=called, movement=moves)

    def choice_of(self, thing: Thing) -> str:
        now = thing.distance(self.agent.x, self.agent.y)
        found = []
        for step in ("up", "down", "left", "right"):
            dx, dy = STEPS[step]
            then = abs(thing.x + dx / 2 - self.agent.x) + abs(thing.y + dy / 2 - self.agent.y)
            if (then < now) if thing.way == "chaser" else (then > now):
                found.append(step)
        return self.dice.pick(found or ["up", "down", "left", "right"])

    def step(self, action: str) -> tuple[float, bool, bool, bool]:
        """Reward, terminated, truncated, won."""
        moving = [thing for thing in self.others if thing.is_there and thing.way != "immovable"]
        chosen = [(thing, self.choice_of(thing)) for thing in moving]
        for thing, step in chosen:
            thing.move(step, 0.5)
        self.agent.move(action, 1)
        self.steps += 1
        reward, is_over = self.effects()
        is_late = not is_over and self.steps >= self.max_steps
        return (-1.0 if is_late else reward), is_over, is_late, is_over and reward == 1

    def effects(self) -> tuple[float, bool]:
        if any(self.agent.overlaps(thing) for thing in (self.enemy, *self.false)):
            return -1.0, True
        if self.agent.overlaps(self.goal) and not self.has_message:
            return -1.0, True
        if self.agent.overlaps(self.message):
            if self.stage == 1:
                return (-1.0 if self.has_message else 1.0), True
            self.has_message = True
            self.message.is_there = False
            return 0.5, False
        return (1.0, True) if self.agent.overlaps(self.goal) else (0.0, False)

    def seen(self) -> dict[tuple[int, int], tuple[str, str, str]]:
        """What is seen in the cells that are not empty: the agent or a second entity, an entity, its heading."""
        order = (*wording.ENTITY_WORDS,)
        headings = ("", "up", "down", "left", "right")
        cells: dict[tuple[int, int], list[Thing]] = {}
        for thing in self.others:
            if thing.is_there:
                cells.setdefault((int(thing.x), int(thing.y)), []).append(thing)
        found = {}
        for cell, things in cells.items():
            things.sort(key=lambda thing: (order.index(thing.name), headings.index(thing.heading)))
            second = things[1].name if len(things) > 1 else "floor"
            found[cell] = (second, things[0].name, things[0].heading)
        own = int(self.agent.x), int(self.agent.y)
        found[own] = ("you", *found.get(own, ("floor", "", ""))[1:])
        return found
