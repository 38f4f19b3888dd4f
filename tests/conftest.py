"""Shared settings of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

# One thread for each process, as in training: on arrays as small as the tests' several of them mostly wait for each
# other, above all where the workers of one run share the cores. It is read when PyTorch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def cache_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Banks are cached in a temporary folder, never in the user's own."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the workers of one run share their banks
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDLING_CACHE", str(folder / "banks"))
        yield
