"""The episode bank: exact seeds in, one file out, and no damaged file taken for a bank."""

from __future__ import annotations

import errno
import io
import json
import os
import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import groundling
from groundling.envs import EpisodeBank, HeldOut
from groundling.envs.banks.bank import ARRAYS
from groundling.envs.banks.bank_file import FORMAT_VERSION
from groundling.envs.banks.episode import sample_episodes
from groundling.envs.banks.sources import find_source
from groundling.envs.banks.splits import training_split
from groundling.envs.engine.worlds import WorldBatch
from groundling.errors import BankFileError, ConfigurationError, StorageError, UnknownEnvironmentError
from groundling.language import VOCABULARY, parse, render

LEVEL = "BabyAI-GoToObjS4-v0"


def equal(first: EpisodeBank, second: EpisodeBank) -> bool:
    for field in fields(EpisodeBank):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if not np.array_equal(one, other) or getattr(one, "dtype", None) != getattr(other, "dtype", None):
            return False
    return True


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return EpisodeBank.of_seeds(LEVEL, range(5, 25))


@pytest.fixture
def file(bank: EpisodeBank, tmp_path: Path) -> Path:
    bank.save(tmp_path / "bank.npz", key="a key")
    return tmp_path / "bank.npz"


# Contents


def test_bank_holds_exactly_the_seeds_asked_for_in_their_order() -> None:
    seeds = [7, 3, 1000, 3]
    bank = EpisodeBank.of_seeds(LEVEL, seeds)
    assert bank.seeds.tolist() == seeds
    for row, seed in enumerate(seeds):
        alone = EpisodeBank.of_seeds(LEVEL, [seed])
        assert bank.instruction(row) == alone.instruction(0)
        assert np.array_equal(bank.cells[row], alone.cells[0])
        assert np.array_equal(bank.poses[row], alone.poses[0])
        assert np.array_equal(bank.programs[row], alone.programs[0])
    assert bank.instruction(0) != bank.instruction(1)


def test_vector_environment_i_starts_in_episode_i(bank: EpisodeBank) -> None:
    envs = groundling.make_vec(bank=bank, num_envs=7, shuffle=False)
    observation, _ = envs.reset()
    assert envs.worlds.state.episode.tolist() == list(range(7))
    assert envs.instructions == tuple(bank.instruction(row) for row in range(7))
    assert observation["direction"].tolist() == bank.poses[:7, 2].tolist()


def test_sentences_are_distinct_and_in_the_order_of_their_first_appearance(bank: EpisodeBank) -> None:
    spoken = [bank.instruction(row) for row in range(len(bank))]
    assert bank.instructions == tuple(dict.fromkeys(spoken))
    assert len(bank.instructions) < len(bank)
    assert [render(goal) for goal in bank.goals()] == list(bank.instructions)
    assert bank.goals()[0] == parse(spoken[0])


def test_tokens_are_those_of_the_sentences(bank: EpisodeBank) -> None:
    episodes = bank.episodes()
    assert episodes.tokens.shape == (len(bank.instructions), 24)
    for text, row in zip(bank.instructions, episodes.tokens, strict=True):
        assert groundling.language.VOCABULARY.decode(row) == text


@pytest.mark.parametrize(("seeds", "message"), [([], "at least one seed"), ([3, -1], "not negative, got -1")])
def test_impossible_seeds_are_refused(seeds: list[int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        EpisodeBank.of_seeds(LEVEL, seeds)


def test_unknown_level_is_refused() -> None:
    with pytest.raises(UnknownEnvironmentError, match=r"GoToObjS4"):
        EpisodeBank.of_seeds("BabyAI-GoToObjS44-v0", [0])


def test_banks_are_joined_in_order() -> None:
    level = "BabyAI-PickupDist-v0"
    whole = EpisodeBank.of_seeds(level, range(30))
    parts = [EpisodeBank.of_seeds(level, seeds) for seeds in (range(12), range(12, 13), range(13, 30))]
    assert equal(EpisodeBank.concatenate(parts), whole)


def test_banks_of_few_and_of_many_objects_are_joined() -> None:
    level = "BabyAI-KeyCorridor-v0"
    singles = [EpisodeBank.of_seeds(level, [seed]) for seed in range(6)]
    assert len({single.contents.shape for single in singles}) > 1, "choose seeds with different numbers of objects"
    assert equal(EpisodeBank.concatenate(singles), EpisodeBank.of_seeds(level, range(6)))


def test_joined_banks_play_as_each_alone() -> None:
    """Levels of other map sizes, numbers of objects and clauses, and lengths of sentences."""
    levels = {
        "BabyAI-GoToObjS4-v0": range(3),
        "BabyAI-GoToSeqS5R2-v0": range(4),
        "BabyAI-PutNextS5N2Carrying-v0": range(3),
        "MiniGrid-Fetch-5x5-N2-v0": range(3),
        "groundling/HouseGoTo-v0": range(2),
    }
    banks = [EpisodeBank.of_seeds(level, seeds) for level, seeds in levels.items()]
    for axis in ("cells", "contents", "programs", "tokens"):
        shapes = {getattr(bank, axis).shape[1:] for bank in banks}
        assert len(shapes) > 1, f"choose levels that differ in {axis}"
    joined = EpisodeBank.concatenate(banks)
    assert (joined.level, joined.split) == (banks[0].level, banks[0].split)
    assert [joined.instruction(row) for row in range(len(joined))] == [
        bank.instruction(row) for bank in banks for row in range(len(bank))
    ]
    together = WorldBatch(joined, len(joined), shuffle=False)
    alone = [WorldBatch(bank, len(bank), shuffle=False) for bank in banks]
    for worlds in (together, *alone):
        worlds.reset()
    starts = np.cumsum([0, *map(len, banks)])
    rng = np.random.default_rng(0)
    ends = 0
    playing = np.ones(len(joined), dtype=bool)  # an episode that has ended stands still
    for _ in range(150):
        actions = rng.choice(7, p=[0.15, 0.15, 0.4, 0.1, 0.08, 0.1, 0.02], size=len(joined))
        together.step(actions, autoreset=False)
        for worlds, first in zip(alone, starts, strict=False):
            rows = slice(first, first + worlds.num_envs)
            worlds.step(actions[rows], autoreset=False)
            seen, expected, here = together.observations, worlds.observations, playing[rows]
            length = expected.instruction.shape[1]
            assert np.array_equal(seen.image[rows][here], expected.image[here])
            assert np.array_equal(seen.direction[rows][here], expected.direction[here])
            assert np.array_equal(seen.instruction[rows, :length], expected.instruction)
            assert not seen.instruction[rows, length:].any()
            for name in ("reward", "terminated", "truncated", "success"):
                ours, theirs = getattr(together.outcomes, name)[rows], getattr(worlds.outcomes, name)
                assert np.array_equal(ours[here], theirs[here]), name
        ended = playing & (together.outcomes.terminated | together.outcomes.truncated)
        ends += int(ended.sum())
        playing &= ~ended
    assert ends > 5


def test_taken_rows_are_the_bank_of_their_seeds(bank: EpisodeBank) -> None:
    for rows in (np.array([4, 0, 4, 11]), np.arange(len(bank))[::-1]):
        assert equal(bank.take(rows), EpisodeBank.of_seeds(LEVEL, bank.seeds[rows]))
    assert equal(bank.take(slice(3, 9)), EpisodeBank.of_seeds(LEVEL, range(8, 14)))
    assert equal(bank.take(slice(None)), bank)


# Files


def test_saved_and_loaded_bank_is_equal(bank: EpisodeBank, file: Path) -> None:
    assert equal(EpisodeBank.load(file), bank)
    assert equal(EpisodeBank.load(str(file), key="a key"), bank)


def test_saving_makes_folders_and_replaces_an_older_bank(bank: EpisodeBank, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "bank.npz"
    bank.take(slice(0, 2)).save(path)
    bank.save(path)
    assert equal(EpisodeBank.load(path), bank)
    assert os.listdir(path.parent) == ["bank.npz"]


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BankFileError, match=r"there is no episode bank at .*none\.npz"):
        EpisodeBank.load(tmp_path / "none.npz")


def test_truncated_file_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for length in [0, 1, 100, len(whole) // 2, len(whole) - 100, len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(BankFileError, match=r"not a whole episode bank .* delete it, and it is built again"):
            EpisodeBank.load(file)


def test_flipped_byte_in_any_array_is_refused(bank: EpisodeBank, file: Path) -> None:
    whole = file.read_bytes()
    arrays = {name: array for name in ARRAYS if (array := getattr(bank, name)).size}
    text = np.frombuffer("\n".join(bank.instructions).encode(), dtype=np.uint8)
    for array in (text, *arrays.values()):
        contents = np.ascontiguousarray(array).tobytes()
        start = whole.index(contents)
        for position in {start, start + len(contents) // 2, start + len(contents) - 1}:
            damaged = bytearray(whole)
            damaged[position] ^= 0x10
            file.write_bytes(damaged)
            with pytest.raises(BankFileError, match="not a whole episode bank"):
                EpisodeBank.load(file)


def test_damage_anywhere_is_refused_or_without_effect(bank: EpisodeBank, file: Path) -> None:
    whole = file.read_bytes()
    refused = 0
    for position in range(0, len(whole), 29):
        for flip in (0x01, 0x08, 0xFF):  # 1 marks an archive as encrypted, 8 as compressed
            damaged = bytearray(whole)
            damaged[position] ^= flip
            file.write_bytes(damaged)
            try:
                assert equal(EpisodeBank.load(file, key="a key"), bank), position
            except BankFileError:
                refused += 1
    assert refused > len(whole) / 29


def test_archive_that_claims_to_be_encrypted_is_refused(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[whole.index(b"PK\x01\x02") + 8] |= 1  # flags of the first entry of the directory
    file.write_bytes(whole)
    with pytest.raises(BankFileError, match="not a whole episode bank"):
        EpisodeBank.load(file)


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    for content in (b"no bank at all", _npz(words=np.array("hello")), _npz(header=np.array("[]"))):
        (tmp_path / "other.npz").write_bytes(content)
        with pytest.raises(BankFileError, match="not a whole episode bank"):
            EpisodeBank.load(tmp_path / "other.npz")


def test_bank_of_another_format_is_refused(bank: EpisodeBank, file: Path) -> None:
    header = {"format": FORMAT_VERSION + 1, "level": LEVEL, "key": "a key"}
    file.write_bytes(_npz(header=np.array(json.dumps(header)), cells=bank.cells))
    with pytest.raises(BankFileError, match=f"of format {FORMAT_VERSION + 1}, this version reads format"):
        EpisodeBank.load(file)


def test_bank_of_another_vocabulary_is_refused(file: Path) -> None:
    """Its token ids would stand for other words."""
    change_file(file, header=json.dumps({**header_of(file), "vocabulary": VOCABULARY.fingerprint + 1}))
    with pytest.raises(BankFileError, match="with another vocabulary: delete it"):
        EpisodeBank.load(file)


def test_bank_with_other_sentences_than_its_tokens_is_refused(bank: EpisodeBank, file: Path) -> None:
    count = len(bank.instructions)
    for text in ("", "go to the red ball", "\n".join((*bank.instructions, "go to the red ball"))):
        change_file(file, instructions=np.frombuffer(text.encode(), dtype=np.uint8))
        with pytest.raises(BankFileError, match=f"sentences, but the tokens of {count}"):
            EpisodeBank.load(file)


def test_bank_without_one_of_its_arrays_is_refused(file: Path) -> None:
    for name in ("tokens", "programs", "instructions"):
        with np.load(file) as arrays:
            rest = {key: arrays[key] for key in arrays.files if key != name}
        (file.parent / "less.npz").write_bytes(_npz(**rest))
        with pytest.raises(BankFileError, match=f"not a whole episode bank .*{name}"):
            EpisodeBank.load(file.parent / "less.npz")


def test_file_says_what_it_is(file: Path) -> None:
    """Level, split, format and vocabulary can be read without Groundling."""
    split = training_split(HeldOut(factors=("length",))).describe()
    episodes = sample_episodes(find_source(LEVEL), range(3))
    EpisodeBank.pack(LEVEL, episodes, split=split).save(file, key="k")
    assert header_of(file) == {
        "format": FORMAT_VERSION,
        "level": LEVEL,
        "split": split,
        "key": "k",
        "vocabulary": VOCABULARY.fingerprint,
    }
    assert EpisodeBank.load(file).split == split


def test_a_hundred_thousand_episodes_are_loaded_within_a_second(bank: EpisodeBank, tmp_path: Path) -> None:
    many = bank.take(np.arange(100_000) % len(bank))
    many.save(tmp_path / "many.npz")
    seconds = []
    for _ in range(3):  # the best of three: other programs may hold the disk
        start = time.perf_counter()
        loaded = EpisodeBank.load(tmp_path / "many.npz")
        seconds.append(time.perf_counter() - start)
    assert len(loaded) == 100_000
    assert loaded.instructions == bank.instructions
    assert min(seconds) < 1.0


def test_bank_built_from_something_else_is_refused(file: Path) -> None:
    with pytest.raises(BankFileError, match="built from something else"):
        EpisodeBank.load(file, key="another key")


def test_full_disk_leaves_the_old_bank(bank: EpisodeBank, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_is_full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(StorageError, match="the disk is full"):
        bank.take(slice(0, 3)).save(file)
    assert equal(EpisodeBank.load(file, key="a key"), bank)
    assert os.listdir(file.parent) == ["bank.npz"]


def test_interrupted_save_leaves_the_old_bank(bank: EpisodeBank, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(target: io.BufferedWriter, **arrays: np.ndarray) -> None:
        target.write(b"half of a bank")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bank.take(slice(0, 3)).save(file)
    assert equal(EpisodeBank.load(file, key="a key"), bank)
    assert os.listdir(file.parent) == ["bank.npz"]


def header_of(file: Path) -> dict[str, object]:
    with np.load(file) as arrays:
        return json.loads(str(arrays["header"]))


def change_file(file: Path, **changes: object) -> None:
    """The same file with other arrays, and checksums that fit them."""
    with np.load(file) as arrays:
        whole = {name: arrays[name] for name in arrays.files}
    file.write_bytes(_npz(**{**whole, **{name: np.array(value) for name, value in changes.items()}}))


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
