"""Environments of other packages as one vector environment with the observations of an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from groundling.envs.final_observations import FinalObservations
from groundling.envs.simulators.foreign.adaptation import Channel
from groundling.envs.simulators.foreign.pool import Source
from groundling.envs.simulators.vector import space_of
from groundling.errors import ActionError, ConfigurationError
from groundling.interfaces import Spec
from groundling.language.vocabulary import split_words
from groundling.seeding import integer, reset_seed

Arrays = dict[str, NDArray[Any]]


class ForeignSource(Protocol):
    """B environments whose raw observations are in arrays; ``pool.ForeignPool`` is one, see its methods.

    Attributes:
        count: B.
        description: what the spaces are, see ``host.serving.Host.describe``.
        arrays: ``now:KEY``, ``final:KEY``, ``next_seed``, ``reward``, ``terminated``, ``truncated`` and ``success``.
    """

    arrays: dict[str, NDArray[Any]]
    count: int
    description: dict[str, Any]

    def map(self, sources: Sequence[Source]) -> None:
        """Have arrays of these parts."""

    def reset(self, seeds: NDArray[np.integer[Any]]) -> None:
        """Begin episodes of these seeds [B]."""

    def step(self, actions: NDArray[np.integer[Any]]) -> None:
        """Act [B]; where episodes end, those of ``next_seed`` begin."""

    def render(self, row: int) -> NDArray[np.uint8] | None:
        """A picture."""

    def close(self) -> None:
        """End them."""


class ForeignVectorEnv(VectorEnv[Arrays, NDArray[np.int64], NDArray[Any]]):
    """B environments of another package; autoreset mode SAME_STEP.

    ``info`` is as that of all vector environments of Groundling: ``final_obs`` and ``final_info`` with ``success``
    (where a flag or a rule tells it) and ``episode``. The texts are at :attr:`instructions`; words outside the
    vocabulary are read as the unknown word, and what is longer than the instruction's field is cut.

    Args:
        source: the environments; their arrays are mapped.
        num_envs: B.
        spec: of an agent in them.
        channels: how its observations are made, by key.
        text: the key of the raw observation that holds the text; empty where there is none.
        said: the instruction where there is no text.
        text_key: the key of the agent's observation that has the token ids.
        seed: names the episodes: each environment plays those of its own stream of seeds.
        split: the name of the split; every split has seeds of its own.
        render_mode: None or "rgb_array".
    """

    def __init__(
        self,
        source: ForeignSource,
        num_envs: int,
        spec: Spec,
        channels: Mapping[str, Channel],
        *,
        text: str = "",
        said: str = "",
        text_key: str = "instruction",
        seed: int = 0,
        split: str = "train",
        render_mode: str | None = None,
    ) -> None:
        self.autoreset_mode = AutoresetMode.SAME_STEP
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": ["rgb_array"], "render_fps": 10}
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.agent_spec = spec
        self.source = source
        self._channels = dict(channels)
        self._text, self._text_key = text, text_key
        self._seed, self._split = seed, split
        parts = {key: space_of(part) for key, part in spec.observation.items()}
        self.single_observation_space = spaces.Dict(parts)
        self.single_action_space = spaces.Discrete(spec.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.instructions = [said] * num_envs
        self._length = spec.observation[text_key].shape[-1]
        self._encoded: dict[str, NDArray[np.int32]] = {}
        self._tokens = np.stack([self._encode(said)] * num_envs)
        self._raw: NDArray[np.uint8] | None = None
        self._begun = np.zeros(num_envs, dtype=np.int64)
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, dtype=np.int64)
        self._started = False

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Arrays, dict[str, Any]]:
        """Begin an episode in every environment.

        Args:
            seed: begins the streams of episodes anew; None goes on with them.
            options: none are known.
        """
        if isinstance(seed, list):
            raise ConfigurationError("every environment has a stream of its own: give one integer as the seed")
        seed = reset_seed(seed)
        if seed is not None:
            self._seed, self._begun[:] = seed, 0
        self._returns[:], self._lengths[:] = 0, 0
        rows = range(self.num_envs)
        self.source.reset(np.array([self._next_seed(row) for row in rows]))
        for row in rows:
            self.source.arrays["next_seed"][row] = self._next_seed(row)
        self._started = True
        return self._observation("now"), {}

    def step(
        self, actions: ArrayLike
    ) -> tuple[Arrays, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Act in every environment; see the class.

        Raises:
            ActionError: if the actions are not [B] integers in [0, A).
            EngineError: if an environment fails.
        """
        chosen = np.asarray(actions)
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu":
            raise ActionError(f"actions are [{self.num_envs}] integers, got {list(chosen.shape)} {chosen.dtype}")
        if chosen.min() < 0 or chosen.max() >= self.agent_spec.num_actions:
            raise ActionError(f"actions are from 0 to {self.agent_spec.num_actions - 1}, got {chosen}")
        self.source.step(chosen)
        arrays = self.source.arrays
        reward = arrays["reward"].copy()
        terminated, truncated = arrays["terminated"].copy(), arrays["truncated"].copy()
        ended = terminated | truncated
        self._returns += reward
        self._lengths += 1
        info = self._final_info(ended) if ended.any() else {}
        for row in np.flatnonzero(ended).tolist():
            arrays["next_seed"][row] = self._next_seed(row)
        return self._observation("now"), reward, terminated, truncated, info

    def render(self) -> tuple[NDArray[np.uint8], ...] | None:
        """Pictures [H, W, 3] uint8 of every environment, if ``render_mode="rgb_array"``."""
        if self.render_mode is None:
            return None
        pictures = [self.source.render(row) for row in range(self.num_envs)]
        return tuple(picture for picture in pictures if picture is not None)

    def close_extras(self, **kwargs: Any) -> None:
        """End the environments."""
        self.source.close()

    def _final_info(self, ended: NDArray[np.bool_]) -> dict[str, Any]:
        """What the info of a step in which episodes ended tells of them."""
        last = self._observation("final", ended)
        told: dict[str, Any] = {
            "episode": {"r": np.where(ended, self._returns, 0), "l": np.where(ended, self._lengths, 0)},
            "_episode": ended,
        }
        success = self.source.arrays["success"]
        if (success[ended] >= 0).all():
            told |= {"success": (success > 0) & ended, "_success": ended}
        self._returns[ended], self._lengths[ended] = 0, 0
        final = FinalObservations(last, ended)
        return {"final_obs": final, "final_info": told, **dict.fromkeys(("_final_obs", "_final_info"), ended)}

    def _next_seed(self, row: int) -> int:
        self._begun[row] += 1
        return integer(self._seed, "episode", self._split, row, int(self._begun[row]) - 1) % 2**31

    def _observation(self, when: str, rows: NDArray[np.bool_] | None = None) -> Arrays:
        """What the agents are given, in fresh arrays."""
        arrays = self.source.arrays
        seen = {}
        for key, channel in self._channels.items():
            made = channel.of([arrays[f"{when}:{source.key}"] for source in channel.sources])
            seen[key] = made.copy() if made.base is not None else made
        if self._text:
            self._read(arrays[f"{when}:{self._text}"], rows)
        seen[self._text_key] = self._tokens.copy()
        return seen

    def _read(self, raw: NDArray[np.uint8], rows: NDArray[np.bool_] | None) -> None:
        """Read the texts anew that have changed, of these rows [B] or of all."""
        changed = np.ones(len(raw), dtype=np.bool_) if self._raw is None else (raw != self._raw).any(axis=1)
        if self._raw is None:
            self._raw = raw.copy()
        changed &= True if rows is None else rows
        for row in np.flatnonzero(changed).tolist():
            self._raw[row] = raw[row]
            text = decode(raw[row])
            self.instructions[row] = text
            self._tokens[row] = self._encode(text)

    def _encode(self, text: str) -> NDArray[np.int32]:
        """Token ids [L] of a text; kept, since texts repeat."""
        found = self._encoded.get(text)
        if found is None:
            words = " ".join(split_words(text)[: self._length])
            found = self.agent_spec.vocabulary.encode(words, length=self._length, allow_unknown=True)
            if len(self._encoded) < 100_000:
                self._encoded[text] = found
        return found


def decode(raw: NDArray[np.uint8]) -> str:
    """A text [4 + N] as ``host`` writes it."""
    length = int(raw[:4].view("<u4")[0])
    return bytes(raw[4 : 4 + length]).decode(errors="replace")
