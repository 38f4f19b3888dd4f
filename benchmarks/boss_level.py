"""BossLevel, BabyAI's hardest, by DAgger alone, with MiniBossLevel beside.

    python benchmarks/boss_level.py [--frames 26000000] [--seeds 1] [--output benchmarks/results/boss_level]

The explored expert labels what the agent does; the agent is that of ``--preset mazes``. It stops after each of
``--shares`` of the frames to be measured on new episodes, with controls, and goes on to the same bits. Prints success
by verb and by number of clauses at the end. The last line is a JSON object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from launch import launch
from matplotlib.figure import Figure
from runs import curve_of, finish

from groundling.agents.baselines import RandomPolicy, ShuffledInstructions
from groundling.agents.bots import expert_steps
from groundling.envs import HeldOut
from groundling.eval.breakdown import break_down
from groundling.eval.evaluation import evaluate
from groundling.eval.figures import png
from groundling.eval.suites import suite_bank
from groundling.files import write_text, written_whole
from groundling.interfaces import Policy
from groundling.training import Checkpoint, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.presets import PRESETS

BOSS, MINI_BOSS = "BabyAI-BossLevel-v0", "BabyAI-MiniBossLevel-v0"
BABYAI = 0.904  # BabyAI 1.1, with a million demonstrations


@dataclass(frozen=True)
class Options:
    """Measure BossLevel.

    Attributes:
        frames: of each run, over which the learning rate falls to zero.
        seeds: runs.
        shares: of the frames, after which the agent is measured.
        episodes: new ones, to measure with.
        runs: folder of the runs; a run that is there goes on, and what it was measured at before is not measured again.
        torch_threads: threads of PyTorch.
        output: where the results go, a .json and a .png; nothing is written without it.
    """

    frames: int = 26_000_000
    seeds: tuple[int, ...] = (1,)
    shares: tuple[float, ...] = (0.5, 0.75, 1.0)
    episodes: int = 1000
    runs: Path = Path("runs")
    torch_threads: int = 1
    output: Path | None = None


def configuration(options: Options, seed: int) -> TrainConfig:
    """The run of a seed."""
    return replace(
        PRESETS["mazes"],
        task=BOSS,
        tasks=(BOSS, MINI_BOSS),
        held_out=HeldOut(factors=()),  # BabyAI's own numbers hold nothing out
        total_frames=options.frames,
        bank_size=32768,
        seed=seed,
        torch_threads=options.torch_threads,
    )


def measure(folder: Path, episodes: int) -> dict[str, Any]:
    """Success of a run's agent on new episodes of BossLevel and of its controls; what the agent fails on."""
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    agent, config = checkpoint.make_agent(), checkpoint.config.alone(BOSS)
    bank = suite_bank(config, "layout", episodes=episodes, progress=False)
    policies: dict[str, Policy] = {
        "trained": agent,
        "random": RandomPolicy(agent.num_actions),
        "shuffled": ShuffledInstructions.of_bank(agent, bank, seed=0),
    }
    known = expert_steps(bank)
    found = {
        name: evaluate(policy, bank, expert_steps=known, embodiment=config.embodiment())
        for name, policy in policies.items()
    }
    outcomes = found["trained"].outcomes
    return {
        "success": {name: evaluation.to_dict() for name, evaluation in found.items()},
        "by_verb": [group.to_dict() for group in break_down(outcomes, "verb")],
        "by_clauses": [group.to_dict() for group in break_down(outcomes, "clauses")],
    }


def run(options: Options, seed: int) -> dict[str, Any]:
    """Train and measure one agent."""
    folder = options.runs / f"boss-{options.frames}-seed{seed}"
    config = configuration(options, seed)
    measured = []
    for share in sorted(options.shares):
        kept = folder / f"measured-{share:g}-{options.episodes}.json"
        if not kept.exists():
            seconds = finish(config, folder, max(config.rollout_frames, round(share * options.frames)))
            frames = Checkpoint.load(folder / CHECKPOINT_NAME).updates * config.rollout_frames
            found = {"frames": frames, "seconds": seconds, **measure(folder, options.episodes)}
            write_text(kept, json.dumps(found, indent=1) + "\n")
        measured.append(json.loads(kept.read_text()))
    return {"measured": measured, "curve": curve_of(folder)}


def curves_figure(results: dict[str, Any]) -> Figure:
    """Success on new episodes and how often the agent would do as the expert, against frames and against minutes."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, unit, scale, label in zip(
        axes, ("frames", "minutes"), (1e6, 1), ("million frames", "minutes of one core"), strict=True
    ):
        for number, (seed, result) in enumerate(results.items()):
            curve, color = result["curve"], f"C{number}"
            axis.plot([p[unit] / scale for p in curve], [p["accuracy"] for p in curve], color=color, linewidth=1)
            points = [(found, found["success"]["trained"]) for found in result["measured"]]
            axis.errorbar(
                [found["frames"] / 1e6 if unit == "frames" else found["seconds"] / 60 for found, _ in points],
                [told["success"] for _, told in points],
                np.abs([[told[end] - told["success"] for _, told in points] for end in ("low", "high")]),
                fmt="o-",
                color=color,
                capsize=3,
                label=f"success on new episodes, seed {seed} (thin: actions as the expert's)",
            )
        axis.axhline(BABYAI, color="black", linewidth=1, linestyle=":", label="BabyAI 1.1")
        axis.set_xlabel(label)
        axis.set_ylim(0.5, 1)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure


def main(options: Options) -> None:
    results = {str(seed): run(options, seed) for seed in options.seeds}
    for seed, result in results.items():
        for found in result["measured"]:
            print(f"seed {seed}, {found['frames']:,} frames, {found['seconds']:.0f} s")
            for agent, told in found["success"].items():
                print(f"  {agent:<9} {told['success']:.3f} [{told['low']:.3f}, {told['high']:.3f}]")
        for kind in ("by_verb", "by_clauses"):
            groups = result["measured"][-1][kind]
            print(f"  {kind}: " + ", ".join(f"{g['name']} {g['success']:.2f} ({g['episodes']})" for g in groups))
    if options.output is not None:
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(curves_figure(results)))
        write_text(options.output.with_suffix(".json"), json.dumps(results, indent=1) + "\n")
    last = {seed: result["measured"][-1]["success"]["trained"]["success"] for seed, result in results.items()}
    print(json.dumps({"success": last, "output": str(options.output)}))


if __name__ == "__main__":
    launch(main, Options, __doc__)
