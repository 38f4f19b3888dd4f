"""A reward learned from goal states (AGILE) beside the true one: success, of instructions kept from training as well.

    python benchmarks/agile.py [--rows agile_relations agile_arrangements_4 ...] [--seeds 1]
        [--share 1.0] [--output benchmarks/results/rewards.json]

PPO instead of the paper's A3C; states are symbols instead of pictures. "agile" is the reward as it is by default, whose
rho falls from 1 to 1/4 as the discriminator takes more of the visited states for solved; the rows of a constant rho
(100, 50, 25), of log D and of a discriminator that does not read are controls with fewer frames, to be compared with
"adaptive", the same as "agile" with as many. PPO from nothing does not find the reward of PutNextLocal: there the run
goes on from an agent that cloned the expert, as does that under the true reward; success of that agent is "start".
Success is that of the environments, in grids that training never had, actions drawn; it is no part of what policies are
paid. "false positives" and "false negatives" are those of the discriminator on the states that the policy visited in
the last tenth of training. Rows of BabyAI's levels are ratios to the same run under the true reward.

Minutes are processor time of training. Every finished run is kept in ``--runs`` and not trained again, an unfinished
one is gone on with; rows of an output that are not measured again are kept. The last line is a JSON object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from launch import launch
from runs import finish_timed, keep_rows

from groundling.agents import AgentConfig, RandomPolicy
from groundling.agents.encoders.centered import CenteredConfig
from groundling.eval.runs import evaluate_suites
from groundling.eval.suites import suite_rows
from groundling.interfaces import Policy
from groundling.training import ImitationConfig, TrainConfig
from groundling.training.algorithms.ppo import PPOConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.logs import read_metrics
from groundling.training.rewards.agile.reward import AgileConfig

RELATIONS, ARRANGEMENTS = "groundling/GridLU-Relations-v0", "groundling/GridLU-Arrangements-v0"
GO_TO, PUT_NEXT = "BabyAI-GoToLocal-v0", "BabyAI-PutNextLocal-v0"
LEARNED: Final = AgileConfig(
    updates=16, warmup=100, pairs=150_000, hidden_dim=128, learning_rate=2e-3, max_column_norm=0.0
)
ARRANGED: Final = replace(LEARNED, vision="centered")  # the settings of the agent's encoder, with two convolutions
BABYAI: Final = replace(LEARNED, hidden_dim=64, pairs=10_000, scale=1.0)
# Where an episode ends at its goal few visited states are solved, so that what D takes for solved is where it errs, not
# to be thrown away; and a goal is paid as if it lasted: paid once it is worth less than staying where D errs.
ENDING: Final = replace(BABYAI, warmup=500, adapts_rho=False, rho=1.0, scale=0.01, end_weight=100.0)
START_FRAMES: Final = 600_000  # of the expert, in PutNextLocal: PPO from nothing does not find its reward
RECURRENT: Final = AgentConfig(memory="gru")
IN_THE_MIDDLE: Final = AgentConfig(
    vision="centered", hidden_dim=128, settings=(CenteredConfig(layers=1, channels=16, cell_dim=64),)
)
PATTERNS: Final = AgentConfig(
    vision="centered", hidden_dim=128, settings=(CenteredConfig(layers=2, channels=24, cell_dim=64),)
)
CONTROL_FRAMES: Final = 300_000  # of the rows beside AGILE's own, which are compared with "adaptive"
LAST: Final = 10  # a tenth of the updates, whose verdicts of the discriminator are told


@dataclass(frozen=True)
class Row:
    """What is trained for a row.

    Attributes:
        task: the id.
        frames: of a run.
        agile: settings of the reward; None: the environment's own.
        suite: that the row tells of.
        others: suites that have rows of their own, key by suite.
        goal: what was aimed at.
        against: the row of the true reward, of which a ratio is told.
        start: frames of behavior cloning before: the run goes on from an agent that has imitated so much.
    """

    task: str
    frames: int
    agile: AgileConfig | None
    suite: str = "layout"
    others: tuple[tuple[str, str], ...] = ()
    goal: float | None = None
    against: str = ""
    start: int = 0


HELD_OUT: Final = (("held_out", "agile_held_out"),)
FOUR_EIGHT: Final = (("eight", "agile_arrangements_8"),)
ROWS: Final[dict[str, Row]] = {
    "agile_relations": Row(RELATIONS, 2_000_000, LEARNED, others=HELD_OUT, goal=0.99),
    "relations_true": Row(RELATIONS, 6_000_000, None),
    "relations_adaptive": Row(RELATIONS, CONTROL_FRAMES, LEARNED),
    "relations_rho100": Row(RELATIONS, CONTROL_FRAMES, replace(LEARNED, adapts_rho=False, rho=1.0)),
    "relations_rho50": Row(RELATIONS, CONTROL_FRAMES, replace(LEARNED, adapts_rho=False, rho=0.5)),
    "relations_rho25": Row(RELATIONS, CONTROL_FRAMES, replace(LEARNED, adapts_rho=False, rho=0.25)),
    "relations_log": Row(RELATIONS, CONTROL_FRAMES, replace(LEARNED, output="log")),
    "relations_blind": Row(RELATIONS, CONTROL_FRAMES, replace(LEARNED, reads_instruction=False)),
    "agile_arrangements_4": Row(ARRANGEMENTS, 1_000_000, ARRANGED, suite="four", others=FOUR_EIGHT, goal=0.9),
    "arrangements_true": Row(ARRANGEMENTS, 1_000_000, None, suite="four"),
    "agile_gotolocal": Row(GO_TO, 1_500_000, BABYAI, goal=0.97, against="gotolocal_true"),
    "gotolocal_true": Row(GO_TO, 1_500_000, None),
    "agile_putnextlocal": Row(PUT_NEXT, 400_000, ENDING, goal=0.97, against="putnextlocal_true", start=START_FRAMES),
    "putnextlocal_true": Row(PUT_NEXT, 1_000_000, None, start=START_FRAMES),
}
GOALS: Final = {"agile_held_out": 0.98, "agile_arrangements_8": 0.6}


@dataclass(frozen=True)
class Options:
    """Train policies by learned rewards and test them.

    Attributes:
        rows: which to measure.
        seeds: training runs of each.
        share: of each row's frames that are trained on.
        episodes: of each test.
        runs: folder of the runs.
        output: a file for the rows.
    """

    rows: tuple[str, ...] = ("agile_relations", "relations_true")
    seeds: tuple[int, ...] = (1,)
    share: float = 1.0
    episodes: int = 1000
    runs: Path = Path("runs/agile")
    output: Path | None = None

    def run(self) -> None:
        """Measure, print a line for each run, write the rows."""
        rows: list[dict[str, Any]] = []
        for name in self.rows:
            results = []
            for seed in self.seeds:
                results.append(self.measure(name, seed))
                told = {who: round(value, 4) for who, value in results[-1]["agents"].items()}
                print(f"{name} seed {seed}: {told}, {results[-1]['minutes']:.1f} minutes", flush=True)
            new = [self.summary(name, results, ROWS[name].suite, name)]
            new += [self.summary(name, results, suite, key) for suite, key in ROWS[name].others]
            keep_rows(new, self.output)
            rows += new
        print(json.dumps({"rows": rows}))

    def config(self, name: str, seed: int) -> TrainConfig:
        """The training run of a row."""
        row = ROWS[name]
        is_grid = row.task in (RELATIONS, ARRANGEMENTS)
        settings: list[Any] = [] if row.agile is None else [row.agile]
        if is_grid:
            agent = PATTERNS if row.task == ARRANGEMENTS else IN_THE_MIDDLE
            settings.append(PPOConfig(num_steps=15, num_epochs=2, minibatch_size=1280, learning_rate=2e-3))
        elif row.start:
            agent = RECURRENT
            settings.append(PPOConfig(num_steps=32, minibatch_size=2048, learning_rate=5e-4, kl_coef=0.02))
        else:
            agent = AgentConfig()
        return TrainConfig(
            task=row.task,
            init=str(self.start(name, seed)) if row.start else "",
            total_frames=int(self.share * row.frames),
            num_envs=128 if row.start else 512,
            evaluate_every=0,
            seed=seed,
            reward=("environment",) if row.agile is None else ("agile",),
            reward_weights=(0.1,) if row.agile is None and is_grid else (),
            agent=agent,
            settings=tuple(settings),
        )

    def start(self, name: str, seed: int) -> Path:
        """The folder of the agent that a row goes on from; rows of a task, frames and seed share it."""
        row = ROWS[name]
        return self.runs / f"start-{row.task.split('-')[1]}-{row.start}-seed{seed}"

    def imitate(self, name: str, seed: int) -> float:
        """Train the agent that a row goes on from, unless it is there; the processor seconds of it."""
        row = ROWS[name]
        config = TrainConfig(
            algorithm="bc",
            task=row.task,
            total_frames=row.start,
            num_envs=128,
            evaluate_every=0,
            seed=seed,
            agent=RECURRENT,
            settings=(ImitationConfig(),),
        )
        return finish_timed(config, self.start(name, seed))

    def folder(self, name: str, seed: int) -> Path:
        """Of a run."""
        return self.runs / f"{name}-{int(self.share * ROWS[name].frames)}-seed{seed}"

    def measure(self, name: str, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and test it; success by suite, with the controls of the row's own."""
        row, config, folder = ROWS[name], self.config(name, seed), self.folder(name, seed)
        seconds = self.imitate(name, seed) if row.start else 0.0
        seconds += finish_timed(config, folder)
        trained = Checkpoint.load(folder / CHECKPOINT_NAME).make_agent()
        names = (row.suite, *(suite for suite, _ in row.others))
        suites, _ = suite_rows(config, names, episodes=self.episodes, progress=False)
        policies: dict[str, Policy] = {"trained": trained, "random": RandomPolicy(trained.num_actions)}
        agents: dict[str, float] = {}
        intervals: dict[str, tuple[float, float]] = {}
        for suite, who, found in evaluate_suites(policies, suites):
            agents[f"{who}, {suite}"] = found.success
            intervals[f"{who}, {suite}"] = found.interval
        for suite, _, found in evaluate_suites({"greedy": trained}, suites, greedy=True):
            agents[f"greedy, {suite}"] = found.success
        if row.start:
            start = Checkpoint.load(self.start(name, seed) / CHECKPOINT_NAME).make_agent()
            for suite, _, found in evaluate_suites({"start": start}, suites):
                agents[f"start, {suite}"] = found.success
        agents |= errors_of(folder)
        if row.against:
            agents["true reward"] = self.measure(row.against, seed)["agents"][f"trained, {row.suite}"]
        frames = config.num_updates * config.rollout_frames
        return {"agents": agents, "intervals": intervals, "frames": frames, "minutes": seconds / 60}

    def summary(self, name: str, results: list[dict[str, Any]], suite: str, key: str) -> dict[str, Any]:
        """The row of several seeds in one suite."""
        row = ROWS[name]
        scores = [result["agents"][f"trained, {suite}"] for result in results]
        low, high = results[0]["intervals"][f"trained, {suite}"] if len(scores) == 1 else (min(scores), max(scores))
        if row.against:
            true = float(np.mean([result["agents"]["true reward"] for result in results]))
            scores, low, high = [score / true for score in scores], low / true, high / true
        reward = "true reward" if row.agile is None else "learned reward"
        if row.frames == CONTROL_FRAMES:
            reward += f" ({name.partition('_')[2]})"
        told = "success in ratio to the true reward" if row.against else "success"
        share = f" --share {self.share}" * (self.share != 1)
        return {
            "key": key,
            "row": f"AGILE, {row.task}, {reward}, {told}, suite {suite}",
            "mean": float(np.mean(scores)),
            "low": low,
            "high": high,
            "seeds": len(scores),
            "frames": results[0]["frames"],
            "minutes": float(np.mean([result["minutes"] for result in results])),
            "floor": float(np.mean([result["agents"][f"random, {suite}"] for result in results])),
            "ceiling": None if row.task == ARRANGEMENTS else 1.0,
            "command": f"python benchmarks/agile.py --rows {name} --seeds {' '.join(map(str, self.seeds))}{share}",
            "goal": GOALS.get(key, row.goal),
            "scores": scores,
            "agents": {who: float(np.mean([r["agents"][who] for r in results])) for who in results[0]["agents"]},
        }


def errors_of(folder: Path) -> dict[str, float]:
    """How often the discriminator was wrong in the last tenth of a run; nothing where there is none."""
    rows = read_metrics(folder)
    rows = rows[-max(1, len(rows) // LAST) :]
    found = {}
    for name in ("accuracy", "false_positives", "false_negatives"):
        values = [row[f"reward/agile/{name}"] for row in rows if f"reward/agile/{name}" in row]
        values = [value for value in values if value is not None and np.isfinite(value)]
        if values:
            found[name.replace("_", " ")] = float(np.mean(values))
    return found


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
