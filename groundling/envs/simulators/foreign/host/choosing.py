"""Which episodes are wanted, by phrases in the text that they begin with."""

from __future__ import annotations

import re
from typing import Any

SEEDS = 2**31
MOST_RESETS = 1000  # in search of an episode that is wanted


def holds(text: str, phrase: str) -> bool:
    """Whether a text has the words of a phrase, side by side and in this order; case and spaces do not matter."""
    words = r"\s+".join(map(re.escape, phrase.lower().split()))
    return re.search(r"(?<!\w)" + words + r"(?!\w)", text.lower()) is not None


def is_chosen(text: str, choose: dict[str, Any]) -> bool:
    """Whether a text holds one of the phrases ``with``, if there are any, and none of those ``without``."""
    wanted, unwanted = choose.get("with", ()), choose.get("without", ())
    return (not wanted or any(holds(text, part) for part in wanted)) and not any(holds(text, p) for p in unwanted)


def told_choice(choose: Any) -> str:
    """The choice in words."""
    parts = [f"{name} {', '.join(choose[name])}" for name in ("with", "without") if choose.get(name)]
    return "a text " + " and ".join(parts)


def following_seed(seed: Any) -> Any:
    """Another seed, which follows from one; None of None."""
    return None if seed is None else (seed * 1103515245 + 12345) % SEEDS
