"""A task in Montezuma's Revenge as a family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from gymnasium.vector import VectorEnv

from groundling.envs.described_clips import DescribedClips
from groundling.envs.families.base import EnvFamily
from groundling.envs.families.montezuma.clips import CLIPS_VERSION, record_clips
from groundling.envs.families.montezuma.tasks import Task
from groundling.envs.families.montezuma.vector import SPEC, MontezumaVectorEnv, Rules
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec, Suite

SUITES: Final[Mapping[str, Suite]] = {
    "layout": Suite("the same task after other waiting times at its beginning", "seen"),
}
SETTINGS: Final = ("frames", "sticky", "max_steps", "description")


class MontezumaFamily(EnvFamily):
    """One task.

    Settings behind the id: ``frames`` (of a step, ``4`` or ``2-4``), ``sticky`` (chance that the action before is
    repeated in a frame), ``max_steps``, ``description`` (1, 2 or 3; by default one is drawn for each episode).

    Args:
        task: which one.
        rules: how the game is stepped.
    """

    suites = SUITES
    spec: Spec = SPEC
    most_envs: ClassVar[int] = 8  # emulators

    def __init__(self, task: Task, rules: Rules | None = None) -> None:
        self.task, self.rules = task, rules or Rules()
        self.id = self.reference = task.id
        self.description = f"Montezuma's Revenge, task {task.number} of 15: {task.descriptions[0]}"

    def with_settings(self, settings: Mapping[str, str]) -> MontezumaFamily:
        """The same task with other rules; see the class."""
        values: dict[str, Any] = {}
        for name, told in settings.items():
            if name not in SETTINGS:
                raise ConfigurationError(f"{self.id} has no setting {name!r}: choose among {', '.join(SETTINGS)}")
            try:
                if name == "frames":
                    fewest, _, most = told.partition("-")
                    values[name] = int(fewest), int(most or fewest)
                else:
                    values[name] = float(told) if name == "sticky" else int(told)
            except ValueError as error:
                raise ConfigurationError(f"{name} of {self.id} is a number, not {told!r}") from error
        return MontezumaFamily(self.task, Rules(**values))

    def make_vec(
        self,
        split: Any,
        num_envs: int,
        seed: int,
        *,
        render_mode: str | None = None,
        autoreset: bool = True,
        **options: Any,
    ) -> VectorEnv:
        """B emulators; every split is the same task."""
        return MontezumaVectorEnv(
            self.task, num_envs, seed=seed, rules=self.rules, render_mode=render_mode, autoreset=autoreset
        )

    def example(self) -> str:
        """One of the descriptions, told without an emulator."""
        return self.task.descriptions[0]

    def texts_of_split(self, split: Any, make_envs: Any, count: int, seed: int) -> Sequence[str]:
        """Every description is told as often as any other."""
        chosen = self.rules.description
        return (self.task.descriptions[chosen - 1],) if chosen else self.task.descriptions

    def described_clips(self, count: int, seed: int) -> DescribedClips:
        """Scripted play in the rooms of all tasks, described by how the player moved; nobody of our own played."""
        return record_clips(count, seed)

    @property
    def clips_fingerprint(self) -> str:
        """The clips are the same for all tasks."""
        return f"montezuma {CLIPS_VERSION}"
