"""Frames of a watched episode: what the agent sees, the world, the instruction, action probabilities and values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from groundling.language.vocabulary import split_words

if TYPE_CHECKING:
    from groundling.eval.watching import Moment, Watched

WORLD: Final = 704  # pixels along the picture of the world
VIEW: Final = 448  # pixels along the picture of what the agent sees
MARGIN: Final = 24
TOP: Final = 88  # height of the instruction
FONT: Final = 1.2  # of the instruction; the other texts are smaller
SMALL_FONT: Final = 0.8
ACTIONS_IN_A_ROW: Final = 7
ACTION_HEIGHT: Final = 56
DIMMEST: Final = 0.6  # brightness of a place that has no attention
INK, GREY, PALE, ACCENT = (25, 25, 25), (110, 110, 110), (225, 225, 225), (214, 85, 40)


def draw_frame(watched: Watched, place: int, scale: float) -> NDArray[np.uint8]:
    """The frame of one moment: instruction, world, view, values and action probabilities.

    Args:
        watched: the episode.
        place: index of the moment.
        scale: the largest value on the value axis.

    Returns:
        [H, W, 3] uint8, RGB.
    """
    moment = watched.moments[place]
    rows = math.ceil(len(watched.actions) / ACTIONS_IN_A_ROW)
    height = TOP + WORLD + MARGIN + rows * ACTION_HEIGHT
    canvas = np.full((height, WORLD + VIEW + 3 * MARGIN, 3), 255, dtype=np.uint8)
    _draw_words(canvas, split_words(watched.instruction), watched.strengths, 44)
    _paste(canvas, fit_picture(moment.above, WORLD), MARGIN, WORLD)
    right = 2 * MARGIN + WORLD
    _paste(canvas, fit_picture(attended(moment.seen, moment.attention), VIEW), right, VIEW)
    _draw_values(canvas, watched, place, scale, TOP + VIEW + MARGIN)
    _draw_actions(canvas, moment, watched.actions, TOP + WORLD + MARGIN)
    return canvas


def _paste(canvas: NDArray[np.uint8], picture: NDArray[np.uint8], left: int, side: int) -> None:
    """Put a picture in the middle of a square whose top is below the instruction."""
    top = TOP + (side - picture.shape[0]) // 2
    start = left + (side - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], start : start + picture.shape[1]] = picture


def fit_picture(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture as large as a square of ``side`` pixels has room for.

    It is enlarged by whole factors only, so that all pixels of the original become squares of one size.
    """
    height, width = picture.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        whole = int(factor)
        return np.asarray(picture.repeat(whole, axis=0).repeat(whole, axis=1))
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def attended(seen: NDArray[np.uint8], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture with the places of high attention bright and the others dimmed.

    Args:
        seen: [H, W, 3] uint8.
        attention: [rows, columns] from 0 up.

    Returns:
        [H, W, 3] uint8.
    """
    height, width = seen.shape[:2]
    strength: NDArray[Any] = attention / max(float(attention.max()), 1e-9)
    rows, columns = strength.shape
    if height % rows == 0 and width % columns == 0 and height // rows == width // columns:  # one value for each tile
        spread = strength.repeat(height // rows, axis=0).repeat(width // columns, axis=1)[:, :, None]
    else:
        spread = cv2.resize(strength, (width, height), interpolation=cv2.INTER_LINEAR)[:, :, None]
    return np.clip(seen * (DIMMEST + (1 - DIMMEST) * spread), 0, 255).astype(np.uint8)


def _draw_words(canvas: NDArray[np.uint8], words: Sequence[str], strengths: NDArray[np.floating], top: int) -> None:
    """The instruction; where the agent has gates, a bar under each word as long as its strength."""
    strongest = max(float(strengths.max(initial=0.0)), 1e-9)
    room = canvas.shape[1] - 2 * MARGIN
    gap = 22
    scale = FONT
    while scale > 0.5 and sum(_width(word, scale) + gap for word in words) > room:
        scale -= 0.05
    left = MARGIN
    for word, strength in zip(words, strengths, strict=False):
        _write(canvas, word, (left, top), INK, scale)
        wide = _width(word, scale)
        long = round(wide * float(strength) / strongest)
        if strengths.any():
            cv2.rectangle(canvas, (left, top + 18), (left + wide, top + 30), PALE, cv2.FILLED)
        if long > 0 and strengths.any():
            cv2.rectangle(canvas, (left, top + 18), (left + long, top + 30), ACCENT, cv2.FILLED)
        left += wide + gap


def _draw_actions(canvas: NDArray[np.uint8], moment: Moment, names: Sequence[str], top: int) -> None:
    """A bar for each action's probability; the one that is taken is marked."""
    across = (canvas.shape[1] - MARGIN) // ACTIONS_IN_A_ROW
    for number, (name, probability) in enumerate(zip(names, moment.probabilities, strict=True)):
        row, column = divmod(number, ACTIONS_IN_A_ROW)
        left, y = MARGIN + column * across, top + row * ACTION_HEIGHT
        room = across - MARGIN
        color = ACCENT if number == moment.action else GREY
        _write(canvas, name, (left, y + 16), color, SMALL_FONT)
        cv2.rectangle(canvas, (left, y + 26), (left + room, y + 38), PALE, cv2.FILLED)
        cv2.rectangle(canvas, (left, y + 26), (left + round(room * float(probability)), y + 38), color, cv2.FILLED)


def _draw_values(canvas: NDArray[np.uint8], watched: Watched, place: int, scale: float, top: int) -> None:
    """The value of each step so far; the whole width is the length of the episode. At the end, how it ended."""
    moments = watched.moments
    left, height = 2 * MARGIN + WORLD, 100
    moment = moments[place]
    _write(canvas, f"value {moment.value:+.2f}   step {moment.step}", (left, top + 16), GREY, SMALL_FONT)
    middle = top + 30 + height // 2
    cv2.line(canvas, (left, middle), (left + VIEW, middle), PALE, 2)
    across = VIEW / max(moments[-1].step, 1)
    points = [
        (round(left + each.step * across), round(middle - each.value / scale * height / 2))
        for each in moments[: place + 1]
    ]
    cv2.polylines(canvas, [np.array(points, dtype=np.int32)], False, ACCENT, 3, cv2.LINE_AA)
    cv2.circle(canvas, points[-1], 7, ACCENT, cv2.FILLED, cv2.LINE_AA)
    if moment.told:
        skipped = watched.left_out
        note = f"steps {skipped.start} to {skipped.stop - 1} are not shown" if skipped else ""
        _write(canvas, watched.summary, (left, top + 180), ACCENT, SMALL_FONT)
        _write(canvas, note, (left, top + 214), GREY, SMALL_FONT)


def _width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)[0][0])


def _write(
    canvas: NDArray[np.uint8], text: str, place: tuple[int, int], color: tuple[int, int, int], scale: float
) -> None:
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, 2, cv2.LINE_AA)
