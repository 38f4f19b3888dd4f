"""Curves as a chart of characters, for terminals and pipes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from groundling.eval.curves import Curve

SIGNS: Final = ("●", "▲", "■", "◆", "○", "△")
BANDS: Final = ("░", "▒", "▓")
ASCII_SIGNS: Final = ("*", "+", "x", "o", "#", "@")
ASCII_BANDS: Final = (":", "-", ".")
COLORS: Final = ("blue", "yellow", "green", "red", "magenta", "cyan")
HEIGHT: Final = 13
LABEL: Final = 8  # columns left of the axis


def text_chart(
    title: str,
    curves: Sequence[Curve],
    *,
    limits: tuple[float, float],
    width: int = 80,
    height: int = HEIGHT,
    ascii_only: bool = False,
) -> Text:
    """A chart of several curves, a sign for each, their intervals shaded.

    Args:
        title: above it.
        curves: at least one.
        limits: lowest and highest value of the axis.
        width: columns of the whole chart.
        height: lines of the plot.
        ascii_only: use no character that is not ASCII.
    """
    signs, bands = (ASCII_SIGNS, ASCII_BANDS) if ascii_only else (SIGNS, BANDS)
    vertical, corner, line = ("|", "+", "-") if ascii_only else ("│", "└", "─")
    bottom, top = limits
    left, right = min(c.frames[0] for c in curves), max(c.frames[-1] for c in curves)
    columns = max(width - LABEL - 2, 10)
    cells: list[list[tuple[str, str]]] = [[(" ", "")] * columns for _ in range(height)]
    places = np.linspace(left, right, columns)
    for number, curve in enumerate(curves):
        inside = np.flatnonzero((places >= curve.frames[0]) & (places <= curve.frames[-1]))
        style = f"{COLORS[number % len(COLORS)]} dim"
        low, high = (
            _lines(np.interp(places, curve.frames, end), bottom, top, height) for end in (curve.low, curve.high)
        )
        for column in inside.tolist() if curve.runs > 1 else ():
            for place in range(high[column], low[column] + 1):
                if cells[place][column][0] == " ":
                    cells[place][column] = (bands[number % len(bands)], style)
    for number, curve in enumerate(curves):  # the means stand above all intervals
        inside = np.flatnonzero((places >= curve.frames[0]) & (places <= curve.frames[-1]))
        mean = _lines(np.interp(places, curve.frames, curve.mean), bottom, top, height)
        for column in inside.tolist():
            cells[mean[column]][column] = (signs[number % len(signs)], COLORS[number % len(COLORS)])
    text = Text(f"{title}\n", style="")
    for place, row in enumerate(cells):
        value = top - (top - bottom) * place / (height - 1)
        label = f"{value:.3g}" if place in (0, height // 2, height - 1) else ""
        text.append(f"{label:>{LABEL}} {vertical}")
        end = max((column for column, (sign, _) in enumerate(row) if sign != " "), default=-1)
        for sign, style in row[: end + 1]:
            text.append(sign, style=style)
        text.append("\n")
    text.append(" " * (LABEL + 1) + corner + line * columns + "\n")
    ends = f"{short_count(left)}", f"{short_count(right)} frames"
    text.append(" " * (LABEL + 2) + ends[0] + ends[1].rjust(columns - len(ends[0])) + "\n")
    for number, curve in enumerate(curves):
        text.append(" " * (LABEL + 2))
        text.append(signs[number % len(signs)], style=COLORS[number % len(COLORS)])
        first, *more = textwrap.wrap(told(curve), columns - 2)
        text.append(f" {first}\n" + "".join(f"{' ' * (LABEL + 4)}{line}\n" for line in more))
    return text


def told(curve: Curve) -> str:
    """A curve's name, how many runs it is of, and where it ends."""
    seeds = f", {curve.runs} seeds" if curve.runs > 1 else ""
    interval = f" [{curve.low[-1]:.3f}, {curve.high[-1]:.3f}]" if curve.has_interval else ""
    return f"{curve.name}{seeds}: {curve.mean[-1]:.3f}{interval} at the end"


def short_count(number: float) -> str:
    """For example 1.5M, 20k or 300."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def _lines(values: NDArray[np.float64], bottom: float, top: float, height: int) -> NDArray[np.int64]:
    """The line of each value, 0 at the top."""
    share = np.clip((values - bottom) / (top - bottom), 0, 1)
    return np.asarray(np.rint((1 - share) * (height - 1)), dtype=np.int64)
