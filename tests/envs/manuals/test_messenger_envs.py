"""Messenger behind Gymnasium: the contract of vector environments, seeds, saved states, suites, settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from groundling.envs import make_vec
from groundling.envs.catalog import find_family
from groundling.envs.families.manuals.messenger.family import MessengerFamily
from groundling.envs.families.manuals.messenger.games import SPLITS, split_of
from groundling.envs.families.manuals.messenger.names import ENTITIES, ROLES, STAGES
from groundling.envs.families.manuals.messenger.state import AGENT, ENEMY, GOAL, MESSAGE
from groundling.envs.families.manuals.messenger.vector import MessengerVectorEnv
from groundling.errors import ActionError, ConfigurationError, SplitError, UnknownEnvironmentError

S1, S2, S3 = STAGES
REAL = Path(__file__).parents[4] / "shared" / "data" / "messenger"
needs_files = pytest.mark.skipif(not REAL.is_dir(), reason="the original's sentences are not here")


def envs_of(id: str = S2, split: str = "all", num_envs: int = 32, seed: int = 0, **options: Any) -> MessengerVectorEnv:
    envs = find_family(id).make_vec(split, num_envs, seed, **options)
    assert isinstance(envs, MessengerVectorEnv)
    return envs


def play(envs: MessengerVectorEnv, steps: int, seed: int = 1) -> list[Any]:
    return [envs.step(row) for row in np.random.default_rng(seed).integers(5, size=(steps, envs.num_envs))]


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("id", STAGES)
def test_environment_passes_gymnasiums_checks(id: str) -> None:
    env = gymnasium.make(id, disable_env_checker=True)
    check_env(env.unwrapped, skip_render_check=True)
    observation, info = env.reset(seed=4)
    decode = env.unwrapped.agent_spec.vocabulary.decode
    assert decode(observation["instruction"]) == info["instruction_text"] == "bring the message to the goal"
    assert [decode(line) for line in observation["manual"] if line[0]] == list(info["manual_text"])
    assert len(info["manual_text"]) == STAGES[id].num_sentences
    with pytest.raises(ActionError, match="one action"):
        env.step(np.array([1, 2]))
    with pytest.raises(UnknownEnvironmentError, match="no room"):
        gymnasium.make(id, level="groundling/Messenger-S4-v0")


def test_vector_environment_by_every_way_to_make_it() -> None:
    for envs in (make_vec(S3, 3), gymnasium.make_vec(S3, 3, vectorization_mode="vector_entry_point")):
        observation, info = envs.reset(seed=0)
        assert info == {}
        assert observation in envs.observation_space
        assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP


def test_ended_episodes_are_told_as_in_every_vector_environment() -> None:
    envs = envs_of(S3, num_envs=64)
    before, _ = envs.reset(seed=0)
    length, total, ended = np.zeros(64, dtype=int), np.zeros(64), 0
    for observation, reward, terminated, truncated, info in play(envs, 60):
        length, total = length + 1, total + reward
        over = terminated | truncated
        assert observation in envs.observation_space
        assert bool(info) == over.any()
        if info:
            told = info["final_info"]
            assert np.array_equal(info["_final_obs"], over)
            assert np.array_equal(info["success"], told["success"])
            assert np.array_equal(info["success"], reward == 1)
            assert told["episode"]["l"][over].tolist() == length[over].tolist()
            assert told["episode"]["r"][over] == pytest.approx(total[over])
        for row in np.flatnonzero(over):
            last = info["final_obs"][row]
            assert last.keys() == observation.keys()
            assert np.array_equal(last["manual"], before["manual"][row])  # the manual that it ended with
            assert last["manual"].tobytes() != observation["manual"][row].tobytes()
            ended += 1
        still_on = ~over
        assert np.array_equal(observation["manual"][still_on], before["manual"][still_on])
        before, length, total = observation, length * still_on, total * still_on
    assert ended > 100


def test_what_was_returned_is_not_written_again_unless_copies_are_declined() -> None:
    envs = MessengerFamily(STAGES[S2], frames=2).make_vec("all", 32, 0)
    first, _ = envs.reset(seed=0)
    kept = {key: array.copy() for key, array in first.items()}
    results = play(envs, 20)
    copies = [({k: a.copy() for k, a in result[0].items()}, result[1].copy()) for result in results]
    play(envs, 20)
    assert same(first, kept)
    assert all(
        same(result[0], copy) and np.array_equal(result[1], r)
        for result, (copy, r) in zip(results, copies, strict=True)
    )
    rewritten = envs_of(copy=False)
    assert rewritten.reset()[0]["manual"] is rewritten.step(np.zeros(32, dtype=int))[0]["manual"]


def test_same_seed_gives_same_episodes_after_any_history() -> None:
    one, other = envs_of(S3), envs_of(S3, seed=9)
    play_first = other.reset(seed=3)
    play(other, 15, seed=5)
    a, b = one.reset(seed=11)[0], other.reset(seed=11)[0]
    assert same(a, b)
    assert not same(a, play_first[0])
    for left, right in zip(play(one, 25), play(other, 25), strict=True):
        assert same(left[0], right[0])
        assert np.array_equal(left[1], right[1])


def test_environment_b_plays_the_episodes_of_seed_plus_b() -> None:
    whole = envs_of(num_envs=4).reset(seed=5)[0]["manual"]
    assert np.array_equal(whole[2], envs_of(num_envs=1).reset(seed=7)[0]["manual"][0])
    single = gymnasium.make(S2).unwrapped
    assert np.array_equal(whole[2], single.reset(seed=7)[0]["manual"])


def test_resumed_environments_go_on_bit_by_bit() -> None:
    envs = MessengerFamily(STAGES[S2], frames=3).make_vec("all", 32, 0)
    envs.reset(seed=2)
    play(envs, 7)
    saved = envs.state_dict()
    ahead = play(envs, 70)
    other = MessengerFamily(STAGES[S2], frames=3).make_vec("all", 32, 77)
    other.load_state_dict(saved)
    for left, right in zip(ahead, play(other, 70), strict=True):
        assert same(left[0], right[0])
        assert all(np.array_equal(x, y) for x, y in zip(left[1:4], right[1:4], strict=True))


def test_saved_states_of_other_games_are_refused() -> None:
    def saved(id: str, **options: Any) -> Any:
        envs = envs_of(id, **options)
        envs.reset(seed=0)
        return envs.state_dict()

    with pytest.raises(ConfigurationError, match="another task or num_envs"):
        envs_of(num_envs=5).load_state_dict(saved(S2))
    with pytest.raises(ConfigurationError, match="another task or num_envs"):
        envs_of(S3).load_state_dict(saved(S2))
    for one, other in ((S1, S2), (S2, S1)):
        with pytest.raises(ConfigurationError, match=f"movements or words that {other} has not"):
            envs_of(other).load_state_dict(saved(one))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1"),
        ({"max_steps": 0}, "max_steps must be at least 1"),
        ({"render_mode": "human"}, "render_mode"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        envs_of(**options)


def test_wrong_splits_are_refused() -> None:
    with pytest.raises(SplitError, match="choose one of all, train, seen, unseen, val, phrasing, moves, states"):
        envs_of(split="dev")
    with pytest.raises(SplitError, match="no split 'moves'"):
        envs_of(S3, "moves")


# Splits and suites


@pytest.mark.parametrize("id", STAGES)
def test_suites_play_the_games_that_they_say(id: str) -> None:
    family = find_family(id)
    known = {"layout": "train", "states": "train", "val": "val", "pairs": "test", "moves": "test", "phrasing": "test"}
    assert set(family.suites) == set(known) - {S1: {"moves", "states"}, S2: set(), S3: {"moves"}}[id]
    for name, suite in family.suites.items():
        envs = envs_of(id, suite.split, 500)
        envs.reset(seed=0)
        assert {SPLITS[split_of.py_func(game)] for game in envs.batch.worlds.game} == {known[name]}


def test_no_suite_of_held_out_games_has_an_entity_in_a_trained_role() -> None:
    train = envs_of(S2, "train", 2000)
    train.reset(seed=0)
    trained = {(e, r) for row in range(2000) for r, e in enumerate(train.batch.game(row))}
    assert len(trained) == 24  # each entity in two of three roles
    for split in ("unseen", "val", "moves", "phrasing"):
        envs = envs_of(S2, split, 500)
        envs.reset(seed=0)
        tested = {(e, r) for row in range(500) for r, e in enumerate(envs.batch.game(row))}
        assert len(tested) == 12
        assert not tested & trained


def test_trained_sentences_never_tell_of_a_held_out_message_or_goal() -> None:
    envs = envs_of(S3, "train", 3000)
    envs.reset(seed=0)
    train, told = set(), set(map(tuple, envs.batch.asserted()[..., :2].reshape(-1, 2).tolist()))
    for row in range(3000):
        train |= {(ENTITIES.index(e), role) for role, e in enumerate(envs.batch.game(row))}
    assert {(entity, role) for entity, role in told if role} == {(e, role) for e, role in train if role}
    assert ROLES[0] == "enemy"
    assert {entity for entity, role in told if not role} == set(range(12))  # as false ones all are enemies


def test_training_takes_games_of_four_entities_and_of_three_in_the_published_shares() -> None:
    envs = envs_of(S1, "train", 20_000)
    envs.reset(seed=0)
    counts = np.bincount(envs.batch.worlds.game, minlength=44)
    assert len(counts) == 44
    assert counts[40:].sum() / 20_000 == pytest.approx(0.25, abs=0.0125)
    assert counts[:40].min() > 0.7 * 20_000 * 0.75 / 40


def test_moves_of_training_differ_and_those_of_the_moves_suite_are_any() -> None:
    for split, count in (("seen", 6), ("moves", 27)):
        envs = envs_of(S2, split, 2000)
        envs.reset(seed=0)
        assert len(np.unique(envs.batch.worlds.movement[:, ENEMY : GOAL + 1], axis=0)) == count
    envs = envs_of(S3, "seen", 2000)
    envs.reset(seed=0)
    ways = envs.batch.worlds.movement[:, ENEMY:]
    assert len(np.unique(ways, axis=0)) == 18
    for one, other in ((1, 3), (2, 4), (3, 4), (0, 1), (0, 2), (1, 2)):
        assert (ways[:, one] != ways[:, other]).all()


@pytest.mark.parametrize(("id", "count"), [(S1, 24), (S2, 24), (S3, 720)])
def test_episodes_begin_in_the_published_cells(id: str, count: int) -> None:
    envs = envs_of(id, "train", 20_000)
    envs.reset(seed=0)
    worlds = envs.batch.worlds
    places = np.stack([worlds.x, worlds.y], axis=2)[:, AGENT : ENEMY + STAGES[id].num_entities]
    assert len(np.unique(places, axis=0)) == count
    if id != S1:
        new = envs_of(id, "states", 2000)
        new.reset(seed=0)
        x, y = new.batch.worlds.x[:, : places.shape[1]], new.batch.worlds.y[:, : places.shape[1]]
        trained = {tuple(place) for place in places.reshape(-1, 2).tolist()}
        assert not trained & {(int(a), int(b)) for a, b in zip(x.ravel(), y.ravel(), strict=True)}
        assert len(np.unique(x)) == len(np.unique(y)) == 10


def test_stages_before_the_third_leave_out_some_movements_and_the_first_begins_with_some_messages() -> None:
    for id in (S1, S2):
        envs = envs_of(id, "train", 4000)
        envs.reset(seed=0)
        assert (envs.batch.asserted()[..., 2] == 3).mean() == pytest.approx(0.15, abs=0.02)
    envs = envs_of(S1, num_envs=4000)
    assert (envs.reset(seed=0)[0]["carried"] != 0).mean() == pytest.approx(0.2, abs=0.03)


def test_sentences_come_in_any_order_drawn_once_for_an_episode() -> None:
    envs = envs_of(S3, num_envs=3000)
    envs.reset(seed=0)
    about = envs.batch.worlds.about
    assert [sorted(row) for row in about.tolist()] == [[-1, 1, 2, 3, 4, 5]] * 3000
    for column in range(6):
        assert np.bincount(about[:, column] + 1, minlength=7)[[0, 2, 3, 4, 5, 6]].min() > 350
    needed = envs.batch.needed()
    assert needed.sum(axis=1).tolist() == [5] * 3000
    asserted, entity = envs.batch.asserted(), envs.batch.worlds.entity
    row, column = np.nonzero(about == MESSAGE)
    assert np.array_equal(asserted[row, column, 0], entity[:, MESSAGE])
    assert (asserted[row, column, 1] == 1).all()
    row, column = np.nonzero(~needed)  # of the enemy's entity, another role and another movement
    assert np.array_equal(asserted[row, column, 0], entity[:, ENEMY])
    assert set(asserted[row, column, 1].tolist()) == {1, 2}
    assert (asserted[row, column, 2] != envs.batch.worlds.movement[:, ENEMY]).all()


# Settings


def test_settings_stand_behind_the_id() -> None:
    family = find_family(f"{S2}?frames=3")
    assert isinstance(family, MessengerFamily)
    assert (family.id, family.reference, family.frames) == (S2, f"{S2}?frames=3", 3)
    assert list(family.spec.observation)[:3] == ["image", "image_1", "image_2"]
    assert family.spec == family.make_vec("all", 1, 0).agent_spec
    assert not family.spec.differences(find_family(f"{S3}?frames=3").spec)  # of one stage can be trained on in another
    assert list(gymnasium.make(S2, frames=2).reset()[0])[:2] == ["image", "image_1"]


@pytest.mark.parametrize(
    ("id", "message"),
    [
        (f"{S2}?colour=red", "no setting 'colour': its settings are texts, frames"),
        (f"{S2}?frames=few", "frames is a whole number, not 'few'"),
        (f"{S2}?frames=0", "frames is from 1 to 8, got 0"),
        (f"{S2}?frames=9", "frames is from 1 to 8, got 9"),
        (f"{S2}?frames", "NAME=VALUE&NAME=VALUE, not as 'frames'"),
        (f"{S2}?texts=", "NAME=VALUE&NAME=VALUE, not as 'texts='"),
        ("groundling/RTFM-Simple-6x6-v0?frames=2", "no settings of its own"),
        ("BabyAI-GoToLocal-v0?frames=2", "no settings of its own"),
    ],
)
def test_wrong_settings_are_refused(id: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")):
        find_family(id)


@needs_files
def test_texts_of_a_folder_are_a_setting() -> None:
    family = find_family(f"{S3}?texts={REAL}")
    assert set(family.suites) == {"layout", "pairs", "states", "val"}
    assert family.spec.differences(find_family(S3).spec)
    with pytest.raises(SplitError, match="one wording for each game"):
        family.split("phrasing")
    single = gymnasium.make(S3, texts=str(REAL), split="unseen").unwrapped
    envs = family.make_vec("unseen", 1, 0)
    envs.reset(seed=3)
    assert single.reset(seed=3)[1]["manual_text"] == envs.manuals[0]


def test_all_instructions_mean_the_same() -> None:
    family = find_family(S1)
    assert family.meaning({"instruction": "anything"}) == family.meaning({"instruction": "bring the message"})
    assert family.example() == "bring the message to the goal"


def test_rooms_are_drawn() -> None:
    envs = envs_of(num_envs=2, render_mode="rgb_array")
    envs.reset(seed=0)
    pictures = envs.render()
    assert [picture.shape for picture in pictures] == [(640, 640, 3)] * 2
    assert not np.array_equal(*pictures)
    envs.batch.worlds.x[0, ENEMY] += 1  # half a cell can be seen
    assert not np.array_equal(envs.render()[0], pictures[0])
    assert envs_of().render() is None
