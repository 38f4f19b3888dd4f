"""What the ``reset`` of environments that share one order of episodes is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from groundling.errors import ConfigurationError
from groundling.seeding import reset_seed


def checked_reset(
    num_envs: int, seed: Any, options: dict[str, Any] | None, as_array: Callable[[Any], Any] = np.asarray
) -> tuple[int | None, Any]:
    """The seed of a ``reset``, and which environments it resets.

    Args:
        num_envs: B.
        seed: an integer, or None.
        options: may hold a ``reset_mask``, [B] bool.
        as_array: makes the mask an array of the environments' device.

    Returns:
        the seed or None; the mask or None, for all.

    Raises:
        ConfigurationError: if a list of seeds is given, the mask is not [B] bool, or it comes with a seed.
    """
    if np.ndim(seed) > 0:
        raise ConfigurationError("the environments share one bank and one order: give one integer as the seed")
    first = reset_seed(seed)
    mask = (options or {}).get("reset_mask")
    if mask is None:
        return first, None
    mask = as_array(mask)
    if tuple(mask.shape) != (num_envs,) or mask.dtype != np.bool_:
        raise ConfigurationError(f"options['reset_mask'] must be a bool array of shape ({num_envs},)")
    if first is not None:
        raise ConfigurationError("a seed begins the order of all environments anew: give it without a reset_mask")
    return first, mask
