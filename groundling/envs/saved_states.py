"""Saved states of environments, before they are taken over: the arrays of another batch, or damaged ones, are refused.

A state comes out of a checkpoint that anybody may have written, and kernels index by what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.errors import ConfigurationError

Arrays = Mapping[str, NDArray[Any]]
Bounds = Mapping[str, tuple[float, float]]


def check_arrays(
    saved: Arrays, ours: Arrays, bounds: Bounds | None = None, *, other: str = "another level, bank or num_envs"
) -> None:
    """Refuse arrays that are missing, of another shape or type, or hold numbers beyond their bounds.

    Args:
        saved: the state, by name; what is there beyond ours is passed over.
        ours: arrays of the same names, into which it is to be copied.
        bounds: lowest and highest number of some of them, both allowed; NaN never is.
        other: what may be another one where a shape differs, for the message.

    Raises:
        ConfigurationError: naming the first.
    """
    for name, array in ours.items():
        found = saved.get(name)
        if not isinstance(found, np.ndarray | np.generic) or found.shape != array.shape:
            shape = list(found.shape) if isinstance(found, np.ndarray | np.generic) else "missing"
            raise ConfigurationError(
                f"the saved environments have {name} of shape {shape}, these have {list(array.shape)}: {other}"
            )
        if found.dtype != array.dtype:
            raise ConfigurationError(
                f"the saved environments have {name} of type {found.dtype}, these have {array.dtype}: the state is "
                "damaged, or of another version"
            )
    for name, (low, high) in (bounds or {}).items():
        if name in ours and ours[name].size:
            refuse_beyond(saved[name], low, high, name)


def refuse_beyond(array: NDArray[Any], low: float, high: float, name: str) -> None:
    """Refuse numbers that are not from ``low`` to ``high``.

    Raises:
        ConfigurationError: naming one.
    """
    is_right = (array >= low) & (array <= high)
    if not is_right.all():
        wrong = array[~is_right].flat[0]
        raise ConfigurationError(
            f"the saved environments have {wrong} in {name}, where there is nothing but {low:g} to {high:g}: the state "
            "is damaged"
        )
