"""A manual read with the instruction: the words of those of its sentences that concern what is asked for."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.language.encoders.sentences import distinct_sentences
from groundling.language.encoders.words import WordEncoder, word_mask

SHARPNESS = 5.0  # at first: what products of an instruction and a sentence are multiplied by
NEVER = -1e9  # the score of a sentence that is not there


class ManualReader(WordEncoder):
    """Reads an instruction together with a manual: token ids [N, S * L + I] of S sentences of L tokens, padded with
    zeros, then of the instruction.

    Each sentence is weighted by how well it goes with the instruction, and the words of all sentences at one place are
    added up by the weights, so that L words stand for the manual, before those of the instruction:

        w = softmax_s(c <sum_i e_i, sum_j e_sj>),   l_j = sum_s w_s h(s)_j

    with e an embedding of words of its own, and h the encoder of single sentences. The embeddings have length one at
    first, so that a word that both have makes a match before anything is learned. Whatever the words of an instruction
    do (gate what is seen, be attended to by a memory), those of the sentence that explains it do too.

    Where the vectors h of words depend on their neighbors, neighboring words that both have count once more, so that
    "open the red door" goes with "the blue key opens the red door" rather than with "the red key opens the blue door":

        c (<sum_i e_i, sum_j e_sj> + sum_ij <e_i, e_sj> <e_i+1, e_s,j+1>)

    Source: attention of the goal to the sentences of a document as in Zhong et al. 2020, arXiv:1910.08210, section 4;
    the start is ours.

    Args:
        inner: encoder of single sentences.
        space: S and L.
    """

    def __init__(self, inner: WordEncoder, space: tuple[int, int]) -> None:
        super().__init__(inner.embedding.num_embeddings, inner.embedding.embedding_dim, inner.out_dim)
        self.inner = inner
        self.space = space
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS))
        nn.init.normal_(self.embedding.weight, std=self.embedding.embedding_dim**-0.5)
        with torch.no_grad():
            self.embedding.weight[0] = 0

    def forward(self, tokens: Tensor) -> Tensor:
        """The vectors [N, D] of instructions, each with the weighted sum of those of its sentences."""
        manual, instruction = self._parts(tokens)
        weight = self.weights(manual, instruction)
        sentences = distinct_sentences(manual.flatten(0, 1))
        vectors = self.inner(sentences.tokens)[sentences.row_of].unflatten(0, manual.shape[:2])
        told: Tensor = self.inner(instruction) + torch.einsum("ns,nsd->nd", weight, vectors)
        return told

    def words(self, tokens: Tensor) -> Tensor:
        """The vectors [N, L + I, D] of the words that stand for the manual, then of those of the instruction."""
        manual, instruction = self._parts(tokens)
        sentences = distinct_sentences(manual.flatten(0, 1))
        words = self.inner.words(sentences.tokens)
        words = functional.pad(words, (0, 0, 0, self.space[1] - words.shape[1]))
        weight = self.weights(manual, instruction)
        told = torch.einsum("ns,nsld->nld", weight, words[sentences.row_of].unflatten(0, manual.shape[:2]))
        return torch.cat([told, self.inner.words(instruction)], dim=1)

    def mask(self, tokens: Tensor) -> Tensor:
        """Where there are words, [N, L + I] bool, in what :meth:`words` gives."""
        manual, instruction = self._parts(tokens)
        return torch.cat([(manual != 0).any(dim=1), word_mask(instruction)], dim=1)

    def weights(self, manual: Tensor, instruction: Tensor) -> Tensor:
        """How much each sentence [N, S, L] goes with its instruction [N, I]: [N, S], a sum of 1 where there is one."""
        is_there = (manual != 0).any(dim=2)
        asked, told = self.embedding(instruction), self.embedding(manual)
        if self.inner.heeds_neighbors:
            alike = torch.einsum("nid,nsjd->nsij", asked, told)
            goes_with = alike.sum(dim=(2, 3)) + (alike[:, :, :-1, :-1] * alike[:, :, 1:, 1:]).sum(dim=(2, 3))
        else:
            goes_with = torch.einsum("nd,nsd->ns", asked.sum(dim=1), told.sum(dim=2))
        scores = self.sharpness * goes_with
        return scores.masked_fill(~is_there, NEVER).softmax(dim=1) * is_there

    def _parts(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Manuals [N, S, L] and instructions [N, I], at least one column wide."""
        size = self.space[0] * self.space[1]
        tokens = functional.pad(tokens, (0, max(0, size + 1 - tokens.shape[1])))
        return tokens[:, :size].unflatten(1, self.space), tokens[:, size:]
