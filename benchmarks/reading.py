"""Readers of manuals in rooms of our own: success in assignments kept from training, with controls; for manuals.json.

    python benchmarks/reading.py [--rows read_first_person read_beacons_grid ...] [--agents ours unread]
        [--seeds 1 2 3] [--output benchmarks/results/manuals.json]

Agents imitate the expert, which knows what the manual tells (DAgger); no rewards are used. "ours" are the usual visions
(pixels in first person, symbols on the grid), which read the manual with the instruction; "unread" is the same agent
without a manual, in training as well. Actions are drawn; "greedy" takes the likeliest one.

Not reached yet, see TRIED.md: ReadBoxes in first person, and new assignments in ReadKeys.

Beside the trained agent: random actions, another instruction, no manual, another episode's manual, all words of the
manual in any order; and the other suites. Minutes are processor time of training. Every finished run is kept in
``--runs`` and not trained again; rows of an output that are not measured again are kept. ``low`` and ``high`` are of
the seeds; of a single one its 95 % interval. The last line is a JSON object.
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
from groundling.envs.first_person import Camera
from groundling.training import TrainConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.presets import find_preset

AgentName = Literal["ours", "unread"]
RowName = Literal[
    "read_first_person",
    "read_boxes_first_person",
    "read_beacons_grid",
    "read_boxes_grid",
    "read_keys_grid",
]
MORE_SUITES: Final = ("layout", "phrasing", "order", "size", "distractors")
FIRST_PERSON: Final = replace(
    find_preset("pixels"),
    bank_size=65_536,
    camera=Camera(width=128, height=56, fov_degrees=106.26),
    precision="bfloat16",
    settings=(ImitationConfig(num_steps=16, minibatch_size=512),),
)
ON_GRID: Final = TrainConfig(bank_size=65_536, agent=AgentConfig(memory="gru"), settings=(ImitationConfig(),))
FLOOR: Final = 1 / 3  # of three things or boxes or keys one is right


@dataclass(frozen=True)
class Row:
    """What is trained for a row.

    Attributes:
        task: the id.
        frames: of each seed.
        base: settings of the run.
        ceiling: success of the expert.
        goal: what was aimed at; None: nothing was.
    """

    task: str
    frames: int
    base: TrainConfig
    goal: float | None = None
    ceiling: float = 1.0


ROWS: Final[dict[RowName, Row]] = {
    "read_first_person": Row("groundling/ReadBeacons-v0", 3_000_000, FIRST_PERSON, goal=0.90),
    "read_boxes_first_person": Row("groundling/ReadBoxes-v0", 2_000_000, FIRST_PERSON),
    "read_beacons_grid": Row("groundling/ReadBeacons-v0", 600_000, ON_GRID),
    "read_boxes_grid": Row("groundling/ReadBoxes-v0", 600_000, ON_GRID),
    "read_keys_grid": Row("groundling/ReadKeys-v0", 1_000_000, ON_GRID),
}


@dataclass(frozen=True)
class Options:
    """Train and test readers of our own rooms' manuals.

    Attributes:
        rows: which to measure.
        agents: of each row.
        seeds: training runs of each.
        frames: of each run, in place of the row's own.
        episodes: of each test.
        runs: folder of the runs.
        output: a file for the rows.
    """

    rows: tuple[RowName, ...] = tuple(ROWS)
    agents: tuple[AgentName, ...] = ("ours",)
    seeds: tuple[int, ...] = (1, 2, 3)
    frames: int | None = None
    episodes: int = 500
    runs: Path = Path("runs/reading")
    output: Path | None = None

    def run(self) -> None:
        """Measure, print a line for each run, write the rows."""
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
        row = ROWS[name]
        reader = row.base.agent if agent == "ours" else replace(row.base.agent, ignores=("manual",))
        return replace(
            row.base,
            algorithm="dagger",
            task=row.task,
            total_frames=self.frames or row.frames,
            evaluate_every=0,
            seed=seed,
            agent=reader,
        )

    def measure(self, name: RowName, agent: AgentName, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and test it."""
        config = self.config(name, agent, seed)
        folder = self.runs / f"{name}-{agent}-{config.total_frames}-seed{seed}"
        seconds = finish_timed(config, folder)
        agents, trained = tested_reader(config, folder, "assignments", MORE_SUITES, self.episodes)
        return {
            "agents": agents,
            "interval": trained.interval,
            "frames": config.num_updates * config.rollout_frames,
            "minutes": seconds / 60,
        }

    def summary(self, name: RowName, agent: AgentName, results: list[dict[str, Any]]) -> dict[str, Any]:
        """The row of several seeds."""
        row = ROWS[name]
        scores = [result["agents"]["trained"] for result in results]
        low, high = results[0]["interval"] if len(scores) == 1 else (min(scores), max(scores))
        options = f" --rows {name} --agents {agent} --seeds {' '.join(map(str, self.seeds[: len(scores)]))}"
        options += f" --frames {self.frames}" * (self.frames is not None)
        body = "first person" if row.base.body == "rover" else "grid"
        return {
            "key": "_".join([name, *[agent] * (agent != "ours")]),
            "row": f"{row.task}, {body}: {agent}, DAgger, {self.episodes} episodes a seed in new assignments",
            "mean": float(np.mean(scores)),
            "low": low,
            "high": high,
            "seeds": len(scores),
            "frames": results[0]["frames"],
            "minutes": float(np.mean([result["minutes"] for result in results])),
            "floor": FLOOR,
            "ceiling": row.ceiling,
            "command": f"python benchmarks/reading.py{options}",
            **({} if row.goal is None else {"goal": row.goal}),
            "scores": scores,
            "agents": {who: float(np.mean([r["agents"][who] for r in results])) for who in results[0]["agents"]},
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
