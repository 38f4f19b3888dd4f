"""Words in their sentences by a pretrained model that stays as it is: token ids are turned back into text for it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from groundling.language.encoders.sentence_models import find_model, load_sentence_model
from groundling.language.encoders.sentences import KnownSentences
from groundling.language.vocabulary import Vocabulary


class SentenceWords(nn.Module):
    """The last states of a frozen sentence model, one for each piece of a word; nothing of it is trained or saved.

    Every sentence is read once, on its own, and its states are kept (float16) as long as the process runs: about 40 kB
    for a sentence of 36 pieces. They are not kept on disk, so a new process reads its sentences again.

    Args:
        vocabulary: what the token ids mean.
        model: folder of a sentence-transformers model; None takes the packaged all-MiniLM-L6-v2.

    Attributes:
        dim: E, the size of a state.

    Raises:
        ConfigurationError: if the extra is not installed or the model cannot be loaded.
    """

    table: Tensor
    lengths: Tensor

    def __init__(self, vocabulary: Vocabulary, *, model: Path | str | None = None) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        loaded = load_sentence_model(find_model(model))
        self.dim = int(loaded.get_embedding_dimension())
        self.known = KnownSentences()
        self._model = [loaded]  # in a list, so that it is no part of the agent
        self.register_buffer("table", torch.zeros(0, 1, self.dim, dtype=torch.float16), persistent=False)
        self.register_buffer("lengths", torch.zeros(0, dtype=torch.long), persistent=False)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Token ids [S, L] to the states [S, P, E] of up to P pieces of words, and where there is one, [S, P] bool."""
        number = self.known.find(tokens)
        if bool((number < 0).any()):
            self._learn(tokens[number < 0].unique(dim=0))
            number = self.known.find(tokens)
        lengths = self.lengths[number]
        count = int(lengths.max())
        is_piece = torch.arange(count, device=tokens.device) < lengths.unsqueeze(1)
        return self.table[number, :count].float(), is_piece

    def _learn(self, tokens: Tensor) -> None:
        states = [self._read(self.vocabulary.decode(row)) for row in tokens.tolist()]
        lengths = torch.tensor([len(one) for one in states])
        width = max(self.table.shape[1], int(lengths.max()))
        new = torch.stack([functional.pad(one, (0, 0, 0, width - len(one))) for one in states])
        old = functional.pad(self.table, (0, 0, 0, width - self.table.shape[1]))
        self.table = torch.cat([old, new.to(old)])
        self.lengths = torch.cat([self.lengths, lengths.to(self.lengths)])
        self.known.add(tokens)

    @torch.no_grad()
    def _read(self, text: str) -> Tensor:
        """The states [P, E] of one sentence."""
        (model,) = self._model
        features = model.preprocess([text])
        return model(features)["token_embeddings"][0, : int(features["attention_mask"].sum())].cpu()
