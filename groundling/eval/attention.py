"""An agent's attention: where it looks under its instruction, and how much each word matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.encoders.base import TextEncoder
from groundling.agents.encoders.symbolic import SymbolicEncoder
from groundling.agents.explanation import attention_map
from groundling.envs.engine.constants import EMPTY
from groundling.envs.families.base import EpisodeSet
from groundling.envs.specification import spec_of
from groundling.envs.texts import texts_of
from groundling.errors import ConfigurationError
from groundling.eval.pictures import drawn_kinds, picture_of
from groundling.interfaces import TOKENS, Observation
from groundling.language.vocabulary import split_words

LOOKED_AT: Final = 64  # first observations among which the shown ones are chosen
CAPTION: Final = (
    "What the agent sees first, its attention (bright where it is high), and how much each word matters: by how much "
    "the probabilities of its first action change (total variation, 0 to 1) when the word is left out of the "
    "instruction. Of the first {count} episodes of {row}, these are the ones where words change most."
)


@dataclass(frozen=True)
class Reading:
    """How an agent reads the instruction of one episode, at its first step.

    Attributes:
        instruction: the sentence.
        words: its words.
        effects: [words] change of the action probabilities when the word is left out, total variation, 0 to 1.
        seen: the agent's picture [H, W, 3] uint8.
        attention: [rows, columns] from 0 up.
    """

    instruction: str
    words: tuple[str, ...]
    effects: NDArray[np.float32]
    seen: NDArray[np.uint8]
    attention: NDArray[np.float32]


@torch.no_grad()
def word_effects(agent: ActorCritic, observation: Observation, key: str) -> NDArray[np.float32]:
    """By how much each word changes what the agent does first.

    effect_i = 1/2 * sum_a |pi(a | s, words) - pi(a | s, words without i)|

    Args:
        agent: that acts.
        observation: of B episodes that begin.
        key: of the token ids [B, L] in it.

    Returns:
        [B, L] float32, 0 at padding and where a sentence has one word only.
    """
    tokens = np.asarray(observation[key])
    whole = _first_probabilities(agent, observation)
    effects = np.zeros(tokens.shape, dtype=np.float32)
    lengths = (tokens != 0).sum(axis=1)
    for place in range(int(lengths.max(initial=0))):
        shorter = np.concatenate([tokens[:, :place], tokens[:, place + 1 :], np.zeros_like(tokens[:, :1])], axis=1)
        is_word = (lengths > 1) & (place < lengths)
        shorter[~is_word] = tokens[~is_word]
        changed = _first_probabilities(agent, {**observation, key: shorter})
        effects[:, place] = 0.5 * np.abs(changed - whole).sum(axis=1)
    return effects


def _first_probabilities(agent: ActorCritic, observation: Observation) -> NDArray[np.float32]:
    """[B, A] of the actions at the first step of episodes."""
    batch = len(next(iter(observation.values())))
    is_first = torch.ones(1, batch, dtype=torch.bool)
    logits = agent(agent.prepare(observation), agent.initial_state(batch), is_first).logits[0]
    return np.asarray(logits.softmax(dim=-1).cpu().numpy(), dtype=np.float32)


def readings(agent: ActorCritic, episodes: EpisodeSet, count: int = 2) -> list[Reading]:
    """The episodes, among the first ones, whose words change the agent's first action most, no sentence twice.

    Args:
        agent: whose attention is shown.
        episodes: of a suite.
        count: how many at most.

    Returns:
        none where the agent reads no text, has no map of its attention, or sees no picture.
    """
    if not isinstance(agent.encoder, TextEncoder):
        return []
    envs = episodes.make_envs(min(LOOKED_AT, episodes.count, episodes.most_envs))
    try:
        spec = spec_of(envs)
        observation, info = envs.reset(seed=episodes.reset_seed)
        observation = {name: np.array(values) for name, values in observation.items()}
        texts = texts_of(envs, observation, info, spec)
        keys = spec.keys_of(TOKENS)
        if not keys or picture_of(observation, spec, kinds=drawn_kinds(envs)) is None:
            return []
        try:
            maps = contrast(agent, observation)
        except ConfigurationError:  # an encoder of the user's own that has no map of its attention
            return []
        effects = word_effects(agent, observation, keys[0])
        chosen: dict[str, int] = {}
        for row in np.argsort(-effects.max(axis=1), kind="stable").tolist():
            chosen.setdefault(texts[row], row)
        found = []
        for text, row in list(chosen.items())[:count]:
            words = tuple(split_words(text))
            seen = picture_of(observation, spec, row, drawn_kinds(envs))
            assert seen is not None
            found.append(Reading(text, words, effects[row, : len(words)], seen, maps[row]))
        return found
    finally:
        envs.close()


def contrast(agent: ActorCritic, observation: Observation) -> NDArray[np.float32]:
    """The agent's attention maps as pictures have them; of symbols, less the attention to an empty tile.

    An empty tile has some attention as well; without it, what the instruction singles out stands out.

    Args:
        agent: whose encoder reads text.
        observation: of B environments.

    Returns:
        [B, rows, columns] float32, from 0 up.

    Raises:
        ConfigurationError: if the agent's encoder has no such map.
    """
    maps = np.array(attention_map(agent, observation).float().cpu().numpy(), dtype=np.float32)
    if isinstance(agent.encoder, SymbolicEncoder):
        maps = maps.transpose(0, 2, 1).copy()  # by column and row, as symbolic images are
        is_empty = np.asarray(observation[agent.encoder.image_key])[..., 0].transpose(0, 2, 1) == EMPTY
        for own, empty in zip(maps, is_empty, strict=True):
            if empty.any():
                own -= own[empty].mean()
    return np.maximum(maps, 0)
