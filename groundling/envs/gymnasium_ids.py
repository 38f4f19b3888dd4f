"""Ids of Gymnasium's registry that make our environments."""

from __future__ import annotations

import gymnasium

NAMESPACE = "groundling/"


def register_id(id: str, family: str = "") -> None:
    """Register an id with Gymnasium, for ``gymnasium.make`` and ``make_vec``, if it is not registered yet.

    Args:
        id: ``"namespace/Name-v0"``.
        family: the id of the family that it makes; by default the same.
    """
    if id not in gymnasium.registry:
        gymnasium.register(
            id,
            entry_point="groundling.envs.single:GroundlingEnv",
            vector_entry_point="groundling.envs.making:make_registered_vec",
            kwargs={"level": family or id},
            disable_env_checker=True,
        )
