"""Vector environments of users' own: one contract, however they begin episodes; and episodes chosen by their texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import foreign_envs
import foreign_vectors
import numpy as np
import pytest

from groundling.envs.banks.held_out import HeldOut
from groundling.envs.catalog import find_family
from groundling.envs.families.foreign.family import ForeignFamily
from groundling.envs.simulators.errors import EngineError
from groundling.envs.simulators.foreign.host.choosing import following_seed, holds
from groundling.errors import ConfigurationError, SplitError

FILE = Path(foreign_vectors.__file__)
SINGLE = Path(foreign_envs.__file__)
LIMIT = 5


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:  # words that were learned once need not be learned again
        patch.setenv("GROUNDLING_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def family(name: str, **settings: str) -> ForeignFamily:
    id = name if name.startswith("gym:") else f"{FILE}:{name}"
    told = "&".join(f"{key}={value}" for key, value in {"resets": "16", "workers": "1", **settings}.items())
    found = find_family(f"{id}?{told}")
    assert isinstance(found, ForeignFamily)
    return found


def goals_of(envs: Any) -> list[int]:
    return [foreign_envs.COLORS.index(text.split()[2]) for text in envs.instructions]


def check_every_step_is_one(ours: ForeignFamily, num_envs: int, steps: int = 25) -> set[str]:
    """Play, and compare each step with what lamps do: none is lost, none ignores its action. The texts that begun."""
    envs = ours.open("train", num_envs, 0)
    seen, _ = envs.reset(seed=1)
    draw, counts, ends, texts = np.random.default_rng(0), np.zeros(num_envs, dtype=np.int64), 0, set()
    for _ in range(steps):
        assert seen["count"].tolist() == counts.tolist()
        goals, told = goals_of(envs), list(envs.instructions)  # type: ignore[attr-defined]
        texts |= set(told)
        actions = draw.integers(0, 3, num_envs)
        seen, reward, terminated, truncated, info = envs.step(actions)
        counts += 1
        won = actions == goals
        ended = won | (counts == LIMIT)
        assert (terminated.tolist(), truncated.any()) == (ended.tolist(), False)
        assert reward.tolist() == won.tolist()
        for row in np.flatnonzero(ended).tolist():
            last = info["final_obs"][row]
            assert last["count"] == counts[row]
            assert ours.spec.vocabulary.decode(last["instruction"]) == told[row].lower()
            assert info["final_info"]["success"][row] == won[row]
            assert info["final_info"]["episode"]["l"][row] == counts[row]
            counts[row] = 0
            ends += 1
    envs.close()
    assert ends > 5
    return texts


@pytest.mark.parametrize(
    "name",
    [
        *("make_same_step", "make_next_step", "make_disabled", "make_sync", "make_async", "make_three"),
    ],
)
def test_every_autoreset_mode_becomes_the_same_step_s(name: str) -> None:
    assert len(check_every_step_is_one(family(name, success="info.won"), 4)) > 1


def test_vector_environment_of_an_id_is_taken_where_it_is_asked_for_or_the_only_one() -> None:
    both, only = "gym:foreign_ids:BothLamps-v0", "gym:foreign_ids:Lamps-v0"
    assert family(both)._found[0]["class"] == "foreign_envs.Lamp"
    assert family(both, vector="True")._found[0]["class"] == "foreign_vectors.Lamps"
    assert family(only)._found[0]["class"] == "foreign_vectors.Lamps"


def test_episodes_have_seeds_of_their_own_where_the_vector_environment_takes_them() -> None:
    single, sync = find_family(f"{SINGLE}:make_lamp?resets=16&workers=1"), family("make_sync")
    told = []
    for ours in (single, sync):
        envs = ours.open("train", 3, 0)
        envs.reset(seed=2)
        texts = list(envs.instructions)  # type: ignore[attr-defined]
        for _ in range(2 * LIMIT):
            envs.step(np.array([(goal + 1) % 3 for goal in goals_of(envs)]))
            texts += envs.instructions  # type: ignore[attr-defined]
        envs.close()
        told.append(texts)
    assert told[0] == told[1]


def test_rows_that_nobody_asked_for_are_not_told_of() -> None:
    ours = family("make_three", success="info.won")
    envs = ours.open("train", 5, 0)
    seen, _ = envs.reset(seed=0)
    assert seen["count"].shape == (5,)
    assert len(ours.open("train", 1, 0).reset(seed=0)[0]["count"]) == 1
    envs.close()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("make_three_next_step", {}, "no row can begin one before the others act: declare SAME_STEP or DISABLED, or"),
        ("make_undeclared", {}, "metadata = {'autoreset_mode': AutoresetMode.SAME_STEP}, it declares none; or say it"),
        ("make_more", {}, "1 environments were asked for, 2 were made"),
        ("make_single", {}, "it takes num_envs and gave a Lamp, which is no VectorEnv"),
        ("make_async", {"arg.mode": "NextStep"}, "without shared memory ignores the first action after a reset"),
        ("make_async", {"arg.shared_memory": "True"}, "texts of an AsyncVectorEnv with shared memory are not its own"),
        ("Ragged", {"arg.num_envs": "2"}, "an observation of 2 environments has 1 rows"),
        ("make_same_step", {"success": "env.won"}, "env.won of a rule cannot be looked up"),
        ("gym:CartPole-v1", {"vector": "True", "arg.nope": "1"}, "unexpected keyword argument 'nope'"),
        ("gym:Acrobot-v1", {"vector": "True"}, "Acrobot-v1 has no vector environment of its own"),
    ],
)
def test_bad_vector_environments_are_refused_with_what_was_found(
    name: str, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(EngineError, match=re.escape(message)):
        _ = family(name, **settings).spec


def test_what_breaks_the_contract_in_a_step_is_said() -> None:
    with pytest.raises(ConfigurationError, match="an agent acts by Discrete actions from 0"):
        _ = family("Continuous").spec
    with pytest.raises(EngineError, match="mode SAME_STEP, but its info has no final_obs; it has nothing"):
        _ = family("Silent", resets="15").spec  # words are learned by playing, where they are not known yet
    with pytest.raises(EngineError, match="leave out the rule for terminated, or declare the mode DISABLED"):
        _ = family("make_same_step", terminated="length>=2", resets="15").spec


def test_mode_that_is_not_declared_can_be_told() -> None:
    check_every_step_is_one(family("make_undeclared", autoreset="SAME_STEP", success="info.won"), 3)
    with pytest.raises(ConfigurationError, match="autoreset is SAME_STEP, NEXT_STEP, DISABLED, not 'later'"):
        family("make_undeclared", autoreset="later")


# Episodes chosen by their texts


@pytest.mark.parametrize(
    ("text", "phrase", "is_held"),
    [
        ("Go to the Purple\n key", "purple key", True),
        ("go to the purple keys", "purple key", False),
        ("a key, a purple ball", "purple key", False),
        ("open (a grey-box)", "grey", True),
    ],
)
def test_phrase_is_held_where_its_words_stand_side_by_side(text: str, phrase: str, is_held: bool) -> None:
    assert holds(text, phrase) is is_held


def test_seeds_that_follow_do_not_repeat_soon() -> None:
    seeds, seed = set(), 5
    for _ in range(5000):
        seed = following_seed(seed)
        assert 0 <= seed < 2**31
        seeds.add(seed)
    assert len(seeds) == 5000


def texts_of(ours: ForeignFamily, split: str, held_out: HeldOut | None) -> set[str]:
    envs = ours.open(ours.split(split, held_out), 4, 0)
    envs.reset(seed=0)
    texts = set(envs.instructions)  # type: ignore[attr-defined]
    for _ in range(2 * LIMIT):
        envs.step(np.array([(goal + 1) % 3 for goal in goals_of(envs)]))
        texts |= set(envs.instructions)  # type: ignore[attr-defined]
    envs.close()
    return {text.split()[2] for text in texts}


@pytest.mark.parametrize(
    ("name", "splits"), [("make_lamp", "combination train seen"), ("make_disabled", "combination")]
)
def test_texts_that_hold_the_words_are_kept_from_training_and_are_the_unseen_suite(name: str, splits: str) -> None:
    file = SINGLE if name == "make_lamp" else FILE
    ours = find_family(f"{file}:{name}?resets=32&workers=1")
    assert isinstance(ours, ForeignFamily)
    held_out = HeldOut(combinations=("red lamp", "blue ball"), own_words=("lamp",))
    for split in splits.split():
        assert texts_of(ours, split, held_out) == ({"red"} if split == "combination" else {"green", "blue"})
    for everything in (None, HeldOut(factors=())):
        assert not ours.split("train", everything).lacking


def test_phrases_of_any_words_are_held_out_by_a_setting() -> None:
    ours = find_family(f"{SINGLE}:make_lamp?resets=32&workers=1&held_out=the blue lamp on,the green")
    assert isinstance(ours, ForeignFamily)
    assert texts_of(ours, "train", HeldOut()) == {"red"}


@pytest.mark.slow
def test_usual_pairs_are_held_out_of_a_level_of_minigrids() -> None:
    ours = find_family("gym:BabyAI-GoToObj-v0?resets=160&workers=1")
    assert isinstance(ours, ForeignFamily)
    for split, is_held in (("combination", True), ("train", False)):
        envs = ours.open(ours.split(split, HeldOut()), 12, 0)
        envs.reset(seed=0)
        for text in envs.instructions:  # type: ignore[attr-defined]
            assert any(holds(text, pair) for pair in HeldOut().combinations) == is_held
        envs.close()


@pytest.mark.parametrize(
    ("id", "split", "held_out", "message"),
    [
        ("gym:CartPole-v1", "combination", HeldOut(), "its text never changes"),
        ("gym:CartPole-v1?say=take the grey key", "combination", HeldOut(), "its text never changes"),
        (
            f"{SINGLE}:make_lamp?resets=16",
            "combination",
            HeldOut(),
            "none of 3 texts that episodes begin with has them",
        ),
        (f"{SINGLE}:make_lamp?resets=16", "combination", HeldOut(factors=()), "nothing is held out in training"),
        (f"{SINGLE}:make_lamp?resets=16", "train", HeldOut(factors=("length",)), "length cannot be held out of texts"),
        (f"{SINGLE}:make_lamp?resets=16&held_out=lamp", "train", None, "every text has one of them"),
        (f"{SINGLE}:make_lamp?resets=16&held_out=blue", "validation", None, "no split 'validation': choose one of all"),
        (f"{FILE}:make_same_step?resets=16&held_out=blue", "train", None, "begins episodes by itself"),
    ],
)
def test_where_nothing_can_be_held_out_is_said(id: str, split: str, held_out: HeldOut | None, message: str) -> None:
    with pytest.raises(SplitError, match=re.escape(message)):
        find_family(id).split(split, held_out)


def test_training_goes_on_where_nothing_can_be_held_out(caplog: pytest.LogCaptureFixture) -> None:
    assert str(find_family("gym:CartPole-v1?say=take the grey key").split("train", HeldOut())) == "train"
    assert not caplog.records
    ours = family("make_same_step")
    held_out = HeldOut(combinations=("red lamp",), own_words=("lamp",))
    assert texts_of(ours, "train", held_out) == {"red", "green", "blue"}
    assert "red lamp are not held out" in caplog.text
