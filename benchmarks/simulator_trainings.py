"""The short trainings of ``simulators.py``: one or two in each package of environments."""

from __future__ import annotations

from dataclasses import dataclass, field

from groundling.agents import AgentConfig
from groundling.training import PPOConfig


@dataclass(frozen=True)
class Training:
    """A short training.

    Attributes:
        task: its environments.
        frames: how many; 0: those of the options.
        num_envs: B.
        agent: its parts.
        ppo: settings of PPO.
        reward_weight: of the environment's reward.
        episodes: of the evaluation, at most.
        has_blind: whether an agent that sees nothing is trained as well.
    """

    task: str
    frames: int = 0
    num_envs: int = 128
    agent: AgentConfig = field(default_factory=AgentConfig)
    ppo: PPOConfig = field(default_factory=lambda: PPOConfig(minibatch_size=1024))
    reward_weight: float = 1.0
    episodes: int = 1000
    has_blind: bool = False


SHORT = PPOConfig(minibatch_size=256)
PIXELS = AgentConfig(vision="cnn")
TRAININGS = {
    "minigrid_compiled": Training("BabyAI-GoToLocal-v0"),
    "minigrid_adapted": Training("gym:BabyAI-GoToLocal-v0"),
    "envpool": Training("envpool:BabyAI-GoToLocal-v0"),
    "minihack": Training("gym:MiniHack-Room-5x5-v0", 30_000, 64, ppo=SHORT, episodes=200, has_blind=True),
    "minihack_keyroom": Training(  # success is rare at first, and a step that changes nothing is paid -.01 by default
        "gym:MiniHack-KeyRoom-S5-v0?arg.penalty_step=0",
        150_000,
        64,
        ppo=PPOConfig(minibatch_size=512, num_steps=32, entropy_coef=0.03),
        episodes=200,
        has_blind=True,
    ),
    "miniworld": Training(
        "gym:MiniWorld-OneRoomS6Fast-v0?say=go to the red box&size=40x40",
        40_000,
        32,
        PIXELS,
        SHORT,
        episodes=100,
        has_blind=True,
    ),
    "atari": Training(
        "gym:ALE/RoadRunner-v5?say=run left on the road and pick up the seeds&success=return>=500",
        40_000,
        16,
        PIXELS,
        SHORT,
        0.01,
        24,
    ),
}
