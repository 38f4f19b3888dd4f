"""BossLevel, BabyAI's hardest: DAgger, and a little PPO, with an agent that grows.

    python benchmarks/boss_level.py [--share 1.0] [--output benchmarks/results/boss_level]

Runs that each go on from the agent of the one before (``STAGES``): the explored expert labels what the agent does, in
between rewards teach it, and it gets the parts whose lack made it fail. Each is given the frames that it
had when the published numbers were made; ``--share 0.01`` gives all of them a hundredth.

The learning rate falls to zero over a stage's ``schedule``, before whose end some were stopped. Prints success on new
episodes after the stages named in ``MEASURED``, with controls, by verb and by number of clauses. The last line is a
JSON object.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
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
from groundling.training import Checkpoint, PPOConfig, TrainConfig
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import read_metrics
from groundling.training.presets import PRESETS
from groundling.training.settings import ImitationConfig

BOSS, MINI_BOSS, PUT_NEXT = "BabyAI-BossLevel-v0", "BabyAI-MiniBossLevel-v0", "BabyAI-PutNextLocal-v0"
MAZES = PRESETS["mazes"]
TEACHING = ImitationConfig(num_steps=40, minibatch_size=1280, mixing=0.0, kept_share=0.3)
FINE_TUNING = replace(MAZES.ppo, kl_coef=0.02)


@dataclass(frozen=True)
class Stage:
    """One run.

    Attributes:
        name: of its folder.
        told: in the figure.
        frames: it was trained on.
        parts: of the agent that it has from now on.
        how: settings of DAgger, or of PPO.
        tasks: beside BossLevel.
        schedule: frames over which the learning rate falls to zero, if others.
    """

    name: str
    told: str
    frames: int
    parts: dict[str, Any] = field(default_factory=dict)
    how: ImitationConfig | PPOConfig = TEACHING
    tasks: tuple[str, ...] = ()
    schedule: int = 0


BESIDE = (MINI_BOSS, PUT_NEXT)
BABYAI = 0.904  # BabyAI 1.1, with a million demonstrations
TELLING = replace(TEACHING, due_coef=0.1)
STAGES = (
    # a map of all of the level, wherever the agent stands
    Stage(
        "dagger",
        "DAgger; a map of what was seen",
        11_898_880,
        {"map_radius": 22},
        replace(TEACHING, mixing=0.3),
        schedule=20_000_000,
    ),
    Stage(
        "context",
        "words in context, smaller levels beside",
        5_857_280,
        {"language": "contextual"},
        tasks=BESIDE,
        schedule=9_000_000,
    ),
    Stage("reads", "memory reads the instruction", 6_512_640, {"memory_reads": True}, tasks=BESIDE),
    Stage("ppo", "PPO on BossLevel alone", 1_802_240, how=FINE_TUNING),
    Stage("due", "DAgger; tells what is due", 6_082_560, {"tells_due": True}, TELLING, BESIDE, 9_000_000),
    Stage("ways", "ways on the map", 1_945_600, {"map_ways": True}, TELLING, (MINI_BOSS,), 9_000_000),
    Stage("finds", "memory looks for what is due", 8_000_000, {"memory_finds": True}, TELLING, (MINI_BOSS,)),
    Stage("more", "the same on BossLevel alone", 4_800_000, how=replace(TELLING, learning_rate=5e-4)),
)
MEASURED = ("reads", "ppo", "finds", "more")


@dataclass(frozen=True)
class Options:
    """Measure BossLevel.

    Attributes:
        share: of each stage's frames.
        seed: of all of them.
        episodes: new ones, to measure with.
        runs: folder of the runs; a run that is there goes on.
        torch_threads: threads of PyTorch.
        output: where the results go, a .json and a .png; nothing is written without it.
    """

    share: float = 1.0
    seed: int = 1
    episodes: int = 1000
    runs: Path = Path("runs")
    torch_threads: int = 1
    output: Path | None = None


def configurations(options: Options) -> dict[str, TrainConfig]:
    """The run of each stage, in their order."""
    agent, init = MAZES.agent, ""
    configs = {}
    for stage in STAGES:
        agent = replace(agent, **stage.parts)
        is_taught = isinstance(stage.how, ImitationConfig)
        settings: dict[str, Any] = {"imitation" if is_taught else "ppo": stage.how}
        configs[stage.name] = TrainConfig(
            algorithm="dagger" if is_taught else "ppo",
            init=init,
            task=BOSS,
            tasks=(BOSS, *stage.tasks) if stage.tasks else (),
            held_out=HeldOut(factors=()),  # BabyAI's own numbers hold nothing out
            total_frames=round(options.share * (stage.schedule or stage.frames)),
            bank_size=32768,
            seed=options.seed,
            torch_threads=options.torch_threads,
            agent=agent,
            **settings,
        )
        init = str(options.runs / f"boss-{stage.name}")
    return configs


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


def curves_figure(results: dict[str, Any]) -> Figure:
    """The agent alone on new episodes, and how often it would do as the expert, against frames and against minutes."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, unit, scale, label in zip(
        axes, ("frames", "minutes"), (1e6, 1), ("million frames", "minutes of one core"), strict=True
    ):
        start, points = 0.0, []
        for number, stage in enumerate(STAGES):
            curve = results["curves"][stage.name]
            x = [start + point[unit] / scale for point in curve]
            axis.plot(x, [point.get("accuracy", math.nan) for point in curve], color=f"C{number}", label=stage.told)
            start = x[-1]
            if stage.name in results["measured"]:
                points.append((start, results["measured"][stage.name]["success"]["trained"]))
        rates = [found["success"] for _, found in points]
        spans = [[f["success"] - f["low"] for _, f in points], [f["high"] - f["success"] for _, f in points]]
        axis.errorbar([at for at, _ in points], rates, spans, fmt="ko-", capsize=3, label="success, new episodes")
        axis.axhline(BABYAI, color="black", linewidth=1, linestyle=":")
        axis.set_xlabel(label)
        axis.set_ylim(0.5, 1)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("success (black), actions as the expert's (colors)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def main(options: Options) -> None:
    configs = configurations(options)
    folders = {name: options.runs / f"boss-{name}" for name in configs}
    seconds = {
        name: finish(configs[name], folders[name], max(configs[name].rollout_frames, round(options.share * frames)))
        for name, frames in ((stage.name, stage.frames) for stage in STAGES)
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
            file.write(png(curves_figure(results)))
        write_text(options.output.with_suffix(".json"), json.dumps(results, indent=1) + "\n")
    print(json.dumps({"frames": results["frames"], "output": str(options.output)}))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
