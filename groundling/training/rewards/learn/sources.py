"""Where a run's model of relatedness comes from: a file, or clips of its tasks, trained once and kept in the cache."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from groundling.envs.described_clips import DescribedClips
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.base import TRAIN
from groundling.errors import ConfigurationError, RelatednessFileError
from groundling.files import cache_folder
from groundling.training import tasks
from groundling.training.rewards.learn.fitting import FitConfig, fit
from groundling.training.rewards.learn.model import FORMAT, Relatedness
from groundling.training.rewards.learn.own_clips import own_clips

if TYPE_CHECKING:
    from groundling.training.config import TrainConfig

FOLDER: Final = "relatedness"


def model_of(config: TrainConfig, file: str, clips: int, how: FitConfig) -> Relatedness:
    """The model of a run.

    Args:
        config: of the run.
        file: that holds one; empty for one of the run's own tasks.
        clips: how many it is trained on.
        how: it is trained.

    Raises:
        RelatednessFileError: if the file cannot be read.
        ConfigurationError: if the tasks have no clips.
    """
    if file:
        return Relatedness.load(Path(file).expanduser())
    path = cached_path(config, clips, how)
    try:
        return Relatedness.load(path)
    except RelatednessFileError:
        made = fit(clips_of(config, clips, how.seed), how)
        made.save(path)
        return made


def clips_of(config: TrainConfig, count: int, seed: int) -> DescribedClips:
    """Described clips of a run's tasks: a family's own, or those of experts and random policies in our worlds.

    Raises:
        ConfigurationError: if there are none.
    """
    families = tasks.families(config)
    if all(isinstance(family, BankFamily) for family in families):
        banked = tasks.bank_families(config)
        return own_clips([(family.source, family.split(TRAIN, config.held_out)) for family in banked], count, seed)
    found = families[0].described_clips(count, seed) if len(families) == 1 else None
    if found is None:
        raise ConfigurationError(
            f"there are no described clips of {', '.join(config.task_ids)} to learn from: give --learn.file with a "
            "model of relatedness of your own, or a family with described_clips"
        )
    return found


def cached_path(config: TrainConfig, clips: int, how: FitConfig) -> Path:
    """Where the model of these settings is kept."""
    facts = {
        "format": FORMAT,
        "fit": dataclasses.asdict(how),
        "clips": clips,
        "held_out": repr(config.held_out),
        "tasks": [
            family.source.fingerprint() if isinstance(family, BankFamily) else family.clips_fingerprint
            for family in tasks.families(config)
        ],
    }
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
    return cache_folder() / FOLDER / f"{name}.pt"
