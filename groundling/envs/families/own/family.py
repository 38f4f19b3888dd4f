"""Tasks that are written as classes as families: those with tests of their own are tested by these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundling.envs.banks.episode import Episode
from groundling.envs.families.banked import BankSuite
from groundling.envs.families.goals import SUITES, GoalFamily
from groundling.envs.worlds.standing import Restated, restated, with_rules_of
from groundling.envs.worlds.task_source import TaskSource
from groundling.interfaces import Suite
from groundling.language.grammar import parse

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
        self._task = source.task
        own = source.task.suites
        if own:
            self.suites: Mapping[str, Suite] = {LAYOUT: SUITES[LAYOUT]} | {
                name: BankSuite(variant.description, "seen", variant.is_usual, settings=tuple(variant.settings.items()))
                for name, variant in own.items()
            }

    def restate(self, episode: Episode, sentence: str, manual: Sequence[str] = ()) -> Restated:
        """The episode with another goal, in the language's words or in the task's own; see :class:`BankFamily`."""
        task = self._task
        own = task.goal_of(sentence, manual)
        goal = parse(sentence, task.lexicon) if own is None else own
        goal = with_rules_of(goal, episode.goal, episode.program)
        told = "" if own is None else sentence
        return restated(episode, goal, told, task.lexicon, task=task, max_steps=task.step_limit(goal))
