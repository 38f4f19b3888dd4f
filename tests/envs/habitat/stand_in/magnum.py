"""Stand-in for the part of Magnum's Python bindings that the wrapper of habitat-sim uses: vectors and quaternions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


class Vector3:
    """Three floats. As in the real bindings, whole numbers are taken, NumPy arrays of whole numbers are not."""

    def __init__(self, x: float | Vector3 = 0.0, y: float | None = None, z: float | None = None) -> None:
        if isinstance(x, Vector3):
            self.x, self.y, self.z = x.x, x.y, x.z
            return
        if y is None and z is None:
            y = z = x
        if not all(isinstance(part, (int, float, np.floating)) for part in (x, y, z)):
            raise TypeError("__init__(): incompatible constructor arguments")
        self.x, self.y, self.z = float(np.float32(x)), float(np.float32(y)), float(np.float32(z))

    def __iter__(self) -> Iterator[float]:
        return iter((self.x, self.y, self.z))

    def __getitem__(self, index: int) -> float:
        return (self.x, self.y, self.z)[index]

    def __len__(self) -> int:
        return 3

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.array([self.x, self.y, self.z], dtype=dtype or np.float32)

    def __repr__(self) -> str:
        return f"Vector({self.x}, {self.y}, {self.z})"


class Quaternion:
    """A rotation: the vector (x, y, z) and the scalar w."""

    def __init__(self, vector: Vector3 | None = None, scalar: float = 1.0) -> None:
        if vector is not None and not isinstance(vector, Vector3):
            raise TypeError("__init__(): incompatible constructor arguments")
        self.vector = vector or Vector3(0.0)
        self.scalar = float(scalar)

    def is_normalized(self) -> bool:
        """Within what Magnum calls so."""
        return abs(self.scalar**2 + sum(part * part for part in self.vector) - 1) < 2e-5
