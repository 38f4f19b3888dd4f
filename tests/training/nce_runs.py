"""Small runs that train encoders of clips and sentences."""

from __future__ import annotations

from typing import Any

from test_loop import make_config

from groundling.training import TrainConfig
from groundling.training.algorithms.infonce import InfoNCEConfig


def nce_config(*, gated: bool = True, **changes: Any) -> TrainConfig:
    """Of four updates, after which hardly anything is learned."""
    small = InfoNCEConfig(
        num_steps=12, clip_length=3, embedding_dim=6, gated=gated, buffer_size=64, batch_size=16, gradient_steps=2
    )
    return make_config(**{"algorithm": "infonce", "infonce": small, **changes})
