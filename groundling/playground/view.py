"""What the page is told of a tab: plain values, with pictures as data URLs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from groundling.eval.watching import how_it_ended
from groundling.playground.episodes import EpisodeWorld
from groundling.playground.pictures import data_url
from groundling.playground.session import Session
from groundling.playground.understanding import alternatives

DIGITS: Final = 4
MOST_ACTIONS_SHOWN: Final = 10  # of a world with many, the likeliest ones
MOST_VALUES: Final = 400


def state_of(session: Session, *, shows_first_person: bool = False) -> dict[str, Any]:
    """The state of a tab.

    Args:
        session: of the tab.
        shows_first_person: whether the camera at the agent's eyes is drawn in place of what the agent is given.
    """
    world, thought = session.world, session.thought
    above, inside = world.above(), world.first_person() if shows_first_person else world.inside()
    ending = world.ending
    is_editable = isinstance(world, EpisodeWorld)
    return {
        "kind": "state",
        "scene": session.scene.to_dict(),
        "description": world.family.description,
        "steps": world.steps,
        "limit": world.limit,
        "sentence": world.sentence,
        "meaning": world.meaning,
        "suggestions": session.suggestions,
        "manual": list(world.manual),
        "has_manual": bool(world.manual) or bool(world.spec.keys_of("document")),
        "actions": list(world.spec.actions),
        "hint": session.hint,
        "last": session.last,
        "above": None if above is None else data_url(above),
        "inside": None if inside is None else data_url(inside),
        "is_first_person": shows_first_person,
        "is_square": inside is not None and inside.shape[0] == inside.shape[1],
        "size": world.size,
        "things": [asdict(thing) for thing in world.things()],
        "carried": world.carried if isinstance(world, EpisodeWorld) else "",
        "colors": list(world.colors) if isinstance(world, EpisodeWorld) else [],
        "is_editable": is_editable,
        "judges_own_words": is_editable,
        "ending": None
        if ending is None
        else {
            "success": ending.success,
            "told": how_it_ended(bool(ending.success), ending.terminated) if ending.success is not None else "over",
            "reward": round(ending.reward, DIGITS),
        },
        "thought": None
        if thought is None
        else {
            "probabilities": [round(p, DIGITS) for p in thought.probabilities],
            "value": round(thought.value, DIGITS),
            "values": [round(value, DIGITS) for value in session.values[-MOST_VALUES:]],
            "words": [[word, round(strength, 3)] for word, strength in thought.words],
            "sentences": [round(weight, DIGITS) for weight in thought.sentences],
            "attention": None if thought.attention is None else np.round(thought.attention, 3).tolist(),
        },
    }


def refusal_of(session: Session | None, message: str, text: str = "") -> dict[str, Any]:
    """What the page is told where something could not be done.

    Args:
        session: of the tab; None where it could not be opened.
        message: one sentence.
        text: what the person wrote, whose unknown words are told with those most like them.
    """
    unknown = alternatives(session.world, text) if session is not None and text else []
    return {"kind": "refusal", "message": message, "unknown": [[word, list(close)] for word, close in unknown]}
