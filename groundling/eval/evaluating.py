"""Evaluating a run for its user: the tables in the terminal, evaluation.json, the report and a video in its folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.families.banked import BankEpisodes
from groundling.eval.attention import CAPTION, LOOKED_AT, readings
from groundling.eval.breakdown import LEGEND
from groundling.eval.clips import VIDEO_EPISODES, save_clips
from groundling.eval.facts import run_facts
from groundling.eval.figures import SMOOTHING, learning_curve, png, reading_figure, task_curves
from groundling.eval.kept_results import EVALUATION_NAME, VIDEO_NAME
from groundling.eval.measures import measure_tables
from groundling.eval.progress import EvaluationProgress
from groundling.eval.report import REPORT_NAME, Picture, Video, write_report
from groundling.eval.runs import BLIND_NAME, CHECKPOINTS, CheckpointKind, evaluate_run, load_checkpoint
from groundling.eval.suite_report import SuiteReport
from groundling.eval.suites import SuiteRow
from groundling.training import resume_config
from groundling.training.logs import METRICS_NAME, TENSORBOARD_NAME, read_metrics
from groundling.training.run_folder import CONFIG_NAME, check_belong_together
from groundling.training.tasks import families


def report_run(
    folder: Path,
    *,
    suites: Sequence[str] = (),
    episodes: int = 1000,
    greedy: bool = False,
    seed: int = 0,
    allow_unseen_words: bool = False,
    by: Sequence[str] = (),
    video: bool = True,
    planner: str = "",
    checkpoint: CheckpointKind = "last",
    optimality: bool = False,
    console: Console | None = None,
) -> SuiteReport:
    """Evaluate a run, print the table, and write evaluation.json, report.html and a video into its folder.

    The video shows the first episodes of the first suite exactly as they were evaluated, whether they succeeded or not.
    Of a foreign simulator, whose episodes cannot be played again, there is none: ``groundling watch`` shows it. Tables
    of what the agent fails on are printed for each kind of ``by``. With a ``planner`` the agent looks ahead by it
    (``groundling.agents.planning``).

    What was found of other suites of the same checkpoint, with the same options, stays in evaluation.json.

    Raises:
        RunFolderError: if the folder is not one of a run, or its files are of two.
        CheckpointError: if its checkpoint is missing or damaged.
        ConfigurationError: if the task has no such breakdown.
        StorageError: if the folder cannot be written.
    """
    console = console or Console()
    config = resume_config(folder, for_evaluation=True)
    saved = load_checkpoint(folder, checkpoint)
    check_belong_together(config, saved, folder)
    which = "" if checkpoint == "last" else f", {checkpoint} checkpoint ({saved.frames:,} frames)"
    console.print(f"evaluating {folder}{which}", highlight=False, markup=False, soft_wrap=True)
    with EvaluationProgress() as progress:
        report = evaluate_run(
            folder,
            suites,
            episodes=episodes,
            greedy=greedy,
            seed=seed,
            allow_unseen_words=allow_unseen_words,
            by=by,
            progress=progress,
            keep_actions=VIDEO_EPISODES if video else 0,
            planner=planner,
            checkpoint=checkpoint,
            optimality=optimality,
        )
    try:
        report.save(folder)
    finally:  # where they cannot be written, they are at least read
        for table in [*report.tables(), *measure_tables(report.measures)]:
            console.print(table, markup=False)
    console.print(report.legend(), highlight=False, markup=False, soft_wrap=True)
    _print_failures(report, by, console)
    agent = saved.make_agent()
    curves = {"trained": read_metrics(folder)}
    if (folder / BLIND_NAME / METRICS_NAME).exists():
        curves["blind"] = read_metrics(folder / BLIND_NAME)
    caption = f"Learning curve: success and length of episodes in training, mean of {SMOOTHING} updates."
    pictures = [Picture(caption, png(learning_curve(curves))), *_attention(agent, report.rows)]
    if len(config.task_ids) > 1:
        caption = "Tasks: success of the episodes that ended in each update, and the share of those that began."
        pictures.append(Picture(caption, png(task_curves(curves["trained"]))))
    links = {
        "Evaluation (JSON)": EVALUATION_NAME,
        "Configuration": CONFIG_NAME,
        "Checkpoint": CHECKPOINTS[checkpoint],
        "TensorBoard logs": TENSORBOARD_NAME,
    }
    recorded = None
    if video:
        with EvaluationProgress() as progress:
            recorded = _record(folder / VIDEO_NAME, agent, report, console, progress)
    if recorded is not None:
        links["Video"] = VIDEO_NAME
    write_report(
        folder,
        report,
        facts=run_facts(saved, agent, families(config)),
        pictures=pictures,
        video=recorded,
        config=config.to_json(),
        links=links,
    )
    console.print(f"Report: {folder / REPORT_NAME}", highlight=False, markup=False, soft_wrap=True)
    return report


def report_elsewhere(
    folder: Path,
    task: str,
    *,
    simulator_python: str = "",
    suites: Sequence[str] = (),
    episodes: int = 1000,
    greedy: bool = False,
    seed: int = 0,
    allow_unseen_words: bool = False,
    by: Sequence[str] = (),
    console: Console | None = None,
) -> SuiteReport:
    """Evaluate a run's agent on another task, print the table, and write evaluation.json into a folder of that task's
    name in the run's.

    Raises:
        ConfigurationError: if the agent cannot act there.
        And as :func:`report_run`.
    """
    console = console or Console()
    console.print(f"evaluating {folder} on {task}", highlight=False, markup=False, soft_wrap=True)
    with EvaluationProgress() as progress:
        report = evaluate_run(
            folder,
            suites,
            episodes=episodes,
            greedy=greedy,
            seed=seed,
            allow_unseen_words=allow_unseen_words,
            by=by,
            progress=progress,
            task=task,
            simulator_python=simulator_python,
        )
    report.save(folder / "on" / slug_of(task))
    for table in [*report.tables(), *measure_tables(report.measures)]:
        console.print(table)
    console.print(report.legend(), highlight=False, soft_wrap=True)
    _print_failures(report, by, console)
    return report


def slug_of(task: str) -> str:
    """A task's id as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9]+", "_", task).strip("_")[-60:]


def _print_failures(report: SuiteReport, by: Sequence[str], console: Console) -> None:
    """Tables of what the agent fails on."""
    for kind in dict.fromkeys(by):
        for table in report.breakdown_tables(kind):
            console.print(table, markup=False)
    if by:
        console.print("\n".join(LEGEND), highlight=False, markup=False, soft_wrap=True)


def _attention(agent: ActorCritic, rows: Mapping[str, SuiteRow]) -> list[Picture]:
    """Figures of the attention in the first suite; none where the agent has no map of it."""
    for name, row in rows.items():
        found = readings(agent, row.episodes)
        count = min(LOOKED_AT, row.episodes.count)
        return [
            Picture(f"“{reading.instruction}”. {CAPTION.format(count=count, row=name)}", png(reading_figure(reading)))
            for reading in found
        ]
    return []


def _record(
    path: Path, agent: ActorCritic, report: SuiteReport, console: Console, progress: EvaluationProgress
) -> Video | None:
    """A video of the first episodes of the first suite whose episodes stand in a bank; None if there is no such suite.

    What became of each is printed.
    """
    for name, row in report.rows.items():
        if isinstance(row.episodes, BankEpisodes):
            actions = report.results[name]["trained"].first_actions
            clips = save_clips(path, agent, row.episodes, actions, progress=progress)
            title = f"The first {len(clips)} episodes of {name}" if len(clips) > 1 else f"The first episode of {name}"
            where = f"{title}, as the table counts them, are in {path.name}:"
            console.print(where, highlight=False, markup=False, soft_wrap=True)
            for clip in clips:
                console.print(f"  {clip.line}", highlight=False, markup=False, soft_wrap=True)
            return Video(f"{title}, as the table counts them", path.read_bytes(), tuple(clip.line for clip in clips))
    return None
