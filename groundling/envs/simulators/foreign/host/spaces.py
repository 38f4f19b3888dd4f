"""What spaces are, in plain values, and the parts of their observations."""

from __future__ import annotations

from typing import Any

import numpy as np


def describe(space: Any) -> dict[str, Any]:
    """A space as plain values; what no agent can take is of the kind "other"."""
    name = type(space).__name__
    if hasattr(space, "spaces"):
        parts = space.spaces
        inner = parts.items() if hasattr(parts, "items") else ((str(i), part) for i, part in enumerate(parts))
        return {"kind": "dict", "name": name, "parts": {key: describe(part) for key, part in inner}}
    if hasattr(space, "low") and hasattr(space, "high"):
        low, high = np.min(space.low), np.max(space.high)
        return {
            "kind": "box",
            "shape": tuple(space.shape),
            "dtype": str(np.dtype(space.dtype)),
            "low": float(low),
            "high": float(high),
        }
    if hasattr(space, "nvec"):
        return {"kind": "multidiscrete", "name": name, "nvec": [int(n) for n in np.ravel(space.nvec)]}
    if name == "MultiBinary":
        return {"kind": "box", "shape": tuple(space.shape), "dtype": "int8", "low": 0.0, "high": 1.0, "is_mask": True}
    if hasattr(space, "n"):
        return {"kind": "discrete", "n": int(space.n), "start": int(getattr(space, "start", 0))}
    if name in ("Text", "MissionSpace") or hasattr(space, "charset") or hasattr(space, "mission_func"):
        return {"kind": "text", "name": name}
    return {"kind": "other", "name": name}


def flat(description: dict[str, Any], key: str = "") -> dict[str, dict[str, Any]]:
    """The parts of a description by their keys, those inside others with dots between."""
    if description["kind"] != "dict":
        return {key or "observation": description}
    found: dict[str, dict[str, Any]] = {}
    for name, part in description["parts"].items():
        found.update(flat(part, f"{key}.{name}" if key else str(name)))
    return found


def part_of(observation: Any, key: str, is_dict: bool) -> Any:
    """What stands under a key of :func:`flat`."""
    if not is_dict:
        return observation
    if isinstance(observation, dict) and key in observation:
        return observation[key]
    for name in key.split("."):
        observation = observation[int(name)] if isinstance(observation, (tuple, list)) else observation[name]
    return observation


def text_bytes(value: Any) -> bytes:
    """A text, or several, a line each, as bytes: strings, byte strings, arrays of bytes that end in zeros."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value.rstrip(b"\0")
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        rows = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else value[None]
        return b"\n".join(bytes(row).split(b"\0")[0].rstrip() for row in rows)
    if isinstance(value, (list, tuple)):
        return b"\n".join(text_bytes(part) for part in value)
    return b"" if value is None else str(value).encode("utf-8")
