"""Bots that know the answer: experts to learn from and to be measured by."""

from groundling.agents.bots.expert import Expert, Sight, expert_steps, unsolved_seeds
from groundling.agents.bots.rover_expert import RoverExpert

__all__ = ["Expert", "RoverExpert", "Sight", "expert_steps", "unsolved_seeds"]
