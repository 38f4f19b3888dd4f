"""Ids of vector environments, registered as a user's package does."""

from __future__ import annotations

import gymnasium

gymnasium.register("Lamps-v0", vector_entry_point="foreign_vectors:make_next_step")
gymnasium.register(
    "BothLamps-v0", entry_point="foreign_envs:make_lamp", vector_entry_point="foreign_vectors:make_disabled"
)
