"""FlightPref: rewards inferred from what people say about flights, and how they choose among new ones.

    python benchmarks/flightpref.py DATA [--seeds 1 2 3 4 5] [--text minilm bag]
        [--output benchmarks/results/rewards.json]

DATA is a folder with train.json, eval.json and eval_sets.npy of Lin et al. 2022 (jlin816/rewards-from-language, in
rewards/data and rewards/evaluate, MIT). ``--validate N`` measures on N games that are held out of the training games
instead, in new option sets; settings were chosen in that way.

Measured is the share of 1,000 new option sets in which the reward inferred from a game's utterances so far chooses what
the true one does, a mean over the 268 utterances that count. A seed is an ensemble of two listeners and two speakers.
Rows and controls:

    flightpref          an utterance describes the option or the reward, half and half (alpha .5)
    flightpref_action   it describes the option (alpha 1)
    flightpref_reward   it describes the reward (alpha 0)
    flightpref_prior    nothing is heard: every reward is as likely, the first option is taken
    flightpref_others   the utterances (with their options) of another game
    flightpref_bag      as flightpref, reading which words there are instead of vectors of MiniLM

Needs ``groundling[sentence]``. Source: Lin et al. 2022, "Inferring rewards from language in context".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro
from launch import launch
from numpy.typing import NDArray
from runs import keep_rows

from groundling.eval.statistics import mean_interval
from groundling.language.flights.games import Game, permuted, read_games, read_option_sets
from groundling.language.flights.posterior import choice_accuracy
from groundling.training.flights.fitting import FlightConfig, fit, other_utterances
from groundling.training.flights.inference import Fitted, InferenceConfig, PragmaticListener, accuracies

ENSEMBLE = 2
GOAL = 0.62
PUBLISHED = {"flightpref": 0.591, "flightpref_action": 0.528, "flightpref_reward": 0.578, "flightpref_prior": 1 / 3}
ALPHAS = {"flightpref": None, "flightpref_action": 1.0, "flightpref_reward": 0.0}  # None: that of the inference


@dataclass(frozen=True)
class Options:
    """Measure inferred rewards.

    Attributes:
        data: folder of the files.
        seeds: of the models.
        text: what utterances are read with.
        validate: games held out of the training games to measure on; 0 measures on the games of the test.
        fitting: how models are fitted.
        inference: how an utterance is taken.
        output: a file for the rows; rows of the same key are replaced.
    """

    data: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="DATA")]]
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    text: tuple[Literal["minilm", "bag"], ...] = ("minilm", "bag")
    validate: int = 0
    fitting: FlightConfig = field(default_factory=FlightConfig)
    inference: InferenceConfig = field(default_factory=InferenceConfig)
    output: Path | None = None


def main(options: Options) -> list[dict[str, Any]]:
    """Fit, measure, print and write the rows."""
    fitted_on = permuted(read_games(options.data / "train.json"), seed=0)
    if options.validate:
        order = np.random.default_rng(0).permutation(len(fitted_on))
        tested_on = tuple(fitted_on[i] for i in order[: options.validate])
        fitted_on = tuple(fitted_on[i] for i in order[options.validate :])
        sets = new_option_sets(300, seed=1)
    else:
        tested_on, sets = read_games(options.data / "eval.json"), read_option_sets(options.data / "eval_sets.npy")
    found: dict[str, list[list[tuple[int, int, float]]]] = {}
    seconds = 0.0
    for text in options.text:
        for seed in options.seeds:
            start = time.process_time()
            config = FlightConfig(**{**vars(options.fitting), "text": text})
            ensemble = [fit(fitted_on, config, ENSEMBLE * seed + member) for member in range(ENSEMBLE)]
            for key, scores in measured(ensemble, fitted_on, tested_on, sets, options.inference).items():
                name = key if text == "minilm" else key.replace("flightpref", "flightpref_bag", 1)
                found.setdefault(name, []).append(scores)
                print(f"seed {seed} {name}: {np.mean([score for *_, score in scores]):.4f}", flush=True)
            seconds += time.process_time() - start
    nothing = [choice_accuracy(np.zeros(8), game.reward, sets) for game in tested_on for _ in game.told]
    found["flightpref_prior"] = [[(0, 0, score) for score in nothing]]
    rows = [row_of(key, scores, options, seconds) for key, scores in found.items()]
    for row in rows:
        print(f"{row['key']:24} {row['mean']:.3f} ({row['low']:.3f}-{row['high']:.3f})  {row['by_utterances']}")
    if not options.validate:
        keep_rows(rows, options.output)
    return rows


def measured(
    ensemble: list[Fitted],
    fitted_on: tuple[Game, ...],
    games: tuple[Game, ...],
    sets: NDArray[np.float64],
    inference: InferenceConfig,
) -> dict[str, list[tuple[int, int, float]]]:
    """The accuracies of one ensemble, by row."""
    others = other_utterances(fitted_on)
    found = {}
    for key, alpha in ALPHAS.items():
        config = InferenceConfig(inference.alpha if alpha is None else alpha, inference.temperature)
        found[key] = accuracies(PragmaticListener(ensemble, others, config), games, sets)
    swapped = [Game(game.reward, other.rounds) for game, other in zip(games, (*games[1:], games[0]), strict=True)]
    found["flightpref_others"] = accuracies(PragmaticListener(ensemble, others, inference), swapped, sets)
    return found


def row_of(key: str, scores: list[list[tuple[int, int, float]]], options: Options, seconds: float) -> dict[str, Any]:
    """A row of results; the interval is over seeds, that of games beside it."""
    means = [float(np.mean([score for *_, score in seed])) for seed in scores]
    low, high = mean_interval(means) if len(means) > 1 else (means[0], means[0])
    by_game: dict[int, list[float]] = {}
    by_count: dict[int, list[float]] = {}
    for seed in scores:
        for game, count, score in seed:
            by_game.setdefault(game, []).append(score)
            by_count.setdefault(count, []).append(score)
    return {
        "key": key,
        "row": f"FlightPref, accuracy in new option sets: {key}",
        "mean": float(np.mean(means)),
        "low": float(low),
        "high": float(high),
        "games_interval": games_interval(list(by_game.values())),
        "seeds": len(means),
        "scores": means,
        "by_utterances": {count: round(float(np.mean(found)), 4) for count, found in sorted(by_count.items())},
        "utterances": len(scores[0]),
        "floor": 1 / 3,
        "ceiling": 1.0,
        "paper": PUBLISHED.get(key),
        "goal": GOAL if key == "flightpref" else None,
        "processor_seconds": round(seconds, 1),
        "command": "python benchmarks/flightpref.py DATA --seeds " + " ".join(map(str, options.seeds)),
    }


def games_interval(scores: list[list[float]], resamples: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over utterances, whole games drawn with replacement."""
    sums = np.array([[sum(game), len(game)] for game in scores])
    drawn = np.random.default_rng(0).integers(0, len(sums), (resamples, len(sums)))
    totals = sums[drawn].sum(axis=1)
    low, high = np.quantile(totals[:, 0] / totals[:, 1], [0.025, 0.975])
    return float(low), float(high)


def new_option_sets(count: int, seed: int) -> NDArray[np.float64]:
    """Option sets [N, 3, 8] drawn as those of the test: features uniform in [0, 1], one of four carriers."""
    generator = np.random.default_rng(seed)
    sets = generator.random((count, 3, 8))
    sets[..., 1:5] = np.eye(4)[generator.integers(0, 4, (count, 3))]
    return sets


if __name__ == "__main__":
    launch(main, Options, __doc__)
