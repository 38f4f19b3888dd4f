"""What became of the episodes that ended in training: returns, lengths and successes, in all and by task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.engine.outcomes import SUCCESS_KEYS, successes_of

LEAST_WINDOW: Final = 100  # episodes that a mean is taken over, at least, once so many have ended


@dataclass
class EpisodeStatistics:
    """The episodes that ended since the statistics were last taken, and the last ones before them.

    Attributes:
        names: ids of the K tasks, where several are played.
        returns, lengths, successes, tasks: of the episodes, one array for each step in which some ended. A success that
            the environments did not tell is NaN; it is never guessed from the return.
        window: how many episodes a mean is taken over, at least, once so many have ended: a hundred, or one of each
            environment. Environments begin side by side, and the short episodes of a generation end first.
        recent: returns, lengths and successes of the episodes before, up to so many.
        recent_by_task: successes of the last episodes of each task, up to so many of each.
    """

    names: tuple[str, ...] = ()
    returns: list[NDArray[np.float64]] = field(default_factory=list)
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    successes: list[NDArray[np.float64]] = field(default_factory=list)
    tasks: list[NDArray[np.int64]] = field(default_factory=list)
    window: int = LEAST_WINDOW
    recent: dict[str, NDArray[Any]] = field(default_factory=dict)
    recent_by_task: dict[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of_envs(cls, envs: VectorEnv) -> EpisodeStatistics:
        """Statistics of these environments, by task where they play several."""
        tasks = tuple(getattr(envs.unwrapped, "tasks", ()))
        return cls(tasks if len(tasks) > 1 else (), window=max(LEAST_WINDOW, envs.num_envs))

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
        """Means over the last episodes: all that ended since, and as many before them as make up the window.

        So no mean is that of the single episode which ended in an update, and none is missing once one has ended.

        Args:
            by_task: where several tasks are played, also the ``success/TASK`` and ``episodes/TASK`` of each.

        Returns:
            ``return``, ``episode_length`` and ``success``, NaN while nobody told any; ``window``, over how many
            episodes they are means; ``episodes``, how many ended since the statistics were last taken.
        """
        count = sum(map(len, self.returns))
        taken: dict[str, float] = {}
        parts: dict[str, list[Any]] = {
            "return": self.returns,
            "episode_length": self.lengths,
            "success": self.successes,
        }
        for name, arrays in parts.items():
            window = self._slide(self.recent, name, _joined(arrays))
            taken[name] = _mean(window)
        taken["window"] = float(len(window))
        taken["episodes"] = float(count)
        successes, tasks = _joined(self.successes), _joined(self.tasks)
        for number, name in enumerate(self.names):
            own = successes[tasks == number]
            window = self._slide(self.recent_by_task, name, own)
            if by_task:
                taken[f"success/{name}"] = _mean(window)
                taken[f"episodes/{name}"] = float(len(own))
        for array in self._lists().values():
            array.clear()
        return taken

    def state_dict(self) -> dict[str, Any]:
        """The notes as tensors."""
        lists = {name: [torch.as_tensor(array) for array in arrays] for name, arrays in self._lists().items()}
        windows = {"recent": self.recent, "recent_by_task": self.recent_by_task}
        return lists | {key: {k: torch.as_tensor(array) for k, array in part.items()} for key, part in windows.items()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`; those of older checkpoints have no episodes before."""
        for name, arrays in self._lists().items():
            arrays[:] = [tensor.numpy() for tensor in saved[name]]
        self.recent = {k: tensor.numpy() for k, tensor in saved.get("recent", {}).items()}
        self.recent_by_task = {k: tensor.numpy() for k, tensor in saved.get("recent_by_task", {}).items()}

    def _slide(self, recent: dict[str, NDArray[Any]], name: str, new: NDArray[Any]) -> NDArray[Any]:
        """The window of a number after these new ones; its end is kept for the next."""
        before = recent.get(name, np.zeros(0))
        kept = max(0, min(len(before), self.window - len(new)))
        window = np.concatenate([before[len(before) - kept :], new])
        recent[name] = window[-self.window :].copy()
        return window

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
