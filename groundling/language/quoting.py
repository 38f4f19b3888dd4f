"""Sentences in messages: whole where they are short, else the part that matters."""

from __future__ import annotations

from typing import Any

from groundling.errors import InstructionError

LONGEST = 160  # characters of a quoted sentence


def check_text(text: Any) -> str:
    """A sentence that somebody gave.

    Raises:
        InstructionError: if it is no text.
    """
    if not isinstance(text, str):
        raise InstructionError(f"a sentence is text, not {quoted(text)}")
    return text


def quoted(value: Any) -> str:
    """A value as a message shows it, its middle left out if it is long."""
    shown = repr(value)
    if len(shown) <= LONGEST:
        return shown
    return f"{shown[: LONGEST // 2]} ... {shown[-LONGEST // 4 :]} ({len(shown):,} characters)"


def marked(text: str, column: int) -> str:
    """Two lines: the text, or what stands around a column of it, and a mark below the column."""
    first = 0
    if len(text) > LONGEST:
        first = max(0, min(column - LONGEST // 2, len(text) - LONGEST))
    before, after = "... " * (first > 0), " ..." * (first + LONGEST < len(text))
    return f"  {before}{text[first : first + LONGEST]}{after}\n  {' ' * (len(before) + column - first)}^"
