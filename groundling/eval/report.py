"""The report of a run: one HTML file with the tables, a video, the learning curve and attention figures inside."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundling.eval.breakdown import LEGEND, MOST_ROWS
from groundling.eval.evaluation import Evaluation
from groundling.eval.kept_results import EVALUATION_NAME
from groundling.eval.measures import format_measure
from groundling.eval.suite_report import (
    AGENTS,
    EXPERT_COLUMN,
    STEPS_COLUMN,
    SuiteReport,
    format_success,
)
from groundling.files import write_text

REPORT_NAME = "report.html"

# On a phone a row of a table becomes a block, each cell with the name of its column before it.
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { overflow-wrap: anywhere; line-height: 1.2; }
table { border-collapse: collapse; margin: 1rem 0; display: block; max-width: 100%; overflow-x: auto; }
th, td { padding: .4rem .5rem; font-size: .9rem; border-bottom: 1px solid #ddd; text-align: left; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: #666; } dd { margin: 0; overflow-wrap: anywhere; }
img, video { max-width: 100%; height: auto; }
.figures { display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
figure { margin: 1rem 0; max-width: 36rem; }
figure.video { max-width: 60rem; }
figcaption, .note { color: #555; font-size: .9rem; }
pre { background: #f6f6f6; padding: 1rem; overflow: auto; font-size: .85rem; }
@media (max-width: 48rem) {
  h1 { font-size: 1.5rem; }
  table, tbody, tr, td { display: block; }
  tr.head { display: none; }
  tr { border-bottom: 2px solid #ccc; padding: .5rem 0; }
  td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .1rem 0; }
  td[data-name]::before { content: attr(data-name); color: #666; }
}
"""


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes:
        caption: below it.
        data: a PNG file.
    """

    caption: str
    data: bytes


@dataclass(frozen=True)
class Video:
    """The video of the report.

    Attributes:
        title: what it shows.
        data: an MP4 file.
        lines: one for each episode in it.
    """

    title: str
    data: bytes
    lines: tuple[str, ...]


def write_report(
    folder: Path,
    report: SuiteReport,
    *,
    facts: Mapping[str, str],
    pictures: Sequence[Picture],
    config: str,
    links: Mapping[str, str],
    video: Video | None = None,
) -> None:
    """Write ``report.html`` into a run's folder; it needs no other file.

    Args:
        folder: of the run.
        report: the evaluations.
        facts: what the run is, by name; the report shows them first.
        pictures: figures.
        config: the run's configuration as text; it is folded.
        links: files of the folder by what they are.
        video: of the first episodes.

    Raises:
        StorageError: if it cannot be written.
    """
    agents = "; ".join(f"<i>{agent}</i>: {AGENTS[agent]}" for agent in report.agents)
    left_out = "".join(f"<li>{suite}: {html.escape(why)}</li>" for suite, why in report.left_out.items())
    figures = "".join(
        f'<figure><img alt="{html.escape(picture.caption)}" src="{_inside("image/png", picture.data)}">'
        f"<figcaption>{html.escape(picture.caption)}</figcaption></figure>"
        for picture in pictures
    )
    files = "".join(f'<li><a href="{html.escape(name)}">{html.escape(what)}</a></li>' for what, name in links.items())
    how = "greedy actions" if report.greedy else "actions are sampled from the policy"
    told = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(fact)}</dd>" for name, fact in facts.items())
    write_text(
        folder / REPORT_NAME,
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Groundling: {html.escape(report.task)}</title>
<style>{_STYLE}</style></head><body>
<h1>{html.escape(report.task)}</h1>
<dl>{told}</dl>
<h2>Success by suite</h2>
{_suites(report)}
<p class="note">Success rate over distinct episodes in layouts that were not trained on, with 95 % Wilson intervals;
{how}. {agents}. {STEPS_COLUMN}. {EXPERT_COLUMN}.</p>
{f"<p>Skipped suites:</p><ul>{left_out}</ul>" if left_out else ""}
{_measures(report)}
{_video(video)}
{_failures(report)}
<h2>Figures</h2><div class="figures">{figures}</div>
<h2>Files</h2><ul>{files}</ul>
<details><summary>All settings</summary><pre>{html.escape(config)}</pre></details>
</body></html>
""",
    )


def _inside(kind: str, data: bytes) -> str:
    """A file as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> str:
    """A table of columns (name, explanation) and rows of HTML; the first cell of a row is its title."""
    head = "".join(
        f'<th title="{html.escape(what)}">{name}</th>' if what else f"<th>{name}</th>" for name, what in columns
    )
    body = "".join(
        "<tr>"
        + f"<td>{row[0]}</td>"
        + "".join(
            f'<td class="number" data-name="{html.escape(name)}">{cell}</td>'
            for (name, _), cell in zip(columns[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<table><tbody><tr class="head">{head}</tr>{body}</tbody></table>'


def _suites(report: SuiteReport) -> str:
    """The table of success by suite and agent."""
    controls = [agent for agent in report.agents if agent != "trained"]
    columns = [("suite", ""), ("episodes", ""), ("trained", AGENTS["trained"]), ("steps", STEPS_COLUMN)]
    columns += [("/expert", EXPERT_COLUMN), *((agent, AGENTS[agent]) for agent in controls)]
    rows = []
    for suite, row in report.results.items():
        trained = row["trained"]
        ratio = "-" if trained.steps_ratio is None else f"{trained.steps_ratio:.2f}"
        cells = [_control(row[agent]) if agent in row else "-" for agent in controls]
        name = f"<span><b>{html.escape(suite)}</b><br>{html.escape(report.describe(suite))}</span>"
        numbers = (str(trained.episodes), format_success(trained), f"{trained.mean_length:.1f}", ratio)
        rows.append((name, *numbers, *cells))
    return _table(columns, rows)


def _control(measured: Evaluation) -> str:
    told = format_success(measured)
    if measured.followed is not None:
        told += f" (does what it says: {measured.followed[0] / measured.followed[1]:.2f})"
    return told


def _measures(report: SuiteReport) -> str:
    """What families measure beside success, a table for each suite and kind of group."""
    parts = []
    for suite, tables in report.measures.items():
        for table in tables:
            columns = [(table.title, ""), ("episodes", ""), *table.columns.items()]
            rows = [
                (html.escape(name), str(episodes), *map(format_measure, values))
                for name, episodes, values in table.rows
            ]
            parts.append(f"<h3>{html.escape(suite)}, by {html.escape(table.title)}</h3>{_table(columns, rows)}")
    return f"<h2>Measures of the trained agent</h2>{''.join(parts)}" if parts else ""


def _video(video: Video | None) -> str:
    if video is None:
        return ""
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in video.lines)
    return (
        f'<h2>Video</h2><figure class="video"><video controls muted playsinline preload="auto" '
        f'src="{_inside("video/mp4", video.data)}"></video>'
        f"<figcaption>{html.escape(video.title)}:<ul>{lines}</ul></figcaption></figure>"
    )


def _failures(report: SuiteReport) -> str:
    """What the trained agent fails on, a table for each task and kind of breakdown that tells things apart."""
    tables = []
    for kind in report.by:
        for task, rows in report.failures(kind).items():
            if len({group.name for _, group in rows}) < 2:
                continue
            has_suites = len({suite for suite, _ in rows}) > 1
            columns = [(kind, ""), *[("suite", "")] * has_suites, ("episodes", ""), ("trained", "")]
            columns += [("timeout", LEGEND[0]), ("failed", LEGEND[1])]
            cells = [
                (
                    html.escape(group.name),
                    *[html.escape(suite)] * has_suites,
                    str(group.episodes),
                    format_success(group),
                    f"{group.late:.2f}",
                    f"{group.wrong:.2f}",
                )
                for suite, group in rows[:MOST_ROWS]
            ]
            more = f"<p>{len(rows) - MOST_ROWS} more rows are in {EVALUATION_NAME}.</p>" * (len(rows) > MOST_ROWS)
            of_task = f", of {html.escape(task)}" if task else ""
            tables.append(f"<h3>By {kind}{of_task}</h3>{_table(columns, cells)}{more}")
    return f'<h2>What fails</h2>{"".join(tables)}<p class="note">{"; ".join(LEGEND)}.</p>' if tables else ""
