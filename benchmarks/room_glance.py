"""Which of five objects is meant, at a glance: how well fusions recombine words on pixels, in a minute or two a run.

    python benchmarks/room_glance.py [--fusions attribute_gated gated film concat cross_attention] [--seeds 1 2 3 4]
        [--episodes 262144] [--frames 131072] [--output benchmarks/results/room_glance.json]

In the easy rooms the five objects stand side by side, and the first picture shows all of them. The eyes of an agent
(``--preset pixels``) and one layer learn, from labels, at which of the five places the object is that the instruction
asks for: trained on the paper's 55 instructions, tested on new pictures with these and with its 15 test instructions.
No reward, no exploration, no memory: what the test lacks is what the eyes do not recombine. The same mistakes as in
agents trained by reinforcement ("green armor", "blue keycard") come up, in minutes instead of twenty.

"episodes" are the distinct ones; fewer than the frames are seen again in another order. The last line is a JSON object.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from launch import launch
from numpy.typing import NDArray
from room_failures import asked_for
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents import ActorCritic
from groundling.agents.config import FusionKind
from groundling.envs import EpisodeBank, TaskMixture
from groundling.envs.specification import spec_of
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError
from groundling.eval.suites import suite_bank
from groundling.files import write_text
from groundling.training import TrainConfig
from groundling.training.presets import PRESETS

SUITES = ("layout", "zero_shot", "reordered", "new_set", "superlative")
PLACES = 5
BATCH = 512
CALIBRATION_BATCHES = 2
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Options:
    """Compare fusions at a glance.

    Attributes:
        fusions: which.
        episodes: distinct training episodes, each number in turn.
        frames: pictures that a run learns from.
        seeds: one run of each for each.
        tests: episodes of each suite.
        torch_threads: threads of PyTorch.
        output: JSON file of the results; rows that it holds already are kept.
    """

    fusions: tuple[FusionKind, ...] = get_args(FusionKind)
    episodes: tuple[int, ...] = (262_144,)
    frames: int = 131_072
    seeds: tuple[int, ...] = (1, 2, 3, 4)
    tests: int = 1536
    torch_threads: int = 1
    output: Path | None = None


def main(options: Options) -> None:
    if min(*options.episodes, options.frames, options.tests) < BATCH:
        raise ConfigurationError(
            f"episodes, frames and tests are seen {BATCH} at a time: give at least as many of each"
        )
    torch.set_num_threads(options.torch_threads)
    rows: dict[str, Any] = {}
    if options.output is not None and options.output.exists():
        rows = json.loads(options.output.read_text())
    print(f"{'':<40}" + "".join(f"{suite:>13}" for suite in SUITES))
    for fusion, episodes in product(options.fusions, options.episodes):
        name = f"{fusion}, {episodes} episodes"
        runs = [run(options, fusion, episodes, seed) for seed in options.seeds]
        rows[name] = {"frames": options.frames, "seeds": list(options.seeds), "runs": runs}
        print(f"{name:<40}" + "".join(f"{np.mean([told[suite] for told in runs]):>13.3f}" for suite in SUITES))
        if options.output is not None:
            write_text(options.output, json.dumps(rows, indent=1) + "\n")
    print(json.dumps({"rows": len(rows), "output": str(options.output)}))


def run(options: Options, fusion: FusionKind, episodes: int, seed: int) -> dict[str, Any]:
    """Train once; the accuracy by suite, and by test instruction."""
    preset = PRESETS["pixels"]
    config = replace(preset, agent=replace(preset.agent, fusion=fusion), bank_size=episodes, seed=seed)
    bank = config.training_bank(progress=False)
    torch.manual_seed(seed)
    agent = ActorCritic(config.agent, spec_of(make_envs(config, bank)))
    agent.encoder.precision = "bfloat16"
    head = nn.Linear(config.agent.hidden_dim, PLACES)
    learn(agent, head, glances(config, bank, seed), options.frames // BATCH)
    told: dict[str, Any] = {}
    with torch.no_grad(), agent.inference_cache():
        for suite in SUITES:
            test = suite_bank(config, suite, episodes=options.tests, progress=False)
            right = answers(agent, head, config, test)
            told[suite] = float(right.mean())
            if suite == "zero_shot":
                texts = np.array([test.instruction(row) for row in range(len(right))])
                told["by_instruction"] = {str(text): float(right[texts == text].mean()) for text in np.unique(texts)}
    return told


def learn(agent: ActorCritic, head: nn.Linear, batches: Iterator[tuple[dict[str, Any], Tensor]], steps: int) -> None:
    """Adam on the cross-entropy, with a step that falls to nothing."""
    eyes = agent.encoder
    first = [next(batches) for _ in range(CALIBRATION_BATCHES)]
    agent.calibrate({key: np.concatenate([seen[key] for seen, _ in first]) for key in agent.observation_keys})
    parameters = [*eyes.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, eps=1e-5, fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / steps)
        seen, place = next(batches)
        loss = functional.cross_entropy(head(eyes(eyes.prepare(seen))), place)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def answers(agent: ActorCritic, head: nn.Linear, config: TrainConfig, bank: EpisodeBank) -> NDArray[np.bool_]:
    """Which episodes of a bank are told rightly, of as many as fill batches."""
    eyes, right = agent.encoder, []
    for _, (seen, place) in zip(range(len(bank) // BATCH), glances(config, bank, None), strict=False):
        right.append(head(eyes(eyes.prepare(seen))).argmax(dim=1) == place)
    return torch.cat(right).numpy()


def make_envs(config: TrainConfig, bank: EpisodeBank) -> GroundlingVectorEnv:
    """A batch of environments that plays the episodes in their order, again and again."""
    return GroundlingVectorEnv(TaskMixture.of([bank]), BATCH, shuffle=False, copy=False, embodiment=config.embodiment())


def glances(config: TrainConfig, bank: EpisodeBank, seed: int | None) -> Iterator[tuple[dict[str, Any], Tensor]]:
    """First observations, a batch at a time, and the place of what is asked for; None keeps the bank's order."""
    places, order = places_of(bank), np.arange(len(bank))
    generator = np.random.default_rng(seed)
    while True:
        if seed is not None:
            order = generator.permutation(len(bank))
        envs = make_envs(config, bank.take(order))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            seen, _ = envs.reset()
            yield dict(seen), torch.from_numpy(places[order[start : start + BATCH]])


def places_of(bank: EpisodeBank) -> NDArray[np.int64]:
    """At which of the places, from left to right, the object stands that an episode asks for."""
    rows = bank.positions // bank.cells.shape[2]  # the agent looks along them
    return (rows < rows[np.arange(len(bank)), asked_for(bank)][:, None]).sum(axis=1).astype(np.int64)


if __name__ == "__main__":
    launch(main, Options, __doc__)
