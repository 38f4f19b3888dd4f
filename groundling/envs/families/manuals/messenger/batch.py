"""A batch of worlds: begins, steps, saves and restores them. Gymnasium's classes are thin layers over it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.batch import ManualBatch
from groundling.envs.families.manuals.messenger.games import GAMES
from groundling.envs.families.manuals.messenger.kernels import begin_batch, step_batch
from groundling.envs.families.manuals.messenger.names import ACTIONS, ENTITIES, INSTRUCTION, Stage
from groundling.envs.families.manuals.messenger.state import (
    CHASER,
    GONE,
    HIGHEST,
    IMMOVABLE,
    NONE,
    NOTHING,
    NUM_THINGS,
    OF_NONE,
    UNSTATED,
    empty_seen,
    empty_worlds,
    rules_of,
)
from groundling.envs.families.manuals.messenger.texts import Texts, check_told
from groundling.envs.games.batch import check_counts
from groundling.errors import ConfigurationError

MOST_FRAMES = 8


class MessengerBatch(ManualBatch):
    """B worlds of a stage, stepped in place.

    Args:
        stage: which.
        num_envs: B.
        part: of the games: "train", "val", "test" or "all".
        texts: the sentences.
        words: which set of our own words games of train, val and test are told in.
        any_moves: entities move in any combination of ways.
        new_starts: begin where training never does.
        frames: F, how many steps an agent sees at once.
        seed: names the episodes until ``restart`` is given other seeds.
        max_steps: after which an episode is cut off.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1, or frames is not from 1 to 8.
        MissingTextError: if the texts do not tell of something that manuals of these games tell.
    """

    def __init__(
        self,
        stage: Stage,
        num_envs: int,
        *,
        part: str,
        texts: Texts,
        words: tuple[int, int, int] = (0, 0, 0),
        any_moves: bool = False,
        new_starts: bool = False,
        frames: int = 1,
        seed: int = 0,
        max_steps: int | None = None,
    ) -> None:
        limit = stage.max_steps if max_steps is None else max_steps
        check_counts(num_envs, limit)
        check_frames(frames)
        self.stage = stage
        self.texts = texts
        self.tables = texts.tables
        self.rules = rules_of(stage, part, words, any_moves=any_moves, new_starts=new_starts, max_steps=limit)
        first = self.rules.first_game
        check_told(texts, range(first, first + self.rules.num_games), stage.number)
        super().__init__(
            num_envs,
            seed=seed,
            num_actions=len(ACTIONS),
            vocabulary=texts.vocabulary,
            worlds=empty_worlds(num_envs, stage.num_sentences),
            make_seen=partial(empty_seen, num_envs, stage.num_sentences, frames),
        )
        self.seen.instruction[:] = self.vocabulary.encode(INSTRUCTION)

    def begin(self, chosen: NDArray[np.bool_]) -> None:
        """Begin the next episode where ``chosen`` [B] says so."""
        begin_batch(self.worlds, chosen, self.rules, self.tables, self.seen)

    def advance(self, actions: NDArray[np.int64], autoreset: bool) -> None:
        """Step by checked actions [B]."""
        step_batch(self.worlds, actions, autoreset, self.rules, self.tables, self.seen, self.last, self.outcomes)

    def by_key(self, seen: Any) -> dict[str, NDArray[Any]]:
        """The frames of the image each under a key of its own."""
        arrays = super().by_key(seen)
        frames = arrays.pop("image")
        images = {image_key(frame): frames[:, frame] for frame in range(frames.shape[1])}
        return images | arrays

    def game(self, row: int) -> tuple[str, str, str]:
        """The entities that are enemy, message and goal in an environment."""
        return GAMES[self.worlds.game[row]]

    def needed(self) -> NDArray[np.bool_]:
        """Which sentences of the manuals are so, [B, S]: for probes, not for agents.

        All of these are needed to tell what each thing in the room is; the others tell of what is not there.
        """
        return self.worlds.about != OF_NONE

    def asserted(self) -> NDArray[np.int8]:
        """What each sentence asserts, [B, S, 3]: the numbers of entity, role and movement among ``ENTITIES``, ``ROLES``
        and ``TOLD``; for probes, not for agents.
        """
        return self.worlds.asserted.copy()

    def bounds(self) -> dict[str, tuple[float, float]]:
        """See ``GameBatch``."""
        last = NUM_THINGS - 1
        return {
            "game": (0, len(GAMES) - 1),
            "entity": (0, len(ENTITIES) - 1),
            "movement": (CHASER, UNSTATED),
            "x": (GONE, HIGHEST),
            "y": (GONE, HIGHEST),
            "heading": (0, len(ACTIONS)),
            "asserted": (NOTHING, len(ENTITIES) - 1),
            "about": (OF_NONE, last),
            "met": (NONE, last),
        }

    def check_saved(self, saved: dict[str, NDArray[Any]]) -> None:
        """Refuse a state of another stage or of other words.

        Raises:
            ConfigurationError: if it is one.
        """
        is_still = bool((saved["worlds.movement"] == IMMOVABLE).all())
        is_other_stage = is_still != (self.stage.number == 1) and not (is_still and self.rules.any_moves)
        if is_other_stage or saved["seen.manual"].max() >= len(self.vocabulary):
            raise ConfigurationError(f"the saved environments have movements or words that {self.stage.id} has not")


def image_key(frame: int) -> str:
    """The key of what was seen so many steps ago."""
    return f"image_{frame}" if frame else "image"


def check_frames(frames: int) -> None:
    """Refuse to show no step, or very many.

    Raises:
        ConfigurationError: if frames is not from 1 to 8.
    """
    if not 1 <= frames <= MOST_FRAMES:
        raise ConfigurationError(f"frames is from 1 to {MOST_FRAMES}, got {frames}")
