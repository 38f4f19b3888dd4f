"""Exports of houses for Habitat: how fast they are written.

    python benchmarks/habitat.py [--houses 50] [--rows export_houses_per_second]
        [--output benchmarks/results/habitat.json]

Row ``export_houses_per_second``: scenes of groundling/FurnishedHouseGoTo-v0 written a second, one process, templates,
meshes and JSON files included; the bank of episodes is built before. Median of several exports, each into a new
folder, after one that is not counted; the interval is the lowest and the highest. In its file, ``episodes_per_second``
tells the same of the episodes of each format, with their shortest paths.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from launch import launch
from runs import keep_rows

from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.sources import find_source
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.families.habitat import layout
from groundling.envs.families.habitat.episodes.files import write_episodes
from groundling.envs.families.habitat.export.exporting import export_houses

TASK = "groundling/FurnishedHouseGoTo-v0"


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        houses: in an export.
        repeats: exports.
        rows: which rows are measured; empty takes all.
        output: file of the rows; those of other keys that it holds are kept.
    """

    houses: int = 50
    repeats: int = 5
    rows: tuple[str, ...] = ()
    output: Path | None = None


def main(options: Options) -> None:
    """Measure the rows that are asked for."""
    rows = [measure(options) for key, measure in ROWS.items() if not options.rows or key in options.rows]
    for row in rows:
        print(f"{row['key']}: {row['mean']:.3g} [{row['low']:.3g}, {row['high']:.3g}]")
    keep_rows(rows, options.output)


def export_houses_per_second(options: Options) -> dict[str, Any]:
    """See the module's docstring."""
    source = find_source(TASK)
    bank = build_bank(source, options.houses, split="train", progress=False)
    lexicon = source.embodiment.lexicon
    began, rates, episodes = time.perf_counter(), [], {}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(options.repeats + 1):
            start = time.perf_counter()
            export = export_houses(bank, lexicon, Path(folder) / f"export{repeat}", task=TASK, split="train")
            rates.append(options.houses / (time.perf_counter() - start))
        for name in layout.FORMATS:
            start = time.perf_counter()
            count, _ = write_episodes(export.folder, export.houses, kinds_of(lexicon), name, "train")
            episodes[name] = round(count / (time.perf_counter() - start), 2)
    return {
        "key": "export_houses_per_second",
        "row": "scenes for Habitat written a second",
        "mean": median(rates[1:]),
        "low": min(rates[1:]),
        "high": max(rates[1:]),
        "seeds": options.repeats,
        "frames": 0,
        "minutes": (time.perf_counter() - began) / 60,
        "floor": None,
        "ceiling": None,
        "houses": options.houses,
        "episodes_per_second": episodes,
        "command": f"python benchmarks/habitat.py --rows export_houses_per_second --houses {options.houses}",
    }


ROWS: dict[str, Callable[[Options], dict[str, Any]]] = {"export_houses_per_second": export_houses_per_second}


if __name__ == "__main__":
    launch(main, Options, __doc__)
