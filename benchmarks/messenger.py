"""Readers of manuals in Messenger: success in roles kept from training, beside the controls; rows of manuals.json.

    python benchmarks/messenger.py --texts FOLDER [--rows messenger_s1 messenger_s2 messenger_s3 emma_s1]
        [--seeds 1 2 3] [--suite pairs|val] [--output benchmarks/results/manuals.json]

Agents imitate the expert, which knows roles and movements (DAgger); no rewards are used. They see what the manual says
in the crowd-written sentences of the original, FOLDER; without one in our own. The agent of the third stage begins with
that of the second (of the same seed, which is trained if it is not there). Names find sentences by pretrained vectors
of words, so ``groundling[sentence]`` is needed. Settings were chosen by the suite "val"; rows are of "pairs". Row
"emma_s1" is the reference of Hanjie et al. 2021 (vision "emma", frozen MiniLM, three frames), taught in the same way
for as many frames; its goal is the published figure of the original, which learns from rewards.

Actions are drawn; "greedy" is the trained agent that takes the likeliest one. Beside the trained agent: random actions,
no manual, another episode's manual, all words of the manual in any order; and the other suites of the stage. Minutes
are processor time of training. Every finished run is kept in ``--runs`` and not trained again; rows of an output that
are not measured again are kept. ``low`` and ``high`` are of the seeds; of a single one its 95 % interval. The last line
is a JSON object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from launch import launch
from runs import finish_timed, keep_rows, tested_reader

from groundling.agents import AgentConfig
from groundling.agents.encoders.documents import DocumentConfig
from groundling.training import TrainConfig
from groundling.training.algorithms.imitation import ImitationConfig

RowName = Literal["messenger_s1", "messenger_s2", "messenger_s3", "emma_s1"]
OURS: Final[tuple[RowName, ...]] = ("messenger_s1", "messenger_s2", "messenger_s3")
READER: Final = DocumentConfig(
    sharpness=10.0,
    radius=5,
    second_things=True,
    two_sided=True,
    matching="words",
    thing_hidden=64,
    word_vectors="pretrained",
    states=True,
)
AGENT: Final = AgentConfig(vision="document", word_dim=64, hidden_dim=128, settings=(READER,))
EMMA: Final = AgentConfig(vision="emma", hidden_dim=128, language="sentence")


@dataclass(frozen=True)
class Row:
    """What is trained for a row.

    Attributes:
        task: the id.
        frames: of each seed, those of the run that it begins with apart.
        num_steps: of a rollout.
        floor: success of random actions (benchmarks/messenger_floors.py).
        ceiling: that of the expert.
        goal: what was aimed at.
        suites: other than "pairs".
        begins_with: the row whose agent it begins with.
        agent: what is trained.
        images: how many steps it sees at once.
        learning_rate: of the imitation.
    """

    task: str
    frames: int
    num_steps: int
    floor: float
    ceiling: float
    goal: float
    suites: tuple[str, ...]
    begins_with: RowName | None = None
    agent: AgentConfig = AGENT
    images: int = 1
    learning_rate: float = 2e-3


ROWS: Final[dict[RowName, Row]] = {
    "messenger_s1": Row("groundling/Messenger-S1-v0", 300_000, 8, 0.078, 1.0, 0.99, ("layout",)),
    "messenger_s2": Row("groundling/Messenger-S2-v0", 500_000, 16, 0.024, 1.0, 0.95, ("layout", "moves", "states")),
    "messenger_s3": Row(
        "groundling/Messenger-S3-v0", 700_000, 16, 0.016, 0.991, 0.60, ("layout", "states"), "messenger_s2"
    ),
    "emma_s1": Row(
        *("groundling/Messenger-S1-v0", 300_000, 8, 0.078, 1.0, 0.85, ("layout",)),
        agent=EMMA,
        images=3,
        learning_rate=5e-4,
    ),
}


@dataclass(frozen=True)
class Options:
    """Train and test readers of Messenger's manuals.

    Attributes:
        texts: folder of the original's sentences; empty for our own.
        rows: which to measure.
        seeds: training runs of each.
        suite: what the rows tell of: "pairs" (games for tests) or "val" (those to choose settings by).
        frames: of each run, in place of the row's own.
        episodes: of each test.
        runs: folder of the runs.
        output: a file for the rows.
    """

    texts: str = ""
    rows: tuple[RowName, ...] = OURS
    seeds: tuple[int, ...] = (1, 2, 3)
    suite: Literal["pairs", "val"] = "pairs"
    frames: int | None = None
    episodes: int = 500
    runs: Path = Path("runs/messenger")
    output: Path | None = None

    def run(self) -> None:
        """Measure, print a line for each run, write the rows."""
        rows: dict[str, dict[str, Any]] = {}
        for name in self.rows:
            results = []
            for seed in self.seeds:
                results.append(self.measure(name, seed))
                told = {who: round(value, 4) for who, value in results[-1]["agents"].items()}
                print(f"{name} seed {seed}: {told}, {results[-1]['minutes']:.1f} minutes", flush=True)
                rows[name] = self.summary(name, results)
                keep_rows([rows[name]], self.output)
        print(json.dumps({"rows": list(rows.values())}))

    def config(self, name: RowName, seed: int) -> TrainConfig:
        """The training run of a row."""
        row = ROWS[name]
        learning = ImitationConfig(num_steps=row.num_steps, minibatch_size=1024, learning_rate=row.learning_rate)
        asked = [f"texts={self.texts}"] * bool(self.texts) + [f"frames={row.images}"] * (row.images > 1)
        return TrainConfig(
            task="?".join([row.task, *["&".join(asked)] * bool(asked)]),
            total_frames=self.frames or row.frames,
            num_envs=512,
            evaluate_every=0,
            seed=seed,
            algorithm="dagger",
            agent=row.agent,
            init="" if row.begins_with is None else str(self.folder(row.begins_with, seed)),
            settings=(learning,),
        )

    def folder(self, name: RowName, seed: int) -> Path:
        """Of a run."""
        return self.runs / f"{name}-{'given' if self.texts else 'own'}-{self.frames or ROWS[name].frames}-seed{seed}"

    def train(self, name: RowName, seed: int) -> float:
        """Train a run and the one that it begins with, unless they are there; the processor seconds of both."""
        begins_with = ROWS[name].begins_with
        before = self.train(begins_with, seed) if begins_with is not None else 0.0
        return before + finish_timed(self.config(name, seed), self.folder(name, seed))

    def measure(self, name: RowName, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and test it."""
        seconds, config = self.train(name, seed), self.config(name, seed)
        more = ROWS[name].suites if self.suite == "pairs" else ()
        agents, trained = tested_reader(config, self.folder(name, seed), self.suite, more, self.episodes)
        frames = config.num_updates * config.rollout_frames
        begins_with = ROWS[name].begins_with
        if begins_with is not None:
            before = self.config(begins_with, seed)
            frames += before.num_updates * before.rollout_frames
        return {"agents": agents, "interval": trained.interval, "frames": frames, "minutes": seconds / 60}

    def summary(self, name: RowName, results: list[dict[str, Any]]) -> dict[str, Any]:
        """The row of several seeds."""
        row = ROWS[name]
        scores = [result["agents"]["trained"] for result in results]
        low, high = results[0]["interval"] if len(scores) == 1 else (min(scores), max(scores))
        options = f" --rows {name} --seeds {' '.join(map(str, self.seeds[: len(scores)]))}"
        options += f" --frames {self.frames}" * (self.frames is not None)
        sentences = "the original's sentences" if self.texts else "our own sentences"
        method = "EMMA by DAgger" if row.agent is EMMA else "DAgger"
        games = "held-out roles" if self.suite == "pairs" else "games of validation"
        return {
            "key": "_".join([name, *["own"] * (not self.texts), *[self.suite] * (self.suite != "pairs")]),
            "row": f"Messenger, {row.task}, {sentences}: {method}, {self.episodes} episodes a seed in {games}",
            "mean": float(np.mean(scores)),
            "low": low,
            "high": high,
            "seeds": len(scores),
            "frames": results[0]["frames"],
            "minutes": float(np.mean([result["minutes"] for result in results])),
            "floor": row.floor,
            "ceiling": row.ceiling,
            "command": "python benchmarks/messenger.py" + " --texts path/to/messenger" * bool(self.texts) + options,
            "goal": row.goal,
            "scores": scores,
            "agents": {who: float(np.mean([r["agents"][who] for r in results])) for who in results[0]["agents"]},
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
