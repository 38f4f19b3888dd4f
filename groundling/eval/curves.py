"""Training curves of several runs: the mean over seeds with its interval, at the same numbers of frames."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.errors import ConfigurationError, RunFolderError
from groundling.eval.statistics import mean_interval
from groundling.training.logs import METRICS_NAME, read_metrics
from groundling.training.run_folder import CONFIG_NAME

POINTS: Final = 200
SMOOTHING: Final = 1
DEFAULT_METRICS: Final = ("success", "evaluation_success", "return")
RATES: Final = ("success", "accuracy", "share")  # what lies between 0 and 1


@dataclass(frozen=True)
class Curve:
    """A metric of a group of runs.

    Attributes:
        name: of the group.
        runs: R, how many there are.
        frames: [P] that were trained on, rising.
        mean: [P] over the runs.
        low: [P] lower end of the 95 % t interval of the mean over runs; the mean itself where there is one run.
        high: [P] upper end.
        limits: lowest and highest value of any run, between which an axis can show the curve; intervals of few runs may
            be far wider.
    """

    name: str
    runs: int
    frames: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    limits: tuple[float, float]

    @property
    def has_interval(self) -> bool:
        """Whether the runs differ at the end, so that there is an interval to tell."""
        return bool(self.high[-1] > self.low[-1])


def find_groups(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """The runs of several folders by group.

    A folder that ``groundling train --seeds`` made is a group of its own. Single runs are a group where their
    configurations differ in nothing but the seed.

    Returns:
        folders of runs by the name of their group, in the order in which they were named.

    Raises:
        RunFolderError: if a folder holds neither a run nor runs of several seeds, or is damaged.
        ConfigurationError: if no folder is given, or one twice.
    """
    if not folders:
        raise ConfigurationError("name at least one run: groundling plot RUN")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigurationError("a run is named twice: name different ones")
    names = _short_names(folders)
    groups: dict[str, list[Path]] = {}
    alike: dict[str, list[Path]] = {}
    order: list[tuple[str, list[Path]]] = []
    for folder in folders:
        inner = seeds_in(folder)
        if (folder / METRICS_NAME).is_file():
            told = _without_seed(folder)
            if told not in alike:
                alike[told] = []
                order.append((names[folder], alike[told]))
            alike[told].append(folder)
        elif inner:
            order.append((names[folder], inner))
        elif folder.is_dir():
            raise RunFolderError(f"{folder} holds no {METRICS_NAME} and no seed1, seed2 ...: it is no training run")
        else:
            raise RunFolderError(f"there is no run at {folder}: `groundling train --run-folder {folder}` makes one")
    for name, runs in order:
        several = re.sub(r"[-_/]?seed\d+$", "", name) or runs[0].resolve().parent.name
        groups[several if len(runs) > 1 else name] = runs
    if len(groups) < len(order):  # names that differed in their seed only
        return dict(order)
    return groups


def seeds_in(folder: Path) -> list[Path]:
    """The runs that ``groundling train --seeds`` left in a folder, by seed."""
    found = [place for place in folder.glob("seed*") if re.fullmatch(r"seed\d+", place.name)]
    return sorted((place for place in found if (place / METRICS_NAME).is_file()), key=lambda place: int(place.name[4:]))


def group_curve(name: str, folders: Sequence[Path], metric: str, *, smoothing: int = SMOOTHING) -> Curve | None:
    """A metric of a group of runs, on frames that all of them reached.

    Each run's values are averaged over so many updates, then interpolated, then the runs are averaged.

    Args:
        name: of the group.
        folders: of its runs, at least one.
        metric: name in metrics.jsonl.
        smoothing: updates that a point averages, at least 1; evaluations are never averaged.

    Returns:
        None if a run has no value of the metric, or the runs have no frames in common.

    Raises:
        ConfigurationError: if ``smoothing`` is less than 1.
        RunFolderError: if a run has no metrics.
    """
    if smoothing < 1:
        raise ConfigurationError(f"smoothing must be at least 1, got {smoothing}")
    width = 1 if metric.startswith("evaluation_") else smoothing  # an evaluation is a mean of many episodes already
    lines = [_smooth(_points(read_metrics(folder), metric), width) for folder in folders]
    if any(len(frames) == 0 for frames, _ in lines):
        return None
    first, last = max(frames[0] for frames, _ in lines), min(frames[-1] for frames, _ in lines)
    if first > last:
        return None
    grid = np.linspace(first, last, POINTS if last > first else 1)
    values = np.array([np.interp(grid, frames, own) for frames, own in lines])
    mean = values.mean(axis=0)
    low, high = mean_interval(values) if len(values) > 1 else (mean, mean)
    if is_rate(metric):
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return Curve(name, len(values), grid, mean, low, high, (float(values.min()), float(values.max())))


def axis_limits(metric: str, curves: Sequence[Curve]) -> tuple[float, float]:
    """Lowest and highest value of the axis that shows these curves, at least one."""
    if is_rate(metric):
        return 0.0, 1.0
    low, high = min(curve.limits[0] for curve in curves), max(curve.limits[1] for curve in curves)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def curves_of(
    groups: Mapping[str, Sequence[Path]], metrics: Iterable[str], *, smoothing: int = SMOOTHING
) -> dict[str, list[Curve]]:
    """Curves by metric, one for each group that has the metric.

    Raises:
        ConfigurationError: if no run has a metric; the message names the nearest one.
        RunFolderError: if a run has no metrics.
    """
    known = _metrics_of(groups)
    found = {}
    for metric in metrics:
        if metric not in known:
            close = difflib.get_close_matches(metric, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"they have {', '.join(known) or 'none yet'}"
            raise ConfigurationError(f"no run has a metric {metric!r}; {hint}")
        curves = [group_curve(name, folders, metric, smoothing=smoothing) for name, folders in groups.items()]
        found[metric] = [curve for curve in curves if curve is not None]
    return found


def default_metrics(groups: Mapping[str, Sequence[Path]]) -> tuple[str, ...]:
    """Those of :data:`DEFAULT_METRICS` that a run has; success if none has any of them.

    Raises:
        RunFolderError: if a run has no metrics.
    """
    known = _metrics_of(groups)
    return tuple(metric for metric in DEFAULT_METRICS if metric in known) or DEFAULT_METRICS[:1]


def is_rate(metric: str) -> bool:
    """Whether a metric lies between 0 and 1."""
    return any(part in RATES for part in metric.removeprefix("evaluation_").split("/"))


def _metrics_of(groups: Mapping[str, Sequence[Path]]) -> dict[str, None]:
    """The metrics that any run has, in the order of their first lines."""
    rows = (row for folders in groups.values() for folder in folders for row in read_metrics(folder))
    return dict.fromkeys(key for row in rows for key in row if key != "frames")


def _points(rows: Sequence[Mapping[str, Any]], metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = [(row["frames"], row[metric]) for row in rows if metric in row]
    frames, values = np.array(points, dtype=np.float64).reshape(-1, 2).T
    return frames, values


def _smooth(
    points: tuple[NDArray[np.float64], NDArray[np.float64]], smoothing: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each value the mean of the last ones, at the frames of the newest of them."""
    frames, values = points
    if len(values) == 0:
        return frames, values
    width = min(smoothing, len(values))
    return frames[width - 1 :], np.convolve(values, np.ones(width) / width, mode="valid")


def _without_seed(folder: Path) -> str:
    """A run's configuration but for its seed, as text; the folder's name where it has none."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return str(folder.resolve())
    try:
        config = json.loads(path.read_text())
        config.pop("seed", None)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise RunFolderError(f"{path} could not be read ({error}): the run is damaged") from error
    return json.dumps(config, sort_keys=True)


def _short_names(folders: Sequence[Path]) -> dict[Path, str]:
    """As much of the end of each path as tells them apart."""
    parts = {folder: folder.resolve().parts for folder in folders}
    for length in range(1, max(map(len, parts.values())) + 1):
        names = {folder: "/".join(own[-length:]) for folder, own in parts.items()}
        if len(set(names.values())) == len(names):
            return names
    return {folder: str(folder) for folder in folders}
