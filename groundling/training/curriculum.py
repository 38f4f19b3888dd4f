"""Curricula: how often each of several tasks, or of a task's instructions, is drawn, as the agent learns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
import tyro
from numpy.typing import NDArray

from groundling.errors import ConfigurationError
from groundling.setting_types import check_settings
from groundling.training.running_average import RunningAverage

CurriculumKind = Literal["uniform", "fixed", "stages", "progress", "failures"]
Parts = Literal["tasks", "instructions"]
NOISE = 0.01  # progress that chance alone makes; without it a task that is not learned could be drawn for a rounding


@dataclass(frozen=True)
class CurriculumConfig:
    """How several tasks, or the instructions of one, are mixed.

    Attributes:
        kind: how often each task is sampled: "uniform" (all equally often), "fixed" (by given shares), "stages" (the
            tasks are added one by one, the next one when the newest succeeds), "progress" (more often those whose
            success changes fastest) or "failures" (more often those that fail most).
        of: what is mixed: "tasks", or "instructions" (the instructions of one task, each treated like a task).
        shares: for "fixed", how often each task is sampled, in their order, of any sum.
        promotion: for "stages", success on the newest task at which the next one is added; one number, or one for each
            task but the last.
        window: for "stages", number of episodes of the newest task over which this success is averaged.
        rehearsal: for "stages", share of all earlier tasks together, sampled equally often.
        exploration: for "progress" and "failures", share that is sampled equally often, whatever the success.
        fast_episodes: for "progress" and "failures", number of episodes over which the recent success of a task is
            averaged.
        slow_episodes: for "progress", number of episodes over which the earlier success is averaged, with which the
            recent one is compared.

    Raises:
        ConfigurationError: if a setting cannot work.
    """

    # without a name of its own the command line asks for --curriculum KIND
    kind: Annotated[CurriculumKind, tyro.conf.arg(name="")] = "uniform"
    of: Parts = "tasks"
    shares: tuple[float, ...] = ()
    promotion: tuple[float, ...] = (0.9,)
    window: int = 500
    rehearsal: float = 0.3
    exploration: float = 0.2
    fast_episodes: int = 500
    slow_episodes: int = 2500

    def __post_init__(self) -> None:
        check_settings(self)
        if self.kind not in get_args(CurriculumKind):
            raise ConfigurationError(f"a curriculum is one of {', '.join(get_args(CurriculumKind))}, not {self.kind!r}")
        if self.of not in get_args(Parts):
            raise ConfigurationError(f"a curriculum is of {' or '.join(get_args(Parts))}, not of {self.of!r}")
        if self.of == "instructions" and self.kind in ("uniform", "fixed", "stages"):
            raise ConfigurationError(
                f"the curriculum {self.kind!r} is not of instructions, which have no order and are drawn alike without "
                "one: choose 'progress' or 'failures'"
            )
        if (self.kind == "fixed") != bool(self.shares):
            raise ConfigurationError("the curriculum 'fixed' needs shares, one for each task, and no other takes them")
        if not all(share >= 0 for share in self.shares) or (self.shares and not 0 < sum(self.shares) < float("inf")):
            raise ConfigurationError(f"shares are not negative and not all zero, got {self.shares}")
        if not self.promotion or not all(0 < success <= 1 for success in self.promotion):
            raise ConfigurationError(f"promotion is a success above 0 and at most 1, or several, got {self.promotion}")
        if self.window < 1:
            raise ConfigurationError(f"window must be at least 1, got {self.window}")
        if not 0 <= self.rehearsal < 1:
            raise ConfigurationError(f"rehearsal must be at least 0 and less than 1, got {self.rehearsal}")
        if not 0 < self.exploration <= 1:
            raise ConfigurationError(f"exploration must be greater than 0 and at most 1, got {self.exploration}")
        if not 1 <= self.fast_episodes < self.slow_episodes:
            raise ConfigurationError(
                f"fast_episodes must be at least 1 and less than slow_episodes, got {self.fast_episodes} and "
                f"{self.slow_episodes}"
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CurriculumConfig:
        """Read plain values (``dataclasses.asdict``, or JSON's) back.

        Raises:
            ConfigurationError: if a setting has an impossible value.
            TypeError, KeyError: if they are not the settings of a curriculum.
        """
        return cls(**{**values, "promotion": tuple(values["promotion"]), "shares": tuple(values.get("shares", ()))})

    def check(self, num_tasks: int) -> None:
        """Refuse a number of tasks that the curriculum cannot order.

        Raises:
            ConfigurationError: if there is nothing to choose from, there are too many or too few promotions, or it is
                of the instructions of several tasks.
        """
        if self.of == "instructions":
            if num_tasks > 1:
                raise ConfigurationError(f"a curriculum of instructions is of those of one task, not of {num_tasks}")
            return
        if self.kind != "uniform" and num_tasks < 2:
            raise ConfigurationError(
                f"the curriculum {self.kind!r} chooses among several tasks: name them with --tasks (or, unless it is "
                "'stages', have it choose among the instructions of one: --curriculum.of instructions)"
            )
        if self.kind == "fixed" and len(self.shares) != num_tasks:
            raise ConfigurationError(f"{num_tasks} tasks have as many shares, got {len(self.shares)}")
        if self.kind == "stages" and len(self.promotion) not in (1, num_tasks - 1):
            raise ConfigurationError(
                f"{num_tasks} tasks have {num_tasks - 1} promotions, or one for all of them, got {len(self.promotion)}"
            )


class Curriculum:
    """How often each of K tasks is drawn: here all alike; the kinds below change it by the successes of every update.

    The first episodes of a task to end are the short ones, and those are the successful ones. What ends in the first
    updates in which a task is drawn is therefore not counted, until one that fails by its time limit would have ended.

    Args:
        config: settings.
        warmup_updates: [K] updates that an episode of each task lasts at most.
    """

    def __init__(self, config: CurriculumConfig, warmup_updates: Sequence[int]) -> None:
        self.config = config
        self.warmup_updates = tuple(warmup_updates)

    def shares(self) -> NDArray[np.float64]:
        """How often each task is to be drawn, [K] with sum 1."""
        return np.full(len(self.warmup_updates), 1 / len(self.warmup_updates))

    def note(self, successes: Sequence[NDArray[np.bool_]]) -> None:
        """Hear of an update: for each task whether each of its episodes succeeded, in the order of their ends."""

    def metrics(self) -> dict[str, float]:
        """What is worth a line in the log, the shares apart."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """All that the shares to come depend on, the episodes to come apart, as plain values."""
        return {}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict` of a curriculum over the same tasks."""


class FixedShares(Curriculum):
    """Tasks by the shares that the configuration gives."""

    def shares(self) -> NDArray[np.float64]:
        """See :class:`Curriculum`."""
        shares = np.array(self.config.shares, dtype=np.float64)
        return shares / shares.sum()


class StagedTasks(Curriculum):
    """One task after the other: the next one is added when the newest one succeeds often enough.

    The newest task has the share 1 - rehearsal, the earlier ones have the rest in equal parts, later ones nothing.
    """

    def __init__(self, config: CurriculumConfig, warmup_updates: Sequence[int]) -> None:
        super().__init__(config, warmup_updates)
        steps = len(self.warmup_updates) - 1
        self.promotion = config.promotion * steps if len(config.promotion) == 1 else config.promotion
        self.newest = 0
        self._updates = 0  # since the newest task was added
        self._recent = np.zeros(0, dtype=np.bool_)

    def shares(self) -> NDArray[np.float64]:
        """See :class:`Curriculum`."""
        shares = np.zeros(len(self.warmup_updates))
        shares[self.newest] = 1.0
        if self.newest:
            shares[self.newest] -= self.config.rehearsal
            shares[: self.newest] = self.config.rehearsal / self.newest
        return shares

    def note(self, successes: Sequence[NDArray[np.bool_]]) -> None:
        """See :class:`Curriculum`."""
        self._updates += 1
        if self.newest == len(self.promotion) or self._updates <= self.warmup_updates[self.newest]:
            return
        self._recent = np.concatenate([self._recent, successes[self.newest]])[-self.config.window :]
        if len(self._recent) == self.config.window and self._recent.mean() >= self.promotion[self.newest]:
            self.newest += 1
            self._updates = 0
            self._recent = self._recent[:0]

    def metrics(self) -> dict[str, float]:
        """``stage``: how many of the tasks are drawn."""
        return {"stage": float(self.newest + 1)}

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Curriculum`."""
        return {"newest": self.newest, "updates": self._updates, "recent": self._recent.tolist()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Curriculum`."""
        self.newest, self._updates = saved["newest"], saved["updates"]
        self._recent = np.array(saved["recent"], dtype=np.bool_)


class BySuccess(Curriculum):
    """Tasks by their success now and before.

    share_k = exploration / K + (1 - exploration) * w_k / sum_j w_j

    with weights of two running averages of a task's success, which are 0 before its first episode.
    """

    def __init__(self, config: CurriculumConfig, warmup_updates: Sequence[int]) -> None:
        super().__init__(config, warmup_updates)
        self._updates = 0
        self._fast = RunningAverage(len(self.warmup_updates), config.fast_episodes)
        self._slow = RunningAverage(len(self.warmup_updates), config.slow_episodes)

    def weights(self, fast: NDArray[np.float64], slow: NDArray[np.float64]) -> NDArray[np.float64]:
        """[K] greater than 0, of the averages [K] over the newest and over more episodes."""
        raise NotImplementedError

    def shares(self) -> NDArray[np.float64]:
        """See :class:`Curriculum`."""
        weights = self.weights(self._fast.values(), self._slow.values())
        exploration = self.config.exploration
        return exploration * super().shares() + (1 - exploration) * weights / weights.sum()

    def note(self, successes: Sequence[NDArray[np.bool_]]) -> None:
        """See :class:`Curriculum`."""
        self._updates += 1
        for task, ended in enumerate(successes):
            if len(ended) and self._updates > self.warmup_updates[task]:
                self._fast.add(task, float(ended.mean()), len(ended))
                self._slow.add(task, float(ended.mean()), len(ended))

    def state_dict(self) -> dict[str, Any]:
        """See :class:`Curriculum`."""
        return {"updates": self._updates, "fast": self._fast.state_dict(), "slow": self._slow.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """See :class:`Curriculum`."""
        self._updates = saved["updates"]
        self._fast.load_state_dict(saved["fast"])
        self._slow.load_state_dict(saved["slow"])


class LearningProgress(BySuccess):
    """Tasks by how fast their success changes, up or down: w_k = |fast_k - slow_k| + NOISE.

    Where nothing changes all tasks are drawn about alike.

    Source: Matiisen et al. 2017, arXiv:1707.00183 (slopes of scores, their absolute value against forgetting); Portelas
    et al. 2019, arXiv:1910.07224 (absolute learning progress beside a share of uniform draws).
    """

    def weights(self, fast: NDArray[np.float64], slow: NDArray[np.float64]) -> NDArray[np.float64]:
        """See :class:`BySuccess`."""
        return np.abs(fast - slow) + NOISE


class Failures(BySuccess):
    """Tasks by how often they fail now: w_k = 1 - fast_k + NOISE. It is for tasks all of which can be learned.

    Source: the idea of Jiang et al. 2021, arXiv:2010.03934 (levels by how much there is to learn in them), here by
    success instead of the error of the value.
    """

    def weights(self, fast: NDArray[np.float64], slow: NDArray[np.float64]) -> NDArray[np.float64]:
        """See :class:`BySuccess`."""
        return 1 - fast + NOISE


def make_curriculum(config: CurriculumConfig, warmup_updates: Sequence[int]) -> Curriculum:
    """The curriculum of a configuration over K tasks.

    Args:
        config: settings.
        warmup_updates: [K] updates that an episode of each task lasts at most.
    """
    kinds: dict[CurriculumKind, type[Curriculum]] = {
        "uniform": Curriculum,
        "fixed": FixedShares,
        "stages": StagedTasks,
        "progress": LearningProgress,
        "failures": Failures,
    }
    return kinds[config.kind](config, warmup_updates)
