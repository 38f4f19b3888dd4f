"""What everyone implements: fields and specifications, families of environments, policies, teachers, rewards.

This is the file to read first. A family of environments, a simulator, an observation encoder, an algorithm or a reward
is one file that implements one of these, and one line of registration (see ``groundling.registry``); what is named by a
string, ``"my_file.py:MyFamily"`` included, is found by the registry of its kind. Observation encoders and algorithms
need PyTorch and have their base classes in ``groundling.agents.encoders.base`` and ``groundling.training.algorithms``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from groundling.language.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Array = NDArray[Any]
Observation = Mapping[str, Any]  # arrays or tensors [B, ...] by the keys of a specification

# Kinds of fields. A kind says what numbers mean, and so which encoder reads them; a family may use kinds of its own.
SYMBOLS: Final = "symbols"  # [H, W, 3] uint8: MiniGrid's (type, color, state) of each cell
MAP: Final = "map"  # the same, of what was seen since the episode began
RGB: Final = "rgb"  # [H, W, 3] uint8
GRAY: Final = "gray"  # [H, W] uint8
DEPTH: Final = "depth"  # [H, W] float32, metres
SEGMENTATION: Final = "segmentation"  # [H, W] uint8 codes of objects
CATEGORY: Final = "category"  # [] integer in [0, size)
TOKENS: Final = "tokens"  # [L] token ids of a sentence, 0 = padding
DOCUMENT: Final = "document"  # [S, L] token ids of several sentences
MASK: Final = "mask"  # [N] bool
ACTION_TEXTS: Final = "action_texts"  # [A, L] token ids of what each action says, where actions are texts
ACTION_MASK: Final = "action_mask"  # [A] 0 or 1: the actions that are open; a policy takes no other
VECTOR: Final = "vector"  # [N] floating point


@dataclass(frozen=True)
class Field:
    """One key of an observation, of a single environment.

    Attributes:
        shape: of its array, without the batch.
        dtype: NumPy's name of its type.
        kind: what its numbers mean: one of the kinds above, or one of the user's own.
        size: of integers that are numbered, how many there are: they are in [0, size). 0 where that means nothing.
            Types and colors of symbols, and categories, are token ids where it is the length of the vocabulary.
        sizes: of symbols: how many types, colors and states there are; empty: MiniGrid's.
    """

    shape: tuple[int, ...]
    dtype: str
    kind: str
    size: int = 0
    sizes: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values; sizes only where there are some."""
        values = {"shape": list(self.shape), "dtype": self.dtype, "kind": self.kind, "size": self.size}
        return values | ({"sizes": list(self.sizes)} if self.sizes else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Field:
        """Read plain values (``dataclasses.asdict``, or JSON's) back."""
        return cls(**{**values, "shape": tuple(values["shape"]), "sizes": tuple(values.get("sizes", ()))})


@dataclass(frozen=True)
class Spec:
    """What an agent is built for; saved in every checkpoint, words and all.

    Attributes:
        observation: the fields of an observation by their keys.
        actions: names of the actions, whose numbers are their places.
        vocabulary: what token ids mean.
    """

    observation: Mapping[str, Field]
    actions: tuple[str, ...]
    vocabulary: Vocabulary

    @property
    def num_actions(self) -> int:
        """A, the number of actions."""
        return len(self.actions)

    def keys_of(self, *kinds: str) -> tuple[str, ...]:
        """The keys whose fields are of one of these kinds, in the order of the observation."""
        return tuple(key for key, part in self.observation.items() if part.kind in kinds)

    def differences(self, other: Spec) -> list[str]:
        """In what an agent built for this cannot act in environments of the other, in words; empty if it can.

        How many tokens an instruction is padded to is no difference.
        """
        found = []
        for key in dict.fromkeys([*self.observation, *other.observation]):
            ours, theirs = self.observation.get(key), other.observation.get(key)
            if ours is None or theirs is None:
                found.append(f"{key} is {'missing' if theirs is None else 'new'}")
            elif _comparable(ours) != _comparable(theirs):
                found.append(f"{key} is {_in_words(theirs)}, not {_in_words(ours)}")
        if self.actions != other.actions:
            found.append(f"the actions are {', '.join(other.actions)}, not {', '.join(self.actions)}")
        if self.vocabulary != other.vocabulary:
            found.append(f"the vocabulary has {len(other.vocabulary)} words, not the same {len(self.vocabulary)}")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "observation": {key: part.to_dict() for key, part in self.observation.items()},
            "actions": list(self.actions),
            "vocabulary": list(self.vocabulary.words),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Spec:
        """Read :meth:`to_dict` back."""
        observation = {key: Field.from_dict(part) for key, part in values["observation"].items()}
        return cls(observation, tuple(values["actions"]), Vocabulary(tuple(values["vocabulary"])))


def _comparable(part: Field) -> tuple[Any, ...]:
    shape = () if part.kind in (TOKENS, DOCUMENT) else part.shape
    return shape, part.kind, part.size if part.kind not in (TOKENS, DOCUMENT) else 0, part.sizes


def _in_words(part: Field) -> str:
    size = f" of {part.size}" if part.size else ""
    if part.sizes:
        size = " of {} types, {} colors and {} states".format(*part.sizes)
    return f"{part.kind} {list(part.shape)}{size}"


@dataclass(frozen=True)
class Suite:
    """One test of a family.

    Attributes:
        description: what it tests, in a few words.
        split: the name of the split whose episodes it plays.
        is_usual: whether it is run where nobody asks for certain suites.
    """

    description: str
    split: str
    is_usual: bool = True


class Step(NamedTuple):
    """What one step of a simulator leads to.

    Attributes:
        observation: by the keys of the simulator's specification; a text may be a sentence, which is encoded by its
            vocabulary.
        reward: of the step.
        terminated: the episode ended by itself.
        truncated: the episode was cut off, as by a time limit.
        success: whether the goal was reached; told where an episode ends.
    """

    observation: Mapping[str, Any]
    reward: float
    terminated: bool
    truncated: bool
    success: bool


@runtime_checkable
class Simulator(Protocol):
    """One foreign world. It runs in a worker process, and one generic family wraps it (``--task my_file.py:MyClass``),
    so a class that can be made without arguments is all there is to write.

    Attributes:
        spec: what an agent in it is built for.
        description: one line: what it asks of an agent.
    """

    spec: Spec
    description: str

    def reset(self, seed: int, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin the episode of a seed; ``options["split"]`` is the name of the split that it is to be of.

        The same seed and split give the same episode, whatever was played before; splits do not share episodes.
        """

    def step(self, action: int) -> Step:
        """Act once."""

    def close(self) -> None:
        """End it."""


@runtime_checkable
class Teacher(Protocol):
    """Knows the right action in every environment of a batch; ``agents.bots.Expert`` is one."""

    lost: NDArray[np.bool_]  # [B] where the teacher knows no action, after `actions`

    def actions(self) -> NDArray[np.int64]:
        """The right action [B] in the present state of every environment."""

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """What its next answers depend on beside the worlds."""

    def load_state_dict(self, saved: dict[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state_dict`."""


@runtime_checkable
class Family(Protocol):
    """An environment with its splits, suites, words and expert: a level, a task, a room, a Gymnasium id.

    ``groundling.envs.families.base.EnvFamily`` has defaults for all but ``id``, ``description``, ``spec`` and
    ``make_vec``.

    Attributes:
        id: how it is asked for.
        description: one line: what it asks of an agent.
        spec: what an agent in it is built for, with its own body and senses.
        suites: what ``evaluate --suite all`` runs, by name.
    """

    id: str
    description: str
    spec: Spec
    suites: Mapping[str, Suite]

    def split(self, name: str, held_out: Any) -> Any:
        """The part of its episodes of this name, where ``held_out`` is kept from training.

        Raises:
            SplitError: if there is none, or nothing of the kind is held out; the message says why.
        """

    def make_vec(self, split: Any, num_envs: int, seed: int, **options: Any) -> VectorEnv:
        """B environments that play a split in autoreset mode SAME_STEP.

        ``info`` tells ``success`` (or SB3's ``is_success``) where an episode ends, itself or in ``final_info``, and the
        text is in ``info`` under ``KEY_text``, where KEY is that of the observation's field of tokens, or at the
        environments' attribute ``instructions``.
        """

    def meaning(self, texts: Mapping[str, str]) -> Hashable:
        """What texts ask for: two with one meaning are no control for one another."""

    def expert(self, envs: VectorEnv) -> Teacher | None:
        """Who knows the right actions in these environments, if anybody does."""


@runtime_checkable
class DocumentJudge(Protocol):
    """Vector environments that know what a document asks for, true or not: by them the control that gives an agent
    another episode's document tells how often the agent does what the wrong document says.

    Attributes:
        endings: [B] int64, the way in which the last episode of each environment ended, by a number of the
            environments' own; -1 where it is none of the ways that a document can ask for, as after the time limit.
    """

    @property
    def endings(self) -> NDArray[np.int64]:
        """See above."""

    def endings_asked(self, documents: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The way to end the present episodes of environments ``rows`` [R] that documents [R, S, L] ask for, [R]
        int64; -1 where they ask for none.
        """


class Policy(Protocol):
    """What acts: an agent, a bot, another library's model. All that it remembers of an environment is that one's row
    of the state, so a batch may go on without some of its rows (``state[rows]``).
    """

    def initial_state(self, num_envs: int) -> Tensor:
        """The memory [B, M] before an episode."""

    def act(
        self,
        observation: Observation,
        state: Tensor,
        is_first: Tensor | NDArray[np.bool_],
        *,
        greedy: bool = False,
        generator: torch.Generator | None = None,
    ) -> tuple[NDArray[np.int64], Tensor]:
        """Actions [B] int64, and the memory after the step.

        Args:
            observation: of B environments.
            state: [B, M], the memory (``initial_state(B)`` at first).
            is_first: [B] bool, whether the observation begins an episode.
            greedy: take the likeliest action instead of drawing one.
            generator: of the draw.
        """

    def inference_cache(self) -> AbstractContextManager[None]:
        """A context in which the policy stays as it is, so that it may keep what repeats."""


@dataclass(frozen=True)
class Transition:
    """One step of B environments, as rewards see it.

    Attributes:
        observation: before the step, [B, ...] by key; arrays that the next step may rewrite.
        action: [B] int64.
        next_observation: after it; where an episode ended, the first of the next one (its last is in ``info``).
        reward: [B] float64 of the environments.
        terminated: [B] bool.
        truncated: [B] bool.
        info: of the step.
        texts: the sentence of each environment before the step, [B].
    """

    observation: Observation
    action: NDArray[np.int64]
    next_observation: Observation
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    info: Mapping[str, Any] = field(repr=False)
    texts: Sequence[str] = ()

    def reached(self, key: str) -> Array:
        """The field of this key [B, ...] that the step led to: where an episode ended, of its last observation."""
        array = self.next_observation[key]
        rows = np.flatnonzero(self.terminated | self.truncated)
        if not len(rows):
            return array
        array, final = np.array(array), self.info["final_obs"]
        array[rows] = [final[row][key] for row in rows.tolist()]
        return array


@runtime_checkable
class CopyableEnvs(Protocol):
    """Vector environments whose worlds can be copied into others like them: what a planner searches in."""

    def twin(self) -> VectorEnv:
        """As many environments with the same rules, senses and episodes, which are copyable as well and begin no
        episode by themselves: worlds are put into them by :meth:`paste_rows`. Their arrays are rewritten by each step.
        """

    def copy_rows(self, rows: NDArray[np.integer[Any]]) -> dict[str, Array]:
        """A copy of all that the future of environments ``rows`` [R] depends on, arrays [R, ...] by name."""

    def paste_rows(self, rows: NDArray[np.integer[Any]], saved: Mapping[str, Array]) -> None:
        """Put worlds [R] that :meth:`copy_rows` returned into environments ``rows`` [R]; what is seen there is told by
        the next step.
        """


@runtime_checkable
class BoundPolicy(Protocol):
    """A policy that needs more of the environments that it plays in than their observations."""

    def bind(self, envs: VectorEnv) -> None:
        """Say in which environments it is going to play.

        Raises:
            ConfigurationError: if it cannot play in these; the message says why.
        """


@runtime_checkable
class Watched(Protocol):
    """Vector environments whose worlds can be looked at between the end of an episode and the beginning of the next."""

    def watch(self, callback: Callable[[], None]) -> None:
        """Call this after each step, before environments whose episode ended begin the next one."""


class Reward(Protocol):
    """One term of what a policy is paid. The success of an episode is no part of it, and never shown to the policy.

    ``groundling.training.rewards.base.RewardTerm`` has defaults, and more that a reward may do.
    """

    def __call__(self, transition: Transition) -> Array:
        """The reward [B] of a step."""

    def update(self, batch: Any) -> Mapping[str, float]:
        """Learn from the rollout that was just collected, if it learns; returns metrics."""

    def state_dict(self) -> dict[str, Any]:
        """All that its next answers depend on."""

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from :meth:`state_dict`."""
