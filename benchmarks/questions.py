"""Questions about houses: answers and distances of trained agents by how far away the evidence is, with floors.

    python benchmarks/questions.py [--bodies grid rover] [--agents ours question_only pacman] [--seeds 1] [--scale 1.0]
        [--episodes 1500] [--runs runs/questions] [--output benchmarks/results/questions.json]

An agent is trained in stages, each from the one before. First come many answers: on the grid, "near" imitates the
expert where the evidence is one or two actions away; in first person, where some thirty views lie on the way even
then, "views" learns from those alone in which the expert answers (``last_views.py``). Then "far" imitates it in
houses of 3, 6 and 12 rooms, from the agent's own states. In first person the agent also learns type, color and state
of what is in each cell of its picture (``symbol_coef``), of labels that it never sees when it acts. The expert takes
over until the episode ends (``imitation.handover``), since an agent that has not answered walks on. The agents that
ours is compared with have "near" only. ``--scale`` multiplies the frames of all stages. A finished stage is kept in
``--runs``.

Measured in new houses of twelve rooms (``Questions-Large``), where evidence is 10, 30 or 50 actions away, all types
mixed, likeliest actions: the answer, metres to the evidence at the end (d_T), and beside them the floors and ceilings:

    chance         one of all answers of a type; see :func:`chance`, a lower bound
    question_only  the same agent trained without seeing, in the first stage; the expert walks, it answers
    other_question the trained agent, asked another question of the same type
    forward        walks straight on, answers after 30 actions with the most frequent answer
    random_walk    random moves for 30 actions, then the trained agent's answer
    expert_path    the expert walks, the trained agent answers (the track without navigation)
    expert         the expert walks and answers

Agent "pacman" is the reference of Das et al. 2018 (vision "pacman"), trained and measured in the same way; its rows
begin with ``pacman_``. It sees pictures, so it has the body "rover" only.

"unseen_pairs" are things of a color that no question of training is about, by type, beside the same types of seen ones.

Source of the measures and of the published figures: Das et al. 2018, arXiv:1711.11543 (other data: SUNCG houses).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from last_views import gather, learn_answers
from launch import launch
from numpy.typing import NDArray
from runs import finish, keep_rows
from torch import Tensor

from groundling.agents import ActorCritic, AgentConfig
from groundling.agents.actor_critic import sample_actions
from groundling.agents.encoders.pixels import CNNConfig
from groundling.agents.encoders.symbolic import SymbolicConfig
from groundling.envs.catalog import find_family
from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.metrics import Measured, by_start, by_type, measure, summarize
from groundling.envs.first_person import Camera
from groundling.envs.vector import GroundlingVectorEnv
from groundling.eval.statistics import wilson_interval
from groundling.files import write_text
from groundling.training import ImitationConfig, TrainConfig, Trainer
from groundling.training.checkpoint import Checkpoint, load_agent
from groundling.training.tasks import embodiment, evaluation_options, training_bank

NEAR = "groundling/Questions-Near-v0"
FAR = ("groundling/Questions-Small-v0", "groundling/Questions-v0", "groundling/Questions-Large-v0")
MEASURED = "groundling/Questions-Large-v0"
WALK = 30  # actions of the walkers that do not look
BLIND_SHARE = 0.3  # of the frames, for who sees nothing: there is little to learn
CAMERA = Camera(width=96, height=48, fov_degrees=90.0)
REFERENCE_CAMERA = Camera(width=64, height=64, fov_degrees=90.0)
FRAMES = {
    "grid": {"near": 1_500_000, "far": 3_000_000},
    "rover": {"views": 900_000, "near": 300_000, "far": 400_000},
}
STAGES = {"grid": ("near", "far"), "rover": ("views", "far")}  # of ours; the others have "near" only
DRAWS = {"grid": False, "rover": True}  # moves; a rover that takes the likeliest turns to and fro until time is over
SENSES = {
    "grid": AgentConfig(
        vision="scene",
        language="contextual",
        memory="gru",
        memory_dim=256,
        memory_skip=True,
        hidden_dim=128,
        settings=(SymbolicConfig(readout_dim=32, map_radius=14),),
    ),
    "rover": AgentConfig(
        vision="cnn",
        language="contextual",
        memory="gru",
        memory_dim=256,
        memory_skip=True,
        hidden_dim=128,
        predicts_symbols=True,
        settings=(CNNConfig(conv_channels=(32, 64, 128), readout_dim=24, lookups=12),),
    ),
}
REFERENCE = AgentConfig(vision="pacman")
IMITATION = ImitationConfig(num_steps=20, minibatch_size=320, inflection=3.0, anneal=False)

Chooser = Callable[[Any], NDArray[np.int64]]


@dataclass(frozen=True)
class Options:
    """Measure agents that answer questions.

    Attributes:
        bodies: "grid" (symbols) or "rover" (first person).
        agents: "ours", "question_only", which sees nothing, and "pacman", the published reference.
        seeds: training runs of each.
        scale: of the frames of all stages.
        episodes: that are measured.
        runs: folder of the runs; a stage that is there goes on.
        output: a file for the rows; rows of the same key are replaced.
    """

    bodies: tuple[Literal["grid", "rover"], ...] = ("grid", "rover")
    agents: tuple[Literal["ours", "question_only", "pacman"], ...] = ("ours", "question_only")
    seeds: tuple[int, ...] = (1,)
    scale: float = 1.0
    episodes: int = 1500
    runs: Path = Path("runs/questions")
    output: Path | None = None


def config_of(body: str, agent: str, stage: str, seed: int, init: Path | None, scale: float) -> TrainConfig:
    """One stage of a training."""
    learned = "near" if stage == "views" else stage  # "views" has no rollouts: it is saved as the beginning of "near"
    frames = round(FRAMES[body][learned] * scale * (1.0 if agent == "ours" else BLIND_SHARE))
    sees = body == "rover" and agent == "ours"
    common = TrainConfig(
        task=NEAR,
        num_envs=256,
        body="own" if body == "grid" else "rover",
        camera=Camera() if body == "grid" else REFERENCE_CAMERA if agent == "pacman" else CAMERA,
        agent=REFERENCE
        if agent == "pacman"
        else replace(SENSES[body], blind=agent == "question_only", predicts_symbols=sees),
        total_frames=frames,
        seed=seed,
        evaluation_episodes=200,
        evaluate_every=max(1, frames // 4),
        init="" if init is None else str(init),
    )
    imitation = replace(IMITATION, symbol_coef=1.0 if sees else 0.0)
    if learned == "near":
        return replace(common, algorithm="bc", bank_size=65_536, settings=(imitation,))
    dagger = replace(
        imitation,
        num_steps=40,
        minibatch_size=640 if body == "grid" else 320,
        anneal=True,
        mixing=0.2,
        kept_share=0.2,
        handover=0.04,
    )
    return replace(common, algorithm="dagger", tasks=FAR, bank_size=24_576, settings=(dagger,))


def trained(options: Options, body: str, agent: str, seed: int) -> tuple[Path, float, int]:
    """The folder of the last stage, the seconds and the frames of all."""
    seconds, frames, before = 0.0, 0, None
    for stage in STAGES[body] if agent == "ours" else ("near",):
        folder = options.runs / f"{body}-{agent}-{stage}-seed{seed}"
        config = config_of(body, agent, stage, seed, before, options.scale)
        if stage == "views":
            shown = round(FRAMES[body][stage] * options.scale)
            seconds += learn_from_views(config, folder, shown)
        else:
            shown = config.total_frames
            seconds += finish(config, folder)
        frames += shown
        before = folder
    assert before is not None
    return before, seconds, frames


def learn_from_views(config: TrainConfig, folder: Path, frames: int) -> float:
    """The stage "views", unless that was done; its seconds, kept in the folder. The agent is saved as a run begun."""
    place = folder / "seconds.json"
    if place.exists():
        return float(json.loads(place.read_text()))
    trainer = Trainer(config, folder)
    begun = time.perf_counter()
    head = trainer.agent.encoder.symbol_head
    assert head is not None
    views = gather(training_bank(config), embodiment(config), trainer.agent.observation_keys, head.grid)
    learn_answers(trainer.agent, views, frames)
    trainer.save()
    write_text(place, json.dumps(time.perf_counter() - begun))
    return learn_from_views(config, folder, frames)


class Measuring:
    """Plays the episodes of a suite with an agent, its guides and its walkers.

    Args:
        folder: of the run.
        episodes: of the suite.
    """

    def __init__(self, folder: Path, episodes: int) -> None:
        self.agent: ActorCritic = load_agent(folder)
        self.agent.eval()
        self.config = Checkpoint.load(folder / "checkpoint.pt").config
        self.body = "rover" if self.config.body == "rover" else "grid"
        self.episodes = episodes
        self.actions = self.agent.spec.actions
        self.is_last = np.array([action.startswith("answer") for action in self.actions])

    def play(self, who: str, suite: str = "layout", task: str = MEASURED) -> list[Measured]:
        """Every episode of a suite, by one of the agents of the module's text."""
        family = find_family(task)
        assert isinstance(family, QuestionFamily)
        embodiment = family.embodiment(evaluation_options(self.config, (family,)))
        bank = family.suite_bank(suite, None, self.episodes, 0, progress=True).encoded(embodiment.vocabulary)
        return measure(bank, embodiment, lambda envs: self.chooser(who, family, envs))

    def chooser(self, who: str, family: QuestionFamily, envs: GroundlingVectorEnv) -> Chooser:
        """Who acts in these environments."""
        count = envs.num_envs
        state, first = self.agent.initial_state(count), np.ones(count, dtype=np.bool_)
        guide = family.expert(envs) if who in ("expert", "expert_path") else None
        random, draw = np.random.default_rng(1), torch.Generator().manual_seed(1)
        other: NDArray[np.int64] | None = None
        is_open = np.ones(count, dtype=np.bool_)  # who has not answered; nobody else has to see
        steps = 0

        def decide(observation: Any) -> Tensor:
            nonlocal first
            rows = np.flatnonzero(is_open)
            seen = {key: observation[key][rows] for key in self.agent.observation_keys}
            logits = torch.zeros(count, len(self.actions))
            logits[rows], state[rows] = self.agent.logits(seen, state[rows], first[rows])
            first = np.zeros(count, dtype=np.bool_)
            return logits

        def choose(observation: Any) -> NDArray[np.int64]:
            nonlocal steps, other, is_open
            steps += 1
            if who == "other_question" and other is None:  # the environments have been reset by now
                other = other_questions(family, envs)
            advised = None if guide is None else guide.actions().copy()
            if who == "expert":
                assert advised is not None
                return advised
            asked = observation if other is None else {**observation, "question": observation["question"][other]}
            is_blind_walk = who in ("random_walk", "forward") and steps <= WALK
            logits = decide(asked)
            answers = logits.masked_fill(~torch.from_numpy(self.is_last), -torch.inf).argmax(dim=-1).numpy()
            if is_blind_walk:
                actions = random.integers(0, 3, count) if who == "random_walk" else np.full(count, 2)
            elif advised is not None:
                actions = advised
            elif who in ("random_walk", "forward"):
                actions = answers
            else:
                drawn = sample_actions(logits, draw) if DRAWS[self.body] else logits.argmax(dim=-1)
                actions = drawn.numpy()
            actions = np.where(self.is_last[actions], answers, actions)
            is_open = is_open & ~self.is_last[actions]
            return np.asarray(actions, dtype=np.int64)

        return choose


def other_questions(family: QuestionFamily, envs: GroundlingVectorEnv) -> NDArray[np.int64]:
    """For each environment another one whose question is of the same type and asks something else."""
    kinds = [family.groups("type", text)[0] for text in envs.instructions]
    meanings = [family.meaning({"question": text}) for text in envs.instructions]
    found = np.arange(len(kinds))
    for row, (kind, meaning) in enumerate(zip(kinds, meanings, strict=True)):
        others = [i for i, k in enumerate(kinds) if k == kind and meanings[i] != meaning]
        if others:
            found[row] = others[row % len(others)]
    return found


def chance(episodes: list[Measured]) -> float:
    """Of whoever knows the types only, at least: one of all answers that a type can have.

    Answers are balanced for each question, so it is exact but for prepositions, whose questions have fewer answers than
    there are kinds of things; who has learned which is "question_only".
    """
    answers = {"count": 6, "color": 8, "color_room": 8, "location": 8, "preposition": 27, "preposition_room": 27}
    return float(np.mean([1 / answers.get(one.type, 2) for one in episodes]))


def row(key: str, words: str, rates: list[list[bool]], common: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A row of success rates: with one seed the interval of its episodes, with several the extremes of the seeds."""
    means = [float(np.mean(rate)) for rate in rates]
    low, high = wilson_interval(sum(rates[0]), len(rates[0])) if len(rates) == 1 else (min(means), max(means))
    return {"key": key, "row": words, "mean": float(np.mean(means)), "low": low, "high": high, **common, **more}


def rows_of(
    body: str, measured: list[dict[str, list[Measured]]], common: dict[str, Any], agent: str = ""
) -> list[dict[str, Any]]:
    """The rows of a body, from what was measured of each seed; those of another agent than ours begin with its name."""
    begins = f"{agent}_" if agent else ""
    name = f"{begins}answer" if body == "rover" else f"{begins}grid_answer"
    rows = []
    for start in sorted(by_start(measured[0]["ours"])):
        parts = [{who: [one for one in played if one.start == start] for who, played in m.items()} for m in measured]
        rates = [[one.correct for one in part["ours"]] for part in parts]
        floors = {
            who: round(float(np.mean([one.correct for part in parts for one in part[who]])), 4) for who in parts[0]
        }
        floor = max(chance(parts[0]["ours"]), floors.get("question_only", 0.0))
        words = f"{agent or body}, answers with the evidence {start} actions away, new houses of 12 rooms, all types"
        told = {"n": len(rates[0]), "controls": floors, "chance": round(chance(parts[0]["ours"]), 4)}
        summaries = [summarize(part["ours"]) for part in parts]
        told |= {"justified": float(np.mean([one.justified for one in summaries]))}
        rows.append(row(f"{name}_{start}", words, rates, common, floor=floor, ceiling=floors["expert"], **told))
        distance = [one.d_T for one in summaries]
        prefix = f"{begins}distance" if body == "rover" else f"{begins}grid_distance"
        far = f"{start} actions away at first (d_0 {summaries[0].d_0:.1f})"
        words = f"{agent or body}, metres to the evidence at the end, {far}"
        expert = summarize([one for part in parts for one in part["expert"]]).d_T
        rows.append(
            {
                "key": f"{prefix}_{start}",
                "row": words,
                "mean": float(np.mean(distance)),
                "low": min(distance),
                "high": max(distance),
                **common,
                "floor": summaries[0].d_0,
                "ceiling": expert,
                "n": len(rates[0]),
            }
        )
    return rows


def unseen_pairs(body: str, runs: list[Measuring], common: dict[str, Any]) -> dict[str, Any]:
    """Things of a color that training never asks about, and the same types of question in the layout suite."""
    unseen = [run.play("ours", "color_pairs") for run in runs]
    types = set(by_type(unseen[0]))
    seen = [[one for one in run.play("ours") if one.type in types] for run in runs]
    told = {
        kind: [round(found.accuracy, 3), round(by_type(seen[0])[kind].accuracy, 3)]
        for kind, found in by_type(unseen[0]).items()
        if kind in by_type(seen[0])
    }
    rates = [[one.correct for one in part] for part in unseen]
    ceiling = float(np.mean([one.correct for part in seen for one in part]))
    key = "unseen_pairs" if body == "rover" else "grid_unseen_pairs"
    words = f"{body}, color-thing pairs never asked about; the ceiling is that of seen pairs, same types"
    return row(key, words, rates, common, floor=chance(unseen[0]), ceiling=ceiling, by_type=told)


def main(options: Options) -> None:
    rows: list[dict[str, Any]] = []
    for body in options.bodies:
        folders, seconds, frames, blind = [], [], 0, None
        for seed in options.seeds:
            folder, spent, frames = trained(options, body, "ours", seed)
            folders.append(folder)
            seconds.append(spent)
        if "question_only" in options.agents:
            blind = trained(options, body, "question_only", options.seeds[0])
        runs = [Measuring(folder, options.episodes) for folder in folders]
        walkers = ("ours", "other_question", "forward", "random_walk", "expert_path", "expert")
        measured = [{who: run.play(who) for who in walkers} for run in runs]
        common = {
            "seeds": len(options.seeds),
            "frames": frames,
            "minutes": round(float(np.mean(seconds)) / 60, 1),
            "command": f"python benchmarks/questions.py --bodies {body} --seeds {' '.join(map(str, options.seeds))}",
        }
        if blind is not None:
            for m in measured:
                m["question_only"] = Measuring(blind[0], options.episodes).play("expert_path")
            rates = [[one.correct for one in measured[0]["question_only"]]]
            key = "question_only" if body == "rover" else "grid_question_only"
            floor = chance(measured[0]["ours"])
            spent_blind = {"frames": blind[2], "minutes": round(blind[1] / 60, 1), "seeds": 1}
            words = f"{body}, trained without seeing"
            rows.append(row(key, words, rates, common | spent_blind, floor=floor, ceiling=None))
        rows += rows_of(body, measured, common)
        rows.append(unseen_pairs(body, runs, common))
        if "pacman" in options.agents and body == "rover":
            rows += reference_rows(options, body, walkers)
        for who, played in measured[0].items():
            kinds = {kind: round(part.accuracy, 2) for kind, part in by_type(played).items()}
            print(f"{body} {who}: {summarize(played).accuracy:.3f}", kinds)
        keep_rows(rows, options.output)
    for one in rows:
        print(f"{one['key']:<22} {one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}] floor {one['floor']}")
    print(json.dumps({"rows": rows}))


def reference_rows(options: Options, body: str, walkers: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of the published reference."""
    found = [trained(options, body, "pacman", seed) for seed in options.seeds]
    runs = [Measuring(folder, options.episodes) for folder, _, _ in found]
    common = {
        "seeds": len(options.seeds),
        "frames": found[0][2],
        "minutes": round(float(np.mean([seconds for _, seconds, _ in found])) / 60, 1),
        "command": "python benchmarks/questions.py --bodies rover --agents ours pacman "
        f"--seeds {' '.join(map(str, options.seeds))}",
    }
    return rows_of(body, [{who: run.play(who) for who in walkers} for run in runs], common, "pacman")


if __name__ == "__main__":
    launch(main, Options, __doc__)
