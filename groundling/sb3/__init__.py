"""Stable-Baselines3 both ways: it trains on our environments and with our encoders, and its models are measured by us.

>>> from groundling.sb3 import make_vec_env, policy_kwargs
>>> envs = make_vec_env("BabyAI-GoToLocal-v0", n_envs=64)
>>> model = stable_baselines3.PPO("MultiInputPolicy", envs, policy_kwargs=policy_kwargs(envs))

The other way is ``groundling train --algorithm sb3:PPO`` and ``groundling evaluate --policy sb3:PPO:model.zip``. Needs
the extra ``groundling[sb3]``; importing this package without it raises ``MissingPackageError``.
"""

from groundling.extras import brought_by

with brought_by("sb3", "Stable-Baselines3 is not installed"):
    import stable_baselines3  # noqa: F401 - whether it is there

from groundling.sb3.trunk import AgentTrunk, CachedCollection, policy_kwargs
from groundling.sb3.vec_env import GroundlingVecEnv, make_vec_env

__all__ = ["AgentTrunk", "CachedCollection", "GroundlingVecEnv", "make_vec_env", "policy_kwargs"]
