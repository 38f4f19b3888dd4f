"""Kernels are compiled where nothing can be written, and kept on disk wherever something can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import caching

from groundling.envs.engine import compiling
from groundling.envs.engine.compiling import compiler


def double(values: np.ndarray) -> None:
    for place in range(len(values)):
        values[place] *= 2


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba finds no folder of its own: the package and the home cannot be written."""
    for locator in (caching.InTreeCacheLocator, caching.UserWideCacheLocator):
        monkeypatch.setattr(locator, "from_function", classmethod(lambda cls, *args: None))
    monkeypatch.setattr(compiling, "_warned", [])
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")


def doubled(kernel: Any) -> list[int]:
    values = np.array([1, 2])
    kernel(values)
    return values.tolist()


def test_kernels_are_kept_with_our_other_cached_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", str(tmp_path))
    kernel: Any = compiler(__file__)(double)
    assert doubled(kernel) == [2, 4]
    assert list((tmp_path / "kernels").rglob("*double*.nbi"))
    assert numba.config.CACHE_DIR == "", "functions of the user's own are cached where they were"
    assert not caplog.records


def test_where_nothing_can_be_written_kernels_are_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GROUNDLING_CACHE", "/dev/null/nowhere")
    for _ in range(2):
        assert doubled(compiler(__file__)(double)) == [2, 4]
    (record,) = caplog.records
    assert "set GROUNDLING_CACHE to a folder that can be written" in record.getMessage()
