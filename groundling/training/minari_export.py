"""Demonstrations as a Minari data set, for offline learning in other libraries. The only file that imports minari.

Minari stores what is seen at every step: the image, the direction, and the instruction as token ids (its sentence is in
the episode's metadata, the words of the ids in the data set's). Data sets are in Minari's own folder,
``$MINARI_DATASETS_PATH``, else ~/.minari/datasets.
"""

from __future__ import annotations

import copy
import shutil
import warnings
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

import gymnasium
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from groundling.envs.banks.sources import find_source, vocabulary_of
from groundling.envs.banks.splits import SPLITS
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.engine.embodiment import GRID
from groundling.envs.single import GroundlingEnv
from groundling.errors import ConfigurationError, GroundlingError
from groundling.extras import brought_by
from groundling.files import storage_error
from groundling.training.demonstration import Demonstration
from groundling.training.demonstrations import DemonstrationSet, Provenance

WRITTEN_AT_ONCE: Final = 256  # demonstrations that are held in memory


def minari_folder(name: str) -> Path:
    """Where Minari keeps a new data set of this name.

    Args:
        name: as Minari wants it, "babyai/go-to-local/expert-v0": a version at the end, folders before if wanted.

    Raises:
        MissingPackageError: if Minari is not installed.
        ConfigurationError: if the name is malformed, or there is such a data set already.
    """
    with brought_by("offline", "exporting to Minari needs packages that are not installed"):
        import h5py  # noqa: F401 - what Minari stores arrays with
        from minari.dataset.minari_dataset import parse_dataset_id
        from minari.storage import get_dataset_path
    try:
        parse_dataset_id(name)
    except (ValueError, TypeError) as error:  # a missing version is Minari's TypeError
        raise ConfigurationError(
            f"{name!r} is not a name for a Minari data set: write it as 'babyai/go-to-local/expert-v0' or 'expert-v0'"
        ) from error
    try:
        folder = Path(get_dataset_path(name))
    except OSError as error:
        raise storage_error(Path(str(error.filename or name)), error) from error
    if folder.exists():
        raise ConfigurationError(
            f"there is a Minari data set {name} in {folder} already: choose another name or version, or delete it with "
            f"`minari delete {name}`"
        )
    return folder


def export_to_minari(demonstrations: DemonstrationSet, name: str) -> Path:
    """Write demonstrations as a Minari data set, which ``minari.load_dataset(name)`` reads.

    Where the task is registered with Gymnasium and the split is a named one, ``recover_environment()`` makes the
    environment, and its ``reset(seed=...)`` with the seed of an episode's metadata begins that very episode.

    Args:
        demonstrations: what to write.
        name: as Minari wants it, see :func:`minari_folder`.

    Returns:
        The folder of the data set.

    Raises:
        ConfigurationError: if Minari is not installed, the name is malformed, or there is such a data set already.
        StorageError: if the disk is full or the folder cannot be written; nothing is left of the data set then.
        DemonstrationFileError: if a demonstration cannot be replayed; nothing is left of the data set then.
    """
    folder = minari_folder(name)
    try:
        _write(demonstrations, name)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, GroundlingError):
            raise storage_error(folder, error) from error
        raise
    return folder


def _write(demonstrations: DemonstrationSet, name: str) -> None:
    import minari

    from groundling import __version__

    origin = demonstrations.provenance
    replays = demonstrations.replays(num_envs=WRITTEN_AT_ONCE)
    block = list(islice(replays, WRITTEN_AT_ONCE))
    with warnings.catch_warnings():
        # Minari warns of every fact that is left out: an author, a permanent link, another environment to test in.
        warnings.simplefilter("ignore", UserWarning)
        dataset = minari.create_dataset_from_buffers(
            name,
            [_buffer_of(demonstration) for demonstration in block],
            env=_environment_of(origin),
            observation_space=GRID.observation_space(demonstrations.bank.instruction_length),
            action_space=spaces.Discrete(NUM_ACTIONS),
            algorithm_name=f"groundling expert ({origin.expert})",
            description=f"{len(demonstrations)} demonstrations of {origin.task}, split {origin.split_name}",
            requirements=[f"groundling=={__version__}"],
            data_format="hdf5",
            jpeg_encoding=False,  # the image holds codes, not colors
        )
    words = list(vocabulary_of(origin.task).words)
    dataset.storage.update_metadata({"vocabulary": words, "groundling": asdict(origin)})
    first = 0
    while block:
        if first:
            dataset.update_dataset_from_buffer([_buffer_of(demonstration) for demonstration in block])
        dataset.storage.update_episode_metadata(
            [{"instruction": demonstration.instruction} for demonstration in block],
            range(first, first + len(block)),
        )
        first += len(block)
        block = list(islice(replays, WRITTEN_AT_ONCE))


def _buffer_of(demonstration: Demonstration) -> Any:
    from minari.data_collector import EpisodeBuffer

    return EpisodeBuffer(
        seed=demonstration.seed,
        observations=demonstration.observations,
        actions=demonstration.actions,
        rewards=demonstration.rewards,
        terminations=demonstration.terminated,
        truncations=demonstration.truncated,
    )


def _environment_of(origin: Provenance) -> EnvSpec | None:
    """What ``gymnasium.make`` needs to make the environment in which a seed gives the same episode; None if it cannot.

    A specification holds plain values only, so that the split has to be one of those that have a name; and a task may
    have been recorded with other settings than it is registered with, or not be registered at all.
    """
    try:
        is_same_source = find_source(origin.task).fingerprint() == origin.source
    except GroundlingError:
        return None
    split = SPLITS.get(origin.split_name)
    if not is_same_source or split is None or split.describe() != origin.split:
        return None
    entry_point = f"{GroundlingEnv.__module__}:{GroundlingEnv.__name__}"
    for spec in gymnasium.registry.values():
        if spec.entry_point == entry_point and spec.kwargs.get("level") == origin.task:
            own = copy.deepcopy(spec)
            own.kwargs = {**spec.kwargs, "split": split.name}
            return own
    return None
