"""What a family of environments derives from, the options that its worlds are made with, and groups of families.

A family of a user's own is one class in one file::

    class Corridor(EnvFamily):
        id = "mine/Corridor"
        description = "Walk to the end of the corridor that the sentence names"
        spec = Spec({...}, ("left", "right"), Vocabulary.of(...))

        def make_vec(self, split, num_envs, seed, **options):
            return SyncVectorEnv([...], autoreset_mode=AutoresetMode.SAME_STEP)

``groundling train --task corridor.py:Corridor`` trains in it, ``evaluate``, ``watch`` and ``play`` know it as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.envs.described_clips import DescribedClips
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.envs.texts import texts_of
from groundling.errors import ConfigurationError, SplitError
from groundling.interfaces import TOKENS, Spec, Suite, Teacher
from groundling.seeding import integer

TRAIN: Final = "train"
ALL: Final = "all"
INSTRUCTION: Final = "instruction"  # the breakdown by the sentence itself
SAMPLED_TEXTS = 256  # that are looked at where a family does not know its texts beforehand


@dataclass(frozen=True)
class EpisodeSet:
    """Episodes that policies are evaluated on: always the same, each played once.

    Attributes:
        count: E, how many.
        make_envs: B vector environments that play them, side by side.
        most_envs: the largest B that is sensible.
        reset_seed: what their ``reset`` is given; None where the environments play a fixed order by themselves, and
            have to be made anew to play it again.
        texts: distinct sentences [S] of the episodes, as far as they are known.
        sentences: rows of ``texts``, each as often as an episode has it.
        tokens: [S, L] token ids of ``texts``.
        text_key: the key of an observation that holds them.
    """

    count: int
    make_envs: Callable[[int], VectorEnv]
    most_envs: int
    reset_seed: int | None
    texts: tuple[str, ...]
    sentences: NDArray[np.integer[Any]]
    tokens: NDArray[np.integer[Any]]
    text_key: str


@dataclass(frozen=True)
class MeasureTable:
    """What a family measures of episodes beside their success, on average in groups of them.

    Attributes:
        title: what the groups are by.
        columns: what each measure is, by its name.
        rows: of each group its name, how many episodes it has, and a value for each column; NaN where it is undefined.
    """

    title: str
    columns: Mapping[str, str]
    rows: tuple[tuple[str, int, tuple[float, ...]], ...]


class StateReader(Protocol):
    """Reads the present states of environments that their agents see a part of.

    Attributes:
        spec: what a state is, its instruction among the fields.
    """

    spec: Spec

    def __call__(self) -> Mapping[str, NDArray[Any]]:
        """The states by key, [B, ...]: arrays that nobody writes again."""


class EnvFamily(ABC):
    """An environment with its splits, suites, words and expert. Required are ``id``, ``description``, ``spec`` and
    :meth:`make_vec`.

    Attributes:
        id: how it is asked for.
        description: one line: what it asks of an agent.
        spec: what an agent in it is built for, with its own body and senses.
        suites: what it is tested by; the usual ones are run where nobody asks for others.
        breakdowns: the kinds of groups (see :meth:`groups`) that its episodes are always taken apart by.
        reference: the spelling that finds it again in another process; empty if there is none, as for a class of a
            notebook. The catalog sets it.
        most_envs: the most environments side by side in evaluation.
        has_measures: whether :meth:`measure` has more to tell of episodes than their success.
    """

    id: str
    description: str
    spec: Spec
    suites: Mapping[str, Suite] = {"layout": Suite("unseen layouts, instructions of the training split", "seen")}
    breakdowns: tuple[str, ...] = (INSTRUCTION,)
    reference: str = ""
    most_envs: ClassVar[int] = 16
    has_measures: ClassVar[bool] = False

    @abstractmethod
    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        """B environments that play a split in autoreset mode SAME_STEP.

        ``info`` tells ``success`` (or ``is_success``) where an episode ends. The texts are at the environments'
        attribute ``instructions``, or in ``info`` under ``KEY_text`` for the field KEY of tokens, or else are
        decoded from it.

        Args:
            split: what :meth:`split` returned.
            num_envs: B.
            seed: names the episodes, where ``reset`` is given none.
            options: ``world`` (:class:`WorldOptions`, which :meth:`check` has accepted); and to be watched
                ``render_mode="rgb_array"`` and ``autoreset=False``: a family that resets itself all the same is
                watched without its last picture.
        """

    def split(self, name: str, held_out: Any = None) -> Any:
        """The part of its episodes of this name: by default the name itself.

        Raises:
            SplitError: if there is none.
        """
        known = dict.fromkeys([ALL, TRAIN, *(suite.split for suite in self.suites.values())])
        if name not in known:
            raise SplitError(f"{self.id} has no split {name!r}: choose one of {', '.join(known)}")
        return name

    def with_settings(self, settings: Mapping[str, str]) -> EnvFamily:
        """The same family with settings of its own, which stand behind its id: ``ID?NAME=VALUE&NAME=VALUE``.

        Raises:
            ConfigurationError: if it has no such settings, or their values cannot work.
        """
        raise ConfigurationError(f"{self.id} has no settings of its own: name the task without {', '.join(settings)}")

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """What texts ask for: two with one meaning are no control for one another."""
        return tuple(sorted(texts.items()))

    def expert(self, envs: VectorEnv) -> Teacher | None:
        """Who knows the right actions in these environments, if the family does."""
        return None

    def state_reader(self, envs: VectorEnv) -> StateReader | None:
        """What reads states of these environments for rewards that judge them; None where observations are states.

        Raises:
            ConfigurationError: if these environments have no such states.
        """
        return None

    def goal_states(self, split: Any, count: int, seed: int) -> Mapping[str, NDArray[Any]] | None:
        """States in which what an instruction asks for is so, with their instructions; None if the family has none.

        Args:
            split: what :meth:`split` returned.
            count: N, how many are wanted; there may be fewer.
            seed: names them.

        Returns:
            arrays [N, ...] by the keys of observations, or of what :meth:`state_reader` reads.
        """
        return None

    def described_clips(self, count: int, seed: int) -> DescribedClips | None:
        """Clips of play with sentences that describe them, for rewards that are learned from these; None if the family
        has none of its own.

        Args:
            count: about how many.
            seed: of all that is drawn.
        """
        return None

    @property
    def clips_fingerprint(self) -> str:
        """All that :meth:`described_clips` depend on beside their number and seed; models are cached by it."""
        return self.reference or self.id

    def measure(self, episodes: EpisodeSet, actions: Sequence[NDArray[np.int64]]) -> tuple[MeasureTable, ...]:
        """What else there is to tell of episodes that were played with these actions.

        Args:
            episodes: E of a suite.
            actions: of each of the E, in their order; played again they lead to the same end.
        """
        return ()

    def groups(self, kind: str, text: str) -> tuple[str, ...]:
        """The groups that an episode of this text belongs to, in a breakdown of this kind.

        Raises:
            ConfigurationError: if there is no such breakdown; the message names those that there are.
        """
        if kind != INSTRUCTION:
            raise ConfigurationError(f"{self.id} has no breakdown by {kind!r}: break it down --by {INSTRUCTION}")
        return (text,)

    def check_breakdown(self, kind: str) -> None:
        """Refuse a kind of breakdown that it does not have.

        Raises:
            ConfigurationError: the message names those that there are.
        """
        if kind not in (*self.breakdowns, INSTRUCTION):
            self.groups(kind, "")

    def check(self, world: WorldOptions) -> None:
        """Refuse options that it has no use for.

        Raises:
            ConfigurationError: naming the first.
        """
        self.check_device(world)
        if world.time_limit_scale != 1:
            raise ConfigurationError(f"the time limit of {self.id} is its simulator's: leave time_share at 1")
        if world.by_instruction:
            raise ConfigurationError(
                "a curriculum of instructions is for episodes of a bank, not for another simulator's or recorded ones"
            )
        if world.body != "own":
            raise ConfigurationError(f"{self.id} has a body of its own: leave body out, or at 'own'")
        if world.camera != PLAIN.camera:
            raise ConfigurationError(f"{self.id} has senses of its own: leave the camera as it is")
        if world.vocabulary is not None and world.vocabulary != self.spec.vocabulary:
            raise ConfigurationError(f"{self.id} tells its sentences in words of its own: train on it apart")
        if world.explored_radius is not None:
            raise ConfigurationError(f"{self.id} draws no map of what was seen: leave the agent's map out")
        if world.previous_action and "previous_action" not in self.spec.observation:
            raise ConfigurationError(
                f"{self.id} does not tell which action was taken last, which the agent's vision needs: choose another"
            )

    def check_device(self, world: WorldOptions) -> None:
        """Refuse to be stepped anywhere but on the CPU, where it cannot be.

        Raises:
            ConfigurationError: where that is asked for.
        """
        if world.env_device != "cpu":
            raise ConfigurationError(f"{self.id} is not stepped on {world.env_device!r}: leave env_device at 'cpu'")

    def open(self, split: Any, num_envs: int, seed: int, world: WorldOptions = PLAIN, **options: Any) -> VectorEnv:
        """:meth:`make_vec`, after the options have been checked."""
        self.check(world)
        return self.make_vec(split, num_envs, seed, world=world, **options)

    @property
    def text_key(self) -> str:
        """The key of an observation that holds the sentence."""
        keys = self.spec.keys_of(TOKENS)
        if not keys:
            raise ConfigurationError(f"the observations of {self.id} have no field of kind {TOKENS!r}")
        return keys[0]

    def episodes(
        self, suite: str, held_out: Any, count: int, seed: int, world: WorldOptions = PLAIN, *, progress: bool = True
    ) -> EpisodeSet:
        """The episodes of a suite: always the same for a seed.

        Raises:
            SplitError: if there is no such suite, or it cannot be run; the message says why.
        """
        split = self.split(self.suite(suite).split, held_out)
        reset_seed = integer(seed, "evaluation", suite) % 2**31

        def make_envs(num_envs: int) -> VectorEnv:
            return self.open(split, num_envs, reset_seed, world)

        told = self.texts_of_split(split, make_envs, count, integer(seed, "texts", suite) % 2**31)
        texts = tuple(dict.fromkeys(told))
        row_of = {text: row for row, text in enumerate(texts)}
        length = self.spec.observation[self.text_key].shape[-1]
        return EpisodeSet(
            count=count,
            make_envs=make_envs,
            most_envs=self.most_envs,
            reset_seed=reset_seed,
            texts=texts,
            sentences=np.array([row_of[text] for text in told], dtype=np.int64),
            tokens=np.stack([self.spec.vocabulary.encode(text, length=length) for text in texts]),
            text_key=self.text_key,
        )

    def texts_of_split(self, split: Any, make_envs: Callable[[int], VectorEnv], count: int, seed: int) -> Sequence[str]:
        """Texts of a split, each as often as it is told; by default those of some resets."""
        envs = make_envs(min(count, self.most_envs))
        told: list[str] = []
        try:
            while len(told) < min(count, SAMPLED_TEXTS):
                observation, info = envs.reset(seed=(seed + len(told)) % 2**31)
                told += texts_of(envs, observation, info, self.spec)
        finally:
            envs.close()
        return told

    def example(self) -> str:
        """A sentence that it may tell."""
        envs = self.open(self.split(ALL), 1, 0)
        try:
            observation, info = envs.reset(seed=0)
            return texts_of(envs, observation, info, self.spec)[0]
        finally:
            envs.close()

    def watched(
        self, suite: str, held_out: Any, count: int, seed: int, world: WorldOptions = PLAIN
    ) -> Iterator[tuple[VectorEnv, int | None]]:
        """One environment for each of so many episodes of a suite, to be reset with the seed beside it and watched."""
        split = self.split(self.suite(suite).split, held_out)
        envs = self.open(split, 1, seed, world, render_mode="rgb_array", autoreset=False)
        try:
            for number in range(count):
                yield envs, integer(seed, "watched", suite, number) % 2**31
        finally:
            envs.close()

    def suite(self, name: str) -> Suite:
        """The suite of this name.

        Raises:
            SplitError: if there is none.
        """
        if name not in self.suites:
            raise SplitError(
                f"there is no suite {name!r}: choose among {', '.join(self.suites)}, by which {self.id} is tested"
            )
        return self.suites[name]


class FamilyGroup(Protocol):
    """Families that belong together: those of a simulator, or of a way to write tasks. One folder each.

    Attributes:
        wanted: what a thing of a user's own has to be to belong here, for messages: "a Task class".
    """

    wanted: str

    def ids(self) -> Sequence[str]:
        """Every id that it knows."""

    def find(self, id: str) -> EnvFamily | None:
        """The family of this id; None if it is not one of this group.

        Raises:
            UnsupportedLevelError: if it is one, but cannot be used; the message says why.
        """

    def wrap(self, thing: Any, reference: str) -> EnvFamily | None:
        """The family of a class, function or object of a user's own; None if it does not belong here."""

    def register(self) -> None:
        """Register its ids with Gymnasium, those that are not yet."""
