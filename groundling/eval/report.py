"""The report of a run: one HTML file with the table, the learning curve and the attention figure inside."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from groundling.eval.generalization import DESCRIPTIONS, GeneralizationReport, format_success
from groundling.files import write_text

REPORT_NAME = "report.html"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .4rem .9rem; border-bottom: 1px solid #ddd; text-align: left; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
img { max-width: 100%; }
pre { background: #f6f6f6; padding: 1rem; overflow: auto; font-size: .85rem; }
figcaption { color: #666; font-size: .9rem; }
"""


def write_report(
    folder: Path,
    report: GeneralizationReport,
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
    splits = list(next(iter(report.results.values())))
    head = "".join(f"<th>{split}</th>" for split in splits)
    rows = "".join(
        f"<tr><td><b>{agent}</b></td>"
        + "".join(f'<td class="number">{format_success(results[split])}</td>' for split in splits)
        + f"<td>{DESCRIPTIONS[agent]}</td></tr>"
        for agent, results in report.results.items()
    )
    episodes = next(iter(next(iter(report.results.values())).values())).episodes
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
<html lang="en"><head><meta charset="utf-8"><title>Groundling: {html.escape(report.task)}</title>
<style>{_STYLE}</style></head><body>
<h1>{html.escape(report.task)}</h1>
<p>{html.escape(summary)}</p>
<h2>Success on seen and unseen combinations</h2>
<table><tr><th>agent</th>{head}<th>what it is</th></tr>{rows}</table>
<p>Success rate over {episodes} distinct episodes in layouts that were not trained on, with 95 % Wilson intervals;
{how}. <i>Seen</i>: instructions name color-type combinations that training instructions named.
<i>Unseen</i>: they name one of the four combinations that no training instruction named.</p>
{pictures}
<h2>Files</h2><ul>{files}</ul>
<h2>Configuration</h2><pre>{html.escape(config)}</pre>
</body></html>
""",
    )
