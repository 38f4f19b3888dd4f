"""A reward of your own: a bonus, once an episode, when the thing that the instruction names comes into view.

groundling train --task BabyAI-GoToObj-v0 --reward environment examples/add_a_reward.py:FirstSight
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from gymnasium.vector import VectorEnv
from minigrid.core.constants import COLOR_TO_IDX, OBJECT_TO_IDX

from groundling.interfaces import Array, Transition
from groundling.language import parse
from groundling.training import TrainConfig
from groundling.training.rewards.base import RewardTerm


@dataclass(frozen=True)
class FirstSightConfig:
    """Settings of the reward: --first-sight.bonus."""

    bonus: float = 0.1


@cache
def codes_of(sentence: str) -> tuple[int, int]:
    """MiniGrid's codes of the type and color of what the sentence names, in one of its cells."""
    thing = parse(sentence).target
    return OBJECT_TO_IDX[thing.type], COLOR_TO_IDX[thing.color]


class FirstSight(RewardTerm):
    """Pays when the named thing is first in view; what comes back into view is not paid again."""

    Config = FirstSightConfig
    section = "first_sight"

    def __init__(self, config: TrainConfig, envs: VectorEnv) -> None:
        super().__init__(config, envs)
        self.settings = config.settings_of(FirstSightConfig)
        self.seen = np.zeros(envs.num_envs, dtype=np.bool_)

    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step."""
        type, color = np.array([codes_of(text) for text in transition.texts]).T[..., None, None]
        image = transition.reached("image")  # [B, 7, 7, 3], where an episode ended its last one
        in_view = ((image[..., 0] == type) & (image[..., 1] == color)).any(axis=(1, 2))
        paid = self.settings.bonus * (in_view & ~self.seen)
        self.seen = (self.seen | in_view) & ~(transition.terminated | transition.truncated)
        return paid

    def state_dict(self) -> dict[str, list[bool]]:
        """What a resumed run needs."""
        return {"seen": self.seen.tolist()}

    def load_state_dict(self, saved: dict[str, list[bool]]) -> None:
        """Continue from it."""
        self.seen[:] = saved["seen"]
