"""BossLevel, BabyAI's hardest: DAgger with an agent that grows, then PPO from there.

    python benchmarks/boss_level.py [--frames 11898880 5857280 6500000 1800000] [--output benchmarks/results/boss_level]

Four runs, each from the agent of the one before:

- dagger: the explored expert labels what the agent does; a map of what was seen, each word heard alone;
- context: words heard in their context; two smaller levels beside, where more of what happens is putting things;
- reads: the memory reads the instruction at every step; the same levels;
- ppo: rewards, on BossLevel alone, with a penalty on leaving the last agent.

The learning rate falls to zero over as many frames as a run is given; of the first two over ``SCHEDULES``, before
whose end they are stopped. Prints success on new episodes after the last two runs, with controls, by verb and by number
of clauses. The last line is a JSON object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from matplotlib.figure import Figure
from runs import curve_of, finish

from groundling.agents.baselines import Policy, RandomPolicy, ShuffledInstructions
from groundling.agents.bots import expert_steps
from groundling.envs import HeldOut
from groundling.eval.breakdown import break_down
from groundling.eval.evaluation import evaluate
from groundling.eval.figures import png
from groundling.eval.suites import suite_bank
from groundling.files import write_text, written_whole
from groundling.training import Checkpoint, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS
from groundling.training.settings import ImitationConfig

BOSS = "BabyAI-BossLevel-v0"
BESIDE = ("BabyAI-MiniBossLevel-v0", "BabyAI-PutNextLocal-v0")
MAZES = PRESETS["mazes"]
MAP = 22  # tiles: all of the level, wherever the agent stands
TEACHING = ImitationConfig(num_steps=40, minibatch_size=1280, mixing=0.3, kept_share=0.3)
SCHEDULES = {"dagger": 20_000_000, "context": 9_000_000}
MEASURED = ("reads", "ppo")
TOLD = {
    "dagger": "DAgger (the expert takes the dotted share of the actions)",
    "context": "words in context, two smaller levels beside",
    "reads": "memory reads the instruction",
    "ppo": "PPO on BossLevel alone",
}


@dataclass(frozen=True)
class Options:
    """Measure BossLevel.

    Attributes:
        frames: to train on, of each of the four runs.
        seed: of all of them.
        episodes: new ones, to measure with.
        runs: folder of the runs; a run that is there goes on.
        torch_threads: threads of PyTorch.
        output: where the results go, a .json and a .png; nothing is written without it.
    """

    frames: tuple[int, int, int, int] = (11_898_880, 5_857_280, 6_500_000, 1_800_000)
    seed: int = 1
    episodes: int = 1000
    runs: Path = Path("runs")
    torch_threads: int = 1
    output: Path | None = None


def configurations(options: Options) -> dict[str, TrainConfig]:
    """The four runs in their order."""
    agent = replace(MAZES.agent, map_radius=MAP)
    in_context = replace(agent, language="contextual")
    reading = replace(in_context, memory_reads=True)
    later = replace(TEACHING, mixing=0.0)
    first, second, third, last = options.frames
    shared: dict[str, Any] = {
        "task": BOSS,
        "bank_size": 32768,
        "seed": options.seed,
        "held_out": HeldOut(factors=()),  # BabyAI's own numbers hold nothing out
        "torch_threads": options.torch_threads,
    }
    taught: dict[str, Any] = {"algorithm": "dagger", **shared}
    beside: dict[str, Any] = {**taught, "tasks": (BOSS, *BESIDE), "imitation": later}
    folder = {name: str(options.runs / f"boss-{name}") for name in TOLD}
    return {
        "dagger": TrainConfig(agent=agent, imitation=TEACHING, total_frames=max(first, SCHEDULES["dagger"]), **taught),
        "context": TrainConfig(
            init=folder["dagger"], agent=in_context, total_frames=max(second, SCHEDULES["context"]), **beside
        ),
        "reads": TrainConfig(init=folder["context"], agent=reading, total_frames=third, **beside),
        "ppo": TrainConfig(
            init=folder["reads"],
            agent=reading,
            total_frames=last,
            ppo=replace(MAZES.ppo, kl_coef=0.02),
            **shared,
        ),
    }


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


def curves_figure(curves: dict[str, list[dict[str, float]]]) -> Figure:
    """Success in training against frames and against minutes, one run after the other."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, unit, scale, label in zip(
        axes, ("frames", "minutes"), (1e6, 1), ("million frames", "minutes of one core"), strict=True
    ):
        start = 0.0
        for number, (name, curve) in enumerate(curves.items()):
            x = [start + point[unit] / scale for point in curve]
            axis.plot(x, [point["success"] for point in curve], color=f"C{number}", label=TOLD[name])
            if name != "ppo":
                shares = [point["teacher_share"] for point in curve]
                axis.plot(x, shares, color=f"C{number}", linewidth=1, linestyle=":")
            start = x[-1]
        axis.set_xlabel(label)
        axis.set_ylim(0, 1.02)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("success in training")
    axes[0].legend(fontsize=8, loc="lower left")
    return figure


def main(options: Options) -> None:
    configs = configurations(options)
    folders = {name: options.runs / f"boss-{name}" for name in configs}
    seconds = {
        name: finish(config, folders[name], frames)
        for (name, config), frames in zip(configs.items(), options.frames, strict=True)
    }
    results: dict[str, Any] = {
        "seconds": seconds,
        "frames": {name: read_metrics(folder)[-1]["frames"] for name, folder in folders.items()},
        "measured": {name: measure(folders[name], options.episodes) for name in MEASURED},
        "curves": {name: curve_of(folder) for name, folder in folders.items()},
    }
    for name, measured in results["measured"].items():
        print(f"after {name}, {seconds[name]:.0f} s")
        for agent, told in measured["success"].items():
            print(f"  {agent:<9} {told['success']:.3f} [{told['low']:.3f}, {told['high']:.3f}]")
        for kind in ("by_verb", "by_clauses"):
            print(
                f"  {kind}: " + ", ".join(f"{g['name']} {g['success']:.2f} ({g['episodes']})" for g in measured[kind])
            )
    if options.output is not None:
        with written_whole(options.output.with_suffix(".png")) as file:
            file.write(png(curves_figure(results["curves"])))
        write_text(options.output.with_suffix(".json"), json.dumps(results, indent=1) + "\n")
    print(json.dumps({"frames": results["frames"], "output": str(options.output)}))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
