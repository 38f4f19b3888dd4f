"""Arrays for results that are used again, so that a step takes no fresh memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Arrays = TypeVar("Arrays", bound=tuple[NDArray[Any], ...])


class ArrayPool(Generic[Arrays]):
    """Arrays for results, used again as soon as nobody outside holds them or a view of them.

    Fresh memory for every step would cost more than the step itself (the system hands it out page by page).

    Args:
        make: makes one more set of arrays.
    """

    def __init__(self, make: Callable[[], Arrays]) -> None:
        self._make: Callable[[], Arrays] = make
        self._sets: list[Arrays] = []
        self._held_here = max(sys.getrefcount(array) for array in self._add())

    def _add(self) -> Arrays:
        arrays = self._make()
        self._sets.append(arrays)
        return arrays

    def take(self) -> Arrays:
        """Arrays that only this pool holds."""
        for arrays in self._sets:
            if all(sys.getrefcount(array) <= self._held_here for array in arrays):
                return arrays
        return self._add()
