"""The rules of RTFM once more, plain and slow: names instead of numbers, one object for each thing, no arrays.

It draws its random numbers in the same order as the compiled rules, from the same generator (splitmix64), so that both
can be compared step by step.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from splitmix import Dice

from groundling.envs.families.manuals.rtfm.names import ELEMENTS, ITEMS, KINDS, MODIFIERS, TEAMS, Variant
from groundling.envs.families.manuals.rtfm.wording import ABSENT, BEATS, BELONGS, GOALS, Wording

MOVES = {0: (0, 0), 1: (0, -1), 2: (0, 1), 3: (-1, 0), 4: (1, 0)}


def all_assignments(variant: Variant) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Team of each kind, element of each modifier: every pair, in the order of sorted tuples of places in the lists."""
    sides = []
    for things, groups in ((variant.kinds, TEAMS), (variant.modifiers, ELEMENTS)):
        each = len(things) // len(groups)
        every = itertools.product(range(len(groups)), repeat=len(things))
        ways = [way for way in every if all(way.count(g) == each for g in range(len(groups)))]
        sides.append([tuple(groups[g] for g in way) for way in sorted(ways)])
    return list(itertools.product(*sides))


@dataclass
class Monster:
    kind: str
    element: str
    x: int
    y: int
    is_alive: bool = True


@dataclass
class Item:
    type: str
    modifier: str
    x: int
    y: int
    lies: bool = True


def listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


class Room:
    """One room; ``numbers`` are those of the assignments of the split, in the order in which they are drawn."""

    def __init__(self, variant: Variant, dice: Dice, assignments, numbers, wording: Wording, max_steps: int) -> None:
        self.variant, self.dice, self.wording, self.max_steps = variant, dice, wording, max_steps
        self.assignments, self.numbers = assignments, numbers
        self.begin()

    def begin(self) -> None:
        dice = self.dice
        teams, elements = self.assignments[dice.pick(self.numbers)]
        self.team_of = dict(zip(self.variant.kinds, teams, strict=True))
        self.beats = dict(zip(self.variant.modifiers, elements, strict=True))
        self.team = dice.pick(TEAMS)
        element = dice.pick(ELEMENTS)
        target_kind = dice.pick([kind for kind in KINDS if self.team_of.get(kind) == self.team])
        good = dice.pick([m for m in MODIFIERS if self.beats.get(m) == element])
        other_element = dice.pick([e for e in ELEMENTS if e != element])
        bad = dice.pick([m for m in MODIFIERS if self.beats.get(m) == other_element])
        other_team = dice.pick([team for team in TEAMS if team != self.team])
        other_kind = dice.pick([kind for kind in KINDS if self.team_of.get(kind) == other_team])
        types = dice.pick(ITEMS), dice.pick(ITEMS)
        free: list[tuple[int, int]] = []
        inner = self.variant.size - 2
        while len(free) < 5:
            number = dice.below(inner * inner)
            cell = (number % inner + 1, number // inner + 1)
            if cell not in free:
                free.append(cell)
        self.x, self.y = free[0]
        self.is_alive = True
        self.target = Monster(target_kind, element, *free[1])
        self.distractor = Monster(other_kind, other_element, *free[2])
        self.monsters = [self.target, self.distractor]
        self.items = [Item(types[0], good, *free[3]), Item(types[1], bad, *free[4])]
        self.carried: Item | None = None
        self.steps = 0
        self.write()

    def write(self) -> None:
        dice, wording = self.dice, self.wording

        def form(forms, kind: int) -> str:
            first = wording.first_form[kind]
            return dice.pick(forms[first : first + wording.num_forms[kind]])

        self.goal = form(GOALS, 2).format(team=self.team)
        statements: list[str | int] = [*ELEMENTS, *TEAMS, *range(wording.absent)]
        if wording.shuffled:
            for row in range(len(statements) - 1, 0, -1):
                other = dice.below(row + 1)
                statements[row], statements[other] = statements[other], statements[row]
        first_absent = dice.below(len(ABSENT))
        self.manual = []
        for about in statements:
            if about in ELEMENTS:
                names = [m for m in MODIFIERS if self.beats.get(m) == about]
                self.manual.append(form(BEATS, 0).format(element=about, modifiers=listed(names)))
            elif about in TEAMS:
                names = [kind for kind in KINDS if self.team_of.get(kind) == about]
                self.manual.append(form(BELONGS, 1).format(team=about, kinds=listed(names)))
            else:
                self.manual.append(ABSENT[(first_absent + int(about)) % len(ABSENT)])

    def is_inside(self, x: int, y: int) -> bool:
        return 1 <= x <= self.variant.size - 2 and 1 <= y <= self.variant.size - 2

    def choice_of(self, monster: Monster) -> int:
        def distance(x: int, y: int) -> float:
            return math.hypot(x - self.x, y - self.y)

        now = distance(monster.x, monster.y)
        is_hostile = self.dice.below(5) < 3
        can = [m for m, (dx, dy) in MOVES.items() if self.is_inside(monster.x + dx, monster.y + dy)]
        closer = [m for m in can if distance(monster.x + MOVES[m][0], monster.y + MOVES[m][1]) < now]
        return self.dice.pick(closer if is_hostile and now <= 5 else can)

    def step(self, action: int) -> tuple[float, bool, bool, bool]:
        """Reward, terminated, truncated, won."""
        order = list(self.monsters)
        chosen = {}
        if self.variant.moving:
            chosen = {monster.kind: self.choice_of(monster) for monster in self.monsters}
            if self.dice.below(2):
                order.reverse()
        dx, dy = MOVES[action]
        if self.is_inside(self.x + dx, self.y + dy):
            self.x, self.y = self.x + dx, self.y + dy
        for item in self.items:
            if item.lies and (item.x, item.y) == (self.x, self.y):
                item.lies = False
                self.carried = item
        self.meet(order)
        for monster in order:
            if self.is_alive and self.target.is_alive and self.distractor.is_alive and self.variant.moving:
                dx, dy = MOVES[chosen[monster.kind]]
                monster.x, monster.y = monster.x + dx, monster.y + dy
                self.meet([monster])
        self.steps += 1
        if not self.target.is_alive and self.is_alive:
            return 1.0, True, False, True
        if not (self.is_alive and self.distractor.is_alive):
            return -1.0, True, False, False
        is_late = self.steps >= self.max_steps
        return (-1.0 if is_late else -0.02), False, is_late, False

    def meet(self, order: list[Monster]) -> None:
        for monster in order:
            if (monster.x, monster.y) == (self.x, self.y) and self.is_alive and all(m.is_alive for m in self.monsters):
                if self.carried is not None and self.beats[self.carried.modifier] == monster.element:
                    monster.is_alive = False
                else:
                    self.is_alive = False

    def names(self) -> list[list[str]]:
        """What is seen in every cell, row by row."""
        size = self.variant.size
        seen = [["floor" if self.is_inside(x, y) else "wall" for x in range(size)] for y in range(size)]
        for item in self.items:
            if item.lies:
                seen[item.y][item.x] = f"{item.modifier} {item.type}"
        for monster in sorted(self.monsters, key=lambda monster: -KINDS.index(monster.kind)):
            if monster.is_alive:
                seen[monster.y][monster.x] = f"{monster.element} {monster.kind}"
        if self.is_alive:
            seen[self.y][self.x] = "you"
        return seen
