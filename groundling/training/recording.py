"""Recording demonstrations: an expert plays the episodes of a bank, and those that it solves are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from groundling.agents.bots import Expert, Sight
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.sources import EpisodeSource, chosen_split, find_source
from groundling.envs.banks.splits import AnySplit
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import ConfigurationError
from groundling.training.demonstrations import DemonstrationSet, Provenance

DEFAULT_NUM_ENVS: Final = 256
MIN_SOLVED: Final = 0.5  # an expert that solves less of a task has nothing to teach
ENOUGH_TRIED: Final = 64  # episodes after which that can be told


class Played(NamedTuple):
    """What an expert did in each of E episodes, with F actions in those that it solved.

    Attributes:
        actions: [F] uint8, of the solved episodes, one after the other.
        lengths: [E] int64, actions of each.
        returns: [E] float64, sum of rewards of each.
        solved: [E] bool, whether it ended in success.
        lost: [E] bool, whether the expert found no way and gave up.
    """

    actions: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    returns: NDArray[np.float64]
    solved: NDArray[np.bool_]
    lost: NDArray[np.bool_]


def record(
    task: str | EpisodeSource,
    episodes: int,
    *,
    seed: int = 0,
    split: str | AnySplit = "train",
    sees: Sight = "explored",
    num_envs: int = DEFAULT_NUM_ENVS,
    cache: bool = True,
    progress: bool = True,
) -> DemonstrationSet:
    """Demonstrations of the first episodes of a task's split that an expert solves.

    Args:
        task: id of a level or task (see ``find_source``), or the source of the episodes itself.
        episodes: N, how many are wanted; where some are not solved, more are played.
        seed: names the episodes, those of ``build_bank`` with the same seed.
        split: "all", "train", "seen", "unseen" or a ``Split``.
        sees: what the expert knows of the world, see ``Expert``.
        num_envs: episodes played side by side; the demonstrations do not depend on it.
        cache: read and write the bank of the episodes in the cache.
        progress: show bars on standard error.

    Raises:
        UnknownEnvironmentError, UnsupportedLevelError, TaskError: see ``build_bank``.
        SplitError: if the split is unknown or empty.
        ConfigurationError: if episodes or num_envs is less than 1, the seed is negative, or the expert solves less
            than half of the episodes, or cannot play the task.
    """
    if episodes < 1:
        raise ConfigurationError(f"episodes must be at least 1, got {episodes}")
    if num_envs < 1:
        raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
    source = find_source(task) if isinstance(task, str) else task
    if source.embodiment.rover is not None:
        raise ConfigurationError(f"{source.id} is driven by a rover, and the experts walk the grid only")
    chosen = chosen_split(source, split)
    parts: list[Played] = []
    size = episodes
    while True:
        # A bank of the same seed and another size begins with the same episodes.
        bank = build_bank(source, size, seed=seed, split=chosen, cache=cache and size == episodes, progress=progress)
        tried = sum(len(part.solved) for part in parts)
        with _Bar(f"recording {source.id}", size, tried, shown=progress) as bar:
            parts.append(play(bank.take(slice(tried, None)), sees=sees, num_envs=num_envs, on_ended=bar))
        solved = np.concatenate([part.solved for part in parts])
        share = float(solved.mean())
        if share < MIN_SOLVED and size >= ENOUGH_TRIED:
            raise ConfigurationError(_complaint(source.id, sees, bank, parts))
        missing = episodes - int(solved.sum())
        if missing <= 0:
            break
        size += math.ceil(1.25 * missing / max(share, MIN_SOLVED)) + 8
    rows = np.flatnonzero(solved)[:episodes]
    lengths, returns, lost = (np.concatenate([p[i] for p in parts])[: rows[-1] + 1] for i in (1, 2, 4))
    starts = np.concatenate([[0], np.cumsum(lengths[rows])]).astype(np.int64)
    return DemonstrationSet.of(
        bank.take(rows),
        np.concatenate([part.actions for part in parts])[: starts[-1]],
        starts,
        returns[rows],
        Provenance(
            task=source.id,
            source=source.fingerprint(),
            split=chosen.describe(),
            expert=sees,
            seed=seed,
            tried=len(lost),
            lost=int(lost.sum()),
            failed=len(lost) - int(lost.sum()) - episodes,
        ),
    )


def play(
    bank: EpisodeBank,
    *,
    sees: Sight = "explored",
    num_envs: int = DEFAULT_NUM_ENVS,
    on_ended: Callable[[int], None] = lambda count: None,
) -> Played:
    """Let an expert play every episode of a bank once.

    Environment b plays episodes b, b + B, b + 2B, ... and then idles over some of them again until the others have
    ended. Where the expert is lost, the episode is given up and the next one begun.

    Args:
        bank: E episodes.
        sees: what the expert knows of the world.
        num_envs: B, at most one for each episode.
        on_ended: told how many more episodes have ended.
    """
    count = len(bank)
    batch = min(num_envs, count)
    worlds = WorldBatch(bank, batch, shuffle=False)
    worlds.reset()
    expert = Expert(worlds, sees=sees)
    out = worlds.outcomes
    episode = np.arange(batch)  # that each environment is in; from E on: idling
    began = np.zeros(batch, dtype=np.int64)  # step at which it began
    begin, lengths = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    returns = np.zeros(count)
    solved, lost = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    taken: list[NDArray[np.uint8]] = []
    while (episode < count).any():
        actions = expert.actions()
        taken.append(actions.astype(np.uint8))
        given_up = expert.lost.copy()
        worlds.step(actions)
        over = out.ended | given_up
        if not over.any():
            continue
        counted = over & (episode < count)
        rows = episode[counted]
        begin[rows] = began[counted]
        lengths[rows] = len(taken) - began[counted]
        returns[rows] = out.episode_return[counted]
        lost[rows] = given_up[counted]
        solved[rows] = out.success[counted] & ~given_up[counted]
        astray = given_up & ~out.ended
        if astray.any():
            worlds.reset(astray)
        episode[over] += batch
        began[over] = len(taken)
        on_ended(len(rows))
    # [steps, B] in the order of the episodes
    rows = np.flatnonzero(solved)
    ends = np.cumsum(lengths[rows])
    step = np.arange(ends[-1] if len(rows) else 0) + np.repeat(begin[rows] - ends + lengths[rows], lengths[rows])
    own = np.stack(taken)[step, np.repeat(rows % batch, lengths[rows])]
    return Played(own, lengths, returns, solved, lost)


def _complaint(task: str, sees: Sight, bank: EpisodeBank, parts: list[Played]) -> str:
    solved, lost = (np.concatenate([part[i] for part in parts]) for i in (3, 4))
    seeds = ", ".join(str(seed) for seed in bank.seeds[~solved][:5])
    told = (
        f"the expert ({sees}) solves only {int(solved.sum()):,} of {len(solved):,} episodes of {task}: it is lost in "
        f"{int(lost.sum()):,} (seeds that fail: {seeds} ...). "
    )
    if sees == "explored":
        return told + "Try the one that knows the whole world (--expert world)"
    return told + "The task may have no solution, or asks for what no expert knows"


class _Bar(Progress):
    """How many episodes have been played, on a terminal."""

    def __init__(self, description: str, total: int, completed: int, *, shown: bool) -> None:
        console = Console(stderr=True)
        super().__init__(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("episodes"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_interactive),  # elsewhere rich would print an empty line
        )
        self._of_all = self.add_task(description, total=total, completed=completed)

    def __call__(self, count: int) -> None:
        self.advance(self._of_all, count)
