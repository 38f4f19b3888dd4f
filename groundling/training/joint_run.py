"""A run of several processes: what they check before they begin, and what one makes of the numbers of all."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch

from groundling import __version__, job
from groundling.errors import ConfigurationError
from groundling.interruption import StopRequest
from groundling.training.algorithms import find_algorithm
from groundling.training.config import TrainConfig
from groundling.training.ranks import Ranks


def check_job(config: TrainConfig, ranks: Ranks) -> None:
    """Refuse a configuration that the processes of a job cannot train together; to be called ``together``.

    Raises:
        ConfigurationError: if they do not divide the environments, the algorithm is for one process, or one of them has
            another version or configuration than the first.
    """
    if ranks.size == 1:
        return
    plain = {name: value for name, value in config.to_dict().items() if name != "device"}
    ranks.check_same({"version": __version__, "PyTorch": torch.__version__, **plain})
    ranks.share(config.num_envs, "environments")
    if not find_algorithm(config.algorithm).is_distributed:
        raise ConfigurationError(
            f"algorithm {config.algorithm!r} trains in one process: leave torchrun out, or take one of the "
            "policy-gradient or imitation family, such as 'ppo' or 'bc'"
        )


def turns_of_machine(ranks: Ranks) -> Iterator[bool]:
    """Whether it is this process's turn, for work that the first process of a machine does for the others, as banks of
    episodes are built once and then read; alone, one turn.
    """
    yield ranks.size == 1 or job.local_rank() == 0
    if ranks.size > 1:
        yield job.local_rank() != 0


def agreed(ranks: Ranks, stop: StopRequest, is_due: bool) -> tuple[bool, bool]:
    """Whether any process of the job was asked to stop, which all then are; and the first one's ``is_due``, whether a
    checkpoint is due by its clock.
    """
    if ranks.size > 1:
        said = ranks.gathered((stop.number, is_due))
        stop.number = stop.number or max(number for number, _ in said)
        is_due = said[0][1]
    return bool(stop), is_due


def averaged(every: Sequence[Mapping[str, float]], undefined: Collection[str]) -> dict[str, float]:
    """The mean of each metric over the processes that have it.

    Args:
        every: the metrics of each process.
        undefined: names of those that may be NaN or infinite, where there was nothing to measure; such values do not
            count where others are finite.
    """
    found: dict[str, float] = {}
    for name in dict.fromkeys(name for metrics in every for name in metrics):
        values = [metrics[name] for metrics in every if name in metrics]
        if name in undefined:
            values = [value for value in values if math.isfinite(value)] or values
        found[name] = sum(values) / len(values)
    return found
