"""Readers of manuals in RTFM: success in dynamics kept from training, beside the controls; rows of manuals.json.

    python benchmarks/manuals.py [--rows rtfm_simple rtfm_full_6x6 rtfm_full_10x10] [--agents ours unread txt2pi]
        [--seeds 1 2 3] [--suite assignments|validation] [--output benchmarks/results/manuals.json]

Agents learn from rewards alone (PPO), from scratch and without a curriculum: "ours" (vision "document"), "unread" (the
same without a manual, in training as well), "txt2pi" (the reference of Zhong et al. 2020). Actions are drawn; "greedy"
is the trained agent that takes the likeliest one, and that may go to and fro until its time is over. Settings were
chosen by the suite "validation", whose dynamics are neither trained nor in the suite "assignments", of which the rows
tell; ``--suite validation`` shows what they were chosen by.

Beside the trained agent: random actions, another goal, no manual, another episode's manual (and how often the agent
does what that one says), all words of the manual in any order; and the suites of phrasing and size, where there are
such. Minutes are processor time of training, of all seeds together in mean. Every finished run is kept in ``--runs``
and not trained again; rows of an output that is there are kept, if they are not measured again. ``low`` and ``high``
are of the seeds; of a single one they are its 95 % interval. The last line is a JSON object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from launch import launch
from runs import finish_timed, keep_rows, tested_reader

from groundling.agents import AgentConfig
from groundling.agents.encoders.documents import DocumentConfig
from groundling.envs.catalog import find_family
from groundling.training import PPOConfig, TrainConfig

AgentName = Literal["ours", "unread", "txt2pi"]
RowName = Literal["rtfm_simple", "rtfm_full_6x6", "rtfm_full_10x10"]
EPISODES: Final = 1000
MORE_SUITES: Final = ("size", "phrasing")
OURS: Final = AgentConfig(vision="document", hidden_dim=128)
AGENTS: Final[dict[AgentName, AgentConfig]] = {
    "ours": OURS,
    "unread": replace(OURS, settings=(DocumentConfig(reads=False),)),
    "txt2pi": AgentConfig(vision="txt2pi", word_dim=30, hidden_dim=400),
}
PPO: Final = PPOConfig(num_epochs=2, minibatch_size=4096, learning_rate=3e-3)
# The reference takes 30 times as long for a frame: it gets fewer frames, in more updates, at the authors' rate.
LEARNING: Final[dict[AgentName, tuple[int, PPOConfig]]] = {
    "ours": (1024, PPO),
    "unread": (1024, PPO),
    "txt2pi": (128, PPOConfig(num_epochs=2, num_steps=32, minibatch_size=512, learning_rate=7e-4)),
}


@dataclass(frozen=True)
class Row:
    """What is trained for a row.

    Attributes:
        task: the id.
        told: what it is, in a few words.
        frames: of each seed.
        floor: success of whoever walks well and reads nothing (benchmarks/manuals_floors.py).
        ceiling: that of the expert, which knows all.
        goal: what was aimed at.
    """

    task: str
    told: str
    frames: int
    floor: float
    ceiling: float
    goal: float


ROWS: Final[dict[RowName, Row]] = {
    "rtfm_simple": Row("groundling/RTFM-Simple-6x6-v0", "simplest, 6x6", 1_000_000, 0.249, 0.996, 0.97),
    "rtfm_full_6x6": Row("groundling/RTFM-Groups-Moving-NL-6x6-v0", "full, 6x6", 2_000_000, 0.240, 0.944, 0.85),
    "rtfm_full_10x10": Row("groundling/RTFM-Groups-Moving-NL-10x10-v0", "full, 10x10", 4_000_000, 0.246, 0.987, 0.92),
}


@dataclass(frozen=True)
class Options:
    """Train and test readers of manuals.

    Attributes:
        rows: which to measure.
        agents: of each row.
        seeds: training runs of each.
        suite: what the rows tell of: "assignments" (dynamics for tests) or "validation" (those to choose settings by).
        frames: of each run, in place of the row's own.
        episodes: of each test.
        runs: folder of the runs.
        output: a file for the rows.
        stop: end each run after so many of its frames.
    """

    rows: tuple[RowName, ...] = tuple(ROWS)
    agents: tuple[AgentName, ...] = ("ours",)
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    suite: Literal["assignments", "validation"] = "assignments"
    frames: int | None = None
    episodes: int = EPISODES
    runs: Path = Path("runs/manuals")
    output: Path | None = None
    stop: int | None = None

    def run(self) -> None:
        """Measure, print a line for each run and a table of the controls, write the rows."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for name in self.rows:
            for agent in self.agents:
                results = []
                for seed in self.seeds:
                    results.append(self.measure(name, agent, seed))
                    told = {who: round(value, 4) for who, value in results[-1]["agents"].items()}
                    print(f"{name} {agent} seed {seed}: {told}, {results[-1]['minutes']:.1f} minutes", flush=True)
                    rows[name, agent] = self.summary(name, agent, results)
                    keep_rows([rows[name, agent]], self.output)
        print(json.dumps({"rows": list(rows.values())}))

    def config(self, name: RowName, agent: AgentName, seed: int) -> TrainConfig:
        """The training run of a row."""
        row, (num_envs, learning) = ROWS[name], LEARNING[agent]
        return TrainConfig(
            task=row.task,
            total_frames=self.frames or row.frames,
            num_envs=num_envs,
            evaluate_every=0,
            seed=seed,
            agent=AGENTS[agent],
            settings=(learning,),
        )

    def measure(self, name: RowName, agent: AgentName, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and test it."""
        config = self.config(name, agent, seed)
        folder = self.runs / f"{name}-{agent}-{config.total_frames}-seed{seed}"
        seconds = finish_timed(config, folder, self.stop)
        updates = config.num_updates if self.stop is None else round(self.stop / config.rollout_frames)
        known = find_family(config.task).suites
        more = [suite for suite in MORE_SUITES if known[suite].is_usual and self.suite == "assignments"]
        agents, trained = tested_reader(config, folder, self.suite, more, self.episodes)
        return {
            "agents": agents,
            "interval": trained.interval,
            "frames": updates * config.rollout_frames,
            "minutes": seconds / 60,
        }

    def summary(self, name: RowName, agent: AgentName, results: list[dict[str, Any]]) -> dict[str, Any]:
        """The row of several seeds."""
        row = ROWS[name]
        scores = [result["agents"]["trained"] for result in results]
        low, high = results[0]["interval"] if len(scores) == 1 else (min(scores), max(scores))
        options = "".join(
            f" --{option} {' '.join(map(str, values))}"
            for option, values in (("rows", (name,)), ("agents", (agent,)), ("seeds", self.seeds[: len(scores)]))
        )
        if self.frames is not None:
            options += f" --frames {self.frames}"
        if self.stop is not None:
            options += f" --stop {self.stop}"
        options += f" --episodes {self.episodes}" * (self.episodes != EPISODES)
        test = "new dynamics" if self.suite == "assignments" else "dynamics of validation"
        return {
            "key": key_of(name, agent, self.suite),
            "row": f"RTFM, {row.told}: {agent}, {self.episodes} episodes a seed in {test}",
            "mean": float(np.mean(scores)),
            "low": low,
            "high": high,
            "seeds": len(scores),
            "frames": results[0]["frames"],
            "minutes": float(np.mean([result["minutes"] for result in results])),
            "floor": row.floor,
            "ceiling": row.ceiling,
            "command": f"python benchmarks/manuals.py{options}",
            "goal": row.goal,
            "scores": scores,
            "agents": {who: float(np.mean([r["agents"][who] for r in results])) for who in results[0]["agents"]},
        }


def key_of(name: RowName, agent: AgentName, suite: str) -> str:
    """The key of a row: that of ``rtfm_simple`` is "rtfm_simple", of the reference agent "txt2pi_simple"."""
    parts = {"ours": name, "unread": f"{name}_unread", "txt2pi": f"txt2pi_{name.removeprefix('rtfm_')}"}
    return "_".join([parts[agent], *[suite] * (suite != "assignments")])


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
