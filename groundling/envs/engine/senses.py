"""The senses of a batch beside what a step itself writes: pictures, maps, masks, manuals and previous actions.

A family asks for each of them; the device's versions are in ``cuda/senses.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.engine import on_top as on_top_sense
from groundling.envs.engine.answers import MASK_KEY, Answers
from groundling.envs.engine.array_pool import ArrayPool
from groundling.envs.engine.constants import Action
from groundling.envs.engine.explored import Explorer
from groundling.envs.engine.kinds import Kinds
from groundling.envs.engine.manuals import MANUAL_KEY, ManualSense
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY, PreviousActions
from groundling.envs.engine.state import Worlds
from groundling.envs.engine.top_down import TopDownPainter

Places = Callable[[], tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]


class Pictures(NamedTuple):
    """Senses that are drawn after a step, empty where nobody asked for them."""

    top_down: NDArray[np.uint8]  # [B, H * P, W * P, 3] RGB, the worlds from above
    explored: NDArray[np.uint8]  # [B, M, M, 3] column, row, (type, color, state): what each agent has seen
    on_top: NDArray[np.uint8]  # [B, 7, 7, 3] column, row, (type, color, state) of what stands on the things in view


class Senses:
    """What B agents are given beside the observations that a step writes; see ``Batch`` for the arguments.

    Args:
        bank: of the episodes.
        state: the worlds, rewritten by every step.
        width: tiles in a row of their maps, border included.
        places: says where the agents are, see ``Batch.places``.
        kinds: the types and colors that can be drawn.
        num_actions: A, answers included.
        top_down_pixels: of the view from above.
        explored_radius: of the map of what the agent has seen.
        on_top: add what stands on the things in view.
        previous_action: add the action that each agent took last.
        answers: of tasks in which agents answer, who are given a mask of actions.
        manual_space: of a manual.

    Attributes:
        painter, explorer, masks, manuals, previous: the senses; None where there is no such sense.
        has_on_top: whether what stands on the things in view is a sense.
        are_drawn: whether any is drawn after a step.
        pictures: what is drawn of the worlds as they are now.
        final_pictures: what was drawn of those whose episode ended in the last step.
    """

    def __init__(
        self,
        bank: EpisodeBank,
        state: Worlds,
        width: int,
        places: Places,
        *,
        kinds: Kinds,
        num_actions: int,
        top_down_pixels: int | None,
        explored_radius: int | None,
        on_top: bool,
        previous_action: bool,
        answers: Answers | None,
        manual_space: tuple[int, int] | None,
    ) -> None:
        self._bank, self._state, self._width, self._places = bank, state, width, places
        self._num_envs, cells = state.cells.shape
        self.manuals = None if manual_space is None else ManualSense(bank, manual_space)
        self.masks = None if answers is None else answers.masks(bank.instructions)
        self.previous = PreviousActions(self._num_envs, num_actions) if previous_action else None
        self.painter = None if top_down_pixels is None else TopDownPainter(bank, top_down_pixels, kinds)
        self.explorer = None if explored_radius is None else Explorer((self._num_envs, cells), explored_radius)
        self.has_on_top = on_top
        self.are_drawn = self.painter is not None or self.explorer is not None or on_top
        self._had_stopped = np.zeros(self._num_envs, dtype=np.bool_)  # those whose episode ended in the last step
        self._pools = ArrayPool(self._make_pictures), ArrayPool(self._make_pictures)
        self.renew_arrays()

    def _make_pictures(self) -> Pictures:
        shapes = [(0, 0, 0) if drawer is None else drawer.shape for drawer in (self.painter, self.explorer)]
        shapes.append(on_top_sense.SHAPE if self.has_on_top else (0, 0, 0))
        return Pictures(*(np.zeros((self._num_envs, *shape), dtype=np.uint8) for shape in shapes))

    def renew_arrays(self) -> None:
        """Draw into arrays that nobody else holds from now on."""
        self.pictures, self.final_pictures = (pool.take() for pool in self._pools)

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Note that episodes have begun where ``chosen`` [B] says so, other than after a step."""
        if self.previous is not None:
            self.previous.begin(chosen)

    def before_step(self, actions: NDArray[np.int64]) -> None:
        """Note what the worlds will not show after the step with these actions [B]."""
        if self.masks is not None and self.masks.stops_first:
            self._had_stopped = (self._state.current_step > 0) | (actions == Action.DONE)

    def after_step(self, actions: NDArray[np.int64], ended: NDArray[np.bool_], autoreset: bool) -> None:
        """Note the actions [B] of a step, and in which environments [B] it ended an episode."""
        if self.previous is not None:
            self.previous.note(actions, ended & autoreset)

    def draw(self, rows: NDArray[np.int64]) -> None:
        """Draw environments ``rows`` [R] as they are now."""
        self._draw_into(self.pictures, rows)

    def draw_last(self, rows: NDArray[np.int64]) -> None:
        """Draw environments ``rows`` [R], whose episode has just ended, before the next one begins."""
        self._draw_into(self.final_pictures, rows)

    def _draw_into(self, pictures: Pictures, rows: NDArray[np.int64]) -> None:
        if self.painter is not None:
            self.painter.draw(self._state, self._width, *self._places(), pictures.top_down, rows)
        if self.explorer is not None:
            self.explorer.draw(self._state, self._width, pictures.explored, rows)
        if self.has_on_top:
            on_top_sense.draw_on_top(self._state, self._width, pictures.on_top, rows)

    def seen(self) -> dict[str, NDArray[Any]]:
        """What is sensed now, by the keys of the observation space."""
        seen = _named(self.pictures)
        if self.masks is not None:
            seen[MASK_KEY] = self.masks.of(self._state.sentence, self._state.current_step > 0)
        if self.manuals is not None:
            seen[MANUAL_KEY] = self.manuals.of(self._state.episode)
        if self.previous is not None:
            seen[PREVIOUS_ACTION_KEY] = self.previous.now.copy()
        return seen

    def last_seen(self, episode: NDArray[np.integer[Any]]) -> dict[str, NDArray[Any]]:
        """What was sensed at the ends of these episodes, [B] rows of the bank; see ``Batch.last_seen``."""
        seen = _named(self.final_pictures)
        if self.masks is not None:
            seen[MASK_KEY] = self.masks.of(self._bank.sentences[episode], self._had_stopped)
        if self.manuals is not None:
            seen[MANUAL_KEY] = self.manuals.of(episode)
        if self.previous is not None:
            seen[PREVIOUS_ACTION_KEY] = self.previous.last.copy()
        return seen

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is saved of the senses, no copies."""
        arrays: dict[str, NDArray[Any]] = {f"observations.{key}": own for key, own in self.pictures._asdict().items()}
        if self.explorer is not None:
            arrays |= self.explorer.state_dict()
        if self.previous is not None:
            arrays[PREVIOUS_ACTION_KEY] = self.previous.now
        return arrays


def _named(pictures: Pictures) -> dict[str, NDArray[Any]]:
    return {name: array for name, array in pictures._asdict().items() if array.size}
