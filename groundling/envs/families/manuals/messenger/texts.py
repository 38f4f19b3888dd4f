"""The sentences of manuals as tables of token ids that kernels write from: our own, or those of the original."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundling.envs.families.manuals.messenger.games import GAMES, SPLITS, TRAINED_ROLES, numbered, split_of
from groundling.envs.families.manuals.messenger.names import ENTITIES, INSTRUCTION, MOVEMENTS, NAMES, ROLES, UNSTATED
from groundling.envs.families.manuals.messenger.wording import (
    ENTITY,
    ENTITY_WORDS,
    FORMS,
    MOVEMENT,
    MOVEMENT_WORDS,
    ROLE,
    ROLE_WORDS,
    UNSTATED_FORMS,
    Synonyms,
    all_phrases,
)
from groundling.errors import InstructionError
from groundling.language.vocabulary import Vocabulary, split_words

SENTENCE_TOKENS: Final = 36
PHRASE_TOKENS: Final = 4  # of the longest synonym
TOLD: Final = (*MOVEMENTS, UNSTATED)  # what a sentence says of a movement
ENTITY_SLOT, ROLE_SLOT, MOVEMENT_SLOT = -1, -2, -3
SHAPE: Final = (len(SPLITS), len(ENTITIES), len(ROLES), len(TOLD))
FILES: Final = {split: f"text_{split}.json" for split in SPLITS}  # as the original names them
SLOTS: Final = {ENTITY: ENTITY_SLOT, ROLE: ROLE_SLOT, MOVEMENT: MOVEMENT_SLOT}


class TextFileError(InstructionError):
    """A file of sentences that is missing or of another format."""


class MissingTextError(InstructionError):
    """No sentence tells what an episode's manual has to tell."""


class LongSentenceError(InstructionError):
    """A sentence has more tokens than an observation has room for; manuals are never cut off."""


class Tables(NamedTuple):
    """What kernels write sentences from; E entities, R roles, M movements.

    Our own sentences are forms with slots, in three sets of words; those of files are whole, in three splits: then
    ``sentences`` has rows.
    """

    entities: NDArray[np.int32]  # [3, E, K, PHRASE_TOKENS]
    roles: NDArray[np.int32]  # [3, R, K, PHRASE_TOKENS]
    movements: NDArray[np.int32]  # [3, M, K, PHRASE_TOKENS]
    forms: NDArray[np.int32]  # [3, 2, F, L] that tell of movement, and that do not
    num_forms: NDArray[np.int32]  # [3, 2]
    first: NDArray[np.int32]  # [3, E, R, M + 1] row of the first sentence; the last movement is the unstated one
    counts: NDArray[np.int32]  # [3, E, R, M + 1] how many sentences games of a split can tell; of our own 0 or 1
    sentences: NDArray[np.int32]  # [N, L]; N = 0 for our own


class Texts(NamedTuple):
    """Sentences and their words.

    Attributes:
        vocabulary: names first, so that a symbol of the grid is the token id of its word.
        tables: for kernels.
        source: the folder they were read from; empty for our own.
    """

    vocabulary: Vocabulary
    tables: Tables
    source: str


def _vocabulary(sentences: Sequence[str]) -> Vocabulary:
    return Vocabulary.of(
        word for text in (*NAMES, INSTRUCTION, *sentences) for word in split_words(text) if word not in SLOTS
    )


def _synonyms(vocabulary: Vocabulary, words: Synonyms) -> NDArray[np.int32]:
    """[3, names, K, PHRASE_TOKENS]"""
    return np.stack(
        [
            [vocabulary.encode_all(sets[number], length=PHRASE_TOKENS) for sets in words.values()]
            for number in range(len(SPLITS))
        ]
    )


def _form(vocabulary: Vocabulary, sentence: str) -> list[int]:
    """A form as token ids and slots."""
    return [SLOTS[word] if word in SLOTS else int(vocabulary.encode(word)[0]) for word in split_words(sentence)]


def longest(form: Sequence[int]) -> int:
    """The tokens of a form when its slots are filled with the longest synonyms."""
    return sum(PHRASE_TOKENS if part < 0 else 1 for part in form)


@cache
def own_texts() -> Texts:
    """Our own sentences."""
    vocabulary = _vocabulary(tuple(all_phrases()))
    most = max(len(forms) for kinds in (FORMS, UNSTATED_FORMS) for forms in kinds)
    forms = np.zeros((len(SPLITS), 2, most, SENTENCE_TOKENS), dtype=np.int32)
    num_forms = np.zeros((len(SPLITS), 2), dtype=np.int32)
    for kind, sets in enumerate((FORMS, UNSTATED_FORMS)):
        for number, sentences in enumerate(sets):
            num_forms[number, kind] = len(sentences)
            for row, sentence in enumerate(sentences):
                ids = _form(vocabulary, sentence)
                check_length(sentence, longest(ids), "our own forms")
                forms[number, kind, row, : len(ids)] = ids
    counts = np.ones(SHAPE, dtype=np.int32)
    for entity, roles in TRAINED_ROLES.items():  # training tells of no other role, but that anything is an enemy
        for role in ROLES[1:]:
            if role not in roles:
                counts[0, ENTITIES.index(entity), ROLES.index(role)] = 0
    tables = Tables(
        entities=_synonyms(vocabulary, ENTITY_WORDS),
        roles=_synonyms(vocabulary, ROLE_WORDS),
        movements=_synonyms(vocabulary, MOVEMENT_WORDS),
        forms=forms,
        num_forms=num_forms,
        first=np.zeros(SHAPE, dtype=np.int32),
        counts=counts,
        sentences=np.zeros((0, SENTENCE_TOKENS), dtype=np.int32),
    )
    return Texts(vocabulary, tables, "")


def read_texts(folder: str | Path) -> Texts:
    """The sentences of the original's files, ``text_train.json`` and so on: entity -> role -> movement -> sentences.

    The vocabulary has the words of all three files.

    Raises:
        TextFileError: if a file is missing or of another format.
        LongSentenceError: if a sentence has more than SENTENCE_TOKENS tokens.
    """
    paths = [Path(folder).expanduser().resolve() / name for name in FILES.values()]
    try:
        stamps = tuple(path.stat().st_mtime_ns for path in paths)
    except OSError as error:
        raise TextFileError(
            f"texts is a folder with {', '.join(FILES.values())}, of {folder} cannot be read: {error}"
        ) from error
    return _read(tuple(paths), stamps)


@cache
def _read(paths: tuple[Path, ...], stamps: tuple[int, ...]) -> Texts:
    first, counts = np.zeros(SHAPE, dtype=np.int32), np.zeros(SHAPE, dtype=np.int32)
    told: list[str] = []
    for split, path in enumerate(paths):
        for cell, sentences in _cells(path).items():
            first[(split, *cell)], counts[(split, *cell)] = len(told), len(sentences)
            told += sentences
    vocabulary = _vocabulary(sorted({word for sentence in told for word in split_words(sentence)}))
    own = own_texts().tables
    tables = own._replace(first=first, counts=counts, sentences=vocabulary.encode_all(told, length=SENTENCE_TOKENS))
    return Texts(vocabulary, tables, str(paths[0].parent))


def _cells(path: Path) -> dict[tuple[int, int, int], list[str]]:
    """The sentences of a file by the numbers of entity, role and movement."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TextFileError(f"{path} is no JSON file: {error}") from error
    found: dict[tuple[int, int, int], list[str]] = {}
    for entity, roles in _entries(path, whole, ENTITIES, "an entity"):
        for role, movements in _entries(path, roles, ROLES, "a role"):
            for movement, sentences in _entries(path, movements, TOLD, "a movement"):
                cell = ENTITIES.index(entity), ROLES.index(role), TOLD.index(movement)
                place = f"the sentences of {entity}, {role}, {movement} in {path}"
                if not isinstance(sentences, list):
                    raise TextFileError(f"{place} are no list")
                for sentence in sentences:
                    if not isinstance(sentence, str) or not split_words(sentence):
                        raise TextFileError(f"{place} have {sentence!r}, which is no sentence")
                    check_length(sentence, len(split_words(sentence)), str(path))
                found[cell] = sentences
    return found


def _entries(path: Path, part: Any, known: Sequence[str], kind: str) -> Iterable[tuple[str, Any]]:
    """The entries of a part of a file, whose keys have to be known names."""
    if not isinstance(part, dict):
        raise TextFileError(f"{path} is of another format: {part!r:.60} stands where {kind} should be told of")
    for name in part:
        if name not in known:
            raise TextFileError(f"{path} is of another format: {name!r} is not {kind}; known are {', '.join(known)}")
    return part.items()


def check_length(sentence: str, tokens: int, place: str) -> None:
    """Refuse a sentence that would not fit.

    Raises:
        LongSentenceError: naming it.
    """
    if tokens > SENTENCE_TOKENS:
        raise LongSentenceError(
            f"{sentence!r} ({place}) has up to {tokens} tokens, more than the {SENTENCE_TOKENS} that observations have "
            "room for: shorten it"
        )


def check_told(texts: Texts, games: Iterable[int], stage: int) -> None:
    """Refuse texts that have no sentence for something that manuals of these games tell.

    Args:
        texts: the sentences.
        games: numbers of games.
        stage: 1, 2 or 3.

    Raises:
        MissingTextError: naming the first.
    """
    counts, table = texts.tables.counts, numbered()
    still = (MOVEMENTS.index("immovable"),)
    movements = still if stage == 1 else tuple(range(len(MOVEMENTS)))
    for game in games:
        split = split_of.py_func(game)  # type: ignore[attr-defined]
        enemy, message, goal = map(int, table[game])
        pairs = [(enemy, 0), (message, 1), (goal, 2)]
        if stage == 3:
            pairs += [(message, 0), (goal, 0)]
        for entity, role in pairs:
            for movement in movements:
                if not counts[split, entity, role, movement]:
                    raise MissingTextError(_missing(texts, split, game, entity, ROLES[role], movement))
        if stage == 3 and not any(counts[split, enemy, role, : len(MOVEMENTS)].all() for role in (1, 2)):
            raise MissingTextError(_missing(texts, split, game, enemy, "message or goal", 0))


def _missing(texts: Texts, split: int, game: int, entity: int, role: str, movement: int) -> str:
    where = f"{texts.source}/{FILES[SPLITS[split]]}" if texts.source else "our own sentences"
    return (
        f"no sentence of {where} tells of the {ENTITIES[entity]} as {role} ({MOVEMENTS[movement]}), which manuals of "
        f"the game {', '.join(GAMES[game])} (enemy, message, goal) do: add one, or play another split"
    )
