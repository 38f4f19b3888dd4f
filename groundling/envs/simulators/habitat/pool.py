"""A pool of workers, each with one habitat-sim: calls by environment, deaths mended, nothing orphaned."""

from __future__ import annotations

import os
import sys
import time
import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from groundling.envs.simulators.errors import (
    EngineCrashError,
    EngineError,
    EngineHangError,
    EngineRestartError,
    MissingSimulatorError,
)
from groundling.envs.simulators.foreign import host
from groundling.envs.simulators.foreign.process import CLOSE_S, HostProcess
from groundling.envs.simulators.habitat import habitat_worker
from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.envs.simulators.habitat.habitat_worker.settings import Placement, SimulatorSettings, plain

START_S: Final = 180.0  # an import of 1 to 2 s on a quiet machine
ANSWER_S: Final = 120.0
RESTART_S: Final = 60.0
DEATHS: Final = 3  # of one worker within RESTART_S, after which it is not started again
HOW_TO_GET: Final = (
    "habitat-sim is not on PyPI: install it with conda into an environment of its own (see docs/habitat.md) and name "
    "that interpreter by --simulator-python PYTHON"
)
# The folder of the package is found by its parent's place, which nothing else of ours is imported from
PROGRAM: Final = "import sys; sys.path.append(sys.argv.pop(1)); from habitat_worker.program import main; main()"

Call = tuple[Any, ...]


class SceneError(EngineError):
    """A scene, an episode or a call cannot work; the message names what is missing and where."""


class _Worker(HostProcess):
    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(name, command, environment)
        self.deaths: list[float] = []


class HabitatPool:
    """B simulators, one in each of B worker processes, which work at the same time.

    Args:
        settings: what each is made with.
        count: B.
        python: the interpreter of the workers; it needs NumPy and habitat-sim. None takes this one.
        max_scenes: scenes that a simulator loads before it is made anew.
        answer_s: after which a worker counts as hanging.

    Attributes:
        version: of habitat-sim there.
        restarts: how often a worker was started again.

    Raises:
        MissingSimulatorError: if the interpreter has no habitat-sim; the message says how to get it.
        EngineError: if a simulator cannot be made.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        count: int,
        *,
        python: str | None = None,
        max_scenes: int = facts.MAX_SCENES,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.count = count
        self.restarts = 0
        self._settings, self._max_scenes = settings, max_scenes
        self._python, self._answer_s = python or sys.executable, answer_s
        self._workers: list[_Worker] = []
        self._finalizer = weakref.finalize(self, _end, self._workers)
        try:
            for _ in range(count):
                self._workers.append(self._start())
            versions = [self._made(worker) for worker in self._workers]
        except BaseException:
            self._finalizer()
            raise
        self.version = versions[0]
        if self.version != facts.TESTED_VERSION:
            warnings.warn(
                f"this is habitat-sim {self.version}; what is taken for granted of it was tested with "
                f"{facts.TESTED_VERSION}",
                stacklevel=2,
            )

    def do(self, calls: Mapping[int, Sequence[Call]]) -> tuple[dict[int, list[Any]], dict[int, EngineError]]:
        """Make calls in some of the simulators, in each in their order.

        Args:
            calls: (name, arguments) of ``Simulation``'s methods, by the number of the simulator.

        Returns:
            their results, and why those workers died that did; they are started again, with no scene loaded.

        Raises:
            SceneError: if a call was refused or failed.
            EngineRestartError: if a worker died several times within a minute.
        """
        asked: list[int] = []
        found: dict[int, list[Any]] = {}
        died: dict[int, EngineError] = {}
        for number, own in calls.items():
            try:
                self._workers[number].send(("do", [_plain(call) for call in own]))
                asked.append(number)
            except EngineCrashError as error:
                died[number] = error
        refused: EngineError | None = None
        for number in asked:
            try:
                kind, value = self._workers[number].reply(self._answer_s)
            except (EngineCrashError, EngineHangError) as error:
                died[number] = error
                continue
            if kind == "ok":
                found[number] = value
            else:
                refused = refused or _refusal(value)
        for number, why in died.items():
            self._restart(number, why)
        if refused is not None:
            raise refused
        return found, died

    def processes(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.process.pid for worker in self._workers]

    def close(self) -> None:
        """End the simulators and their processes."""
        for worker in self._workers:
            try:
                worker.send(("close",))
                worker.reply(CLOSE_S)
            except EngineError:
                continue
        self._finalizer()

    def _start(self) -> _Worker:
        folder = str(Path(habitat_worker.__file__).parents[1])
        environment = {**os.environ, **facts.QUIET}
        if self._python != sys.executable:
            environment["PYTHONPATH"] = os.pathsep.join(_places_of_habitat(environment.get("PYTHONPATH", "")))
        worker = _Worker(
            "habitat-sim", [self._python, "-c", PROGRAM, folder, str(Path(host.__file__).parent)], environment
        )
        worker.send(("make", _without_numpy(plain(self._settings)), self._max_scenes))
        return worker

    def _made(self, worker: _Worker) -> str:
        kind, value = worker.reply(START_S)
        if kind == "ok":
            return str(value)
        name, where, _ = value
        if name in ("ModuleNotFoundError", "ImportError"):
            raise MissingSimulatorError(f"{self._python} cannot import habitat-sim ({where}). {HOW_TO_GET}")
        raise _refusal(value)

    def _restart(self, number: int, error: EngineError) -> None:
        """Start a worker again whose process is gone."""
        now = time.monotonic()
        old = self._workers[number]
        deaths = [then for then in old.deaths if now - then < RESTART_S] + [now]
        old.end()
        if len(deaths) > DEATHS:
            raise EngineRestartError(f"{error}; it is the {len(deaths)}th time within {RESTART_S:g} s")
        self.restarts += 1
        worker = self._workers[number] = self._start()
        worker.deaths = deaths
        self._made(worker)


def _places_of_habitat(path: str) -> list[str]:
    """The places of a PYTHONPATH that a habitat-sim which was built from source is imported from.

    The others have packages of ours, which are not that interpreter's.
    """
    wanted = ("habitat_sim", "magnum", "corrade")
    return [
        place for place in path.split(os.pathsep) if place and any((Path(place) / name).exists() for name in wanted)
    ]


def _plain(call: Call) -> Call:
    """A call of plain values only: the worker has no package of ours to unpack others with, nor our NumPy's scalars."""
    name, *arguments = call
    if name in ("load", "change"):
        placed: Mapping[Any, Placement | None] = arguments[-1]
        told = {
            key: None
            if own is None
            else (own.template, tuple(own.position), tuple(own.rotation), own.semantic_id, own.is_static)
            for key, own in placed.items()
        }
        arguments[-1] = told
    return (name, *(_without_numpy(argument) for argument in arguments))


def _without_numpy(value: Any) -> Any:
    """The same in lists, tuples, dictionaries and Python's numbers: NumPy 1 cannot unpack what NumPy 2 packs."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {_without_numpy(key): _without_numpy(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_without_numpy(own) for own in value)
    return value


def _refusal(value: tuple[str, str, str]) -> EngineError:
    """The error of what failed in a worker: what was refused in its own words, anything else with its place."""
    name, where, message = value
    return SceneError(message if name == "HabitatRefusal" else f"habitat-sim failed: {where}")


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.end()
