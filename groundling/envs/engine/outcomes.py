"""How episodes ended, read off what vector environments tell: success is a flag of its own, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.errors import ConfigurationError

SUCCESS_KEYS = ("success", "is_success")  # ours, and Stable-Baselines3's


def successes_of(info: Mapping[str, Any], ended: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Whether each of the episodes that ended [B] reached its goal; None if nothing tells it of one of them.

    Where environments reset themselves, what was told at the end of an episode is in ``final_info``.
    """
    for told in (info.get("final_info"), info):
        for key in SUCCESS_KEYS:
            if isinstance(told, Mapping) and key in told:
                is_told = np.asarray(told.get(f"_{key}", ended), dtype=np.bool_)
                if is_told[ended].all():
                    return np.asarray(told[key], dtype=np.bool_) & ended
    return None


def require_successes(info: Mapping[str, Any], ended: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """As :func:`successes_of`.

    Raises:
        ConfigurationError: if nothing tells it.
    """
    found = successes_of(info, ended)
    if found is None:
        raise ConfigurationError(
            f"the environments do not tell whether an episode succeeded: put a flag {' or '.join(SUCCESS_KEYS)} into "
            "the info of its last step. It is never guessed from the reward"
        )
    return found
