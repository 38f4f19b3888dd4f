"""Checkpoints: everything that the rest of a run depends on, in one file that is whole or not there."""

from __future__ import annotations

import dataclasses
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
from groundling.agents.space import AgentSpace
from groundling.errors import CheckpointError, ConfigurationError
from groundling.files import written_whole
from groundling.training.config import TrainConfig

FORMAT_VERSION = 5
CHECKPOINT_NAME = "checkpoint.pt"

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
        space: images, words and actions that the agent is built for.
        frames: observations trained on so far.
        updates: rollouts trained on so far.
        agent: the agent's parameters.
        optimizer: the optimizer's state.
        collector: memory, running episodes, statistics and the state of the environments.
        generators: states of the random streams.
        curriculum: what it has heard of the tasks so far.
        reference: parameters of the agent that the run is kept near to, if it is.
    """

    config: TrainConfig
    space: AgentSpace
    frames: int
    updates: int
    agent: dict[str, Tensor]
    optimizer: dict[str, Any]
    collector: dict[str, Any]
    generators: dict[str, Tensor]
    curriculum: dict[str, Any]
    reference: dict[str, Tensor]

    def save(self, path: Path | str) -> None:
        """Write the checkpoint aside, then rename it.

        Raises:
            StorageError: if the disk is full or the folder cannot be written; an older checkpoint is unchanged.
        """
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        content = {
            **parts,
            "config": dataclasses.asdict(self.config),
            "space": dataclasses.asdict(self.space),
            "groundling_checkpoint": FORMAT_VERSION,
            "vocabulary": self.config.vocabulary.fingerprint,
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        with written_whole(path) as file:
            file.write(buffer.getbuffer())

    @classmethod
    def load(cls, path: Path | str) -> Checkpoint:
        """Read a checkpoint.

        Raises:
            CheckpointError: if it is missing, truncated, of another version, or not one of Groundling's.
        """
        path = Path(path)
        if not path.is_file():
            raise CheckpointError(
                f"there is no checkpoint at {path}: was the run ever trained to its first checkpoint?"
            )
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
        if not isinstance(content, dict) or "groundling_checkpoint" not in content:
            raise CheckpointError(f"{path} is a PyTorch file, but not a checkpoint of Groundling")
        version = content.pop("groundling_checkpoint")
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"{path} is a checkpoint of format {version}, this Groundling reads format {FORMAT_VERSION}: "
                "load it with the version that wrote it"
            )
        vocabulary = content.pop("vocabulary", None)
        try:
            config, space = TrainConfig.from_dict(content["config"]), AgentSpace.from_dict(content["space"])
            checkpoint = cls(**{**content, "config": config, "space": space})
        except (ConfigurationError, TypeError, KeyError, ValueError) as error:
            raise CheckpointError(f"{path} does not fit this version of Groundling: {error}") from error
        if vocabulary != config.vocabulary.fingerprint:
            raise CheckpointError(
                f"{path} was trained with another vocabulary, its token ids mean other words here: load it with the "
                "version that wrote it"
            )
        return checkpoint

    def make_agent(self, device: str = "cpu") -> ActorCritic:
        """The trained agent.

        Raises:
            CheckpointError: if the parameters do not fit the configuration.
        """
        return self._agent_of(self.agent, device)

    def make_reference(self, device: str = "cpu") -> ActorCritic:
        """The agent that the run is kept near to.

        Raises:
            CheckpointError: if the parameters do not fit the configuration.
        """
        return self._agent_of(self.reference, device).requires_grad_(False)

    def _agent_of(self, parameters: dict[str, Tensor], device: str) -> ActorCritic:
        try:
            agent = ActorCritic(self.config.agent, self.space)
            agent.load_state_dict(parameters)
        except (RuntimeError, ConfigurationError) as error:
            raise CheckpointError(f"the checkpoint's parameters do not fit its configuration: {error}") from error
        return agent.to(device).eval()
