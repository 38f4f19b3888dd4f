"""Stable-Baselines3 on Groundling's environments, with its own networks for observations of several keys.

python examples/with_stable_baselines3.py [--total-timesteps 20000]        (pip install stable-baselines3)
"""

import gymnasium
import tyro
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

import groundling


def main(total_timesteps: int = 20_000, num_envs: int = 8, episodes: int = 20) -> None:
    """Train its PPO, and evaluate it on new worlds."""
    envs = make_vec_env(lambda: groundling.make("BabyAI-GoToObj-v0"), n_envs=num_envs, seed=0)
    model = PPO("MultiInputPolicy", envs, n_steps=128, verbose=0, seed=0, device="cpu")
    model.learn(total_timesteps)
    new: gymnasium.Env = groundling.make("BabyAI-GoToObj-v0", split="unseen")
    mean, deviation = evaluate_policy(model, make_vec_env(lambda: new, seed=1), episodes, deterministic=False)
    print(f"{model.num_timesteps:,} steps; return {mean:.2f}, standard deviation {deviation:.2f}, {episodes} episodes")


if __name__ == "__main__":
    tyro.cli(main)
