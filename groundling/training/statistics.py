"""What became of the episodes that a rollout ended: returns, lengths and successes, in all and by task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray
from torch import Tensor

from groundling.envs.engine.outcomes import SUCCESS_KEYS, successes_of


@dataclass
class EpisodeStatistics:
    """The episodes that ended since the statistics were last taken.

    Attributes:
        names: ids of the K tasks, where several are played.
        returns, lengths, successes, tasks: of the episodes, one array for each step in which some ended. A success that
            the environments did not tell is NaN; it is never guessed from the return.
    """

    names: tuple[str, ...] = ()
    returns: list[NDArray[np.float64]] = field(default_factory=list)
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    successes: list[NDArray[np.float64]] = field(default_factory=list)
    tasks: list[NDArray[np.int64]] = field(default_factory=list)

    @classmethod
    def of_envs(cls, envs: VectorEnv) -> EpisodeStatistics:
        """Statistics of these environments, by task where they play several."""
        tasks = tuple(getattr(envs.unwrapped, "tasks", ()))
        return cls(tasks if len(tasks) > 1 else ())

    def add(self, info: dict[str, Any], ended: NDArray[np.bool_]) -> None:
        """Note the episodes that ended in a step."""
        final = info["final_info"]
        self.returns.append(final["episode"]["r"][ended])
        self.lengths.append(final["episode"]["l"][ended])
        success = final.get("success")
        told = np.full(int(ended.sum()), np.nan) if success is None else np.asarray(success)[ended]
        self.successes.append(told.astype(np.float64))
        self.tasks.append(final["task"][ended] if self.names else np.zeros(int(ended.sum()), dtype=np.int64))

    def successes_by_task(self) -> list[NDArray[np.bool_]]:
        """For each task (or for the only one) whether each of its episodes succeeded, in the order of their ends."""
        successes, tasks = _joined(self.successes) == 1, _joined(self.tasks)
        return [successes[tasks == task] for task in range(max(1, len(self.names)))]

    def take(self, *, by_task: bool = True) -> dict[str, float]:
        """Means over the episodes, and their number; the notes are cleared. NaN if no episode ended.

        Where several tasks are played also the ``success/TASK`` and ``episodes/TASK`` of each, with ``by_task``.
        """
        count = sum(map(len, self.returns))
        means: dict[str, list[Any]] = {
            "return": self.returns,
            "episode_length": self.lengths,
            "success": self.successes,
        }
        taken = {name: _mean(_joined(arrays)) for name, arrays in means.items()}
        taken["episodes"] = float(count)
        names = self.names if by_task else ()
        for name, successes in zip(names, self.successes_by_task() if names else (), strict=True):
            taken[f"success/{name}"] = _mean(successes)
            taken[f"episodes/{name}"] = float(len(successes))
        for array in self._lists().values():
            array.clear()
        return taken

    def state_dict(self) -> dict[str, list[Tensor]]:
        """The notes as tensors."""
        return {name: [torch.as_tensor(array) for array in arrays] for name, arrays in self._lists().items()}

    def load_state_dict(self, saved: dict[str, list[Tensor]]) -> None:
        """Continue from :meth:`state_dict`."""
        for name, arrays in self._lists().items():
            arrays[:] = [tensor.numpy() for tensor in saved[name]]

    def _lists(self) -> dict[str, list[Any]]:
        return {
            "returns": self.returns,
            "lengths": self.lengths,
            "successes": self.successes,
            "tasks": self.tasks,
        }


def _joined(arrays: list[Any]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0)


def _mean(array: NDArray[Any]) -> float:
    known = array[~np.isnan(array)]
    return float(known.mean()) if len(known) else float("nan")


class RunningEpisodes:
    """Return and length of the running episodes, for vector environments that do not report them at the end."""

    def __init__(self, num_envs: int) -> None:
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, dtype=np.int64)

    def reported(self, info: dict[str, Any], reward: NDArray[Any], ended: NDArray[np.bool_]) -> dict[str, Any]:
        """A step's info with ``final_info`` as ``GroundlingVectorEnv`` has it.

        A success is told in ``final_info`` or in ``info`` itself, as ``success`` or, as Stable-Baselines3 has it,
        ``is_success``.
        """
        self._returns += reward
        self._lengths += 1
        final = info.get("final_info")
        told = {key: value for key, value in (final or {}).items() if key not in SUCCESS_KEYS}
        told["episode"] = {"r": self._returns.copy(), "l": self._lengths.copy()}
        success = successes_of(info, ended)
        if success is not None:
            told["success"] = success
        self._returns[ended] = 0
        self._lengths[ended] = 0
        return {**{key: value for key, value in info.items() if key not in SUCCESS_KEYS}, "final_info": told}
