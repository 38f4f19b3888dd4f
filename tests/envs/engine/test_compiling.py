"""The cache of compiled kernels: it is used, and a change of any file that a kernel is made of empties it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numba
import pytest

from groundling.envs.engine.compiling import FIRST_COMPILATION

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


def test_index_of_a_cache_that_cannot_be_read_is_written_anew(run: Run, tmp_path: Path) -> None:
    """As an older version leaves one, whose pickled types are in modules that have moved."""
    run(1)
    (index,) = (tmp_path / "cache").rglob("outer.twice*.nbi")
    whole = index.read_bytes()
    broken = whole.replace(b"numba.core.types", b"numba.gone.types")
    assert broken != whole
    index.write_bytes(broken)
    assert run(1) == (3, 0)
    assert run(1) == (3, 1)


@pytest.mark.parametrize(
    ("module", "is_terminal", "messages"),
    [("groundling.own", True, 1), ("groundling.own", False, 0), ("theirs", True, 0)],
)
def test_first_compilation_of_ours_is_told_once_in_a_terminal(
    module: str, is_terminal: bool, messages: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    caplog.set_level(logging.INFO, logger="groundling")

    def half(x: float) -> float:
        return x / 2

    half.__module__ = module
    kernel = numba.njit(half)
    monkeypatch.setattr(FIRST_COMPILATION, "is_told", False)
    assert [kernel(3), kernel(3.0), kernel(5)] == [1.5, 1.5, 2.5]  # compiled for two types
    assert [record.message for record in caplog.records if "compiling" in record.message] == [
        "compiling the simulator for this machine, once; this takes up to a minute ..."
    ] * messages
