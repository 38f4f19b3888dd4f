"""Tasks that are written as classes as families: those with tests of their own are tested by these."""

from __future__ import annotations

from collections.abc import Mapping

from groundling.envs.families.banked import BankSuite
from groundling.envs.families.goals import SUITES, GoalFamily
from groundling.envs.worlds.task_source import TaskSource
from groundling.interfaces import Suite

LAYOUT = "layout"


class TaskFamily(GoalFamily):
    """A task. Where it has suites of its own (``Task.suites``) it is tested by them and on new layouts; else by the
    suites of goals.

    Args:
        source: of the episodes.
        reference: the spelling that finds it in another process.
    """

    def __init__(self, source: TaskSource, reference: str = "") -> None:
        super().__init__(source, reference)
        own = source.task.suites
        if own:
            self.suites: Mapping[str, Suite] = {LAYOUT: SUITES[LAYOUT]} | {
                name: BankSuite(variant.description, "seen", variant.is_usual, settings=tuple(variant.settings.items()))
                for name, variant in own.items()
            }
