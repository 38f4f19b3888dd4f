"""The tables of rows in benchmarks/README.md, written from the files of results.

    python benchmarks/row_tables.py [--check]

A table stands between the lines ``<!-- rows NAME.json -->`` (or ``<!-- rows NAME.json KEY KEY -->``, of these keys or
of those that begin with ``KEY`` where it ends in ``*``) and ``<!-- end of rows -->``; what is between is written anew.
``--check`` writes nothing and fails where a table is not what its file says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch import launch

from groundling.errors import GroundlingError
from groundling.files import write_text

README = Path(__file__).with_name("README.md")
RESULTS = Path(__file__).with_name("results")
TABLE = re.compile(r"(<!-- rows (\S+\.json)((?: \S+)*) -->\n).*?(<!-- end of rows -->)", re.DOTALL)
HEAD = "| row | result | floor | ceiling | seeds | frames | minutes | command |\n|---|---|---|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Options:
    """Write the tables.

    Attributes:
        check: write nothing, fail where a table is out of date.
    """

    check: bool = False


def main(options: Options) -> None:
    """Write the tables of the page, or compare them."""
    text = README.read_text()
    new = with_tables(text)
    if options.check and new != text:
        raise GroundlingError("benchmarks/README.md is not what benchmarks/results says: run benchmarks/row_tables.py")
    if not options.check:
        write_text(README, new)


def with_tables(text: str) -> str:
    """A page with its tables written anew."""

    def table(found: re.Match[str]) -> str:
        rows = json.loads((RESULTS / found[2]).read_text())["rows"]
        return f"{found[1]}{table_of(rows, found[3].split())}{found[4]}"

    return TABLE.sub(table, text)


def table_of(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> str:
    """A table of the rows of these keys, of all where none is named."""
    chosen = [row for row in rows if not keys or any(_fits(row["key"], key) for key in keys)]
    return HEAD + "".join(f"| {' | '.join(cells_of(row))} |\n" for row in chosen)


def cells_of(row: dict[str, Any]) -> list[str]:
    """The cells of a row."""
    interval = "" if row.get("low") is None else f" [{number(row['low'])}, {number(row['high'])}]"
    frames = "" if row.get("frames") is None else f"{row['frames']:,}"
    minutes = "" if row.get("minutes") is None else f"{row['minutes']:.1f}"
    seeds = "" if row.get("seeds") is None else str(row["seeds"])
    command = f"`{row['command']}`" if row.get("command") else ""
    return [
        row["row"],
        f"{number(row['mean'])}{interval}",
        number(row.get("floor")),
        number(row.get("ceiling")),
        seeds,
        frames,
        minutes,
        command,
    ]


def number(value: float | None) -> str:
    """Three decimals of what is small, thousands of what is large; nothing for None."""
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _fits(key: str, wanted: str) -> bool:
    return key.startswith(wanted[:-1]) if wanted.endswith("*") else key == wanted


if __name__ == "__main__":
    launch(main, Options, __doc__)
