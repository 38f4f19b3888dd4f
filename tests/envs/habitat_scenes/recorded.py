"""Where the recordings of habitat-sim are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

RECORDINGS = Path(__file__).parents[4] / "shared" / "data" / "habitat"


def recorded(name: str) -> dict[str, np.ndarray]:
    path = RECORDINGS / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"the recordings are not there: {path}")
    with np.load(path) as file:
        return {key: file[key] for key in file.files}
