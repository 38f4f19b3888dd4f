"""A simulator of one's own: a number to be counted up or down to, told in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from groundling.interfaces import CATEGORY, TOKENS, Field, Spec, Step
from groundling.language.vocabulary import Vocabulary

NUMBERS = ("zero", "one", "two", "three", "four")
WORDS = Vocabulary.of(["count", "to", *NUMBERS])


class Counter:
    description = "Count to the number that the sentence names"
    spec = Spec(
        {"number": Field((), "int64", CATEGORY, 5), "sentence": Field((3,), "int32", TOKENS, len(WORDS))},
        ("down", "up", "done"),
        WORDS,
    )

    def reset(self, seed: int, options: Mapping[str, Any]) -> dict[str, Any]:
        rng = np.random.default_rng([seed, options["split"] == "train"])
        self.number, self.goal = (int(value) for value in rng.integers(5, size=2))
        self.steps = 0
        return self.seen()

    def seen(self) -> dict[str, Any]:
        return {"number": self.number, "sentence": f"count to {NUMBERS[self.goal]}"}

    def step(self, action: int) -> Step:
        self.steps += 1
        self.number = min(max(self.number + (-1, 1, 0)[action], 0), 4)
        success = action == 2 and self.number == self.goal
        return Step(self.seen(), float(success), action == 2, self.steps == 12 and action != 2, success)

    def close(self) -> None:
        pass
