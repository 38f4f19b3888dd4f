"""Wishes that cannot hold in any house are refused before one is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from groundling.envs.worlds.houses.stock import COLORS, ROOM_KINDS, SMALL_KINDS, THING_KINDS, rooms_of
from groundling.envs.worlds.houses.wishes import Wanted, Wishes
from groundling.envs.worlds.layout import Draws
from groundling.errors import ImpossibleWishError

MAX_BESIDE = 4


def check_wishes(wishes: Wishes, colors: Sequence[str] = COLORS) -> None:
    """Refuse wishes that contradict each other or what things are.

    Raises:
        ImpossibleWishError: naming the wish and what would work.
    """
    for kind, count in wishes.rooms.items():
        _check_room(kind)
        if count < 0:
            raise ImpossibleWishError(f"a house cannot have {count} rooms of the kind {kind!r}: 0 keeps it out")
    for kind in wishes.larger or ():
        if not wishes.rooms.get(kind) or wishes.larger == (kind, kind):
            raise ImpossibleWishError(
                f"larger={wishes.larger} compares two kinds of rooms: ask for both in rooms={{...}}"
            )
    for forbidden in wishes.forbidden:
        _check_kind(forbidden.kind)
        if forbidden.room:
            _check_room(forbidden.room)
    for row, wanted in enumerate(wishes.wanted):
        _check_kind(wanted.kind)
        if wanted.color and wanted.color not in colors:
            raise ImpossibleWishError(f"{wanted} has none of the colors of these houses, {', '.join(colors)}")
        if wanted.copies < 1:
            raise ImpossibleWishError(f"{wanted} has no copies: to have none, forbid it")
        if wanted.size not in ("", "small", "big"):
            raise ImpossibleWishError(f"{wanted} has a size that is not 'small', 'big' or ''")
        if wanted.size and THING_KINDS[wanted.kind].is_container:
            raise ImpossibleWishError(f"{wanted}: a container is open or closed and has no size, leave it out")
        if wanted.room:
            _check_room(wanted.room)
            if wishes.rooms.get(wanted.room) == 0:
                raise ImpossibleWishError(f"{wanted} is to be in a {wanted.room}, of which there are to be 0")
        _check_place(wishes, row, wanted)


def _check_place(wishes: Wishes, row: int, wanted: Wanted) -> None:
    if (wanted.place == "") != (wanted.anchor is None):
        raise ImpossibleWishError(f"{wanted} needs both a place and an anchor, or neither")
    if wanted.anchor is None:
        return
    if not 0 <= wanted.anchor < row:
        raise ImpossibleWishError(f"{wanted} needs an earlier wish as its anchor, 0 to {row - 1}")
    anchor = wishes.wanted[wanted.anchor]
    if anchor.copies != 1:
        raise ImpossibleWishError(f"{wanted} needs an anchor of one copy, not {anchor.copies}")
    if wanted.room and anchor.room and wanted.room != anchor.room:
        raise ImpossibleWishError(f"{wanted} cannot be {wanted.place} what is in the {anchor.room}")
    if wanted.place == "next to":
        if anchor.place in ("on", "inside"):
            raise ImpossibleWishError(f"{wanted} needs an anchor that stands on the floor")
        rivals = sum(w.copies for w in wishes.wanted if w.anchor == wanted.anchor and w.place == "next to")
        if rivals >= MAX_BESIDE:
            raise ImpossibleWishError(f"{rivals} things next to a {anchor.kind} leave no way to it: at most 3 can be")
        return
    own = THING_KINDS[anchor.kind]
    if not (own.is_surface if wanted.place == "on" else own.is_container):
        names = [k for k, o in THING_KINDS.items() if (o.is_surface if wanted.place == "on" else o.is_container)]
        raise ImpossibleWishError(
            f"nothing can be {wanted.place} a {anchor.kind}: take one of {', '.join(names)} as the anchor"
        )
    if wanted.kind not in SMALL_KINDS:
        raise ImpossibleWishError(
            f"a {wanted.kind} cannot be {wanted.place} anything: take one of {', '.join(SMALL_KINDS)}"
        )
    rivals = sum(w.copies for w in wishes.wanted if w.anchor == wanted.anchor and w.place == wanted.place)
    if rivals > 1:
        raise ImpossibleWishError(f"one thing can be {wanted.place} a {anchor.kind}, not {rivals}")


def kinds_needed(wishes: Wishes, draws: Draws) -> tuple[Counter[str], list[str]]:
    """How many rooms of each kind the wishes need, and the kind of room of each wanted thing.

    Raises:
        ImpossibleWishError: if a wanted thing has no kind of room left.
    """
    needed = Counter({kind: count for kind, count in wishes.rooms.items() if count})
    chosen: list[str] = []
    told = _rooms_told(wishes)
    for row, wanted in enumerate(wishes.wanted):
        if wanted.anchor is not None:
            chosen.append(chosen[wanted.anchor])
            continue
        room = told[row]
        if not room:
            options = [
                kind
                for kind in rooms_of(wanted.kind)
                if wishes.rooms.get(kind) != 0
                and not any(f.kind == wanted.kind and f.room == kind for f in wishes.forbidden)
            ]
            if not options:
                raise ImpossibleWishError(
                    f"{wanted} belongs in {', '.join(rooms_of(wanted.kind)) or 'no room'}, which the other wishes "
                    "keep out: name its room, or allow one of these"
                )
            options = [kind for kind in options if kind in needed] or options
            room = options[draws.below(len(options))]
        if room not in wishes.rooms:
            needed[room] = max(needed[room], 1)
        chosen.append(room)
    return needed, chosen


def _rooms_told(wishes: Wishes) -> list[str]:
    """The kind of room that each wish names, itself or by what is on, in or next to it."""
    told = [wanted.room for wanted in wishes.wanted]
    for row in reversed(range(len(told))):
        anchor = wishes.wanted[row].anchor
        if anchor is not None:
            told[anchor] = told[anchor] or told[row]
    return told


def _check_kind(kind: str) -> None:
    if kind not in THING_KINDS:
        raise ImpossibleWishError(f"houses have no {kind!r}: take one of {', '.join(THING_KINDS)}")


def _check_room(kind: str) -> None:
    if kind not in ROOM_KINDS:
        raise ImpossibleWishError(f"houses have no room of the kind {kind!r}: take one of {', '.join(ROOM_KINDS)}")
