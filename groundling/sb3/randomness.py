"""The global random streams, which Stable-Baselines3 seeds and draws from, kept apart from everybody else's."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class OwnRandomness:
    """States of the global streams of Python, NumPy and PyTorch that hold inside :meth:`used` only."""

    def __init__(self) -> None:
        self._states: dict[str, Any] | None = None

    @contextmanager
    def used(self) -> Iterator[None]:
        """A context in which the global streams are these; afterwards they are as before it."""
        before = _states()
        if self._states is not None:
            _set(self._states)
        try:
            yield
        finally:
            self._states = _states()
            _set(before)

    def state_dict(self) -> dict[str, Any]:
        """The states as tensors and text; Python's own stream, which no algorithm draws from, is left out."""
        if self._states is None:
            return {}
        kind, keys, *rest = self._states["numpy"]
        cuda = {"cuda": self._states["cuda"]} if self._states["cuda"] else {}
        numpy = {"kind": kind, "keys": torch.as_tensor(keys.astype(np.int64)), "rest": list(rest)}
        return {"torch": self._states["torch"], "numpy": numpy, **cuda}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        if not saved:
            return
        numpy = saved["numpy"]
        states = (numpy["kind"], numpy["keys"].numpy().astype(np.uint32), *numpy["rest"])
        self._states = {**_states(), "torch": saved["torch"].cpu(), "numpy": states}
        if "cuda" in saved and torch.cuda.is_available():
            self._states["cuda"] = [state.cpu() for state in saved["cuda"]]


def _states() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state(), "cuda": cuda}


def _set(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])


def stream_text(generator: np.random.Generator) -> str:
    """The state of a generator as text: its integers are longer than a tensor's."""
    return json.dumps(generator.bit_generator.state)


def set_stream(generator: np.random.Generator, text: str) -> None:
    """Continue a generator from :func:`stream_text`."""
    generator.bit_generator.state = json.loads(text)
