"""Floors and ceiling of questions about houses that need no training, in new houses, by simulation.

    python benchmarks/questions_floors.py [--episodes 1000] [--body grid] [--output FILE.json]

Policies: the majority answer of each question (its most frequent one among training's episodes) given at once; an
agent that only goes forward, and one that moves at random, each with a random suitable answer in its last step; the
expert, which goes to the evidence and knows the answer. Accuracy with its 95 % interval, of all episodes and by how far
away the evidence was (``KEY/10``); beside it the other measures of embodied question answering.

Prints a table and, as the last line, a JSON object with its ``rows``; beside the usual ones they have ``episodes`` and
``measures``. The floor of a trained agent that reads the question alone is a run of ``groundling train
--blind-control``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from launch import launch
from numpy.typing import NDArray

from groundling.envs.banks.bank_building import build_bank
from groundling.envs.catalog import find_family
from groundling.envs.engine.constants import NUM_ACTIONS
from groundling.envs.families.options import WorldOptions
from groundling.envs.families.questions.domain import suits
from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.metrics import Chooser, Measured, measure, summarize
from groundling.envs.vector import GroundlingVectorEnv
from groundling.eval.statistics import wilson_interval
from groundling.files import write_text

WORDS = {
    "majority": "the most frequent answer to the same question in training, at once",
    "forward": "only goes forward, then a random suitable answer",
    "random": "moves at random, then a random suitable answer",
    "expert": "goes to the evidence and knows the answer",
}
MOVES = (0, 1, 2, 5)  # left, right, forward, toggle


@dataclass(frozen=True)
class Options:
    """Measure floors and the ceiling of questions about houses.

    Attributes:
        task: a family of questions.
        episodes: of each policy.
        training: episodes whose answers the majority is taken of.
        body: that plays them.
        output: a file for the rows.
    """

    task: str = "groundling/Questions-v0"
    episodes: int = 1000
    training: int = 4000
    body: Literal["grid", "rover"] = "grid"
    output: Path | None = None

    def run(self) -> None:
        family = find_family(self.task)
        assert isinstance(family, QuestionFamily)
        embodiment = family.embodiment(WorldOptions(body=self.body))
        bank = build_bank(family.source, self.episodes, seed=0, split="seen", progress=False)
        likely = majorities(family, self.training)
        policies: dict[str, Callable[[GroundlingVectorEnv], Chooser]] = {
            "majority": partial(answering_at_once, likely),
            "forward": partial(walking, (2,)),
            "random": partial(walking, MOVES),
            "expert": partial(expert, family),
        }
        rows = []
        for name, make_chooser in policies.items():
            measured = measure(bank, embodiment, make_chooser)
            for start in (None, *sorted({one.start for one in measured})):
                part = [one for one in measured if start in (None, one.start)]
                rows.append(self.row(name, start, part))
                row = rows[-1]
                told = f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
                print(f"{row['key']:<44} {told}  d_T {row['measures']['d_T']:.2f} m  n {len(part)}")
        told = json.dumps({"rows": rows})
        if self.output is not None:
            write_text(self.output, told + "\n")
        print(told)

    def row(self, name: str, start: int | None, part: Sequence[Measured]) -> dict[str, Any]:
        """The accuracy of a policy where the evidence was so far away; None is anywhere."""
        right = sum(one.correct for one in part)
        low, high = wilson_interval(right, len(part))
        where = "" if start is None else f", evidence {start} actions away"
        return {
            "key": f"{self.task}/{self.body}/{name}" + ("" if start is None else f"/{start}"),
            "row": f"{self.task}, {self.body}, {WORDS[name]}{where}: accuracy in new houses",
            "mean": right / len(part),
            "low": low,
            "high": high,
            "seeds": 1,
            "frames": sum(one.length for one in part),
            "minutes": None,
            "floor": None,
            "ceiling": None,
            "command": f"python benchmarks/questions_floors.py --task {self.task} --body {self.body} "
            f"--episodes {self.episodes} --training {self.training}",
            "episodes": len(part),
            "measures": asdict(summarize(part)),
        }


def majorities(family: QuestionFamily, episodes: int) -> dict[str, int]:
    """The most frequent answer to each question of training's episodes; under "" the one to most of all."""
    bank = build_bank(family.source, episodes, seed=1, split="train", progress=False)
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for row in range(len(bank)):
        answer = int(bank.programs[row, 0, 2])
        counts[bank.instruction(row)][answer] += 1
        counts[""][answer] += 1
    return {sentence: found.most_common(1)[0][0] for sentence, found in counts.items()}


def questions_of(envs: GroundlingVectorEnv) -> list[str]:
    """The question of each environment, which plays one episode of its bank; also before they are reset."""
    return [envs.worlds.bank.instruction(row) for row in range(envs.num_envs)]


def answering_at_once(likely: dict[str, int], envs: GroundlingVectorEnv) -> Chooser:
    """The majority answer; to a question that training never asked, the majority among the suitable ones."""
    asked = questions_of(envs)
    answers = np.array([likely.get(text, -1) for text in asked], dtype=np.int64)
    for row in np.flatnonzero(answers < 0).tolist():
        suitable = suits(asked[row])
        answers[row] = likely[""] if suitable[likely[""]] else int(np.flatnonzero(suitable)[0])
    return lambda observation: NUM_ACTIONS + answers


def walking(moves: Sequence[int], envs: GroundlingVectorEnv) -> Chooser:
    """Moves at random until the last step, then a random suitable answer."""
    rng = np.random.default_rng(0)
    last = np.array([NUM_ACTIONS + rng.choice(np.flatnonzero(suits(text))) for text in questions_of(envs)])
    state = envs.worlds.state

    def choose(observation: Any) -> NDArray[np.int64]:
        drawn = rng.choice(moves, size=envs.num_envs)
        return np.where(state.step_count + 1 >= state.max_steps, last, drawn)

    return choose


def expert(family: QuestionFamily, envs: GroundlingVectorEnv) -> Chooser:
    """The expert of the family."""
    teacher = family.expert(envs)
    assert teacher is not None
    return lambda observation: teacher.actions()


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
