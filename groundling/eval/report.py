"""The report of a run: one HTML file with the table, the learning curve and the attention figure inside."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from groundling.eval.breakdown import LEGEND, MOST_ROWS
from groundling.eval.suite_report import AGENTS, EVALUATION_NAME, SuiteReport, format_success
from groundling.files import write_text

REPORT_NAME = "report.html"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .4rem .9rem; border-bottom: 1px solid #ddd; text-align: left; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 76rem) { td.number { white-space: normal; } }
@media (max-width: 48rem) { table { display: block; overflow-x: auto; } th, td { padding: .3rem .4rem; } }
img { max-width: 100%; }
pre { background: #f6f6f6; padding: 1rem; overflow: auto; font-size: .85rem; }
figcaption { color: #666; font-size: .9rem; }
"""


def write_report(
    folder: Path,
    report: SuiteReport,
    *,
    figures: dict[str, bytes],
    config: str,
    summary: str,
    links: dict[str, str],
) -> None:
    """Write ``report.html`` into a run's folder; it needs no other file.

    Args:
        folder: of the run.
        report: the evaluations.
        figures: PNG files by their captions.
        config: the run's configuration as text.
        summary: a sentence on the run.
        links: files of the folder by what they are.

    Raises:
        StorageError: if it cannot be written.
    """
    head = "".join(f'<th title="{html.escape(AGENTS[agent])}">{agent}</th>' for agent in report.agents)
    rows = "".join(
        f"<tr><td><b>{suite}</b><br>{report.describe(suite)}</td><td>{next(iter(row.values())).episodes}</td>"
        + "".join(f'<td class="number">{format_success(row[a]) if a in row else "-"}</td>' for a in report.agents)
        + f'<td class="number">{row["trained"].mean_length:.1f}</td></tr>'
        for suite, row in report.results.items()
    )
    agents = "; ".join(f"<i>{agent}</i>: {AGENTS[agent]}" for agent in report.agents)
    left_out = "".join(f"<li>{suite}: {html.escape(why)}</li>" for suite, why in report.left_out.items())
    pictures = "".join(
        f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, data in figures.items()
    )
    files = "".join(f'<li><a href="{html.escape(name)}">{html.escape(what)}</a></li>' for what, name in links.items())
    how = "the likeliest action is taken" if report.greedy else "actions are drawn from the policy"
    write_text(
        folder / REPORT_NAME,
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Groundling: {html.escape(report.task)}</title>
<style>{_STYLE}</style></head><body>
<h1>{html.escape(report.task)}</h1>
<p>{html.escape(summary)}</p>
<h2>Success by suite</h2>
<table><tr><th>suite</th><th>episodes</th>{head}<th>steps</th></tr>{rows}</table>
<p>Success rate over distinct episodes in layouts that were not trained on, with 95 % Wilson intervals; {how}.
{agents}.</p>
{f"<p>Left out:</p><ul>{left_out}</ul>" if left_out else ""}
{_failures(report)}
{pictures}
<h2>Files</h2><ul>{files}</ul>
<h2>Configuration</h2><pre>{html.escape(config)}</pre>
</body></html>
""",
    )


def _failures(report: SuiteReport) -> str:
    """What the trained agent fails on, a table for each task and kind of breakdown that tells things apart."""
    tables = []
    for kind in report.by:
        for task, rows in report.failures(kind).items():
            if len({group.name for _, group in rows}) < 2:
                continue
            cells = "".join(
                f"<tr><td>{suite}</td><td>{html.escape(group.name)}</td><td>{group.episodes}</td>"
                f'<td class="number">{format_success(group)}</td>'
                f'<td class="number">{group.late:.2f}</td><td class="number">{group.wrong:.2f}</td></tr>'
                for suite, group in rows[:MOST_ROWS]
            )
            more = f"<p>{len(rows) - MOST_ROWS} more rows are in {EVALUATION_NAME}.</p>" * (len(rows) > MOST_ROWS)
            tables.append(
                f"<h3>By {kind}{f', of {html.escape(task)}' if task else ''}</h3><table><tr><th>suite</th>"
                f"<th>{kind}</th><th>episodes</th><th>trained</th><th>late</th><th>wrong</th></tr>{cells}</table>{more}"
            )
    return f"<h2>What fails</h2>{''.join(tables)}<p>{'; '.join(LEGEND)}.</p>" if tables else ""
