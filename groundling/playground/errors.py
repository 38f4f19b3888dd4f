"""What a person is told when the playground cannot do what the page asked for."""

from __future__ import annotations

from groundling.errors import GroundlingError


class PlaygroundError(GroundlingError, ValueError):
    """A request of the page that cannot be fulfilled; the message is one sentence for the person."""


def in_words(error: Exception) -> str:
    """An error as a sentence for the page: its lines joined, without marks below columns of the terminal."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(error).splitlines()
    mark = next((row for row, line in enumerate(lines) if row and line.strip() == "^"), None)
    if mark is not None:
        text, column = lines[mark - 1], lines[mark].index("^")
        word = text[column:].split(" ")[0]
        lines = [line.replace("at the mark", f"at “{word}”" if word else "at the end") for line in lines[: mark - 1]]
        lines += str(error).splitlines()[mark + 1 :]
    return " ".join(" ".join(lines).split())
