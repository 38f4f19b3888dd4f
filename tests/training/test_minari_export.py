"""The export to Minari: what Minari itself reads back is what was demonstrated."""

from __future__ import annotations

import ast
import dataclasses
import errno
import os
import sys
from pathlib import Path

import minari
import numpy as np
import pytest

import groundling
from groundling.envs import HeldOut
from groundling.envs.banks.sources import find_source
from groundling.envs.banks.splits import training_split
from groundling.errors import ConfigurationError, DemonstrationFileError, MissingPackageError, StorageError
from groundling.language import VOCABULARY
from groundling.training import minari_export
from groundling.training.demonstrations import DemonstrationSet
from groundling.training.minari_export import export_to_minari, minari_folder
from groundling.training.recording import record

LEVEL = "BabyAI-PickupLoc-v0"
NAME = "babyai/pickup-loc/expert-v0"
COUNT = 10


@pytest.fixture(scope="module")
def recorded() -> DemonstrationSet:
    return record(LEVEL, COUNT, seed=5)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Minari keeps its data sets, instead of the user's own folder."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"


@pytest.mark.parametrize("at_once", [COUNT + 1, COUNT, 4])
def test_minari_reads_back_every_step(
    recorded: DemonstrationSet, folder: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(minari_export, "WRITTEN_AT_ONCE", at_once)
    assert export_to_minari(recorded, NAME) == folder / NAME
    dataset = minari.load_dataset(NAME)
    assert dataset.total_episodes == COUNT
    assert dataset.total_steps == recorded.num_frames
    for row, episode in enumerate(dataset.iterate_episodes()):
        replay = recorded.replay(row)
        assert episode.id == row
        assert set(episode.observations) == {"image", "direction", "instruction"}
        for key, value in replay.observations.items():
            assert episode.observations[key].dtype == value.dtype
            assert np.array_equal(episode.observations[key], value), (row, key)
        assert np.array_equal(episode.actions, replay.actions)
        assert np.array_equal(episode.rewards, replay.rewards)
        assert np.array_equal(episode.terminations, replay.terminated)
        assert np.array_equal(episode.truncations, replay.truncated)


def test_observations_and_actions_are_in_the_spaces_of_the_data_set(recorded: DemonstrationSet) -> None:
    export_to_minari(recorded, NAME)
    dataset = minari.load_dataset(NAME)
    episode = dataset[3]
    for step in range(len(episode.actions)):
        seen = {key: value[step] for key, value in episode.observations.items()}
        assert dataset.observation_space.contains(seen)
        assert dataset.action_space.contains(episode.actions[step])


def test_seed_and_sentence_of_every_episode_are_kept(
    recorded: DemonstrationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minari_export, "WRITTEN_AT_ONCE", 4)
    export_to_minari(recorded, NAME)
    dataset = minari.load_dataset(NAME)
    kept = list(dataset.storage.get_episode_metadata(range(COUNT)))
    assert [metadata["seed"] for metadata in kept] == recorded.bank.seeds.tolist()
    assert [metadata["instruction"] for metadata in kept] == [recorded.bank.instruction(row) for row in range(COUNT)]


def test_words_of_the_token_ids_are_kept(recorded: DemonstrationSet) -> None:
    export_to_minari(recorded, NAME)
    dataset = minari.load_dataset(NAME)
    words = dataset.storage.metadata["vocabulary"]
    assert len(words) == len(VOCABULARY)
    said = [words[token] for token in dataset[0].observations["instruction"][0] if token]
    assert " ".join(said) == recorded.bank.instruction(0)


def test_provenance_is_kept(recorded: DemonstrationSet) -> None:
    export_to_minari(recorded, NAME)
    metadata = minari.load_dataset(NAME).storage.metadata
    assert metadata["groundling"] == dataclasses.asdict(recorded.provenance)
    assert metadata["algorithm_name"] == "groundling expert (explored)"
    assert f"10 demonstrations of {LEVEL}, split train" in metadata["description"]


def test_recovered_environment_begins_the_very_episode(recorded: DemonstrationSet) -> None:
    export_to_minari(recorded, NAME)
    dataset = minari.load_dataset(NAME)
    env = dataset.recover_environment()
    for row, metadata in enumerate(dataset.storage.get_episode_metadata(range(COUNT))):
        observation, _ = env.reset(seed=metadata["seed"])
        for step, action in enumerate(dataset[row].actions):
            assert np.array_equal(observation["image"], dataset[row].observations["image"][step])
            assert np.array_equal(observation["instruction"], dataset[row].observations["instruction"][step])
            observation, reward, terminated, _, _ = env.step(action)
        assert terminated
        assert reward == dataset[row].rewards[-1]


def test_environment_that_a_specification_cannot_tell_is_left_out() -> None:
    other_split = record(LEVEL, 2, split=training_split(HeldOut(combinations=("red ball",))))
    rooms = find_source("groundling/HouseGoTo-v0")
    other_rooms = record(rooms.changed(room_size=rooms.setting("room_size") + 1), 2)
    for number, demonstrations in enumerate([other_split, other_rooms]):
        export_to_minari(demonstrations, f"set-v{number}")
        dataset = minari.load_dataset(f"set-v{number}")
        assert dataset.env_spec is None
        assert dataset.total_episodes == 2


# What cannot be written


@pytest.mark.parametrize("name", ["expert", "", "../expert-v0", "/expert-v0", "an expert-v0", "a//expert-v0"])
def test_name_that_minari_cannot_use_is_refused(recorded: DemonstrationSet, name: str, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"not a name for a Minari data set: write it as .*-v0"):
        export_to_minari(recorded, name)
    assert not folder.exists()


def test_data_set_that_is_there_already_is_left_as_it_is(recorded: DemonstrationSet) -> None:
    export_to_minari(recorded, NAME)
    with pytest.raises(ConfigurationError, match=rf"{NAME} in .* already: .*minari delete {NAME}"):
        export_to_minari(record(LEVEL, 2), NAME)
    assert minari.load_dataset(NAME).total_episodes == COUNT


def test_missing_package_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("minari", "h5py"):
        with monkeypatch.context() as patch:
            for module in [name for name in sys.modules if name.partition(".")[0] == package]:
                patch.setitem(sys.modules, module, None)
            with pytest.raises(MissingPackageError, match=r"pip install 'groundling\[offline\]'"):
                minari_folder(NAME)


def test_nothing_is_left_of_a_data_set_that_could_not_be_finished(
    recorded: DemonstrationSet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minari_export, "WRITTEN_AT_ONCE", 4)
    returns = recorded.returns.copy()
    returns[9] = 0
    broken = dataclasses.replace(recorded, arrays={**recorded.arrays, "returns": returns})
    with pytest.raises(DemonstrationFileError, match="demonstration 9"):
        export_to_minari(broken, NAME)
    assert not (folder / NAME).exists()
    export_to_minari(recorded, NAME)


def test_full_disk_is_told_and_nothing_is_left(
    recorded: DemonstrationSet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("minari.MinariDataset.update_dataset_from_buffer", fail)
    monkeypatch.setattr(minari_export, "WRITTEN_AT_ONCE", 4)
    with pytest.raises(StorageError, match="the disk is full"):
        export_to_minari(recorded, NAME)
    assert not (folder / NAME).exists()


def test_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "file" / "below"))
    with pytest.raises(StorageError, match="a part of the path is a file"):
        minari_folder(NAME)


def test_minari_is_imported_by_this_one_file_and_only_when_it_is_needed() -> None:
    importing = {}
    for path in Path(groundling.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] in ("minari", "h5py") for name in names):
                importing.setdefault(path.name, []).append(node in tree.body)
    assert list(importing) == ["minari_export.py"]
    assert not any(importing["minari_export.py"])
