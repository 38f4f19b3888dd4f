"""Learning from the expert: how many demonstrations, many levels at once, PPO after imitation, frames a second.

    python benchmarks/imitation.py --part demonstrations [--output benchmarks/results/imitation_demonstrations.json]
    python benchmarks/imitation.py --part levels         [--output benchmarks/results/imitation_levels.json]
    python benchmarks/imitation.py --part boss           [--output benchmarks/results/imitation_boss.json]
    python benchmarks/imitation.py --part curves         [--output benchmarks/results/imitation_curves]
    python benchmarks/imitation.py --part speed          [--output benchmarks/results/imitation_speed.json]

``demonstrations``: behavior cloning of GoToLocal on so many distinct demonstrations, played again and again.
``levels``: one network over six levels, DAgger and then PPO with a KL penalty. ``boss``: DAgger on BossLevel.
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
import tyro
from grid import Cell, print_table, run_grid, success_of, summarize
from matplotlib.figure import Figure

from groundling.agents import AgentConfig
from groundling.envs import HeldOut
from groundling.eval.figures import png
from groundling.eval.suites import SUITES, evaluate_run
from groundling.files import write_text, written_whole
from groundling.training import TrainConfig, Trainer, train
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.config import AlgorithmKind
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS
from groundling.training.settings import ImitationConfig

LEVELS = (
    *("BabyAI-GoTo-v0", "BabyAI-PickupLoc-v0", "BabyAI-Open-v0"),
    *("BabyAI-PutNextLocal-v0", "BabyAI-PutNextS7N4-v0", "BabyAI-GoToSeq-v0"),
)
COMPARED: tuple[AlgorithmKind, ...] = ("ppo", "bc", "dagger")
STALLING = ("BabyAI-PutNextLocal-v0", "BabyAI-GoToSeq-v0")
MAZES = PRESETS["mazes"]
BOSS = "BabyAI-BossLevel-v0"
BESIDE_BOSS = ("BabyAI-MiniBossLevel-v0", "BabyAI-PutNextLocal-v0")
BOSS_IMITATION = ImitationConfig(num_steps=40, minibatch_size=1280, mixing=0.3, kept_share=0.3)
BOSS_MAP = 22  # tiles: all of the level, wherever the agent stands
BOSS_SCHEDULE = 20_000_000  # frames over which the first stage's learning rate would fall to 0; it is stopped before
AFTER_IMITATION = replace(MAZES.ppo, kl_coef=0.02)


@dataclass(frozen=True)
class Options:
    """Measure imitation.

    Attributes:
        part: which measurement.
        seeds: runs of each.
        counts: numbers of demonstrations.
        frames: to train on, of the parts "levels" (DAgger), "boss" and "curves" (in all).
        context_frames: of DAgger with words in their context, on two more levels, of the part "boss".
        ppo_frames: of PPO after DAgger, of the parts "levels" and "boss".
        episodes: of each suite.
        suites: of the parts "levels" and "boss".
        runs: folder of the runs of the parts "levels" and "boss"; a run that is there goes on.
        cells: folder of finished cells of the part "demonstrations".
        torch_threads: threads of PyTorch, of the parts "levels" and "boss".
        output: where the results go; nothing is written without it.
    """

    part: Literal["demonstrations", "levels", "boss", "curves", "speed"]
    seeds: tuple[int, ...] = (1, 2, 3)
    counts: tuple[int, ...] = (1000, 2000, 4000, 8000, 16000)
    frames: int = 30_000_000
    context_frames: int = 8_000_000
    ppo_frames: int = 8_000_000
    episodes: int = 1000
    suites: tuple[str, ...] = tuple(SUITES)
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
                imitation=ImitationConfig(minibatch_size=640),
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
    """One network over six levels: DAgger, then PPO from there; every level by suites, after each."""
    (seed, *_) = options.seeds
    shared: dict[str, Any] = {"tasks": LEVELS, "agent": MAZES.agent, "bank_size": 16384, "seed": seed}
    taught = TrainConfig(
        algorithm="dagger",
        total_frames=options.frames,
        imitation=MAZES.imitation,
        torch_threads=options.torch_threads,
        **shared,
    )
    first, second = options.runs / "levels-dagger", options.runs / "levels-ppo"
    seconds = {"dagger": finish(taught, first)}
    rewarded = TrainConfig(
        init=str(first),
        total_frames=options.ppo_frames,
        ppo=AFTER_IMITATION,
        torch_threads=options.torch_threads,
        **shared,
    )
    seconds["ppo"] = finish(rewarded, second)
    reports = {name: report_of(folder, options) for name, folder in (("dagger", first), ("ppo", second))}
    for name, suites in reports.items():
        print(f"\n{name}, {seconds[name]:.0f} s")
        for suite, row in suites.items():
            trained = row["trained"]
            interval = f"[{trained['low']:.3f}, {trained['high']:.3f}]"
            shuffled = f"{row['shuffled']['success']:.3f}" if "shuffled" in row else "-"
            told = f"{trained['success']:.3f} {interval}  steps/expert {trained['steps_ratio'] or float('nan'):.2f}"
            print(f"{suite:<50} {told}  random {row['random']['success']:.3f}  shuffled {shuffled}")
    return {"seconds": seconds, "frames": {"dagger": options.frames, "ppo": options.ppo_frames}, "suites": reports}


def boss(options: Options) -> dict[str, Any]:
    """BossLevel by DAgger, then PPO from there: success in training against frames and minutes, and at the ends.

    The first agent hears each word alone. The second one begins as the first, hears words in their context as well, and
    learns on two smaller levels beside: there more of what happens is putting one thing next to another.
    """
    (seed, *_) = options.seeds
    shared: dict[str, Any] = {
        "task": BOSS,
        "bank_size": 32768,
        "seed": seed,
        "held_out": HeldOut(factors=()),  # BabyAI's own numbers hold nothing out
        "torch_threads": options.torch_threads,
    }
    agent = replace(MAZES.agent, map_radius=BOSS_MAP)
    in_context = replace(agent, language="contextual")
    words, context, rewarded = (options.runs / f"boss-{name}" for name in ("dagger", "context", "ppo"))
    taught = {"algorithm": "dagger", **shared}
    stages = {
        "dagger": (
            TrainConfig(agent=agent, imitation=BOSS_IMITATION, total_frames=BOSS_SCHEDULE, **taught),
            words,
            options.frames,
        ),
        "context": (
            TrainConfig(
                init=str(words),
                tasks=(BOSS, *BESIDE_BOSS),
                agent=in_context,
                imitation=replace(BOSS_IMITATION, mixing=0.0),
                total_frames=options.context_frames,
                **taught,
            ),
            context,
            options.context_frames,
        ),
        "ppo": (
            TrainConfig(
                init=str(context), agent=in_context, ppo=AFTER_IMITATION, total_frames=options.ppo_frames, **shared
            ),
            rewarded,
            options.ppo_frames,
        ),
    }
    seconds = {name: finish(config, folder, frames) for name, (config, folder, frames) in stages.items()}
    suites = {name: report_of(folder, options) for name, (_, folder, _) in stages.items()}
    for name, report in suites.items():
        for suite, row in report.items():
            print(name, f"{seconds[name]:.0f} s", suite, {agent: round(e["success"], 3) for agent, e in row.items()})
    curves_of_runs = {name: curve_of(folder) for name, (_, folder, _) in stages.items()}
    if options.output is not None:
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(boss_figure(curves_of_runs)))
    frames = {name: read_metrics(folder)[-1]["frames"] for name, (_, folder, _) in stages.items()}
    return {"seconds": seconds, "frames": frames, "suites": suites, "curves": curves_of_runs}


def boss_figure(curves_of_runs: dict[str, list[dict[str, float]]]) -> Figure:
    """Success in training against frames and against minutes, one run after the other."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    told = {
        "dagger": "DAgger (the expert takes the grey share of the actions)",
        "context": "the same, words heard in context",
        "ppo": "PPO from there",
    }
    for axis, unit, scale, label in zip(
        axes, ("frames", "minutes"), (1e6, 1), ("million frames", "minutes"), strict=True
    ):
        start = 0.0
        for name, curve in curves_of_runs.items():
            x = [start + point[unit] / scale for point in curve]
            axis.plot(x, [point["success"] for point in curve], label=told[name])
            if name != "ppo":
                axis.plot(x, [point["teacher_share"] for point in curve], color="grey", linewidth=1, linestyle=":")
            start = x[-1]
        axis.set_xlabel(f"{label}, one core")
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("success in training")
    axes[0].legend(fontsize=8)
    return figure


def finish(config: TrainConfig, folder: Path, frames: int | None = None) -> float:
    """Train to the end or for so many frames, from the checkpoint if there is one; the seconds of training in all."""
    trainer = Trainer(config, folder, resume=(folder / CHECKPOINT_NAME).exists())
    updates = config.num_updates if frames is None else round(frames / config.rollout_frames)
    trainer.run(stop_after_updates=max(0, updates - trainer.updates))
    return sum(config.rollout_frames / row["frames_per_second"] for row in read_metrics(folder))


def report_of(folder: Path, options: Options) -> dict[str, Any]:
    """Every suite of a run's agent and its controls."""
    report = evaluate_run(folder, options.suites, episodes=options.episodes, progress=False)
    return {s: {agent: e.to_dict() for agent, e in row.items()} for s, row in report.results.items()}


def curve_of(folder: Path, points: int = 100) -> list[dict[str, float]]:
    """Success in training and the teacher's share against frames and minutes, means over as many stretches."""
    rows = read_metrics(folder)
    frames = np.array([row["frames"] for row in rows])
    steps = np.diff(frames, prepend=0)
    minutes = np.cumsum(steps / np.array([row["frames_per_second"] for row in rows])) / 60
    curve = []
    for part in np.array_split(np.arange(len(rows)), min(points, len(rows))):
        known = [rows[i] for i in part if "success" in rows[i]]
        episodes = sum(row["episodes"] for row in known)
        if episodes:
            curve.append(
                {
                    "frames": int(frames[part[-1]]),
                    "minutes": round(float(minutes[part[-1]]), 2),
                    "success": sum(row["success"] * row["episodes"] for row in known) / episodes,
                    "teacher_share": float(np.mean([row.get("teacher_share", 0.0) for row in known])),
                }
            )
    return curve


def curves(options: Options) -> dict[str, Any]:
    """PPO from scratch beside PPO after imitation of as many frames in all."""
    results: dict[str, Any] = {}
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for place, task in enumerate(STALLING):
        axis = figure.add_subplot(1, len(STALLING), place + 1)
        for seed in options.seeds:
            taught, after, scratch = (
                options.runs / f"curves-{task}-{name}-seed{seed}" for name in ("dagger", "after", "scratch")
            )
            shared: dict[str, Any] = {"task": task, "seed": seed, "agent": MAZES.agent, "ppo": MAZES.ppo}
            early = options.frames // 4
            finish(TrainConfig(algorithm="dagger", total_frames=early, imitation=MAZES.imitation, **shared), taught)
            finish(TrainConfig(init=str(taught), total_frames=options.frames - early, **shared), after)
            finish(TrainConfig(total_frames=options.frames, **shared), scratch)
            for name, folder, offset in (("after imitation", after, early), ("from scratch", scratch, 0)):
                curve = curve_of(folder, 40)
                suites = report_of(folder, replace(options, suites=("layout",)))
                results[f"{task}, {name}, seed {seed}"] = {"curve": curve, **suites}
                axis.plot(
                    [(point["frames"] + offset) / 1e6 for point in curve],
                    [point["success"] for point in curve],
                    color="C0" if offset else "C1",
                    label=f"PPO {name}" if seed == options.seeds[0] else None,
                )
        axis.axvline(options.frames // 4 / 1e6, color="grey", linestyle=":", linewidth=1)
        axis.set_title(task, fontsize=10)
        axis.set_xlabel("million frames, those of imitation included")
        axis.set_ylabel("success in training")
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    if options.output is not None:
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(figure))
    for name, result in results.items():
        told = {agent: round(evaluation["success"], 3) for agent, evaluation in result["layout"].items()}
        print(f"{name}: {told} on new episodes after {result['curve'][-1]['frames']:,} frames")
    return results


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
    "boss": boss,
    "curves": curves,
    "speed": speed,
}


def main(options: Options) -> None:
    result = PARTS[options.part](options)
    if options.output is not None:
        write_text(options.output.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    print(json.dumps({"part": options.part, "output": str(options.output)}))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
