"""Specifications of environments: their own, or read off Gymnasium's spaces."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from groundling.envs.engine.answers import MASK_KEY
from groundling.envs.engine.constants import FIRST_TASK_TYPE, NUM_ACTIONS, NUM_COLORS, NUM_STATES, NUM_TYPES, Action
from groundling.errors import ConfigurationError
from groundling.interfaces import ACTION_MASK, CATEGORY, DEPTH, MAP, MASK, RGB, SYMBOLS, TOKENS, VECTOR, Field, Spec
from groundling.language.own_words import MAX_OWN_COLORS, MAX_OWN_TYPES
from groundling.language.vocabulary import VOCABULARY, Vocabulary

MOST_WORDS = 1_000_000  # an upper bound above this is that of an integer type, not of a vocabulary
HIGHEST_SYMBOL = max(NUM_TYPES, NUM_COLORS, NUM_STATES)
MOST_SYMBOLS = max(FIRST_TASK_TYPE + MAX_OWN_TYPES, NUM_COLORS + MAX_OWN_COLORS)
TEXT_KEYS = ("instruction", "mission")


def spec_of(envs: VectorEnv | gymnasium.Env) -> Spec:
    """What an agent in these environments is built for.

    Their attribute ``agent_spec`` says it, wherever it is under wrappers. Else it is read off their spaces, beside
    which the attributes ``vocabulary`` (or ``vocabulary_size``) and ``action_names`` are asked for.

    Raises:
        ConfigurationError: if an agent cannot see, read or act there.
    """
    own = _attribute(envs, "agent_spec")
    if isinstance(own, Spec):
        return own
    if isinstance(envs, VectorEnv):
        observation_space, action_space = envs.single_observation_space, envs.single_action_space
    else:
        observation_space, action_space = envs.observation_space, envs.action_space
    return spec_of_spaces(
        observation_space,
        action_space,
        _attribute(envs, "vocabulary") or _attribute(envs, "vocabulary_size"),
        action_names=_attribute(envs, "action_names"),
    )


def _attribute(envs: Any, name: str) -> Any:
    """An attribute of the environments, or of those that a wrapper has inside; None if none has it."""
    while envs is not None:
        found = getattr(envs, name, None)
        if found is not None:
            return found
        envs = vars(envs).get("env")
    return None


def spec_of_spaces(
    observation_space: gymnasium.Space[Any],
    action_space: gymnasium.Space[Any],
    vocabulary: Vocabulary | int | None = None,
    *,
    action_names: tuple[str, ...] | None = None,
) -> Spec:
    """The specification of a single environment's spaces.

    Args:
        observation_space: a ``Dict`` of boxes and ``Discrete`` with the token ids of an ``instruction`` [L].
        action_space: ``Discrete`` from 0.
        vocabulary: of the token ids, or how many there are; None reads their number off the bound of their space. As
            many as ``VOCABULARY`` has are taken for its words, others have no names.
        action_names: of the actions; by default those of MiniGrid where there are as many, else their numbers.

    Raises:
        ConfigurationError: if an agent cannot see, read or act there.
    """
    parts = observation_space.spaces if isinstance(observation_space, spaces.Dict) else {}
    text = next((key for key in TEXT_KEYS if isinstance(parts.get(key), spaces.Box)), "")
    words = parts.get(text)
    if not isinstance(words, spaces.Box):
        told = f"they are a Dict of {', '.join(parts)}" if parts else "they are not a Dict"
        raise ConfigurationError(
            f"the environments' observations have no instruction of token ids: {told}. Environments may say what they "
            "are by an attribute agent_spec"
        )
    if not isinstance(action_space, spaces.Discrete) or action_space.start != 0:
        raise ConfigurationError(f"an agent acts by Discrete actions from 0, these environments by {action_space}")
    if not isinstance(vocabulary, Vocabulary):
        size = vocabulary if vocabulary is not None else int(words.high.max()) + 1
        if size > MOST_WORDS:
            raise ConfigurationError(
                "the space of the environments' instructions does not say how many token ids there are: give it "
                "the highest one as its upper bound"
            )
        vocabulary = VOCABULARY if size == len(VOCABULARY) else Vocabulary.unnamed(size)
    fields = {key: _field(key, part, len(vocabulary) if key == text else 0) for key, part in parts.items()}
    count = int(action_space.n)
    if MASK_KEY in fields and fields[MASK_KEY].shape == (count,):  # as PettingZoo calls it, too
        fields[MASK_KEY] = Field((count,), fields[MASK_KEY].dtype, ACTION_MASK)
    if action_names is None:
        action_names = tuple(a.name.lower() for a in Action) if count == NUM_ACTIONS else tuple(map(str, range(count)))
    if len(action_names) != count:
        raise ConfigurationError(f"{count} actions have as many names, got {len(action_names)}: {action_names}")
    return Spec(fields, tuple(action_names), vocabulary)


def _field(key: str, space: gymnasium.Space[Any], words: int) -> Field:
    """The field of a space; ``words`` are those of an instruction, 0 of anything else."""
    if isinstance(space, spaces.Discrete):
        return Field((), str(space.dtype), CATEGORY, int(space.n))
    if isinstance(space, spaces.MultiBinary):
        return Field(tuple(space.shape or ()), str(space.dtype), MASK)
    if not isinstance(space, spaces.Box):
        raise ConfigurationError(f"no agent reads {key}, a {type(space).__name__}: give it as a Box of numbers")
    shape, dtype = tuple(space.shape), str(space.dtype)
    if words:
        return Field(shape, dtype, TOKENS, words)
    if space.dtype == np.uint8 and len(shape) == 3 and shape[2] == 3:
        sizes = _symbol_sizes(space)
        if not (sizes or space.high.max() <= HIGHEST_SYMBOL or shape[:2] == (7, 7)):  # nobody draws pictures of 7 x 7
            return Field(shape, dtype, RGB)
        return Field(shape, dtype, MAP if key == "explored" else SYMBOLS, sizes=sizes)
    if len(shape) == 2 and np.issubdtype(space.dtype, np.floating):
        return Field(shape, dtype, DEPTH)
    if len(shape) == 1 and np.issubdtype(space.dtype, np.floating):
        return Field(shape, dtype, VECTOR)
    raise ConfigurationError(
        f"the environments' {key} is {list(shape)} {dtype}: an agent sees [H, W, 3] uint8, [H, W] floating-point depth "
        "and [N] floating-point vectors; environments may say what else they give by an attribute agent_spec"
    )


def _symbol_sizes(space: spaces.Box) -> tuple[int, ...]:
    """How many types, colors and states symbols have by their bounds.

    Nothing if there are no more than usual, or nobody says how many: one bound is that of all three, or of pictures.
    """
    types, colors, states = (int(highest) + 1 for highest in space.high.reshape(-1, 3).max(axis=0))
    if (types <= NUM_TYPES and colors <= NUM_COLORS) or types == colors == states or max(types, colors) > MOST_SYMBOLS:
        return ()
    return max(NUM_TYPES, types), max(NUM_COLORS, colors), NUM_STATES
