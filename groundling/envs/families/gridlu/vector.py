"""The vector environment of GridLU."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_STATES
from groundling.envs.families.gridlu.batch import GridLUBatch
from groundling.envs.families.gridlu.drawing import draw
from groundling.envs.families.gridlu.instructions import NUM_TOKENS, vocabulary
from groundling.envs.families.gridlu.names import ACTIONS, NUM_SYMBOLS, SIZE, Game, View
from groundling.envs.families.gridlu.painting import PICTURE_SHAPE
from groundling.envs.games.vector import GameVectorEnv, check_render_mode
from groundling.interfaces import RGB, SYMBOLS, TOKENS, Field, Spec

IMAGE_SHAPE = (SIZE, SIZE, 3)


def make_spec(view: View) -> Spec:
    """What an agent is built for; both tasks have the same."""
    words = vocabulary()
    symbols = Field(IMAGE_SHAPE, "uint8", SYMBOLS, len(words), sizes=(NUM_SYMBOLS, NUM_SYMBOLS, NUM_STATES))
    return Spec(
        {
            "image": symbols if view == "symbols" else Field(PICTURE_SHAPE, "uint8", RGB),
            "instruction": Field((NUM_TOKENS,), "int32", TOKENS, len(words)),
        },
        ACTIONS,
        words,
    )


def observation_space(view: View) -> spaces.Dict:
    """The space of a single observation."""
    highest = np.full(IMAGE_SHAPE, NUM_SYMBOLS - 1, dtype=np.uint8)
    highest[..., 2] = NUM_STATES - 1
    symbols = spaces.Box(np.zeros_like(highest), highest, dtype=np.uint8)
    return spaces.Dict(
        {
            "image": symbols if view == "symbols" else spaces.Box(0, 255, PICTURE_SHAPE, np.uint8),
            "instruction": spaces.Box(0, len(vocabulary()) - 1, (NUM_TOKENS,), np.int32),
        }
    )


class GridLUVectorEnv(GameVectorEnv[GridLUBatch]):
    """Many cursors at once, each on a grid of 5 x 5 cells with blocks of three shapes and three colors.

    In Relations a sentence says where the agent is to be, seen from a block, or the other way round, or where a block
    is to be, seen from another one: next to it in one of four directions, or in the same cell. Any block that fits the
    description does. In Arrangements four blocks are to form a pattern, alone or among four of another color.

    An agent that carries nothing goes into any cell. One that carries a block cannot go into the cell of another one.
    A block that is carried is in the agent's cell, for the sentence as well.

    ## Observation (``Dict``, B environments)
    - ``image`` [B, 5, 5, 3] uint8: row, column; (token id of "floor" or of a block's shape; token id of its color, or
      0; the agent: 0 is elsewhere, 1 is here, 2 is here and carries the block that is seen). With ``view="rgb"``
      [B, 56, 56, 3] uint8, the picture; the id is then ``ID?view=rgb``.
    - ``instruction`` [B, 9] int32: token ids, 0 = padding.

    ## Action (``Discrete(5)``)
    0 left, 1 right, 2 up, 3 down, 4 interact: take up the block of the cell, or put down the one that is carried; on an
    empty cell it does nothing. What would lead out of the grid or into another block does nothing.

    ## Reward
    +1 for every step after which it is so what the sentence says, else 0: to stay pays.

    ## End of an episode
    ``truncated`` after ``max_steps`` steps, by default 30 (Relations) and 45 (Arrangements), never before. Then
    ``success`` in ``info`` says whether it is so in the last state. Autoreset mode SAME_STEP, ``info`` as
    ``GroundlingVectorEnv`` has it.

    ## Version history
    v0: first version. Source: Bahdanau et al. 2019, arXiv:1806.01946, section 4 and appendices; symbols instead of
    pictures, sentences instead of expression trees. Where the paper is silent it is our choice that a carried block is
    in the agent's cell, that the blocks of Arrangements are squares, and what eels and snakes are (see ``patterns``).

    Args:
        game: the task.
        num_envs: B.
        part: of the instructions, see ``instructions.part``.
        seed: names the episodes where ``reset`` is given no seed.
        max_steps: of an episode; None takes the task's.
        view: what agents see, "symbols" or "rgb".
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        render_mode: None or "rgb_array".
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1, or the render mode is unknown.
    """

    def __init__(
        self,
        game: Game,
        num_envs: int,
        *,
        part: str = "all",
        seed: int = 0,
        max_steps: int | None = None,
        view: View = "symbols",
        copy: bool = True,
        render_mode: str | None = None,
        autoreset: bool = True,
    ) -> None:
        check_render_mode(render_mode)
        batch = GridLUBatch(game, num_envs, part=part, seed=seed, max_steps=max_steps, view=view)
        super().__init__(
            batch, make_spec(view), observation_space(view), copy=copy, render_mode=render_mode, autoreset=autoreset
        )

    def draw(self, row: int) -> NDArray[np.uint8]:
        """A picture [H, W, 3] uint8 of a grid."""
        return draw(self.batch.worlds, row)
