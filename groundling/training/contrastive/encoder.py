"""The video-sentence encoder: clips and sentences as vectors of one space, by the encoders of an agent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.agents.actor_critic import ActorCritic
from groundling.agents.encoders.base import TextEncoder
from groundling.errors import ConfigurationError

NEUTRAL = 1  # the token of the sentence under which frames are encoded: the unknown word
LARGEST_SCALE = 100.0


class VideoSentenceEncoder(nn.Module):
    """Clips and sentences as vectors [E] of length 1, near to one another where the sentence names what the clip shows.

    Frames are encoded by the agent's observation encoders, and pooled by their mean and the last one; a sentence is
    encoded by the agent's language encoder. The agent's other parts (memory, policy, value) are not used.

    Args:
        agent: whose encoders are trained.
        embedding_dim: E.
        gated: encode a clip under each sentence that it is compared with, whose words gate what is seen, as the agent
            itself sees; else once, under one neutral sentence, and so not knowing what it is compared with (CLIP).

    Raises:
        ConfigurationError: if the agent has no language encoder of sentences by themselves.

    Source: Radford et al. 2021, arXiv:2103.00020 (CLIP); of videos Fan et al. 2022, arXiv:2206.08853 (MineCLIP).
    """

    def __init__(self, agent: ActorCritic, embedding_dim: int, *, gated: bool) -> None:
        super().__init__()
        encoder = agent.encoder
        if not isinstance(encoder, TextEncoder):
            raise ConfigurationError(
                f"vision {agent.config.vision!r} has no language encoder, by which sentences would be compared with "
                "clips: choose one in which words meet what is seen, such as 'symbolic' or 'cnn' (--agent.vision)"
            )
        if encoder.manual_key is not None:
            raise ConfigurationError(
                "clips are compared with instructions, not with manuals: leave the manual to an encoder of its own "
                "(--agent.no-reads-manual)"
            )
        config = agent.config
        self.agent = agent
        self.embedding_dim = embedding_dim
        self.gated = gated
        self.heads = nn.ModuleDict(
            {
                "pool": nn.Linear(2 * config.hidden_dim, config.hidden_dim),
                "clip": nn.Linear(config.hidden_dim, embedding_dim),
                "sentence": nn.Linear(config.instruction_dim, embedding_dim),
            }
        )
        self.nothing = nn.Parameter(torch.zeros(()))  # the similarity below which nothing was done yet
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def text_key(self) -> str:
        """The key of the instruction."""
        return self.agent.encoder.text_key

    @property
    def frame_keys(self) -> tuple[str, ...]:
        """The keys of what a frame is made of."""
        return tuple(key for key in self.agent.observation_keys if key != self.text_key)

    @property
    def scale(self) -> Tensor:
        """The inverse of the temperature."""
        return self.log_scale.exp().clamp(max=LARGEST_SCALE)

    def own_parameters(self) -> dict[str, Tensor]:
        """Those beside the agent's, by name."""
        return {name: array for name, array in self.state_dict().items() if not name.startswith("agent.")}

    def load_own_parameters(self, saved: Mapping[str, Tensor]) -> None:
        """Take :meth:`own_parameters` of another."""
        self.load_state_dict({**{f"agent.{k}": v for k, v in self.agent.state_dict().items()}, **saved})

    def encode_frames(self, frames: Mapping[str, Any], tokens: Any) -> Tensor:
        """Features [R, H] of frames [R, ...] by key, under sentences [R, L] if it is gated."""
        count = len(next(iter(frames.values())))
        neutral = torch.full((count, 1), NEUTRAL, dtype=torch.int32, device=self.agent.device)
        told = tokens if self.gated else neutral
        return self.agent.features(self.agent.prepare({**frames, self.text_key: told}))

    def pool(self, features: Tensor, count: Tensor) -> Tensor:
        """Clips [R, E] of frames.

        Args:
            features: [R, K, H] of frames, the newest last.
            count: [R] how many of each stand for frames, at the end.
        """
        length = features.shape[1]
        is_frame = torch.arange(length, device=features.device) >= length - count.unsqueeze(1)
        mean = (features * is_frame.unsqueeze(2)).sum(dim=1) / count.unsqueeze(1)
        hidden = torch.relu(self.heads["pool"](torch.cat([mean, features[:, -1]], dim=1)))
        return functional.normalize(self.heads["clip"](hidden), dim=1)

    def encode_clips(self, frames: Mapping[str, Any], count: Any, tokens: Any) -> Tensor:
        """Clips [R, E].

        Args:
            frames: [R, K, ...] by key.
            count: [R] how many of each are frames, at the end.
            tokens: [R, L] of the sentences under which they are encoded, if it is gated.
        """
        counts = torch.as_tensor(count, device=self.agent.device)
        rows, length = next(iter(frames.values())).shape[:2]
        flat = {key: torch.as_tensor(array).flatten(0, 1) for key, array in frames.items()}
        told = torch.as_tensor(tokens).repeat_interleave(length, dim=0)
        return self.pool(self.encode_frames(flat, told).unflatten(0, (rows, length)), counts)

    def encode_sentences(self, tokens: Any) -> Tensor:
        """Sentences [S, E] of token ids [S, L]."""
        language: Any = self.agent.encoder.language
        ids = torch.as_tensor(tokens, device=self.agent.device)
        return functional.normalize(self.heads["sentence"](language(ids)), dim=1)
