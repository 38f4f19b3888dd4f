"""Gymnasium's own vector wrappers around Groundling's environments.

python examples/with_gymnasium.py [--steps 500]
"""

import torch
import tyro
from gymnasium.vector import VectorEnv
from gymnasium.wrappers.vector import DictInfoToList, NormalizeReward, NumpyToTorch, RecordEpisodeStatistics

import groundling


def make(num_envs: int) -> VectorEnv:
    """Environments in autoreset mode SAME_STEP: an episode ends and the next one begins in one step."""
    return groundling.make_vec("BabyAI-GoToLocal-v0", num_envs=num_envs, seed=0, bank_size=256, progress=False)


def main(steps: int = 500, num_envs: int = 8) -> None:
    """Play at random, three times, and print what the wrappers tell."""
    counted = RecordEpisodeStatistics(make(num_envs))
    counted.action_space.seed(0)
    counted.reset(seed=0)
    reached = 0
    for _ in range(steps):
        info = counted.step(counted.action_space.sample())[4]
        if "final_info" in info:
            reached += int(info["final_info"]["success"].sum())
    print(f"{counted.episode_count} episodes ended, {reached} of them at their goal")

    listed = DictInfoToList(make(num_envs))
    listed.action_space.seed(0)
    listed.reset(seed=0)
    ends = [one for _ in range(steps) for one in listed.step(listed.action_space.sample())[4] if "final_obs" in one]
    print(f"{len(ends)} ended; the last observation of the first one has {', '.join(ends[0]['final_obs'])}")

    tensors = NumpyToTorch(NormalizeReward(make(num_envs)))
    observation, _ = tensors.reset(seed=0)
    for _ in range(steps):
        observation, reward, *_ = tensors.step(torch.randint(7, (num_envs,)))
    print(f"image: {tuple(observation['image'].shape)} {observation['image'].dtype}; reward: {reward.dtype}")


if __name__ == "__main__":
    tyro.cli(main)
