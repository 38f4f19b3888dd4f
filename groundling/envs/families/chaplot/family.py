"""The rooms of Chaplot et al. 2018 as families: our own ones, whose episodes stand in banks, and those of ViZDoom."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from groundling.envs.banks.episode import Episode
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.splits import SentenceSplit
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.base import INSTRUCTION, EnvFamily
from groundling.envs.families.chaplot.episodes import Difficulty
from groundling.envs.families.chaplot.room import SPLITS, ChaplotRoom, restated_room
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.envs.simulators.doom import ChaplotDoomEnv
from groundling.envs.simulators.doom_vector import make_chaplot_doom_vec
from groundling.envs.worlds.standing import Restated
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import Spec, Suite
from groundling.language.grounded import INSTRUCTIONS, parse_grounded

SUITES: Final[Mapping[str, Suite]] = {
    "layout": Suite("unseen layouts, instructions of the training split", "seen"),
    "zero_shot": Suite("the paper's 15 test instructions", "unseen"),
    "reordered": Suite("those 7 of them that only reorder the words of a trained one", "reordered"),
    "new_set": Suite("those 6 that denote a set of objects that no trained instruction denotes", "new_set"),
    "superlative": Suite(
        "those 2 that compare objects of a color with which training never used the word", "superlative"
    ),
}


class RoomFamily(BankFamily):
    """Our own rooms."""

    suites = SUITES
    breakdowns = (INSTRUCTION,)  # nearly every instruction is told often

    def __init__(self, difficulty: Difficulty) -> None:
        room = ChaplotRoom(difficulty)
        super().__init__(room, room.id)

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """By instruction only."""
        return _groups(self, kind, text)

    def restate(self, episode: Episode, sentence: str, manual: Sequence[str] = ()) -> Restated:
        """The episode with another of its objects to go to; see :class:`BankFamily`."""
        found = restated_room(episode, sentence)
        return Restated(found, sentence)


class DoomFamily(EnvFamily):
    """The same task on the real ViZDoom.

    Args:
        difficulty: how agent and objects are placed.
    """

    suites = SUITES
    most_envs: ClassVar[int] = 8  # engines

    def __init__(self, difficulty: Difficulty) -> None:
        self.difficulty = difficulty
        self.id = self.reference = f"groundling/GroundedDoom-{difficulty.capitalize()}-v0"
        self.description = f"{ChaplotRoom(difficulty).description}, on ViZDoom"

    @property
    def spec(self) -> Spec:  # type: ignore[override]
        """That of the environment, with pictures of its usual size."""
        return ChaplotDoomEnv(self.difficulty).agent_spec

    def split(self, name: str, held_out: HeldOut | None = None) -> SentenceSplit:
        """The instructions of a split of the paper, whatever is held out elsewhere.

        Raises:
            SplitError: if there is none.
        """
        if name not in SPLITS:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(SPLITS)}")
        return SPLITS[name]

    def make_vec(
        self,
        split: str | SentenceSplit,
        num_envs: int,
        seed: int,
        *,
        world: WorldOptions = PLAIN,
        autoreset: bool = True,
        **options: Any,
    ) -> VectorEnv:
        """B engines; the seed is that of their ``reset``."""
        chosen = self.split(split) if isinstance(split, str) else split
        numbers = tuple(map(INSTRUCTIONS.index, chosen.sentences))
        camera = world.camera
        size, horizon = (camera.width, camera.height), camera.horizon
        if autoreset:
            return make_chaplot_doom_vec(
                self.difficulty, num_envs, instructions=numbers, image_size=size, horizon=horizon
            )

        def make_env() -> ChaplotDoomEnv:
            return ChaplotDoomEnv(
                self.difficulty, instructions=numbers, image_size=size, horizon=horizon, render_mode="plan"
            )

        return SyncVectorEnv([make_env] * num_envs, autoreset_mode=AutoresetMode.DISABLED)

    def check(self, world: WorldOptions) -> None:
        """Its camera has any size; all else is the simulator's."""
        super().check(replace(world, camera=PLAIN.camera))

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """What the phrase says, in whatever order."""
        return parse_grounded(texts[self.text_key])

    def example(self) -> str:
        """One of the instructions, told without an engine."""
        return INSTRUCTIONS[0]

    def texts_of_split(
        self, split: SentenceSplit, make_envs: Callable[[int], VectorEnv], count: int, seed: int
    ) -> Sequence[str]:
        """Every instruction is told as often as any other."""
        return split.sentences

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """By instruction only."""
        return _groups(self, kind, text)


def _groups(family: EnvFamily, kind: str, text: str) -> tuple[str, ...]:
    if kind != INSTRUCTION:
        raise ConfigurationError(
            f"every instruction of {family.id} is of the form 'Go to the ...', one verb and one clause: break it down "
            f"--by {INSTRUCTION}"
        )
    return (text,)
