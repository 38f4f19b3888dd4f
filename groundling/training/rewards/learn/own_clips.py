"""Described clips of our own worlds: what experts and random policies do, in the words of what they reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.sources import EpisodeSource
from groundling.envs.banks.splits import AnySplit
from groundling.envs.described_clips import DescribedClip, DescribedClips
from groundling.envs.engine.constants import COLOR_OF_CODE, DOOR, FIRST_OBJECT, OPEN, TYPE_OF_CODE, Action
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError, InstructionError
from groundling.language.descriptions import ObjectDescription
from groundling.language.goals import Goal, GoTo, Open, PickUp
from groundling.language.grammar import parse
from groundling.language.paraphrases import Wording
from groundling.seeding import integer
from groundling.training.recording import play

EXPERT_SHARE: Final = 0.5
RANDOM_STEPS: Final = 40
FORMS: Final = 3  # sentences of a clip
VALIDATION: Final = 5  # each so many-th clip
WORDING: Final = Wording("trained")  # in words that tests of wordings do not hold out
ACTIONS: Final = tuple(action.name.lower() for action in Action)
MOVES: Final = (Action.LEFT, Action.RIGHT, Action.FORWARD)
STILL: Final = (int(Action.DONE),)


def own_clips(
    tasks: Sequence[tuple[EpisodeSource, AnySplit]], count: int, seed: int = 0, *, progress: bool = False
) -> DescribedClips:
    """So many clips in the layouts of tasks of ours: half of them the expert's, with the instruction in several forms.

    The others are random actions, each clip's with probabilities of its own; a clip ends where something was reached
    that can be named: a thing was picked up, a door opened, or a thing faced that was not before.

    Args:
        tasks: sources of episodes with the split that they are of.
        count: N.
        seed: of all draws.
        progress: show bars.

    Raises:
        ConfigurationError: if a task is no grid with the seven actions.
    """
    clips: list[DescribedClip] = []
    for number, (source, split) in enumerate(tasks):
        if source.embodiment.rover is not None or source.embodiment.num_actions != len(ACTIONS):
            raise ConfigurationError(
                f"clips are recorded on the grid with its {len(ACTIONS)} actions, {source.id} has another body or "
                "answers: give --learn.file with a model of your own"
            )
        rng = np.random.default_rng(integer(seed, "clips", number))
        share = count // len(tasks)
        experts = round(EXPERT_SHARE * share)
        bank = build_bank(
            source, max(share, 2), seed=integer(seed, "bank"), split=split, cache=False, progress=progress
        )
        clips += _expert_clips(bank.take(slice(0, experts)), rng)
        clips += _random_clips(bank.take(slice(experts, None)), rng)
    chosen = [DescribedClip(c.actions, c.sentences, place % VALIDATION == 0) for place, c in enumerate(clips)]
    return DescribedClips.of(ACTIONS, chosen, idle=STILL)


def told_in_forms(goal: Goal | str, rng: np.random.Generator) -> tuple[str, ...]:
    """A goal in several forms, the canonical one first; a sentence that is no goal as it is."""
    if isinstance(goal, str):
        try:
            told, goal = goal, parse(goal)
        except InstructionError:
            return (told,)
    forms = (Wording().phrase(goal, rng), *(WORDING.phrase(goal, rng) for _ in range(FORMS - 1)))
    return tuple(dict.fromkeys(forms))


def _expert_clips(bank: EpisodeBank, rng: np.random.Generator) -> Iterator[DescribedClip]:
    played = play(bank, sees="world")
    begin = 0
    for row in np.flatnonzero(played.solved).tolist():
        end = begin + int(played.lengths[row])
        yield DescribedClip(played.actions[begin:end], told_in_forms(bank.instruction(row), rng))
        begin = end


def _random_clips(bank: EpisodeBank, rng: np.random.Generator) -> Iterator[DescribedClip]:
    """What random policies reached, one clip of each episode in which they reached something."""
    worlds = WorldBatch(bank, len(bank), shuffle=False)
    worlds.reset()
    count = len(bank)
    shares = np.cumsum(rng.dirichlet(np.full(len(ACTIONS), 0.7), size=count), axis=1)
    taken = np.zeros((count, RANDOM_STEPS), dtype=np.uint8)
    ends = np.zeros(count, dtype=np.int64)
    reached: list[Goal | None] = [None] * count
    is_open = np.ones(count, dtype=np.bool_)
    before = _Looks(worlds)
    first = before.faced.copy()
    for step in range(RANDOM_STEPS):
        actions = (rng.random(count)[:, None] >= shares[:, :-1]).sum(axis=1)
        taken[:, step] = actions
        worlds.step(actions.astype(np.int64), autoreset=False)
        after = _Looks(worlds)
        for row in np.flatnonzero(is_open).tolist():
            found = _reached(before, after, row, int(first[row]), int(actions[row]))
            if found is not None:
                reached[row], ends[row] = found, step + 1
        is_open &= ~worlds.outcomes.ended
        before = after
    for row, goal in enumerate(reached):
        if goal is not None:
            yield DescribedClip(taken[row, : ends[row]], told_in_forms(goal, rng))


class _Looks:
    """What B agents carry and face, as looks; -1 for nothing."""

    def __init__(self, worlds: WorldBatch) -> None:
        state = worlds.state
        strides = np.array([1, worlds.width, -1, -worlds.width])
        ahead = state.position.astype(np.int64) + strides[state.direction]
        rows = np.arange(len(ahead))
        self.carried = _looks(state.looks, state.carried)
        self.faced = _looks(state.looks, state.cells[rows, ahead])


def _looks(looks: NDArray[np.int32], codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    found = looks[np.arange(len(codes)), codes].astype(np.int64)
    return np.where(codes >= FIRST_OBJECT, found, -1)


def _reached(before: _Looks, after: _Looks, row: int, first: int, action: int) -> Goal | None:
    """What a step brought about, as a goal; None if nothing that has a name."""
    carried, seen = int(after.carried[row]), int(after.faced[row])
    if before.carried[row] < 0 <= carried:
        thing = _described(carried)
        return None if thing is None else PickUp(thing)
    thing = None if seen < 0 or before.faced[row] == seen else _described(seen)
    if thing is None:
        return None
    if action == Action.TOGGLE:
        return Open(thing) if seen & 255 == DOOR and (seen >> 16) & 255 == OPEN else None
    return GoTo(thing) if action in MOVES and first != seen else None


def _described(look: int) -> ObjectDescription | None:
    """A thing by its type and color; None if the language has no names for them."""
    kind, color = TYPE_OF_CODE.get(look & 255), (look >> 8) & 255
    return None if kind is None or color >= len(COLOR_OF_CODE) else ObjectDescription(kind, COLOR_OF_CODE[color])
