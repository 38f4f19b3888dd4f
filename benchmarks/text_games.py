"""An agent that reads texts and scores commands, in houses that TextWorld makes: trained, blind, random.

    python benchmarks/text_games.py [--kind household treasure] [--frames 20000] [--seed 1] [--episodes 64]
        [--output benchmarks/results/simulators.json]

Row ``textworld``: success in the games of groundling/TextWorld-Household-v0 that training never has (suite layout), of
vision "commands" after as many frames of behavior cloning, whose expert is TextWorld's own way to win. Row
``textworld_treasure``: the same in groundling/TextWorld-Treasure-v0 after PPO, which no expert helps. ``floor`` is a
policy that draws among the admissible commands; ``blind`` is an agent trained in the same way that reads the
instruction and the commands, but not what the game tells. Actions are drawn. The games are made first, and kept in the
cache: some seconds each. ``minutes`` are those of this process; the games' own process is not counted.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from launch import launch
from numpy.typing import NDArray
from runs import finish_timed, keep_rows
from torch import Tensor

from groundling.agents import AgentConfig
from groundling.eval.runs import evaluate_suites
from groundling.eval.suites import suite_rows
from groundling.interfaces import Observation, Policy
from groundling.training import ImitationConfig, PPOConfig, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

TASKS = {"household": "groundling/TextWorld-Household-v0", "treasure": "groundling/TextWorld-Treasure-v0"}
KEYS = {"household": "textworld", "treasure": "textworld_treasure"}
SETTINGS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "household": ("bc", (ImitationConfig(num_steps=20, minibatch_size=160, learning_rate=2e-3),)),
    "treasure": ("ppo", (PPOConfig(num_steps=20, minibatch_size=160),)),
}


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        kind: of games, and with it the algorithm.
        frames: of each training.
        seed: of the trainings.
        episodes: of each evaluation.
        runs: folder of the trainings; one that was finished is not trained again.
        output: file of the rows; those of other keys that it holds are kept.
    """

    kind: Literal["household", "treasure"] = "household"
    frames: int = 20_000
    seed: int = 1
    episodes: int = 64
    runs: Path = Path("runs/textworld")
    output: Path | None = None


class OpenActions:
    """Draws among the actions that are open."""

    def initial_state(self, num_envs: int) -> Tensor:
        """Nothing."""
        return torch.zeros(num_envs, 0)

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """See ``groundling.interfaces.Policy``."""
        mask = torch.as_tensor(np.asarray(observation["action_mask"]), dtype=torch.float32)
        return torch.multinomial(mask, 1, generator=generator).squeeze(1).numpy(), state

    def inference_cache(self) -> AbstractContextManager[None]:
        """Nothing is kept."""
        return nullcontext()


def config_of(options: Options, *, blind: bool) -> TrainConfig:
    """The training of the agent, or of the blind one."""
    return TrainConfig(
        task=TASKS[options.kind],
        algorithm=SETTINGS[options.kind][0],
        total_frames=options.frames,
        num_envs=16,
        seed=options.seed,
        evaluate_every=0,
        agent=AgentConfig(vision="commands", memory="gru", memory_skip=True, blind=blind),
        reward=("environment",),
        settings=SETTINGS[options.kind][1],
    )


def measure(options: Options) -> None:
    """Train, measure, print and keep the row."""
    policies: dict[str, Policy] = {"random": OpenActions()}
    seconds = 0.0
    for name, blind in (("agent", False), ("blind", True)):
        config = config_of(options, blind=blind)
        folder = options.runs / f"{options.kind}-{name}-{options.frames}-seed{options.seed}"
        spent = finish_timed(config, folder)
        seconds = spent if name == "agent" else seconds
        policies[name] = Checkpoint.load(folder / CHECKPOINT_NAME).make_agent()
    config = config_of(options, blind=False)
    rows, _ = suite_rows(config, ("layout",), episodes=options.episodes, progress=False)
    found = {who: evaluation for _, who, evaluation in evaluate_suites(policies, rows)}
    told = found["agent"].to_dict()
    row: dict[str, Any] = {
        "key": KEYS[options.kind],
        "row": f"success in unseen games, {TASKS[options.kind]}, vision commands, {SETTINGS[options.kind][0]}",
        "mean": told["success"],
        "low": told["low"],
        "high": told["high"],
        "seeds": 1,
        "frames": options.frames,
        "minutes": round(seconds / 60, 1),
        "floor": found["random"].success,
        "ceiling": None,
        "command": "python benchmarks/text_games.py"
        + ("" if options.kind == "household" else f" --kind {options.kind} --frames {options.frames}"),
        "blind": found["blind"].success,
    }
    print({key: value for key, value in row.items() if key not in ("command", "row")})
    keep_rows([row], options.output)


if __name__ == "__main__":
    launch(measure, Options, __doc__)
