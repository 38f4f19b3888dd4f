"""The vector environment of Messenger."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from groundling.envs.engine.constants import NUM_STATES
from groundling.envs.families.manuals.messenger.batch import MessengerBatch, image_key
from groundling.envs.families.manuals.messenger.drawing import draw
from groundling.envs.families.manuals.messenger.judging import Judge
from groundling.envs.families.manuals.messenger.names import ACTIONS, NUM_SYMBOLS, SIZE, Stage
from groundling.envs.families.manuals.messenger.state import INSTRUCTION_TOKENS
from groundling.envs.families.manuals.messenger.texts import SENTENCE_TOKENS, Texts
from groundling.envs.families.manuals.vector import ManualVectorEnv
from groundling.envs.games.vector import check_render_mode
from groundling.interfaces import ACTION_MASK, CATEGORY, DOCUMENT, SYMBOLS, TOKENS, Field, Spec
from groundling.language.vocabulary import Vocabulary

IMAGE_SHAPE = (SIZE, SIZE, 3)


def spec_of_stage(stage: Stage, vocabulary: Vocabulary, frames: int) -> Spec:
    """What an agent in a stage is built for; agents of one stage can be trained on in another."""
    size = len(vocabulary)
    image = Field(IMAGE_SHAPE, "uint8", SYMBOLS, size, sizes=(NUM_SYMBOLS, NUM_SYMBOLS, NUM_STATES))
    return Spec(
        {
            **{image_key(frame): image for frame in range(frames)},
            "manual": Field((stage.num_sentences, SENTENCE_TOKENS), "int32", DOCUMENT, size),
            "instruction": Field((INSTRUCTION_TOKENS,), "int32", TOKENS, size),
            "carried": Field((), "int64", CATEGORY, size),
            "valid": Field((len(ACTIONS),), "bool", ACTION_MASK),
        },
        ACTIONS,
        vocabulary,
    )


def observation_space(stage: Stage, vocabulary: Vocabulary, frames: int) -> spaces.Dict:
    """The space of a single observation."""
    highest = np.full(IMAGE_SHAPE, NUM_SYMBOLS - 1, dtype=np.uint8)
    highest[..., 2] = NUM_STATES - 1
    last = len(vocabulary) - 1
    return spaces.Dict(
        {
            **{image_key(f): spaces.Box(np.zeros_like(highest), highest, dtype=np.uint8) for f in range(frames)},
            "manual": spaces.Box(0, last, (stage.num_sentences, SENTENCE_TOKENS), np.int32),
            "instruction": spaces.Box(0, last, (INSTRUCTION_TOKENS,), np.int32),
            "carried": spaces.Discrete(len(vocabulary)),
            "valid": spaces.MultiBinary(len(ACTIONS)),
        }
    )


class MessengerVectorEnv(ManualVectorEnv[MessengerBatch]):
    """Many agents at once, each in a room with an enemy, a message and a goal, and a manual that tells which is which.

    Each entity is what it is for this episode only: what the agent sees is that there is a dog, a ship and a mage. To
    win is to take the message and then reach the goal, off the enemy; to reach the goal without the message is lost.
    In stage 1 nothing moves, and to win is to take the message, or to reach the goal for an agent that begins with it.
    In stages 2 and 3 entities chase the agent, flee from it or stand still. In stage 3 there are a false message and a
    false goal, entities of the same kinds as the true ones that move in another way and are lethal.

    Entities move by half a cell, the agent by a whole one. What overlaps meets, so an entity may meet an agent that is
    seen in the next cell. All move at once, the entities by where the agent was.

    ## Observation (``Dict``, B environments)
    - ``image`` [B, 10, 10, 3] uint8: row, column; (token id of "floor", of "you", or of a second entity; token id of an
      entity, or 0; how the entity last changed its cell: 0 never, 1 up, 2 down, 3 left, 4 right). Of two entities in a
      cell the first has the lower token id. The heading stands for the frames of the original's agents, which see the
      last three steps; it is what an agent with a memory could tell from the images.
    - with ``frames`` above 1 also ``image_1``, ``image_2`` ...: the image of one, two ... steps ago. In the first steps
      of an episode its first image stands for those before it.
    - ``manual`` [B, S, 36] int32: token ids of its S sentences (3, in stage 3 6) in an order drawn for the episode,
      0 = padding; the same throughout an episode.
    - ``instruction`` [B, 6] int32: the same sentence always.
    - ``carried`` [B] int64: token id of "message" for an agent that has the message, else 0.
    - ``valid`` [B, 5] bool: False for walking out of the room, which does nothing.

    ## Action (``Discrete(5)``)
    0 up, 1 down, 2 left, 3 right, 4 stay.

    ## Reward
    +1 for winning, -1 for meeting what the agent must not meet, +0.5 for taking the message in stages 2 and 3, else 0.
    The last step of an episode that runs out of time gets -1 instead, whatever it brought: the original's trainer does
    this, here (as in RTFM) the environment does.

    ## End of an episode
    ``terminated`` when it is won or lost; ``truncated`` after ``max_steps`` steps, by default 4, 64 and 128. Autoreset
    mode SAME_STEP, ``info`` as ``GroundlingVectorEnv`` has it.

    ## Version history
    v0: first version. Source: Hanjie et al. 2021, arXiv:2101.07393; sentences and sizes of arrays are our own.

    Args:
        stage: 1, 2 or 3.
        num_envs: B.
        part: of the games: "train", "val", "test" or "all".
        texts: the sentences.
        words: which set of our own words games of train, val and test are told in.
        any_moves: entities move in any combination of ways.
        new_starts: begin where training never does.
        frames: F, how many steps are seen at once.
        seed: names the episodes where ``reset`` is given no seed.
        max_steps: of an episode; None takes the stage's.
        copy: return fresh arrays at every step; False returns the same arrays, rewritten by the next step.
        render_mode: None or "rgb_array".
        autoreset: begin the next episode in the step in which one ends; otherwise it stays as it ended until ``reset``.

    Raises:
        ConfigurationError: if num_envs or max_steps is less than 1, frames is not from 1 to 8, or the render mode is
            unknown.
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
        copy: bool = True,
        render_mode: str | None = None,
        autoreset: bool = True,
    ) -> None:
        check_render_mode(render_mode)
        batch = MessengerBatch(
            stage,
            num_envs,
            part=part,
            texts=texts,
            words=words,
            any_moves=any_moves,
            new_starts=new_starts,
            frames=frames,
            seed=seed,
            max_steps=max_steps,
        )
        super().__init__(
            batch,
            spec_of_stage(stage, texts.vocabulary, frames),
            observation_space(stage, texts.vocabulary, frames),
            copy=copy,
            render_mode=render_mode,
            autoreset=autoreset,
        )

    @property
    def endings(self) -> NDArray[np.int64]:
        """What the agent met first, and last, in the last episode of each environment, [B]; see ``Worlds.ending``."""
        return self.batch.worlds.ending

    def endings_asked(self, documents: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The endings that manuals [R, S, L] ask for in the episodes of environments [R], which have just begun; -1
        where for none.
        """
        is_first = self.batch.stage.number == 1
        asked = [
            self._judge.asked_ending(self.batch.worlds, document, int(row), is_first)
            for document, row in zip(documents, rows, strict=True)
        ]
        return np.array(asked, dtype=np.int64)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.batch.tables)

    def draw(self, row: int) -> NDArray[np.uint8]:
        """A picture [H, W, 3] uint8 of a room from above."""
        return draw(self.batch.worlds, row)
