"""Agents: vision, language, fusion, memory, policy and value; baselines."""

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.baselines import Policy, RandomPolicy, ShuffledInstructions
from groundling.agents.config import AgentConfig
from groundling.agents.space import AgentSpace

__all__ = ["ActorCritic", "AgentConfig", "AgentSpace", "Policy", "RandomPolicy", "ShuffledInstructions"]
