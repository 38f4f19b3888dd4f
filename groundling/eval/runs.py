"""Evaluate a run: its agent and the controls, suite by suite."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.agents.baselines import RandomPolicy, ShuffledInstructions
from groundling.agents.bots import expert_steps
from groundling.agents.document_controls import MixedWords, NoDocument, OtherDocument
from groundling.agents.planning import make_planner
from groundling.envs.families.banked import BankEpisodes
from groundling.envs.families.base import EnvFamily
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import CheckpointError, ConfigurationError
from groundling.eval.evaluation import Evaluation, PlayedSet
from groundling.eval.made import MadeFamily
from groundling.eval.measures import EpisodeActions, Judge
from groundling.eval.optimality import OptimalityGap
from groundling.eval.progress import EvaluationProgress, NoProgress
from groundling.eval.reward_errors import RewardErrors, judges
from groundling.eval.rollout import all_of
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import SuiteRow, suite_rows, suites_for, suites_of
from groundling.hub import local_run
from groundling.interfaces import DOCUMENT, Observation, Policy, Spec
from groundling.seeding import integer
from groundling.training.algorithms import find_algorithm
from groundling.training.best import BEST_NAME
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.config import TrainConfig
from groundling.training.environments import EnvsMaker
from groundling.training.tasks import families

_log = logging.getLogger(__name__)

BLIND_NAME = "blind"
CheckpointKind = Literal["last", "best"]
CHECKPOINTS: Final[dict[CheckpointKind, str]] = {"last": CHECKPOINT_NAME, "best": BEST_NAME}


def kinds_for(tasks: Sequence[EnvFamily], asked: Sequence[str] = ()) -> tuple[str, ...]:
    """What a run's episodes are broken down by: always by what suits its tasks, and by what is asked for.

    Raises:
        ConfigurationError: if there is no such breakdown, or it would be of one row.
    """
    for family in tasks:
        for kind in asked:
            family.check_breakdown(kind)
    usual = dict.fromkeys(kind for family in tasks for kind in family.breakdowns)
    for kind in list(usual):  # where several tasks have different ones, those that all have
        for family in tasks:
            if kind not in family.breakdowns:
                usual.pop(kind, None)
    return tuple(dict.fromkeys([*usual, *asked]))


def evaluate_suites(
    policies: Mapping[str, Policy],
    rows: Mapping[str, SuiteRow],
    *,
    greedy: bool = False,
    seed: int = 0,
    keep_actions: int = 0,
    progress: EvaluationProgress | None = None,
    judges: Sequence[Callable[[], Judge]] = (),
) -> Iterator[tuple[str, str, Evaluation]]:
    """Evaluate each policy on each row, and the "trained" one with other instructions and documents than its own:
    (row, agent, result). Of an agent with a planner these controls are those of the "unplanned" one: a search in copies
    of the world is told by its rewards what the episode really asks for.

    All policies play the same episodes; an expert counts steps of the grid only.

    Args:
        policies: by name.
        rows: of the table, by name.
        greedy: take the likeliest action instead of drawing one.
        seed: names the draws.
        keep_actions: of how many of the first episodes of each row the actions of the "trained" one are kept.
        progress: told of every episode that ended.
        judges: each makes what looks at the episodes of the "trained" one, for each row.
    """
    progress = progress or NoProgress()
    agent_alone = policies.get("unplanned", policies.get("trained"))
    for name, row in rows.items():
        steps = _expert_steps(row)
        players = dict(policies)
        shuffled = shuffled_control(agent_alone, row, integer(seed, "shuffle", name))
        if shuffled is not None:
            players["shuffled"] = shuffled
        players |= document_controls(agent_alone, row, integer(seed, "documents", name))
        with PlayedSet(row.episodes) as played:
            for agent, policy in players.items():
                stream = integer(seed, "evaluation", agent, name)
                progress.begin(f"evaluating {name}, {agent} agent", row.episodes.count, "episodes")
                is_measured = agent == "trained" and row.family.has_measures
                actions = [EpisodeActions() for _ in range(is_measured)]
                asked = [make() for make in judges] if agent == "trained" else []
                evaluation = played.by(
                    policy,
                    greedy=greedy,
                    seed=stream,
                    expert_steps=steps,
                    keep_actions=keep_actions * (agent == "trained"),
                    observer=all_of(
                        lambda stepped: progress.advance(int(stepped.counted.sum())),
                        *actions,
                        *asked,
                    ),
                    on_begin=_all_begin(asked),
                )
                for kept in actions:
                    measures = row.family.measure(row.episodes, kept.of_each(row.episodes.count))
                    evaluation = replace(evaluation, measures=measures)
                for judge in asked:
                    evaluation = replace(evaluation, measures=(*evaluation.measures, *judge.tables()))
                yield name, agent, evaluation


def _all_begin(judges: Sequence[Judge]) -> Callable[[VectorEnv, Observation], None]:
    def begin(envs: VectorEnv, observation: Observation) -> None:
        for judge in judges:
            judge.begin(envs, observation)

    return begin


def _expert_steps(row: SuiteRow) -> NDArray[np.integer[Any]] | None:
    """How many steps [E] the expert of a row's family takes, or else the one that walks our grid."""
    episodes = row.episodes
    if not isinstance(episodes, BankEpisodes) or episodes.embodiment.rover is not None:
        return None
    own = _steps_of_own_expert(row.family, episodes)
    return expert_steps(episodes.bank) if own is None else own


def _steps_of_own_expert(family: EnvFamily, episodes: BankEpisodes) -> NDArray[np.integer[Any]] | None:
    """How many steps [E] a family's own expert takes in each episode, 0 where it fails; None if it has none."""
    envs = episodes.make_envs(min(episodes.count, episodes.most_envs))
    try:
        teacher = family.expert(envs)
        if teacher is None or not isinstance(envs, GroundlingVectorEnv):
            return None
        steps = np.zeros(episodes.count, dtype=np.int32)
        is_open = np.ones(episodes.count, dtype=np.bool_)
        envs.reset()
        while is_open.any():
            envs.step(np.array(teacher.actions()))
            ended = envs.worlds.outcomes
            rows = ended.episode[ended.ended]
            is_open[rows] = False
            steps[rows] = np.where(ended.success, ended.episode_length, 0)[ended.ended]
        return steps
    finally:
        envs.close()


def shuffled_control(agent: Policy | None, row: SuiteRow, seed: int) -> ShuffledInstructions | None:
    """The agent, told another goal; None where there is no other."""
    episodes = row.episodes
    goals = [row.family.meaning({episodes.text_key: text}) for text in episodes.texts]
    if agent is None or len(set(goals)) < 2:
        return None
    return ShuffledInstructions(agent, episodes.tokens, goals, episodes.sentences, seed, key=episodes.text_key)


def document_controls(agent: Policy | None, row: SuiteRow, seed: int) -> dict[str, Policy]:
    """The agent with no document, another episode's, and mixed words; none where it reads no documents."""
    keys = row.family.spec.keys_of(DOCUMENT)
    read = getattr(agent, "observation_keys", keys)
    keys = tuple(key for key in keys if key in read)
    if agent is None or not keys:
        return {}
    return {
        "no_doc": NoDocument(agent, keys),
        "other_doc": OtherDocument(agent, keys, seed),
        "mixed_doc": MixedWords(agent, keys, seed),
    }


def evaluate_run(
    folder: Path | str,
    suites: Sequence[str] = (),
    *,
    episodes: int = 1000,
    greedy: bool = False,
    seed: int = 0,
    allow_unseen_words: bool = False,
    by: Sequence[str] = (),
    progress: bool | EvaluationProgress = True,
    make_envs: EnvsMaker | None = None,
    keep_actions: int = 0,
    task: str = "",
    simulator_python: str = "",
    trust_code: bool = False,
    planner: str = "",
    checkpoint: CheckpointKind = "last",
    optimality: bool = False,
) -> SuiteReport:
    """Evaluate a run's agent and its controls: random, shuffled instructions, blind if the run trained one; and of
    agents that read documents, no document, that of another episode, and mixed words.

    Args:
        folder: of the run, or its place on the hub, ``"hub:USER/NAME"``.
        suites: names of suites of its tasks, or "all"; none takes the usual ones.
        episodes: of each suite.
        greedy: take the likeliest action instead of drawing one.
        seed: names the episodes and draws.
        allow_unseen_words: run suites with words that training never told as well.
        by: break the episodes down by these as well, see :func:`kinds_for`.
        progress: show bars while banks are built; an :class:`EvaluationProgress` is also told of every episode.
        make_envs: makes the environments of a run that was trained in environments of a user's own.
        keep_actions: of how many of the first episodes of each suite the agent's actions are kept.
        task: id of another task to evaluate the agent on, as of another simulator that shows the same worlds; by
            default the tasks that it was trained on.
        simulator_python: the Python interpreter of that task's simulator.
        trust_code: run code of somebody's own that the run names: tasks, encoders, rewards.
        planner: what the agent looks ahead with, ``"mcts:64"``; the agent alone is a control then ("unplanned").
        checkpoint: the last one of the run, or the best one; of the blind control as well, where it has one.
        optimality: compare the agent's returns with the best possible ones, see ``OptimalityGap``.

    Raises:
        CheckpointError: if the run has no whole checkpoint.
        HubError: if it cannot be fetched.
        UntrustedCodeError: if its task or an encoder is code that nobody else names. Of an algorithm or a reward
            nothing is needed.
        ConfigurationError: if the task has no such breakdown, or the run was trained in environments of a user's own
            and nobody makes them.
        MissingSimulatorError: if the run is of a foreign simulator that is not installed.
        SplitError: if a suite does not exist, none of them can be run, or one tells words that training never told.
    """
    if episodes < 1:
        raise ConfigurationError(f"episodes must be at least 1, got {episodes}")
    folder = local_run(folder)
    saved = load_checkpoint(folder, checkpoint, trust_code=trust_code)
    agent = saved.make_agent()
    policies: dict[str, Policy] = {"trained": agent, "random": RandomPolicy(agent.num_actions)}
    told = {"checkpoint": checkpoint, "frames": saved.frames, "fingerprint": saved.fingerprint}
    if planner:
        made = make_planner(planner, agent)
        policies = {"trained": made, "unplanned": agent, "random": policies["random"]}
        told["planner"] = planner
        algorithm = find_algorithm(saved.config.algorithm)
        if made.relies_on_value and algorithm.trains_value(saved.config) is False:
            _log.warning(
                "%s has trained no value, and %s relies on one: a planner that counts rewards alone may do better "
                "(mcts:N?value=none)",
                algorithm.title,
                planner,
            )
    blind = folder / BLIND_NAME
    if (blind / CHECKPOINT_NAME).exists():
        kind: CheckpointKind = checkpoint if (blind / CHECKPOINTS[checkpoint]).exists() else "last"
        control = load_checkpoint(blind, kind, trust_code=trust_code)
        policies["blind"], told["blind"] = control.make_agent(), control.fingerprint
    config = saved.config
    if task:
        config = elsewhere(config, task, simulator_python)
    tasks = run_families(folder, config, make_envs)
    if task:
        check_transfer(saved.spec, tasks[0])
    asked, kinds = suites_for(tasks, suites), kinds_for(tasks, by)
    if isinstance(tasks[0], MadeFamily):
        rows = {s: SuiteRow(tasks[0], s, tasks[0].episodes(s, config.held_out, episodes, seed)) for s in asked}
        left_out: dict[str, str] = {}
    else:
        rows, left_out = suite_rows(
            config, asked, episodes=episodes, seed=seed, allow_unseen_words=allow_unseen_words, progress=bool(progress)
        )
    asked_judges: list[Callable[[], Judge]] = [OptimalityGap] if optimality else []
    if judges(config):
        asked_judges.append(lambda: RewardErrors(config, saved.rewards))
    results: dict[str, dict[str, Evaluation]] = {}
    shown = progress if isinstance(progress, EvaluationProgress) else None
    for row, name, evaluation in evaluate_suites(
        policies,
        rows,
        greedy=greedy,
        seed=seed,
        keep_actions=keep_actions,
        progress=shown,
        judges=asked_judges,
    ):
        results.setdefault(row, {})[name] = evaluation
    return SuiteReport(
        ", ".join(family.id for family in tasks) if isinstance(tasks[0], MadeFamily) else ", ".join(config.task_ids),
        greedy,
        episodes,
        seed,
        results,
        left_out,
        kinds,
        suites=suites_of(tasks),
        groupings={name: row.family.groups for name, row in rows.items()},
        rows=rows,
        agent=told,
    )


def elsewhere(config: TrainConfig, task: str, simulator_python: str = "") -> TrainConfig:
    """What a run was trained with, in another task."""
    return replace(config, task=task, tasks=(), made_by="", simulator_python=simulator_python)


def check_transfer(spec: Spec, family: EnvFamily) -> None:
    """Refuse a task that an agent cannot act in as it is: other actions, other words.

    Raises:
        ConfigurationError: naming the difference.
    """
    there = family.spec
    if spec.actions != there.actions:
        raise ConfigurationError(
            f"the agent's actions are {', '.join(spec.actions)}, those of {family.id} are {', '.join(there.actions)}: "
            "train it in the same body, as with --body rover"
        )
    if spec.vocabulary != there.vocabulary:
        missing = [word for word in there.vocabulary.words if word not in spec.vocabulary.words]
        told = f", as {', '.join(missing[:5])}" if missing else ""
        raise ConfigurationError(
            f"{family.id} tells words that the agent does not have{told}: export the task that it was trained on"
        )


def load_checkpoint(folder: Path, kind: CheckpointKind = "last", *, trust_code: bool = False) -> Checkpoint:
    """The last or the best checkpoint of a run, to evaluate it.

    Raises:
        CheckpointError: if there is no whole one.
        UntrustedCodeError: if it names code that is needed, that nobody else names, and that is not trusted.
    """
    path = folder / CHECKPOINTS[kind]
    if kind == "best" and not path.exists():
        raise CheckpointError(
            f"{folder} keeps no best checkpoint: a run has one if it is evaluated while it trains, --evaluate-every, "
            "or its environments tell success. Evaluate the last one, --checkpoint last"
        )
    return Checkpoint.load(path, trust_code=trust_code, for_evaluation=True)


def run_families(folder: Path, config: TrainConfig, make_envs: EnvsMaker | None = None) -> tuple[EnvFamily, ...]:
    """What a run was trained on.

    Raises:
        ConfigurationError: if it was trained in environments of a user's own and nobody makes them.
    """
    if make_envs is not None:
        return (MadeFamily(config, make_envs, config.made_by or "make_envs"),)
    return families(config)
