"""Sentences that can be said in a world as it stands, for people who do not know what to ask."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from groundling.envs.families.goals import GoalFamily
from groundling.errors import GroundlingError
from groundling.language.vocabulary import split_words
from groundling.playground.episodes import EpisodeWorld
from groundling.playground.worlds import World

MOST: Final = 5
MOST_TRIED: Final = 40


def suggestions_for(world: World, examples: Sequence[str] = ()) -> list[str]:
    """Sentences that are understood in a world now, at most five, that of the episode first.

    Args:
        world: as it stands.
        examples: sentences that are tried first.
    """
    if not isinstance(world, EpisodeWorld):
        return list(dict.fromkeys([world.sentence, *examples]))[:MOST]
    now, family = world.snapshot(), world.family
    found = [world.sentence]
    for tried, sentence in enumerate([*examples, *_candidates(world)]):
        if len(found) == MOST or tried == MOST_TRIED:
            break
        if sentence in found:
            continue
        try:
            family.restate(now, sentence, world.manual)
        except GroundlingError:
            continue
        found.append(sentence)
    return found


def _candidates(world: EpisodeWorld) -> Iterator[str]:
    """Sentences about the things on the map, in an order that depends on the world alone."""
    draw = random.Random(world.episode.seed)
    for sentence in world.manual:  # words that only the manual explains
        for word in split_words(sentence):
            if split_words(world.sentence)[-1:] != [word]:
                yield " ".join([*split_words(world.sentence)[:-1], word])
    things = sorted({(thing.name, thing.is_portable, thing.is_door) for thing in world.things()[1:]})
    draw.shuffle(things)
    if not isinstance(world.family, GoalFamily):
        for name, _, _ in things:
            yield f"Go to the {name}"
            yield f"what color is the {name.partition(' ')[2]}?"
        return
    for (first, is_portable, is_door), (second, _, _) in pairwise([*things, *things[:1]]):
        if is_portable:
            yield f"pick up the {first}"
            yield f"put the {first} next to the {second}"
        yield f"open the {first}" if is_door else f"go to the {first}"
