"""Answering as an action: which answers there are, which of them suit a sentence, and the mask that an agent is given.

Answer k is action ``NUM_ACTIONS + k``, after the moves of the body. The clause ``ANSWER`` of a goal program judges it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_ACTIONS, Action
from groundling.errors import ConfigurationError

MASK_KEY: Final = "action_mask"  # of an observation: which actions are worth trying


@dataclass(frozen=True)
class Answers:
    """The answers of a family of tasks.

    Attributes:
        names: of the answers, in their order.
        suitable: of a sentence, which answers [number of answers] it may have; a function of a module, so that it can
            travel to other processes.
        moves: of MiniGrid's seven that are of any use in these worlds.
        stops_first: whether an agent has to take the action "done", and then only answers; moves end the episode.
    """

    names: tuple[str, ...]
    suitable: Callable[[str], NDArray[np.bool_]]
    moves: tuple[Action, ...] = (Action.LEFT, Action.RIGHT, Action.FORWARD, Action.TOGGLE)
    stops_first: bool = False

    @property
    def num_actions(self) -> int:
        """A: moves, then answers."""
        return NUM_ACTIONS + len(self.names)

    @property
    def action_names(self) -> tuple[str, ...]:
        """What the actions are called."""
        return (*(action.name.lower() for action in Action), *(f"answer {name}" for name in self.names))

    def masks(self, sentences: Sequence[str]) -> ActionMasks:
        """The masks of these sentences."""
        return ActionMasks(self, sentences)


class ActionMasks:
    """The action mask of each environment of a batch.

    Args:
        answers: of the tasks.
        sentences: [S] of the bank.

    Attributes:
        moving: [S, A] int8, the mask of each sentence.
        answering: [S, A] int8, that of an agent that has stopped, where agents stop first.
        stops_first: whether they do.

    Raises:
        ConfigurationError: if a sentence suits no answer.
    """

    def __init__(self, answers: Answers, sentences: Sequence[str]) -> None:
        table = np.zeros((len(sentences), answers.num_actions), dtype=np.int8)
        for row, sentence in enumerate(sentences):
            table[row, NUM_ACTIONS:] = answers.suitable(sentence)
        if len(sentences) and not table.any(axis=1).all():
            raise ConfigurationError(f"no answer suits {sentences[int((~table.any(axis=1)).argmax())]!r}")
        self.moving = table.copy()
        self.moving[:, list(answers.moves)] = 1
        self.answering = table
        self.stops_first = answers.stops_first
        if answers.stops_first:
            self.moving[:, NUM_ACTIONS:] = 0
            self.moving[:, Action.DONE] = 1

    def of(self, sentence: NDArray[np.integer], has_stopped: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Which actions are worth trying, [B, A], 0 or 1.

        Args:
            sentence: [B] row of the bank's sentences.
            has_stopped: [B] whether only answers are left; of no consequence unless agents stop first.
        """
        masks: NDArray[np.int8] = self.moving[sentence]
        if self.stops_first:
            masks[has_stopped] = self.answering[sentence[has_stopped]]
        return masks
