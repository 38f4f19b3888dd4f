"""The games of FlightPref: reading their files, and the vectors of options.

Somebody with a hidden reward (a weight of each of eight features) talks about three flights; a listener chooses one.

Source: Lin, Fried, Klein and Dragan 2022, "Inferring rewards from language in context" (data: MIT).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.errors import PreferenceFileError

FEATURES: Final = (
    "arrival before the meeting",
    *("American", "Delta", "JetBlue", "Southwest"),  # one of them is 1
    "longest stop",
    "number of stops",
    "price",
)
WEIGHTS: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)  # that a reward gives to a feature
CARRIERS: Final = slice(1, 5)
NUM_OPTIONS: Final = 3
VECTOR_SIZE: Final = 3 * len(FEATURES)


@dataclass(frozen=True)
class Round:
    """Three flights and what was said about them.

    Attributes:
        utterance: in lower case, spaces evened out; empty if nothing was said.
        options: [3, 8] float64, features in [0, 1].
        best: number of the flight that the hidden reward prefers.
        is_scored: whether its utterance counts in the published test: the listener booked the best flight at last.
    """

    utterance: str
    options: NDArray[np.float64]
    best: int
    is_scored: bool


@dataclass(frozen=True)
class Game:
    """The rounds of one speaker.

    Attributes:
        reward: [8] float64, the hidden weights.
        rounds: in their order.
    """

    reward: NDArray[np.float64]
    rounds: tuple[Round, ...]

    @property
    def told(self) -> tuple[Round, ...]:
        """The rounds whose utterances count."""
        return tuple(one for one in self.rounds if one.utterance and one.is_scored)


def read_games(path: Path | str) -> tuple[Game, ...]:
    """The games of ``train.json`` or ``eval.json``.

    Raises:
        PreferenceFileError: if there is no file, it is not whole, or a game is not as it should be.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PreferenceFileError(
            f"there is no file of games at {path}: FlightPref's are in jlin816/rewards-from-language, rewards/data"
        ) from None
    except (OSError, ValueError) as error:
        raise PreferenceFileError(f"{path} is no whole file of games, copy it again: {error}") from error
    if not isinstance(content, list) or not content:
        raise PreferenceFileError(f"{path} holds no list of games")
    games = []
    for number, values in enumerate(content):
        try:
            games.append(_game(values))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            told = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise PreferenceFileError(f"game {number} of {path} is not one of FlightPref: {told}") from error
    return tuple(games)


def read_option_sets(path: Path | str) -> NDArray[np.float64]:
    """The option sets [N, 3, 8] of ``eval_sets.npy``, on which inferred rewards are tested.

    Raises:
        PreferenceFileError: if there is no file, it is not whole, or of another shape.
    """
    try:
        sets = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise PreferenceFileError(f"there is no file of option sets at {path}") from None
    except (OSError, ValueError, EOFError) as error:
        raise PreferenceFileError(f"{path} is no whole file of option sets, copy it again: {error}") from error
    if sets.ndim != 3 or sets.shape[1:] != (NUM_OPTIONS, len(FEATURES)) or sets.dtype.kind != "f":
        raise PreferenceFileError(f"{path} holds {sets.shape} {sets.dtype}, not option sets [N, 3, 8] of floats")
    return sets.astype(np.float64)


def option_vectors(options: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """What models see of options: their features, then for each whether it is the largest and the smallest of the set.

    A feature in which all options are alike has no extreme.

    Args:
        options: [..., 3, 8].

    Returns:
        [..., 3, 24] float32.
    """
    highest = options == options.max(axis=-2, keepdims=True)
    lowest = options == options.min(axis=-2, keepdims=True)
    differ = ~highest.all(axis=-2, keepdims=True)
    return np.concatenate([options, highest & differ, lowest & differ], axis=-1).astype(np.float32)


def permuted(games: tuple[Game, ...], seed: int) -> tuple[Game, ...]:
    """The same games with the options of each round in random order: in the training file the best is always first."""
    generator = np.random.default_rng(seed)

    def changed(one: Round) -> Round:
        order = generator.permutation(NUM_OPTIONS)
        return Round(one.utterance, one.options[order], int(np.flatnonzero(order == one.best)[0]), one.is_scored)

    return tuple(Game(game.reward, tuple(changed(one) for one in game.rounds)) for game in games)


def best_options(rewards: NDArray[np.floating[Any]], options: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The number of the best option [..., R] under each of the rewards [R, 8], of sets [..., 3, 8]; the first of equal
    ones.
    """
    return np.asarray(np.argmax(np.swapaxes(options @ rewards.T, -1, -2), axis=-1), dtype=np.int64)


def _game(values: Any) -> Game:
    reward = np.array(values["reward_function"], dtype=np.float64)
    if reward.shape != (len(FEATURES),) or not np.isin(reward, WEIGHTS).all():
        raise ValueError(f"its reward is {values['reward_function']}, not 8 of {WEIGHTS}")
    return Game(reward, tuple(_round(one) for one in values["rounds"]))


def _round(values: Any) -> Round:
    options, best = np.array(values["options"], dtype=np.float64), values["optimal_index"]
    if options.shape != (NUM_OPTIONS, len(FEATURES)) or not np.isfinite(options).all():
        raise ValueError(f"options of shape {options.shape}, not 3 of 8 numbers")
    if not isinstance(best, int) or not 0 <= best < NUM_OPTIONS:
        raise ValueError(f"its best option is {best!r}, not 0, 1 or 2")
    utterance = " ".join((values["utterance"] or "").lower().split())
    return Round(utterance, options, best, bool(values.get("final_correct", True)))
