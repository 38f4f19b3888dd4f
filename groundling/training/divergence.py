"""Numbers that are not finite end a run before they are saved: what went wrong, in which update."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from groundling.errors import DivergenceError
from groundling.training.checkpoint import CHECKPOINT_NAME


def check_metrics(metrics: Mapping[str, float], undefined: Collection[str]) -> None:
    """Refuse what an update measured if it is not finite. The numbers were read already, so it costs nothing.

    Args:
        metrics: of the algorithm.
        undefined: names of those that may be NaN or infinite, where there was nothing to measure.

    Raises:
        DivergenceError: the message names the number.
    """
    if wrong := not_finite(metrics, undefined):
        raise DivergenceError(", ".join(f"{name} is {value}" for name, value in wrong.items()))


def not_finite(metrics: Mapping[str, float], undefined: Collection[str]) -> dict[str, float]:
    """The metrics that are not finite and should be."""
    return {name: value for name, value in metrics.items() if not math.isfinite(value) and name not in undefined}


def check_parameters(agent: Mapping[str, Tensor]) -> None:
    """Refuse parameters that are not finite, before they are saved.

    Args:
        agent: parameters by name.

    Raises:
        DivergenceError: the message names the first such parameter.
    """
    floating = {name: array for name, array in agent.items() if array.is_floating_point() and array.numel()}
    # one number a parameter, which is not finite if any of its elements is not; read at once
    totals = torch.stack([array.detach().float().sum() for array in floating.values()]) if floating else torch.zeros(0)
    for name, is_finite in zip(floating, totals.isfinite().tolist(), strict=True):
        if not is_finite and not bool(floating[name].isfinite().all()):  # a sum may also overflow
            raise DivergenceError(f"the parameter {name} is not finite")


@contextmanager
def divergence_told(agent: nn.Module, folder: Path, update: int) -> Iterator[None]:
    """Have a :class:`DivergenceError` that is raised within say in which update it was, and what is kept.

    What PyTorch refuses because parameters are not finite (a distribution, say) is told in the same way.

    Args:
        agent: that is trained.
        folder: of the run.
        update: its number, from 1.
    """
    try:
        yield
    except DivergenceError as error:
        raise _told(error, folder, update) from error
    except (ValueError, RuntimeError) as error:
        try:
            check_parameters(agent.state_dict())
        except DivergenceError as cause:
            raise _told(cause, folder, update) from error
        raise


def _told(error: DivergenceError, folder: Path, update: int) -> DivergenceError:
    is_saved = (folder / CHECKPOINT_NAME).exists()
    kept = f"the last checkpoint of {folder} is unchanged" if is_saved else "no checkpoint was written"
    return DivergenceError(
        f"in update {update:,}, {error}; {kept}. Lower the learning rate, or look at the rewards and observations of "
        "the environments"
    )
