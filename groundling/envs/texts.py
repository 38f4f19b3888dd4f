"""The texts of the episodes that environments are in, under whatever key they tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from groundling.errors import ConfigurationError
from groundling.interfaces import DOCUMENT, TOKENS, Spec

ATTRIBUTES = ("instructions", "texts")


def texts_of(envs: VectorEnv, observation: Mapping[str, Any], info: Mapping[str, Any], spec: Spec) -> list[str]:
    """The sentence of each environment, [B].

    Args:
        envs: that may have them at an attribute ``instructions`` or ``texts``.
        observation: of theirs, whose token ids are decoded if nothing else tells them.
        info: that may have them as strings under ``KEY_text`` (or ``KEY``), where KEY is that of the field of tokens.
        spec: of the environments.

    Raises:
        ConfigurationError: if nothing tells them.
    """
    for name in ATTRIBUTES:
        told = getattr(envs.unwrapped, name, None)
        if told is not None and not callable(told) and len(told) == envs.num_envs:
            return [str(text) for text in told]
    keys = spec.keys_of(TOKENS)
    for name in (name for key in keys for name in (f"{key}_text", key)):
        if name in info and len(info[name]) == envs.num_envs:
            return [str(text) for text in info[name]]
    for key in keys:
        if key in observation and spec.vocabulary.is_named:
            return [spec.vocabulary.decode(row) for row in np.asarray(observation[key])]
    raise ConfigurationError(
        f"the environments do not tell their sentences: they have no attribute {' or '.join(ATTRIBUTES)}, no "
        f"{' or '.join(f'{key}_text' for key in keys) or 'text'} in info, and token ids of unknown words"
    )


def documents_of(observation: Mapping[str, Any], spec: Spec) -> list[tuple[str, ...]]:
    """The sentences of the documents of each environment, [B]: none where observations have no document.

    Args:
        observation: of B environments.
        spec: of the environments.
    """
    batch = len(np.asarray(next(iter(observation.values()))))
    found: list[tuple[str, ...]] = [()] * batch
    if not spec.vocabulary.is_named:
        return found
    for key in spec.keys_of(DOCUMENT):
        for row, document in enumerate(np.asarray(observation[key])):
            found[row] += tuple(spec.vocabulary.decode(line) for line in document if line.any())
    return found
