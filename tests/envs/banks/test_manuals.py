"""Manuals of a bank: every sentence is kept whole, through files, parts and joints; what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

from groundling.envs import EpisodeBank, Task, build_bank
from groundling.envs.banks.manuals import Manuals
from groundling.envs.worlds.task_source import TaskSource
from groundling.errors import BankFileError, ConfigurationError, InstructionError, TaskError
from groundling.language import Instructed, PickUp, Vocabulary

WORDS = Vocabulary.of(["the", "ball", "is", "red", "blue", "heavy"])
HEAVY, RED, BLUE = "the ball is heavy", "the ball is red", "the ball is blue"


class Heavy(Task):
    """Pick up what the manual says."""

    room_size = 6
    sentences = ("the ball is heavy today", "take care")
    max_manual_sentences = 3
    max_manual_words = 5

    def sample(self, world, rng):
        world.place_agent()
        thing = world.choice(world.add_crossed())
        manual = [
            f"the {kind} is heavy today" for kind in world.sample(("ball", "box", "key"), world.choice((1, 2, 3)))
        ]
        return Instructed(PickUp(world.describe(thing)), manual=manual)


HEAVY_SOURCE = TaskSource("tests/Heavy", Heavy())


def told(manual: object, **attributes: object) -> object:
    def sample(self, world, rng):
        world.place_agent()
        return Instructed(PickUp(world.describe(world.add("ball"))), manual=manual)

    return TaskSource("tests/Told", type("Told", (Heavy,), {"sample": sample, **attributes})()).sample(0)


def test_tokens_are_padded_and_texts_are_whole() -> None:
    manuals = Manuals.pack([(HEAVY, RED), (), (RED,)], (3, 6), WORDS)
    assert manuals.sentences == (HEAVY, RED)
    assert manuals.rows.tolist() == [[1, 2, 0], [0, 0, 0], [2, 0, 0]]
    assert manuals.tokens.tolist() == [[0] * 6, [2, 3, 4, 7, 0, 0], [2, 3, 4, 5, 0, 0]]
    assert [manuals.texts(row) for row in range(3)] == [(HEAVY, RED), (), (RED,)]


def test_parts_keep_their_sentences_and_no_others() -> None:
    manuals = Manuals.pack([(HEAVY, RED), (BLUE,), (RED,)], (2, 5), WORDS)
    part = manuals.take(np.array([2, 1]))
    assert [part.texts(row) for row in range(2)] == [(RED,), (BLUE,)]
    assert set(part.sentences) == {RED, BLUE}
    decoded = [[WORDS.decode(part.tokens[row]) for row in rows if row] for rows in part.rows]
    assert decoded == [[RED], [BLUE]]


def test_joined_banks_keep_their_manuals_and_those_without_have_none() -> None:
    one = Manuals.pack([(HEAVY, RED)], (2, 4), WORDS)
    other = Manuals.pack([(BLUE,), (BLUE, HEAVY, RED)], (3, 6), WORDS)
    joined = Manuals.concatenate([one, None, other], [1, 2, 2])
    assert joined is not None
    assert joined.space == (3, 6)
    assert [joined.texts(row) for row in range(5)] == [(HEAVY, RED), (), (), (BLUE,), (BLUE, HEAVY, RED)]
    assert [WORDS.decode(joined.tokens[row]) for row in joined.rows[4]] == [BLUE, HEAVY, RED]
    assert Manuals.concatenate([None, None], [3, 4]) is None


def test_other_vocabularies_spell_the_same_sentences() -> None:
    words = Vocabulary.of(["heavy", "is", "ball", "the"])
    manuals = Manuals.pack([(HEAVY,)], (1, 4), WORDS).encoded(words)
    assert words.decode(manuals.tokens[1]) == HEAVY
    with pytest.raises(InstructionError, match="'red'"):
        Manuals.pack([(RED,)], (1, 4), WORDS).encoded(words)


def test_what_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(InstructionError, match=r"2 sentences, more than the 1.*'the ball is red'"):
        Manuals.pack([(HEAVY, RED)], (1, 6), WORDS)
    with pytest.raises(InstructionError, match="'the ball is heavy' has 4 tokens, more than the 3"):
        Manuals.pack([(HEAVY,)], (1, 3), WORDS)


def test_bank_holds_what_the_task_tells_also_from_other_processes_and_from_disk(tmp_path) -> None:
    bank = build_bank(HEAVY_SOURCE, 30, cache=False, progress=False)
    assert [bank.manual(row) for row in range(30)] == [HEAVY_SOURCE.sample(int(seed)).manual for seed in bank.seeds]
    assert {len(bank.manual(row)) for row in range(30)} == {1, 2, 3}
    words = HEAVY_SOURCE.embodiment.vocabulary
    bank.save(tmp_path / "bank.npz")
    loaded = EpisodeBank.load(tmp_path / "bank.npz", vocabulary=words)
    for row in (0, 29):
        assert loaded.manual(row) == bank.manual(row)
        tokens = loaded.manuals.tokens[loaded.manuals.rows[row]]
        assert tuple(words.decode(line) for line in tokens if line.any()) == bank.manual(row)
    part = loaded.take(slice(20, 25))
    assert [part.manual(row) for row in range(5)] == [bank.manual(row) for row in range(20, 25)]


def test_a_file_whose_manuals_lack_a_sentence_is_refused(tmp_path) -> None:
    bank = build_bank(HEAVY_SOURCE, 5, cache=False, progress=False)
    short = Manuals(bank.manuals.sentences[:-1], bank.manuals.rows, bank.manuals.tokens)
    object.__setattr__(bank, "manuals", short)
    bank.save(tmp_path / "bank.npz")
    with pytest.raises(BankFileError, match="sentences of manuals, but the tokens of"):
        EpisodeBank.load(tmp_path / "bank.npz", vocabulary=HEAVY_SOURCE.embodiment.vocabulary)


def test_banks_without_manuals_are_saved_as_before(tmp_path) -> None:
    bank = build_bank("groundling/RoomGoTo-v0", 5, cache=False, progress=False)
    bank.save(tmp_path / "bank.npz")
    assert bank.manuals is None
    assert EpisodeBank.load(tmp_path / "bank.npz").manuals is None
    assert bank.manual(0) == ()
    assert not [name for name in np.load(tmp_path / "bank.npz").files if "manual" in name]


@pytest.mark.parametrize(
    ("manual", "attributes", "message"),
    [
        (["take care"] * 4, {}, r"4 sentences, and the task has space for 3: 'take care' does not fit. Set max_manual"),
        (["take care"], {"max_manual_sentences": 0}, "1 sentences, and the task has space for 0"),
        (["take care", "the ball is heavy today , today"], {}, "'the ball is heavy today , today'.*has 7 words.*for 5"),
        (["take cover"], {}, r"'take cover' has words that the task does not know: cover. Name it in the class"),
        ([""], {}, "words on one line"),
        ([3], {}, "a manual is a list of sentences, 3 is none"),
    ],
)
def test_manuals_that_cannot_be_told_are_refused(manual, attributes, message) -> None:
    with pytest.raises(TaskError, match=message):
        told(manual, **attributes)
    assert told(["take care"]).manual == ("take care",)


def test_one_string_is_no_manual() -> None:
    with pytest.raises(InstructionError, match="a list of sentences, not one string: 'take care'"):
        told("take care")


@pytest.mark.parametrize("space", [{"max_manual_sentences": -1}, {"max_manual_words": 0}])
def test_space_that_cannot_work_is_refused(space) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(space))):
        type("Spaced", (Heavy,), space)()


def test_space_is_part_of_what_a_bank_depends_on() -> None:
    wider = TaskSource("tests/Heavy", type("Heavy", (Heavy,), {"max_manual_words": 6})())
    plain = TaskSource("tests/Heavy", type("Heavy", (Heavy,), {})())
    assert wider.fingerprint().rpartition("manuals")[2] != plain.fingerprint().rpartition("manuals")[2]
