"""What listeners and speakers are fitted to, and what is inferred with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from groundling.language.flights.games import Game, Round, option_vectors
from groundling.language.flights.posterior import all_rewards
from groundling.training.flights.fitting import FlightConfig, fit, other_utterances
from groundling.training.flights.inference import (
    InferenceConfig,
    PragmaticListener,
    accuracies,
    summed_over_utterances,
)
from groundling.training.flights.models import BagOfWords, Listener, one_hot_rewards


def drawn_games(count: int, seed: int) -> tuple[Game, ...]:
    """Speakers who like a high or a low price and say so; half of them speak of the best flight."""
    generator = np.random.default_rng(seed)
    games = []
    for _ in range(count):
        reward = generator.choice([-1.0, -0.5, 0.0, 0.5, 1.0], 8)
        reward[7] = generator.choice([-1.0, 1.0])
        options = generator.random((3, 8))
        options[:, 1:5] = np.eye(4)[generator.integers(0, 4, 3)]
        best = int((options @ reward).argmax())
        says = ("i want it cheap", "i want it dear")[int(reward[7] > 0)]
        if generator.random() < 0.5:
            says = f"take the {('american', 'delta', 'jetblue', 'southwest')[int(options[best, 1:5].argmax())]} flight"
        games.append(Game(reward, (Round(says, options, best, True),)))
    return tuple(games)


def test_sums_over_utterances_are_those_of_every_reward_one_by_one() -> None:
    scores = torch.randn(5, 40, generator=torch.Generator().manual_seed(0))
    found = summed_over_utterances(scores)
    rows = [0, 1, 77_777, 390_624]
    rewards = one_hot_rewards(torch.from_numpy(all_rewards()[rows].copy()))
    assert torch.allclose(found[rows], (rewards @ scores.T).double().exp().sum(dim=1), rtol=1e-5)


def test_options_are_scored_alike_in_any_order() -> None:
    listener, order = Listener(6, 16, 0.5).eval(), [2, 0, 1]
    options = torch.from_numpy(option_vectors(np.random.default_rng(0).random((4, 3, 8))))
    utterances = torch.randn(4, 6)
    assert torch.allclose(listener(utterances, options)[:, order], listener(utterances, options[:, order]), atol=1e-6)


def test_words_that_are_rare_are_not_in_the_bag() -> None:
    bag = BagOfWords(["cheap flight", "cheap one", "the cheap", "a flight"])
    assert bag.vectors(["cheap flight", "dear"]).tolist() == [[1.0], [0.0]]


def test_what_might_have_been_said_is_short_and_without_digits() -> None:
    games = [Game(np.zeros(8), tuple(Round(u, np.zeros((3, 8)), 0, True) for u in told)) for told in
             (["a b c d e f g h", "a b c d e f g h i"], ["under $20", "jet blue", "jetblue", ""])]  # fmt: skip
    assert other_utterances(games) == ("a b c d e f g h", "jetblue")


def test_likelihoods_are_mixed_and_sum_to_one_over_what_might_have_been_said() -> None:
    games = drawn_games(40, seed=0)
    fitted = fit(games, FlightConfig(text="bag", epochs=1), seed=0)
    others = other_utterances(games)
    told = games[0].rounds[0]
    by = {a: PragmaticListener([fitted], others, InferenceConfig(alpha=a)).likelihood(told) for a in (0.0, 0.3, 1.0)}
    assert np.allclose(by[0.3], 0.3 * by[1.0] + 0.7 * by[0.0])
    listener = PragmaticListener([fitted], others[1:], InferenceConfig())
    every = [Round(u, told.options, 0, True) for u in others]
    # each of the others is one of those that might be said, and counts twice there; the first is new
    action = np.array([listener.action_likelihood(one) for one in every])
    reward = np.array([listener.reward_likelihood(one)[:50] for one in every])
    for found in (action, reward):
        odds = found / (1 - found)  # e_u / sum of the others: the new one is not among these
        assert np.allclose(odds[1:].sum(axis=0), 1)


def test_temperature_flattens_the_reward_speaker() -> None:
    games = drawn_games(40, seed=0)
    fitted = fit(games, FlightConfig(text="bag", epochs=3), seed=0)
    spread = [
        np.ptp(PragmaticListener([fitted], other_utterances(games), InferenceConfig(0.0, t)).likelihood(
            games[0].rounds[0]
        ))
        for t in (1.0, 3.0, 100.0)
    ]  # fmt: skip
    assert spread[0] > spread[1] > spread[2]


def test_fit_repeats_and_leaves_the_random_stream_alone() -> None:
    games, config = drawn_games(20, seed=0), FlightConfig(text="bag", epochs=2)
    state = torch.get_rng_state()
    first, second, third = (fit(games, config, seed).listener.state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_what_drawn_speakers_want_is_inferred_from_what_they_say_of_it() -> None:
    games, new = drawn_games(300, seed=0), drawn_games(30, seed=1)
    config = FlightConfig(text="bag", hidden=32, epochs=20, batch_size=32, dropout=0.1, shifts_carriers=False)
    fitted = fit(games, config, seed=0)
    for alpha in (0.0, 0.5):
        listener = PragmaticListener([fitted], other_utterances(games), InferenceConfig(alpha, 1.0))
        means = {game.rounds[0].utterance: listener.infer(game.rounds)[0] for game in new}
        cheap, dear = means["i want it cheap"], means["i want it dear"]
        assert cheap[7] < -0.15
        assert dear[7] > 0.15
        assert np.abs([cheap[:7], dear[:7]]).max() < 0.15
    assert means["take the american flight"][1] > 0.2  # it is the best option, so its carrier is rather liked


def test_accuracies_are_of_every_utterance_that_counts_and_build_on_those_before() -> None:
    games = drawn_games(60, seed=0)
    (first, *_), (second, *_) = (game.rounds for game in games[:2])
    both = Game(games[0].reward, (first, second, Round("", first.options, 0, True)))
    listener = PragmaticListener(
        [fit(games, FlightConfig(text="bag", epochs=1), seed=0)], other_utterances(games), InferenceConfig()
    )
    found = accuracies(listener, (games[1], both), np.random.default_rng(0).random((50, 3, 8)))
    assert [(game, count) for game, count, _ in found] == [(0, 1), (1, 1), (1, 2)]
    one_by_one = listener.infer([first, second])
    assert not np.allclose(one_by_one[1], listener.infer([second])[0])


def test_impossible_settings_are_refused() -> None:
    for make in (lambda: InferenceConfig(alpha=1.1), lambda: InferenceConfig(temperature=0), lambda: FlightConfig(
        dropout=1.0
    )):  # fmt: skip
        with pytest.raises(ValueError, match=r"alpha|temperature|dropout"):
            make()
