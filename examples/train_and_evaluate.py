"""Train an agent with four color-type combinations held out, then measure it on seen and unseen ones.

python examples/train_and_evaluate.py [--frames 1000000]
"""

import tempfile

import tyro

from groundling import build_bank
from groundling.agents import AgentConfig
from groundling.eval import evaluate
from groundling.training import TrainConfig, train
from groundling.training.progress import ProgressBar


def main(frames: int = 1_000_000) -> None:
    """Train for some frames and print both success rates."""
    config = TrainConfig(task="BabyAI-GoToLocal-v0", total_frames=frames, agent=AgentConfig(fusion="attribute_gated"))
    with tempfile.TemporaryDirectory() as folder, ProgressBar("training") as bar:
        agent = train(config, folder, progress=bar).agent
    for split in ("seen", "unseen"):
        result = evaluate(agent, build_bank(config.task, 500, split=split))
        print(
            f"{split}: success {result.success:.3f}, 95 % interval {result.interval[0]:.3f} to {result.interval[1]:.3f}"
        )


if __name__ == "__main__":
    tyro.cli(main)
