"""A simulator of your own: a crane on a rail, told which of three crates to take.

groundling train --task examples/add_a_simulator.py:Crane --agent.vision vector --num-envs 128
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from groundling.interfaces import TOKENS, VECTOR, Field, Spec, Step
from groundling.language.vocabulary import Vocabulary

COLORS = ("red", "green", "blue")
WORDS = Vocabulary.of(["take", "the", "crate", *COLORS])
LENGTH, MAX_STEPS = 8, 24


class Crane:
    """Three crates stand at different places of a rail of 8; success is gripping over the one that is named."""

    description = "Move the crane over the crate of the named color and grip"
    spec = Spec(
        {"places": Field((4,), "float32", VECTOR), "sentence": Field((4,), "int32", TOKENS, len(WORDS))},
        ("left", "right", "grip"),
        WORDS,
    )

    def reset(self, seed: int, options: Mapping[str, Any]) -> dict[str, Any]:
        """The episode of a seed; training and tests have different ones."""
        rng = np.random.default_rng([seed, options["split"] == "train"])
        self.crates, self.crane = rng.permutation(LENGTH)[:3], int(rng.integers(LENGTH))
        self.goal, self.steps = int(rng.integers(3)), 0
        return self.seen()

    def seen(self) -> dict[str, Any]:
        """How far each crate is from the crane, and where that is; the sentence as text, which becomes token ids."""
        places = np.array([*(self.crates - self.crane), self.crane], dtype=np.float32) / LENGTH
        return {"places": places, "sentence": f"take the {COLORS[self.goal]} crate"}

    def step(self, action: int) -> Step:
        """Move, or grip, which ends the episode."""
        self.steps += 1
        self.crane = int(np.clip(self.crane + (-1, 1, 0)[action], 0, LENGTH - 1))
        gripped = action == 2
        success = gripped and self.crane == self.crates[self.goal]
        return Step(self.seen(), float(success), gripped, self.steps == MAX_STEPS and not gripped, success)

    def close(self) -> None:
        """Nothing is open."""
