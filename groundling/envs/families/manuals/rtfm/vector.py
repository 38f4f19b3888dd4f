"""The vector environment of RTFM."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_STATES
from groundling.envs.families.manuals.rtfm.batch import RTFMBatch
from groundling.envs.families.manuals.rtfm.drawing import draw
from groundling.envs.families.manuals.rtfm.judging import asked_ending
from groundling.envs.families.manuals.rtfm.names import ACTIONS, MAX_STEPS, NUM_SYMBOLS, Variant
from groundling.envs.families.manuals.rtfm.state import empty_seen
from groundling.envs.families.manuals.rtfm.wording import WORDS, Wording
from groundling.envs.families.manuals.vector import ManualVectorEnv
from groundling.envs.games.vector import check_render_mode
from groundling.interfaces import ACTION_MASK, CATEGORY, DOCUMENT, SYMBOLS, TOKENS, Field, Spec

_SHAPES = {name: array.shape[1:] for name, array in empty_seen(1)._asdict().items()}
SPEC = Spec(
    {
        "image": Field(_SHAPES["image"], "uint8", SYMBOLS, len(WORDS), sizes=(NUM_SYMBOLS, NUM_SYMBOLS, NUM_STATES)),
        "manual": Field(_SHAPES["manual"], "int32", DOCUMENT, len(WORDS)),
        "instruction": Field(_SHAPES["instruction"], "int32", TOKENS, len(WORDS)),
        "carried": Field((), "int64", CATEGORY, len(WORDS)),
        "valid": Field(_SHAPES["valid"], "bool", ACTION_MASK),
    },
    ACTIONS,
    WORDS,
)


def observation_space() -> spaces.Dict:
    """The space of a single observation."""
    highest = np.full(_SHAPES["image"], NUM_SYMBOLS - 1, dtype=np.uint8)
    highest[..., 2] = NUM_STATES - 1
    return spaces.Dict(
        image=spaces.Box(np.zeros_like(highest), highest, dtype=np.uint8),
        manual=spaces.Box(0, len(WORDS) - 1, _SHAPES["manual"], np.int32),
        instruction=spaces.Box(0, len(WORDS) - 1, _SHAPES["instruction"], np.int32),
        carried=spaces.Discrete(len(WORDS)),
        valid=spaces.MultiBinary(len(ACTIONS)),
    )


class RTFMVectorEnv(ManualVectorEnv[RTFMBatch]):
    """Many agents at once, each in a room with two monsters and two items, with a goal and a manual.

    The goal names a team. The manual says which monsters are in it, and which modifier of an item beats which element
    of a monster. To win is to walk into (or be walked into by) the monster of that team while carrying the item that
    beats its element; any other meeting with a monster is lost.

    ## Observation (``Dict``, B environments)
    - ``image`` [B, 10, 10, 3] uint8: row, column; token ids of the words for what is in a cell: (kind of monster, type
      of item, floor, wall or you; element or modifier; 0). A room of 6x6 is at the upper left, all else is 0. Items lie
      under monsters.
    - ``manual`` [B, 10, 18] int32: token ids of its sentences, 0 = padding; the same throughout an episode.
    - ``instruction`` [B, 12] int32: token ids of the goal.
    - ``carried`` [B] int64: token id of the modifier of the carried item, 0 for none.
    - ``valid`` [B, 5] bool: False for walking into a wall, which does nothing; a mask of actions, by which agents take
      no such action.

    ## Action (``Discrete(5)``)
    0 stay, 1 up, 2 down, 3 left, 4 right. Walking onto an item takes it and destroys the one that was carried.

    ## Reward
    +1 for winning, -1 for any other end, the time limit included; otherwise -0.02 a step.

    ## End of an episode
    ``terminated`` when the agent or a monster dies; ``truncated`` after ``max_steps`` steps: 100, as in the
    original's test of the full game (its other rooms have 1,000, SILG's 80). Autoreset mode SAME_STEP,
    ``info`` as ``GroundlingVectorEnv`` has it.

    ## Version history
    v0: first version. Source: Zhong et al. 2020, arXiv:1910.08210; sentences, split and sizes of arrays are our own.

    Args:
        variant: which rooms and names.
        num_envs: B.
        part: of the assignments of dynamics: "train", "validation", "unseen" or "all".
        wording: of the sentences.
        seed: names the episodes where ``reset`` is given no seed.
        max_steps: of an episode.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        render_mode: None or "rgb_array".
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1, or the render mode is unknown.
    """

    def __init__(
        self,
        variant: Variant,
        num_envs: int,
        *,
        part: str,
        wording: Wording,
        seed: int = 0,
        max_steps: int = MAX_STEPS,
        copy: bool = True,
        render_mode: str | None = None,
        autoreset: bool = True,
    ) -> None:
        check_render_mode(render_mode)
        batch = RTFMBatch(variant, num_envs, part=part, wording=wording, seed=seed, max_steps=max_steps)
        super().__init__(batch, SPEC, observation_space(), copy=copy, render_mode=render_mode, autoreset=autoreset)

    @property
    def endings(self) -> NDArray[np.int64]:
        """The item and the monster that the last episode of each environment ended with, [B]; see ``Worlds.ending``."""
        return self.batch.worlds.ending

    def endings_asked(self, documents: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Those that manuals [R, S, L] ask for in the present episodes of environments [R]; -1 where for none."""
        return asked_ending(self.batch.worlds, documents, rows)

    def draw(self, row: int) -> NDArray[np.uint8]:
        """A picture [H, W, 3] uint8 of a room from above."""
        size = self.batch.variant.size
        return draw(self.batch.seen.image[row, :size, :size])
