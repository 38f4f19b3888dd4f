"""Answers from the last frames of an episode: visual question answering with attention over frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundling.agents.dropout import SavedDropout


class FrameAnswers(nn.Module):
    """Scores of answers from a question and the last K frames, this one among them.

    e_k = v^T tanh([U q; W f_k]),   a = softmax_k(e_k),   j = q * sum_k a_k f_k,   scores = MLP(j)

    Where an episode has had fewer frames, attention is over these.

    Args:
        dim: D of frames and questions.
        num_answers: N.
        num_frames: K.
        dropout: share of the features that are left out in training.

    Attributes:
        state_dim: columns of the state: K - 1 frames and how many of them there are.

    Source: Das et al. 2018, arXiv:1711.11543, section 4, and the authors' github.com/facebookresearch/EmbodiedQA.
    """

    def __init__(self, dim: int, num_answers: int, num_frames: int, dropout: float) -> None:
        super().__init__()
        self.dim = dim
        self.num_frames = num_frames
        self.state_dim = (num_frames - 1) * dim + 1
        self.frame = nn.Sequential(nn.Linear(dim, dim), SavedDropout(dropout))
        self.question = nn.Sequential(nn.Linear(dim, dim), SavedDropout(dropout))
        self.score = nn.Sequential(nn.Tanh(), SavedDropout(dropout), nn.Linear(2 * dim, 1))
        self.answer = nn.Sequential(
            SavedDropout(dropout),
            nn.Linear(dim, dim),
            SavedDropout(dropout),
            nn.ReLU(),
            nn.Linear(dim, num_answers),
        )

    def forward(
        self, frames: Tensor, questions: Tensor, state: Tensor, is_first: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Look back from T steps of B environments.

        Args:
            frames: [T, B, D].
            questions: [T, B, D].
            state: [B, M] before the first step.
            is_first: [T, B] bool, whether a frame begins an episode.

        Returns:
            scores [T, B, N], the joint features j [T, B, D] and the state [B, M] after the last step.
        """
        earlier = state[:, :-1].unflatten(1, (self.num_frames - 1, self.dim)).transpose(0, 1)
        all_frames = torch.cat([earlier, frames])
        counts = frames_of_episode(state[:, -1], is_first, self.num_frames)
        # [K]: the last frames of a window belong to this episode, those before them to another one or to none
        is_there = torch.arange(self.num_frames, 0, -1, device=frames.device) <= counts.unsqueeze(-1)
        windows = self._windows(all_frames)
        asked = self.question(questions).unsqueeze(2).expand(-1, -1, self.num_frames, -1)
        score = self.score(torch.cat([asked, self._windows(self.frame(all_frames))], dim=-1)).squeeze(-1)
        attention = score.masked_fill(~is_there, -torch.inf).softmax(dim=-1)
        joint = questions * (attention.unsqueeze(-1) * windows).sum(dim=2)
        kept = all_frames[len(frames) :].transpose(0, 1).flatten(1)
        count = counts[-1].clamp(max=self.num_frames - 1).unsqueeze(1)
        return self.answer(joint), joint, torch.cat([kept, count], dim=1)

    def _windows(self, frames: Tensor) -> Tensor:
        """Of frames [K - 1 + T, B, D] the last K at each of T steps, [T, B, K, D]."""
        return frames.unfold(0, self.num_frames, 1).transpose(2, 3)


def frames_of_episode(count: Tensor, is_first: Tensor, most: int) -> Tensor:
    """How many frames the episode has had at each step, that one among them and at most ``most``, [T, B] float32.

    Args:
        count: [B] before the first step.
        is_first: [T, B] bool, whether a frame begins an episode.
        most: the count stays there.
    """
    counts = []
    for first in is_first:
        count = (count.masked_fill(first, 0.0) + 1).clamp(max=most)
        counts.append(count)
    return torch.stack(counts)
