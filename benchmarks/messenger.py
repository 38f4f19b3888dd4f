"""Readers of manuals in Messenger: success in roles kept from training, beside the controls; rows of manuals.json.

    python benchmarks/messenger.py --texts FOLDER [--rows messenger_s1 messenger_s2 messenger_s3] [--seeds 1 2 3]
        [--suite pairs|val] [--output benchmarks/results/manuals.json]

Agents imitate the expert, which knows roles and movements (DAgger); no rewards are used. They see what the manual says
in the crowd-written sentences of the original, FOLDER; without one in our own. The agent of the third stage begins with
that of the second (of the same seed, which is trained if it is not there). Names find sentences by pretrained vectors
of words, so ``groundling[sentence]`` is needed. Settings were chosen by the suite "val"; rows are of "pairs".

Actions are drawn; "greedy" is the trained agent that takes the likeliest one. Beside the trained agent: random actions,
no manual, another episode's manual, all words of the manual in any order; and the other suites of the stage. Minutes
are processor time of training. Every finished run is kept in ``--runs`` and not trained again; rows of an output that
are not measured again are kept. ``low`` and ``high`` are of the seeds; of a single one its 95 % interval. The last line
is a JSON object.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from launch import launch
from runs import finish

from groundling.agents import AgentConfig, RandomPolicy
from groundling.agents.encoders.documents import DocumentConfig
from groundling.eval.runs import evaluate_suites
from groundling.eval.suites import suite_rows
from groundling.files import write_text
from groundling.interfaces import Policy
from groundling.training import TrainConfig
from groundling.training.algorithms.imitation import ImitationConfig
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

RowName = Literal["messenger_s1", "messenger_s2", "messenger_s3"]
TIME_NAME: Final = "processor_seconds.json"
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
    """

    task: str
    frames: int
    num_steps: int
    floor: float
    ceiling: float
    goal: float
    suites: tuple[str, ...]
    begins_with: RowName | None = None


ROWS: Final[dict[RowName, Row]] = {
    "messenger_s1": Row("groundling/Messenger-S1-v0", 300_000, 8, 0.078, 1.0, 0.99, ("layout",)),
    "messenger_s2": Row("groundling/Messenger-S2-v0", 500_000, 16, 0.024, 1.0, 0.95, ("layout", "moves", "states")),
    "messenger_s3": Row(
        "groundling/Messenger-S3-v0", 700_000, 16, 0.016, 0.991, 0.60, ("layout", "states"), "messenger_s2"
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
    rows: tuple[RowName, ...] = tuple(ROWS)
    seeds: tuple[int, ...] = (1, 2, 3)
    suite: Literal["pairs", "val"] = "pairs"
    frames: int | None = None
    episodes: int = 500
    runs: Path = Path("runs/messenger")
    output: Path | None = None

    def run(self) -> None:
        """Measure, print a line for each run, write the rows."""
        kept = {}
        if self.output is not None and self.output.exists():
            kept = {row["key"]: row for row in json.loads(self.output.read_text())["rows"]}
        for name in self.rows:
            results = []
            for seed in self.seeds:
                results.append(self.measure(name, seed))
                told = {who: round(value, 4) for who, value in results[-1]["agents"].items()}
                print(f"{name} seed {seed}: {told}, {results[-1]['minutes']:.1f} minutes", flush=True)
                row = self.summary(name, results)
                kept[row["key"]] = row
                if self.output is not None:
                    others = []
                    if self.output.exists():  # another benchmark may have written rows meanwhile
                        others = json.loads(self.output.read_text())["rows"]
                    kept = {one["key"]: one for one in others} | {row["key"]: row}
                    write_text(self.output, json.dumps({"rows": list(kept.values())}, indent=1) + "\n")
        print(json.dumps({"rows": list(kept.values())}))

    def config(self, name: RowName, seed: int) -> TrainConfig:
        """The training run of a row."""
        row = ROWS[name]
        learning = ImitationConfig(num_steps=row.num_steps, minibatch_size=1024, learning_rate=2e-3)
        return TrainConfig(
            task=f"{row.task}?texts={self.texts}" if self.texts else row.task,
            total_frames=self.frames or row.frames,
            num_envs=512,
            evaluate_every=0,
            seed=seed,
            algorithm="dagger",
            agent=AGENT,
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
        config, folder = self.config(name, seed), self.folder(name, seed)
        saved, spent = folder / CHECKPOINT_NAME, 0.0
        if not saved.exists() or Checkpoint.load(saved).updates < config.num_updates:
            if (folder / TIME_NAME).exists():
                spent = json.loads((folder / TIME_NAME).read_text())
            begun = time.process_time()
            finish(config, folder)
            write_text(folder / TIME_NAME, json.dumps(spent + time.process_time() - begun))
        return before + float(json.loads((folder / TIME_NAME).read_text()))

    def measure(self, name: RowName, seed: int) -> dict[str, Any]:
        """Train a run, unless it is there, and test it."""
        seconds = self.train(name, seed)
        config = self.config(name, seed)
        trained = Checkpoint.load(self.folder(name, seed) / CHECKPOINT_NAME).make_agent()
        more = ROWS[name].suites if self.suite == "pairs" else ()
        suites, _ = suite_rows(config, (self.suite, *more), episodes=self.episodes, progress=False)
        policies: dict[str, Policy] = {"trained": trained, "random": RandomPolicy(trained.num_actions)}
        suite: str = self.suite
        main = {suite: suites.pop(suite)}
        tested = {who: found for _, who, found in evaluate_suites(policies, main)}
        agents = {who: found.success for who, found in tested.items()}
        for _, _, found in evaluate_suites({"greedy": trained}, main, greedy=True):
            agents["greedy"] = found.success
        for suite, _, found in evaluate_suites({"agent": trained}, suites):
            agents[f"suite {suite}"] = found.success
        frames = config.num_updates * config.rollout_frames
        begins_with = ROWS[name].begins_with
        if begins_with is not None:
            before = self.config(begins_with, seed)
            frames += before.num_updates * before.rollout_frames
        return {"agents": agents, "interval": tested["trained"].interval, "frames": frames, "minutes": seconds / 60}

    def summary(self, name: RowName, results: list[dict[str, Any]]) -> dict[str, Any]:
        """The row of several seeds."""
        row = ROWS[name]
        scores = [result["agents"]["trained"] for result in results]
        low, high = results[0]["interval"] if len(scores) == 1 else (min(scores), max(scores))
        options = f" --rows {name} --seeds {' '.join(map(str, self.seeds[: len(scores)]))}"
        options += f" --frames {self.frames}" * (self.frames is not None)
        sentences = "the original's sentences" if self.texts else "our own sentences"
        games = "held-out roles" if self.suite == "pairs" else "games of validation"
        return {
            "key": "_".join([name, *["own"] * (not self.texts), *[self.suite] * (self.suite != "pairs")]),
            "row": f"Messenger, {row.task}, {sentences}: DAgger, {self.episodes} episodes a seed in {games}",
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
