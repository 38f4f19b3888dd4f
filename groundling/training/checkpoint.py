"""Checkpoints: everything that the rest of a run depends on, in one file that is whole or not there."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.errors import CheckpointError, ConfigurationError, GroundlingError, UntrustedCodeError
from groundling.files import written_whole
from groundling.hub import local_run
from groundling.interfaces import Spec
from groundling.language.grounded import GROUNDED_VOCABULARY
from groundling.language.vocabulary import VOCABULARY
from groundling.training.config import TrainConfig
from groundling.training.migration import migrated_checkpoint
from groundling.trust import note_received

FORMAT_VERSION = 6
OLDEST_VERSION = 5
CHECKPOINT_NAME = "checkpoint.pt"
_FORMAT = "groundling_checkpoint"  # the name under which a file says its format

# What Python's zip reader and PyTorch's loader raise for a file that is not whole or not theirs.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, pickle.UnpicklingError),
    *(RuntimeError, EOFError, OSError, ValueError, LookupError),
)


@dataclass(frozen=True)
class Checkpoint:
    """A run between two updates.

    Attributes:
        config: of the run.
        spec: observations, actions and words that the agent is built for.
        frames: observations trained on so far.
        updates: updates so far.
        agent: the agent's parameters.
        algorithm: all that the algorithm's future depends on: optimizers, data, random streams, environments.
        statistics: episodes that ended since they were last logged.
        rewards: all that the rewards' future depends on.
        curriculum: the curriculum's, from the tasks so far.
        best: which agent of the run was the best so far.
        ranks: of a run of several processes, ``algorithm`` and ``rewards`` of each but the first.
    """

    config: TrainConfig
    spec: Spec
    frames: int
    updates: int
    agent: dict[str, Tensor]
    algorithm: dict[str, Any]
    statistics: dict[str, Any]
    rewards: dict[str, Any]
    curriculum: dict[str, Any]
    best: dict[str, Any] = dataclasses.field(default_factory=dict)
    ranks: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Of the agent's parameters: equal where agents are equal bit by bit."""
        digest = hashlib.sha256()
        for name, array in self.agent.items():
            digest.update(f"{name} {array.dtype} {tuple(array.shape)}".encode())
            digest.update(array.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    def save(self, path: Path | str) -> None:
        """Write the checkpoint aside, then rename it.

        Raises:
            StorageError: if the disk is full or the folder cannot be written; an older checkpoint is unchanged.
        """
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if self.ranks:
            own = {"algorithm": self.algorithm, "rewards": self.rewards}
            parts["ranks"] = [sharing_tensors(state, own) for state in self.ranks]
        else:
            del parts["ranks"]
        content = {
            **parts,
            "config": self.config.to_dict(),
            "spec": self.spec.to_dict(),
            _FORMAT: FORMAT_VERSION,
        }
        buffer = io.BytesIO()
        is_on_host = all(array.device.type == "cpu" for array in self.agent.values())
        torch.save(content if is_on_host else _on_host(content), buffer)
        with written_whole(path) as file:
            file.write(buffer.getbuffer())

    @property
    def processes(self) -> int:
        """How many trained the agent."""
        return 1 + len(self.ranks)

    @staticmethod
    def check_there(path: Path) -> None:
        """Refuse a file that is missing.

        Raises:
            CheckpointError: if there is none.
        """
        if not path.is_file():
            raise CheckpointError(
                f"there is no checkpoint at {path}: was the run ever trained to its first checkpoint?"
            )

    @classmethod
    def load(cls, path: Path | str, *, trust_code: bool = False, for_evaluation: bool = False) -> Checkpoint:
        """Read a checkpoint.

        Args:
            path: of the file.
            trust_code: run code of somebody's own that it names: tasks, encoders, algorithms, rewards.
            for_evaluation: leave out an algorithm or reward whose code may not run; the agent acts without.

        Raises:
            CheckpointError: if it is missing, truncated, of another version, or not one of Groundling's.
            UntrustedCodeError: if it names code that is needed, and that nobody else names.
        """
        path = Path(path)
        content = cls._read(path)
        note_received(content, path, trust_code=trust_code)
        version = content.pop(_FORMAT)
        check_format(path, version)
        if version < FORMAT_VERSION:
            content = _migrated(path, content)
        try:
            config = TrainConfig.from_dict(content["config"], for_evaluation=for_evaluation)
            return cls(**{**content, "config": config, "spec": Spec.from_dict(content["spec"])})
        except UntrustedCodeError:
            raise
        except (GroundlingError, TypeError, KeyError, ValueError, AttributeError) as error:
            raise CheckpointError(f"{path} does not fit this version of Groundling: {error}") from error

    @classmethod
    def check_readable(cls, path: Path) -> None:
        """Refuse a checkpoint of a format that this version does not read; one that is missing or damaged passes.

        Raises:
            CheckpointError: naming which version does.
        """
        try:
            version = cls._read(path)[_FORMAT]
        except CheckpointError:
            return
        check_format(path, version)

    @classmethod
    def _read(cls, path: Path) -> dict[str, Any]:
        """The plain content of a whole file."""
        cls.check_there(path)
        try:
            with zipfile.ZipFile(path) as file:  # PyTorch itself reads over wrong checksums
                if file.testzip() is not None:
                    raise zipfile.BadZipFile("a checksum is wrong")
            content = torch.load(path, map_location="cpu", weights_only=True)
        except _DAMAGE as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise CheckpointError(
                f"{path} is not a whole checkpoint, it may be truncated or of another program ({reason})"
            ) from error
        if not isinstance(content, dict) or _FORMAT not in content:
            raise CheckpointError(f"{path} is a PyTorch file, but not a checkpoint of Groundling")
        return content

    def make_agent(self, device: str = "cpu") -> ActorCritic:
        """The trained agent.

        Raises:
            CheckpointError: if the parameters do not fit the configuration.
        """
        try:
            agent = ActorCritic(self.config.agent, self.spec)
            agent.load_state_dict(self.agent)
        except (RuntimeError, ConfigurationError) as error:
            raise CheckpointError(f"the checkpoint's parameters do not fit its configuration: {error}") from error
        return agent.to(device).eval()


<<<<<<< HEAD
def _on_host(part: Any) -> Any:
    """The same with its tensors on the host, so that a file is of no device."""
    if isinstance(part, Tensor):
        return part.cpu()
    if isinstance(part, dict):
        return {key: _on_host(value) for key, value in part.items()}
    return type(part)(map(_on_host, part)) if type(part) in (list, tuple) else part
=======
def sharing_tensors(state: Any, other: Any) -> Any:
    """A state with each tensor that is equal to the other state's in its place replaced by that one, so that a file of
    both holds it once.
    """
    if isinstance(state, Tensor):
        is_same = isinstance(other, Tensor) and state.dtype == other.dtype and torch.equal(state, other.cpu())
        return other if is_same else state
    if isinstance(state, dict):
        others = other if isinstance(other, dict) else {}
        return {key: sharing_tensors(value, others.get(key)) for key, value in state.items()}
    return state
>>>>>>> main


def load_agent(run: Path | str, device: str = "cpu", *, trust_code: bool = False) -> ActorCritic:
    """The trained agent of a run.

    Args:
        run: its folder, the checkpoint itself, or its place on the hub, ``"hub:USER/NAME"`` (see ``groundling.hub``).
        device: where its parameters go.
        trust_code: run code of somebody's own that it names.

    Raises:
        CheckpointError: if there is no whole checkpoint.
        HubError: if it cannot be fetched.
        UntrustedCodeError: if it has encoders that are code, and that nobody else names.
    """
    path = local_run(run)
    place = path / CHECKPOINT_NAME if path.is_dir() else path
    return Checkpoint.load(place, trust_code=trust_code, for_evaluation=True).make_agent(device)


def check_format(path: Path, version: Any) -> None:
    """Refuse a format that this version does not read.

    Raises:
        CheckpointError: naming which version does.
    """
    if not isinstance(version, int):
        raise CheckpointError(f"{path} says that its format is {version!r}, which none is: is it damaged?")
    if version > FORMAT_VERSION:
        raise CheckpointError(
            f"{path} was written by a newer Groundling (format {version}, this one reads up to {FORMAT_VERSION}): "
            "update with pip install --upgrade groundling"
        )
    if version < OLDEST_VERSION:
        raise CheckpointError(
            f"{path} is of format {version}, this Groundling reads formats {OLDEST_VERSION} to {FORMAT_VERSION}: "
            "load it with the version that wrote it"
        )


def _migrated(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint of an older format."""
    known = {vocabulary.fingerprint: vocabulary for vocabulary in (VOCABULARY, GROUNDED_VOCABULARY)}
    if content.get("vocabulary") not in known:
        raise CheckpointError(
            f"{path} was trained with another vocabulary, its token ids mean other words here: load it with the "
            "version that wrote it"
        )
    try:
        return migrated_checkpoint(content, known)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(f"{path} lacks parts of a checkpoint of its format: {error}") from error
