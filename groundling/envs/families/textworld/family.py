"""TextWorld's games as families of environments: splits, suites, how many games, and the expert."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from gymnasium.vector import VectorEnv

from groundling.envs.families.base import EnvFamily
from groundling.envs.families.textworld.games import prepare_games
from groundling.envs.families.textworld.names import Variant
from groundling.envs.families.textworld.simulator import GAMES, make_spec
from groundling.envs.families.textworld.vector import TextWorldVectorEnv, Walker
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec, Suite, Teacher


class TextWorldFamily(EnvFamily):
    """One kind of games.

    Args:
        variant: which.
        games: how many games a split has; ``ID?games=N``.
    """

    most_envs: ClassVar[int] = 32

    def __init__(self, variant: Variant, *, games: int = GAMES) -> None:
        if games < 1:
            raise ConfigurationError(f"games must be at least 1, got {games}")
        self.variant = variant
        self.games = games
        self.id = self.reference = variant.id
        self.description = variant.description
        suites = {"layout": Suite("games that training never has", "seen")}
        if variant.other:
            suites[variant.other] = Suite(variant.other_description, variant.other)
        self.suites: Mapping[str, Suite] = suites

    @cached_property
    def spec(self) -> Spec:  # type: ignore[override]
        """What an agent in it is built for."""
        return make_spec()

    def with_settings(self, settings: Mapping[str, str]) -> TextWorldFamily:
        """The same with another number of games.

        Raises:
            ConfigurationError: if a setting is unknown or no number.
        """
        if unknown := set(settings) - {"games"}:
            raise ConfigurationError(f"{self.id} has no setting {min(unknown)!r}: its only setting is games")
        if not settings["games"].isdecimal():
            raise ConfigurationError(f"games is a whole number, not {settings['games']!r}")
        return TextWorldFamily(self.variant, games=int(settings["games"]))

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        """B games of a split, in worker processes; games that the cache does not have are made first.

        Raises:
            MissingSimulatorError: if TextWorld is not installed.
        """
        prepare_games(self.variant, str(split), self.games)
        return TextWorldVectorEnv(self.id, num_envs, options={"games": self.games}, seed=seed, split=str(split))

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """The text itself, in lower case."""
        return tuple(sorted((key, text.lower()) for key, text in texts.items()))

    def expert(self, envs: VectorEnv) -> Teacher:
        """Who knows a shortest way to win."""
        return Walker(envs)

    def example(self) -> str:
        """One of the instructions, told without a game."""
        return self.variant.example
