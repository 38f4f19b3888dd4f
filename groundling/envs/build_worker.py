"""A process that builds chunks of a bank: started by ``groundling.envs.building``, asked and answering over pipes."""

from __future__ import annotations

import os
import pickle
import sys
from typing import BinaryIO

from groundling.envs.bank import EpisodeBank
from groundling.envs.building import build_chunk


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """A worker's loop: read (source, seed, split, chunk), answer with the chunk's bank or with the error."""
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        try:
            answer: EpisodeBank | Exception | None = build_chunk(*request)
        except Exception as error:
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a level prints must not reach the pipe
    serve(sys.stdin.buffer, pipe)
