"""How long the playground takes: from the command to the page, and from a typed sentence to an agent that obeyed it.

    python benchmarks/playground_time.py [--rounds 3] [--cold]

Each round starts `groundling playground` anew and talks to it as its page does. ``--cold`` gives it an empty cache of
compiled code, as on the first start after an installation. Printed are medians in seconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Final

from launch import launch
from websockets.sync.client import connect

from groundling.cli.playground import listen

SENTENCE: Final = "please fetch the blue key"
MOST_STEPS: Final = 60
PATIENCE: Final = 300.0


@dataclass(frozen=True)
class Options:
    """Measure the playground.

    Attributes:
        rounds: starts.
        cold: compile everything anew in each.
    """

    rounds: int = 3
    cold: bool = False


def main(options: Options) -> None:
    rounds = [measure(options.cold) for _ in range(options.rounds)]
    names = ("command_to_page", "sentence_to_first_action", "sentence_to_success")
    print(
        json.dumps(
            {
                name: round(statistics.median(told), 2)
                for name, told in zip(names, zip(*rounds, strict=True), strict=True)
            }
        )
    )


def measure(cold: bool) -> tuple[float, float, float]:
    """Seconds until the page answers; from the sentence to the first action, and to success."""
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    sock.close()
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cold else {})}
        command = [sys.executable, "-m", "groundling", "playground", "--no-browser", "--port", str(port)]
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_for_page(port, begun + PATIENCE)
            answered = time.perf_counter()
            return answered - begun, *obey(port)
        finally:
            process.terminate()
            process.wait()


def wait_for_page(port: int, deadline: float) -> None:
    """Until the page answers."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.perf_counter() > deadline:
                raise
            time.sleep(0.02)


def obey(port: int) -> tuple[float, float]:
    """Open the first world and say the sentence, as the page does; seconds to the first action and to success."""
    with connect(f"ws://127.0.0.1:{port}/tab", max_size=None, open_timeout=PATIENCE) as tab:

        def do(kind: str, **more: str) -> dict[str, object]:
            tab.send(json.dumps({"do": kind, **more}))
            answer: dict[str, object] = json.loads(tab.recv(PATIENCE))
            assert answer["kind"] == "state", answer
            return answer

        begun = time.perf_counter()
        do("open", entry="instruction")
        do("say", text=SENTENCE)
        state = do("step")
        first = time.perf_counter() - begun
        for _ in range(MOST_STEPS):
            if state["ending"] is not None:
                break
            state = do("step")
        ending = state["ending"]
        assert isinstance(ending, dict)
        assert ending["success"], ending
        return first, time.perf_counter() - begun


if __name__ == "__main__":
    launch(main, Options, __doc__)
