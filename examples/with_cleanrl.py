"""PPO in one file, as CleanRL writes it, on Groundling's environments: its own network, its own loop.

python examples/with_cleanrl.py [--total-timesteps 200000]
"""

import time

import numpy as np
import torch
import tyro
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from torch import nn
from torch.distributions import Categorical

import groundling

GAMMA, LAMBDA, CLIP, ENTROPY, VALUE, EPOCHS, MINIBATCHES = 0.99, 0.95, 0.2, 0.01, 0.5, 4, 4
KEYS = ("image", "direction", "instruction")


class Agent(nn.Module):
    """Embedded symbols and words, a feature-wise gate (Perez et al. 2018), a policy and a value."""

    def __init__(self, envs, features: int = 64):
        super().__init__()
        space = envs.single_observation_space
        self.symbols = nn.Embedding(3 * 32, 16)
        self.words = nn.EmbeddingBag(int(space["instruction"].high.max()) + 1, features, padding_idx=0)
        self.cells = nn.Sequential(nn.Conv2d(48, features, 3), nn.ReLU(), nn.Conv2d(features, features, 3), nn.ReLU())
        self.gate = nn.Linear(features, 2 * features)
        self.direction = nn.Embedding(4, features)
        self.trunk = nn.Sequential(nn.Linear(9 * features, features), nn.ReLU())
        self.actor = nn.Linear(features, envs.single_action_space.n)
        self.critic = nn.Linear(features, 1)

    def forward(self, observation):
        """Logits [B, A] and values [B]."""
        offsets = torch.tensor([0, 32, 64])
        symbols = self.symbols(observation["image"].long() + offsets).flatten(3).permute(0, 3, 1, 2)
        scale, shift = self.gate(self.words(observation["instruction"].long())).chunk(2, dim=1)
        cells = self.cells(symbols) * (1 + scale)[:, :, None, None] + shift[:, :, None, None]
        hidden = self.trunk(cells.relu().flatten(1)) + self.direction(observation["direction"])
        return self.actor(hidden), self.critic(hidden).squeeze(1)


def main(total_timesteps: int = 200_000, num_envs: int = 64, num_steps: int = 32, learning_rate: float = 1e-3) -> float:
    """Train; returns the mean return of the last hundred episodes."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    envs = RecordEpisodeStatistics(groundling.make_vec("BabyAI-GoToObj-v0", num_envs=num_envs, seed=1, progress=False))
    agent = Agent(envs)
    optimizer = torch.optim.Adam(agent.parameters(), lr=learning_rate, eps=1e-5)
    space, shape = envs.single_observation_space, (num_steps, num_envs)
    dtypes = {key: torch.as_tensor(space[key].sample()).dtype for key in KEYS}
    obs = {key: torch.zeros(*shape, *space[key].shape, dtype=dtypes[key]) for key in KEYS}
    actions = torch.zeros(shape, dtype=torch.long)
    logprobs, rewards, dones, values = (torch.zeros(shape) for _ in range(4))
    next_obs, next_done = envs.reset(seed=1)[0], np.zeros(num_envs)
    begin = time.time()
    iterations = total_timesteps // (num_envs * num_steps)
    for iteration in range(1, iterations + 1):
        for step in range(num_steps):
            for key in KEYS:
                obs[key][step] = torch.as_tensor(next_obs[key])
            dones[step] = torch.as_tensor(next_done)
            with torch.no_grad():
                logits, values[step] = agent({key: obs[key][step] for key in KEYS})
            policy = Categorical(logits=logits)
            actions[step] = policy.sample()
            logprobs[step] = policy.log_prob(actions[step])
            next_obs, reward, terminated, truncated, _ = envs.step(actions[step].numpy())
            rewards[step], next_done = torch.as_tensor(reward), np.logical_or(terminated, truncated)

        with torch.no_grad():
            next_value = agent({key: torch.as_tensor(next_obs[key]) for key in KEYS})[1]
        advantages, last = torch.zeros(shape), torch.zeros(num_envs)
        for step in reversed(range(num_steps)):
            is_last = step == num_steps - 1
            continues = 1 - (torch.as_tensor(next_done).float() if is_last else dones[step + 1])
            following = next_value if is_last else values[step + 1]
            delta = rewards[step] + GAMMA * following * continues - values[step]
            advantages[step] = last = delta + GAMMA * LAMBDA * continues * last
        returns = advantages + values

        flat = {key: array.flatten(0, 1) for key, array in obs.items()}
        for _ in range(EPOCHS):
            for rows in torch.randperm(num_steps * num_envs).chunk(MINIBATCHES):
                logits, value = agent({key: array[rows] for key, array in flat.items()})
                policy = Categorical(logits=logits)
                ratio = (policy.log_prob(actions.flatten()[rows]) - logprobs.flatten()[rows]).exp()
                advantage = advantages.flatten()[rows]
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                surrogate = torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)
                loss = VALUE * (value - returns.flatten()[rows]).square().mean() / 2
                loss = loss - surrogate.mean() - ENTROPY * policy.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()

        if iteration % 10 == 0 or iteration == iterations:
            frames = iteration * num_envs * num_steps
            mean = np.mean(envs.return_queue) if envs.return_queue else float("nan")
            print(f"{frames:>9,} frames, return {mean:.2f}, {frames / (time.time() - begin):,.0f} frames a second")
    envs.close()
    return float(mean)


if __name__ == "__main__":
    tyro.cli(main)
