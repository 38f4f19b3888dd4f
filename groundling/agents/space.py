"""What an agent is built for, read off the spaces of an environment and saved with every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from groundling.envs.constants import NUM_ACTIONS, NUM_COLORS, NUM_TYPES, VIEW_SIZE
from groundling.envs.embodiment import MAX_CODE
from groundling.errors import ConfigurationError
from groundling.language.vocabulary import VOCABULARY

MOST_WORDS = 1_000_000  # an upper bound above this is that of an integer type, not of a vocabulary


@dataclass(frozen=True)
class AgentSpace:
    """The images that an agent sees, the words that it knows and the actions that it can take; by default the grid's.

    Attributes:
        image_shape: (H, W, 3) of a uint8 image: MiniGrid's symbols, or RGB.
        num_actions: A.
        vocabulary_size: number of token ids, padding included.
        num_types: of symbolic cells, more than usual where a task brings some.
        num_colors: likewise.
    """

    image_shape: tuple[int, int, int] = (VIEW_SIZE, VIEW_SIZE, 3)
    num_actions: int = NUM_ACTIONS
    vocabulary_size: int = len(VOCABULARY)
    num_types: int = NUM_TYPES
    num_colors: int = NUM_COLORS

    @classmethod
    def of(
        cls, observation_space: gymnasium.Space, action_space: gymnasium.Space, vocabulary_size: int | None = None
    ) -> AgentSpace:
        """Of the spaces of a single environment.

        Args:
            observation_space: a ``Dict`` with ``image`` [H, W, 3] uint8 and ``instruction`` [L] token ids.
            action_space: ``Discrete`` from 0.
            vocabulary_size: number of token ids; None reads it off the bound of the instruction's space.

        Raises:
            ConfigurationError: if an agent cannot see, read or act there.
        """
        parts = observation_space.spaces if isinstance(observation_space, spaces.Dict) else {}
        missing = [key for key in ("image", "instruction") if not isinstance(parts.get(key), spaces.Box)]
        if missing:
            raise ConfigurationError(f"the environments' observations have no {', '.join(missing)}: {_what(parts)}")
        image, instruction = parts["image"], parts["instruction"]
        assert isinstance(image, spaces.Box)
        assert isinstance(instruction, spaces.Box)
        if image.dtype != np.uint8 or len(image.shape) != 3 or image.shape[2] != 3:
            raise ConfigurationError(
                f"the environments' images are {list(image.shape)} {image.dtype}, an agent sees [H, W, 3] uint8"
            )
        if not isinstance(action_space, spaces.Discrete) or action_space.start != 0:
            raise ConfigurationError(f"an agent acts by Discrete actions from 0, these environments by {action_space}")
        if vocabulary_size is None:
            vocabulary_size = int(instruction.high.max()) + 1
            if vocabulary_size > MOST_WORDS:
                raise ConfigurationError(
                    "the space of the environments' instructions does not say how many token ids there are: give it "
                    "the highest one as its upper bound"
                )
        height, width, depth = image.shape
        space = cls((height, width, depth), int(action_space.n), vocabulary_size)
        highest = image.high.reshape(-1, depth).max(axis=0).tolist()
        if max(highest) == MAX_CODE:  # of pictures, or of symbols of which nobody says how many there are
            return space
        return replace(space, num_types=max(NUM_TYPES, highest[0] + 1), num_colors=max(NUM_COLORS, highest[1] + 1))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> AgentSpace:
        """Read plain values (``dataclasses.asdict``, or JSON's) back."""
        height, width, depth = values["image_shape"]
        return cls(**{**values, "image_shape": (height, width, depth)})


def _what(parts: dict[str, Any]) -> str:
    return f"they are a Dict of {', '.join(parts)}" if parts else "they are not a Dict"
