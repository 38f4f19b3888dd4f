"""Sentences of a task's own: the goal is judged, the author's words are told, and nobody needs to read them."""

from __future__ import annotations

import pytest
from own_tasks import Thirsty, source_of

from groundling.agents.baselines import RandomPolicy, ShuffledInstructions
from groundling.envs import EpisodeBank, HeldOut, build_bank, make_vec
from groundling.envs.banks.sources import meanings_of
from groundling.envs.banks.splits import held_out_split, training_split
from groundling.envs.families.goals import OWN_WORDS, GoalFamily
from groundling.envs.worlds import contract
from groundling.errors import ConfigurationError, InstructionError, SplitError, TaskError
from groundling.eval.breakdown import break_down
from groundling.eval.rollout import Outcome
from groundling.language import VOCABULARY, Instructed, ObjectDescription, ObjectType, PickUp, parse

THIRSTY = source_of(Thirsty)
SENTENCES = set(Thirsty.sentences)


@pytest.fixture(scope="module")
def bank() -> EpisodeBank:
    return build_bank(THIRSTY, 60, cache=False, progress=False)


def test_sentence_is_the_authors_and_the_program_the_goals(bank: EpisodeBank) -> None:
    assert set(bank.instructions) == SENTENCES
    episode = THIRSTY.sample(0)
    assert episode.is_own_sentence
    assert episode.goal in (parse("pick up a cup"), parse("pick up the cup"))
    cups = [k for k, look in enumerate(episode.looks) if look & 0xFF == 13]
    assert episode.program[0][2] == sum(1 << k for k in cups)


def test_words_are_in_the_vocabulary_and_the_contract_holds(bank: EpisodeBank) -> None:
    vocabulary = THIRSTY.embodiment.vocabulary
    own = ("me", "drink", "am", "thirsty")
    assert vocabulary.words[len(VOCABULARY) :] == own
    assert bank.vocabulary == vocabulary.fingerprint
    contract.check(THIRSTY, range(40))
    contract.check_marginals(THIRSTY, range(300), without={"named type"})


def test_environment_tells_the_sentence() -> None:
    envs = make_vec(THIRSTY, 8, bank_size=20, cache=False, progress=False)
    observation, _info = envs.reset(seed=0)
    assert set(envs.instructions) <= SENTENCES
    told = {envs.embodiment.vocabulary.decode(row) for row in observation["instruction"]}
    assert told <= {"fetch me something to drink from", "i am thirsty!"}


# ------------------------------------------------------------------------------------------------ what is refused


A_CUP = PickUp(ObjectDescription(ObjectType.CUP))


def told(sentence: str, sentences: tuple[str, ...] = ("fetch me a cup",), goal=A_CUP):
    class Telling(Thirsty):
        def sample(self, world, rng):
            super().sample(world, rng)
            return Instructed(goal, sentence)

    Telling.sentences = sentences
    return source_of(Telling).sample(0)


def test_sentences_that_cannot_be_told_are_refused() -> None:
    assert told("fetch me a cup").instruction == "fetch me a cup"
    with pytest.raises(TaskError, match=r"words that the task does not know: soon. Name it in the class, sentences ="):
        told("fetch me a cup soon")
    with pytest.raises(TaskError, match="words on one line"):
        told("fetch me\na cup")
    with pytest.raises(TaskError, match="words on one line"):
        told("  ")
    with pytest.raises(TaskError, match="is read as 'pick up the book', but the goal is 'pick up"):
        told("fetch the book")
    with pytest.raises(TaskError, match="not a goal"):
        told("fetch me a cup", goal="pick up the cup")
    with pytest.raises(ConfigurationError, match="sentences is a tuple of sentences"):
        told("fetch me a cup", sentences="fetch me a cup")  # type: ignore[arg-type]


def test_too_long_a_sentence_is_refused_when_it_is_packed() -> None:
    class Long(Thirsty):
        sentences = ("please " * 30,)

    with pytest.raises(InstructionError, match="30 tokens, more than the 24"):
        build_bank(source_of(Long), 5, cache=False, progress=False)


def test_a_sentence_that_the_language_reads_stays_as_it_is() -> None:
    assert told("grab the cup").instruction in ("grab the cup",)
    assert told("grab the cup").is_own_sentence


# ------------------------------------------------------------------------------------------------ meaning


def test_meaning_is_the_sentence_or_what_the_task_says(bank: EpisodeBank) -> None:
    assert [THIRSTY.meaning(text) for text in bank.instructions] == list(bank.instructions)
    assert THIRSTY.meaning("pick up a cup") == parse("pick up the cup")
    assert meanings_of(bank) == list(bank.instructions)  # nobody has registered the task

    class Understood(Thirsty):
        def meaning(self, sentence: str) -> str:
            return "a drink"

    assert {source_of(Understood).meaning(text) for text in bank.instructions} == {"a drink"}


def test_shuffled_control_tells_another_sentence(bank: EpisodeBank) -> None:
    control = ShuffledInstructions.of_bank(RandomPolicy(), bank, seed=0)
    assert control.initial_state(2).shape == (2, 1)


def test_goals_of_own_sentences_are_not_read(bank: EpisodeBank) -> None:
    with pytest.raises(InstructionError):
        bank.goals()


def test_breakdown_keeps_them_apart() -> None:
    outcomes = [
        Outcome(text, success=success, out_of_time=False, length=3, episode_return=1.0)
        for text, success in (("I am thirsty!", True), ("I am thirsty!", False), ("go to the red ball", True))
    ]
    for kind, other in (("verb", "go to"), ("clauses", "1")):
        groups = {group.name: group.episodes for group in break_down(outcomes, kind, GoalFamily(THIRSTY).groups)}
        assert groups == {OWN_WORDS: 2, other: 1}


# ------------------------------------------------------------------------------------------------ splits


def test_split_looks_at_the_goal_and_leaves_the_sentence() -> None:
    every, varied = HeldOut(("verb_object",), verb_objects=("pick up book",)), HeldOut(("phrasing",))
    for held_out in (every, varied):
        bank = build_bank(THIRSTY, 20, split=training_split(held_out), cache=False, progress=False)
        assert set(bank.instructions) <= SENTENCES
    cups = HeldOut(("verb_object",), verb_objects=("pick up cup",))
    with pytest.raises(SplitError, match="leaves nothing of this level"):
        build_bank(THIRSTY, 20, split=training_split(cups), cache=False, progress=False)
    with pytest.raises(SplitError, match="is empty"):
        build_bank(THIRSTY, 20, split=held_out_split(varied, "phrasing"), cache=False, progress=False)
