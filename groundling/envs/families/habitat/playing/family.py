"""A file of episodes for habitat-lab as a family: ``habitat:FILE.json.gz``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from gymnasium.vector import VectorEnv

from groundling.envs.catalog import find_family
from groundling.envs.engine.answers import MASK_KEY
from groundling.envs.engine.constants import Action
from groundling.envs.engine.embodiment import MAX_CODE
from groundling.envs.engine.kinds import PLAIN_KINDS, kinds_of
from groundling.envs.engine.rover import Rover
from groundling.envs.families.base import ALL, TRAIN, EnvFamily, EpisodeSet
from groundling.envs.families.habitat.exported import read_export
from groundling.envs.families.habitat.playing.asked import AskedFile, read_asked
from groundling.envs.families.habitat.playing.expert import EpisodesExpert
from groundling.envs.families.habitat.playing.vector import COMPASS_KEY, HabitatEpisodesEnv
from groundling.envs.families.habitat.settings import HabitatSettings
from groundling.envs.families.habitat.view import check_camera
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError, GroundlingError, InstructionError, SplitError
from groundling.interfaces import ACTION_MASK, DEPTH, RGB, SEGMENTATION, TOKENS, VECTOR, Field, Spec, Suite, Teacher
from groundling.language.questions.wording import QUESTION_VOCABULARY
from groundling.language.routes import ROUTE_VOCABULARY
from groundling.language.vocabulary import Vocabulary, split_words

EPISODES: Final = "episodes"
LEAST_LENGTH: Final = 24
COMPASSES: Final = {"pointnav": 3, "rearrange": 6}  # numbers of the compass of formats that tell where to go
FORMATS: Final = {
    "pointnav": "go to a place",
    "objectnav": "go to any thing of a kind",
    "eqa": "answer a question",
    "rearrange": "bring things to their places",
    "vln": "follow an instruction",
}


class HabitatFileFamily(EnvFamily):
    """The episodes of a file.

    Args:
        path: of the file.
        settings: how Habitat is run.
    """

    suites: Mapping[str, Suite] = {EPISODES: Suite("the episodes of the file, in its order", EPISODES)}

    def __init__(self, path: Path, settings: HabitatSettings | None = None) -> None:
        self.path = path
        self.settings = settings or HabitatSettings()
        self.id = self.reference = f"habitat:{path}"

    @property
    def description(self) -> str:  # type: ignore[override]
        """One line: what it asks for."""
        return f"In habitat-sim, {FORMATS[self.file.format]} (the episodes of {self.path})"

    @property
    def spec(self) -> Spec:  # type: ignore[override]
        """What an agent in it is built for."""
        return self._spec(PLAIN)

    @cached_property
    def file(self) -> AskedFile:
        """The episodes; errors as of ``read_asked``."""
        return read_asked(self.path)

    @property
    def text_key(self) -> str:
        """The key of what is told."""
        return "question" if self.file.format == "eqa" else "instruction"

    @cached_property
    def _task(self) -> Any:
        """The source of the task that the export is of; None of another's file."""
        if self.file.folder is None:
            return None
        try:
            return getattr(find_family(read_export(self.file.folder).task), "source", None)
        except GroundlingError:
            return None

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        """That of the task, or of routes, if it has all words; else the words of the file."""
        texts = [one.text for one in self.file.episodes]
        known = {"vln": [ROUTE_VOCABULARY], "eqa": [QUESTION_VOCABULARY]}.get(self.file.format, [])
        if self._task is not None:
            known.append(self._task.embodiment.vocabulary)
        for vocabulary in known:
            try:
                for text in texts:
                    vocabulary.encode(text)
            except InstructionError:
                continue
            return vocabulary
        return Vocabulary.of(sorted({word for text in texts for word in split_words(text)}))

    def with_settings(self, settings: Mapping[str, str]) -> HabitatFileFamily:
        """The same, run with these settings; see :class:`HabitatSettings`."""
        return HabitatFileFamily(self.path, self.settings.changed(settings))

    def split(self, name: str, held_out: Any = None) -> str:
        """All splits have all episodes of the file.

        Raises:
            SplitError: if there is none of this name.
        """
        known = (ALL, TRAIN, "seen", EPISODES)
        if name not in known:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(known)}")
        return name

    def check(self, world: WorldOptions) -> None:
        """Refuse what the body and these rules lack."""
        if world.body == "grid":
            raise ConfigurationError("in Habitat agents drive and see in first person: take --body rover")
        check_camera(world.camera)
        limits = WorldOptions(time_limit_scale=world.time_limit_scale, env_device=world.env_device)
        super().check(limits)

    def make_vec(
        self, split: Any, num_envs: int, seed: int, *, world: WorldOptions = PLAIN, **options: Any
    ) -> VectorEnv:
        """B environments that draw the episodes of the file, each in a process of its own.

        Raises:
            MissingSimulatorError: if there is no habitat-sim; the message says how to get it.
        """
        return self._envs(num_envs, world, seed=seed, shuffle=True)

    def episodes(
        self, suite: str, held_out: Any, count: int, seed: int, world: WorldOptions = PLAIN, *, progress: bool = True
    ) -> EpisodeSet:
        """The first episodes of the file.

        Raises:
            SplitError: if there is no such suite.
        """
        self.suite(suite)
        told = [one.text for one in self.file.episodes[:count]]
        texts = tuple(dict.fromkeys(told))
        spec = self._spec(world)
        length = spec.observation[self.text_key].shape[-1]
        return EpisodeSet(
            count=len(told),
            make_envs=partial(self._envs, world=world, seed=0, shuffle=False),
            most_envs=self.settings.envs,
            reset_seed=None,
            texts=texts,
            sentences=np.array([texts.index(text) for text in told], dtype=np.int64),
            tokens=np.stack([spec.vocabulary.encode(text, length=length) for text in texts]),
            text_key=self.text_key,
        )

    def expert(self, envs: VectorEnv) -> Teacher:
        """Who goes by Habitat's path finder."""
        return EpisodesExpert(envs)

    def example(self) -> str:
        """What the first episode tells."""
        return self.file.episodes[0].text

    def _envs(self, num_envs: int, world: WorldOptions, seed: int, shuffle: bool) -> HabitatEpisodesEnv:
        kinds = PLAIN_KINDS if self._task is None else kinds_of(self._task.embodiment.lexicon)
        return HabitatEpisodesEnv(
            self.file,
            num_envs,
            self._spec(world),
            rover=Rover(),
            camera=world.camera,
            settings=self.settings,
            solids=kinds.solids,
            text_key=self.text_key,
            seed=seed,
            shuffle=shuffle,
        )

    def _spec(self, world: WorldOptions) -> Spec:
        vocabulary = world.vocabulary or self._vocabulary
        length = max([LEAST_LENGTH, *(len(split_words(one.text)) for one in self.file.episodes)])
        camera: Camera = world.camera
        size = (camera.height, camera.width)
        moves = tuple(action.name.lower() for action in Action)
        actions = (*moves, *(f"answer {name}" for name in self.file.answers))
        fields: dict[str, Field] = {}
        if self.file.answers:
            fields[MASK_KEY] = Field((len(actions),), "int8", ACTION_MASK)
        if camera.rgb:
            fields["image"] = Field((*size, 3), "uint8", RGB)
        if camera.depth:
            fields["depth"] = Field(size, "float32", DEPTH)
        if camera.segmentation:
            fields["segmentation"] = Field(size, "uint8", SEGMENTATION, MAX_CODE + 1)
        if (size_of := COMPASSES.get(self.file.format)) is not None:
            fields[COMPASS_KEY] = Field((size_of,), "float32", VECTOR)
        fields[self.text_key] = Field((length,), "int32", TOKENS, len(vocabulary))
        return Spec(fields, actions, vocabulary)
