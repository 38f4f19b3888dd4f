"""The folder of a run: whether a new one may begin there, and with which settings the one in it may go on."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from groundling.errors import CheckpointError, ConfigurationError, RunFolderError, UntrustedCodeError
from groundling.files import read_text
from groundling.training.algorithms import find_algorithm
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.ranks import ALONE, Ranks
from groundling.trust import note_received

CONFIG_NAME: Final = "config.json"

# What may change when a run is resumed. The first ones change nothing that is learned.
WITHOUT_EFFECT: Final = ("checkpoint_seconds", "evaluate_every", "evaluation_episodes")
<<<<<<< HEAD
CHANGEABLE: Final = (*WITHOUT_EFFECT, "device", "torch_threads", "half_batches", "compile", "total_frames")
=======
CHANGEABLE: Final = (*WITHOUT_EFFECT, "device", "torch_threads", "half_batches", "total_frames", "update_threads")
>>>>>>> main

_log = logging.getLogger(__name__)


def check_unused(config: TrainConfig, folder: Path, *, is_made: bool) -> None:
    """Refuse to begin a run where there is one.

    Raises:
        RunFolderError: if the folder holds a checkpoint.
        ConfigurationError: if the environments of the configuration are made by a function that nobody gave.
    """
    if config.made_by and not is_made:
        raise ConfigurationError(_missing_maker(config.made_by))
    if (folder / CHECKPOINT_NAME).exists():
        raise RunFolderError(f"{folder} already holds a run: choose another folder, or continue it with --resume")


def load_to_resume(config: TrainConfig, folder: Path, *, is_made: bool, ranks: Ranks = ALONE) -> Checkpoint:
    """The checkpoint of a folder, to go on with under this configuration.

    Schedules that depend on the length of the run, where that has changed, are logged.

    Raises:
        CheckpointError: if there is no whole one.
        ConfigurationError: if the configuration differs in what a run keeps, the environments are made otherwise, or
            there are more or fewer processes.
    """
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    if not checkpoint.algorithm:
        raise CheckpointError(
            f"{folder} holds an agent alone, without what its training goes on from: begin a new run, --init {folder}"
        )
    old = checkpoint.config
    if checkpoint.processes != ranks.size:
        raise ConfigurationError(
            f"{folder} is a run of {checkpoint.processes} process(es), this job has {ranks.size}: resume it by "
            f"{_command_of(checkpoint.processes)}, or begin a new run from its agent with --init {folder}"
        )
    if old.made_by and not is_made:
        raise ConfigurationError(f"{folder}: {_missing_maker(old.made_by)}")
    if is_made and not old.made_by:
        raise ConfigurationError(
            f"{folder} was trained in {', '.join(old.task_ids)}, not in environments that "
            "make_envs made: resume it without make_envs"
        )
    if different := kept_differences(old, config):
        raise ConfigurationError(
            f"{folder} was trained with another {', '.join(different)}: a resumed run keeps its configuration, but for "
            f"{', '.join(CHANGEABLE)}"
        )
    if config.num_updates < checkpoint.updates:
        raise ConfigurationError(
            f"total_frames {config.total_frames:,} is less than the {checkpoint.frames:,} frames that {folder} was "
            "trained on already: to train on, name a larger number"
        )
    if config.num_updates != old.num_updates and config.num_updates > checkpoint.updates:
        _tell_schedules(config, checkpoint)
    return checkpoint


def _command_of(processes: int) -> str:
    if processes == 1:
        return "plain `groundling train --resume`"
    return f"torchrun with {processes} processes (--nproc-per-node times --nnodes)"


def kept_differences(one: TrainConfig, other: TrainConfig) -> list[str]:
    """The settings that two configurations have otherwise, and that one run cannot; dotted where they are parts."""
    return [name for name in differences(one, other) if name.partition(".")[0] not in CHANGEABLE]


def differences(one: TrainConfig, other: TrainConfig) -> list[str]:
    """The names of the settings in which two configurations differ, ``"seed"`` or ``"ppo.clip"``."""
    return list(_differing(one.to_dict(), other.to_dict()))


def _differing(ours: Mapping[str, Any], theirs: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for name in dict.fromkeys([*ours, *theirs]):
        own, others = ours.get(name), theirs.get(name)
        if isinstance(own, Mapping) and isinstance(others, Mapping):
            yield from _differing(own, others, f"{before}{name}.")
        elif own != others:
            yield f"{before}{name}"


def check_belong_together(config: TrainConfig, checkpoint: Checkpoint, folder: Path) -> None:
    """Refuse a folder in which the files of two runs are mixed.

    Raises:
        RunFolderError: if its configuration is not the checkpoint's.
    """
    if different := kept_differences(checkpoint.config, config):
        raise RunFolderError(
            f"{CONFIG_NAME} and {CHECKPOINT_NAME} of {folder} are of two runs, they differ in {', '.join(different)}: "
            "put back the files that belong together, or train anew in another folder"
        )


def resume_config(folder: Path | str, *, trust_code: bool = False, for_evaluation: bool = False) -> TrainConfig:
    """The configuration of the run in a folder.

    Args:
        folder: of the run.
        trust_code: run code of somebody's own that it names.
        for_evaluation: leave out an algorithm or reward whose code may not run.

    Raises:
        RunFolderError: if there is no run, or its configuration cannot be read.
        ConfigurationError: if it is one of another version.
        CheckpointError: if its checkpoint tells that it is of a newer version.
        UntrustedCodeError: if it names code that is needed, and that nobody else names.
    """
    path = Path(folder) / CONFIG_NAME
    if not path.is_file():
        raise RunFolderError(f"there is no run at {folder}: {CONFIG_NAME} is missing. `groundling train` makes one")
    text = read_text(path, RunFolderError)
    with contextlib.suppress(ValueError, RecursionError):
        note_received(json.loads(text), path, trust_code=trust_code)
    try:
        return TrainConfig.from_json(text, for_evaluation=for_evaluation)
    except UntrustedCodeError:
        raise
    except ConfigurationError:  # perhaps of a newer version, which the checkpoint tells
        Checkpoint.check_readable(path.parent / CHECKPOINT_NAME)
        raise


def _tell_schedules(config: TrainConfig, checkpoint: Checkpoint) -> None:
    """Log what depends on the end of the run, which has moved."""
    old = checkpoint.config
    named = find_algorithm(config.algorithm).schedules(config)
    if named:
        before, now = (checkpoint.updates / whole.num_updates for whole in (old, config))
        _log.warning(
            "the run now ends at %s frames, not at %s: %s from here on as at %.0f %% of a run, not at %.0f %%",
            f"{config.num_updates * config.rollout_frames:,}",
            f"{old.num_updates * old.rollout_frames:,}",
            f"{' and '.join(named)} {'goes' if len(named) == 1 else 'go'} on",
            100 * now,
            100 * before,
        )


def _missing_maker(made_by: str) -> str:
    return (
        f"the run was trained in environments that {made_by} made, which no id names: give Trainer(..., make_envs=...) "
        "that function"
    )
