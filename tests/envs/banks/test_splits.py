"""Splits: what is held out is never asked for in training, and everything else is the same."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import numpy as np
import pytest

from groundling.envs import SPLITS, EpisodeBank, HeldOut, Split, build_bank, make, single
from groundling.envs.banks import bank_building
from groundling.envs.banks.held_out import FACTORS, NOTHING_HELD_OUT, Factor
from groundling.envs.banks.splits import find_split, held_out_split, seen_split, training_split
from groundling.envs.engine.constants import COLOR_CODES, FIRST_OBJECT, TYPE_CODES
from groundling.errors import InstructionError, SplitError
from groundling.language import Color, GoTo, ObjectDescription, ObjectType, PutNextTo, parse, render
from groundling.language.goal_parts import combinations
from groundling.language.paraphrases import HELD_OUT_PHRASINGS, HELD_OUT_SYNONYMS
from groundling.language.vocabulary import split_words

GOALS: tuple[Factor, ...] = FACTORS[:4]  # held out by what is asked; the others by how it is told
PAIRS = HeldOut()._pairs
# A level for each factor that asks for all that the default sets hold out by it.
LEVELS: dict[Factor, str] = {
    "combination": "BabyAI-PutNextLocal-v0",
    "verb_object": "BabyAI-SynthS5R2-v0",
    "location": "BabyAI-PickupLoc-v0",
    "length": "BabyAI-GoToSeqS5R2-v0",
    "phrasing": "BabyAI-GoToLocal-v0",
    "synonym": "BabyAI-GoToLocal-v0",
}


def build(level: str, split: str | Split, size: int) -> EpisodeBank:
    return build_bank(level, size, split=split, workers=1, progress=False)


@dataclasses.dataclass(frozen=True)
class Parts:
    """A level's three parts where one factor is held out."""

    factor: Factor
    held_out: HeldOut
    train: EpisodeBank
    seen: EpisodeBank
    tested: EpisodeBank


@pytest.fixture(scope="module", params=FACTORS)
def parts(request: pytest.FixtureRequest) -> Parts:
    factor: Factor = request.param
    held_out = HeldOut(factors=(factor,))
    splits = training_split(held_out), seen_split(held_out), held_out_split(held_out, factor)
    return Parts(factor, held_out, *(build(LEVELS[factor], split, 60) for split in splits))


# Factors, on the arrays of banks


def test_training_and_evaluation_never_share_a_layout(parts: Parts) -> None:
    for bank, parity in ((parts.train, 0), (parts.seen, 1), (parts.tested, 1)):
        assert set(bank.seeds % 2) == {parity}
        assert len(set(bank.seeds)) == len(bank)
    banks = (parts.train, parts.seen)
    layouts = [{cells.tobytes() + pose.tobytes() for cells, pose in zip(b.cells, b.poses, strict=True)} for b in banks]
    assert not layouts[0] & layouts[1]


def test_no_training_instruction_is_held_out_and_every_test_instruction_is(parts: Parts) -> None:
    by_goal = parts.factor in GOALS
    for bank in (parts.train, parts.seen):
        assert all(not parts.held_out.violated(parse(text)) for text in bank.instructions)
    expected = {parts.factor} if by_goal else set()
    assert all(parts.held_out.violated(parse(text)) == expected for text in parts.tested.instructions)
    # and no sentence stands on both sides
    assert not set(parts.train.instructions) & set(parts.tested.instructions)


def test_what_is_held_out_is_read_off_the_sentence(parts: Parts) -> None:
    """Without the code that selects: by the words alone."""
    texts = {name: getattr(parts, name).instructions for name in ("train", "seen", "tested")}
    match parts.factor:
        case "combination":

            def names_it(text: str) -> bool:
                return any(pair in text for pair in ("purple key", "green box", "yellow ball", "grey key"))
        case "verb_object":

            def names_it(text: str) -> bool:
                words = [word for word in text.split() if word in (*TYPE_CODES, "object")]
                return f"{text.split()[0]} {words[0]}" in ("go box", "pick ball", "put key")
        case "location":

            def names_it(text: str) -> bool:
                ends = ("ball behind you", "key on your left", "box on your right", "door in front of you")
                return text.endswith(ends)
        case "length":

            def names_it(text: str) -> bool:
                return text.count("go to") > 2
        case "phrasing":
            return  # see test_held_out_phrasings_and_synonyms_are_only_told_where_they_are_tested
        case "synonym":

            def names_it(text: str) -> bool:
                return bool({*split_words(text)} & set(HELD_OUT_SYNONYMS))

    assert not any(map(names_it, (*texts["train"], *texts["seen"])))
    assert all(map(names_it, texts["tested"]))


def test_all_that_is_held_out_is_asked_for_where_it_is_tested() -> None:
    asked = frozenset().union(*(combinations(goal) for goal in build(LEVELS["combination"], "unseen", 120).goals()))
    assert asked >= PAIRS


def test_what_is_held_out_twice_is_in_no_part() -> None:
    held_out = HeldOut(factors=("combination", "verb_object"), combinations=("red ball",))
    red_ball = parse("pick up the red ball")  # a held-out pair, and a held-out type of the verb
    assert held_out.violated(red_ball) == {"combination", "verb_object"}
    splits = training_split(held_out), seen_split(held_out), *(held_out_split(held_out, f) for f in held_out.factors)
    assert not any(split.keeps(red_ball) for split in splits)
    kept = {text: [s.name for s in splits if s.keeps(parse(text))] for text in ("pick up the ball", "go to a red ball")}
    assert kept == {"pick up the ball": ["verb_object"], "go to a red ball": ["combination"]}


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("go to the purple key", {"combination"}),
        ("go to the key", set()),
        ("put the red ball next to the grey key", {"combination"}),
        ("go to the red box", {"verb_object"}),
        ("put the red key next to the red ball", {"verb_object"}),  # what is moved
        ("put the red ball next to the red key", set()),
        ("pick up the ball behind you", {"location", "verb_object"}),
        ("go to the ball behind you", {"location"}),
        ("go to the object behind you", set()),
        ("open the red door in front of you", {"location"}),
        ("go to a ball, then go to a ball", set()),
        ("go to a ball, then go to a ball, then go to a ball", {"length"}),
        ("go to a ball and go to a ball, then go to a ball", {"length"}),
        ("go to a ball after you go to a ball and go to a ball", {"length"}),
        ("go to something that is not the purple key", {"combination"}),
    ],
)
def test_goal_is_held_out_by_these_factors_and_by_no_other(text: str, factors: set[str]) -> None:
    assert HeldOut(factors=FACTORS).violated(parse(text)) == factors
    for factor in GOALS:
        assert HeldOut(factors=(factor,)).violated(parse(text)) == factors & {factor}
    assert NOTHING_HELD_OUT.violated(parse(text)) == set()


def test_held_out_objects_stand_about_in_training_worlds() -> None:
    looks = build("BabyAI-GoToLocal-v0", "train", 160).looks[:, FIRST_OBJECT:]
    kinds, colors = looks & 0xFF, (looks >> 8) & 0xFF
    for color, type_ in PAIRS:
        there = (kinds == TYPE_CODES[type_]) & (colors == COLOR_CODES[color])
        assert there.any(axis=1).mean() > 0.05, f"{color} {type_}"


def test_default_sets_leave_each_word_in_training() -> None:
    held_out = HeldOut()
    colors, movable = list(Color)[:6], [ObjectType.KEY, ObjectType.BALL, ObjectType.BOX]
    for color in colors:
        assert sum((color, type_) not in held_out._pairs for type_ in movable) >= 2
    for type_ in movable:
        assert sum((color, type_) not in held_out._pairs for color in colors) >= 4
        assert sum((verb, type_) not in held_out._verb_types for verb in ("go to", "pick up", "put")) >= 2
    for verb in ("go to", "pick up", "put"):
        assert sum((verb, type_) not in held_out._verb_types for type_ in movable) >= 2


# Words


def test_held_out_phrasings_and_synonyms_are_only_told_where_they_are_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the paraphraser says it used, sentence by sentence."""
    from groundling.language import paraphrases

    drawn: dict[str, tuple[set[str], set[str]]] = {}
    original = paraphrases._draw

    def spy(*args: Any) -> Any:
        found = original(*args)
        drawn[found.text] = set(found.phrasings_used), set(found.synonyms_used)
        return found

    monkeypatch.setattr(paraphrases, "_draw", spy)
    held_out = HeldOut(factors=("phrasing", "synonym"))
    banks = {
        split.name: build_bank(LEVELS["phrasing"], 60, split=split, workers=1, progress=False, cache=False)
        for split in (
            training_split(held_out),
            seen_split(held_out),
            *(held_out_split(held_out, factor) for factor in held_out.factors),
        )
    }
    phrasings, synonyms = set(HELD_OUT_PHRASINGS), set(HELD_OUT_SYNONYMS)
    for name, bank in banks.items():
        used = [drawn[text] for text in bank.instructions]
        assert {bool(forms & phrasings) for forms, _ in used} == {name == "phrasing"}, name
        assert {bool(words & synonyms) for _, words in used} == {name == "synonym"}, name


def test_varied_training_tells_the_same_goals_of_the_same_layouts_in_other_words() -> None:
    plain, varied = (
        build(LEVELS["phrasing"], training_split(HeldOut(varied=is_varied)), 150) for is_varied in (False, True)
    )
    assert np.array_equal(plain.seeds, varied.seeds)
    assert np.array_equal(plain.cells, varied.cells)
    goals, told = ([parse(bank.instruction(row)) for row in range(150)] for bank in (plain, varied))
    assert goals == told
    assert np.mean([render(parse(text)) == text for text in varied.instructions]) < 0.5
    assert len(varied.instructions) > 2 * len(plain.instructions)
    assert max(map(len, map(split_words, varied.instructions))) <= varied.instruction_length


def test_sentence_of_an_episode_depends_on_its_seed_alone() -> None:
    split = training_split(HeldOut(factors=("phrasing",)))
    bank = build(LEVELS["phrasing"], split, 40)
    alone = bank_building.tell_episodes(bank_building.find_source(LEVELS["phrasing"]), bank.seeds[[30]], split)
    assert alone is not None
    assert alone.instruction(0) == bank.instruction(30)


# Splits as data


def test_split_comes_back_from_json() -> None:
    own = Split(
        "own",
        is_evaluation=True,
        held_out=HeldOut(factors=("location", "synonym"), locations=("ball left",), synonyms=("orb",), max_clauses=3),
        tests="location",
        missions=("go to the ball on your left",),
    )
    for split in (own, *SPLITS.values()):
        again = Split.from_dict(json.loads(split.describe()))
        assert again == split
        assert again.describe() == split.describe()
    assert HeldOut.from_dict(json.loads(json.dumps(dataclasses.asdict(own.held_out)))) == own.held_out


def test_every_part_of_a_split_is_described() -> None:
    """A cached bank is found by the description: what is not in it would be mistaken for another's."""
    base = Split("own", is_evaluation=True, held_out=HeldOut(factors=FACTORS))
    changes: list[dict[str, Any]] = [
        {"name": "other"},
        {"is_evaluation": False},
        {"tests": "length"},
        {"missions": ("go to a ball",)},
        *(
            {"held_out": dataclasses.replace(base.held_out, **change)}
            for change in (
                {"factors": FACTORS[:5]},
                {"combinations": ("red ball",)},
                {"verb_objects": ("open door",)},
                {"locations": ("ball left",)},
                {"max_clauses": 1},
                {"phrasings": HELD_OUT_PHRASINGS[:3]},
                {"synonyms": HELD_OUT_SYNONYMS[:3]},
                {"varied": True},
                {"own_words": ("apple",)},
            )
        ),
    ]
    # held_out is changed part by part, and the lexicon says nothing that the missions and the source do not
    assert len(changes) == len(dataclasses.fields(Split)) - 2 + len(dataclasses.fields(HeldOut))
    described = [base.describe(), *(dataclasses.replace(base, **change).describe() for change in changes)]
    assert len(set(described)) == len(described)


def test_split_is_saved_in_its_bank() -> None:
    split = training_split(HeldOut(factors=("length",)))
    bank = build(LEVELS["length"], split, 20)  # once built, once read from the cache
    assert Split.from_dict(json.loads(bank.split)) == split
    assert build(LEVELS["length"], split, 20).split == bank.split
    assert EpisodeBank.of_seeds("BabyAI-GoToObjS4-v0", [0]).split == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factors": ("colour",)}, "'colour' cannot be held out: choose among combination, verb_object"),
        ({"factors": "combination"}, "factors is a tuple, not 'combination'"),
        ({"combinations": ("purple kee",)}, r"cannot read 'purple kee' .*one of red.*then one of door, key"),
        ({"combinations": ("key purple",)}, "cannot read 'key purple'"),
        ({"combinations": ("purple",)}, "cannot read 'purple'"),
        ({"verb_objects": ("goto box",)}, "cannot read 'goto box' .*one of go to, pick up, open, put"),
        ({"locations": ("ball under",)}, "cannot read 'ball under' .*one of left, right, front, behind"),
        ({"max_clauses": 0}, "max_clauses must be at least 1, got 0"),
        ({"phrasings": ("could you pleas",)}, "no phrasing 'could you pleas' .*did you mean"),
        ({"synonyms": ("orbb",)}, "no synonym 'orbb' .*did you mean 'orb'"),
        ({"factors": ("phrasing",), "phrasings": ()}, "holds out no phrasing"),
        ({"factors": ("synonym",), "synonyms": ()}, "holds out no synonym"),
    ],
)
def test_held_out_sets_that_cannot_be_read_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SplitError, match=message):
        HeldOut(**settings)


@pytest.mark.parametrize(
    "values",
    [
        None,
        3,
        "text",
        {"warp": 1},
        {"combinations": 5},
        {"combinations": [5]},
        {"max_clauses": "many"},
        {"factors": None},
    ],
)
def test_plain_values_of_something_else_are_refused(values: Any) -> None:
    with pytest.raises(SplitError):
        HeldOut.from_dict(values)
    with pytest.raises(SplitError):
        Split.from_dict({**json.loads(SPLITS["train"].describe()), "held_out": values})


@pytest.mark.parametrize("values", [None, [], {}, {"held_out": {}}, {"held_out": {}, "missions": None}])
def test_plain_values_that_are_no_split_are_refused(values: Any) -> None:
    with pytest.raises(SplitError, match="not a split of this version"):
        Split.from_dict(values)


def test_split_that_tests_what_is_not_held_out_is_refused() -> None:
    with pytest.raises(SplitError, match="tests 'length', but nothing of that kind is held out"):
        held_out_split(HeldOut(), "length")


# Named splits


def test_one_held_out_object_of_two_is_enough() -> None:
    key = ObjectDescription(ObjectType.KEY, Color.PURPLE)
    ball = ObjectDescription(ObjectType.BALL, Color.RED)
    for goal in (PutNextTo(key, ball), PutNextTo(ball, key), GoTo(key)):
        assert not SPLITS["train"].keeps(goal)
        assert not SPLITS["seen"].keeps(goal)
        assert SPLITS["unseen"].keeps(goal)
        assert SPLITS["all"].keeps(goal)
    half = GoTo(ObjectDescription(ObjectType.KEY))
    assert SPLITS["train"].keeps(half)
    assert not SPLITS["unseen"].keeps(half)


def test_split_of_all_episodes_names_both_kinds() -> None:
    held_out = [bool(combinations(goal) & PAIRS) for goal in build("BabyAI-GoToLocal-v0", "all", 160).goals()]
    assert any(held_out)
    assert not all(held_out)


def test_split_is_found_by_its_name_or_is_itself() -> None:
    own = Split("own", is_evaluation=True)
    assert find_split("train") is SPLITS["train"]
    assert find_split(own) is own


def test_unknown_split_is_refused_and_the_known_ones_are_named() -> None:
    level = "BabyAI-GoToLocal-v0"
    for ask in (find_split, lambda name: build_bank(level, 8, split=name), lambda name: make(level, split=name)):
        with pytest.raises(SplitError, match="no split 'tests': choose one of all, train, seen, unseen"):
            ask("tests")


def test_empty_split_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_building, "BARREN_SEEDS", 128)
    monkeypatch.setattr(single, "MAX_REJECTED", 16)
    with pytest.raises(SplitError, match=r"'unseen' of BabyAI-GoToRedBall-v0 is empty: none of 128 .*by 'combination'"):
        build_bank("BabyAI-GoToRedBall-v0", 8, split="unseen", progress=False)
    with pytest.raises(SplitError, match="has no episode from seed 3 on"):
        make("BabyAI-GoToRedBall-v0", split="unseen").reset(seed=3)


def test_split_that_leaves_nothing_to_train_on_is_refused_soon_and_the_cause_named() -> None:
    held_out = HeldOut(factors=("verb_object",), verb_objects=("go to ball", "go to key", "go to box"))
    start = time.process_time()
    with pytest.raises(SplitError, match=r"'train' of BabyAI-GoToObjS4-v0 is empty: .*held out \(verb_object\) leaves"):
        build_bank("BabyAI-GoToObjS4-v0", 8192, split=training_split(held_out), workers=1, progress=False)
    assert time.process_time() - start < 10


# Missions


def test_narrowed_split_keeps_the_goals_of_its_sentences_however_they_are_said() -> None:
    missions = ("Proceed to the crimson orb, please!", "go to a key")
    bank = build("BabyAI-GoToLocal-v0", SPLITS["all"].narrowed(missions), 12)
    assert set(bank.instructions) <= {"go to the red ball", "go to a key"}
    assert SPLITS["train"].narrowed(missions).keeps(parse("go to the red ball"))
    assert not SPLITS["train"].narrowed(("go to the purple key",)).keeps(parse("go to the purple key"))


def test_unreadable_mission_is_refused() -> None:
    with pytest.raises(InstructionError, match="bawl"):
        SPLITS["all"].narrowed(("go to the red bawl",))


def test_mission_that_is_never_asked_for_is_told_from_one_that_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_building, "BARREN_SEEDS", 64)
    for mission, cause in (
        ("open the red door", "the level may never ask for"),
        ("go to the grey key", "does not keep"),
    ):
        with pytest.raises(SplitError, match=f"narrowed to '{mission}', which .*{cause}"):
            build("BabyAI-GoToObjS4-v0", SPLITS["train"].narrowed((mission,)), 8)


def test_own_split_is_built_and_not_mistaken_for_another() -> None:
    own = Split("train", is_evaluation=False, held_out=HeldOut(combinations=("red ball",)), tests="combination")
    assert own.describe() != SPLITS["train"].describe()
    bank = build_bank("BabyAI-GoToLocal-v0", 20, split=own, progress=False)
    assert set(bank.instructions) == {"go to the red ball", "go to a red ball"}
    assert np.all(bank.seeds % 2 == 0)
