"""Any environment with Gymnasium's interface as a family: its spaces read, its texts learned, its success told."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.banks.held_out import HeldOut
from groundling.envs.families.base import EnvFamily
from groundling.envs.families.foreign.packages import UNKNOWN, Package
from groundling.envs.families.foreign.settings import Settings
from groundling.envs.families.foreign.splits import (
    CHOSEN,
    COMBINATION,
    WordSplit,
    held_out_phrases,
    split_by_words,
    split_without,
)
from groundling.envs.families.foreign.words import SPARE, Learned, learn_words, learned_of, remembered
from groundling.envs.families.options import WorldOptions
from groundling.envs.simulators.errors import EngineError, MissingSimulatorError
from groundling.envs.simulators.foreign.adaptation import (
    Channel,
    channels_of,
    in_words,
    text_keys,
    text_source,
    token_field,
)
from groundling.envs.simulators.foreign.pool import ForeignPool, Source
from groundling.envs.simulators.foreign.vector import ForeignSource, ForeignVectorEnv
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec, Suite
from groundling.language.vocabulary import Vocabulary

LOOKED_AT = 16  # environments in which words are learned
INSTRUCTION_KEY = "instruction"


class ForeignFamily(EnvFamily):
    """An environment of another package, in worker processes.

    Its spaces are read when they are first asked for, by making one in a process of its own; the words of its texts are
    learned from its first episodes, once: they are kept in the cache.

    Args:
        id: how it is asked for, without settings.
        maker: of its environments, see ``host``.
        package: what is known of its package.
        settings: how it is adapted.

    Attributes:
        settings: see above.
    """

    breakdowns = ()
    suites: Mapping[str, Suite] = {
        **EnvFamily.suites,
        COMBINATION: Suite("unseen seeds, texts that hold words which are held out", COMBINATION),
    }

    def __init__(
        self, id: str, maker: Mapping[str, Any], package: Package = UNKNOWN, settings: Settings | None = None
    ) -> None:
        self.id = self.reference = id
        self.description = f"{maker.get('id', maker.get('place'))}, an environment of another package"
        self.settings = settings if settings is not None else Settings().changed(package.settings)
        self._maker = dict(maker)
        self._package = package

    def with_settings(self, settings: Mapping[str, str]) -> ForeignFamily:
        """The same, adapted by these settings, see :class:`Settings`.

        Raises:
            ConfigurationError: if one is unknown or cannot be read.
        """
        return type(self)(self.id, self._maker, self._package, self.settings.changed(settings))

    @cached_property
    def spec(self) -> Spec:  # type: ignore[override]
        """What an agent in it is built for."""
        fields = {key: channel.field for key, channel in self._channels.items()}
        names, words = self._action_names, self._learned
        length = self.settings.length or int(np.ceil(SPARE * words.length))
        vocabulary = Vocabulary.of(words.words)
        return Spec({**fields, INSTRUCTION_KEY: token_field(length, len(vocabulary))}, names, vocabulary)

    def split(self, name: str, held_out: HeldOut | None = None) -> WordSplit:
        """The part of its episodes of this name: "combination" has those whose first text holds what is held out,
        "train" and "seen" have the others.

        Raises:
            SplitError: if there is none, or it cannot be had; the message says why.
        """
        super().split(name)
        phrases = held_out_phrases(self.settings.held_out, held_out)
        if not phrases or name not in CHOSEN:
            return split_without(phrases, name)
        texts = self._learned.beginnings if self._text else ()
        can_choose = bool(self._found[0]["can_choose"])
        return split_by_words(
            self.id, name, phrases, texts, can_choose=can_choose, is_asked=bool(self.settings.held_out)
        )

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        """B environments that play episodes of the split's own seeds, in worker processes."""
        spec = self.spec
        world: WorldOptions | None = options.get("world")
        if world is not None and world.vocabulary is not None:
            spec = Spec(
                {**spec.observation, INSTRUCTION_KEY: token_field(self._length, len(world.vocabulary))},
                spec.actions,
                world.vocabulary,
            )
        render_mode = options.get("render_mode")
        drawn = {} if render_mode is None else {"render_mode": self._drawing_mode(render_mode)}
        choice = split.choice(self._text) if isinstance(split, WordSplit) else None
        pool = self._open(num_envs, drawn, choice)
        try:
            pool.map(self._sources)
            return ForeignVectorEnv(
                pool,
                num_envs,
                spec,
                self._channels,
                text=self._text,
                said=self._said,
                text_key=INSTRUCTION_KEY,
                seed=seed,
                split=str(split),
                render_mode=render_mode,
            )
        except BaseException:
            pool.close()
            raise

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """The text itself, in lower case."""
        return tuple(sorted((key, text.lower()) for key, text in texts.items()))

    def check(self, world: WorldOptions) -> None:
        """Words of another vocabulary are read too, those that it lacks as the unknown word."""
        super().check(WorldOptions(**{**vars(world), "vocabulary": None}))

    def _drawing_mode(self, asked: str) -> str:
        """The render mode that is asked for, or "ansi" where an environment shows itself as text only."""
        known = self._found[0]["render_modes"]
        return "ansi" if asked not in known and "ansi" in known else asked

    # What is found out about it, once

    @cached_property
    def _found(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """What its spaces are, and its first raw observation, by key."""
        pool = self._open(0)
        try:
            parts = pool.description["observation"]
            sources = [
                Source(key, "array", tuple(part.get("shape", ())), part.get("dtype", "int64"))
                for key, part in parts.items()
                if part["kind"] in ("box", "discrete")
            ]
            pool.map(sources)
            pool.reset(np.zeros(pool.count, dtype=np.int64))
            return pool.description, {source.key: pool.arrays[f"now:{source.key}"][0].copy() for source in sources}
        finally:
            pool.close()

    @cached_property
    def _text(self) -> str:
        """The key of the text that is the instruction; empty where there is none."""
        parts = self._found[0]["observation"]
        told = self.settings.text
        if told:
            if told not in parts and not told.startswith("info."):
                raise ConfigurationError(f"{self.id} has no {told!r} to read: it has {', '.join(parts)} (or info.KEY)")
            return told
        found = text_keys(parts)
        if len(found) > 1:
            raise ConfigurationError(
                f"{self.id} has several texts, {', '.join(found)}: choose the instruction by text=KEY behind the id, "
                f"as in {self.id}?text={found[0]}"
            )
        return found[0] if found else ""

    @property
    def _said(self) -> str:
        """The instruction of an environment that tells none."""
        name = self._maker.get("id") or self._maker.get("place", "").rpartition(":")[2]
        return self.settings.say or f"play {name.rpartition('/')[2].rpartition('-v')[0] or name}"

    @cached_property
    def _channels(self) -> dict[str, Channel]:
        description, looks = self._found
        try:
            return channels_of(
                {key: part for key, part in description["observation"].items() if key != self._text},
                self._num_actions,
                text=self._text,
                symbols=self.settings.symbols,
                keep=self.settings.keep,
                size=self.settings.size,
                looks=looks,
            )
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.id}: {error}") from error

    @cached_property
    def _sources(self) -> list[Source]:
        """All parts that are asked for."""
        found = dict.fromkeys(source for channel in self._channels.values() for source in channel.sources)
        return [*found, *([text_source(self._text)] if self._text else [])]

    @property
    def _num_actions(self) -> int:
        action = self._found[0]["action"]
        if action["kind"] != "discrete" or action["start"] != 0:
            raise ConfigurationError(
                f"{self.id}: an agent acts by Discrete actions from 0, this environment by {in_words(action)}"
            )
        return int(action["n"])

    @property
    def _action_names(self) -> tuple[str, ...]:
        names, count = self._found[0]["action_names"] or self._package.actions, self._num_actions
        distinct = tuple(dict.fromkeys(names))
        return distinct if len(distinct) == count else tuple(map(str, range(count)))

    @property
    def _length(self) -> int:
        shape = self.spec.observation[INSTRUCTION_KEY].shape
        return shape[-1]

    @cached_property
    def _learned(self) -> Learned:
        if not self._text:
            return learned_of([self._said])

        def learn() -> Learned:
            pool = self._open(min(LOOKED_AT, self.settings.resets))
            try:
                pool.map([text_source(self._text)])
                return learn_words(pool, self._text, self.settings.resets, self._num_actions)
            finally:
                pool.close()

        what = [self._maker, self._text, self.settings.resets, dict(self.settings.options), self._found[0]["class"]]
        return remembered(f"words-{hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:16]}", learn)

    def _num_workers(self, num_envs: int) -> int:
        """Processes: one a core, but one alone for the vector environment that holds all rows, or for a look."""
        alone = not num_envs or self._found[0]["is_batch"]
        return self.settings.workers or (1 if alone else len(os.sched_getaffinity(0)))

    def _open(
        self, num_envs: int, options: Mapping[str, Any] | None = None, choice: Mapping[str, Any] | None = None
    ) -> ForeignSource:
        """The environments themselves; 0: as many as one call of the maker makes.

        Args:
            num_envs: B.
            options: more arguments of the environment's own.
            choice: which episodes are wanted, see ``host.serving.Host``.

        Raises:
            MissingSimulatorError: if their package is not installed; the message names the extra.
            EngineError: if they cannot be made.
        """
        settings = self.settings
        maker: dict[str, Any] = {
            **self._maker,
            "options": {**settings.options, **(options or {})},
            "reseeds": settings.reseeds,
            "vector": settings.vector,
            "autoreset": settings.autoreset,
            "choose": None if choice is None else dict(choice),
            "without_display": dict(self._package.without_display),
        }
        try:
            return ForeignPool(
                maker,
                num_envs,
                self._num_workers(num_envs),
                rules=settings.rules,
                python=settings.python or None,
                group=self._found[0]["group"] if num_envs else 1,
            )
        except EngineError as error:
            if "ModuleNotFoundError" not in str(error) and "ImportError" not in str(error):
                raise
            how = f"pip install 'groundling[{self._package.extra}]'" if self._package.extra else "install its package"
            where = f" in {settings.python}" if settings.python else ""
            if settings.python not in ("", sys.executable) and self._package.imports:
                how = f"install {' and '.join(self._package.imports)} there"
            raise MissingSimulatorError(f"{self.id} cannot be made{where}: {error}. To have it, {how}") from error
