"""The task of Chaplot et al. 2018: its rules and its episodes, shared by the native room and by ViZDoom."""

from groundling.envs.families.chaplot.episodes import ChaplotEpisode, Difficulty, sample_episode, sample_episodes
from groundling.envs.families.chaplot.rules import GROUNDED_RULES, ChaplotRules

__all__ = [
    "GROUNDED_RULES",
    "ChaplotEpisode",
    "ChaplotRules",
    "Difficulty",
    "sample_episode",
    "sample_episodes",
]
