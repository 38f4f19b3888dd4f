from __future__ import annotations

import numpy as np
import pytest
from house_questions.small_houses import SmallMaker

from groundling.envs.banks import bank_building
from groundling.envs.banks.bank_building import build_bank
from groundling.envs.families.options import WorldOptions
from groundling.envs.families.questions import metrics
from groundling.envs.families.questions.family import QuestionFamily
from groundling.envs.families.questions.metrics import Measured, by_start, by_type, measure, summarize
from groundling.envs.families.questions.source import QuestionSource
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import ConfigurationError, SplitError
from groundling.language.questions.forms import FORMS
from groundling.language.questions.wording import parse

SOURCE = QuestionSource("test/Questions-v0", SmallMaker(), rooms=5, start_distances=(5, 12))
FAMILY = QuestionFamily(SOURCE)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_building, "CHUNK", 8)


def bank_of(split: str, size: int = 24):
    return build_bank(SOURCE, size, split=split, workers=1, cache=False, progress=False)


def expert(envs: GroundlingVectorEnv):
    teacher = FAMILY.expert(envs)
    return lambda observation: teacher.actions()


def test_the_expert_is_right_and_justified_and_comes_near() -> None:
    episodes = measure(bank_of("seen"), FAMILY.embodiment(), expert)
    whole = summarize(episodes)
    assert whole.n == 24
    assert whole.accuracy == whole.justified == whole.stop == whole.known == 1
    assert whole.d_T < whole.d_0
    assert whole.d_delta == pytest.approx(whole.d_0 - whole.d_T)
    assert whole.d_min <= whole.d_T
    starts = by_start(episodes)
    assert sum(one.n for one in starts.values()) == 24
    assert set(starts) <= {5, 12}
    assert all(starts[start].length > start for start in starts)
    assert sum(one.n for one in by_type(episodes).values()) == 24


def test_right_answers_at_once_are_not_justified() -> None:
    def know(envs: GroundlingVectorEnv):
        answers = 7 + envs.worlds.bank.programs[:, 0, 2].astype(np.int64)
        return lambda observation: answers

    whole = summarize(measure(bank_of("seen"), FAMILY.embodiment(), know))
    assert whole.accuracy == 1
    assert whole.justified == whole.known == whole.d_delta == 0
    assert whole.length == 1


def test_who_says_nothing_never_stops() -> None:
    whole = summarize(measure(bank_of("seen", 6), FAMILY.embodiment(), lambda envs: lambda o: np.zeros(6, dtype=int)))
    assert whole.stop == whole.accuracy == whole.d_delta == 0
    assert whole.length == 300


def test_averages_by_hand() -> None:
    one = Measured("color", 10, 4.0, 1.0, 0.0, True, True, True, 12, True, True)
    other = Measured("count", 10, 6.0, 7.0, 5.0, False, True, False, 100, False, True)
    astray = Measured("count", 30, np.inf, np.inf, np.inf, False, False, True, 2, True, False)
    whole = summarize([one, other, astray])
    assert (whole.n, whole.valid) == (3, 2)
    assert (whole.d_0, whole.d_T, whole.d_delta, whole.d_min) == (5, 4, 1, 2.5)
    assert whole.r_T == pytest.approx(1 / 3)
    assert whole.r_e == whole.stop == whole.accuracy == pytest.approx(2 / 3)
    assert whole.justified == pytest.approx(1 / 3)
    assert whole.length == 38
    assert by_start([one, other, astray])[30].n == 1
    with pytest.raises(ValueError, match="no episodes"):
        summarize([])


def test_suites_play_what_they_say() -> None:
    assert set(FAMILY.suites) == {"layout", "color_pairs", "room_pairs", "wordings", "compositions", "size"}
    trained = {sentence for form in FORMS for sentence in form.wordings}
    assert trained
    for text in bank_of("compositions", 8).instructions:
        assert parse(text).program.of.things.color
    kept = {form.held_out[0].split()[0] for form in FORMS}
    assert {text.split()[0] for text in bank_of("wordings", 8).instructions} <= kept
    with pytest.raises(SplitError, match="no split 'sounds'"):
        FAMILY.split("sounds")


def test_the_family_is_played_evaluated_and_broken_down() -> None:
    assert FAMILY.spec.keys_of("tokens") == ("question",)
    episodes = FAMILY.episodes("layout", None, 6, 0)
    envs = episodes.make_envs(6)
    seen, _ = envs.reset()
    assert (seen[episodes.text_key] == episodes.tokens[episodes.sentences]).all()
    text = envs.instructions[0]
    assert FAMILY.groups("type", text) == (parse(text).type,)
    assert FAMILY.meaning({"question": text}) == parse(text).program
    with pytest.raises(ConfigurationError, match="no breakdown by 'verb'"):
        FAMILY.check_breakdown("verb")
    larger = FAMILY.suite_bank("size", None, 4, 0, progress=False)
    assert len(larger) == 4
    rovers = FAMILY.open("train", 2, 0, WorldOptions(body="rover", bank_size=4))
    assert rovers.reset()[0]["image"].shape[0] == 2


def test_banks_repeat_and_do_not_share_houses() -> None:
    one, again, other = bank_of("train", 8), bank_of("train", 8), bank_of("seen", 8)
    assert (one.cells == again.cells).all()
    assert one.instructions == again.instructions
    assert not set(one.seeds.tolist()) & set(other.seeds.tolist())


def test_place_without_a_way_is_as_far_as_the_place_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The middle of a rover may be over a tile that nobody walks on."""
    targets = metrics._targets

    def only_from_the_start(envs: GroundlingVectorEnv):
        distance, rooms, starts = targets(envs)
        begun = np.zeros_like(distance, dtype=bool)
        begun[np.arange(len(distance)), envs.worlds.state.position] = True
        return np.where(begun, distance, metrics.UNREACHABLE), rooms, starts

    monkeypatch.setattr(metrics, "_targets", only_from_the_start)
    whole = summarize(measure(bank_of("seen"), FAMILY.embodiment(), expert))
    assert whole.valid == 24
    assert whole.d_T == whole.d_min == whole.d_0
