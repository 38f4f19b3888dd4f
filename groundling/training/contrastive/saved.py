"""A trained video-sentence encoder as plain values: of the run that trained it, and as other runs keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.config import AgentConfig
from groundling.errors import ConfigurationError
from groundling.interfaces import Spec
from groundling.training.contrastive.encoder import VideoSentenceEncoder


@dataclass(frozen=True)
class SavedEncoder:
    """A video-sentence encoder that learns no more.

    Attributes:
        agent: parts and sizes of the agent whose encoders it has.
        spec: what that agent was built for.
        clip_length: K frames of a clip.
        embedding_dim: E.
        gated: whether clips are encoded under sentences.
        parameters: of the encoder, the agent's among them.
        sentences: [S, L] token ids of sentences that it was trained on.
    """

    agent: AgentConfig
    spec: Spec
    clip_length: int
    embedding_dim: int
    gated: bool
    parameters: dict[str, Tensor]
    sentences: NDArray[np.int64]

    @classmethod
    def of_run(cls, run: str) -> SavedEncoder:
        """What a run of algorithm "infonce" trained.

        Args:
            run: its folder.

        Raises:
            CheckpointError: if there is no whole checkpoint.
            ConfigurationError: if it is a run of another algorithm.
        """
        from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint

        checkpoint = Checkpoint.load(Path(run) / CHECKPOINT_NAME)
        saved = checkpoint.algorithm
        if "heads" not in saved or "sentences" not in saved:
            raise ConfigurationError(
                f"{run} was trained with algorithm {checkpoint.config.algorithm!r}, which compares no clips with "
                "sentences: name a run of --algorithm infonce"
            )
        settings = checkpoint.config.algorithm_settings
        parameters = {**saved["heads"], **{f"agent.{name}": array for name, array in checkpoint.agent.items()}}
        return cls(
            checkpoint.config.agent,
            checkpoint.spec,
            settings.clip_length,
            settings.embedding_dim,
            settings.gated,
            parameters,
            saved["sentences"].numpy(),
        )

    def make_encoder(self) -> VideoSentenceEncoder:
        """The encoder; its parameters are not trained."""
        encoder = VideoSentenceEncoder(ActorCritic(self.agent, self.spec), self.embedding_dim, gated=self.gated)
        encoder.load_state_dict(self.parameters)
        return encoder.requires_grad_(False).eval()

    def sentences_of_length(self, length: int) -> NDArray[np.int64]:
        """The sentences that have at most so many tokens, padded to it."""
        short = self.sentences[(self.sentences[:, length:] == 0).all(axis=1), :length]
        return np.pad(short, ((0, 0), (0, length - short.shape[1])))

    def to_dict(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return {
            "agent": self.agent.to_dict(),
            "spec": self.spec.to_dict(),
            "clip_length": self.clip_length,
            "embedding_dim": self.embedding_dim,
            "gated": self.gated,
            "parameters": dict(self.parameters),
            "sentences": torch.as_tensor(self.sentences),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SavedEncoder:
        """Read :meth:`to_dict` back."""
        return cls(
            **{
                **values,
                "agent": AgentConfig.from_dict(values["agent"]),
                "spec": Spec.from_dict(values["spec"]),
                "sentences": values["sentences"].numpy(),
            }
        )
