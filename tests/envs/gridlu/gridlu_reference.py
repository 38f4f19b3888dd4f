"""The rules of GridLU once more, plain and slow: names instead of numbers, one object for each block, sentences read.

It draws its random numbers in the same order as the compiled rules, from the same generator, so that both can be
compared step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

from splitmix import Dice

SHAPES, COLORS = ("circle", "triangle", "square"), ("red", "green", "blue")
OFFSETS = {"north": (0, -1), "south": (0, 1), "east": (1, 0), "west": (-1, 0)}
MOVES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@dataclass
class Block:
    color: str
    shape: str
    x: int
    y: int
    is_carried: bool = False

    def fits(self, told: list[str]) -> bool:
        """Told is "a red circle", "a circle" or "a red block", as words."""
        return all(word in (self.color, self.shape, "a", "block") for word in told)


class Grid:
    """A world; ``sentences`` are those that episodes are drawn from, of four blocks and of eight apart."""

    def __init__(self, state: int, few: list[str], many: list[str]) -> None:
        self.dice = Dice(state)
        self.few, self.many = few, many
        self.blocks: list[Block] = []
        self.begin()

    def begin(self) -> None:
        while not self._try():
            pass
        cell = self.dice.below(25)
        self.x, self.y = cell % 5, cell // 5

    def _try(self) -> bool:
        among_others = bool(self.many) and (not self.few or self.dice.below(2) == 1)
        self.sentence = self.dice.pick(self.many if among_others else self.few)
        self.blocks = []
        if "blocks" in self.sentence.split():
            self._begin_arrangement()
            return True
        told = [part.split() for part in self._told()]
        looks = [self._look(words) for words in told]
        looks.append(self._look_of_number(self.dice.below(9)))
        for color, shape in looks:
            cell = self.dice.below(25)
            self.blocks.append(Block(color, shape, cell % 5, cell // 5))
        are_alike = len(set(looks)) == 1
        return not are_alike and len({(block.x, block.y) for block in self.blocks}) == len(self.blocks)

    def _told(self) -> list[str]:
        """What the sentence tells of blocks, in its order."""
        text = self.sentence.replace(" where", " | where").replace(" is ", " | is ").replace(" of ", " | of ")
        parts = [
            part.strip().removeprefix("of ").removeprefix("where ").removesuffix(" is") for part in text.split("|")
        ]
        return [part for part in parts if part.startswith("a ")]

    def _look(self, words: list[str]) -> tuple[str, str]:
        color = next((word for word in words if word in COLORS), None)
        if color is None:
            color = self.dice.pick(COLORS)
        shape = next((word for word in words if word in SHAPES), None)
        if shape is None:
            shape = self.dice.pick(SHAPES)
        return color, shape

    def _look_of_number(self, number: int) -> tuple[str, str]:
        return COLORS[number % 3], SHAPES[number // 3]

    def _begin_arrangement(self) -> None:
        color = next((word for word in self.sentence.split() if word in COLORS), None)
        if color is None:
            self._put_four(self.dice.pick(COLORS))
        else:
            self._put_four(color)
            number = COLORS.index(color)
            self._put_four(self.dice.pick([COLORS[(number + 1) % 3], COLORS[(number + 2) % 3]]))

    def _put_four(self, color: str) -> None:
        count = 0
        while count < 4:
            cell = self.dice.below(25)
            if self.block_at(cell % 5, cell // 5) is None:
                self.blocks.append(Block(color, "square", cell % 5, cell // 5))
                count += 1

    def block_at(self, x: int, y: int) -> Block | None:
        return next((block for block in self.blocks if (block.x, block.y) == (x, y)), None)

    @property
    def carried(self) -> Block | None:
        return next((block for block in self.blocks if block.is_carried), None)

    def step(self, action: str) -> None:
        carried = self.carried
        if action == "interact":
            block = self.block_at(self.x, self.y)
            if block is not None:
                block.is_carried = not block.is_carried
            return
        x, y = self.x + MOVES[action][0], self.y + MOVES[action][1]
        if not (0 <= x < 5 and 0 <= y < 5) or (carried is not None and self.block_at(x, y) is not None):
            return
        self.x, self.y = x, y
        if carried is not None:
            carried.x, carried.y = x, y

    def is_so(self) -> bool:
        words = self.sentence.split()
        if "blocks" in words:
            return self._is_arranged(words)
        told = [part.split() for part in self._told()]
        relation = next((word for word in words if word in OFFSETS), None)
        dx, dy = OFFSETS[relation] if relation else (0, 0)
        ends = [("you", self.x, self.y)] + [(block, block.x, block.y) for block in self.blocks]
        is_agent_first = words[0] == "you"
        wanted: list[object] = [*told] if len(told) == 2 else ["you", *told] if is_agent_first else [*told, "you"]

        def fits(thing, want) -> bool:
            return thing == "you" if want == "you" else thing != "you" and thing.fits(want)

        return any(
            fits(one, wanted[0]) and fits(other, wanted[1]) and (x, y) == (ox + dx, oy + dy)
            for one, x, y in ends
            for other, ox, oy in ends
            if one is not other
        )

    def _is_arranged(self, words: list[str]) -> bool:
        color = next((word for word in words if word in COLORS), None)
        cells = {(block.x, block.y) for block in self.blocks if color in (None, block.color)}
        return is_pattern(" ".join(words[words.index("are") + 1 :]).removeprefix("a ").removeprefix("an "), cells)


def is_pattern(word: str, cells: set[tuple[int, int]]) -> bool:
    """Whether four cells are a pattern: by their sides and corners in common, not by drawings."""
    if word == "connected":
        return any(is_pattern(kind, cells) for kind in ("square", "line", "triangle", "eel", "snake"))
    if word == "disconnected":
        return any(is_pattern(kind, cells) for kind in ("diagonal line", "circle"))
    degree = sorted(sum((x + dx, y + dy) in cells for dx, dy in OFFSETS.values()) for x, y in cells)
    width = 1 + max(x for x, _ in cells) - min(x for x, _ in cells)
    height = 1 + max(y for _, y in cells) - min(y for _, y in cells)
    box = tuple(sorted((width, height)))
    is_chain = degree == [1, 1, 2, 2]
    if word == "square":
        return degree == [2, 2, 2, 2]
    if word == "line":
        return is_chain and box == (1, 4)
    if word == "triangle":
        return degree == [1, 1, 1, 3]
    if word == "circle":
        return box == (3, 3) and degree == [0] * 4 and len({abs(x - y) % 2 for x, y in cells}) == 1 and is_ring(cells)
    if word == "diagonal line":
        steps = {x - y for x, y in cells}, {x + y for x, y in cells}
        return 1 in map(len, steps) and box == (4, 4)
    ends = [(x, y) for x, y in cells if sum((x + dx, y + dy) in cells for dx, dy in OFFSETS.values()) == 1]
    if not is_chain or box != (2, 3):
        return False
    in_line = max(sum(cell[axis] == value for cell in cells) for axis in (0, 1) for value in range(5))
    if (word == "eel") != (in_line == 2):  # no three of an eel are in line
        return False
    if word == "eel":
        return True
    # a snake is the L: whoever comes along its long side turns to the left
    corner = next(cell for cell in cells if cell not in ends and touches_both_ways(cell, cells))
    short = next(end for end in ends if abs(end[0] - corner[0]) + abs(end[1] - corner[1]) == 1)
    long = next(end for end in ends if end != short)
    along, bend = (corner[0] - long[0], corner[1] - long[1]), (short[0] - corner[0], short[1] - corner[1])
    return along[0] * bend[1] - along[1] * bend[0] < 0  # y goes down


def touches_both_ways(cell: tuple[int, int], cells: set[tuple[int, int]]) -> bool:
    x, y = cell
    beside = (x - 1, y) in cells or (x + 1, y) in cells
    above = (x, y - 1) in cells or (x, y + 1) in cells
    return beside and above


def is_ring(cells: set[tuple[int, int]]) -> bool:
    x, y = (sum(values) / 4 for values in zip(*cells, strict=True))
    return all(abs(cx - x) + abs(cy - y) == 1 for cx, cy in cells)
