"""One ViZDoom engine in a process of its own: started, driven through a socket, given a time limit, and reaped."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.simulators import doom_maps
from groundling.envs.simulators.doom_maps import PlacedActor
from groundling.envs.simulators.doom_resolutions import engine_field_of_view_deg
from groundling.envs.simulators.errors import EngineCrashError, EngineError, EngineHangError, EngineRejectionError
from groundling.errors import ConfigurationError

TICS_PER_STEP = 5  # the paper holds an action so long

_START_WAD = "start.wad"
_EPISODE_WAD = "episode.wad"
_LOG = "engine.log"
_CLOSE_TIMEOUT_S = 2.0
_LOG_LINES = 4
_WORKER = Path(__file__).with_name("doom_worker.py")


@dataclass(frozen=True)
class DoomTimeouts:
    """How long the engine may take to answer before it counts as hanging, in seconds.

    Attributes:
        start_s: to start, which reads its data files.
        episode_s: to load a map.
        step_s: to play a step.
    """

    start_s: float = 60.0
    episode_s: float = 20.0
    step_s: float = 10.0

    def __post_init__(self) -> None:
        if min(self.start_s, self.episode_s, self.step_s) <= 0:
            raise ConfigurationError(f"time limits are positive, got {self}")


@dataclass(frozen=True)
class DoomState:
    """What the engine shows and knows.

    Attributes:
        frame: [H, W, 3] uint8 RGB; what the engine shows next is written over it.
        x, y: of the player, in Doom's units.
        angle_deg: of the player, counter-clockwise from the east.
    """

    frame: NDArray[np.uint8]
    x: float
    y: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class _Question:
    """What an engine was asked: how long it may take, and of an episode what has to stand in it."""

    timeout_s: float
    actors: Sequence[PlacedActor] | None


class DoomEngine:
    """A running engine; whatever ends it, its processes, shared memory and temporary folder go with it.

    It starts while the caller goes on; where it does not, what is asked of it first tells.

    Args:
        width, height: of its frames in pixels, see :func:`check_resolution`.
        field_of_view_rad: horizontal, whatever the frames' shape.
        timeouts: after which it counts as hanging.
    """

    def __init__(self, width: int, height: int, field_of_view_rad: float, timeouts: DoomTimeouts) -> None:
        self._timeouts = timeouts
        self._folder = Path(tempfile.mkdtemp(prefix="groundling-doom-"))
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours.detach())
        with theirs, (self._folder / _LOG).open("wb") as log, _memory_file() as memory:
            memory.truncate(height * width * 3)
            self._frame = np.frombuffer(mmap.mmap(memory.fileno(), 0), dtype=np.uint8).reshape(height, width, 3)
            files = (theirs.fileno(), memory.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_WORKER), *map(str, files), str(os.getpid())],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=files,
                start_new_session=True,  # a process group of its own, with the engine in it
            )
        self._asked: _Question | None = None
        self._failure: EngineError | None = None
        self._shared: list[str] = []
        self._finalizer = weakref.finalize(
            self, _reap, self._process, self._connection, self._folder, self._shared, os.getpid()
        )
        empty_room = doom_maps.room_map((), doom_maps.position_of((1, 1)), angle_deg=0)
        doom_maps.write_wad(self._folder / _START_WAD, empty_room, doom_maps.thin_items())
        request = {
            "command": "start",
            "wad": _START_WAD,
            "width": width,
            "height": height,
            "field_of_view_deg": engine_field_of_view_deg(width, height, field_of_view_rad),
        }
        self._ask(request, timeouts.start_s)

    @property
    def process_id(self) -> int:
        """Of the worker, which leads the process group that the engine is in."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not been closed, by failure or on purpose."""
        return self._finalizer.alive

    def ask_for_episode(self, textmap: str, actors: Sequence[PlacedActor], seed: int) -> None:
        """Ask for an episode to begin; :meth:`answer` tells how it begins, or why it does not.

        Args:
            textmap: the map.
            actors: what must then be seen to stand in it.
            seed: of the engine's random numbers, in [0, 2**32).
        """
        self._settle()
        if self.is_running:
            doom_maps.write_wad(self._folder / _EPISODE_WAD, textmap)
        # The engine reads a map from a file of its own, so that there can be as many as there are episodes.
        request = {"command": "episode", "map": f"file:{_EPISODE_WAD}", "seed": seed}
        self._ask(request, self._timeouts.episode_s, actors)

    def ask_for_step(self, action: int) -> None:
        """Ask for an action's button to be held for the tics of a step; :meth:`answer` tells where that led.

        Args:
            action: 0 turn left, 1 turn right, 2 forward.
        """
        self._settle()
        self._ask({"command": "step", "action": action, "tics": TICS_PER_STEP}, self._timeouts.step_s)

    def answer(self) -> DoomState:
        """Wait for what was asked for last.

        Raises:
            EngineRejectionError: if the engine refuses the map, or does not know an actor.
            EngineCrashError, EngineHangError: if it fails, has failed, or did not start.
        """
        asked = self._asked
        told = self._receive()
        if asked is not None and asked.actors is not None:
            self._check_actors(asked.actors, told["actors"])
        return DoomState(self._frame, told["x"], told["y"], told["angle"])

    def begin(self, textmap: str, actors: Sequence[PlacedActor], seed: int) -> DoomState:
        """Begin an episode: :meth:`ask_for_episode` and :meth:`answer`."""
        self.ask_for_episode(textmap, actors, seed)
        return self.answer()

    def step(self, action: int) -> DoomState:
        """Play a step: :meth:`ask_for_step` and :meth:`answer`."""
        self.ask_for_step(action)
        return self.answer()

    def close(self) -> None:
        """End the engine. Closing it again does nothing."""
        if self.is_running:
            with contextlib.suppress(OSError, EOFError):
                self._connection.send_bytes(json.dumps({"command": "close"}).encode())
                if self._connection.poll(_CLOSE_TIMEOUT_S):
                    self._connection.recv_bytes()
        self._finalizer()

    def _check_actors(self, placed: Sequence[PlacedActor], told: Sequence[str]) -> None:
        asked = Counter(each.actor.name for each in placed)
        seen = Counter(name.removeprefix(doom_maps.THIN) for name in told)
        if asked != seen:
            self.close()
            lacking = ", ".join((asked - seen).keys()) or "none"
            unasked = ", ".join((seen - asked).keys()) or "none"
            raise EngineRejectionError(
                f"ViZDoom did not place what the map asks for: missing {lacking}, instead {unasked}"
            )

    def _settle(self) -> None:
        """Wait for what was asked before: the engine has started then, or nobody wants to know any more."""
        if self._asked is not None:
            try:
                self._receive()
            except EngineError as error:
                self._failure = error

    def _ask(self, request: dict[str, Any], timeout_s: float, actors: Sequence[PlacedActor] | None = None) -> None:
        self._asked = _Question(timeout_s, actors)
        with contextlib.suppress(OSError):  # it is gone, which the answer will tell
            self._connection.send_bytes(json.dumps(request).encode())

    def _receive(self) -> dict[str, Any]:
        asked, self._asked = self._asked, None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if asked is None or not self.is_running:
            raise EngineCrashError("this engine has ended")
        try:
            if not self._connection.poll(asked.timeout_s):
                self._finalizer()
                raise EngineHangError(
                    f"ViZDoom's engine did not answer within {asked.timeout_s:g} s and was ended: the machine is "
                    "overloaded, or the engine hangs (the time limits are the argument timeouts)"
                )
            told: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise self._crash() from None
        if "error" in told:
            self._finalizer()
            kind = EngineRejectionError if told["error"] == "rejected" else EngineCrashError
            raise kind(f"ViZDoom's engine failed: {told['message']}")
        self._shared.extend(told.get("shared", ()))
        return told

    def _crash(self) -> EngineError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_TIMEOUT_S)
        code = self._process.returncode
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
        said = _last_lines(self._folder / _LOG)
        self._finalizer()
        return EngineCrashError(f"ViZDoom's process ended {how}" + (f"; its last words: {said}" if said else ""))


def _memory_file() -> IO[bytes]:
    """A file without a name, in memory where the system can: it is gone with those who have it open."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryFile(dir=memory if os.access(memory, os.W_OK) else None)


def _last_lines(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").split("\n")
    except OSError:
        return ""
    return " | ".join([line.strip() for line in lines if line.strip()][-_LOG_LINES:])


def _reap(
    process: subprocess.Popen[bytes], connection: Connection, folder: Path, shared: Iterable[str], owner: int
) -> None:
    """End the process group and remove what it leaves behind; a copy in a forked process keeps its hands off."""
    if os.getpid() != owner:
        return
    connection.close()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for name in shared:
        Path("/dev/shm", name).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
