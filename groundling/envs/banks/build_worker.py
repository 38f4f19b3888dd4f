"""A process that builds chunks of a bank: started by ``groundling.envs.banks.build_pool``, asked and answering over pipes."""

from __future__ import annotations

import os
import pickle
import sys
from typing import BinaryIO

from groundling.envs.banks.bank_building import build_or_fail


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """A worker's loop: say that it has started, then read (source, seed, split, chunk) and answer with the bank.

    An error is answered as it is, a chunk of which the split keeps nothing with None.
    """
    pickle.dump(os.getpid(), answers)
    answers.flush()
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(build_or_fail(*request), answers)
        answers.flush()


if __name__ == "__main__":
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a level prints must not reach the pipe
    serve(sys.stdin.buffer, pipe)
