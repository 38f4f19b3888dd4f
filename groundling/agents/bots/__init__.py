"""Bots that know the answer: experts to learn from and to be measured by."""

from groundling.agents.bots.expert import Expert, Sight, expert_steps, unsolved_seeds

__all__ = ["Expert", "Sight", "expert_steps", "unsolved_seeds"]
