"""Agents: vision, language, fusion, memory, policy and value; baselines."""

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.baselines import Policy, RandomPolicy, ShuffledInstructions
from groundling.agents.config import AgentConfig

__all__ = ["ActorCritic", "AgentConfig", "Policy", "RandomPolicy", "ShuffledInstructions"]
