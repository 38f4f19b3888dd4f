"""What ``groundling evaluate`` wrote into the folder of a run, read back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundling.errors import RunFolderError
from groundling.eval.kept_results import EVALUATION_NAME
from groundling.eval.statistics import wilson_interval
from groundling.files import CHECKSUM, checksum_of
from groundling.training.run_folder import CONFIG_NAME


@dataclass(frozen=True)
class Score:
    """What an agent reached on a suite.

    Attributes:
        successes: how many episodes reached their goal.
        episodes: how many were played.
    """

    successes: int
    episodes: int

    @property
    def success(self) -> float:
        """Success rate."""
        return self.successes / self.episodes


@dataclass(frozen=True)
class RunResults:
    """The evaluation of one run, as its folder holds it.

    Attributes:
        folder: of the run, as it was named.
        task: id of the environment.
        greedy: whether the likeliest action was taken.
        episodes: asked for in each suite; some suites are parts of one and have fewer.
        seed: of the evaluation.
        held_out: what was held out in training, as the run's configuration tells; None if it does not.
        scores: ``scores[suite][agent]``.
    """

    folder: str
    task: str
    greedy: bool
    episodes: int
    seed: int
    held_out: Any
    scores: dict[str, dict[str, Score]]

    @property
    def agents(self) -> list[str]:
        """The agents of any suite."""
        return list(dict.fromkeys(agent for row in self.scores.values() for agent in row))


def read_results(folder: Path | str) -> RunResults:
    """What ``groundling evaluate`` wrote into a run folder.

    Raises:
        RunFolderError: if there is no such folder, no results in it, or a file that is damaged; the message names the
            command to run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"there is no run at {folder}: `groundling train --run-folder {folder}` makes one")
    again = f"`groundling evaluate {folder} --suite all`"
    path = folder / EVALUATION_NAME
    if not path.is_file():
        raise RunFolderError(f"{folder} holds no {EVALUATION_NAME}: run {again} first")
    content = _read_json(path, again)
    checksum = content.pop(CHECKSUM, None)  # older versions wrote none
    if checksum is not None and checksum != checksum_of(content):
        raise RunFolderError(f"{path} was changed or is damaged, its checksum does not match: run {again} again")
    config_path = folder / CONFIG_NAME
    config = _read_json(config_path, "`groundling train`") if config_path.is_file() else {}
    try:
        scores = {s: {agent: _score(e) for agent, e in row.items()} for s, row in content["suites"].items()}
        task, greedy = content["task"], bool(content["greedy"])
        episodes, seed = int(content["episodes"]), int(content["seed"])
        if not isinstance(task, str):
            raise TypeError(f"the task is {task!r}")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise RunFolderError(f"{path} is damaged, or of another version ({reason}): run {again} again") from error
    return RunResults(str(folder), task, greedy, episodes, seed, config.get("held_out"), scores)


def _read_json(path: Path, command: str) -> dict[str, Any]:
    """The object of a file."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} could not be read ({error}): run {command} again") from error
    if not isinstance(content, dict):
        raise RunFolderError(f"{path} holds no JSON object: run {command} again")
    return content


def _score(entry: dict[str, Any]) -> Score:
    """Counts of an entry."""
    episodes, successes = int(entry["episodes"]), int(entry["successes"])
    wilson_interval(successes, episodes)  # refuses impossible counts
    return Score(successes, episodes)
