"""The writer: walks a goal and fills templates. Which phrasing and which synonym to take, a ``Chooser`` decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Protocol

from groundling.language.goals import And, Goal, GoTo, Location, ObjectDescription, Open, PickUp, Then
from groundling.language.phrasings import CANONICAL, PHRASINGS
from groundling.language.synonyms import OBJECT, plural
from groundling.language.templates import REPEATED_SLOTS, Node, Phrasing, Request, Word

_JOINED = (And, Then)  # goals of several parts

_JOINED = (And, Then)  # goals of several parts


class Chooser(Protocol):
    """Decides between ways of saying the same."""

    def phrasing(self, phrasings: Sequence[Phrasing]) -> Phrasing:
        """One of these phrasings; the first is the canonical one."""
        ...

    def word(self, word: str) -> str:
        """The word itself or one of its synonyms."""
        ...


class Canonical:
    """Takes the canonical phrasing and the canonical word everywhere."""

    def phrasing(self, phrasings: Sequence[Phrasing]) -> Phrasing:
        """The first."""
        return phrasings[0]

    def word(self, word: str) -> str:
        """The word itself."""
        return word


def write(goal: Goal, chooser: Chooser) -> list[str]:
    """The words of a sentence for the goal, punctuation marks as words of their own."""
    words: list[str] = []
    _write_node(Request(goal), chooser, words)
    for place in range(len(words) - 1):
        if words[place] == "a" and words[place + 1][0] in "aeiou" and words[place + 1] != OBJECT:
            words[place] = "an"
    return words


def join_words(words: Sequence[str]) -> str:
    """Words as a sentence: no space before a punctuation mark."""
    return " ".join(words).replace(" ,", ",").replace(" ?", "?")


def _write_node(node: Node, chooser: Chooser, words: list[str], *, bare: bool = False) -> None:
    """Add the words of a node; ``bare`` where its phrasing must begin with a bare verb."""
    phrasing = chooser.phrasing(_fitting(node, bare))
    is_plural = _means_two(node)
    joined = node.parts if isinstance(node, _JOINED) else ()
    parts = iter(joined)
    for element in phrasing.elements_for(len(joined) or 1):
        if isinstance(element, Word):
            text = "are" if is_plural and element.text == "is" else element.text
            words.append(chooser.word(text) if element.replaceable else text)
            continue
        value = next(parts) if element.name in REPEATED_SLOTS else _value(node, element.name)
        if value is None:
            continue
        if isinstance(value, Location) or not isinstance(value, str):
            _write_node(value, chooser, words, bare=element.name not in ("goal", "excluded"))
        elif element.name in ("relation", "place"):
            words.extend(value.split())  # of a task's own, which has no other way of being said
        elif element.name == "types":
            words.append(plural(chooser.word(value)))
        else:
            words.append(chooser.word(value))


def _value(node: Node, slot: str) -> Node | str | None:
    """What stands in a slot: another node, or a word."""
    if isinstance(node, ObjectDescription):
        match slot:
            case "definite":
                return "the" if node.definite else "a"
            case "type" | "types":
                return node.type or OBJECT
            case "excluded":
                return replace(node, negated=False)
    elif isinstance(node, Request):
        return node.goal
    value: Node | str | None = getattr(node, slot)
    return value


def _means_two(node: Node) -> bool:
    match node:
        case ObjectDescription(both=both) | GoTo(ObjectDescription(both=both)):
            return both
        case PickUp(ObjectDescription(both=both)) | Open(ObjectDescription(both=both)):
            return both
        case _:
            return False


_PHRASINGS_OF: dict[type[object] | Location, list[Phrasing]] = {}
for _phrasing in (*CANONICAL, *PHRASINGS.values()):
    _PHRASINGS_OF.setdefault(_phrasing.of, []).append(_phrasing)
_OF_GOAL = {
    (kind, bare): tuple(phrasing for phrasing in phrasings if phrasing.bare or not bare)
    for kind, phrasings in _PHRASINGS_OF.items()
    for bare in (False, True)
}
_OF_MANY_PARTS = {bare: tuple(p for p in _OF_GOAL[Then, bare] if not p.two_only) for bare in (False, True)}
_UNSAID = {field.name: field.default for field in fields(ObjectDescription)}


def _fitting(node: Node, bare: bool) -> Sequence[Phrasing]:
    """The phrasings that can write this node, the canonical one first."""
    match node:
        case Location():
            return _PHRASINGS_OF[node]
        case ObjectDescription():
            return _fitting_description(node)
        case Then(parts) if len(parts) > 2:
            return _OF_MANY_PARTS[bare]
        case _:
            return _OF_GOAL[type(node), bare]


@lru_cache(maxsize=65_536)
def _fitting_description(description: ObjectDescription) -> tuple[Phrasing, ...]:
    return tuple(p for p in _PHRASINGS_OF[ObjectDescription] if _says_all(p, description))


def _says_all(phrasing: Phrasing, description: ObjectDescription) -> bool:
    """Whether the template's words and slots say all that the description does, and no more."""
    slots = {"type" if name == "types" else name: slot for name, slot in phrasing.slots.items()}
    for name, unsaid in _UNSAID.items():
        value = getattr(description, name)
        if name in phrasing.fixed:
            fits = value == phrasing.fixed[name]
        elif name in slots:
            fits = value is not None or not slots[name].required
        else:
            fits = value == unsaid or "excluded" in slots
        if not fits:
            return False
    return True
