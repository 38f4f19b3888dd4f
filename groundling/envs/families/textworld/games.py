"""Games, made once by TextWorld's own generator and kept in the cache: the game of a number of a split."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from groundling.envs.families.textworld.household import build, draw_plan
from groundling.envs.families.textworld.names import EXTRA, Variant
from groundling.envs.simulators.errors import MissingSimulatorError
from groundling.extras import brought_by
from groundling.files import cache_folder, make_folder
from groundling.seeding import generator, integer

VERSION: Final = 1  # of how games are made here
TRIES: Final = 20
_log = logging.getLogger(__name__)


def load_package() -> Any:
    """The package ``textworld``.

    Raises:
        MissingSimulatorError: if it is not installed.
    """
    with brought_by(EXTRA, "TextWorld is not installed", MissingSimulatorError):
        import textworld
        import textworld.challenges
        import textworld.generator
    return textworld


@contextmanager
def no_warnings() -> Iterator[None]:
    """Without the engine's warning that it knows no scores of games that are not published; TextWorld knows them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def path_of(variant: Variant, split: str, number: int) -> Path:
    """Where the game of a number is kept."""
    return cache_folder() / "textworld" / f"{variant.kind}-{VERSION}" / f"{split}-{number}.z8"


def prepare_games(variant: Variant, split: str, count: int) -> None:
    """Make the first ``count`` games of a split that are not in the cache.

    Raises:
        MissingSimulatorError: if TextWorld is not installed.
        StorageError: if the cache cannot be written.
    """
    load_package()
    missing = [number for number in range(count) if not path_of(variant, split, number).exists()]
    if missing:
        _log.info("%d games of %s are made, which takes some seconds each", len(missing), variant.id)
    for number in missing:
        game_file(variant, split, number)


def game_file(variant: Variant, split: str, number: int) -> Path:
    """The file of a game; made if it is not in the cache.

    Raises:
        MissingSimulatorError: if TextWorld is not installed.
        StorageError: if the cache cannot be written.
    """
    textworld = load_package()
    path = path_of(variant, split, number)
    if path.exists():
        return path
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, no_warnings():
        options = textworld.GameOptions()
        options.path = str(Path(folder) / path.name)
        textworld.generator.compile_game(make_game(variant, split, number), options)
        os.replace(Path(folder) / f"{path.stem}.json", path.with_suffix(".json"))  # before the game, which tells it all
        shutil.move(options.path, path)
    return path


def make_game(variant: Variant, split: str, number: int) -> Any:
    """The game (``textworld.Game``) of a number of a split: always the same."""
    textworld = load_package()
    for attempt in range(TRIES):
        names = (variant.kind, split, number, attempt)
        options = textworld.GameOptions()
        options.seeds = integer(0, "textworld", *names) % 65_536
        try:
            if variant.kind == "household":
                return build(draw_plan(generator(0, "household", *names), split), options)
            return _generated(textworld, variant, split, options)
        except textworld.generator.QuestGenerationError as error:
            _log.debug("game %s is drawn again: %s", names, error)
    raise AssertionError(f"TextWorld found no quest of {variant.id} in {TRIES} tries")


def _generated(textworld: Any, variant: Variant, split: str, options: Any) -> Any:
    """A game of TextWorld's own challenges."""
    challenge = {"coin": "tw-coin_collector", "treasure": "tw-treasure_hunter", "cooking": "tw-cooking"}[variant.kind]
    settings = dict(variant.settings)
    if variant.kind == "cooking":
        part = {"ingredients": "test", "all": None}.get(split, "train")
        settings |= {"recipe_seed": options.seeds["map"], "split": part}
    options.grammar.only_last_action = True  # the instruction does not tell the way
    return textworld.challenges.CHALLENGES[challenge][1](settings, options)
