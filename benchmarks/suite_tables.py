"""Two tables: fusion by suite on one family of each verb, and language encoder by suite, three seeds each.

    python benchmarks/suite_tables.py --table fusion [--processes 2] [--output benchmarks/results/fusion_suites.json]
    python benchmarks/suite_tables.py --table language [--output benchmarks/results/language_suites.json]

Each cell trains an agent with PPO and evaluates it on 1,000 episodes of each suite that applies, beside random actions
and itself told another goal. An interrupted run goes on where it stopped (``--cells`` names the folder of finished
cells). The tables give the mean over seeds and its range.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal, get_args

from grid import Cell, print_table, run_grid, success_of, summarize
from launch import launch

from groundling.agents import AgentConfig
from groundling.agents.config import FusionKind
from groundling.envs import HeldOut
from groundling.files import write_text
from groundling.language.encoders import LanguageKind
from groundling.training import TrainConfig

FUSION_SUITES = ("layout", "combination", "verb_object", "location", "distractors", "size")
REORDERED_SUITES = ("combination, reordered", "verb_object, reordered")
LANGUAGE_SUITES = ("layout", "combination", "phrasing", "synonym")
FRAMES = {
    "groundling/RoomGoTo-v0": 600_000,
    "groundling/RoomPickUp-v0": 600_000,
    "groundling/RoomOpen-v0": 400_000,
    "groundling/RoomPutNext-v0": 2_000_000,
    "groundling/RoomMixed-v0": 2_000_000,
}
LANGUAGES: tuple[LanguageKind, ...] = ("positional", "bow", "gru", "bigru", "transformer", "sentence")
LANGUAGE_TASK = "groundling/RoomPickUp-v0"
LANGUAGE_FRAMES = 400_000


@dataclass(frozen=True)
class Options:
    """Train and evaluate a table of agents.

    Attributes:
        table: which one.
        seeds: of each cell.
        processes: cells trained side by side.
        episodes: of each suite.
        tasks: only these columns of the fusion table.
        rows: only these fusions or encoders.
        only_finished: train nothing, show what is there.
        cells: folder of finished cells.
        output: JSON file for the results.
    """

    table: Literal["fusion", "language"]
    seeds: tuple[int, ...] = (1, 2, 3)
    processes: int = 1
    episodes: int = 1000
    tasks: tuple[str, ...] = tuple(FRAMES)
    rows: tuple[str, ...] = ()
    only_finished: bool = False
    cells: Path = Path("runs/cells")
    output: Path | None = None


def fusion_cells(options: Options) -> Iterator[Cell]:
    """Each fusion on each family."""
    for seed, task in product(options.seeds, options.tasks):  # an interrupted run has whole seeds
        factors = ("combination", "verb_object", "location") if "Mixed" in task else ("combination",)
        for fusion in options.rows or get_args(FusionKind):
            config = TrainConfig(
                task=task,
                total_frames=FRAMES[task],
                seed=seed,
                held_out=HeldOut(factors=factors),  # type: ignore[arg-type]
                agent=AgentConfig(fusion=fusion),  # type: ignore[arg-type]
            )
            yield Cell(fusion, task, config, FUSION_SUITES, options.episodes)


def language_cells(options: Options) -> Iterator[Cell]:
    """Each encoder, told paraphrases in training."""
    factors = ("combination", "phrasing", "synonym")
    for seed, language in product(options.seeds, options.rows or LANGUAGES):
        config = TrainConfig(
            task=LANGUAGE_TASK,
            total_frames=LANGUAGE_FRAMES,
            seed=seed,
            held_out=HeldOut(factors=factors),  # type: ignore[arg-type]
            agent=AgentConfig(language=language),  # type: ignore[arg-type]
        )
        yield Cell(language, LANGUAGE_TASK, config, LANGUAGE_SUITES, options.episodes)


def main(options: Options) -> None:
    cells = list(fusion_cells(options) if options.table == "fusion" else language_cells(options))
    cells = [replace(cell, suites=cell.suites[1:]) for cell in cells]  # "layout" always is the first
    results = run_grid(cells, options.cells, processes=options.processes, only_finished=options.only_finished)
    rows = list(dict.fromkeys(cell.row for cell in cells))
    suites = (*FUSION_SUITES, *REORDERED_SUITES) if options.table == "fusion" else LANGUAGE_SUITES
    for task in dict.fromkeys(cell.column for cell in cells):
        table: dict[tuple[str, str], str] = {}
        for row in rows:
            here = [result for result in results if (result["row"], result["column"]) == (row, task)]
            for suite in suites:
                table[row, suite] = summarize(success_of(here, suite))
            table[row, "seeds"] = str(len(here))
        mine = [result for result in results if result["column"] == task]
        if not mine:
            continue
        for control in ("random", "shuffled"):
            for suite in suites:
                table[control, suite] = summarize(success_of(mine, suite, control))
        present = [suite for suite in suites if any(table[row, suite] != "-" for row in rows)]
        frames = mine[0]["frames"]
        title = f"{task}, {frames:,} frames: mean over seeds (lowest-highest)"
        print_table(title, [*rows, "random", "shuffled"], ["seeds", *present], table)
    if options.output is not None:
        write_text(options.output, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    launch(main, Options, __doc__)
