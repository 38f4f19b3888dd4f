"""A process that builds chunks of a bank: ``build_pool`` starts it, asks it and gets its answers over pipes."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from typing import BinaryIO

from groundling.envs.banks.bank_building import build_or_fail
from groundling.envs.banks.build_pool import Answer
from groundling.errors import WorkerError
from groundling.processes import ignore_stopping_signals


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """A worker's loop: say that it has started, then read (source, seed, split, chunk) and answer with the bank.

    An error is answered as it is, or in words where another process could not make it again; a chunk of which the split
    keeps nothing with None.
    """
    pickle.dump(os.getpid(), answers)
    answers.flush()
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        answers.write(packed(build_or_fail(*request)))
        answers.flush()


def packed(answer: Answer) -> bytes:
    """The answer as bytes that another process can read.

    Many exceptions cannot be made again from what a pickle holds of them: those whose constructors want other
    arguments than they hand on, and those of a class inside of a function.
    """
    if not isinstance(answer, Exception):
        return pickle.dumps(answer)
    try:
        raw = pickle.dumps(answer)
        if type(pickle.loads(raw)) is type(answer):
            return raw
    except Exception:  # whatever an exception of a user's own does when it is copied
        pass
    where = traceback.extract_tb(answer.__traceback__)[-1:]
    place = "".join(f" ({frame.filename}, line {frame.lineno})" for frame in where)
    return pickle.dumps(WorkerError(f"{type(answer).__name__}: {answer}{place}"))


if __name__ == "__main__":
    ignore_stopping_signals()
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a level prints must not reach the pipe
    serve(sys.stdin.buffer, pipe)
