"""Messenger as families of environments: splits, suites, settings and the expert."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from gymnasium.vector import VectorEnv

from groundling.envs.families.base import ALL, TRAIN, EnvFamily
from groundling.envs.families.manuals.messenger.batch import check_frames
from groundling.envs.families.manuals.messenger.expert import Planner
from groundling.envs.families.manuals.messenger.names import Stage
from groundling.envs.families.manuals.messenger.texts import own_texts, read_texts
from groundling.envs.families.manuals.messenger.vector import MessengerVectorEnv, spec_of_stage
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import Suite, Teacher

TRAINED_WORDS: Final = (0, 0, 0)
OTHER_WORDS: Final = (0, 1, 2)


@dataclass(frozen=True)
class GameSplit:
    """A part of the episodes of a stage.

    Attributes:
        name: of the split.
        part: of the games: "train", "val", "test" or "all".
        words: which set of our own words games of train, val and test are told in.
        any_moves: entities move in any combination of ways.
        new_starts: begin where training never does.
    """

    name: str
    part: str
    words: tuple[int, int, int] = TRAINED_WORDS
    any_moves: bool = False
    new_starts: bool = False


class MessengerFamily(EnvFamily):
    """One stage.

    Args:
        stage: which.
        texts: folder of the original's files of sentences; empty for our own sentences.
        frames: how many steps an agent sees at once, from 1 to 8.

    Raises:
        TextFileError: if a file is missing or of another format.
        LongSentenceError: if a sentence is longer than an observation has room for.
        ConfigurationError: if frames is not from 1 to 8.
    """

    most_envs: ClassVar[int] = 250

    def __init__(self, stage: Stage, *, texts: str = "", frames: int = 1) -> None:
        check_frames(frames)
        self.stage = stage
        self.id = self.reference = stage.id
        self.frames = frames
        self.texts = read_texts(texts) if texts else own_texts()
        told = ("nothing moves", "entities chase and flee", "entities chase and flee, false ones as well")
        self.description = f"Read in a manual who has the message and whom to bring it ({told[stage.number - 1]})"
        self.spec = spec_of_stage(stage, self.texts.vocabulary, frames)
        self._splits = {split.name: split for split in self._make_splits()}
        self.suites: Mapping[str, Suite] = self._make_suites()

    def _make_splits(self) -> list[GameSplit]:
        splits = [
            GameSplit(ALL, "all"),
            GameSplit(TRAIN, "train"),
            GameSplit("seen", "train"),
            GameSplit("unseen", "test"),
            GameSplit("val", "val"),
        ]
        if not self.texts.source:
            splits.append(GameSplit("phrasing", "test", OTHER_WORDS))
        if self.stage.number == 2:
            splits.append(GameSplit("moves", "test", any_moves=True))
        if self.stage.number > 1:
            splits.append(GameSplit("states", "train", new_starts=True))
        return splits

    def _make_suites(self) -> Mapping[str, Suite]:
        games = "entities in roles that they never have in training"
        suites = {
            "layout": Suite("games that training may have", "seen"),
            "pairs": Suite(games, "unseen"),
            "moves": Suite(f"{games}, moving in any combination of ways", "moves"),
            "states": Suite("games that training may have, begun where it never does", "states"),
            "phrasing": Suite(f"{games}, in words and forms of sentence that training never has", "phrasing"),
            "val": Suite(f"{games}, kept for choosing among agents", "val", is_usual=False),
        }
        return {name: suite for name, suite in suites.items() if suite.split in self._splits}

    def with_settings(self, settings: Mapping[str, str]) -> MessengerFamily:
        """The same stage with ``texts`` or ``frames``.

        Raises:
            ConfigurationError: if a setting is unknown or cannot work.
        """
        values: dict[str, Any] = dict(settings)
        if unknown := set(values) - {"texts", "frames"}:
            raise ConfigurationError(f"{self.id} has no setting {min(unknown)!r}: its settings are texts, frames")
        if "frames" in values:
            if not values["frames"].isdecimal():
                raise ConfigurationError(f"frames is a whole number, not {values['frames']!r}")
            values["frames"] = int(values["frames"])
        return MessengerFamily(self.stage, **values)

    def split(self, name: str, held_out: Any = None) -> GameSplit:
        """The part of its episodes of this name; which games are kept from training is fixed.

        Raises:
            SplitError: if there is none.
        """
        if name not in self._splits:
            why = "" if name != "phrasing" else ": the files of sentences have those of one wording for each game"
            raise SplitError(f"{self.id} has no split {name!r}{why}: choose one of {', '.join(self._splits)}")
        return self._splits[name]

    def make_vec(
        self,
        split: str | GameSplit,
        num_envs: int,
        seed: int,
        *,
        render_mode: str | None = None,
        autoreset: bool = True,
        copy: bool = True,
        max_steps: int | None = None,
        **options: Any,
    ) -> MessengerVectorEnv:
        """B rooms that play a split."""
        chosen = self.split(split) if isinstance(split, str) else split
        return MessengerVectorEnv(
            self.stage,
            num_envs,
            part=chosen.part,
            texts=self.texts,
            words=chosen.words,
            any_moves=chosen.any_moves,
            new_starts=chosen.new_starts,
            frames=self.frames,
            seed=seed,
            max_steps=max_steps,
            copy=copy,
            render_mode=render_mode,
            autoreset=autoreset,
        )

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """All instructions mean the same: what an episode asks for stands in its manual."""
        return self.stage.id

    def expert(self, envs: VectorEnv) -> Teacher:
        """Who knows the truth."""
        return Planner(envs)
