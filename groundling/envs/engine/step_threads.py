"""The threads that share a step of a batch of worlds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

SHARES_PER_THREAD: Final = 4


class StepThreads:
    """Threads that do the same for every environment, some environments each.

    Args:
        num_envs: B.
        num_threads: threads at work at once, the caller's included; at 1 the caller does everything.

    Attributes:
        count: the same number.
    """

    def __init__(self, num_envs: int, num_threads: int) -> None:
        self._num_envs = num_envs
        self.count = num_threads
        edges = np.linspace(0, num_envs, SHARES_PER_THREAD * num_threads + 1).astype(int)
        self._shares = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        self._pool = ThreadPoolExecutor(num_threads - 1, "groundling-step") if num_threads > 1 else None

    def run(self, step: Callable[[int, int], None], start: int = 0, stop: int | None = None) -> None:
        """Step the environments from ``start`` to ``stop`` (all), in shares where there are threads."""
        stop = self._num_envs if stop is None else stop
        if self._pool is None:
            step(start, stop)
            return
        every = ((max(first, start), min(last, stop)) for first, last in self._shares)
        shares = iter(
            [share for share in every if share[0] < share[1]]
        )  # whoever is free takes the next share: threads start late and cores are noisy

        def work() -> None:
            for share in shares:
                step(*share)

        others = [self._pool.submit(work) for _ in range(self.count - 1)]
        work()
        for other in others:
            other.result()

    def close(self) -> None:
        """End the threads; what is run after that, the caller does alone."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
