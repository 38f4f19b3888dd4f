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

    Each frame is encoded by the agent's observation encoders under one neutral sentence, so that a clip does not know
    what it is compared with; frames are pooled by their mean and the last one. A sentence is encoded by the agent's
    language encoder. The agent's other parts (memory, policy, value) are not used.

    Args:
        agent: whose encoders are trained; they are no part of :meth:`heads`.
        embedding_dim: E.

    Raises:
        ConfigurationError: if the agent has no language encoder of sentences by themselves.

    Source: Radford et al. 2021, arXiv:2103.00020 (CLIP); of videos Fan et al. 2022, arXiv:2206.08853 (MineCLIP).
    """

    def __init__(self, agent: ActorCritic, embedding_dim: int) -> None:
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
        self.heads = nn.ModuleDict(
            {
                "pool": nn.Linear(2 * config.hidden_dim, config.hidden_dim),
                "clip": nn.Linear(config.hidden_dim, embedding_dim),
                "sentence": nn.Linear(config.instruction_dim, embedding_dim),
            }
        )
        self.nothing = nn.Parameter(torch.randn(embedding_dim) / math.sqrt(embedding_dim))
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

    def encode_frames(self, frames: Mapping[str, Any]) -> Tensor:
        """Features [R, H] of frames [R, ...] by key."""
        count = len(next(iter(frames.values())))
        neutral = torch.full((count, 1), NEUTRAL, dtype=torch.int32, device=self.agent.device)
        return self.agent.features(self.agent.prepare({**frames, self.text_key: neutral}))

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

    def encode_clips(self, frames: Mapping[str, Any], count: Any) -> Tensor:
        """Clips [R, E] of frames [R, K, ...] by key, of which ``count`` [R] are frames, at the end."""
        counts = torch.as_tensor(count, device=self.agent.device)
        shape = tuple(next(iter(frames.values())).shape[:2])
        flat = {key: torch.as_tensor(array).flatten(0, 1) for key, array in frames.items()}
        return self.pool(self.encode_frames(flat).unflatten(0, shape), counts)

    def encode_sentences(self, tokens: Any) -> Tensor:
        """Sentences [S, E] of token ids [S, L]."""
        language: Any = self.agent.encoder.language
        ids = torch.as_tensor(tokens, device=self.agent.device)
        return functional.normalize(self.heads["sentence"](language(ids)), dim=1)

    def encode_nothing(self) -> Tensor:
        """What stands for "nothing was done yet", [E]."""
        return functional.normalize(self.nothing, dim=0)
