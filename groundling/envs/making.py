"""Factories: environments by their ids, with Gymnasium and without."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from gymnasium.vector import VectorEnv

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_building import DEFAULT_SIZE, build_bank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.banks.sources import EpisodeSource, chosen_split, embodiment_of
from groundling.envs.banks.splits import AnySplit, Split
from groundling.envs.catalog import find_family, groups
from groundling.envs.engine.embodiment import Body
from groundling.envs.engine.rover import Rover
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.envs.first_person import Camera
from groundling.envs.on_device import device_envs
from groundling.envs.single import GroundlingEnv
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, SplitError
from groundling.seeding import random_seed, whole_seed
from groundling.setting_types import count_of
from groundling.trust import name_code

MOST_ENVS = 2**24


def make(
    id: str,
    *,
    split: str | AnySplit = "all",
    render_mode: str | None = None,
    body: Body | None = None,
    camera: Camera | None = None,
    top_down_pixels: int | None = None,
    explored_radius: int | None = None,
    previous_action: bool = False,
) -> GroundlingEnv:
    """One environment as a ``gymnasium.Env``; see :class:`GroundlingEnv`.

    Args:
        id: of a level or task: ``"BabyAI-GoToLocal-v0"``, ``"groundling/GoToLocal-v0"``, ``"my_tasks.py:MyTask"``.
        split: "all", "train", "seen", "unseen" or a ``Split``.
        render_mode: None or "rgb_array".
        body: "grid", "rover" or a ``Rover``; by default the task's own.
        camera: what a rover sees with.
        top_down_pixels: pixels of a tile of the view from above, another sense; None leaves it out.
        explored_radius: tiles to each side that a map of what the agent has seen shows, a sense of the grid's body;
            None leaves it out.
        previous_action: tell the agent which action it took last, another sense.
    """
    if not isinstance(id, str):
        raise ConfigurationError(f"make needs the id of an environment, a text, not {id!r}")
    name_code(id)
    return GroundlingEnv(
        id,
        split=split,
        render_mode=render_mode,
        body=body,
        camera=camera,
        top_down_pixels=top_down_pixels,
        explored_radius=explored_radius,
        previous_action=previous_action,
    )


def make_vec(
    id: str | EpisodeSource | None = None,
    num_envs: int = 1,
    *,
    seed: int | None = 0,
    split: str | AnySplit = "all",
    instruction: str | Sequence[str] = (),
    bank: EpisodeBank | TaskMixture | None = None,
    bank_size: int = DEFAULT_SIZE,
    shuffle: bool = True,
    num_threads: int = 1,
    copy: bool = True,
    cache: bool = True,
    progress: bool = True,
    render_mode: str | None = None,
    body: Body | None = None,
    camera: Camera | None = None,
    top_down_pixels: int | None = None,
    explored_radius: int | None = None,
    previous_action: bool = False,
    env_device: str = "cpu",
) -> GroundlingVectorEnv:
    """Many environments at once as a ``gymnasium.vector.VectorEnv``; see :class:`GroundlingVectorEnv`.

    Args:
        id: of a level or task: ``"BabyAI-GoToLocal-v0"``, ``"groundling/GoToLocal-v0"``, ``"my_tasks.py:MyTask"``; not
            needed with a bank.
        num_envs: B.
        seed: names both the bank and the order in which its episodes are played; None: the bank of seed 0, in an order
            that is another one each time.
        split: "all", "train", "seen", "unseen" or a ``Split``.
        instruction: play only episodes whose instruction means the same as this sentence, or as one of several.
        bank: play these episodes instead of building a bank; a ``TaskMixture`` holds those of several tasks.
        bank_size: number of episodes to build (once; the bank is cached on disk).
        shuffle: draw episodes at random; otherwise environment i starts in episode i.
        num_threads: threads that share a step; more than one pays from some thousands of environments on.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        cache: read and write the bank on disk.
        progress: show a bar while a bank is built.
        render_mode: None or "rgb_array".
        body: "grid" (MiniGrid's own), "rover" (drives, first person) or a ``Rover`` of other sizes; by default the
            task's own.
        camera: what a rover sees with: size, field of view, depth, segmentation, randomization.
        top_down_pixels: pixels of a tile of the view from above, another sense; None leaves it out.
        explored_radius: tiles to each side that a map of what the agent has seen shows, a sense of the grid's body;
            None leaves it out.
        previous_action: tell the agent which action it took last, another sense.
        env_device: "cpu", or "cuda" or "cuda:N": worlds, observations, actions and the bank are on a GPU then, see
            :class:`groundling.envs.device_vector.DeviceVectorEnv`, which is returned.

    Raises:
        UnknownEnvironmentError: if no environment has this id; the message names the nearest ones.
        UnsupportedLevelError: if the level cannot be compiled.
        TaskError: if a task cannot be imported, or finds no layout.
        SplitError: if the split is unknown or empty, or the level never asks for the instruction.
        InstructionError: if an instruction cannot be read.
        ConfigurationError: if num_envs or num_threads is less than 1, neither id nor bank is given, a bank comes
            with an instruction, body and camera do not go together, the environment has no use for one of them, or
            there is no such GPU.
    """
    num_envs, bank_size = count_of("num_envs", num_envs, most=MOST_ENVS), count_of("bank_size", bank_size)
    num_threads = count_of("num_threads", num_threads)
    bank_seed, seed = (0, random_seed()) if seed is None else (whole_seed(seed),) * 2
    sentences = _sentences(instruction)
    if bank is None:
        if id is None:
            raise ConfigurationError("make_vec needs the id of an environment, or a bank")
        if isinstance(id, str):
            name_code(id)
            family = find_family(id)
            source = getattr(family, "source", None)
            if source is None:
                if sentences:
                    raise ConfigurationError(f"{family.id} cannot be narrowed to an instruction: leave it out")
                world = _options_of(family.id, body, camera, top_down_pixels, explored_radius, previous_action)
                world = replace(world, env_device=env_device)
                chosen = family.split(split) if isinstance(split, str) else split
                own = family.open(
                    chosen, num_envs, seed, world, **({"render_mode": render_mode} if render_mode else {})
                )
                return cast(GroundlingVectorEnv, own)  # whatever it is; what is left is for banks
        elif hasattr(id, "find_split"):
            source = id
        else:
            raise ConfigurationError(f"make_vec needs the id of an environment, a text, not {id!r}")
        chosen = chosen_split(source, split)
        if sentences:
            if not isinstance(chosen, Split):
                raise SplitError(f"{source.id} has its sentences listed: ask for them with a SentenceSplit")
            chosen = chosen.narrowed(sentences, source.embodiment.lexicon)
        bank = build_bank(source, bank_size, seed=bank_seed, split=chosen, cache=cache, progress=progress)
        embodiment = source.embodiment
    elif sentences:
        raise ConfigurationError("a bank holds its episodes already: narrow it to an instruction when it is built")
    else:
        embodiment = embodiment_of(bank if isinstance(bank, EpisodeBank) else bank.bank)
    embodiment = embodiment.changed(body, camera, top_down_pixels, explored_radius, previous_action or None)
    if env_device != "cpu":
        if num_threads > 1:
            raise ConfigurationError(f"num_threads are the CPU's: leave them out with env_device={env_device!r}")
        on_device = device_envs(
            bank,
            num_envs,
            seed=seed,
            shuffle=shuffle,
            copy=copy,
            render_mode=render_mode,
            embodiment=embodiment,
            device=env_device,
        )
        return cast(GroundlingVectorEnv, on_device)  # with the same methods, but arrays of the device
    return GroundlingVectorEnv(
        bank,
        num_envs,
        seed=seed,
        shuffle=shuffle,
        num_threads=num_threads,
        copy=copy,
        render_mode=render_mode,
        embodiment=embodiment,
    )


def _sentences(instruction: Any) -> tuple[str, ...]:
    """The sentences that episodes are narrowed to."""
    if isinstance(instruction, str):
        return (instruction,)
    several = tuple(instruction) if isinstance(instruction, Iterable) else (instruction,)
    if not all(isinstance(one, str) for one in several):
        raise ConfigurationError(f"instruction is a sentence or several, not {instruction!r}")
    return several


def _options_of(
    id: str,
    body: Body | None,
    camera: Camera | None,
    top_down_pixels: int | None,
    explored_radius: int | None,
    previous_action: bool,
) -> WorldOptions:
    """What is asked of a family whose episodes are not in banks, which says itself what it has no use for."""
    if isinstance(body, Rover):
        raise ConfigurationError(f"{id} has a body of its own: leave body out")
    if top_down_pixels is not None:
        raise ConfigurationError(f"{id} has no view from above: leave top_down_pixels out")
    return WorldOptions(
        body=body or PLAIN.body,
        camera=camera or PLAIN.camera,
        explored_radius=explored_radius,
        previous_action=previous_action,
    )


def register_environments() -> None:
    """Register every level and task with Gymnasium, for ``gymnasium.make`` and ``make_vec``."""
    for group in groups():
        group.register()


def make_registered_vec(num_envs: int, level: str, **kwargs: Any) -> VectorEnv:
    """What ``gymnasium.make_vec("groundling/...", vectorization_mode="vector_entry_point")`` calls."""
    return make_vec(level, num_envs, **kwargs)
