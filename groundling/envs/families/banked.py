"""Families whose episodes stand in banks: any body plays them, and several of them side by side."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from gymnasium.vector import VectorEnv

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.banks.episode import Episode, sample_episodes
from groundling.envs.banks.held_out import HeldOut
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.banks.sources import EpisodeSource
from groundling.envs.banks.splits import AnySplit
from groundling.envs.engine.embodiment import Embodiment
from groundling.envs.families.base import EnvFamily, EpisodeSet
from groundling.envs.families.grid_states import GridStates
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.envs.on_device import device_envs
from groundling.envs.vector import GroundlingVectorEnv
from groundling.envs.worlds.standing import Restated
from groundling.errors import ConfigurationError, InstructionError, SplitError, TaskError, UnsupportedLevelError
from groundling.interfaces import Spec, Suite


@dataclass(frozen=True)
class BankSuite(Suite):
    """A suite of a family whose episodes stand in banks.

    Attributes:
        grows: the setting of the task that is half as large again in it.
        settings: of the task in which it differs from what is trained on, with their values.
        tells_new_words: whether it is about words that training never told.
        sets_reordered_apart: whether episodes whose instruction only reorders the words of a trained one are a row of
            their own.
    """

    grows: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    tells_new_words: bool = False
    sets_reordered_apart: bool = False


@dataclass(frozen=True)
class BankEpisodes(EpisodeSet):
    """The episodes of a bank, in its order.

    Attributes:
        bank: that holds them.
        embodiment: what they are played with.
    """

    bank: EpisodeBank
    embodiment: Embodiment


class BankFamily(EnvFamily):
    """A source of episodes as a family.

    Args:
        source: of the episodes.
        reference: the spelling that finds it in another process.
    """

    most_envs: ClassVar[int] = 250

    def __init__(self, source: EpisodeSource, reference: str = "") -> None:
        self.source = source
        self.id = source.id
        self.reference = reference

    @property
    def description(self) -> str:  # type: ignore[override]
        """One line: what it asks for."""
        return self.source.description

    @property
    def spec(self) -> Spec:  # type: ignore[override]
        """What an agent is built for that has the task's own body and senses."""
        return self.source.embodiment.spec(self.source.instruction_length)

    def split(self, name: str, held_out: HeldOut | None = None) -> AnySplit:
        """The part of its episodes of this name; without ``held_out``, where the usual pairs are.

        Raises:
            SplitError: if there is none, or nothing of the kind is held out.
        """
        if name == "train" and held_out is not None:
            return self.source.training_split(held_out)
        return self.source.find_split(name)

    def make_vec(
        self,
        split: str | AnySplit,
        num_envs: int,
        seed: int,
        *,
        world: WorldOptions = PLAIN,
        render_mode: str | None = None,
        autoreset: bool = True,
        copy: bool = True,
        **options: Any,
    ) -> VectorEnv:
        """B environments that play a bank of the split."""
        chosen = self.split(split) if isinstance(split, str) else split
        mixture = mixture_of([self], [chosen], seed, world)
        embodiment = self.embodiment(world)
        return bank_envs(mixture, num_envs, embodiment, seed, render_mode, autoreset, copy, world.env_device)

    def state_reader(self, envs: VectorEnv) -> GridStates:
        """What reads whole grids.

        Raises:
            ConfigurationError: if the body is not that of the grid.
        """
        own = envs.unwrapped
        if not isinstance(own, GroundlingVectorEnv):
            raise ConfigurationError(f"{self.id} has states in Groundling's own environments, not {type(own).__name__}")
        return GridStates.of(own)

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """What the instruction asks for."""
        return self.source.meaning(texts[self.source.embodiment.text_key])

    def check(self, world: WorldOptions) -> None:
        """Refuse a camera without a rover, and what the body lacks."""
        self.embodiment(world)
        self.check_device(world)

    def check_device(self, world: WorldOptions) -> None:
        """Nothing is refused: both bodies are stepped on a GPU as well; see :class:`EnvFamily`."""

    def embodiment(self, world: WorldOptions = PLAIN) -> Embodiment:
        """What its episodes are played with.

        Raises:
            ConfigurationError: if a camera is given without a rover, or the body lacks a sense.
        """
        return embodiment_of([self], world)

    def episodes(
        self,
        suite: str,
        held_out: HeldOut | None,
        count: int,
        seed: int,
        world: WorldOptions = PLAIN,
        *,
        progress: bool = True,
    ) -> BankEpisodes:
        """The bank of a suite; no layout of training is in it."""
        bank = self.suite_bank(suite, held_out, count, seed, progress=progress)
        return self.episodes_of(bank.encoded(self.embodiment(world).vocabulary), world)

    def episodes_of(self, bank: EpisodeBank, world: WorldOptions = PLAIN) -> BankEpisodes:
        """The episodes of a bank, played with what ``world`` asks for."""
        return bank_episodes(bank, self.embodiment(world), self.most_envs)

    def example(self) -> str:
        """The sentence of the first episode."""
        (episode,) = sample_episodes(self.source, [0])
        return episode.instruction

    def suite_bank(
        self, suite: str, held_out: HeldOut | None, count: int, seed: int, *, progress: bool = True
    ) -> EpisodeBank:
        """The bank of a suite; errors as :meth:`episodes`."""
        asked = self.suite(suite)
        split = self.split(asked.split, held_out)
        source = self.source
        if isinstance(asked, BankSuite) and asked.settings:
            source = source.changed(**dict(asked.settings))
        if not isinstance(asked, BankSuite) or not asked.grows:
            return build_bank(source, count, seed=seed, split=split, progress=progress)
        try:
            return build_bank(enlarged(source, asked.grows), count, seed=seed, split=split, progress=progress)
        except (TaskError, UnsupportedLevelError) as error:
            raise SplitError(f"enlarged, it cannot be generated: {error}") from error

    def restate(self, episode: Episode, sentence: str, manual: Sequence[str] = ()) -> Restated:
        """The episode with something else asked in its world, in a person's own words.

        Args:
            episode: its world, as it stands now.
            sentence: what is asked.
            manual: that the agent is given to read; of tasks without manuals none.

        Raises:
            InstructionError: if the sentence cannot be read, or nothing in the world fits it; one sentence.
        """
        raise InstructionError(f"sentences of your own are not understood in {self.id}: its own ones are listed")

    def watched(
        self, suite: str, held_out: HeldOut | None, count: int, seed: int, world: WorldOptions = PLAIN
    ) -> Iterator[tuple[VectorEnv, int | None]]:
        """One environment for each of the first episodes of the bank of a suite."""
        episodes = self.episodes(suite, held_out, count, seed, world)
        for row in range(count):
            yield watched_episode(episodes, row), None


def watched_episode(episodes: BankEpisodes, row: int) -> GroundlingVectorEnv:
    """One environment that plays an episode of a bank and can be watched to its last picture."""
    one = TaskMixture.of([episodes.bank.take(slice(row, row + 1))])
    return GroundlingVectorEnv(
        one, 1, shuffle=False, render_mode="rgb_array", embodiment=episodes.embodiment, autoreset=False
    )


def bank_episodes(bank: EpisodeBank, embodiment: Embodiment, most_envs: int = BankFamily.most_envs) -> BankEpisodes:
    """Every episode of a bank, in its order: environment i plays i, i + B, i + 2B, ..."""
    return BankEpisodes(
        count=len(bank),
        make_envs=partial(_ordered_envs, bank, embodiment),
        most_envs=most_envs,
        reset_seed=None,
        texts=bank.instructions,
        sentences=bank.sentences,
        tokens=bank.tokens,
        text_key=embodiment.text_key,
        bank=bank,
        embodiment=embodiment,
    )


def _ordered_envs(bank: EpisodeBank, embodiment: Embodiment, num_envs: int) -> GroundlingVectorEnv:
    return GroundlingVectorEnv(bank, num_envs, shuffle=False, copy=False, embodiment=embodiment)


def bank_envs(
    mixture: TaskMixture,
    num_envs: int,
    embodiment: Embodiment,
    seed: int,
    render_mode: str | None = None,
    autoreset: bool = True,
    copy: bool = False,
    env_device: str = "cpu",
    num_threads: int = 1,
) -> VectorEnv:
    """B environments that draw the episodes of a mixture."""
    if env_device != "cpu":
        return device_envs(
            mixture,
            num_envs,
            seed=seed,
            copy=copy,
            render_mode=render_mode,
            embodiment=embodiment,
            autoreset=autoreset,
            device=env_device,
        )
    return GroundlingVectorEnv(
        mixture,
        num_envs,
        seed=seed,
        num_threads=num_threads,
        copy=copy,
        render_mode=render_mode,
        embodiment=embodiment,
        autoreset=autoreset,
    )


def embodiment_of(families: Sequence[BankFamily], world: WorldOptions = PLAIN) -> Embodiment:
    """What the episodes of several families are played with side by side; their words are joined.

    Raises:
        ConfigurationError: if they have bodies of their own that differ, a camera is given without a rover, or the body
            lacks a sense.
    """
    if world.body != "rover" and world.camera != PLAIN.camera:
        raise ConfigurationError("a camera is the rover's, and would be left unused: give --body rover with it")
    vocabulary = world.vocabulary_of(family.source.embodiment.vocabulary for family in families)
    own = {replace(family.source.embodiment, vocabulary=vocabulary) for family in families}
    if len(own) != 1:
        ids = ", ".join(family.id for family in families)
        raise ConfigurationError(f"{ids} are played with different bodies or words of their own: train on them apart")
    (embodiment,) = own
    body = None if world.body == "own" else world.body
    camera = world.camera if world.body == "rover" else None
    return embodiment.changed(
        body, camera, explored_radius=world.explored_radius, previous_action=world.previous_action or None
    )


def mixture_of(
    families: Sequence[BankFamily],
    splits: Sequence[AnySplit],
    seed: int,
    world: WorldOptions = PLAIN,
    *,
    progress: bool = True,
) -> TaskMixture:
    """The episodes of a split of each family, task after task, in joined words; errors as ``build_bank``'s."""
    vocabulary = world.vocabulary_of(family.source.embodiment.vocabulary for family in families)
    banks = [
        build_bank(family.source, world.bank_size, seed=seed, split=split, progress=progress).encoded(vocabulary)
        for family, split in zip(families, splits, strict=True)
    ]
    return changed_mixture(TaskMixture.of(banks), world)


def changed_mixture(mixture: TaskMixture, world: WorldOptions) -> TaskMixture:
    """The same episodes as a run's options want them."""
    if world.by_instruction:
        mixture = mixture.by_instruction()
    return mixture.with_time_limit_scale(world.time_limit_scale) if world.time_limit_scale < 1 else mixture


def enlarged(source: EpisodeSource, setting: str) -> EpisodeSource:
    """The source with this setting half as large again.

    Raises:
        SplitError: if it has no such setting.
    """
    value = source.setting(setting)
    if not value:
        raise SplitError(f"{source.id} has no setting {setting} to enlarge")
    try:
        return source.changed(**{setting: value + (value + 1) // 2})
    except ConfigurationError as error:
        raise SplitError(f"it cannot be enlarged: {error}") from error
