"""Draw the pictures of docs/how_it_works.md, docs/pictures/*.svg. `python docs/how_it_works.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

FOLDER = Path(__file__).parent / "pictures"
INK, PALE = "#1f2937", "#6b7280"
WORLD, AGENT, LEARNING, TEST = "#dbeafe", "#dcfce7", "#fef3c7", "#fce7f3"
COLORS = {
    "red": "#ef4444",
    "green": "#22c55e",
    "blue": "#3b82f6",
    "purple": "#a855f7",
    "yellow": "#facc15",
    "grey": "#9ca3af",
}
HELD_OUT = {("purple", "key"), ("green", "box"), ("yellow", "ball"), ("grey", "key")}


class Drawing:
    """Boxes and arrows in one figure, in units of tenths of an inch, (0, 0) below left."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width / 10, height / 10), facecolor="white")
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.axis("off")

    def box(
        self, x: float, y: float, width: float, height: float, title: str, told: str = "", color: str = WORLD
    ) -> None:
        """A box with its lower left corner, a title, and what it does below that."""
        shape = FancyBboxPatch(
            (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.8", fc=color, ec=INK, lw=0.8
        )
        self.axes.add_patch(shape)
        middle = x + width / 2
        if told:
            self.text(middle, y + height - 1.9, title, weight="bold")
            self.text(middle, y + (height - 3) / 2, told, size=8)
        else:
            self.text(middle, y + height / 2, title, weight="bold")

    def text(self, x: float, y: float, text: str, size: float = 9, color: str = INK, **options: str) -> None:
        """Text around a point."""
        self.axes.text(x, y, text, size=size, color=color, ha=options.pop("ha", "center"), va="center", **options)

    def arrow(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        told: str = "",
        bend: float = 0.0,
        above: float = 1.2,
    ) -> None:
        """An arrow with what goes along it."""
        style = f"arc3,rad={bend}"
        self.axes.add_patch(
            FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, lw=0.9, color=INK, connectionstyle=style)
        )
        if told:
            self.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + above, told, size=7.5, color=PALE)

    def save(self, name: str) -> None:
        """Write the picture."""
        self.figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})


def draw_flow() -> None:
    """From a task to a report."""
    it = Drawing(84, 44)
    it.box(1, 33, 15, 9, "task", "draws a room, things\nand a goal", WORLD)
    it.box(24, 33, 15, 9, "bank", "many episodes,\ndrawn ahead of time", WORLD)
    it.box(47, 33, 17, 9, "compiled worlds", "B at once: rules, goal\ncheck, views", WORLD)
    it.arrow((16, 37.5), (24, 37.5), "seed")
    it.arrow((39, 37.5), (47, 37.5), "episodes")
    it.box(47, 16, 17, 9, "agent", "encoders, fusion,\nmemory, heads", AGENT)
    it.arrow((51, 33), (51, 25))
    it.text(50.3, 29, "observation:\nimage, instruction", size=7.5, color=PALE, ha="right")
    it.arrow((60, 25), (60, 33))
    it.text(60.7, 29, "actions [B]", size=7.5, color=PALE, ha="left")
    it.box(24, 16, 15, 9, "rollout", "T steps of B worlds,\n[T, B, ...]", LEARNING)
    it.arrow((47, 22.5), (39, 22.5), "steps")
    it.box(1, 16, 15, 9, "rewards", "what each step pays", LEARNING)
    it.arrow((16, 20.5), (24, 20.5), "paid")
    it.box(24, 2, 15, 9, "algorithm", "PPO, DAgger ...:\na gradient step", LEARNING)
    it.arrow((31.5, 16), (31.5, 11))
    it.arrow((39, 6.5), (55, 16), bend=0.3)
    it.text(46, 4.6, "parameters", size=7.5, color=PALE)
    it.box(69, 33, 14, 9, "suites", "new rooms,\nnew words", TEST)
    it.box(69, 16, 14, 9, "controls", "random, blind,\nshuffled words", TEST)
    it.box(69, 2, 14, 9, "report", "success rates with\nintervals, videos", TEST)
    it.arrow((64, 20.5), (69, 20.5))
    it.arrow((76, 33), (76, 25))
    it.arrow((76, 16), (76, 11))
    it.save("flow")


def draw_goal() -> None:
    """One goal gives the sentence and the test of success."""
    it = Drawing(84, 22)
    it.box(1, 7, 26, 9, "goal", "GoTo(ball, purple)", WORLD)
    it.box(42, 13, 41, 7.5, 'sentence: "go to the purple ball"', "what the agent reads", AGENT)
    it.box(42, 1.5, 41, 7.5, "goal check", "does the agent face a purple ball?", TEST)
    it.arrow((27, 13), (42, 17), "render(goal)", above=1.4)
    it.arrow((42, 15.2), (27, 11.2))
    it.text(36.5, 11.6, "parse(sentence)", size=7.5, color=PALE, ha="left")
    it.arrow((27, 9), (42, 5.2), "compile", above=-1.7)
    it.save("goal")


def draw_gates() -> None:
    """How words open and close the channels of a cell."""
    it = Drawing(84, 34)
    words = ["go", "to", "the", "purple", "key"]
    weights = {"color": [0.02, 0.02, 0.06, 0.85, 0.05], "type": [0.04, 0.03, 0.05, 0.08, 0.80]}
    it.text(17, 31.5, "the instruction, word by word", color=PALE, size=8)
    for place, word in enumerate(words):
        it.box(1 + place * 6.6, 26, 6, 4, word, "", WORLD)
        for row, (part, weight) in enumerate(weights.items()):
            it.axes.add_patch(
                Rectangle((1 + place * 6.6, 20 - row * 5), 6, 3, fc="#7c3aed", alpha=weight[place], ec=INK, lw=0.5)
            )
            if not place:
                it.text(34.6, 21.5 - row * 5, f"attention of the gate of {part}", size=8, ha="left")
    it.arrow((58, 21.5), (64, 21.5))
    it.arrow((58, 16.5), (64, 16.5))
    it.box(64, 19.4, 19, 4.2, "gate of color [D]", "", AGENT)
    it.box(64, 14.4, 19, 4.2, "gate of type [D]", "", AGENT)
    it.text(17, 11, "one cell of the view: a purple ball", color=PALE, size=8)
    for place, (name, color) in enumerate(
        (("type: ball", "#e5e7eb"), ("color: purple", "#e9d5ff"), ("state", "#f3f4f6"))
    ):
        it.box(1 + place * 11.4, 5, 10.6, 4.4, name, "", color)
    it.text(39.5, 7.2, "x gates:", size=9)
    it.box(45.5, 5, 17, 4.4, "color open, type shut", "", AGENT)
    it.arrow((62.5, 7.2), (66, 7.2))
    it.box(66, 4, 17, 6.4, "readout", "of all cells [H]", LEARNING)
    it.arrow((69, 14.4), (60, 9.4), bend=-0.1)
    it.text(
        42,
        1.6,
        "color and type have gates of their own: what a word means is learned once, whatever it was combined with",
        size=8,
        color=PALE,
    )
    it.save("gates")


def draw_splits() -> None:
    """Which combinations are trained, and which suites test what."""
    it = Drawing(84, 30)
    types = ("ball", "box", "key")
    for row, kind in enumerate(types):
        it.text(3.5, 20.5 - row * 6, kind, weight="bold")
        for column, (name, color) in enumerate(COLORS.items()):
            x, y = 8 + column * 7, 18 - row * 6
            held = (name, kind) in HELD_OUT
            it.axes.add_patch(
                Rectangle(
                    (x, y),
                    6,
                    5,
                    fc=color,
                    alpha=0.25 if held else 0.8,
                    ec=INK,
                    lw=1.6 if held else 0.5,
                    ls="--" if held else "-",
                )
            )
            it.text(x + 3, y + 2.5, "held out" if held else "", size=7)
            if not row:
                it.text(x + 3, 25, name, size=8)
    it.text(29, 1.8, "18 combinations: 14 are in training instructions, 4 are not", size=8, color=PALE)
    it.box(56, 20, 27, 8, "split train", "training rooms, 14 combinations", LEARNING)
    it.box(56, 11, 27, 8, "suite layout", "new rooms, the same 14", TEST)
    it.box(56, 2, 27, 8, "suite combination", "new rooms, the other 4", TEST)
    it.save("splits")


def main() -> None:
    """Write all pictures."""
    mpl.rcParams.update({"svg.hashsalt": "groundling", "font.family": "DejaVu Sans"})
    FOLDER.mkdir(exist_ok=True)
    draw_flow()
    draw_goal()
    draw_gates()
    draw_splits()


if __name__ == "__main__":
    main()
