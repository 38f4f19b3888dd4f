"""Checks of observations: shapes and types wherever they are, values where the host can look at them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from groundling.agents.placement import as_host_array, is_on_host
from groundling.errors import ObservationError
from groundling.interfaces import TOKENS, Field, Spec


def check_image(key: str, image: Tensor, shape: tuple[int, ...], kind: str) -> None:
    """Refuse what is no batch of uint8 images of this shape."""
    if image.shape[1:] != shape or image.dtype != torch.uint8:
        raise ObservationError(
            f"{key} must be [B, {', '.join(map(str, shape))}] uint8 ({kind}), got "
            f"{list(image.shape)} {image.dtype}; a single observation needs a batch dimension"
        )


def check_field(key: str, array: Tensor, part: Field, batch: int) -> None:
    """Refuse what is no batch of this field."""
    is_right = array.is_floating_point() == part.dtype.startswith("float")
    if array.shape != (batch, *part.shape) or not is_right:
        raise ObservationError(
            f"{key} must be {[batch, *part.shape]} {part.dtype} ({part.kind}), got {list(array.shape)} {array.dtype}; "
            "a single observation needs a batch dimension"
        )
    if part.size and batch and is_on_host(array):
        lowest, highest = (int(value) for value in array.aminmax())
        check_range(key, lowest, highest, part.size)


def check_range(name: str, lowest: int, highest: int, size: int) -> None:
    """Refuse numbers that are not in [0, size)."""
    if lowest < 0 or highest >= size:
        wrong = lowest if lowest < 0 else highest
        raise ObservationError(f"a {name} of {wrong} is out of range: it is between 0 and {size - 1}")


def check_values_of(key: str, array: Any, spec: Spec) -> None:
    """Refuse values of an array [B, ...] of the host that are none of its field."""
    part, numbers = spec.observation[key], as_host_array(array)
    if not numbers.size or numbers.dtype.kind not in "iub":
        return
    size = len(spec.vocabulary) if part.kind == TOKENS else part.size
    if size:
        check_range("token id" if part.kind == TOKENS else key, int(numbers.min()), int(numbers.max()), size)
