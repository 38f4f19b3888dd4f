"""The rules of rock-paper-scissors once more, plain and slow: letters instead of numbers, no arrays.

It draws its random numbers in the same order as the compiled rules, from the same generator, so that both can be
compared step by step.
"""

from __future__ import annotations

import math
from string import ascii_lowercase

from reference import MOVES, Dice

from groundling.envs.families.manuals.rock_paper_scissors.names import Variant
from groundling.envs.families.manuals.rock_paper_scissors.state import Wording

TRAINED = ascii_lowercase[:20]


class Room:
    """One room; ``graphs`` are those of the split in the order in which they are drawn, as three letters each."""

    def __init__(self, variant: Variant, dice: Dice, graphs, wording: Wording, max_steps: int) -> None:
        self.variant, self.dice, self.graphs, self.wording = variant, dice, graphs, wording
        self.max_steps = max_steps
        self.begin()

    def begin(self) -> None:
        dice = self.dice
        a, b, c = dice.pick(self.graphs)
        self.loses_to = {b: a, c: b, a: c}
        self.monster = dice.pick((a, b, c))
        self.winner = self.loses_to[self.monster]
        beaten = next(loser for loser, winner in self.loses_to.items() if winner == self.monster)
        free: list[tuple[int, int]] = []
        inner = self.variant.size - 2
        while len(free) < 5:
            number = dice.below(inner * inner)
            cell = (number % inner + 1, number // inner + 1)
            if cell not in free:
                free.append(cell)
        self.at, self.monster_at = free[:2]
        self.items = dict(zip((self.winner, self.monster, beaten), free[2:], strict=True))
        self.carried = ""
        self.is_alive = self.is_monster_alive = True
        self.steps = 0
        first = dice.below(3)
        said = [(self.monster, beaten), (beaten, self.winner), (self.winner, self.monster)]
        said = [*said[first:], *said[:first]]
        slots: list = [*said, *range(self.wording.absent)]
        if self.wording.shuffled or self.wording.absent:
            for row in range(len(slots) - 1, 0, -1):
                other = dice.below(row + 1)
                slots[row], slots[other] = slots[other], slots[row]
        absent: list[str] = []
        while self.wording.absent and len(absent) < 3:
            letter = dice.pick(TRAINED)
            if letter not in (a, b, c, *absent):
                absent.append(letter)
        self.manual = [
            "{} beats {}".format(*(slot if isinstance(slot, tuple) else (absent[slot], absent[(slot + 1) % 3])))
            for slot in slots
        ]

    def is_inside(self, x: int, y: int) -> bool:
        return 1 <= x <= self.variant.size - 2 and 1 <= y <= self.variant.size - 2

    def after(self, at: tuple[int, int], move: int) -> tuple[int, int]:
        return at[0] + MOVES[move][0], at[1] + MOVES[move][1]

    def chosen(self) -> int:
        now = math.dist(self.monster_at, self.at)
        is_hostile = self.dice.below(5) < 3
        can = [move for move in MOVES if self.is_inside(*self.after(self.monster_at, move))]
        closer = [move for move in can if math.dist(self.after(self.monster_at, move), self.at) < now]
        return self.dice.pick(closer if is_hostile and now <= 5 else can)

    def step(self, action: int) -> tuple[float, bool, bool, bool]:
        """Reward, terminated, truncated, won."""
        actors = ["agent"]
        move = 0
        if self.variant.moving:
            move = self.chosen()
            actors = ["agent", "monster"] if self.dice.below(2) == 0 else ["monster", "agent"]
        for actor in actors:
            if not (self.is_alive and self.is_monster_alive):
                continue
            if actor == "monster":
                self.monster_at = self.after(self.monster_at, move)
            else:
                if self.is_inside(*self.after(self.at, action)):
                    self.at = self.after(self.at, action)
                for letter, cell in list(self.items.items()):
                    if cell == self.at:
                        del self.items[letter]
                        self.carried = letter
            if self.at == self.monster_at:
                self.is_monster_alive = self.carried != self.winner
                self.is_alive = not self.is_monster_alive
        self.steps += 1
        if not self.is_monster_alive:
            return 1.0, True, False, True
        if not self.is_alive:
            return -1.0, True, False, False
        is_late = self.steps >= self.max_steps
        return (-1.0 if is_late else -0.02), False, is_late, False

    def names(self) -> list[list[str]]:
        """What is seen in every cell, row by row."""
        size = self.variant.size
        seen = [["floor" if self.is_inside(x, y) else "wall" for x in range(size)] for y in range(size)]
        for letter, (x, y) in self.items.items():
            seen[y][x] = f"{letter} item"
        if self.is_monster_alive:
            seen[self.monster_at[1]][self.monster_at[0]] = f"{self.monster} monster"
        if self.is_alive:
            seen[self.at[1]][self.at[0]] = "you"
        return seen
