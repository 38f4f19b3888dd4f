"""Fusion ablation: success on seen and unseen combinations of each way in which words can meet vision, over seeds.

    python benchmarks/fusion_ablation.py [--processes 2] [--output benchmarks/results/fusion_ablation]

Trains each fusion with PPO, all else at its default, on instructions that never name one of four held-out combinations,
and evaluates it on 1,000 distinct episodes with seen and 1,000 with unseen ones, with drawn actions. An interrupted run
goes on where it stopped. Prints a table and writes the results (JSON) and a figure (PNG).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from grid import Cell, iqm, print_table, run_grid, success_of, summarize
from launch import launch
from matplotlib.figure import Figure

from groundling.agents import AgentConfig
from groundling.agents.config import FusionKind
from groundling.eval.figures import png
from groundling.files import write_text, written_whole
from groundling.training import TrainConfig

SPLITS = {"layout": "seen", "combination": "unseen"}


@dataclass(frozen=True)
class Options:
    """Compare fusions.

    Attributes:
        fusions: which.
        seeds: one run of each fusion for each.
        frames: of each run.
        task: id of the level.
        episodes: distinct episodes for each split.
        processes: runs side by side.
        cells: folder of finished runs.
        output: path of the results without its ending; nothing is written without it.
    """

    fusions: tuple[FusionKind, ...] = get_args(FusionKind)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    frames: int = 1_500_000
    task: str = "BabyAI-GoToLocal-v0"
    episodes: int = 1000
    processes: int = 1
    cells: Path = Path("runs/cells")
    output: Path | None = None


def draw(results: list[dict[str, Any]], options: Options) -> Figure:
    """A bar of the mean for each fusion and split, and a dot for each seed."""
    figure = Figure(figsize=(1.6 * len(options.fusions) + 2, 3.2), layout="constrained")
    axes = figure.subplots()
    for offset, color, (suite, split) in zip((-0.2, 0.2), ("C0", "C1"), SPLITS.items(), strict=True):
        for number, fusion in enumerate(options.fusions):
            values = success_of([result for result in results if result["row"] == fusion], suite)
            label = None if number else split
            axes.bar(number + offset, np.mean(values), 0.36, color=color, alpha=0.6, label=label)
            axes.plot([number + offset] * len(values), values, ".", color="black", markersize=4)
    axes.set_xticks(range(len(options.fusions)), [fusion.replace("_", " ") for fusion in options.fusions])
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("success")
    axes.set_title(f"{options.task}, {options.frames / 1e6:g} million frames; a dot for each seed", fontsize=10)
    axes.legend(loc="lower right", fontsize=8)
    return figure


def main(options: Options) -> None:
    cells = [
        Cell(
            fusion,
            options.task,
            TrainConfig(task=options.task, total_frames=options.frames, seed=seed, agent=AgentConfig(fusion=fusion)),
            ("combination",),
            options.episodes,
        )
        for seed in options.seeds  # seed by seed, so that an interrupted run compares as many fusions as it can
        for fusion in options.fusions
    ]
    results = run_grid(cells, options.cells, processes=options.processes)
    table: dict[tuple[str, str], str] = {}
    figures: dict[str, dict[str, float]] = {}
    for fusion in options.fusions:
        own = [result for result in results if result["row"] == fusion]
        for suite, split in SPLITS.items():
            values = success_of(own, suite)
            table[fusion, split] = summarize(values)
            table[fusion, f"{split}, shuffled"] = summarize(success_of(own, suite, "shuffled"))
            figures.setdefault(fusion, {})[split] = float(np.mean(values))
            figures[fusion][f"{split}_iqm"] = iqm(values)
        frames = [result["frames_to_95"] for result in own if result["frames_to_95"] is not None]
        told = f"{np.median(frames) / 1e6:.2f} M" if len(frames) == len(own) else f"{len(frames)} of {len(own)} seeds"
        table[fusion, "frames to 95 % in training"] = told
    columns = [*SPLITS.values(), *(f"{split}, shuffled" for split in SPLITS.values()), "frames to 95 % in training"]
    seeds = ", ".join(map(str, options.seeds))
    title = f"{options.task}, {results[0]['frames']:,} frames, seeds {seeds}: mean (lowest-highest)"
    print_table(title, list(options.fusions), columns, table)
    if options.output is not None:
        write_text(options.output.with_suffix(".json"), json.dumps(results, indent=1) + "\n")
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(draw(results, options)))
    print(json.dumps(figures))


if __name__ == "__main__":
    launch(main, Options, __doc__)
