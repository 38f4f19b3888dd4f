"""The forms of questions as data: each a pattern of a program and the sentences that ask it.

A template is words and slots: ``{the:thing}`` is "the red cup", ``{a:thing}`` "a red cup", ``{many:thing}`` "red cups".
The sentences are our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from groundling.language.questions.programs import (
    Compare,
    Count,
    Doors,
    Exist,
    Having,
    In,
    Logical,
    Nearer,
    Part,
    Program,
    Query,
    Related,
    Relation,
    Rooms,
    Things,
    Unique,
)

SlotKind = Literal["thing", "kind", "container", "room"]  # a thing with or without a color, without one, ...


@dataclass(frozen=True)
class Form:
    """One form of question.

    Attributes:
        name: of it, "color_room".
        type: of the questions that are counted together, "preposition" of three relations.
        pattern: the program, with a part named after each slot.
        slots: what each slot holds.
        wordings: templates of sentences that training may use, the first one canonical.
        held_out: templates of sentences that training never uses.
    """

    name: str
    type: str
    pattern: Program
    slots: tuple[tuple[str, SlotKind], ...]
    wordings: tuple[str, ...]
    held_out: tuple[str, ...]

    @cached_property
    def parts(self) -> dict[Part, str]:
        """The parts of the pattern that stand for slots, and the names of these."""
        return {_part(name, kind): name for name, kind in self.slots}


def _part(name: str, kind: SlotKind) -> Part:
    return Rooms(f"{{{name}}}") if kind == "room" else Things(f"{{{name}}}")


_THING, _ROOM, _CONTAINER = Things("{thing}"), Rooms("{room}"), Things("{container}")
_FIRST, _SECOND, _TARGET = Things("{first}"), Things("{second}"), Things("{target}")
_THE_ROOM: Final = Unique(_ROOM)
_IN_ROOM: tuple[str, SlotKind] = ("room", "room")


def _relation_forms(relation: Relation) -> list[Form]:
    """What is on, next to or under a thing, anywhere or in a room."""
    openings = ("what is", "what stands", "which thing is", "what do you see")
    plain = tuple(f"{opening} {relation} {{the:thing}} ?" for opening in openings)
    inside = tuple(f"{opening} {relation} {{the:thing}} in {{the:room}} ?" for opening in openings)
    word = relation.replace(" ", "_")
    return [
        Form(
            f"preposition_{word}",
            "preposition",
            Query("kind", Unique(Related(Things(), relation, Unique(_THING)))),
            (("thing", "thing"),),
            plain,
            (f"tell me what is {relation} {{the:thing}} .",),
        ),
        Form(
            f"preposition_room_{word}",
            "preposition_room",
            Query("kind", Unique(Related(Things(), relation, Unique(In(_THING, _THE_ROOM))))),
            (("thing", "thing"), _IN_ROOM),
            inside,
            (f"in {{the:room}} , what is {relation} {{the:thing}} ?",),
        ),
    ]


def _logical_form(joint: Literal["and", "or"]) -> Form:
    verb = "are" if joint == "and" else "is"
    pair = f"{{a:first}} {joint} {{a:second}}"
    return Form(
        f"logical_{joint}",
        "logical",
        Logical(joint, Exist(In(_FIRST, _THE_ROOM)), Exist(In(_SECOND, _THE_ROOM))),
        (("first", "thing"), ("second", "thing"), _IN_ROOM),
        (
            f"{verb} there {pair} in {{the:room}} ?",
            f"does {{the:room}} have {pair} ?",
            f"do you see {pair} in {{the:room}} ?",
            f"can you find {pair} in {{the:room}} ?",
        ),
        (f"in {{the:room}} , {verb} there {pair} ?",),
    )


def _distance_form(comparison: Literal["closer", "farther"]) -> Form:
    to = "to" if comparison == "closer" else "from"
    pair = f"{comparison} {to} {{the:first}} than {to} {{the:second}}"
    return Form(
        f"distance_{comparison}",
        "distance",
        Nearer(
            comparison,
            Unique(In(_TARGET, _THE_ROOM)),
            Unique(In(_FIRST, _THE_ROOM)),
            Unique(In(_SECOND, _THE_ROOM)),
        ),
        (("target", "thing"), ("first", "thing"), ("second", "thing"), _IN_ROOM),
        (
            f"in {{the:room}} , is {{the:target}} {pair} ?",
            f"is {{the:target}} in {{the:room}} {pair} ?",
            f"is {{the:target}} {pair} in {{the:room}} ?",
            f"does {{the:target}} in {{the:room}} stand {pair} ?",
        ),
        (f"in {{the:room}} , does {{the:target}} stand {pair} ?",),
    )


def _size_form(name: str, kind: SlotKind) -> Form:
    first, second = _part("first", kind), _part("second", kind)
    return Form(
        name,
        name,
        Compare("size", Unique(first), Unique(second)),
        (("first", kind), ("second", kind)),
        (
            "is {the:first} bigger than {the:second} ?",
            "is {the:second} smaller than {the:first} ?",
            "does {the:first} look bigger than {the:second} ?",
            "does {the:second} look smaller than {the:first} ?",
        ),
        ("is it {the:first} that is bigger than {the:second} ?",),
    )


FORMS: Final[tuple[Form, ...]] = (
    Form(
        "location",
        "location",
        Query("room", Unique(_THING)),
        (("thing", "thing"),),
        (
            "which room is {the:thing} in ?",
            "in which room is {the:thing} ?",
            "where in the house is {the:thing} ?",
            "what room has {the:thing} in it ?",
        ),
        ("tell me which room {the:thing} is in .",),
    ),
    Form(
        "color",
        "color",
        Query("color", Unique(_THING)),
        (("thing", "kind"),),
        (
            "what color is {the:thing} ?",
            "which color does {the:thing} have ?",
            "what is the color of {the:thing} ?",
            "tell me the color of {the:thing} .",
        ),
        ("tell me what color {the:thing} is .",),
    ),
    Form(
        "color_room",
        "color_room",
        Query("color", Unique(In(_THING, _THE_ROOM))),
        (("thing", "kind"), _IN_ROOM),
        (
            "what color is {the:thing} in {the:room} ?",
            "which color does {the:thing} in {the:room} have ?",
            "what is the color of {the:thing} in {the:room} ?",
            "in {the:room} , what color is {the:thing} ?",
        ),
        ("in {the:room} , what is the color of {the:thing} ?",),
    ),
    *(form for relation in ("on", "next to", "under") for form in _relation_forms(relation)),
    Form(
        "existence",
        "existence",
        Exist(In(_THING, _THE_ROOM)),
        (("thing", "thing"), _IN_ROOM),
        (
            "is there {a:thing} in {the:room} ?",
            "does {the:room} have {a:thing} ?",
            "do you see {a:thing} in {the:room} ?",
            "can you find {a:thing} in {the:room} ?",
        ),
        ("in {the:room} , is there {a:thing} ?",),
    ),
    _logical_form("and"),
    _logical_form("or"),
    Form(
        "count",
        "count",
        Count(In(_THING, _THE_ROOM)),
        (("thing", "thing"), _IN_ROOM),
        (
            "how many {many:thing} are in {the:room} ?",
            "how many {many:thing} does {the:room} have ?",
            "how many {many:thing} do you see in {the:room} ?",
            "count the {many:thing} in {the:room} .",
        ),
        ("in {the:room} , how many {many:thing} are there ?",),
    ),
    Form(
        "room_count",
        "room_count",
        Count(_ROOM),
        (_IN_ROOM,),
        (
            "how many {many:room} are there in the house ?",
            "how many {many:room} does the house have ?",
            "how many {many:room} are in the house ?",
            "count the {many:room} in the house .",
        ),
        ("in the house , how many {many:room} are there ?",),
    ),
    Form(
        "room_object_count",
        "room_object_count",
        Count(Having(_THING)),
        (("thing", "thing"),),
        (
            "how many rooms have {a:thing} ?",
            "how many rooms have {a:thing} in them ?",
            "in how many rooms is there {a:thing} ?",
            "count the rooms that have {a:thing} .",
        ),
        ("in how many rooms do you see {a:thing} ?",),
    ),
    _distance_form("closer"),
    _distance_form("farther"),
    Form(
        "containment",
        "containment",
        Exist(Related(_THING, "inside", Unique(_CONTAINER))),
        (("thing", "thing"), ("container", "container")),
        (
            "is there {a:thing} in {the:container} ?",
            "does {the:container} have {a:thing} in it ?",
            "do you see {a:thing} in {the:container} ?",
            "can you find {a:thing} in {the:container} ?",
        ),
        ("in {the:container} , is there {a:thing} ?",),
    ),
    Form(
        "compare_color",
        "compare_color",
        Compare("color", Unique(_FIRST), Unique(_SECOND)),
        (("first", "kind"), ("second", "kind")),
        (
            "are {the:first} and {the:second} the same color ?",
            "do {the:first} and {the:second} have the same color ?",
            "is the color of {the:first} the same as that of {the:second} ?",
            "does {the:first} have the color of {the:second} ?",
        ),
        ("is {the:first} the same color as {the:second} ?",),
    ),
    _size_form("compare_size", "thing"),
    _size_form("compare_room_size", "room"),
    Form(
        "state",
        "state",
        Query("open", Unique(Doors(_THE_ROOM))),
        (_IN_ROOM,),
        (
            "is the door to {the:room} open ?",
            "is the door of {the:room} open ?",
            "does the door to {the:room} stand open ?",
            "do you see that the door of {the:room} is open ?",
        ),
        ("does the door of {the:room} stand open ?",),
    ),
)
FORM_OF: Final = {form.name: form for form in FORMS}
TYPES: Final = tuple(dict.fromkeys(form.type for form in FORMS))


def template_words() -> tuple[str, ...]:
    """Every word of the templates once, the marks included, in the order of their first appearance."""
    templates = (template for form in FORMS for template in (*form.wordings, *form.held_out))
    told = (word for template in templates for word in template.split() if not word.startswith("{"))
    return tuple(dict.fromkeys(("the", "a", "an", *told)))
