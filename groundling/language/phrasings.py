"""The words of the language as data: canonical phrasings, paraphrases and synonyms. No code reads or writes text here.

A template is words and slots. ``{slot}`` is a part of the goal, ``{color!}`` one that must be there, ``<go>`` a word
that a synonym may replace. A sequence of more parts repeats what stands between its two slots. "is" becomes "are" where
two objects are meant, "a" becomes "an" before a vowel (except in BabyAI's own "a object").
"""

from __future__ import annotations

from collections.abc import Iterable

from groundling.language.goals import (
    After,
    And,
    Color,
    GoTo,
    GoToMatch,
    Location,
    NextTo,
    ObjectDescription,
    Open,
    PickUp,
    PutIn,
    PutNear,
    PutNextTo,
    Size,
    Then,
    UnlockAndGoToGoal,
)
from groundling.language.synonyms import NOUNS, SYNONYMS, plural, synonyms_of
from groundling.language.templates import Phrasing, Request

_ONE = {"both": False, "negated": False}
_THE = {**_ONE, "definite": True}
_TWO = {"both": True, "negated": False, "definite": True}
_NOT = {"both": False, "negated": True}

# BabyAI's and MiniGrid's own sentences, and in the same style what they lack: one for each kind of thing to be said.
CANONICAL: tuple[Phrasing, ...] = (
    Phrasing("go to", GoTo, "<go> to {target}"),
    Phrasing("pick up", PickUp, "pick up {target}"),
    Phrasing("open", Open, "<open> {target}"),
    Phrasing("put next to", PutNextTo, "<put> {moved} next to {fixed}"),
    Phrasing("put near", PutNear, "<put> {moved} near {fixed}"),
    Phrasing("put in", PutIn, "<put> {moved} {place}"),
    Phrasing("go to the match", GoToMatch, "<go> to the <matching> <object> at the end of the <hallway>"),
    Phrasing(
        "unlock and go to the goal",
        UnlockAndGoToGoal,
        "<get> the {key} <key> from the {room} <room>, <unlock> the {door} <door> and <go> to the <goal>",
    ),
    Phrasing("and", And, "{clause} and {clause}"),
    Phrasing("then", Then, "{step}, then {step}"),
    Phrasing("after", After, "{last} after you {first}"),
    Phrasing("one object", ObjectDescription, "{definite} {size} {color} {type} {location} {relation}", fixed=_ONE),
    Phrasing("both objects", ObjectDescription, "both {color} {types} {location} {relation}", fixed=_TWO),
    Phrasing("not", ObjectDescription, "something that is not {excluded}", fixed=_NOT),
    Phrasing("on your left", Location.LEFT, "on your left"),
    Phrasing("on your right", Location.RIGHT, "on your right"),
    Phrasing("in front of you", Location.FRONT, "in front of you"),
    Phrasing("behind you", Location.BEHIND, "behind you"),
    Phrasing("next to", NextTo, "next to {neighbor}"),
    Phrasing("plain", Request, "{goal}"),
)

_PARAPHRASES: tuple[Phrasing, ...] = (
    # go to
    Phrasing("go over to", GoTo, "<go> over to {target}"),
    Phrasing("go up to", GoTo, "<go> up to {target}"),
    Phrasing("go to where it is", GoTo, "<go> to where {target} is"),
    Phrasing("make your way to", GoTo, "make your way to {target}"),
    Phrasing("make your way over to", GoTo, "make your way over to {target}"),
    Phrasing("approach", GoTo, "approach {target}"),
    Phrasing("find", GoTo, "<find> {target}"),
    Phrasing("reach", GoTo, "reach {target}"),
    Phrasing("visit", GoTo, "visit {target}"),
    Phrasing("what you should find", GoTo, "what you should <find> is {target}", bare=False),
    Phrasing("is where you should go", GoTo, "{target} is where you should <go>", bare=False),
    # pick up; "get", "go get", "fetch", "go fetch" and "you must fetch" are MiniGrid's Fetch
    Phrasing("get", PickUp, "<get> {target}"),
    Phrasing("go get", PickUp, "go get {target}"),
    Phrasing("fetch", PickUp, "<fetch> {target}"),
    Phrasing("go fetch", PickUp, "go fetch {target}"),
    Phrasing("go pick up", PickUp, "go pick up {target}"),
    Phrasing("grab", PickUp, "<grab> {target}"),
    Phrasing("take", PickUp, "take {target}"),
    Phrasing("lift", PickUp, "<lift> {target}"),
    Phrasing("collect", PickUp, "<collect> {target}"),
    Phrasing("pick it up", PickUp, "pick {target} up"),
    Phrasing("must be picked up", PickUp, "{target} must be picked up", bare=False),
    Phrasing("what you should take", PickUp, "what you should take is {target}", bare=False),
    Phrasing("is what you should pick up", PickUp, "{target} is what you should pick up", bare=False),
    # open
    Phrasing("open up", Open, "open up {target}"),
    Phrasing("go open", Open, "go open {target}"),
    Phrasing("pull open", Open, "pull open {target}"),
    Phrasing("push open", Open, "push open {target}"),
    Phrasing("pull it open", Open, "pull {target} open"),
    Phrasing("make sure it is open", Open, "make sure {target} is open"),
    Phrasing("must be opened", Open, "{target} must be opened", bare=False),
    Phrasing("what you should open", Open, "what you should <open> is {target}", bare=False),
    Phrasing("is what you should open", Open, "{target} is what you should <open>", bare=False),
    # put next to
    Phrasing("put beside", PutNextTo, "<put> {moved} beside {fixed}"),
    Phrasing("put down next to", PutNextTo, "put {moved} down next to {fixed}"),
    Phrasing("put alongside", PutNextTo, "<put> {moved} alongside {fixed}"),
    Phrasing("put adjacent to", PutNextTo, "<put> {moved} adjacent to {fixed}"),
    Phrasing("drop next to", PutNextTo, "<drop> {moved} next to {fixed}"),
    Phrasing("drop beside", PutNextTo, "<drop> {moved} beside {fixed}"),
    Phrasing("make sure it is beside", PutNextTo, "make sure {moved} is beside {fixed}"),
    Phrasing("must be put next to", PutNextTo, "{moved} must be put next to {fixed}", bare=False),
    Phrasing("beside it, put", PutNextTo, "beside {fixed}, <put> {moved}", bare=False),
    Phrasing("next to it, put", PutNextTo, "next to {fixed}, <put> {moved}", bare=False),
    # put near
    Phrasing("put close to", PutNear, "<put> {moved} close to {fixed}"),
    Phrasing("put down near", PutNear, "put {moved} down near {fixed}"),
    Phrasing("put in the vicinity of", PutNear, "<put> {moved} in the vicinity of {fixed}"),
    Phrasing("drop near", PutNear, "<drop> {moved} near {fixed}"),
    Phrasing("drop close to", PutNear, "<drop> {moved} close to {fixed}"),
    Phrasing("make sure it is near", PutNear, "make sure {moved} is near {fixed}"),
    Phrasing("must be put near", PutNear, "{moved} must be put near {fixed}", bare=False),
    Phrasing("close to it, put", PutNear, "close to {fixed}, <put> {moved}", bare=False),
    Phrasing("near it, put", PutNear, "near {fixed}, <put> {moved}", bare=False),
    # put in
    Phrasing("put down in", PutIn, "put {moved} down {place}"),
    Phrasing("drop in", PutIn, "<drop> {moved} {place}"),
    Phrasing("make sure it is in", PutIn, "make sure {moved} is {place}"),
    Phrasing("must be put in", PutIn, "{moved} must be put {place}", bare=False),
    # go to the match
    Phrasing("find the match", GoToMatch, "<find> the <matching> <object> at the end of the <hallway>"),
    Phrasing("go down the hallway", GoToMatch, "<go> down the <hallway> to the <matching> <object>"),
    Phrasing(
        "at the end of the hallway, find",
        GoToMatch,
        "at the end of the <hallway>, <find> the <matching> <object>",
        bare=False,
    ),
    Phrasing(
        "at the end of the hallway, go to",
        GoToMatch,
        "at the end of the <hallway>, <go> to the <matching> <object>",
        bare=False,
    ),
    Phrasing("go to the end", GoToMatch, "<go> to the end of the <hallway> where the <matching> <object> is"),
    Phrasing("go down to the end", GoToMatch, "<go> down to the end of the <hallway> where the <matching> <object> is"),
    # unlock and go to the goal
    Phrasing(
        "take the key from the room",
        UnlockAndGoToGoal,
        "take the {key} <key> from the {room} <room>, <unlock> the {door} <door> and reach the <goal>",
    ),
    Phrasing(
        "fetch the key that is in the room",
        UnlockAndGoToGoal,
        "<fetch> the {key} <key> that is in the {room} <room>, then <unlock> the {door} <door> and <go> to the <goal>",
    ),
    Phrasing(
        "unlock with the key",
        UnlockAndGoToGoal,
        "<unlock> the {door} <door> with the {key} <key> from the {room} <room> and <go> to the <goal>",
    ),
    Phrasing(
        "unlock with the key that is in the room",
        UnlockAndGoToGoal,
        "<unlock> the {door} <door> with the {key} <key> that is in the {room} <room> and reach the <goal>",
    ),
    # and
    Phrasing("and also", And, "{clause} and also {clause}"),
    Phrasing("comma, and also", And, "{clause}, and also {clause}"),
    Phrasing("in any order at the end", And, "{clause} and {clause} in any order"),
    Phrasing("in any order at the start", And, "in any order, {clause} and {clause}", bare=False),
    # then
    Phrasing("and then", Then, "{step} and then {step}"),
    Phrasing("first, then", Then, "first {step}, then {step}"),
    Phrasing("first, and then", Then, "first {step} and then {step}"),
    Phrasing("and after that", Then, "{step}, and after that {step}"),
    Phrasing("afterwards", Then, "{step}, afterwards {step}"),
    Phrasing("before you, in order", Then, "{step} before you {step}", two_only=True),
    Phrasing("after you, in order", Then, "after you {step}, {step}", bare=False, two_only=True),
    # after: the later step is named first
    Phrasing("but first", After, "{last}, but first {first}"),
    Phrasing("only after", After, "{last} only after you {first}"),
    Phrasing("before you", After, "before you {last}, {first}", bare=False),
    Phrasing("but before that", After, "{last}, but before that {first}"),
    # objects
    Phrasing(
        "of the objects", ObjectDescription, "the {size!} of the {color} {types} {location} {relation}", fixed=_THE
    ),
    Phrasing(
        "that is at a place",
        ObjectDescription,
        "{definite} {size} {color} {type} that is {location!} {relation}",
        fixed=_ONE,
    ),
    Phrasing(
        "that is of a color", ObjectDescription, "{definite} {size} {type} {location} that is {color!}", fixed=_ONE
    ),
    Phrasing(
        "that is in a relation",
        ObjectDescription,
        "{definite} {size} {color} {type} {location} that is {relation!}",
        fixed=_ONE,
    ),
    Phrasing("the two", ObjectDescription, "the two {color} {types} {location} {relation}", fixed=_TWO),
    Phrasing("the pair of", ObjectDescription, "the pair of {color} {types} {location} {relation}", fixed=_TWO),
    Phrasing("both of the", ObjectDescription, "both of the {color} {types} {location} {relation}", fixed=_TWO),
    Phrasing("anything but", ObjectDescription, "anything but {excluded}", fixed=_NOT),
    Phrasing("something other than", ObjectDescription, "something other than {excluded}", fixed=_NOT),
    Phrasing("anything other than", ObjectDescription, "anything other than {excluded}", fixed=_NOT),
    Phrasing("anything that is not", ObjectDescription, "anything that is not {excluded}", fixed=_NOT),
    # places
    Phrasing("to your left", Location.LEFT, "to your left"),
    Phrasing("on the left of you", Location.LEFT, "on the left of you"),
    Phrasing("to the left of you", Location.LEFT, "to the left of you"),
    Phrasing("to your right", Location.RIGHT, "to your right"),
    Phrasing("on the right of you", Location.RIGHT, "on the right of you"),
    Phrasing("to the right of you", Location.RIGHT, "to the right of you"),
    Phrasing("ahead of you", Location.FRONT, "ahead of you"),
    Phrasing("in front", Location.FRONT, "in front"),
    Phrasing("at your back", Location.BEHIND, "at your back"),
    Phrasing("in back of you", Location.BEHIND, "in back of you"),
    # relations; of "put", no object is told by one, since "next to" stands there for what is to be done
    Phrasing("beside", NextTo, "beside {neighbor}"),
    Phrasing("adjacent to", NextTo, "adjacent to {neighbor}"),
    # how politely
    Phrasing("please", Request, "please {request}"),
    Phrasing("please at the end", Request, "{request}, please"),
    Phrasing("could you", Request, "could you {request}?"),
    Phrasing("could you please", Request, "could you please {request}?"),
    Phrasing("would you", Request, "would you {request}?"),
    Phrasing("I want you to", Request, "I want you to {request}"),
    Phrasing("I would like you to", Request, "I would like you to {request}"),
    Phrasing("I need you to", Request, "I need you to {request}"),
    Phrasing("you must", Request, "you must {request}"),
    Phrasing("you should", Request, "you should {request}"),
    Phrasing("you need to", Request, "you need to {request}"),
    Phrasing("your task is to", Request, "your task is to {request}"),
)

PHRASINGS: dict[str, Phrasing] = {phrasing.name: phrasing for phrasing in _PARAPHRASES}


def words_of(phrasings: Iterable[Phrasing]) -> tuple[str, ...]:
    """Every word of these templates once, in the order of their first appearance; punctuation is left out."""
    return tuple(dict.fromkeys(word for phrasing in phrasings for word in phrasing.words if word.isalpha()))


def all_words() -> tuple[str, ...]:
    """Every word of the language once: of canonical templates, names, paraphrases, synonyms, plurals, punctuation."""
    nouns = (noun for word in NOUNS for noun in (word, *synonyms_of(word)))
    words = [
        *(*words_of(CANONICAL), "the", "a", "an", "are", *NOUNS, *Color, *Size),
        *(*words_of(PHRASINGS.values()), *SYNONYMS, *map(plural, nouns), *",.;!?"),
    ]
    return tuple(dict.fromkeys(map(str, words)))
