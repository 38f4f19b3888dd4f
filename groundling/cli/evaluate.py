"""Evaluate a run's agent and its controls on suites; write evaluation.json and report.html into the run folder.

Or any other policy: that has no run, so there are numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from groundling.errors import ConfigurationError
from groundling.eval.evaluating import report_elsewhere, report_run
from groundling.eval.policies import report_policy
from groundling.eval.runs import CheckpointKind


@dataclass
class Command:
    """Evaluate a run; one over several tasks is evaluated on each of them. Or, with --policy and --task, any policy.

    Suites: see docs/evaluate.md. Those of factors that were not held out in training (--held-out.factors) are skipped.
    Of the rooms of Chaplot et al. 2018: layout, zero_shot (the paper's 15 test instructions) and its subgroups
    reordered, new_set and superlative.

    Controls: random actions, the agent given an instruction with a different goal, and the agent trained without the
    image, if there is one in RUN/blind (groundling train --blind-control). Where there is a manual or another document:
    the agent without it, with that of another episode (and how often it does what that one says), and with mixed words.

    Attributes:
        run_folder: folder of the run. With --policy, where evaluation.json goes; by default the current folder.
        policy: evaluate this policy instead of a run's agent: my_file.py:policy, a callable (observations [B, ...] by
            key -> actions [B]) or an object or class with the methods of groundling.interfaces.Policy; or a saved
            model of Stable-Baselines3, sb3:PPO:model.zip.
        task: id of the level or task that a policy is evaluated on. With a run, another task than it was trained on
            that shows the same worlds, as habitat:DIR of what groundling export-habitat wrote; evaluation.json goes
            into RUN/on.
        simulator_python: the Python interpreter that runs the simulator of --task.
        suite: names of suites, or "all" for all suites of the task. By default the usual ones: layout, and for most
            tasks combination. BabyAI's levels and our own tasks have layout, combination, verb_object, location,
            length, phrasing, synonym, distractors and size; for another task, a name that it does not have (--suite
            help) prints those it has.
        episodes: number of distinct episodes of each suite.
        greedy: take the most likely action; by default actions are sampled from the policy.
        seed: random seed of the episodes and of sampled actions.
        allow_unseen_words: also run suites whose instructions have words that no training instruction has.
        by: also print success by "verb", by "clauses" (number of clauses) or by "instruction" (other tasks may have
            other groups): 20 rows, the worst first; the others are in evaluation.json.
        planner: let the agent look ahead in copies of the world: mcts:64 is a Monte-Carlo tree search with 64
            simulations a step (docs/planning.md). The true world is what it searches in.
        checkpoint: the agent of the run's last checkpoint ("last") or of its best one ("best": that of the highest
            success while it trained, which flatters it on episodes like those it was chosen by).
        optimality: compare the agent's returns with the best possible ones, in episodes that are small enough to be
            solved exactly (`groundling exact`).
        video: write a video of the first episodes, and put it into the report.
    """

    run_folder: tyro.conf.Positional[Annotated[Path | None, tyro.conf.arg(metavar="RUN")]] = None
    policy: str = ""
    task: str = ""
    simulator_python: str = ""
    suite: tuple[str, ...] = ()
    episodes: int = 1000
    greedy: bool = False
    seed: int = 0
    allow_unseen_words: bool = False
    by: tuple[str, ...] = ()
    planner: str = ""
    checkpoint: CheckpointKind = "last"
    optimality: bool = False
    video: bool = True

    def run(self) -> None:
        """Evaluate, print the table, write the report."""
        if self.policy and not self.task:
            raise ConfigurationError("a policy is evaluated on a task: give both, --policy my_file.py:policy --task ID")
        if self.simulator_python and (self.policy or not self.task):
            raise ConfigurationError("--simulator-python goes with a run and --task; else write --task ID?python=...")
        if self.policy and self.planner:
            raise ConfigurationError("a planner looks ahead with the policy and value of a run's agent: give RUN")
        if self.policy:
            report_policy(
                self.policy,
                self.task,
                self.run_folder or Path(),
                suites=self.suite,
                episodes=self.episodes,
                greedy=self.greedy,
                seed=self.seed,
                allow_unseen_words=self.allow_unseen_words,
                by=self.by,
                optimality=self.optimality,
            )
            return
        if self.run_folder is None:
            raise ConfigurationError(
                "name the folder of the run, or for a policy give both, --policy my_file.py:policy --task ID"
            )
        if self.task:
            report_elsewhere(
                self.run_folder,
                self.task,
                simulator_python=self.simulator_python,
                suites=self.suite,
                episodes=self.episodes,
                greedy=self.greedy,
                seed=self.seed,
                allow_unseen_words=self.allow_unseen_words,
                by=self.by,
            )
            return
        report_run(
            self.run_folder,
            suites=self.suite,
            episodes=self.episodes,
            greedy=self.greedy,
            seed=self.seed,
            allow_unseen_words=self.allow_unseen_words,
            by=self.by,
            optimality=self.optimality,
            video=self.video,
            planner=self.planner,
            checkpoint=self.checkpoint,
        )
