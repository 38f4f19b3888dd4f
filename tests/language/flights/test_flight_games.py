"""FlightPref's files, option vectors, carriers and the exact posterior."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundling.errors import PreferenceFileError
from groundling.language.flights.carriers import one_name, with_shifted_carriers
from groundling.language.flights.games import (
    Game,
    Round,
    best_options,
    option_vectors,
    permuted,
    read_games,
    read_option_sets,
)
from groundling.language.flights.posterior import Posterior, all_rewards, choice_accuracy

DATA = Path(__file__).parents[4] / "shared" / "data" / "flightpref"
OPTIONS = [[0.0, 1, 0, 0, 0, 0.2, 0.5, 0.3], [0.5, 0, 1, 0, 0, 0.2, 0.0, 0.9], [1.0, 0, 1, 0, 0, 0.2, 1.0, 0.1]]


def written(path: Path, **changes: Any) -> Path:
    one = {"utterance": "  The CHEAPEST one", "options": OPTIONS, "optimal_index": 2, **changes}
    path.write_text(json.dumps([{"reward_function": [0, 0, 0, 0, 0, 0, 0, -1], "rounds": [one]}]))
    return path


def test_game_is_read(tmp_path: Path) -> None:
    (game,) = read_games(written(tmp_path / "games.json"))
    assert game.reward.tolist() == [0, 0, 0, 0, 0, 0, 0, -1]
    (one,) = game.told
    assert (one.utterance, one.best, one.is_scored) == ("the cheapest one", 2, True)


@pytest.mark.parametrize("changes", [{"utterance": None}, {"final_correct": False}])
def test_rounds_without_utterance_or_whose_listener_failed_do_not_count(tmp_path: Path, changes: Any) -> None:
    (game,) = read_games(written(tmp_path / "games.json", **changes))
    assert len(game.rounds) == 1
    assert game.told == ()


def test_torn_and_wrong_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "games.json")
    for content, told in (
        (path.read_text()[:-40], "no whole file"),
        ("[]", "no list of games"),
        ('[{"rounds": []}]', "game 0 .* lacks 'reward_function'"),
        (path.read_text().replace("-1]", "-0.7]"), "its reward is"),
        (path.read_text().replace('"optimal_index": 2', '"optimal_index": 3'), "best option is 3"),
        (path.read_text().replace("0.1]]", "0.1, 7]]"), "game 0"),
    ):
        (tmp_path / "wrong.json").write_text(content)
        with pytest.raises(PreferenceFileError, match=told) as caught:
            read_games(tmp_path / "wrong.json")
        assert "\n" not in str(caught.value)
    with pytest.raises(PreferenceFileError, match="there is no file"):
        read_games(tmp_path / "missing.json")


def test_option_sets_of_another_shape_or_torn_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sets.npy"
    np.save(path, np.zeros((4, 3, 8)))
    assert read_option_sets(path).shape == (4, 3, 8)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(PreferenceFileError, match="no whole file"):
        read_option_sets(path)
    np.save(path, np.zeros((4, 2, 8)))
    with pytest.raises(PreferenceFileError, match=r"\(4, 2, 8\)"):
        read_option_sets(path)
    with pytest.raises(PreferenceFileError, match="there is no file"):
        read_option_sets(tmp_path / "missing.npy")


def test_vector_of_an_option_says_which_features_are_extreme_in_the_set() -> None:
    vectors = option_vectors(np.array(OPTIONS))
    assert vectors[:, :8].tolist() == np.array(OPTIONS, dtype=np.float32).tolist()
    # arrival, American, Delta, JetBlue, Southwest, longest stop, stops, price
    assert vectors[:, 8:16].tolist() == [[0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0, 1, 0]]
    assert vectors[:, 16:].tolist() == [[1, 0, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 0, 0, 1]]


def test_permuted_rounds_keep_their_best_option_in_places_that_tell_nothing() -> None:
    one = Round("x", np.array(OPTIONS), 0, True)
    rounds = [one for game in permuted((Game(np.zeros(8), (one,) * 300),), seed=1) for one in game.rounds]
    assert all(one.options[one.best].tolist() == OPTIONS[0] for one in rounds)
    assert min(np.bincount([one.best for one in rounds], minlength=3)) > 70


def test_carriers_change_places_in_words_options_and_reward() -> None:
    assert one_name("jet blue or SW? no, AA".lower()) == "jetblue or southwest? no, american"
    one = Round("i like southwest", np.array(OPTIONS), 1, True)
    moved = with_shifted_carriers(Game(np.array([0.5, 1, -1, 0, 0.5, 0, 0, 1]), (one,)), 1)
    assert moved.rounds[0].utterance == "i like american"
    assert moved.rounds[0].options[0].tolist() == [0.0, 0, 1, 0, 0, 0.2, 0.5, 0.3]
    assert moved.reward.tolist() == [0.5, 0.5, 1, -1, 0, 0, 0, 1]
    assert with_shifted_carriers(moved, 3).rounds[0].options.tolist() == OPTIONS


def test_rewards_are_all_there_are() -> None:
    rewards = all_rewards()
    assert rewards.shape == (390_625, 8)
    assert len(np.unique(rewards @ 5.0 ** np.arange(8))) == 390_625
    assert rewards[1].tolist() == [-1] * 7 + [-0.5]


def test_posterior_is_bayes_rule() -> None:
    rewards, posterior = all_rewards(), Posterior()
    assert np.allclose(posterior.mean, 0)
    posterior.observe(np.where(rewards[:, 7] < 0, 0.9, 0.1))
    posterior.observe(np.where(rewards[:, 7] < 0, 0.9, 0.1))
    # 2 of 5 weights are below 0: p = 2 * .81 / (2 * .81 + 3 * .01)
    assert posterior.probabilities[rewards[:, 7] < 0].sum() == pytest.approx(1.62 / 1.65)
    assert posterior.mean[7] == pytest.approx((-0.75 * 1.62 + 0.5 * 0.03) / 1.65)
    assert np.allclose(posterior.mean[:7], 0)
    posterior.observe((rewards[:, 7] == 1).astype(np.float64))
    assert posterior.mean[7] == pytest.approx(1)


@pytest.mark.parametrize("wrong", [np.zeros(390_625), np.ones(8), np.full(390_625, -1.0)])
def test_what_is_no_likelihood_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="likelihood"):
        Posterior().observe(wrong)


def test_accuracy_counts_choices_as_the_true_reward_makes_them() -> None:
    sets = np.array([OPTIONS, OPTIONS[::-1]])
    cheap, dear = np.array([0, 0, 0, 0, 0, 0, 0, -1]), np.array([0, 0, 0, 0, 0, 0, 0, 1])
    assert choice_accuracy(cheap, cheap, sets) == 1
    assert choice_accuracy(dear, cheap, sets) == 0
    assert choice_accuracy(np.zeros(8), cheap, sets) == 0.5  # the first option
    assert best_options(np.array([cheap, dear]), sets).tolist() == [[2, 1], [0, 1]]


@pytest.mark.skipif(not DATA.exists(), reason="the games of FlightPref are not there")
def test_published_counts() -> None:
    train, test = read_games(DATA / "train.json"), read_games(DATA / "eval.json")
    assert (len(train), sum(len(game.told) for game in train)) == (722, 2248)
    assert (len(test), sum(len(game.rounds) for game in test), sum(len(game.told) for game in test)) == (90, 539, 268)
    assert {one.best for game in train for one in game.rounds} == {0}
    for game in (*train, *test):
        for one in game.rounds:
            worth = one.options @ game.reward
            assert worth[one.best] == pytest.approx(worth.max())
    sets = read_option_sets(DATA / "eval_sets.npy")
    prior = [choice_accuracy(np.zeros(8), game.reward, sets) for game in test for _ in game.told]
    assert np.mean(prior) == pytest.approx(1 / 3, abs=0.01)
