"""Learning from the expert: how many demonstrations, many levels at once, PPO after imitation, frames a second.

    python benchmarks/imitation.py --part demonstrations [--output benchmarks/results/imitation_demonstrations.json]
    python benchmarks/imitation.py --part levels         [--output benchmarks/results/imitation_levels.json]
    python benchmarks/imitation.py --part curves         [--output benchmarks/results/imitation_curves]
    python benchmarks/imitation.py --part speed          [--output benchmarks/results/imitation_speed.json]

``demonstrations``: behavior cloning of GoToLocal on so many distinct demonstrations, played again and again.
``levels``: one network over six levels, DAgger and then PPO with a KL penalty (BossLevel: ``boss_level.py``).
``curves``: PPO from scratch beside PPO after imitation, success in training against frames, and on new episodes at the
end. ``speed``: frames a second of PPO, behavior cloning and DAgger with the same agent, one after the other. The last
line is a JSON object.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from grid import Cell, print_table, run_grid, success_of, summarize
from launch import launch
from matplotlib.figure import Figure
from runs import curve_of, finish, report_of

from groundling.agents import AgentConfig
from groundling.envs import HeldOut
from groundling.envs.banks.held_out import Factor
from groundling.envs.families.goals import SUITES
from groundling.eval.figures import png
from groundling.files import write_text, written_whole
from groundling.training import PPOConfig, TrainConfig, train
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS

LEVELS = (
    *("BabyAI-GoTo-v0", "BabyAI-PickupLoc-v0", "BabyAI-Open-v0"),
    *("BabyAI-PutNextLocal-v0", "BabyAI-PutNextS7N4-v0", "BabyAI-GoToSeq-v0"),
)
COMPARED = ("ppo", "bc", "dagger")
AFTER, SCRATCH = "after imitation", "from scratch"
MAZES = PRESETS["mazes"]
AFTER_IMITATION = replace(MAZES.settings_of(PPOConfig), kl_coef=0.02)


@dataclass(frozen=True)
class Options:
    """Measure imitation.

    Attributes:
        part: which measurement.
        seeds: runs of each.
        counts: numbers of demonstrations.
        frames: to train on, of the parts "levels" (DAgger) and "curves" (in all).
        ppo_frames: of PPO after DAgger, of the part "levels".
        episodes: of each suite.
        held_out: factors that training holds out, of the part "levels".
        suites: of the part "levels".
        tasks: of the part "curves", levels where PPO from scratch stalls.
        runs: folder of the runs of the parts "levels" and "curves"; a run that is there goes on.
        cells: folder of finished cells of the part "demonstrations".
        torch_threads: threads of PyTorch, of the part "levels".
        output: where the results go; nothing is written without it.
    """

    part: Literal["demonstrations", "levels", "curves", "speed"]
    seeds: tuple[int, ...] = (1, 2, 3)
    counts: tuple[int, ...] = (1000, 2000, 4000, 8000, 16000)
    frames: int = 8_000_000
    ppo_frames: int = 2_500_000
    episodes: int = 1000
    held_out: tuple[Factor, ...] = ("combination", "verb_object", "location", "length", "phrasing")
    suites: tuple[str, ...] = tuple(SUITES)
    tasks: tuple[str, ...] = ("BabyAI-PutNextLocal-v0", "BabyAI-GoToSeq-v0")
    runs: Path = Path("runs")
    cells: Path = Path("runs/cells")
    torch_threads: int = 1
    output: Path | None = None


def demonstrations(options: Options) -> dict[str, Any]:
    """Success on new layouts against the number of distinct demonstrations."""
    cells = [
        Cell(
            row=str(count),
            column="BabyAI-GoToLocal-v0",
            config=TrainConfig(
                algorithm="bc",
                seed=seed,
                bank_size=count,
                total_frames=1_500_000,
                agent=AgentConfig(memory="gru"),
                settings=(ImitationConfig(minibatch_size=640),),
            ),
            suites=("combination",),
            episodes=options.episodes,
        )
        for count in options.counts
        for seed in options.seeds
    ]
    rows = run_grid(cells, options.cells)
    suites = ("layout", "combination")
    table = {}
    for count in map(str, options.counts):
        for suite in suites:
            for agent in ("trained", "shuffled"):
                here = [row for row in rows if row["row"] == count]
                table[count, f"{suite}, {agent}"] = summarize(success_of(here, suite, agent))
    columns = [f"{suite}, {agent}" for suite in suites for agent in ("trained", "shuffled")]
    print_table("GoToLocal by behavior cloning", [str(count) for count in options.counts], columns, table)
    return {"rows": rows}


def levels(options: Options) -> dict[str, Any]:
    """One network over six levels: DAgger, then PPO from there, and every level by suites."""
    (seed, *_) = options.seeds
    shared: dict[str, Any] = {
        "tasks": LEVELS,
        "held_out": HeldOut(factors=options.held_out),
        "agent": MAZES.agent,
        "bank_size": 16384,
        "seed": seed,
    }
    taught = TrainConfig(
        algorithm="dagger",
        total_frames=options.frames,
        settings=MAZES.settings,
        torch_threads=options.torch_threads,
        **shared,
    )
    first, second = options.runs / "levels-dagger", options.runs / "levels-ppo"
    seconds = {"dagger": finish(taught, first)}
    rewarded = TrainConfig(
        init=str(first),
        total_frames=options.ppo_frames,
        settings=(AFTER_IMITATION,),
        torch_threads=options.torch_threads,
        **shared,
    )
    seconds["ppo"] = finish(rewarded, second)
    reports = {
        "dagger": report_of(first, ("layout",), options.episodes),
        "ppo": report_of(second, options.suites, options.episodes),
    }
    for name, suites in reports.items():
        print(f"\n{name}, {seconds[name]:.0f} s")
        for suite, row in suites.items():
            trained = row["trained"]
            interval = f"[{trained['low']:.3f}, {trained['high']:.3f}]"
            shuffled = f"{row['shuffled']['success']:.3f}" if "shuffled" in row else "-"
            told = f"{trained['success']:.3f} {interval}  steps/expert {trained['steps_ratio'] or float('nan'):.2f}"
            print(f"{suite:<50} {told}  random {row['random']['success']:.3f}  shuffled {shuffled}")
    return {"seconds": seconds, "frames": {"dagger": options.frames, "ppo": options.ppo_frames}, "suites": reports}


def curves(options: Options) -> dict[str, Any]:
    """PPO from scratch beside PPO after imitation of as many frames in all."""
    results: dict[str, Any] = {}
    early = options.frames // 4
    for task in options.tasks:
        for seed in options.seeds:
            taught, after, scratch = (
                options.runs / f"curves-{task}-{name}-seed{seed}" for name in ("dagger", "after", "scratch")
            )
            shared: dict[str, Any] = {"task": task, "seed": seed, "agent": MAZES.agent, "settings": MAZES.settings}
            finish(TrainConfig(algorithm="dagger", total_frames=early, **shared), taught)
            finish(TrainConfig(init=str(taught), total_frames=options.frames - early, **shared), after)
            finish(TrainConfig(total_frames=options.frames, **shared), scratch)
            for name, folder, start in ((AFTER, after, early), (SCRATCH, scratch, 0)):
                curve = [{**point, "frames": start + point["frames"]} for point in curve_of(folder, 40)]
                suites = report_of(folder, ("layout",), options.episodes)
                results[f"{task}, {name}, seed {seed}"] = {"curve": curve, **suites}
    if options.output is not None:
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(curves_figure(results)))
    for name, result in results.items():
        told = {agent: round(evaluation["success"], 3) for agent, evaluation in result["layout"].items()}
        print(f"{name}: {told} on new episodes after {result['curve'][-1]['frames']:,} frames")
    return results


def curves_figure(results: dict[str, Any]) -> Figure:
    """Success in training against frames, those of imitation included; a panel for each task."""
    tasks = list(dict.fromkeys(name.split(", ")[0] for name in results))
    figure = Figure(figsize=(4.5 * len(tasks), 3.6), layout="constrained")
    for place, task in enumerate(tasks):
        axis = figure.add_subplot(1, len(tasks), place + 1)
        for name, color in ((AFTER, "C0"), (SCRATCH, "C1")):
            told: str | None = f"PPO {name}"
            for row, result in results.items():
                if row.startswith(f"{task}, {name}, "):
                    frames = [point["frames"] / 1e6 for point in result["curve"]]
                    axis.plot(frames, [point["success"] for point in result["curve"]], color=color, label=told)
                    told = None
        axis.set_title(task, fontsize=10)
        axis.set_xlabel("million frames, those of imitation included")
        axis.set_ylabel("success in training")
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    return figure


def speed(options: Options) -> dict[str, Any]:
    """Frames a second of each algorithm with the same agent, medians over rounds taken in turn."""
    settings = {"without memory": AgentConfig(), "with a GRU": AgentConfig(memory="gru")}
    rates: dict[str, dict[str, list[float]]] = {}
    for _ in range(len(options.seeds)):
        for told, agent in settings.items():
            for algorithm in COMPARED:
                config = TrainConfig(algorithm=algorithm, total_frames=300_000, agent=agent)
                with tempfile.TemporaryDirectory() as folder:
                    train(config, folder)
                    rows = read_metrics(Path(folder))[3:]  # the first ones compile
                rate = float(np.median([row["frames_per_second"] for row in rows]))
                rates.setdefault(told, {}).setdefault(algorithm, []).append(rate)
    medians = {told: {name: float(np.median(r)) for name, r in row.items()} for told, row in rates.items()}
    for told, row in medians.items():
        print(f"{told}: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in row.items()) + " frames a second")
    return medians


PARTS: dict[str, Callable[[Options], dict[str, Any]]] = {
    "demonstrations": demonstrations,
    "levels": levels,
    "curves": curves,
    "speed": speed,
}


def main(options: Options) -> None:
    result = PARTS[options.part](options)
    if options.output is not None:
        write_text(options.output.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    print(json.dumps({"part": options.part, "output": str(options.output)}))


if __name__ == "__main__":
    launch(main, Options, __doc__)
