"""Ids and factories: every BabyAI id as it is, and ``groundling/...`` ids registered with Gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium

from groundling.envs.bank import EpisodeBank
from groundling.envs.building import DEFAULT_SIZE, build_bank
from groundling.envs.levels import minigrid_levels, unknown_message
from groundling.envs.single import GroundlingEnv
from groundling.envs.splits import Split
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, UnknownEnvironmentError

NAMESPACE = "groundling/"


def level_of(id: str) -> str:
    """The level behind an id: ``groundling/GoToLocal-v0`` and ``BabyAI-GoToLocal-v0`` are the same.

    Raises:
        UnknownEnvironmentError: if no environment has this id; the message names the nearest ones.
    """
    level = f"BabyAI-{id.removeprefix(NAMESPACE)}" if id.startswith(NAMESPACE) else id
    if level not in gymnasium.registry:
        raise UnknownEnvironmentError(unknown_message(id, minigrid_levels()))
    return level


def make(id: str, *, split: str | Split = "all", render_mode: str | None = None) -> GroundlingEnv:
    """One environment as a ``gymnasium.Env``; see :class:`GroundlingEnv`.

    Args:
        id: a BabyAI id such as ``"BabyAI-GoToLocal-v0"``, or ``"groundling/GoToLocal-v0"``.
        split: "all", "train", "seen", "unseen" or a ``Split``.
        render_mode: None or "rgb_array".
    """
    return GroundlingEnv(level_of(id), split=split, render_mode=render_mode)


def make_vec(
    id: str | None = None,
    num_envs: int = 1,
    *,
    seed: int = 0,
    split: str | Split = "all",
    bank: EpisodeBank | None = None,
    bank_size: int = DEFAULT_SIZE,
    shuffle: bool = True,
    num_threads: int = 1,
    copy: bool = True,
    cache: bool = True,
    progress: bool = True,
    render_mode: str | None = None,
) -> GroundlingVectorEnv:
    """Many environments at once as a ``gymnasium.vector.VectorEnv``; see :class:`GroundlingVectorEnv`.

    Args:
        id: a BabyAI id such as ``"BabyAI-GoToLocal-v0"``, or ``"groundling/GoToLocal-v0"``; not needed with a bank.
        num_envs: B.
        seed: names both the bank and the order in which its episodes are played.
        split: "all", "train", "seen", "unseen" or a ``Split``.
        bank: play these episodes instead of building a bank.
        bank_size: number of episodes to build (once; the bank is cached on disk).
        shuffle: draw episodes at random; otherwise environment i starts in episode i.
        num_threads: threads that share a step; more than one pays from some thousands of environments on.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        cache: read and write the bank on disk.
        progress: show a bar while a bank is built.
        render_mode: None or "rgb_array".

    Raises:
        UnknownEnvironmentError: if no environment has this id; the message names the nearest ones.
        UnsupportedLevelError: if the level cannot be compiled.
        SplitError: if the split is unknown or empty.
        ConfigurationError: if num_envs or num_threads is less than 1, or neither id nor bank is given.
    """
    if num_envs < 1:
        raise ConfigurationError(f"num_envs must be at least 1, got {num_envs}")
    if bank is None:
        if id is None:
            raise ConfigurationError("make_vec needs the id of an environment, or a bank")
        bank = build_bank(level_of(id), bank_size, seed=seed, split=split, cache=cache, progress=progress)
    return GroundlingVectorEnv(
        bank,
        num_envs,
        seed=seed,
        shuffle=shuffle,
        num_threads=num_threads,
        copy=copy,
        render_mode=render_mode,
    )


def register_environments() -> None:
    """Register ``groundling/NAME`` with Gymnasium for every level, for ``gymnasium.make`` and ``make_vec``."""
    for level in minigrid_levels():
        id = NAMESPACE + level.removeprefix("BabyAI-")
        if id in gymnasium.registry:
            continue
        gymnasium.register(
            id,
            entry_point="groundling.envs.single:GroundlingEnv",
            vector_entry_point="groundling.envs.registry:make_registered_vec",
            kwargs={"level": level},
            disable_env_checker=True,
        )


def make_registered_vec(num_envs: int, level: str, **kwargs: Any) -> GroundlingVectorEnv:
    """What ``gymnasium.make_vec("groundling/...", vectorization_mode="vector_entry_point")`` calls."""
    return make_vec(level, num_envs, **kwargs)
