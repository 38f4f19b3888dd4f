"""Unseen success against the number of trained color-type pairs: ten colors, ten types, a hundred pairs.

    python benchmarks/pairs_curve.py [--pairs 10 20 30 50 70 90] [--output benchmarks/results/pairs_curve]

For each number n, n of the hundred pairs of ``groundling/GoToHundred-v0`` are trained, chosen at random for each seed
but so that every color and every type is among them; the agent is tested on new layouts with trained pairs and with the
others. After Hill et al. 2020, arXiv:1910.00571, who found that more words make agents more systematic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from grid import Cell, print_table, run_grid, success_of, summarize
from launch import launch
from matplotlib.figure import Figure

from groundling.agents import AgentConfig
from groundling.envs import HeldOut
from groundling.eval.figures import png
from groundling.files import write_text, written_whole
from groundling.language.goals import PORTABLE_TYPES, Color
from groundling.seeding import generator
from groundling.training import TrainConfig

TASK = "groundling/GoToHundred-v0"


@dataclass(frozen=True)
class Options:
    """Draw the curve.

    Attributes:
        pairs: numbers of trained pairs, at least 10.
        fusions: a curve each.
        seeds: runs of each point.
        total_frames: of each run.
        episodes: of each evaluation.
        processes: runs side by side.
        cells: folder of finished runs.
        output: path of the results without its ending; nothing is written without it.
    """

    pairs: tuple[int, ...] = (10, 20, 30, 50, 70, 90)
    fusions: tuple[str, ...] = (AgentConfig().fusion, "gated")
    seeds: tuple[int, ...] = (1, 2, 3)
    total_frames: int = 1_500_000
    episodes: int = 1000
    processes: int = 1
    cells: Path = Path("runs/cells")
    output: Path | None = None


def trained_pairs(count: int, seed: int) -> set[str]:
    """Pairs drawn at random, a permutation of the types first: every color and every type is among them."""
    rng = generator(seed, "pairs")
    colors, types = list(Color), list(PORTABLE_TYPES)
    first = [f"{color} {types[i]}" for color, i in zip(colors, rng.permutation(len(types)), strict=True)]
    rest = [pair for color in colors for kind in types if (pair := f"{color} {kind}") not in first]
    return {*first, *(rest[i] for i in rng.permutation(len(rest))[: count - len(first)])}


def cells_of(options: Options) -> Iterator[Cell]:
    """The runs."""
    every = [f"{color} {kind}" for color in Color for kind in PORTABLE_TYPES]
    for fusion in dict.fromkeys(options.fusions):
        for count in options.pairs:
            for seed in options.seeds:
                trained = trained_pairs(count, seed)
                held_out = HeldOut(combinations=tuple(pair for pair in every if pair not in trained))
                config = TrainConfig(
                    task=TASK,
                    total_frames=options.total_frames,
                    seed=seed,
                    held_out=held_out,
                    agent=AgentConfig(fusion=fusion),  # type: ignore[arg-type]
                )
                yield Cell(fusion, str(count), config, ("combination",), options.episodes)


def main(options: Options) -> None:
    cells = list(cells_of(options))
    results = run_grid(cells, options.cells, processes=options.processes)
    fusions = list(dict.fromkeys(cell.row for cell in cells))
    columns = [str(count) for count in options.pairs]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.add_subplot()
    table: dict[tuple[str, str], str] = {}
    for number, fusion in enumerate(fusions):
        for suite, style in (("layout", "--"), ("combination", "-")):
            points = []
            for count in columns:
                here = [result for result in results if (result["row"], result["column"]) == (fusion, count)]
                values = success_of(here, suite)
                points.append(values)
                table[f"{fusion}, {'seen' if suite == 'layout' else 'unseen'}", count] = summarize(values)
            means = [np.mean(values) for values in points]
            label = f"{fusion}, {'trained' if suite == 'layout' else 'untrained'} pairs"
            axis.plot(options.pairs, means, style, color=f"C{number}", marker="o", label=label)
            lows, highs = [min(values) for values in points], [max(values) for values in points]
            axis.fill_between(options.pairs, lows, highs, color=f"C{number}", alpha=0.15)
    axis.set_xlabel("trained pairs of 100")
    axis.set_ylabel("success")
    axis.set_ylim(0, 1.02)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    title = f"{TASK}, {results[0]['frames']:,} frames, seeds {', '.join(map(str, options.seeds))}: trained pairs"
    print_table(title, list(dict.fromkeys(row for row, _ in table)), columns, table)
    if options.output is not None:
        write_text(options.output.with_suffix(".json"), json.dumps(results, indent=1) + "\n")
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(figure))


if __name__ == "__main__":
    launch(main, Options, __doc__)
