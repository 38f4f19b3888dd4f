"""An examination: every check asked once, and what they found as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from groundling.errors import ConfigurationError, RunFolderError
from groundling.eval.doctor import CHECKS
from groundling.eval.doctor.finding import WORST_FIRST, Check, Finding, State, not_applicable, title_of
from groundling.eval.doctor.record import RunRecord
from groundling.training.run_folder import CONFIG_NAME

COLORS: Final = {State.GREEN: "green", State.YELLOW: "yellow", State.RED: "red", State.NONE: "dim"}


@dataclass(frozen=True)
class Examination:
    """What checks found in a run.

    Attributes:
        run: its folder as text.
        algorithm: its title.
        frames: that it had been trained on.
        total: frames of the whole run.
        findings: of each check, by its name.
        titles: what each check asks.
    """

    run: str
    algorithm: str
    frames: int
    total: int
    findings: Mapping[str, Finding]
    titles: Mapping[str, str]

    @property
    def summary(self) -> str:
        """For example "1 red, 2 yellow, 9 green, 2 not applicable"."""
        states = [finding.state for finding in self.findings.values()]
        return ", ".join(f"{states.count(state)} {state.value}" for state in WORST_FIRST if state in states)

    @property
    def worst_first(self) -> list[tuple[str, Finding]]:
        """The findings, what is wrong before what is right."""
        return sorted(self.findings.items(), key=lambda item: WORST_FIRST.index(item[1].state))

    def table(self) -> Table:
        """The findings for the terminal, what is wrong first."""
        table = Table(
            title=f"{self.run}: {self.algorithm}, {self.frames:,} of {self.total:,} frames: {self.summary}",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            title_justify="left",
        )
        table.add_column("check", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("what was seen, and what to try", overflow="fold")
        for name, finding in self.worst_first:
            told = Text(finding.seen)
            if finding.advice:
                told.append(f"\nTry: {finding.advice}", style="italic")
            table.add_row(name.rpartition(":")[2], Text(finding.state.value, style=COLORS[finding.state]), told)
        return table


def find_checks(names: Sequence[str] = ()) -> dict[str, Check]:
    """The checks of these names, or all that are registered.

    Raises:
        ConfigurationError: if there is no such check, or what is named is no function.
        ExtensionError: if one's own code cannot be imported.
    """
    found = {name: CHECKS.find(name) for name in names or CHECKS.names()}
    for name, check in found.items():
        if not callable(check):
            raise ConfigurationError(f"{name} is a {type(check).__name__}: a check is a function of a run")
    return found


def examine(
    folder: Path | str,
    names: Sequence[str] = (),
    *,
    episodes: int = 200,
    seed: int = 0,
    logs_only: bool = False,
    known: Mapping[str, Finding] | None = None,
    on_begin: Callable[[str], None] | None = None,
) -> Examination:
    """Ask checks about a run.

    Args:
        folder: of the run.
        names: of the checks; all that are registered if none is named.
        episodes: that each kind of agent plays where a check asks for it.
        seed: names episodes and draws.
        logs_only: leave out checks that play episodes or train.
        known: findings that are not asked for again.
        on_begin: told the name of each check before it is asked.

    Raises:
        RunFolderError: if there is no run.
        ConfigurationError: if there is no such check, a named one plays and only the log is to be read, a check returns
            no finding, or episodes is less than 1.
        CheckpointError: if the checkpoint is damaged.
    """
    if episodes < 1:
        raise ConfigurationError(f"episodes must be at least 1, got {episodes}")
    folder = Path(folder)
    if not (folder / CONFIG_NAME).is_file():
        raise RunFolderError(
            f"there is no run at {folder}: {CONFIG_NAME} is missing. The doctor looks at the folder that `groundling "
            "train --run-folder` wrote"
        )
    checks = find_checks(names)
    if logs_only:
        reading = {name: check for name, check in checks.items() if getattr(check, "only_reads_logs", False)}
        if names and len(reading) < len(checks):
            playing = ", ".join(name for name in checks if name not in reading)
            raise ConfigurationError(
                f"the log alone is to be read, and what was asked for plays episodes or trains ({playing}): leave out "
                "--logs-only, or these names behind --check"
            )
        checks = reading
    record = RunRecord.of_folder(folder, episodes=episodes, seed=seed)
    return examination_of(record, checks, str(folder), known or {}, on_begin)


def examination_of(
    record: RunRecord,
    checks: Mapping[str, Check],
    name: str,
    known: Mapping[str, Finding] | None = None,
    on_begin: Callable[[str], None] | None = None,
) -> Examination:
    """Ask checks about a record; arguments and errors as :func:`examine`'s."""
    findings = {}
    for check_name, check in checks.items():
        if known and check_name in known:
            findings[check_name] = known[check_name]
            continue
        if on_begin is not None:
            on_begin(check_name)
        finding = check(record) if record.metrics or record.probes else not_applicable("no update was logged yet")
        if not isinstance(finding, Finding):
            raise ConfigurationError(
                f"the check {check_name} returned a {type(finding).__name__}: it is to return a Finding"
            )
        findings[check_name] = finding
    return Examination(
        run=name,
        algorithm=record.algorithm,
        frames=record.frames,
        total=record.config.num_updates * record.config.rollout_frames,
        findings=findings,
        titles={check_name: title_of(check) for check_name, check in checks.items()},
    )
