"""A contrastive reward on instructions that its encoder never met; the row contrastive_unseen of rewards.json.

    python benchmarks/contrastive.py [--seeds 1 2 3] [--pay contrastive direct shuffled untrained apart]
        [--control-seeds 1] [--output benchmarks/results/rewards.json]

An encoder of clips and sentences is trained on a task without four of its eighteen color-type pairs
(algorithm "infonce"). Then agents learn from scratch with PPO, on instructions of just these four pairs: "true", paid
by the environments, and "contrastive", paid by the similarity of what they do and the instruction only. The row tells
the success of the second by that of the first, in unseen layouts with the same four pairs; actions are drawn.

"contrastive" is paid the increase of the similarity (form "delta"); beside it "direct" is paid the similarity itself at
every step, for which an agent may loiter where a similarity is wrong.

Controls: "shuffled" is paid by an instruction of another environment that differs, "untrained" by an encoder as it was
drawn, "apart" by an encoder that sees clips without words (CLIP's two towers). All end their episodes when the true
goal is reached, as agents of other learned rewards do. On GoToLocal, where nothing else ends an episode, that alone
teaches much: see how far the controls come. ``--task groundling/RoomPickUp-v0``, where to pick up a wrong object ends
it too, tells more.

Minutes are processor time of one seed of "contrastive", its encoder included. Finished runs are kept in ``--runs`` and
not trained again. The last line is a JSON object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from launch import launch
from runs import finish_timed, keep_rows

from groundling.envs import HeldOut
from groundling.eval.evaluation import Evaluation
from groundling.eval.runs import evaluate_suites
from groundling.eval.suites import suite_rows
from groundling.interfaces import Array, Transition
from groundling.language.goals import MINIGRID_COLORS, MINIGRID_OBJECTS
from groundling.training import TrainConfig
from groundling.training.algorithms.infonce import InfoNCEConfig
from groundling.training.checkpoint import load_agent
from groundling.training.rewards.contrastive import ContrastiveConfig, ContrastiveReward, Form

Pay = Literal["true", "contrastive", "direct", "shuffled", "untrained", "apart"]
CONTROLS: Final = ("shuffled", "untrained", "apart")
TASK: Final = "BabyAI-GoToLocal-v0"
UNSEEN: Final = HeldOut().combinations
SEEN: Final = tuple(
    pair for pair in (f"{color} {kind}" for color in MINIGRID_COLORS for kind in MINIGRID_OBJECTS) if pair not in UNSEEN
)
ENCODER_FRAMES: Final = 100_000


class ShuffledReward(ContrastiveReward):
    """Pays by the instruction that another environment had when an episode began; never by its own."""

    def __call__(self, transition: Transition) -> Array:
        """What is paid [B] for a step."""
        key = self._encoder.text_key
        before, after = (dict(part) for part in (transition.observation, transition.next_observation))
        for part in (before, after):
            part[key] = part[key][others_than(part[key])]
        return super().__call__(replace(transition, observation=before, next_observation=after))


def others_than(tokens: Array) -> Array:
    """For each sentence of [B, L] the place of the next one that differs, [B]."""
    places = np.arange(len(tokens))
    found = places.copy()
    for shift in range(1, len(tokens)):
        same = (tokens[found] == tokens).all(axis=1)
        found[same] = (places[same] + shift) % len(tokens)
    return found


@dataclass(frozen=True)
class Options:
    """Train encoders, then agents that they pay, and test these.

    Attributes:
        seeds: training runs of each.
        pay: what agents are paid by, beside "true".
        control_seeds: those of "shuffled", "untrained" and "apart".
        task: of which four pairs are kept from the encoder.
        frames: of each agent's run.
        episodes: of each test.
        runs: folder of the runs.
        output: a file for the row.
    """

    seeds: tuple[int, ...] = (1, 2, 3)
    pay: tuple[Pay, ...] = ("contrastive", "direct", "shuffled", "untrained", "apart")
    control_seeds: tuple[int, ...] = (1,)
    task: str = TASK
    frames: int = 300_000
    episodes: int = 1000
    runs: Path = Path("runs/contrastive")
    output: Path | None = None

    def run(self) -> None:
        """Measure, print a line for each run, write the row."""
        found: dict[Pay, list[Evaluation]] = {}
        seconds: list[float] = []
        row: dict[str, Any] = {}
        for seed in self.seeds:
            for pay in dict.fromkeys(["true", *self.pay]):
                if pay in CONTROLS and seed not in self.control_seeds:
                    continue
                spent = self.encoder(pay, seed)
                config, folder = self.agent(pay, seed), self.runs / f"{pay}-{self.frames}-seed{seed}"
                spent += finish_timed(config, folder)
                rows, _ = suite_rows(config, ("layout",), episodes=self.episodes, progress=False)
                ((_, _, tested), *_) = evaluate_suites({"agent": load_agent(folder)}, rows)
                found.setdefault(pay, []).append(tested)
                print(f"{pay} seed {seed}: success {tested.success:.3f}, {spent / 60:.1f} minutes", flush=True)
                if pay == "contrastive":
                    seconds.append(spent)
            if "contrastive" in found:
                row = self.row(found, seconds)
                keep_rows([row], self.output)
        print(json.dumps(row))

    def encoder(self, pay: Pay, seed: int) -> float:
        """Train the encoder that pays; the processor seconds."""
        if pay == "true":
            return 0.0
        rate = 1e-12 if pay == "untrained" else InfoNCEConfig.learning_rate
        settings = InfoNCEConfig(gated=pay != "apart", learning_rate=rate)
        frames = {"untrained": ENCODER_FRAMES // 10, "apart": 2 * ENCODER_FRAMES}.get(pay, ENCODER_FRAMES)
        config = TrainConfig(
            algorithm="infonce",
            task=self.task,
            total_frames=frames,
            num_envs=128,
            evaluate_every=0,
            seed=seed,
            settings=(settings,),
        )
        return finish_timed(config, self._model(pay, seed))

    def agent(self, pay: Pay, seed: int) -> TrainConfig:
        """The run of an agent on the pairs that the encoder never met."""
        paid: dict[str, Any] = {}
        if pay != "true":
            name = f"{Path(__file__).resolve()}:ShuffledReward" if pay == "shuffled" else "contrastive"
            form: Form = "direct" if pay == "direct" else "delta"
            model = ContrastiveConfig(model=str(self._model(pay, seed)), form=form)
            paid = {"reward": (name,), "settings": (model,)}
        return TrainConfig(
            task=self.task,
            total_frames=self.frames,
            evaluate_every=0,
            seed=seed,
            held_out=HeldOut(combinations=SEEN),
            **paid,
        )

    def _model(self, pay: Pay, seed: int) -> Path:
        kind = pay if pay in ("untrained", "apart") else "gated"
        return self.runs / f"encoder-{kind}-seed{seed}"

    def row(self, found: dict[Pay, list[Evaluation]], seconds: list[float]) -> dict[str, Any]:
        """The row of the seeds so far."""
        success = {pay: [one.success for one in tests] for pay, tests in found.items()}
        scores = [ours / true for ours, true in zip(success["contrastive"], success["true"], strict=False)]
        options = (
            f"--task {self.task} --seeds {' '.join(map(str, self.seeds[: len(scores)]))} --pay {' '.join(self.pay)}"
        )
        return {
            "key": "contrastive_unseen" if self.task == TASK else f"contrastive_unseen {self.task}",
            "row": f"contrastive reward on four color-type pairs that its encoder never met, {self.task}: success by "
            f"that of the true reward, {self.episodes} episodes a seed",
            "mean": float(np.mean(scores)),
            "low": min(scores),
            "high": max(scores),
            "seeds": len(scores),
            "frames": self.frames,
            "minutes": float(np.mean(seconds)) / 60,
            "command": f"python benchmarks/contrastive.py {options}",
            "goal": 0.9,
            "scores": scores,
            "agents": {pay: float(np.mean(values)) for pay, values in success.items()},
            "by_seed": success,
        }


if __name__ == "__main__":
    launch(Options.run, Options, __doc__)
