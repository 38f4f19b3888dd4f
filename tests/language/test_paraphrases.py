"""Paraphrases: each reads back to its goal alone, and a wording keeps its promise of what it holds out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest

from groundling.errors import ConfigurationError, InstructionError
from groundling.language import (
    HELD_OUT_PHRASINGS,
    HELD_OUT_SYNONYMS,
    PHRASINGS,
    SYNONYMS,
    VOCABULARY,
    After,
    And,
    Clause,
    Color,
    Goal,
    GoTo,
    GoToMatch,
    Location,
    NextTo,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutIn,
    PutNear,
    PutNextTo,
    Size,
    Step,
    Then,
    UnlockAndGoToGoal,
    Wording,
    paraphrase,
    paraphrases,
    parse,
    render,
)
from groundling.language.goals import clauses
from groundling.language.lexicon import Lexicon
from groundling.language.paraphrases import MAX_CLAUSE_TOKENS, WordingKind
from groundling.language.phrasings import CANONICAL, words_of
from groundling.language.reader import readings
from groundling.language.synonyms import plural, synonyms_of
from groundling.language.templates import Phrasing
from groundling.language.vocabulary import split_words
from groundling.language.writer import _says_all, write

RED_BALL = ObjectDescription(ObjectType.BALL, Color.RED)
BLUE_KEY = ObjectDescription(ObjectType.KEY, Color.BLUE, definite=False)
DOOR = ObjectDescription(ObjectType.DOOR)
GO, PICK = GoTo(RED_BALL), PickUp(BLUE_KEY)
PLACE = "in the room"  # as a task may bring it
LEXICON = Lexicon(relations=(PLACE,))

# Goals that together can be said with every phrasing and every synonym.
EVERY_KIND: tuple[Goal, ...] = (
    GO,
    PICK,
    Open(DOOR),
    PutNextTo(RED_BALL, BLUE_KEY),
    PutNear(RED_BALL, BLUE_KEY),
    PutIn(RED_BALL, PLACE),
    GoToMatch(),
    UnlockAndGoToGoal(Color.RED, Color.BLUE, Color.GREEN),
    And((GO, PICK)),
    Then((GO, PICK)),
    Then((And((GO, PICK)), GO, PICK)),
    After(GO, And((PICK, Open(DOOR)))),
    GoTo(ObjectDescription()),
    *(GoTo(replace(RED_BALL, size=size)) for size in Size),
    *(GoTo(replace(RED_BALL, location=location)) for location in Location),
    *(PickUp(ObjectDescription(type_)) for type_ in ObjectType if type_ is not ObjectType.DOOR),
    *(GoTo(ObjectDescription(color=color)) for color in Color),
    GoTo(replace(RED_BALL, both=True)),
    PickUp(replace(RED_BALL, negated=True)),
    PickUp(replace(RED_BALL, relation=NextTo(BLUE_KEY))),
)

# The longest sentences that the goals allow.
LONG = ObjectDescription(ObjectType.BALL, Color.RED, Location.FRONT, size=Size.LARGEST)
LONG_NOT = ObjectDescription(ObjectType.BALL, Color.RED, Location.FRONT, negated=True)
LONG_PUT = PutNextTo(LONG_NOT, LONG)
LONGEST: tuple[Goal, ...] = (
    LONG_PUT,
    PutNextTo(LONG, LONG_NOT),
    PutNear(LONG, LONG_NOT),
    GoTo(LONG_NOT),
    GoTo(replace(LONG, relation=NextTo(LONG))),
    UnlockAndGoToGoal(Color.RED, Color.BLUE, Color.GREEN),
    And((LONG_PUT, LONG_PUT)),
    After(LONG_PUT, LONG_PUT),
    Then((LONG_PUT, LONG_PUT, LONG_PUT)),
    Then((LONG_PUT,) * 4),
)


def random_goal(rng: np.random.Generator) -> Goal:
    """Any goal of the language: impossible ones are drawn again."""

    def one_of(values: list) -> object:
        return values[rng.integers(len(values))]

    def description(type_: ObjectType | None, relation: NextTo | str | None = None) -> ObjectDescription:
        return ObjectDescription(
            type_,
            one_of([None, *Color]),
            one_of([None, None, *Location]),
            bool(rng.integers(2)),
            one_of([None, None, None, *Size]),
            both=rng.random() < 0.1,
            negated=rng.random() < 0.2,
            relation=NextTo(description(any_type())) if relation is None and rng.random() < 0.2 else relation,
        )

    def any_type() -> ObjectType | None:
        return one_of([None, *ObjectType])  # type: ignore[return-value]

    def clause() -> Clause:
        return one_of(  # type: ignore[operator, no-any-return]
            [
                lambda: GoTo(description(any_type())),
                lambda: PickUp(description(any_type())),
                lambda: Open(description(ObjectType.DOOR)),
                lambda: PutNextTo(description(any_type()), description(any_type())),
                lambda: PutIn(description(any_type(), one_of([None, PLACE])), PLACE),
            ]
        )()

    def step() -> Step:
        return clause() if rng.random() < 0.6 else And(tuple(clause() for _ in range(rng.integers(2, 4))))

    makers: list[Callable[[], Goal]] = [
        clause,
        lambda: PutNear(description(any_type()), description(any_type())),
        GoToMatch,
        lambda: UnlockAndGoToGoal(one_of([*Color]), one_of([*Color]), one_of([*Color])),
        step,
        lambda: Then(tuple(step() for _ in range(rng.integers(2, 5)))),
        lambda: After(step(), step()),
    ]
    while True:
        try:
            return one_of(makers)()  # type: ignore[operator, no-any-return]
        except InstructionError:
            continue


def words_in(text: str) -> set[str]:
    return set(split_words(text))


@cache
def forms_of_held_out_synonyms() -> frozenset[str]:
    return frozenset(HELD_OUT_SYNONYMS) | frozenset(map(plural, HELD_OUT_SYNONYMS))


@pytest.mark.parametrize("name", PHRASINGS)
def test_every_phrasing_is_used_and_reads_back(name: str) -> None:
    rng = np.random.default_rng(0)
    used: Counter[Goal] = Counter()
    for number, goal in enumerate(EVERY_KIND * 20):
        if number >= 8 * len(EVERY_KIND) and not used[goal]:
            continue  # it was left out eight times, so it does not say this
        said = paraphrase(goal, rng, phrasings=[name], synonyms=[])
        assert set(said.phrasings_used) <= {name}
        assert said.synonyms_used == ()
        assert (said.text == render(goal)) == (not said.phrasings_used)
        if said.phrasings_used:
            used[goal] += 1
            assert readings(said.text, LEXICON) == [goal], said.text
            # a template's own words stand in the sentence in its order
            words = iter(split_words(said.text.replace(" are", " is")))
            assert all(word in words for word in PHRASINGS[name].words)
    assert used


@cache
def replaceable_words() -> dict[Goal, frozenset[str]]:
    """Of each goal, the words of its sentences that a synonym may replace."""
    offered: set[str] = set()

    class NotingChooser(paraphrases._RandomChooser):
        def word(self, word: str) -> str:
            offered.add(word)
            return word

    rng, choices = np.random.default_rng(1), paraphrases._choices(Wording("phrasing"))
    words: dict[Goal, frozenset[str]] = {}
    for goal in EVERY_KIND:
        offered.clear()
        for _ in range(400):
            write(goal, NotingChooser(rng, choices))
        words[goal] = frozenset(offered)
    return words


@pytest.mark.parametrize("synonym", SYNONYMS)
def test_every_synonym_is_used_in_place_of_its_word_and_reads_back(synonym: str) -> None:
    rng = np.random.default_rng(0)
    word, used = SYNONYMS[synonym], 0
    able = [goal for goal in EVERY_KIND if word in replaceable_words()[goal]]
    for goal in (*EVERY_KIND * 4, *able * 120):
        said = paraphrase(goal, rng, synonyms=[synonym])
        assert set(said.synonyms_used) <= {synonym}
        if said.synonyms_used:
            used += 1
            assert readings(said.text, LEXICON) == [goal], said.text
            assert words_in(said.text) & {synonym, plural(synonym)}
            assert synonym in synonyms_of(word)
    assert used


def test_a_and_an_and_is_and_are_agree_with_what_follows() -> None:
    rng = np.random.default_rng(0)
    door, balls = Open(replace(DOOR, definite=False)), GoTo(replace(RED_BALL, both=True))
    orb = {
        paraphrase(PickUp(ObjectDescription(ObjectType.BALL, definite=False)), rng, phrasings=[], synonyms=["orb"]).text
        for _ in range(20)
    }
    assert orb == {"pick up a ball", "pick up an orb"}
    assert {paraphrase(balls, rng, phrasings=["is where you should go"], synonyms=[]).text for _ in range(20)} == {
        "go to both red balls",
        "both red balls are where you should go",
    }
    assert {paraphrase(door, rng, phrasings=["make sure it is open"], synonyms=[]).text for _ in range(20)} == {
        "open a door",
        "make sure a door is open",
    }


def test_hand_written_paraphrases() -> None:
    hand_written = {
        "Could you please grab the scarlet orb?": PickUp(RED_BALL),
        "the red ball is where you should go": GO,
        "please drop the red sphere close to a blue key": PutNear(RED_BALL, BLUE_KEY),
        "beside a blue key, put the red ball": PutNextTo(RED_BALL, BLUE_KEY),
        "open the gate, but first go to the red ball": After(Open(DOOR), GO),
        "before you open the door, go to the red ball": After(Open(DOOR), GO),
        "after you go to the red ball, open the door": Then((GO, Open(DOOR))),
        "go to the red ball before you open the door": Then((GO, Open(DOOR))),
        "first walk to the red ball and then open the door": Then((GO, Open(DOOR))),
        "in any order, go to the red ball and open the door": And((GO, Open(DOOR))),
        "I want you to pick up anything but the red ball": PickUp(replace(RED_BALL, negated=True)),
        "pick up the pair of crimson spheres": PickUp(replace(RED_BALL, both=True)),
        "visit the biggest of the red balls": GoTo(replace(RED_BALL, size=Size.LARGEST)),
        "find the sphere at your back that is red": GoTo(replace(RED_BALL, location=Location.BEHIND)),
        "grab the red ball that is beside a blue key": PickUp(replace(RED_BALL, relation=NextTo(BLUE_KEY))),
    }
    assert {text: parse(text) for text in hand_written} == hand_written


@pytest.mark.parametrize(
    "text",
    [
        "the red ball is where you should go and open the door",
        "open the door, then the red ball is where you should go",
        "please the red ball is where you should go",
        "could you before you open the door, go to the red ball",
        "go to the red ball before you open the door before you get a blue key",
    ],
)
def test_form_that_does_not_begin_with_its_verb_stands_alone(text: str) -> None:
    assert parse("the red ball is where you should go") == GO
    with pytest.raises(InstructionError, match="at the mark"):
        parse(text)


def test_phrasing_must_say_all_that_a_description_does() -> None:
    said = {"both": False, "negated": False, "definite": True}
    short = Phrasing("short", ObjectDescription, "the {type}", fixed=said)
    assert _says_all(short, replace(RED_BALL, color=None))
    assert not _says_all(short, RED_BALL)
    assert not _says_all(short, replace(RED_BALL, color=None, definite=False))
    needs_color = Phrasing("needs color", ObjectDescription, "the {type} that is {color!}", fixed=said)
    assert _says_all(needs_color, RED_BALL)
    assert not _says_all(needs_color, replace(RED_BALL, color=None))


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_no_two_goals_share_a_sentence(count: int) -> None:
    rng = np.random.default_rng(count)
    wordings = [Wording(kind) for kind in ("trained", "phrasing", "synonym")]  # type: ignore[arg-type]
    for i in range(count):
        goal = random_goal(rng)
        said = paraphrase(goal, rng).text if i % 2 else wordings[i // 2 % 3].phrase(goal, rng)
        assert readings(said, LEXICON) == [goal], said
        assert len(split_words(said)) <= MAX_CLAUSE_TOKENS * len(clauses(goal)), said
        assert words_in(said) <= set(VOCABULARY.words), said


@pytest.mark.parametrize("kind", ["canonical", "trained", "phrasing", "synonym"])
@pytest.mark.parametrize("goal", LONGEST)
def test_the_longest_goals_can_be_said_in_24_tokens_a_clause(goal: Goal, kind: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        text = Wording(kind).phrase(goal, rng)  # type: ignore[arg-type]
        assert len(split_words(text)) <= MAX_CLAUSE_TOKENS * len(clauses(goal)), text
    assert MAX_CLAUSE_TOKENS == 24


def test_without_phrasings_and_synonyms_it_is_the_canonical_sentence() -> None:
    rng = np.random.default_rng(0)
    for goal in EVERY_KIND:
        said = paraphrase(goal, rng, phrasings=[], synonyms=[])
        assert (said.text, said.phrasings_used, said.synonyms_used) == (render(goal), (), ())


def test_same_seed_gives_the_same_sentences() -> None:
    first, second, other = (
        [paraphrase(goal, np.random.default_rng(seed)) for goal in EVERY_KIND] for seed in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_canonical_form_is_drawn_half_of_the_time_and_the_others_alike() -> None:
    rng = np.random.default_rng(0)
    politeness = [name for name, phrasing in PHRASINGS.items() if "request" in phrasing.slots]
    drawn = Counter(
        next((name for name in paraphrase(GO, rng).phrasings_used if name in politeness), None) for _ in range(6_000)
    )
    assert drawn[None] / 6_000 == pytest.approx(0.5, abs=0.03)
    for name in politeness:
        assert drawn[name] / 6_000 == pytest.approx(0.5 / len(politeness), abs=0.015), name


def test_trained_wording_never_holds_what_is_held_out_and_reaches_all_the_rest() -> None:
    rng, wording = np.random.default_rng(0), Wording("trained")
    held_out, trained_words = forms_of_held_out_synonyms(), set()
    for goal in EVERY_KIND * 120:
        words = words_in(wording.phrase(goal, rng))
        assert not words & held_out
        trained_words |= words
    trained = [PHRASINGS[name] for name in PHRASINGS if name not in HELD_OUT_PHRASINGS]
    assert trained_words >= set(words_of([*CANONICAL, *trained]))
    assert trained_words >= set(SYNONYMS) - held_out
    assert {render(goal) for goal in EVERY_KIND} & {wording.phrase(goal, rng) for goal in EVERY_KIND * 20}


@pytest.mark.parametrize("kind", ["trained", "phrasing", "synonym"])
def test_every_phrasing_and_synonym_of_a_wording_is_drawn(kind: WordingKind, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: set[str] = set()

    class NotingChooser(paraphrases._RandomChooser):
        def _one(self, *args: object) -> str | None:
            name = super()._one(*args)  # type: ignore[arg-type]
            drawn.add(name or "")
            return name

    monkeypatch.setattr(paraphrases, "_RandomChooser", NotingChooser)
    rng, wording = np.random.default_rng(0), Wording(kind)
    for goal in EVERY_KIND * 120:
        wording.phrase(goal, rng)
    phrasings = set(PHRASINGS) - (set() if kind == "phrasing" else set(HELD_OUT_PHRASINGS))
    synonyms = set(SYNONYMS) - (set() if kind == "synonym" else set(HELD_OUT_SYNONYMS))
    assert drawn == {"", *phrasings, *synonyms}


def test_phrasing_wording_always_holds_a_held_out_phrasing_in_trained_words() -> None:
    rng = np.random.default_rng(0)
    trained_names = set(PHRASINGS) - set(HELD_OUT_PHRASINGS)
    trained_words = set(words_of([*CANONICAL, *(PHRASINGS[name] for name in trained_names)]))
    trained_words |= {word for word in VOCABULARY.words if word not in forms_of_held_out_synonyms()}
    for goal in EVERY_KIND * 120:
        text = Wording("phrasing").phrase(goal, rng)
        assert words_in(text) <= trained_words, text
        assert parse(text, LEXICON) == goal
        # without the held-out phrasings the grammar could not write it
        assert any(is_written_by(text, PHRASINGS[name].words) for name in HELD_OUT_PHRASINGS), text


def is_written_by(text: str, template: tuple[str, ...]) -> bool:
    words = iter(SYNONYMS.get(word, "is" if word == "are" else word) for word in split_words(text))
    return all(word in words for word in template)


def test_every_word_of_a_held_out_phrasing_is_in_a_trained_one() -> None:
    trained = [*CANONICAL, *(phrasing for name, phrasing in PHRASINGS.items() if name not in HELD_OUT_PHRASINGS)]
    assert set(words_of(PHRASINGS[name] for name in HELD_OUT_PHRASINGS)) <= set(words_of(trained))


def test_synonym_wording_always_holds_a_held_out_synonym() -> None:
    rng = np.random.default_rng(0)
    held_out_templates = [PHRASINGS[name] for name in HELD_OUT_PHRASINGS if PHRASINGS[name].of is GoTo]
    for goal in EVERY_KIND * 120:
        text = Wording("synonym").phrase(goal, rng)
        assert words_in(text) & forms_of_held_out_synonyms(), text
        assert parse(text, LEXICON) == goal
        if goal == GO:
            assert not any(is_written_by(text, template.words) for template in held_out_templates)


def test_every_goal_has_a_sentence_in_every_wording() -> None:
    rng = np.random.default_rng(1)
    for kind in ("canonical", "trained", "phrasing", "synonym"):
        for goal in EVERY_KIND:
            assert parse(Wording(kind).phrase(goal, rng), LEXICON) == goal  # type: ignore[arg-type]


def test_synonym_is_no_other_word_of_the_language() -> None:
    words = {*words_of([*CANONICAL, *PHRASINGS.values()]), *Color, *ObjectType, *Size, "object"}
    plurals = {plural(word) for word in words | set(SYNONYMS)}
    assert not set(SYNONYMS) & words
    assert not set(SYNONYMS) & plurals
    assert set(SYNONYMS.values()) <= words


def test_every_color_object_and_size_has_trained_and_held_out_synonyms() -> None:
    for word in (*Color, *ObjectType, *Size, "object"):
        held_out = set(synonyms_of(word)) & set(HELD_OUT_SYNONYMS)
        assert held_out
        assert set(synonyms_of(word)) - held_out


def test_names_of_held_out_things_exist_and_are_listed_once() -> None:
    assert set(HELD_OUT_PHRASINGS) < set(PHRASINGS)
    assert set(HELD_OUT_SYNONYMS) < set(SYNONYMS)
    assert len(set(HELD_OUT_PHRASINGS)) == len(HELD_OUT_PHRASINGS)
    assert len(set(HELD_OUT_SYNONYMS)) == len(HELD_OUT_SYNONYMS)
    assert not {p.name for p in CANONICAL} & set(PHRASINGS)


def test_canonical_wording_is_the_canonical_sentence() -> None:
    rng = np.random.default_rng(0)
    assert [Wording().phrase(goal, rng) for goal in EVERY_KIND] == [render(goal) for goal in EVERY_KIND]


def test_goal_that_cannot_use_what_is_held_out_is_refused() -> None:
    rng = np.random.default_rng(0)
    wording = Wording("phrasing", held_out_phrasings=("pull it open",))
    assert "pull the door open" in wording.phrase(Open(DOOR), rng).replace("gate", "door")
    with pytest.raises(InstructionError, match="'go to the red ball' cannot be said with any of pull it open"):
        wording.phrase(GO, rng)
    with pytest.raises(InstructionError, match="cannot be said with any of crimson"):
        Wording("synonym", held_out_synonyms=("crimson",)).phrase(PICK, rng)


def test_a_single_thing_held_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paraphrases, "_TRIES", 300)  # enough only because later tries favor what is required
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert "could you please" in Wording("phrasing", held_out_phrasings=("could you please",)).phrase(GO, rng)
        assert "seize" in Wording("synonym", held_out_synonyms=("seize",)).phrase(PICK, rng)


def test_nothing_held_out_leaves_no_evaluation_sentence() -> None:
    with pytest.raises(ConfigurationError, match="holds out no phrasing"):
        Wording("phrasing", held_out_phrasings=())
    with pytest.raises(ConfigurationError, match="holds out no synonym"):
        Wording("synonym", held_out_synonyms=())
    assert Wording("trained", held_out_phrasings=(), held_out_synonyms=()).phrase(GO, np.random.default_rng(0))


def test_unknown_names_are_refused_and_close_ones_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no synonym 'crimsen' .* did you mean 'crimson'"):
        Wording("synonym", held_out_synonyms=("crimsen",))
    with pytest.raises(ConfigurationError, match=r"no phrasing 'could yo' .* did you mean 'could you'"):
        paraphrase(GO, np.random.default_rng(0), phrasings=["could yo"])
    with pytest.raises(
        ConfigurationError, match="a wording is one of canonical, trained, phrasing, synonym, got 'new'"
    ):
        Wording("new")  # type: ignore[arg-type]


def test_wording_is_plain_data() -> None:
    wording = Wording("synonym", held_out_phrasings=("please",), held_out_synonyms=("orb", "crimson"))
    assert Wording(**json.loads(json.dumps(asdict(wording)))) == wording
    assert len({wording, Wording(**asdict(wording)), Wording()}) == 2
