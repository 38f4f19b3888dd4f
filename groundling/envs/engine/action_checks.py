"""What actions have to be before a kernel steps by them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.errors import ActionError


def checked_actions(actions: NDArray[np.integer[Any]], count: int, num_actions: int) -> NDArray[np.int64]:
    """Actions as kernels take them.

    Args:
        actions: [count] integers in [0, num_actions).
        count: environments that are to be stepped.
        num_actions: A.

    Returns:
        [count] int64, contiguous.

    Raises:
        ActionError: if the actions are anything else; the message names the first environment that is wrong.
    """
    array = np.asarray(actions)
    if array.dtype.kind not in "iu":
        raise ActionError(f"actions are integers, got {array.dtype}: did you pass logits or probabilities?")
    if array.shape != (count,):
        raise ActionError(f"expected actions of shape ({count},), one for each environment, got shape {array.shape}")
    array = np.ascontiguousarray(array, dtype=np.int64)
    if array.min() < 0 or array.max() >= num_actions:
        wrong = int(np.flatnonzero((array < 0) | (array >= num_actions))[0])
        raise ActionError(
            f"action {array[wrong]} of environment {wrong} is out of range: actions are 0 to {num_actions - 1}"
        )
    return array
