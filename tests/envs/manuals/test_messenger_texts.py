"""The games that are kept from training, our own sentences, and those of the original's files."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.messenger.games import GAMES, places
from groundling.envs.families.manuals.messenger.names import ENTITIES, NAMES, ROLES, STAGES
from groundling.envs.families.manuals.messenger.texts import (
    SENTENCE_TOKENS,
    TOLD,
    LongSentenceError,
    MissingTextError,
    TextFileError,
    check_length,
    own_texts,
    read_texts,
)
from groundling.envs.families.manuals.messenger.wording import (
    ENTITY_WORDS,
    FORMS,
    MOVEMENT_WORDS,
    ROLE_WORDS,
    UNSTATED_FORMS,
)
from groundling.errors import InstructionError, SplitError
from groundling.language.vocabulary import split_words

S1, S2, S3 = STAGES
REAL = Path(__file__).parents[4] / "shared" / "data" / "messenger"
needs_files = pytest.mark.skipif(not REAL.is_dir(), reason="the original's sentences are not here")
GOLDEN = 1414127391


def games_of(part: str) -> list[tuple[str, str, str]]:
    first, count = places(part)
    return list(GAMES[first : first + count])


# Games


def test_counts_of_games_are_the_published_ones() -> None:
    assert [len(games_of(part)) for part in ("all", "train", "val", "test")] == [108, 44, 32, 32]
    assert len(set(GAMES)) == 108
    for part in ("val", "test"):
        named = [entity for game in games_of(part) for entity in game]
        assert {named.count(entity) for entity in ENTITIES} == {8}
    with pytest.raises(SplitError, match="choose one of all, train, val, test"):
        places("dev")


@needs_files
def test_games_are_those_of_the_original() -> None:
    told = {
        name: {tuple(game) for game in games} for name, games in json.loads((REAL / "games.json").read_text()).items()
    }
    assert set(GAMES[:40]) == told["train_multi_comb"]
    assert set(GAMES[40:44]) == told["train_single_comb"]
    assert set(games_of("val")) == told["val"]
    assert set(games_of("test")) == told["test"]


def test_the_order_of_games_is_the_one_that_results_were_published_with() -> None:
    assert zlib.crc32(repr(GAMES).encode()) == GOLDEN


# Our own sentences


def test_every_slot_has_four_synonyms_in_each_set_and_no_phrase_has_two_meanings() -> None:
    for words in (ENTITY_WORDS, ROLE_WORDS, MOVEMENT_WORDS):
        assert all(len(one) >= 4 for sets in words.values() for one in sets)
        phrases = [phrase for sets in words.values() for one in sets for phrase in one]
        assert len(phrases) == len(set(phrases))
    assert tuple(ENTITY_WORDS) == ENTITIES
    assert tuple(ROLE_WORDS) == ROLES
    assert tuple(MOVEMENT_WORDS) == TOLD[:3]


def test_each_order_of_the_slots_is_trained_and_no_form_is_in_two_sets() -> None:
    orders = {tuple(word for word in split_words(form) if word.startswith("{")) for form in FORMS[0]}
    assert len(orders) == 6
    for forms in (FORMS, UNSTATED_FORMS):
        every = [form for one in forms for form in one]
        assert len(every) == len(set(every))


@pytest.mark.parametrize(("split", "number"), [("train", 0), ("unseen", 0), ("val", 0), ("phrasing", 2)])
def test_sentences_say_what_they_assert_in_the_words_of_their_set(split: str, number: int) -> None:
    envs = find_family(S2).make_vec(split, 300, 0)
    envs.reset(seed=0)
    for manual, asserted in zip(envs.manuals, envs.batch.asserted(), strict=True):
        for sentence, (entity, role, movement) in zip(manual, asserted, strict=True):
            said = f" {sentence} ".replace(",", " ,")
            assert any(f" {word} " in said for word in ENTITY_WORDS[ENTITIES[entity]][number]), sentence
            assert any(f" {word} " in said for word in ROLE_WORDS[ROLES[role]][number]), sentence
            told = [way for way, sets in MOVEMENT_WORDS.items() if any(f" {word} " in said for word in sets[number])]
            assert told == ([] if TOLD[movement] == "unknown" else [TOLD[movement]]), sentence


def test_names_come_first_in_the_vocabulary_and_our_longest_sentence_fits() -> None:
    vocabulary = own_texts().vocabulary
    assert vocabulary.words[2 : 2 + len(NAMES)] == NAMES
    envs = find_family(S3).make_vec("phrasing", 2000, 0)
    manual = envs.reset(seed=0)[0]["manual"]
    assert 15 < (manual != 0).sum(axis=-1).max() < SENTENCE_TOKENS
    check_length("short", SENTENCE_TOKENS, "")
    with pytest.raises(LongSentenceError, match=r"'long' .* 37 tokens, more than the 36"):
        check_length("long", SENTENCE_TOKENS + 1, "")


# The original's files


@needs_files
@pytest.mark.parametrize("id", STAGES)
@pytest.mark.parametrize(("split", "file"), [("train", "train"), ("val", "val"), ("unseen", "test")])
def test_manuals_are_sentences_of_the_files_about_what_they_assert(id: str, split: str, file: str) -> None:
    told = json.loads((REAL / f"text_{file}.json").read_text())
    envs = find_family(f"{id}?texts={REAL}").make_vec(split, 300, 0)
    envs.reset(seed=0)
    words = envs.agent_spec.vocabulary
    for lines, asserted in zip(envs.batch.seen.manual, envs.batch.asserted(), strict=True):
        for line, (entity, role, movement) in zip(lines, asserted, strict=True):
            known = told[ENTITIES[entity]][ROLES[role]][TOLD[movement]]
            assert words.decode(line) in {words.decode(words.encode(sentence)) for sentence in known}


@needs_files
def test_no_sentence_of_the_files_is_cut_off_and_no_word_unknown() -> None:
    texts = read_texts(REAL)
    assert len(texts.tables.sentences) == 2863 + 1227 + 1226
    lengths = (texts.tables.sentences != 0).sum(axis=1)
    assert lengths.max() == 31
    assert texts.tables.sentences.max() < len(texts.vocabulary)
    assert (texts.tables.sentences != 1).all()
    assert texts.vocabulary.words[2 : 2 + len(NAMES)] == NAMES


def whole() -> dict[str, Any]:
    """A file with a sentence for everything."""
    return {
        entity: {role: {way: [f"the {entity} is {role} and {way}"] for way in TOLD} for role in ROLES}
        for entity in ENTITIES
    }


def written(folder: Path, **changed: Any) -> Path:
    for split in ("train", "val", "test"):
        text = changed.get(split, whole())
        (folder / f"text_{split}.json").write_text(text if isinstance(text, str) else json.dumps(text))
    return folder


def test_files_of_the_format_are_read(tmp_path: Path) -> None:
    envs = find_family(f"{S3}?texts={written(tmp_path)}").make_vec("unseen", 100, 0)
    envs.reset(seed=0)
    assert all(sentence.startswith("the ") for manual in envs.manuals for sentence in manual)
    changed = whole()
    changed["dog"]["message"]["chaser"] = ["a dog may bark"]
    written(tmp_path, test=changed)
    (tmp_path / "text_test.json").touch()
    assert "bark" in find_family(f"{S3}?texts={tmp_path}").spec.vocabulary  # files that changed are read again


def without(entity: str, role: str, *ways: str) -> dict[str, Any]:
    changed = whole()
    for way in ways:
        changed[entity][role][way] = []
    return changed


LONG = "word " * 37


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", TextFileError, "text_test.json is no JSON file"),
        ([], TextFileError, r"of another format: \[\] stands where an entity should be told of"),
        ({"dragon": {}}, TextFileError, "'dragon' is not an entity; known are airplane"),
        ({"dog": {"friend": {}}}, TextFileError, "'friend' is not a role; known are enemy, message, goal"),
        ({"dog": {"goal": {"flying": []}}}, TextFileError, "'flying' is not a movement; known are chaser"),
        ({"dog": {"goal": {"chaser": "a dog"}}}, TextFileError, "of dog, goal, chaser in .* are no list"),
        ({"dog": {"goal": {"chaser": ["a dog", 3]}}}, TextFileError, "have 3, which is no sentence"),
        ({"dog": {"goal": {"chaser": [" "]}}}, TextFileError, "have ' ', which is no sentence"),
        ({"dog": {"goal": {"chaser": [LONG]}}}, LongSentenceError, "'word word .* 37 tokens, more than the 36"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, text: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        find_family(f"{S2}?texts={written(tmp_path, test=text)}")
    assert issubclass(error, InstructionError)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextFileError, match=r"a folder with text_train.json, text_val.json, text_test.json"):
        find_family(f"{S2}?texts={tmp_path}")


@pytest.mark.parametrize(
    ("id", "text", "message"),
    [
        (S2, {}, "no sentence of .*text_test.json tells of the airplane as enemy"),
        (S1, without("dog", "message", "immovable"), r"dog as message \(immovable\)"),
        (S2, without("dog", "message", "fleeing"), r"dog as message \(fleeing\), .* game airplane, dog, ship"),
        (S3, without("dog", "enemy", "chaser"), r"dog as enemy \(chaser\)"),
        (
            S3,
            {**without("mage", "message", "chaser"), "bird": without("bird", "message", "chaser")["bird"]}
            | {"mage": without("mage", "message", "chaser")["mage"] | {"goal": {}}},
            "mage as message or goal",
        ),
    ],
)
def test_texts_that_a_split_lacks_are_refused(tmp_path: Path, id: str, text: Any, message: str) -> None:
    family = find_family(f"{id}?texts={written(tmp_path, test=text)}")
    family.make_vec("train", 1, 0)  # other splits can be played
    with pytest.raises(MissingTextError, match=message):
        family.make_vec("unseen", 1, 0)


def test_what_is_not_asked_for_may_be_missing(tmp_path: Path) -> None:
    text = without("dog", "message", "unknown", "chaser", "fleeing")
    envs = find_family(f"{S1}?texts={written(tmp_path, test=text)}").make_vec("unseen", 500, 0)
    envs.reset(seed=0)
    asserted = envs.batch.asserted()
    of_dog = (asserted[..., 0] == ENTITIES.index("dog")) & (asserted[..., 1] == 1)
    assert set(asserted[of_dog][:, 2].tolist()) == {2}  # always told, as there is no sentence that leaves it out
    assert 3 in np.unique(asserted[..., 2])
