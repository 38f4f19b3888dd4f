"""TorchRL's GymWrapper around one environment and around many.

python examples/with_torchrl.py [--steps 200]        (pip install torchrl)
"""

import tyro
from torchrl.envs import GymWrapper
from torchrl.envs.utils import check_env_specs

import groundling


def main(steps: int = 200, num_envs: int = 16) -> None:
    """Check both against their specifications, and roll random actions out."""
    one = GymWrapper(groundling.make("BabyAI-GoToLocal-v0"))
    check_env_specs(one)
    print(one.rollout(steps))

    # TorchRL fills what did not end with zeros, which is no one-hot code: choose categories for the vector environment
    envs = groundling.make_vec("BabyAI-GoToLocal-v0", num_envs=num_envs, bank_size=256, progress=False)
    many = GymWrapper(envs, categorical_action_encoding=True)
    rollout = many.rollout(steps, break_when_any_done=False)
    ends = int(rollout["next", "done"].sum())
    print(f"{num_envs} environments, {steps} steps, {ends} episodes ended; image: {tuple(rollout['image'].shape)}")


if __name__ == "__main__":
    tyro.cli(main)
