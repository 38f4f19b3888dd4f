"""The task of Chaplot et al. 2018: its rules and its episodes, shared by the native room and by ViZDoom."""

from groundling.envs.grounded.episodes import Difficulty, GroundedEpisode, sample_episode, sample_episodes
from groundling.envs.grounded.rules import GROUNDED_RULES, GroundedRules

__all__ = [
    "GROUNDED_RULES",
    "Difficulty",
    "GroundedEpisode",
    "GroundedRules",
    "sample_episode",
    "sample_episodes",
]
