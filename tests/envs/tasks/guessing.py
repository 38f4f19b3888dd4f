"""Policies that play well and do not read: experts in worlds whose truth is a guess, walked through the real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import Expert, RoverExpert
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine.constants import BOX, FIRST_OBJECT, KEY, NOWHERE, Verb
from groundling.envs.engine.rover import Rover
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.first_person import Camera


def objects_of(bank: EpisodeBank, row: int, kind: int | None = None) -> list[int]:
    """The objects of an episode that stand on the map, of one type or of any."""
    looks = bank.looks[row, FIRST_OBJECT:]
    there = [k for k in range(len(looks)) if bank.positions[row, k] != NOWHERE]
    return [k for k in there if kind is None or looks[k] & 0xFF == kind]


def guess(bank: EpisodeBank, seed: int, *, may_be_named: bool = True) -> EpisodeBank:
    """The same worlds with one of what could be right drawn instead of what is.

    Args:
        bank: of one of the tasks with a manual.
        seed: of the draws.
        may_be_named: whether the guess heeds no trap that the manual names.
    """
    rng = np.random.default_rng(seed)
    programs, contents = bank.programs.copy(), bank.contents.copy()
    width = bank.cells.shape[2]
    for row in range(len(bank)):
        verb, _, meant, _ = (int(number) for number in bank.programs[row, 0])
        if verb == Verb.ANNOUNCE:
            position = int(bank.positions[row, rng.choice(objects_of(bank, row))])
            programs[row, 0, 2] = position // width << 16 | position % width
        elif verb == Verb.OPEN:
            contents[row, meant.bit_length() - 1] = FIRST_OBJECT + rng.choice(objects_of(bank, row, KEY))
        else:
            wanted = FIRST_OBJECT + meant.bit_length() - 1
            boxes = objects_of(bank, row, BOX)
            right = next(k for k in boxes if bank.contents[row, k] == wanted)
            named = [] if may_be_named else [k for k in boxes if is_named_trap(bank, row, k)]
            chosen = rng.choice([k for k in boxes if k not in named])
            contents[row, right], contents[row, chosen] = contents[row, chosen], contents[row, right]
            programs[row, 0, 3] = sum(1 << k for k in boxes if k != chosen)
    return replace(bank, programs=programs, contents=contents)


def is_named_trap(bank: EpisodeBank, row: int, box: int) -> bool:
    """Whether the last but one sentence of the manual, which names a trap, has the color of a box."""
    colors = ("red", "green", "blue", "purple", "yellow", "grey")
    return f" {colors[bank.looks[row, FIRST_OBJECT + box] >> 8 & 0xFF]} box" in bank.manual(row)[-2]


def play_by(believed: EpisodeBank, bank: EpisodeBank) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Success and failure [E] in the episodes of a bank of who acts as if they were those of another."""
    ours, real = (WorldBatch(episodes, len(bank), shuffle=False) for episodes in (believed, bank))
    ours.reset()
    real.reset()
    expert = Expert(ours, sees="world")
    going = np.ones(len(bank), dtype=np.bool_)
    success, failure = np.zeros(len(bank), dtype=np.bool_), np.zeros(len(bank), dtype=np.bool_)
    while going.any():
        actions = expert.actions()
        assert not (expert.lost & going).any()
        ours.step(actions, autoreset=False)
        real.step(actions, autoreset=False)
        out = real.outcomes
        success |= out.success & going
        failure |= out.terminated & ~out.success & going
        going &= ~(out.ended | ours.outcomes.ended)
    return success, failure


def drive_by(believed: EpisodeBank, bank: EpisodeBank) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """As :func:`play_by` with rovers."""
    count = len(bank)
    ours, real = (
        RoverBatch(episodes, count, rover=Rover(), camera=Camera(width=4, height=4), shuffle=False)
        for episodes in (believed, bank)
    )
    ours.reset()
    real.reset()
    expert = RoverExpert(ours)
    going = np.ones(count, dtype=np.bool_)
    success, failure = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    while going.any():
        actions = expert.actions()
        ours.step(actions, autoreset=False)
        real.step(actions, autoreset=False)
        out = real.outcomes
        success |= out.success & going
        failure |= out.terminated & ~out.success & going
        going &= ~(out.ended | ours.outcomes.ended)
    return success, failure
