"""Comparisons: pairs of trajectories under one instruction, and which of each pair somebody prefers; in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.array_archive import read_arrays
from groundling.errors import PreferenceFileError
from groundling.files import written_whole
from groundling.interfaces import TOKENS, Spec
from groundling.trust import note_received

FORMAT_VERSION: Final = 1
KIND: Final = "groundling comparisons"
FIRST, SECOND, EQUAL, UNLABELLED = 1.0, 0.0, 0.5, -1.0
LABELS: Final = (FIRST, SECOND, EQUAL, UNLABELLED)
_SEEN: Final = "seen/"  # before the keys of observations, in the file


@dataclass(frozen=True)
class Comparisons:
    """N pairs of trajectories, each pair in one and the same episode from its first step on.

    Attributes:
        observation: by key, [N, 2, T, ...]: before each action; zeros behind a trajectory's end.
        action: [N, 2, T] int64.
        length: [N, 2] int64, steps of each trajectory.
        returns: [N, 2] float64, what the environment paid for it. Only a simulated person and tests look at it.
        success: [N, 2] bool, whether it reached its goal; as returns.
        label: [N] float64: 1 the first is preferred, 0 the second, .5 neither, -1 nobody has said.
        texts: N instructions.
        spec: of the environments.
        tasks: their ids.
        labeller: who compared, in words; empty if nobody has.
    """

    observation: dict[str, NDArray[Any]]
    action: NDArray[np.int64]
    length: NDArray[np.int64]
    returns: NDArray[np.float64]
    success: NDArray[np.bool_]
    label: NDArray[np.float64]
    texts: tuple[str, ...]
    spec: Spec
    tasks: tuple[str, ...]
    labeller: str = ""

    def __post_init__(self) -> None:
        pairs, two, steps = self.action.shape
        right = {"length": (pairs, 2), "returns": (pairs, 2), "success": (pairs, 2), "label": (pairs,)}
        for name, shape in right.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, not {shape}")
        for key, array in self.observation.items():
            if array.shape[:3] != (pairs, 2, steps):
                raise ValueError(f"{key} is {array.shape}, not {(pairs, 2, steps)} and its own axes")
        if two != 2 or len(self.texts) != pairs or not pairs:
            raise ValueError(f"{pairs} pairs of {two} have {len(self.texts)} instructions")
        if not np.isin(self.label, LABELS).all():
            raise ValueError(f"labels are among {LABELS}")
        if (self.length < 1).any() or (self.length > steps).any():
            raise ValueError(f"trajectories have from 1 to {steps} steps")

    def __len__(self) -> int:
        return len(self.action)

    @property
    def labelled(self) -> Comparisons:
        """The pairs that somebody compared.

        Raises:
            PreferenceFileError: if there are none.
        """
        rows = np.flatnonzero(self.label != UNLABELLED)
        if not len(rows):
            raise PreferenceFileError("nobody has compared these pairs: label them with `groundling label`")
        return self.take(rows)

    def take(self, rows: NDArray[np.integer[Any]]) -> Comparisons:
        """Those of some rows [R]."""
        return replace(
            self,
            observation={key: array[rows] for key, array in self.observation.items()},
            action=self.action[rows],
            length=self.length[rows],
            returns=self.returns[rows],
            success=self.success[rows],
            label=self.label[rows],
            texts=tuple(self.texts[row] for row in rows),
        )

    def with_labels(self, label: NDArray[np.float64], labeller: str) -> Comparisons:
        """The same pairs, compared by somebody."""
        return replace(self, label=np.asarray(label, dtype=np.float64), labeller=labeller)

    def names(self) -> list[bytes]:
        """What tells each of the N pairs from others: its instruction, what was seen first, and the actions."""
        return [
            b"|".join(
                [
                    text.encode(),
                    *(array[row, :, 0].tobytes() for _, array in sorted(self.observation.items())),
                    *(self.action[row, side, : self.length[row, side]].tobytes() for side in range(2)),
                ]
            )
            for row, text in enumerate(self.texts)
        ]

    def joined_with(self, other: Comparisons) -> Comparisons:
        """These pairs, and behind them those of another one.

        Raises:
            PreferenceFileError: if they were made in other environments.
        """
        if self.spec != other.spec or self.observation.keys() != other.observation.keys():
            different = "; ".join(self.spec.differences(other.spec)) or "other parts of the observation were kept"
            raise PreferenceFileError(f"comparisons of different environments cannot be joined: {different}")
        steps = max(self.action.shape[2], other.action.shape[2])
        texts = self.spec.keys_of(TOKENS)

        def both(ours: NDArray[Any], theirs: NDArray[Any], *, repeats: bool = False) -> NDArray[Any]:
            longer = []
            for array in (ours, theirs):
                width = [(0, 0), (0, 0), (0, steps - array.shape[2])] + [(0, 0)] * (array.ndim - 3)
                longer.append(np.pad(array, width, mode="edge" if repeats else "constant"))
            return np.concatenate(longer)

        return replace(
            self,
            observation={
                key: both(array, other.observation[key], repeats=key in texts)  # an instruction is at padded steps too
                for key, array in self.observation.items()
            },
            action=both(self.action, other.action),
            length=np.concatenate([self.length, other.length]),
            returns=np.concatenate([self.returns, other.returns]),
            success=np.concatenate([self.success, other.success]),
            label=np.concatenate([self.label, other.label]),
            texts=self.texts + other.texts,
            tasks=tuple(dict.fromkeys(self.tasks + other.tasks)),
            labeller="; ".join(dict.fromkeys(filter(None, [*self.labeller.split("; "), *other.labeller.split("; ")]))),
        )

    def save(self, path: Path | str) -> None:
        """Write a file whole or not at all.

        Raises:
            StorageError: if it cannot be written; an older one stays as it was.
        """
        facts = {
            "kind": KIND,
            "version": FORMAT_VERSION,
            "spec": self.spec.to_dict(),
            "tasks": list(self.tasks),
            "texts": list(self.texts),
            "labeller": self.labeller,
        }
        seen: dict[str, Any] = {_SEEN + key: array for key, array in self.observation.items()}
        own: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        with written_whole(path) as file:
            np.savez_compressed(file, facts=np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8), **seen, **own)

    @classmethod
    def load(cls, path: Path | str) -> Comparisons:
        """Read :meth:`save` back.

        Raises:
            PreferenceFileError: if there is no file, or it is torn, of another kind or of another version.
        """
        try:
            arrays = read_arrays(Path(path))
            facts = json.loads(arrays.pop("facts").tobytes())
        except FileNotFoundError:
            raise PreferenceFileError(
                f"there is no file of comparisons at {path}: `groundling label RUN` makes one"
            ) from None
        except Exception as error:  # a damaged archive fails in many ways: compression, headers, checksums
            raise PreferenceFileError(
                f"{path} is no whole file of comparisons ({error}): copy it again, or label again with `groundling "
                "label RUN`"
            ) from error
        note_received(facts, path)
        if not isinstance(facts, dict) or facts.get("kind") != KIND:
            raise PreferenceFileError(f"{path} is no file of comparisons: `groundling label RUN` makes one")
        if facts.get("version") != FORMAT_VERSION:
            raise PreferenceFileError(
                f"{path} is of format {facts.get('version')}, this Groundling reads format {FORMAT_VERSION}: label "
                "again, or read it with the version that wrote it"
            )
        try:
            found = cls(
                observation={n.removeprefix(_SEEN): array for n, array in arrays.items() if n.startswith(_SEEN)},
                **{name: arrays[name] for name in _ARRAYS},
                texts=tuple(facts["texts"]),
                spec=Spec.from_dict(facts["spec"]),
                tasks=tuple(facts["tasks"]),
                labeller=facts["labeller"],
            )
            found.check_values()
            return found
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PreferenceFileError(f"{path} lacks parts of comparisons of its format: {error}") from error

    def check_values(self) -> None:
        """Refuse observations and actions that are none of their environments'.

        Raises:
            ValueError: naming the first.
        """
        if self.action.dtype != np.int64 or self.action.min() < 0 or self.action.max() >= self.spec.num_actions:
            raise ValueError(f"actions are whole numbers from 0 to {self.spec.num_actions - 1}")
        for key, array in self.observation.items():
            field = self.spec.observation[key]
            if array.dtype != field.dtype or array.shape[3:] != field.shape:
                raise ValueError(f"{key} is {array.dtype} {list(array.shape[3:])}, not {field.dtype} {field.shape}")
            if field.size and array.size and (array.min() < 0 or array.max() >= field.size):
                raise ValueError(f"{key} has {array.max()}, where there is nothing but 0 to {field.size - 1}")

    def check(self, spec: Spec, path: Path | str) -> None:
        """Refuse comparisons that were made in other environments than these.

        Raises:
            PreferenceFileError: naming in what they differ.
        """
        different = self.spec.differences(spec)
        if different:
            raise PreferenceFileError(
                f"the comparisons of {path} were made in other environments: {'; '.join(different)} in these"
            )


_ARRAYS: Final = ("action", "length", "returns", "success", "label")
