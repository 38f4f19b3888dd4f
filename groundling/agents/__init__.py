"""Agents: observation encoders, language, fusion, memory, policy and value; baselines."""

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.baselines import RandomPolicy, ShuffledInstructions
from groundling.agents.config import AgentConfig
from groundling.interfaces import Policy

__all__ = ["ActorCritic", "AgentConfig", "Policy", "RandomPolicy", "ShuffledInstructions"]
