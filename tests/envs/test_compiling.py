"""The cache of compiled kernels: it is used, and a change of any file that a kernel is made of empties it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

INNER = """
from groundling.envs.compiling import inner_kernel
STEP = {step}

@inner_kernel
def advance(x):
    return x + STEP
"""
OUTER = """
import sys
import numba
import inner
from inner import advance
from groundling.envs.compiling import compiler

numba.config.CACHE_DIR = {cache!r}

@compiler(__file__, inner.__file__)
def twice(x):
    return advance(advance(x))

print(twice(1), sum(twice.stats.cache_hits.values()))
"""


@pytest.fixture
def run(tmp_path: Path) -> object:
    def run_with(step: int) -> list[int]:
        (tmp_path / "inner.py").write_text(INNER.format(step=step))
        (tmp_path / "outer.py").write_text(OUTER.format(cache=str(tmp_path / "cache")))
        command = [sys.executable, "-B", "outer.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return [int(word) for word in done.stdout.split()]

    return run_with


def test_kernel_is_taken_from_the_cache_until_a_file_that_it_is_made_of_changes(run) -> None:  # type: ignore[no-untyped-def]
    assert run(1) == [3, 0]
    assert run(1) == [3, 1]
    assert run(5) == [11, 0], "the cache did not notice that the inner kernel changed"
    assert run(5) == [11, 1]
