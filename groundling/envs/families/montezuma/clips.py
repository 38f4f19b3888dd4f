"""Described clips of Montezuma's Revenge: scripted play, told in words of how the player moved by the game's RAM.

The sentences of the paper were written by people who watched people play, and are not to be had. Here programs press
joystick directions for a while, with no-ops and actions at random between, and each stretch is named by what the player
did in it: a way to a side, up or down, a jump, something taken. Without the actions at random a model takes everything
that an untrained agent does for unrelated, and nothing that such an agent changes changes that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.described_clips import DescribedClip, DescribedClips
from groundling.envs.families.montezuma.game import NOOP, Game
from groundling.envs.families.montezuma.tasks import ACTIONS, FLOOR, TASKS, Start
from groundling.seeding import integer

CLIPS_VERSION: Final = 3
FRAMES: Final = 3  # of a step: the mean of the tasks'
SEGMENTS: Final = 8  # of a play
LONGEST_CLIP: Final = 2  # segments
MOST_IDLE, MOST_SLIPS = 0.6, 0.7  # shares of no-ops, and of actions at random, in a play
FAR: Final = 6  # pixels: a shorter way has no name
FORMS: Final = 3
VALIDATION_X: Final = 53  # plays that begin in the left third of a screen validate, as in the paper

MORE_STARTS: Final = tuple(
    Start(room, "right", x) for room, x in ((0, 77), (3, 77), (3, 30), (4, 77), (4, 40), (4, 120), (10, 40), (8, 30))
)

SAID: Final[dict[str, tuple[str, ...]]] = {
    "right": ("go right", "walk to the right", "move right", "run right", "head to the right side"),
    "left": ("go left", "walk to the left", "move left", "run left", "head to the left side"),
    "up": ("climb up", "go up the ladder", "climb up the ladder", "move up"),
    "down": ("climb down", "go down the ladder", "climb down the ladder", "move down", "go down"),
    "jump": ("jump", "jump up", "leap up"),
    "jump right": ("jump right", "jump to the right", "leap over to the right"),
    "jump left": ("jump left", "jump to the left", "leap over to the left"),
    "take": ("jump and take the jewel", "jump up for the key", "jump and get the key", "jump up and get the jewel"),
    "wait": ("wait", "stand still", "do nothing"),
}
JOINED: Final = ("{} and {}", "{} , then {}", "{} then {}")
PRESSED: Final[dict[str, tuple[str, ...]]] = {
    "right": ("right",),
    "left": ("left",),
    "up": ("up",),
    "down": ("down",),
    "jump": ("fire", "upfire"),
    "jump right": ("rightfire", "right", "uprightfire"),
    "jump left": ("leftfire", "left", "upleftfire"),
    "wait": ("noop",),
}
ALONG_FLOOR: Final = ("right", "left", "jump", "jump right", "jump left", "wait")
ON_LADDER: Final = ("up", "down", "down", "up", "wait")


@dataclass(frozen=True)
class Segment:
    """A stretch of one intention.

    Attributes:
        actions: [n], what was pressed.
        name: how the player moved, a key of ``SAID``; None if in no way that has a name.
    """

    actions: NDArray[np.uint8]
    name: str | None


def record_clips(count: int, seed: int) -> DescribedClips:
    """So many clips, of 1 or 2 named stretches in a row each.

    Raises:
        MissingSimulatorError: if ale-py is not installed.
    """
    rng = np.random.default_rng(integer(seed, "montezuma clips"))
    game = Game()
    starts = tuple(dict.fromkeys([*(task.start for task in TASKS.values()), *MORE_STARTS]))
    states = []
    for start in starts:
        game.begin(start)
        states.append(game.save())
    clips: list[DescribedClip] = []
    while len(clips) < count:
        game.load(states[rng.integers(len(states))])
        is_validation = game.place[0] < VALIDATION_X
        clips += _clips_of(_play(game, rng), is_validation, rng)
    return DescribedClips.of(ACTIONS, clips[:count], idle=(NOOP,))


def name_of(
    before: tuple[int, int], after: tuple[int, int], highest: int, *, has_taken: bool, moved: bool
) -> str | None:
    """How the player moved, a key of ``SAID``; None if in no way that has a name.

    Args:
        before: x and height before.
        after: x and height after.
        highest: height in between.
        has_taken: something was taken.
        moved: anything but no-ops was pressed.
    """
    right, up = after[0] - before[0], after[1] - before[1]
    if has_taken:
        return "take"
    if abs(up) >= FAR and abs(up) > abs(right):
        return "up" if up > 0 else "down"
    has_jumped = highest - max(before[1], after[1]) >= FAR
    if abs(right) >= FAR:
        side = "right" if right > 0 else "left"
        return f"jump {side}" if has_jumped else side
    if has_jumped:
        return "jump"
    return None if moved else "wait"


def told(names: Sequence[str], rng: np.random.Generator) -> str:
    """A sentence for what was done one after the other."""
    sentence = _any_of(SAID[names[0]], rng)
    for name in names[1:]:
        sentence = _any_of(JOINED, rng).format(sentence, _any_of(SAID[name], rng))
    return sentence


def _play(game: Game, rng: np.random.Generator) -> list[Segment]:
    """Some stretches in a row, until a life is lost or the room is left for another time."""
    segments = []
    lives, idle, slips = game.lives, MOST_IDLE * rng.random(), max(0.0, MOST_SLIPS * (2 * rng.random() - 1))
    for _ in range(SEGMENTS):
        is_on_ladder = game.place[1] not in (FLOOR, 148) or (abs(game.place[0] - 77) < 3 and rng.random() < 0.6)
        intention = _any_of(ON_LADDER if is_on_ladder else ALONG_FLOOR, rng)
        choices = [ACTIONS.index(name) for name in PRESSED[intention]]
        length = int(rng.integers(5, 26))
        actions = rng.choice(choices, size=length)
        actions[rng.random(length) < idle] = NOOP
        has_slipped = rng.random(length) < slips
        actions[has_slipped] = rng.integers(len(ACTIONS), size=int(has_slipped.sum()))
        room, before, had, highest = game.room, game.place, game.has_taken, 0
        for action in actions.tolist():
            game.act(action, FRAMES)
            highest = max(highest, game.place[1])
        if game.lives < lives:
            break
        if game.room != room:
            segments.append(Segment(actions.astype(np.uint8), _leaving(intention)))
            continue
        name = name_of(
            before, game.place, highest, has_taken=game.has_taken and not had, moved=bool((actions != NOOP).any())
        )
        segments.append(Segment(actions.astype(np.uint8), name))
    return segments


def _leaving(intention: str) -> str | None:
    """A room is left by its sides or a ladder, where places begin anew."""
    return intention if intention in ("right", "left", "up", "down") else None


def _clips_of(segments: list[Segment], is_validation: bool, rng: np.random.Generator) -> list[DescribedClip]:
    clips = []
    for begin in range(len(segments)):
        for end in range(begin + 1, min(begin + LONGEST_CLIP, len(segments)) + 1):
            part = segments[begin:end]
            names = [segment.name for segment in part if segment.name is not None]
            if len(names) < len(part):
                break
            sentences = tuple(dict.fromkeys(told(names, rng) for _ in range(FORMS)))
            clips.append(DescribedClip(np.concatenate([one.actions for one in part]), sentences, is_validation))
    return clips


def _any_of(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
