"""What policies were paid beside what they reached: the returns of episodes under the rewards, and their gap."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundling.envs.engine.outcomes import successes_of
from groundling.interfaces import Transition


class PaidReturns:
    """The sum of what was paid in each episode, and what became of it.

    Args:
        num_envs: B.
    """

    def __init__(self, num_envs: int) -> None:
        self._running = np.zeros((2, num_envs))  # of the present episodes: paid, and by the environments
        self._steps: list[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]] = []
        self._ended = np.zeros((0, 3))  # of each episode: paid, by the environments, success or NaN

    def note(self, transition: Transition) -> None:
        """Note what the environments say of a step."""
        ended = transition.terminated | transition.truncated
        success = np.full(len(ended), np.nan)
        if ended.any():
            told = successes_of(transition.info, ended)
            if told is not None:
                success[ended] = told[ended]
        self._steps.append((np.array(transition.reward, dtype=np.float64), ended, success))

    def settle(self, paid: NDArray[np.floating[Any]]) -> None:
        """Add up what the steps noted since the last call were paid, [T, B]."""
        found = [self._ended]
        for now, (reward, ended, success) in zip(paid, self._steps, strict=True):
            self._running += np.stack([now, reward])
            if ended.any():
                found.append(np.stack([*self._running[:, ended], success[ended]], axis=1))
                self._running[:, ended] = 0.0
        self._ended = np.concatenate(found)
        self._steps = []

    def take(self) -> dict[str, float]:
        """Of the episodes that ended since the last call: the mean paid return, of all and of those that succeeded and
        failed; the gap, paid return less the environments'; and how likely an episode that succeeded was paid more
        than one that failed (1 is right, .5 chance). NaN where no episode tells.
        """
        paid, own, success = self._ended.T
        self._ended = np.zeros((0, 3))
        good, bad = paid[success == 1], paid[success == 0]
        return {
            "reward/paid_return": _mean(paid),
            "reward/paid_return_of_successes": _mean(good),
            "reward/paid_return_of_failures": _mean(bad),
            "reward/gap": _mean(paid - own),
            "reward/success_is_paid_more": likelihood_of_more(good, bad),
        }

    def state_dict(self) -> dict[str, Any]:
        """The sums as tensors."""
        return {"running": torch.as_tensor(self._running), "ended": torch.as_tensor(self._ended)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
        self._running, self._ended = saved["running"].numpy().copy(), saved["ended"].numpy().copy()


def likelihood_of_more(ones: NDArray[np.floating[Any]], others: NDArray[np.floating[Any]]) -> float:
    """How likely one of the ones [N] is larger than one of the others [M], ties counting half (the area under the ROC
    curve); NaN where there are none of a kind.
    """
    if not len(ones) or not len(others):
        return float("nan")
    order = np.sort(others)
    below, upto = np.searchsorted(order, ones, "left"), np.searchsorted(order, ones, "right")
    return float((below + upto).mean() / (2 * len(others)))


def _mean(array: NDArray[np.floating[Any]]) -> float:
    return float(array.mean()) if len(array) else float("nan")
