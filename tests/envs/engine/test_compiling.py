"""The cache of compiled kernels: it is used, and a change of any file that a kernel is made of empties it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numba
import pytest

INNER = """
from groundling.envs.engine.compiling import inner_kernel
STEP = {step}

@inner_kernel
def advance(x):
    return x + STEP
"""
OUTER = """
import inner
from inner import advance
from groundling.envs.engine.compiling import compiler

@compiler(__file__, inner.__file__)
def twice(x):
    return advance(advance(x))
"""


Run = Callable[[int], tuple[int, int]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Imports both files anew; what the kernel makes of 1, and how often it came from the cache."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may change twice within a second

    def imported(name: str, text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        spec = spec_from_file_location(name, tmp_path / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    def run_with(step: int) -> tuple[int, int]:
        imported("inner", INNER.format(step=step))
        twice = imported("outer", OUTER).twice
        return twice(1), sum(twice.stats.cache_hits.values())

    return run_with


def test_kernel_is_taken_from_the_cache_until_a_file_that_it_is_made_of_changes(run: Run) -> None:
    assert run(1) == (3, 0)
    assert run(1) == (3, 1)
    assert run(5) == (11, 0), "the cache did not notice that the inner kernel changed"
    assert run(5) == (11, 1)
