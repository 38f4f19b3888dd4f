"""Files of questions with their houses: our own format, and the episodes of MP3D-EQA; JSON, gzipped where named .gz."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundling.envs.banks.bank_building import CHUNK, chunk_seeds
from groundling.envs.families.questions.parts import QuestionSplit
from groundling.envs.families.questions.source import Drawn, QuestionSource
from groundling.errors import ConfigurationError, QuestionFileError
from groundling.files import written_whole
from groundling.language.questions.episodes import (
    EqaDataset,
    QuestionEpisode,
    eqa_dataset,
    from_dict,
    to_dict,
)


def draw_questions(source: QuestionSource, split: QuestionSplit, count: int, seed: int) -> list[tuple[int, Drawn]]:
    """The first questions of the split's bank of this seed, with the seed of each.

    Raises:
        ConfigurationError: if there are to be none.
    """
    if count < 1:
        raise ConfigurationError(f"a file holds at least one question, got {count}")
    chunks = range(-(-count // CHUNK))
    seeds = [one for chunk in chunks for one in chunk_seeds(source.id, seed, split, chunk)][:count]
    asking = source.of_split(split)
    return [(one, asking.draw(one)) for one in seeds]


def episode_of(seed: int, drawn: Drawn) -> QuestionEpisode:
    """A question and its house as plain data."""
    asked = drawn.asked
    return QuestionEpisode(
        str(seed), asked.sentence, drawn.answer.text, asked.type, drawn.pose, drawn.distance, drawn.house.scene
    )


def eqa_of(drawn: list[tuple[int, Drawn]]) -> EqaDataset:
    """Questions as MP3D-EQA has them; the goals are the things of the evidence."""
    goals = [sorted(one.answer.ways[0].things | one.answer.ways[0].opened) for _, one in drawn]
    return eqa_dataset([episode_of(seed, one) for seed, one in drawn], goals)


def write_questions(path: Path, task: str, drawn: list[tuple[int, Drawn]]) -> None:
    """Write questions in our own format.

    Raises:
        StorageError: if the file cannot be written; an older one stays as it was.
    """
    _write(path, to_dict(task, [episode_of(seed, one) for seed, one in drawn]))


def write_eqa(path: Path, dataset: EqaDataset) -> None:
    """Write episodes of MP3D-EQA; errors as of :func:`write_questions`."""
    _write(path, dataset.to_dict())


def read_file(path: Path) -> list[QuestionEpisode] | EqaDataset:
    """Read a file of either format.

    Raises:
        QuestionFileError: if there is none, or it is not whole, of another version, or of neither format.
    """
    try:
        raw = path.read_bytes()
        values: Any = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    except FileNotFoundError:
        raise QuestionFileError(f"there is no file of questions at {path}") from None
    except (OSError, EOFError, ValueError) as error:
        raise QuestionFileError(f"{path} is no whole file of questions: {error}") from error
    is_eqa = isinstance(values, Mapping) and "answer_vocab" in values
    try:
        return EqaDataset.from_dict(values) if is_eqa else from_dict(values)
    except QuestionFileError as error:
        raise QuestionFileError(f"{path}: {error}") from error


def _write(path: Path, values: dict[str, Any]) -> None:
    raw = json.dumps(values).encode()
    with written_whole(path) as file:
        file.write(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
