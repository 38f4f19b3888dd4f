"""TextWorld as simulators, one class for each kind of games; they run in worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from groundling.envs.families.textworld.games import game_file
from groundling.envs.families.textworld.names import (
    COMMAND_TOKENS,
    COMMANDS,
    INSTRUCTION_TOKENS,
    SCENE_TEXTS,
    SCENE_TOKENS,
    VARIANTS,
    Variant,
)
from groundling.envs.families.textworld.scenes import Player, Scene
from groundling.envs.families.textworld.wording import token_ids, vocabulary
from groundling.interfaces import ACTION_MASK, ACTION_TEXTS, DOCUMENT, TOKENS, Field, Spec, Step

GAMES: Final = 64  # of a split
EXPERT_KEY: Final = "expert_action"  # beside the fields of an observation: the action to be taken, -1 if none is known


def make_spec() -> Spec:
    """What an agent in any of the games is built for; the words are those of all games."""
    size = len(vocabulary())
    fields = {
        "text": Field((SCENE_TEXTS, SCENE_TOKENS), "int32", DOCUMENT, size),
        "commands": Field((COMMANDS, COMMAND_TOKENS), "int32", ACTION_TEXTS, size),
        "action_mask": Field((COMMANDS,), "int8", ACTION_MASK, 2),
        "instruction": Field((INSTRUCTION_TOKENS,), "int32", TOKENS, size),
    }
    return Spec(fields, tuple(f"command {number}" for number in range(COMMANDS)), vocabulary())


class TextWorldSimulator:
    """Games of one kind; the options of ``reset`` may say how many there are of a split (``games``).

    An action is the number of a command among those that are admissible, in alphabetical order. If there are more than
    48, the last are left out. The number of an action that is not open does nothing and takes a step.

    Attributes:
        variant: the kind of games.
        scene: what is seen.
    """

    variant: ClassVar[Variant]
    spec: Spec
    description: str
    scene: Scene

    def __init__(self) -> None:
        self.spec = make_spec()
        self.description = self.variant.description
        self._player = Player()
        self._steps = 0

    def reset(self, seed: int, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Begin the game of a seed: seeds are numbers of games, counted around.

        Raises:
            MissingSimulatorError: if TextWorld is not installed.
        """
        number = seed % int(options.get("games", GAMES))
        self._steps = 0
        self.scene = self._player.begin(game_file(self.variant, str(options.get("split", "train")), number))
        return self._observed()

    def step(self, action: int) -> Step:
        """Give a command; the reward is what it adds to the score."""
        before = self.scene
        if action < len(before.commands):
            self.scene = self._player.act(before.commands[action])
        self._steps += 1
        now = self.scene
        terminated = now.won or now.lost
        truncated = not terminated and self._steps >= self.variant.max_steps
        return Step(self._observed(), now.score - before.score, terminated, truncated, now.won)

    def close(self) -> None:
        """End the engine."""
        self._player.close()

    def _observed(self) -> dict[str, Any]:
        scene = self.scene
        commands = scene.commands[:COMMANDS]
        told = np.zeros((COMMANDS, COMMAND_TOKENS), dtype=np.int32)
        for row, command in enumerate(commands):
            told[row] = token_ids(command, COMMAND_TOKENS)
        return {
            "text": np.stack([token_ids(text, SCENE_TOKENS) for text in scene.texts]),
            "commands": told,
            "action_mask": (np.arange(COMMANDS) < max(1, len(commands))).astype(np.int8),
            "instruction": token_ids(scene.instruction, INSTRUCTION_TOKENS),
            EXPERT_KEY: commands.index(scene.right) if scene.right in commands else -1,
        }


class Coin(TextWorldSimulator):
    """Coins to be found."""

    variant = VARIANTS["groundling/TextWorld-Coin-v0"]


class Treasure(TextWorldSimulator):
    """Things to be found."""

    variant = VARIANTS["groundling/TextWorld-Treasure-v0"]


class Cooking(TextWorldSimulator):
    """Meals."""

    variant = VARIANTS["groundling/TextWorld-Cooking-v0"]


class Household(TextWorldSimulator):
    """Things to be put somewhere."""

    variant = VARIANTS["groundling/TextWorld-Household-v0"]


SIMULATORS: Final[Mapping[str, type[TextWorldSimulator]]] = {
    kind.variant.id: kind for kind in (Coin, Treasure, Cooking, Household)
}
