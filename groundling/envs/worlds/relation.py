"""Relations of a task's own: words, and a question to the world of which things they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from groundling.envs.engine.floors import FLOORS, PLAIN_FLOOR
from groundling.errors import ConfigurationError

if TYPE_CHECKING:
    from groundling.envs.worlds.builder import WorldBuilder
    from groundling.envs.worlds.layout import Thing


class Relation(str):
    """A relation that a task brings: ``Relation("by the wall", lambda world, thing: thing.position[1] == 1)``.

    It is the words themselves (a ``str``), as they stand behind the name of an object: "the ball by the wall". What
    it holds of is found once, when an episode's world is finished, and does not change while it is played.

    Attributes:
        holds: of the world and a thing on the map, whether the relation holds. It must depend on nothing else.
        floor: of a relation that holds of all that is on such a floor (one of ``floors.FLOORS``), so that things can be
            asked to be put there (``PutIn``). Empty of others.

    Raises:
        ConfigurationError: if there are no words, nothing that can be asked, or no such floor.
    """

    holds: Callable[[WorldBuilder, Thing], bool]
    floor: str

    def __new__(cls, words: str, holds: Callable[[WorldBuilder, Thing], bool], *, floor: str = "") -> Relation:
        """The words, with what they mean."""
        if not isinstance(words, str) or not words.strip() or not callable(holds):
            raise ConfigurationError(
                f"a relation is words and a function of the world and a thing, got {words!r} and {holds!r}"
            )
        known = FLOORS[PLAIN_FLOOR + 1 :]
        if floor and floor not in known:
            raise ConfigurationError(f"{words!r} holds on one of the floors {', '.join(known)}, not on {floor!r}")
        own = super().__new__(cls, " ".join(words.lower().split()))
        own.holds, own.floor = holds, floor
        return own

    def __reduce__(self) -> tuple[Any, ...]:
        """It travels as its words: the task that declares it knows what they mean."""
        return str, (str(self),)
