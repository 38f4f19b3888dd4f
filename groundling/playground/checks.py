"""Checks of what a page or a link says in words: ids, sentences and manuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from groundling.playground.errors import PlaygroundError
from groundling.playground.limits import MOST_ID, MOST_SENTENCES, MOST_TEXT


def check_ids(*ids: str) -> None:
    """Refuse ids of tasks and names of agents that nobody would give them, before anything is done with them.

    Raises:
        PlaygroundError: if one is too long.
    """
    for told in ids:
        if len(told) > MOST_ID:
            raise PlaygroundError(f"ids of tasks and agents have at most {MOST_ID} characters, not {len(told):,}")


def checked_text(told: Any) -> str:
    """A sentence of a person.

    Raises:
        PlaygroundError: if it is none, or too long.
    """
    if not isinstance(told, str) or not told.strip():
        raise PlaygroundError("write a sentence first")
    if len(told) > MOST_TEXT:
        raise PlaygroundError(f"a sentence has at most {MOST_TEXT} characters, this one has {len(told):,}")
    return " ".join(told.split())


def checked_manual(told: Any) -> Sequence[str]:
    """The sentences of a manual, empty lines left out; errors as of :func:`checked_text`."""
    if not isinstance(told, list) or len(told) > MOST_SENTENCES:
        raise PlaygroundError(f"a manual has at most {MOST_SENTENCES} sentences, one a line")
    return tuple(checked_text(line) for line in told if not (isinstance(line, str) and not line.strip()))
