"""Groundling: an embodied simulator and trainer for agents that act on language.

>>> import groundling
>>> envs = groundling.make_vec("BabyAI-GoToLocal-v0", num_envs=64, seed=1)
>>> observations, info = envs.reset()

Agents, training and evaluation are in ``groundling.agents``, ``groundling.training`` and ``groundling.eval``; they
import PyTorch, this module does not. Importing it registers the ``groundling/...`` ids with Gymnasium.
"""

from importlib.metadata import PackageNotFoundError, version

from groundling.envs import EpisodeBank, Split, build_bank, make, make_vec, register_environments

try:
    __version__ = version("groundling")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"

register_environments()

__all__ = ["EpisodeBank", "Split", "__version__", "build_bank", "make", "make_vec", "register_environments"]
