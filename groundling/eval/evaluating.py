"""Evaluating a run for its user: the tables in the terminal, evaluation.json, the report and a video in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.encoders.base import TextEncoder
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.envs.families.banked import BankEpisodes, BankFamily, watched_episode
from groundling.eval.breakdown import LEGEND
from groundling.eval.figures import attention_figure, learning_curve, png, task_curves, telling_view, views_figure
from groundling.eval.recording import save_video
from groundling.eval.report import REPORT_NAME, write_report
from groundling.eval.runs import BLIND_NAME, evaluate_run
from groundling.eval.suite_report import EVALUATION_NAME, SuiteReport
from groundling.eval.watching import watch
from groundling.seeding import integer
from groundling.training import Checkpoint, TrainConfig, resume_config
from groundling.training.algorithms import ALGORITHMS
from groundling.training.checkpoint import CHECKPOINT_NAME
from groundling.training.logs import METRICS_NAME, TENSORBOARD_NAME, read_metrics
from groundling.training.loop import CONFIG_NAME
from groundling.training.tasks import evaluation_options, families

VIDEO_NAME = "episode.mp4"
VIDEO_TRIES = 20  # episodes looked through for one that succeeds and is worth seeing
VIDEO_STEPS = 6  # a video of fewer steps shows little


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
    console: Console | None = None,
) -> SuiteReport:
    """Evaluate a run, print the table, and write evaluation.json, report.html and a video into its folder.

    Of a foreign simulator, whose episodes stand in no bank, there is no video and no figure of the attention. Tables
    of what the agent fails on are printed for each kind of ``by``.

    Raises:
        RunFolderError: if the folder is not one of a run.
        CheckpointError: if its checkpoint is missing or damaged.
        ConfigurationError: if the task has no such breakdown.
        StorageError: if the folder cannot be written.
    """
    console = console or Console()
    config = resume_config(folder)
    report = evaluate_run(
        folder, suites, episodes=episodes, greedy=greedy, seed=seed, allow_unseen_words=allow_unseen_words, by=by
    )
    report.save(folder)
    for table in report.tables():
        console.print(table)
    console.print(report.legend(), highlight=False, soft_wrap=True)
    _print_failures(report, by, console)
    checkpoint = Checkpoint.load(folder / CHECKPOINT_NAME)
    agent = checkpoint.make_agent()
    curves = {"trained": read_metrics(folder)}
    if (folder / BLIND_NAME / METRICS_NAME).exists():
        curves["blind"] = read_metrics(folder / BLIND_NAME)
    figures = {
        "Learning curve: success and length of the episodes that ended in each update.": png(learning_curve(curves))
    }
    links = {
        "Evaluation (JSON)": EVALUATION_NAME,
        "Configuration": CONFIG_NAME,
        "Checkpoint": CHECKPOINT_NAME,
        "TensorBoard logs": TENSORBOARD_NAME,
    }
    others = config.task_ids[1:]  # of several tasks the first one has the attention figure and the video
    family = families(config)[0]
    world = evaluation_options(config, families(config))
    if isinstance(family, BankFamily):
        known = family.episodes("layout", config.held_out, episodes, seed, world)
        figures |= _attention(config, agent, known)
        if video:
            _write_video(folder / VIDEO_NAME, agent, known, greedy=greedy, seed=seed)
            links["Video of an episode"] = VIDEO_NAME
    if others:
        caption = "Tasks: success of the episodes that ended in each update, and the share of those that began."
        figures[caption] = png(task_curves(curves["trained"]))
    write_report(
        folder,
        report,
        figures=figures,
        config=config.to_json(),
        summary=f"{config.agent.fusion} fusion, trained with {ALGORITHMS.find(config.algorithm).title} on "
        f"{checkpoint.frames:,} frames (seed {config.seed})"
        + (f" of {len(config.task_ids)} tasks, curriculum {config.curriculum.kind}." if others else "."),
        links=links,
    )
    console.print(f"Report: {folder / REPORT_NAME}", highlight=False, soft_wrap=True)
    return report


def _print_failures(report: SuiteReport, by: Sequence[str], console: Console) -> None:
    """Tables of what the agent fails on."""
    for kind in dict.fromkeys(by):
        for table in report.breakdown_tables(kind):
            console.print(table)
    if by:
        console.print("\n".join(LEGEND), highlight=False, soft_wrap=True)


def _attention(config: TrainConfig, agent: ActorCritic, episodes: BankEpisodes) -> dict[str, bytes]:
    """A figure of what the words let through, by its caption."""
    bank = episodes.bank
    if not isinstance(agent.encoder, TextEncoder):
        return {}
    if not isinstance(agent.encoder, SymbolicEncoder):
        caption = "Attention: first views under their instructions; what the words let through is bright."
        return {caption: png(views_figure(agent, bank, episodes.embodiment))}
    row, sentences = telling_view(bank)
    caption = (
        "Attention: one first view under its own and other instructions. Bright cells are those whose features the "
        "instruction lets through; the agent stands at the bottom middle and looks up."
    )
    return {caption: png(attention_figure(agent, bank, row, sentences))}


def _write_video(path: Path, agent: ActorCritic, episodes: BankEpisodes, *, greedy: bool, seed: int) -> None:
    """A video of an episode, one that succeeds and is worth seeing if a few tries find one."""
    for candidate in range(min(VIDEO_TRIES, episodes.count)):
        envs = watched_episode(episodes, candidate)
        watched = watch(agent, envs, greedy=greedy, seed=integer(seed, "video"))
        envs.close()
        if watched.success and len(watched.moments) > VIDEO_STEPS:
            break
    save_video(watched.frames(), path)
