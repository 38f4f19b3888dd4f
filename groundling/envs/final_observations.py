"""The last observations of the episodes that ended in a step, as Gymnasium has them in ``info["final_obs"]``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FinalObservations(np.ndarray):
    """``info["final_obs"]``: an array of objects [B], for each environment that ended its last observation, else None.

    An environment's dict is made only when it is asked for. NumPy's functions, copies and pickles fill the whole array
    first; only a plain view of it (``numpy.asarray``) shows None where nobody has asked yet: call :meth:`filled`.

    Args:
        arrays: the observations of the whole batch, [B, ...] by key; rows of environments that did not end are
            meaningless.
        ended: [B] bool.
    """

    arrays: Mapping[str, NDArray[Any]]
    _missing: NDArray[np.bool_] | None

    def __new__(cls, arrays: Mapping[str, NDArray[Any]], ended: NDArray[np.bool_]) -> FinalObservations:
        """An array in which nothing is filled."""
        made = np.empty(len(ended), dtype=object).view(cls)
        made.arrays = arrays
        made._missing = ended.copy()
        return made

    def __array_finalize__(self, obj: Any) -> None:
        """A view or copy is filled already, see ``__getitem__``."""
        self.arrays = getattr(obj, "arrays", {})
        self._missing = None

    def filled(self) -> NDArray[np.object_]:
        """A plain array of objects [B] with all observations."""
        self._fill(range(len(self)))
        return np.asarray(self)

    def _fill(self, rows: range | list[int]) -> None:
        if self._missing is None:
            return
        for row in rows:
            if self._missing[row]:
                self._missing[row] = False
                super().__setitem__(row, {name: array[row] for name, array in self.arrays.items()})

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer):
            self._fill([int(key)])
            return super().__getitem__(key)
        return self.filled()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._missing is not None:
            self._missing[key] = False
        super().__setitem__(key, value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.filled())

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [part.filled() if isinstance(part, FinalObservations) else part for part in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        self.filled()
        return super().__array_function__(func, types, args, kwargs)

    def copy(self, order: Any = "C") -> NDArray[np.object_]:  # type: ignore[override]
        """A plain array of objects [B]."""
        return self.filled().copy(order)

    def tolist(self) -> list[Any]:
        """The observations, None where no episode ended."""
        return self.filled().tolist()

    def __copy__(self) -> Any:
        return self.filled().copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.filled().__deepcopy__(memo)

    def __reduce__(self) -> Any:
        return self.filled().__reduce__()

    def __repr__(self) -> str:
        return repr(self.filled())


with contextlib.suppress(ImportError):  # ``array-api-compat`` is not installed, so those wrappers cannot be used either
    from gymnasium.wrappers.array_conversion import array_conversion

    @array_conversion.register(FinalObservations)
    def _converted(value: FinalObservations, xp: Any, device: Any = None) -> list[Any]:
        """What Gymnasium's conversions to other array libraries (``NumpyToTorch``) make of it: no other has objects."""
        return [array_conversion(observation, xp, device) for observation in value]
