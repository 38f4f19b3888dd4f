"""How well actions go with a sentence: the network, and with its words and actions in a file."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn

from groundling.errors import ConfigurationError, RelatednessFileError
from groundling.files import written_whole
from groundling.language.vocabulary import Vocabulary, split_words

Reads = Literal["histogram", "sequence"]
FORMAT: Final = 1
WORD_DIM: Final = 50
DIM: Final = 128
KEPT: Final = 0.8  # of the features in training
_DAMAGE = (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, pickle.UnpicklingError)


class RelatednessNet(nn.Module):
    """Logits of "unrelated" and "related" for what was done and a sentence.

    Actions: the histogram through three layers of 128, or a GRU of 128 over the actions. Words: an embedding of 50 and
    a GRU of two layers of 128, mean over the words. Both through three layers to two classes. Every layer but the last
    is normalized over the batch, rectified, and dropped out by .2.

    Source: Goyal, Niekum and Mooney 2019, arXiv:1903.02020, section 4 (language-action network); sizes as in
    github.com/prasoongoyal/rl-learn.

    Args:
        num_actions: A.
        num_words: of the vocabulary.
        reads: "histogram" or "sequence".
    """

    def __init__(self, num_actions: int, num_words: int, reads: Reads) -> None:
        super().__init__()
        self.num_actions, self.reads = num_actions, reads
        self.words = nn.Embedding(num_words, WORD_DIM, padding_idx=0)
        self.sentence = nn.GRU(WORD_DIM, DIM, num_layers=2, batch_first=True)
        if reads == "sequence":
            self.steps = nn.GRU(num_actions, DIM, batch_first=True)
        sizes = (DIM if reads == "sequence" else num_actions, DIM, DIM, DIM)
        self.actions = nn.Sequential(*(_layer(inner, outer) for inner, outer in pairwise(sizes)))
        self.judge = nn.Sequential(_layer(2 * DIM, DIM), _layer(DIM, DIM), nn.Linear(DIM, 2))

    def read(self, tokens: Tensor) -> Tensor:
        """Vectors [S, D] of sentences [S, L] of token ids; zeros of one without words."""
        states, _ = self.sentence(self.words(tokens))
        is_word = (tokens != 0).unsqueeze(2).float()
        return (states * is_word).sum(dim=1) / is_word.sum(dim=1).clamp(min=1)

    def remember(self, actions: Tensor) -> Tensor:
        """What is remembered [P, M] of stretches of actions [P, n], which end in A."""
        hot = nn.functional.one_hot(actions, self.num_actions + 1)[..., : self.num_actions].float()
        if self.reads == "histogram":
            return hot.sum(dim=1)
        states, _ = self.steps(hot)
        last = (actions != self.num_actions).sum(dim=1).clamp(min=1) - 1
        return states[torch.arange(len(actions)), last]

    def advance(self, memory: Tensor, action: Tensor) -> Tensor:
        """What is remembered [B, M] after one more action [B]."""
        hot = nn.functional.one_hot(action, self.num_actions).float()
        if self.reads == "histogram":
            return memory + hot
        return self.steps(hot.unsqueeze(1), memory.unsqueeze(0).contiguous())[1][0]

    @property
    def memory_size(self) -> int:
        """M."""
        return DIM if self.reads == "sequence" else self.num_actions

    def forward(self, memory: Tensor, sentence: Tensor) -> Tensor:
        """Logits [P, 2] of what is remembered [P, M] and read sentences [P, D]."""
        if self.reads == "histogram":
            memory = memory / memory.sum(dim=1, keepdim=True).clamp(min=1)
        return self.judge(torch.cat([self.actions(memory), sentence], dim=1))


def _layer(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inner, outer), nn.BatchNorm1d(outer), nn.ReLU(), nn.Dropout(1 - KEPT))


@dataclass(frozen=True)
class Relatedness:
    """A trained model with what its numbers mean.

    Attributes:
        net: the network, in evaluation mode.
        vocabulary: its words.
        actions: names of its actions.
        sentences: that it was trained on.
        facts: of its training: accuracy on pairs of other places, numbers of clips and pairs.
    """

    net: RelatednessNet
    vocabulary: Vocabulary
    actions: tuple[str, ...]
    sentences: tuple[str, ...]
    facts: dict[str, float]

    @torch.no_grad()
    def read(self, sentence: str) -> Tensor:
        """The vector [D] of a sentence; unknown words are one and the same, an empty sentence is zeros.

        Raises:
            ConfigurationError: if it knows none of its words.
        """
        tokens = self.vocabulary.encode(sentence, allow_unknown=True)
        if len(tokens) and (tokens == 1).all():
            raise ConfigurationError(
                f"the model of relatedness knows no word of {sentence!r}: it was trained on sentences such as "
                f"{self.sentences[0]!r}; train it on clips of this task, or tell it another sentence (--learn.sentence)"
            )
        if not len(tokens):
            return torch.zeros(DIM)
        return self.net.read(torch.as_tensor(tokens, dtype=torch.int64).unsqueeze(0))[0]

    @torch.no_grad()
    def potentials(self, memory: Tensor, sentence: Tensor) -> Tensor:
        """p(related) - p(unrelated) [B] of what is remembered [B, M] and read sentences [B, D]."""
        chances = self.net(memory, sentence).softmax(dim=1)
        return chances[:, 1] - chances[:, 0]

    def first(self, num_envs: int) -> Tensor:
        """What is remembered [B, M] of no actions."""
        return torch.zeros(num_envs, self.net.memory_size)

    @torch.no_grad()
    def advance(self, memory: Tensor, action: Tensor) -> Tensor:
        """What is remembered [B, M] after one more action [B]."""
        return self.net.advance(memory, action)

    def to_dict(self) -> dict[str, Any]:
        """Tensors and plain values."""
        return {
            "groundling_relatedness": FORMAT,
            "reads": self.net.reads,
            "parameters": self.net.state_dict(),
            "words": list(self.vocabulary.words),
            "actions": list(self.actions),
            "sentences": list(self.sentences),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Relatedness:
        """Read :meth:`to_dict` back; whatever is missing raises what Python does."""
        if saved["groundling_relatedness"] != FORMAT or saved["reads"] not in get_args(Reads):
            raise ValueError(f"format {saved['groundling_relatedness']}, not {FORMAT}")
        vocabulary, actions = Vocabulary(tuple(saved["words"])), tuple(saved["actions"])
        net = RelatednessNet(len(actions), len(vocabulary), saved["reads"])
        net.load_state_dict(saved["parameters"])
        return cls(net.eval(), vocabulary, actions, tuple(saved["sentences"]), dict(saved["facts"]))

    def save(self, path: Path | str) -> None:
        """Write one file, aside and then renamed.

        Raises:
            StorageError: if it cannot be written.
        """
        with written_whole(path) as file:
            torch.save(self.to_dict(), file)

    @classmethod
    def load(cls, path: Path | str) -> Relatedness:
        """Read a file of :meth:`save`.

        Raises:
            RelatednessFileError: if it is missing, torn, or something else.
        """
        if not Path(path).is_file():
            raise RelatednessFileError(
                f"there is no model of relatedness at {path}: leave the file out, and the run trains one"
            )
        try:
            return cls.from_dict(torch.load(path, weights_only=True))
        except (*_DAMAGE, zipfile.BadZipFile) as error:
            raise RelatednessFileError(
                f"{path} is no whole model of relatedness of this version ({type(error).__name__}): train it again "
                "(groundling.training.rewards.learn.fitting.fit)"
            ) from error


def vocabulary_of(sentences: Sequence[str]) -> Vocabulary:
    """The words of sentences, in the order of their first use."""
    return Vocabulary.of(word for sentence in sentences for word in split_words(sentence))
