"""What is kept from training: always the same assignments, and never one of those that are trained on."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib

import numpy as np
import pytest

from groundling.envs.families.manuals.rtfm.assignments import Assignments
from groundling.envs.families.manuals.rtfm.family import RTFMFamily
from groundling.envs.families.manuals.rtfm.names import VARIANTS

SIMPLE = RTFMFamily(VARIANTS["groundling/RTFM-Simple-6x6-v0"])
FULL = RTFMFamily(VARIANTS["groundling/RTFM-Groups-Moving-NL-6x6-v0"])
GOLDEN_FIRST, GOLDEN = [0, 1, 3, 4, 8, 10, 11, 12], 1346752652
TELL_SPLIT = """
from zlib import crc32
from groundling.envs.families.manuals.rtfm.family import RTFMFamily
from groundling.envs.families.manuals.rtfm.names import VARIANTS
envs = RTFMFamily(VARIANTS["groundling/RTFM-Groups-NL-6x6-v0"]).make_vec("unseen", 64, 0)
observation, _ = envs.reset(seed=1)
print(crc32(envs.batch.worlds.assignment.tobytes() + observation["manual"].tobytes()))
"""


def drawn(family: RTFMFamily, split: str, seed: int) -> set[int]:
    envs = family.make_vec(split, 4096, seed)
    found: set[int] = set()
    for _ in range(3):
        envs.reset()
        found |= set(envs.batch.worlds.assignment.tolist())
    return found


@pytest.mark.parametrize("suite", ["assignments", "validation", "size", "phrasing", "order", "distractors"])
def test_no_test_suite_plays_an_assignment_of_training(suite: str) -> None:
    for family in (SIMPLE, FULL):
        known = Assignments.of(family.variant)
        tested = drawn(family, family.suites[suite].split, 5)
        assert not any(map(known.is_trained, tested))
        assert all(map(known.is_trained, drawn(family, "train", 5)))
    assert len(drawn(SIMPLE, SIMPLE.suites[suite].split, 5)) == 36


def test_the_parts_are_all_there_is_and_share_nothing() -> None:
    parts = [drawn(SIMPLE, name, 0) for name in ("train", "validation", "unseen")]
    assert [len(part) for part in parts] == [72, 36, 36]
    assert set.union(*parts) == set(range(144)) == drawn(SIMPLE, "all", 2)


def test_every_team_and_every_element_is_trained_in_every_role() -> None:
    known = Assignments.of(SIMPLE.variant)
    pairs = [known.parts(number) for number in drawn(SIMPLE, "train", 0)]
    for side, groups in ((0, 3), (1, 4)):
        table = np.array([pair[side] for pair in pairs])
        counts = np.stack([np.bincount(column, minlength=groups) for column in table.T])
        assert counts.min() > 0.6 * 72 / groups  # each thing is in each group about equally often


def test_the_split_is_the_one_that_results_were_published_with() -> None:
    trained = sorted(drawn(SIMPLE, "train", 0))
    assert trained[:8] == GOLDEN_FIRST
    assert zlib.crc32(repr(trained).encode()) == GOLDEN


def test_the_split_does_not_hang_on_the_hash_seed() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", TELL_SPLIT], env={**os.environ, "PYTHONHASHSEED": seed}, check=True, stdout=-1
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
