"""Embeddings of sentences by a pretrained model: each computed once, kept in memory and on disk."""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundling.array_archive import read_arrays
from groundling.errors import StorageError
from groundling.files import cache_folder, written_whole
from groundling.language.encoders.sentence_models import SentenceModel, embed, load_sentence_model

FORMAT_VERSION = 1
SHARE_TO_SAVE = 8  # written when a file would grow by an eighth, so all writing together is linear in what is known

_log = logging.getLogger(__name__)


def embeddings_of(folder: Path) -> SentenceEmbeddings:
    """The embeddings of the model in this folder; one object in a process for each model."""
    return _embeddings_of(folder.resolve(), cache_folder())


@functools.cache
def _embeddings_of(folder: Path, cache: Path) -> SentenceEmbeddings:
    return SentenceEmbeddings(folder, cache)


def model_key(folder: Path) -> str:
    """What embeddings depend on: every file of the model, and the libraries that run it."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    versions = {name: importlib.metadata.version(name) for name in ("sentence-transformers", "transformers")}
    return json.dumps({"files": digest.hexdigest(), "versions": versions, "format": FORMAT_VERSION}, sort_keys=True)


class SentenceEmbeddings:
    """Vectors of sentences by one model.

    The model is loaded when a sentence is not known yet, and each sentence is given to it on its own: padding to a
    longer neighbor would change the last digits, and with them a run that is repeated.

    The file is replaced whole. Should two processes replace it at once, it holds what one of them knew, and the other's
    sentences are embedded again some day.

    Args:
        folder: of the model.
        cache: where the file is.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self._key = model_key(folder)
        self.path = cache / f"sentences-{hashlib.sha256(self._key.encode()).hexdigest()[:16]}.npz"
        self._model: SentenceModel | None = None
        self._row_of: dict[str, int] = {}
        self._vectors: NDArray[np.float32] | None = None  # [K, E]
        self._saved = 0
        self._can_save = True
        self._is_damaged = False  # the file, which is then not read again
        self._add(*self._read())
        self._saved = len(self)
        atexit.register(self.save)

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def dim(self) -> int:
        """E, the size of a vector."""
        return self.vectors([""]).shape[1] if self._vectors is None else self._vectors.shape[1]

    def vectors(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """The vectors [S, E] of sentences.

        Raises:
            ConfigurationError: if the model is needed and cannot be loaded.
        """
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._row_of]
        if new:
            if self._model is None:
                self._model = load_sentence_model(self.folder)
            self._add(new, embed(self._model, new))
            if SHARE_TO_SAVE * (len(self) - self._saved) >= self._saved:
                self.save()
        assert self._vectors is not None
        return self._vectors[[self._row_of[sentence] for sentence in sentences]]

    def save(self) -> None:
        """Write what is known, together with what another process has written meanwhile."""
        if not self._can_save or len(self) == self._saved:
            return
        self._add(*self._read())
        sentences = np.frombuffer(json.dumps(list(self._row_of)).encode(), dtype=np.uint8)
        try:
            with written_whole(self.path) as file:
                np.savez(file, key=np.array(self._key), sentences=sentences, vectors=np.asarray(self._vectors))
        except StorageError as error:
            self._can_save = False
            _log.warning("going on without a cache of sentence embeddings: %s", error.strerror)
        self._saved, self._is_damaged = len(self), False

    def _add(self, sentences: Sequence[str], vectors: NDArray[np.float32]) -> None:
        fresh = [row for row, sentence in enumerate(sentences) if sentence not in self._row_of]
        if fresh:
            self._row_of.update({sentences[row]: len(self) + place for place, row in enumerate(fresh)})
            known = [] if self._vectors is None else [self._vectors]
            self._vectors = np.concatenate([*known, vectors[fresh]])

    def _read(self) -> tuple[list[str], NDArray[np.float32]]:
        """The file's sentences and vectors; none if it is missing, or damaged, which is logged."""
        nothing: tuple[list[str], NDArray[np.float32]] = ([], np.zeros((0, 0), dtype=np.float32))
        # Path.exists raises where the folder's name is too long or not to be read
        if self._is_damaged or not os.path.exists(self.path):
            return nothing
        try:
            file = read_arrays(self.path)
            if str(file["key"]) != self._key:
                raise ValueError("it is of another model")
            sentences, vectors = json.loads(file["sentences"].tobytes()), file["vectors"]
            if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != len(sentences):
                raise ValueError("vectors and sentences do not match")
        except Exception as error:  # a damaged archive fails in many ways: compression, headers, checksums
            _log.warning("%s is not a whole cache of sentence embeddings (%s); building it again", self.path, error)
            self._is_damaged = True
            return nothing
        return sentences, vectors
