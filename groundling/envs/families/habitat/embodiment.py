"""What an exported task is played with in Habitat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.engine.rover import Rover
from groundling.envs.families.habitat.batch import HabitatBatch
from groundling.envs.families.habitat.view import check_camera
from groundling.envs.simulators.habitat.habitat_worker import facts
from groundling.errors import ConfigurationError


@dataclass(frozen=True)
class HabitatEmbodiment(Embodiment):
    """A rover that habitat-sim moves and sees with; see :class:`Embodiment`.

    Attributes:
        folder: the export.
        scenes: the name of the scene of each row of its bank.
        python: interpreter of the simulators; empty: this one.
        gpu: that renders; -1 renders on the CPU.
        max_scenes: that a simulator loads before it is made anew.
    """

    folder: Path = Path()
    scenes: tuple[str, ...] = ()
    python: str = ""
    gpu: int = facts.CPU
    max_scenes: int = facts.MAX_SCENES

    @classmethod
    def like(cls, own: Embodiment, **settings: object) -> HabitatEmbodiment:
        """The rules, words and answers of a task's own embodiment, with Habitat's body."""
        values = {**vars(own), "rover": own.rover or Rover(), **settings}
        return cls(**values)

    def make_batch(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        shuffle: bool = True,
        order_seed: int = 0,
        num_threads: int = 1,
    ) -> HabitatBatch:
        """Worlds in which B such bodies are.

        Raises:
            ConfigurationError: if the camera cannot be Habitat's, or the body is not a rover.
        """
        if self.rover is None:
            raise ConfigurationError("in Habitat agents drive: leave the body out, or take 'rover'")
        check_camera(self.camera)
        return HabitatBatch(
            bank,
            num_envs,
            folder=self.folder,
            scenes=self.scenes,
            rover=self.rover,
            camera=self.camera,
            python=self.python or None,
            gpu=self.gpu,
            max_scenes=self.max_scenes,
            scoring=self.scoring,
            num_actions=self.num_actions,
            time_scale=self.time_scale,
            shuffle=shuffle,
            order_seed=order_seed,
            top_down_pixels=self.top_down_pixels,
            previous_action=self.previous_action,
            lexicon=self.lexicon,
            answers=self.answers,
            text_key=self.text_key,
            manual_space=self.manual_space,
        )
