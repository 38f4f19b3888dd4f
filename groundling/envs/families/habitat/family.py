"""An exported task in Habitat: its episodes in their scenes, moved and seen by habitat-sim, judged by our rules."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, Literal

from gymnasium.vector import VectorEnv

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.banks.sources import EpisodeSource, source_of
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.base import ALL, INSTRUCTION, TRAIN, EnvFamily, EpisodeSet
from groundling.envs.families.habitat.embodiment import HabitatEmbodiment
from groundling.envs.families.habitat.exported import Exported, read_export
from groundling.envs.families.habitat.settings import HabitatSettings
from groundling.envs.families.habitat.view import check_camera
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import Spec, Suite, Teacher

TRANSFER: Final = "transfer"
NATIVE: Final = "native"


class HabitatFamily(EnvFamily):
    """The episodes of an export.

    Two suites play the same episodes: in Habitat (``transfer``), and in our own renderer with our own body
    (``native``), so that their difference is what the change of simulator costs an agent.

    Args:
        folder: the export.
        settings: how Habitat is run.
    """

    suites: Mapping[str, Suite] = {
        TRANSFER: Suite("the exported episodes in Habitat: its body, its camera, its light", TRANSFER),
        NATIVE: Suite("the same episodes in our own renderer, with our own body", NATIVE),
    }

    def __init__(self, folder: Path, settings: HabitatSettings | None = None) -> None:
        self.folder = folder
        self.settings = settings or HabitatSettings()
        self.id = self.reference = f"habitat:{folder}"

    @property
    def description(self) -> str:  # type: ignore[override]
        """One line: what it asks for."""
        return f"{self._source.description} (exported to {self.folder}, in habitat-sim)"

    @property
    def spec(self) -> Spec:  # type: ignore[override]
        """What an agent in it is built for."""
        return self.embodiment().spec(self._source.instruction_length)

    @property
    def breakdowns(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the task."""
        return self._of_task.breakdowns

    @cached_property
    def exported(self) -> Exported:
        """What the folder holds; errors as of ``read_export``."""
        return read_export(self.folder)

    @cached_property
    def _source(self) -> EpisodeSource:
        found = source_of(self.exported.bank)
        if found is None:
            raise ConfigurationError(
                f"{self.folder} holds episodes of {self.exported.bank.level}, which cannot be found, or has other "
                "words by now: export again"
            )
        return found

    @cached_property
    def _of_task(self) -> EnvFamily:
        from groundling.envs.catalog import find_family

        return find_family(self.exported.bank.level)

    def with_settings(self, settings: Mapping[str, str]) -> HabitatFamily:
        """The same, run with these settings; see :class:`HabitatSettings`."""
        return HabitatFamily(self.folder, self.settings.changed(settings))

    def split(self, name: str, held_out: Any = None) -> str:
        """All splits have all episodes of the export, which is of one split of its task.

        Raises:
            SplitError: if there is none of this name.
        """
        known = (ALL, TRAIN, "seen", TRANSFER, NATIVE)
        if name not in known:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(known)}")
        return name

    def check(self, world: WorldOptions) -> None:
        """Refuse what Habitat's body lacks."""
        self.embodiment(world)
        self.check_device(world)
        if world.by_instruction:
            raise ConfigurationError("a curriculum of instructions is not for Habitat: leave it out")

    def embodiment(self, world: WorldOptions = PLAIN) -> HabitatEmbodiment:
        """What its episodes are played with.

        Raises:
            ConfigurationError: if the body is the grid's, or the camera cannot be Habitat's.
        """
        return HabitatEmbodiment.like(
            self._native(world),
            folder=self.exported.folder,
            scenes=self.exported.scenes,
            python=self.settings.python,
            gpu=self.settings.gpu,
            max_scenes=self.settings.scenes,
        )

    def _native(self, world: WorldOptions = PLAIN) -> Embodiment:
        """The same body and camera in our own worlds."""
        if world.body == "grid":
            raise ConfigurationError("in Habitat agents drive and see in first person: take --body rover")
        own = self._source.embodiment
        body: Literal["rover"] | None = None if own.rover is not None and world.body == "own" else "rover"
        camera = world.camera if world.camera != PLAIN.camera or own.rover is None else None
        check_camera(world.camera)
        if world.explored_radius is not None:
            raise ConfigurationError("a map of what was seen is drawn of tiles: leave the agent's map out in Habitat")
        chosen = own.changed(body, camera, previous_action=world.previous_action or None)
        return chosen if world.vocabulary is None else replace(chosen, vocabulary=world.vocabulary)

    def make_vec(
        self,
        split: Any,
        num_envs: int,
        seed: int,
        *,
        world: WorldOptions = PLAIN,
        render_mode: str | None = None,
        autoreset: bool = True,
        **options: Any,
    ) -> GroundlingVectorEnv:
        """B environments that draw the exported episodes, each in a process of its own.

        Raises:
            MissingSimulatorError: if there is no habitat-sim; the message says how to get it.
        """
        mixture = TaskMixture.of([self._bank(world)]).with_time_limit_scale(world.time_limit_scale)
        embodiment = self._native(world) if split == NATIVE else self.embodiment(world)
        return GroundlingVectorEnv(
            mixture, num_envs, seed=seed, render_mode=render_mode, embodiment=embodiment, autoreset=autoreset
        )

    def episodes(
        self, suite: str, held_out: Any, count: int, seed: int, world: WorldOptions = PLAIN, *, progress: bool = True
    ) -> EpisodeSet:
        """The first episodes of the export, in its order.

        Raises:
            SplitError: if there is no such suite.
        """
        split = self.suite(suite).split
        bank = self._bank(world).take(slice(0, count))
        embodiment = self._native(world) if split == NATIVE else self.embodiment(world)
        return EpisodeSet(
            count=len(bank),
            make_envs=partial(_in_order, bank, embodiment),
            most_envs=250 if split == NATIVE else self.settings.envs,
            reset_seed=None,
            texts=bank.instructions,
            sentences=bank.sentences,
            tokens=bank.tokens,
            text_key=embodiment.text_key,
        )

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """What the task says that they ask for."""
        return self._of_task.meaning(texts)

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """Those of the task."""
        return (text,) if kind == INSTRUCTION else self._of_task.groups(kind, text)

    def expert(self, envs: VectorEnv) -> Teacher | None:
        """The task's own expert if it has one (of questions)."""
        return self._of_task.expert(envs)

    def example(self) -> str:
        """The sentence of the first episode."""
        return self.exported.bank.instructions[0]

    def _bank(self, world: WorldOptions) -> EpisodeBank:
        return self.exported.bank.encoded(world.vocabulary or self._source.embodiment.vocabulary)


def _in_order(bank: EpisodeBank, embodiment: Embodiment, num_envs: int) -> GroundlingVectorEnv:
    return GroundlingVectorEnv(bank, num_envs, shuffle=False, copy=False, embodiment=embodiment)
