"""The grammar of BabyAI's single clauses: ``render`` writes a goal as BabyAI's sentence, ``parse`` reads it back.

    goal        = "go to" object | "pick up" object | "open" object | "put" object "next to" object
    object      = ("a" | "the") [color] (type | "object") [location]
    location    = "on your left" | "on your right" | "in front of you" | "behind you"

Source: Chevalier-Boisvert et al. 2019, arXiv:1810.08272, section 3.2; the texts are those of ``minigrid``'s verifier.
Strictness is a rule of the level, not a word of the sentence: a parsed goal is never strict.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundling.errors import InstructionError
from groundling.language.goals import (
    Color,
    Goal,
    GoTo,
    Location,
    ObjectDescription,
    ObjectType,
    Open,
    PickUp,
    PutNextTo,
)

LOCATION_PHRASES: dict[Location, tuple[str, ...]] = {
    Location.LEFT: ("on", "your", "left"),
    Location.RIGHT: ("on", "your", "right"),
    Location.FRONT: ("in", "front", "of", "you"),
    Location.BEHIND: ("behind", "you"),
}


def render(goal: Goal) -> str:
    """The goal as BabyAI's sentence, for example ``"put the red ball next to a box"``."""
    match goal:
        case GoTo(target):
            return f"go to {render_description(target)}"
        case PickUp(target):
            return f"pick up {render_description(target)}"
        case Open(target):
            return f"open {render_description(target)}"
        case PutNextTo(moved, fixed):
            return f"put {render_description(moved)} next to {render_description(fixed)}"


def render_description(description: ObjectDescription) -> str:
    """An object's phrase, for example ``"the red ball on your left"``."""
    words = ["the" if description.definite else "a"]
    if description.color is not None:
        words.append(description.color)
    words.append(description.type or "object")
    if description.location is not None:
        words.extend(LOCATION_PHRASES[description.location])
    return " ".join(words)


def parse(text: str) -> Goal:
    """Read one clause back into its goal: ``parse(render(goal)) == goal`` for every goal that is not strict.

    Raises:
        InstructionError: if the text is not a single clause of the grammar; the message points at the word.
    """
    reader = _Reader(text)
    goal: Goal
    if reader.accept("go", "to"):
        goal = GoTo(reader.description())
    elif reader.accept("pick", "up"):
        goal = PickUp(reader.description())
    elif reader.accept("open"):
        goal = Open(reader.description())
    elif reader.accept("put"):
        moved = reader.description()
        reader.expect("next", "to")
        goal = PutNextTo(moved, reader.description())
    else:
        raise reader.error("expected 'go to', 'pick up', 'open' or 'put'")
    if reader.rest:
        raise reader.error("expected the end of the sentence")
    return goal


class _Reader:
    """A cursor over the words of a sentence."""

    def __init__(self, text: str) -> None:
        self.words = text.split()
        self.position = 0

    @property
    def rest(self) -> Sequence[str]:
        return self.words[self.position :]

    def accept(self, *words: str) -> bool:
        """Step over the words if they come next."""
        if tuple(self.rest[: len(words)]) != words:
            return False
        self.position += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            raise self.error(f"expected {' '.join(words)!r}")

    def description(self) -> ObjectDescription:
        definite = self.accept("the")
        if not definite and not self.accept("a"):
            raise self.error("expected 'a' or 'the'")
        color = next((c for c in Color if self.accept(c)), None)
        type_ = next((t for t in ObjectType if self.accept(t)), None)
        if type_ is None and not self.accept("object"):
            raise self.error(f"expected one of {', '.join(ObjectType)}, object")
        location = next((place for place, words in LOCATION_PHRASES.items() if self.accept(*words)), None)
        return ObjectDescription(type_, color, location, definite)

    def error(self, expectation: str) -> InstructionError:
        text = " ".join(self.words)
        column = len(" ".join(self.words[: self.position])) + (self.position > 0)
        return InstructionError(
            f"cannot read this instruction: {expectation} at the mark\n  {text}\n  {' ' * column}^\n"
            "Groundling reads single clauses of BabyAI's language (go to, pick up, open, put next to)."
        )
