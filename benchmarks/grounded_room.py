"""The task of Chaplot et al. 2018, in our own rooms and in ViZDoom: accuracy by difficulty, agent and stratum.

    python benchmarks/grounded_room.py [--simulators room doom] [--difficulties easy medium hard]
        [--agents ours ours_gated ours_concat ours_a2c chaplot concat blind] [--seeds 1 2 3] [--frames N]
        [--curriculum] [--precision float32|bfloat16]
        [--output benchmarks/results/grounded_room.json]

Agents: "ours" (a compact CNN under the default fusion), "chaplot" (A3C-GA's network), "concat" (its concatenation
baseline), "ours_gated" (ours, with one gate of the whole sentence, as in A3C-GA), "ours_concat" (ours, with the
instruction appended to every cell instead of gates), "blind" (ours without its eyes), "ours_a2c" (ours, trained with
A2C, whose rollouts are as large as PPO's minibatches: as many steps). All others train with PPO, all of them on the
paper's 55 instructions; "layout" is the paper's multi-task accuracy, "zero_shot" that on its 15 test instructions, then
their three strata. The likeliest action is taken, as in the authors' own test. Random actions beside them, and the
agent told another instruction.
With ``--curriculum`` the medium rooms start from the agent of the easy ones and the hard rooms from that of the medium
ones, with ``LEARNING_RATES``. Every finished run is kept in ``--runs`` and not trained again. The last line is a JSON
object.

Source of the paper's numbers: arXiv:1706.07230, table 1.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from launch import launch

from groundling.agents import AgentConfig
from groundling.agents.config import Precision
from groundling.envs.families.chaplot.family import SUITES
from groundling.errors import ConfigurationError
from groundling.eval.runs import evaluate_run
from groundling.files import write_text
from groundling.training import A2CConfig, PPOConfig, TrainConfig, Trainer
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS

PAPER = {"easy": (1.00, 0.81), "medium": (0.89, 0.75), "hard": (0.83, 0.73)}
OURS = PRESETS["pixels"].agent
AGENTS: dict[str, AgentConfig] = {
    "ours": OURS,
    "chaplot": PRESETS["chaplot"].agent,
    "concat": AgentConfig.chaplot(fusion="concat"),
    "ours_gated": replace(OURS, fusion="gated"),
    "ours_concat": replace(OURS, fusion="concat"),
    "blind": replace(OURS, blind=True),
    "ours_a2c": OURS,
}
SETTINGS = {"room": PRESETS["pixels"], "doom": PRESETS["doom"]}
A2C_STEPS = 8
FRAMES = {
    "room": {"easy": 2_000_000, "medium": 3_000_000, "hard": 8_000_000},
    "doom": {"easy": 2_400_000, "medium": 2_400_000, "hard": 3_000_000},
}
# Of agents that go on from easier rooms: in hard ones 1e-3 swings until it has fallen to half (and ends as well).
LEARNING_RATES = {"hard": 5e-4}
EASIER = {"easy": None, "medium": "easy", "hard": "medium"}


@dataclass(frozen=True)
class Options:
    """Measure the grounded rooms.

    Attributes:
        simulators: "room" (ours) or "doom" (ViZDoom, needs the extra groundling[doom]).
        difficulties: of the rooms.
        agents: names of agents.
        seeds: training runs of each.
        frames: to train on, in each difficulty; those of ``FRAMES`` if it is not given.
        curriculum: start from the agent of the next easier rooms, of the same seed, where there are any.
        precision: that the agents see in while they train.
        torch_threads: threads of PyTorch.
        episodes: of each suite.
        runs: folder of the runs; a run that is there goes on.
        output: where the results go; cells that it holds already are kept.
    """

    simulators: tuple[Literal["room", "doom"], ...] = ("room",)
    difficulties: tuple[Literal["easy", "medium", "hard"], ...] = ("easy", "medium", "hard")
    agents: tuple[Literal["ours", "ours_gated", "ours_concat", "ours_a2c", "chaplot", "concat", "blind"], ...] = (
        "ours",
        "chaplot",
        "concat",
    )
    seeds: tuple[int, ...] = (1, 2, 3)
    frames: int | None = None
    curriculum: bool = False
    precision: Precision = "float32"
    torch_threads: int = 1
    episodes: int = 1000
    runs: Path = Path("runs/grounded")
    output: Path | None = None


def main(options: Options) -> None:
    path = options.output
    cells: dict[str, Any] = json.loads(path.read_text())["cells"] if path is not None and path.exists() else {}
    for simulator in options.simulators:
        for difficulty in options.difficulties:
            for agent in options.agents:
                for seed in options.seeds:
                    name = f"{simulator} {difficulty} {agent} seed{seed}"
                    cells[name] = run_cell(options, simulator, difficulty, agent, seed)
                    print(
                        name,
                        {suite: round(row["trained"]["success"], 3) for suite, row in cells[name]["suites"].items()},
                    )
                    if path is not None:
                        write_text(path, json.dumps({"paper": PAPER, "cells": cells}, indent=1) + "\n")
    print_table(cells)
    print(json.dumps({"cells": len(cells), "output": str(path)}))


def run_cell(options: Options, simulator: str, difficulty: str, agent: str, seed: int) -> dict[str, Any]:
    """Train one agent, or go on with it, and evaluate it by suites."""
    folder = run_folder(options, simulator, difficulty, agent, seed)
    easier = EASIER[difficulty] if options.curriculum else None
    start = None if easier is None else run_folder(options, simulator, easier, agent, seed)
    if start is not None and not (start / CHECKPOINT_NAME).exists():
        raise ConfigurationError(
            f"the {difficulty} rooms go on from the agent of the {easier} ones, and {start} has none: "
            f"run --difficulties {easier} {difficulty}, or without --curriculum"
        )
    name = "GroundedRoom" if simulator == "room" else "GroundedDoom"
    ppo = SETTINGS[simulator].settings_of(PPOConfig)
    if start is not None:
        spent(start)  # a run that it goes on from is missing: say so before hours of training, not after
        ppo = replace(ppo, learning_rate=LEARNING_RATES.get(difficulty, ppo.learning_rate))
    config = replace(
        SETTINGS[simulator],
        init="" if start is None else str(start),
        task=f"groundling/{name}-{difficulty.capitalize()}-v0",
        agent=AGENTS[agent],
        settings=(ppo,),
        total_frames=FRAMES[simulator][difficulty] if options.frames is None else options.frames,
        seed=seed,
        precision=options.precision,
        torch_threads=options.torch_threads,
    )
    if agent == "ours_a2c":
        config = with_a2c(config)
    finished = folder / CHECKPOINT_NAME
    if not finished.exists() or Checkpoint.load(finished).updates < config.num_updates:
        Trainer(config, folder, resume=finished.exists()).run()
    rows = read_metrics(folder)
    report = evaluate_run(folder, tuple(SUITES), episodes=options.episodes, greedy=True, progress=False)
    suites = {s: {who: e.to_dict() for who, e in row.items()} for s, row in report.results.items()}
    frames, seconds = spent(folder)
    own_frames = rows[-1]["frames"]
    return {
        "frames": frames,  # those of the runs that it started from included
        "own_frames": own_frames,
        "seconds": seconds,
        "precision": config.precision,
        "picture": (config.camera.width, config.camera.height),
        "suites": suites,
        "curve": curve_of(rows),
    }


def with_a2c(config: TrainConfig) -> TrainConfig:
    """The same run with A2C: PPO's settings as far as it has them, and a step for every minibatch of new frames."""
    names = {field.name for field in fields(A2CConfig)}
    ppo = config.settings_of(PPOConfig)
    same = {name: value for name, value in asdict(ppo).items() if name in names}
    a2c = A2CConfig(**{**same, "num_steps": A2C_STEPS})
    return replace(config, algorithm="a2c", num_envs=ppo.minibatch_size // A2C_STEPS, settings=(a2c,))


def run_folder(options: Options, simulator: str, difficulty: str, agent: str, seed: int) -> Path:
    """Where a run is kept."""
    return options.runs / f"{simulator}-{difficulty}-{agent}-seed{seed}"


def spent(folder: Path) -> tuple[int, float]:
    """Frames and seconds of a run, with those of the runs that it started from."""
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    config = checkpoint.config
    rows = read_metrics(folder)
    frames, seconds = (0, 0.0) if not config.init else spent(Path(config.init))
    seconds += sum(config.rollout_frames / row["frames_per_second"] for row in rows)
    return frames + checkpoint.frames, seconds


def curve_of(rows: list[dict[str, float]], points: int = 60) -> list[tuple[int, float]]:
    """Success in training against frames, means over as many stretches."""
    curve = []
    for part in np.array_split(np.arange(len(rows)), min(points, len(rows))):
        known = [rows[i] for i in part if rows[i].get("episodes")]
        episodes = sum(row["episodes"] for row in known)
        if episodes:
            success = sum(row["success"] * row["episodes"] for row in known) / episodes
            curve.append((int(rows[part[-1]]["frames"]), round(success, 4)))
    return curve


def print_table(cells: dict[str, Any]) -> None:
    """Means over the seeds, the lowest and the highest of them below; then the controls."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, cell in cells.items():
        groups.setdefault(name.rsplit(" ", 1)[0], []).append(cell)
    print(f"\n{'simulator, difficulty, agent':<30}{'seeds':>6}" + "".join(f"{suite:>18}" for suite in SUITES))
    for name, group in groups.items():
        for who in group[0]["suites"]["layout"]:
            rates = [[cell["suites"][suite][who]["success"] for cell in group] for suite in SUITES]
            told = [f"{np.mean(r):.3f} ({min(r):.2f}-{max(r):.2f})" for r in rates]
            label = name if who == "trained" else f"    {who}"
            print(f"{label:<30}{len(group):>6}" + "".join(f"{text:>18}" for text in told))
    for difficulty, (seen, unseen) in PAPER.items():
        print(f"{'paper ' + difficulty + ' A3C-GA':<30}{'':>6}{seen:>18.2f}{unseen:>18.2f}")


if __name__ == "__main__":
    launch(main, Options, __doc__)
