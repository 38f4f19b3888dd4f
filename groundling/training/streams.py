"""Random streams of a run that goes on, perhaps on another device."""

from __future__ import annotations

import logging
import zlib

import torch
from torch import Tensor

_log = logging.getLogger(__name__)


def restore_stream(generator: torch.Generator, state: Tensor) -> None:
    """Continue a generator from a saved state.

    The state of another kind of device (CPU or CUDA) means nothing here: the stream then begins anew, from a seed that
    the state determines, and this is logged.
    """
    if state.shape == generator.get_state().shape:
        generator.set_state(state.cpu())
        return
    generator.manual_seed(zlib.crc32(state.cpu().numpy().tobytes()))
    _log.warning(
        "the run was saved on another kind of device: it goes on with new random draws, not as if it had never stopped"
    )
