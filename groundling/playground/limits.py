"""Limits of what a page may ask for, so that no tab takes the machine from the others."""

from __future__ import annotations

from typing import Final

MOST_TABS: Final = 24  # worlds at a time
MOST_EVENTS: Final = 2000  # of a history, links included
MOST_ID: Final = 300  # characters of the id of a task, or of an agent's name
MOST_TEXT: Final = 400  # characters of a sentence
MOST_SENTENCES: Final = 24  # of a manual
MOST_MESSAGE: Final = 1 << 18  # bytes of a message of the page: a link with a full history
MOST_RUNS: Final = 200  # that are listed
MOST_CURVES: Final = 24  # runs over each other
MOST_PAIRS: Final = 40  # of trajectories to compare at a time
MOST_EPISODES: Final = 200  # that are played to look for failures
MOST_SEED: Final = 2**53 - 1  # what numbers of a page hold exactly
