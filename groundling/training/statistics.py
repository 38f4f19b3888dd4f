"""What became of the episodes that ended in training: returns, lengths and successes, in all and by task."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The episodes that ended since the statistics were last taken, and means over a window of the last ones.

    Environments begin side by side, and short episodes end first: at any time, those that have ended were shorter, and
    often more successful, than those that run. So an episode enters the window only when all that began before it
    have ended, in the order in which they began.

    Attributes:
        names: ids of the K tasks, where several are played.
        returns, lengths, successes, tasks, begins: of the episodes, one array for each step in which some ended. A
            success that the environments did not tell is NaN; it is never guessed from the return. An episode begins at
            a step of its environment.
        window: how many episodes a mean is taken over, at least, once there are so many: a hundred, or one of each
            environment.
        running: [B] the step at which the episode began that each environment is in.
        waiting: returns, lengths, successes, tasks and begins of the episodes that ended before an earlier one did.
        recent: returns, lengths and successes of the last episodes of the window.
        recent_by_task: successes of the last episodes of each task.
    """

    names: tuple[str, ...] = ()
    returns: list[NDArray[np.float64]] = field(default_factory=list)
    lengths: list[NDArray[np.int64]] = field(default_factory=list)
    successes: list[NDArray[np.float64]] = field(default_factory=list)
    tasks: list[NDArray[np.int64]] = field(default_factory=list)
    begins: list[NDArray[np.int64]] = field(default_factory=list)
    window: int = LEAST_WINDOW
    running: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    waiting: dict[str, NDArray[Any]] = field(default_factory=dict)
    recent: dict[str, NDArray[Any]] = field(default_factory=dict)
    recent_by_task: dict[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of_envs(cls, envs: VectorEnv, processes: int = 1) -> EpisodeStatistics:
        """Statistics of these environments, by task where they play several; and of as many in other processes."""
        tasks = tuple(getattr(envs.unwrapped, "tasks", ()))
        return cls(tasks if len(tasks) > 1 else (), window=max(LEAST_WINDOW, processes * envs.num_envs))

    def add(self, info: dict[str, Any], ended: NDArray[np.bool_], start: int = 0, num_envs: int | None = None) -> None:
        """Note the episodes that ended in a step.

        Args:
            info: of the step.
            ended: [B'] of these environments.
            start: the first of them, where they are a part of all.
            num_envs: B, how many there are in all; None: these.
        """
        num_envs = len(ended) if num_envs is None else num_envs
        final = info["final_info"]
        lengths = final["episode"]["l"][ended].astype(np.int64)
        self.returns.append(final["episode"]["r"][ended])
        self.lengths.append(lengths)
        success = final.get("success")
        told = np.full(int(ended.sum()), np.nan) if success is None else np.asarray(success)[ended]
        self.successes.append(told.astype(np.float64))
        self.tasks.append(final["task"][ended] if self.names else np.zeros(int(ended.sum()), dtype=np.int64))
        if len(self.running) != num_envs:
            self.running = np.zeros(num_envs, dtype=np.int64)
        rows = np.flatnonzero(ended) + start
        self.begins.append(self.running[rows])
        self.running[rows] += lengths  # the next episode begins where this one ended

    def hand_over(self) -> dict[str, Any]:
        """The episodes that ended since the last call, and where those that run began, for :meth:`take_over`."""
        ended = {name: _joined(arrays) for name, arrays in self._lists().items()}
        for array in self._lists().values():
            array.clear()
        return {**ended, "running": self.running}

    def take_over(self, parts: Sequence[dict[str, Any]]) -> None:
        """Note what others hand over: the statistics of processes whose environments stand side by side."""
        for name, arrays in self._lists().items():
            arrays.extend(part[name] for part in parts if len(part[name]))
        each = max(len(part["running"]) for part in parts)  # 0 for those of which no episode has ended yet
        self.running = np.concatenate(
            [part["running"] if len(part["running"]) else np.zeros(each, dtype=np.int64) for part in parts]
        )

    def successes_by_task(self) -> list[NDArray[np.bool_]]:
        """For each task (or for the only one) whether each of its episodes succeeded, in the order of their ends."""
        successes, tasks = _joined(self.successes) == 1, _joined(self.tasks)
        return [successes[tasks == task] for task in range(max(1, len(self.names)))]

    def take(self, *, by_task: bool = True) -> dict[str, float]:
        """Means over the window: all episodes that entered it since, and as many before them as make up its size.

        So no mean is that of the few episodes which happened to end in an update, and none is missing later on.

        Args:
            by_task: where several tasks are played, also the ``success/TASK`` and ``episodes/TASK`` of each.

        Returns:
            ``return``, ``episode_length`` and ``success``, NaN while there is nothing to average; ``window``, over how
            many episodes they are means; ``episodes``, how many ended since the statistics were last taken. While the
            first episodes of the environments run, ``success`` is the share of these that have succeeded already.
        """
        ended = {name: _joined(list(arrays)) for name, arrays in self._lists().items()}
        entered = self._enter(ended)
        taken: dict[str, float] = {}
        for metric, name in (("return", "returns"), ("episode_length", "lengths"), ("success", "successes")):
            window = self._slide(self.recent, name, entered[name])
            taken[metric] = _mean(window)
        taken["window"] = float(len(window))
        if not len(window) and len(self.running):
            first = self.waiting["successes"][self.waiting["begins"] == 0]
            known = first[~np.isnan(first)]
            if len(known) == len(first):  # what is not told is not taken for a failure
                taken |= {"success": float(known.sum()) / len(self.running), "window": float(len(self.running))}
        taken["episodes"] = float(len(ended["returns"]))
        for number, name in enumerate(self.names):
            window = self._slide(self.recent_by_task, name, entered["successes"][entered["tasks"] == number])
            if by_task:
                taken[f"success/{name}"] = _mean(window)
                taken[f"episodes/{name}"] = float((ended["tasks"] == number).sum())
        for array in self._lists().values():
            array.clear()
        return taken

    def state_dict(self) -> dict[str, Any]:
        """The notes as tensors."""
        lists = {name: [torch.as_tensor(array) for array in arrays] for name, arrays in self._lists().items()}
        kept = {"waiting": self.waiting, "recent": self.recent, "recent_by_task": self.recent_by_task}
        tensors = {key: {k: torch.as_tensor(array) for k, array in part.items()} for key, part in kept.items()}
        return {**lists, **tensors, "running": torch.as_tensor(self.running)}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`; a window that an older checkpoint lacks begins anew."""
        if "running" not in saved:
            return
        for name, arrays in self._lists().items():
            arrays[:] = [tensor.numpy() for tensor in saved[name]]
        self.running = saved["running"].numpy().copy()
        for name in ("waiting", "recent", "recent_by_task"):
            setattr(self, name, {key: tensor.numpy() for key, tensor in saved[name].items()})

    def _enter(self, ended: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The episodes before which no other one began that still runs, in the order of their beginnings."""
        every = {name: np.concatenate([self.waiting.get(name, array[:0]), array]) for name, array in ended.items()}
        oldest = self.running.min() if len(self.running) else 0
        enters = every["begins"] < oldest
        self.waiting = {name: array[~enters] for name, array in every.items()}
        order = np.argsort(every["begins"][enters], kind="stable")
        return {name: array[enters][order] for name, array in every.items()}

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
            "begins": self.begins,
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
