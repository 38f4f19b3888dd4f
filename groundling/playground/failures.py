"""Failures of a run: episodes of a suite that its agent does not bring to success, to be played again on the page."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from groundling.envs.banks.bank_building import chunk_seeds, tell_episodes
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.base import EnvFamily
from groundling.errors import GroundlingError
from groundling.eval.watching import how_it_ended
from groundling.playground.cast import Cast
from groundling.playground.errors import PlaygroundError
from groundling.playground.limits import MOST_EPISODES, MOST_EVENTS
from groundling.playground.session import SAY, STEP, Scene, Session
from groundling.seeding import integer
from groundling.training.config import TrainConfig
from groundling.training.tasks import families

EPISODES: Final = 40
MOST_CHUNKS: Final = 32


def suites_of(config: TrainConfig) -> list[str]:
    """The suites by which a run's tasks are tested."""
    return list(dict.fromkeys(suite for family in families(config) for suite in family.suites))


def find_failures(
    cast: Cast, agent: str, config: TrainConfig, *, suite: str = "layout", episodes: int = EPISODES, seed: int = 0
) -> dict[str, Any]:
    """Play episodes of a suite with a run's agent, drawn actions, and keep those that failed.

    Args:
        cast: knows the agent.
        agent: its name.
        config: of the run.
        suite: by name.
        episodes: how many are played.
        seed: names them.

    Returns:
        how many were played and failed, and of each failure the scene that plays it again.

    Raises:
        PlaygroundError: if too many are asked for.
        GroundlingError: if there is no such suite, or it cannot be run.
    """
    if not 1 <= episodes <= MOST_EPISODES:
        raise PlaygroundError(f"between 1 and {MOST_EPISODES} episodes are played, not {episodes}")
    family = families(config)[0]
    failures, played = [], 0
    for own_seed, sentence in episodes_of(family, suite, config, episodes, seed):
        session = Session(cast, Scene(family.reference or family.id, own_seed, agent), suggests=False)
        try:
            if sentence != session.world.sentence:
                session.apply(SAY, sentence)
            while session.world.ending is None and len(session.scene.events) < MOST_EVENTS:
                session.apply(STEP)
            ending = session.world.ending
            played += 1
            if ending is None or not ending.success:
                told = "out of time" if ending is None else how_it_ended(bool(ending.success), ending.terminated)
                scene = session.scene.to_dict()
                failures.append(
                    {"sentence": session.world.sentence, "told": told, "steps": session.world.steps, "scene": scene}
                )
        finally:
            session.close()
    return {"suite": suite, "played": played, "failures": failures}


def episodes_of(family: EnvFamily, suite: str, config: TrainConfig, episodes: int, seed: int) -> list[tuple[int, str]]:
    """Seeds and sentences of episodes of a suite.

    Raises:
        PlaygroundError: if its worlds are not those of the task as it is, such as larger rooms.
    """
    asked = family.suite(suite)
    split = family.split(asked.split, config.held_out)
    if not isinstance(family, BankFamily):
        if suite != "layout":
            raise PlaygroundError(f"failures of {family.id} are looked for in new layouts: choose the suite 'layout'")
        return [(integer(seed, "failures", number) % 2**31, "") for number in range(episodes)]
    if getattr(asked, "grows", "") or getattr(asked, "settings", ()):
        raise PlaygroundError(f"the suite {suite!r} has worlds of other settings, which no seed opens here")
    found: list[tuple[int, str]] = []
    for chunk in count():
        if len(found) >= episodes or chunk == MOST_CHUNKS:
            break
        seeds = chunk_seeds(family.source.id, integer(seed, "failures") % 2**31, split, chunk)
        bank = tell_episodes(family.source, seeds, split)
        if bank is not None:
            found += [(int(own), bank.instruction(row)) for row, own in enumerate(bank.seeds)]
    if not found:
        raise GroundlingError(f"the suite {suite!r} of {family.id} has no episode")
    return found[:episodes]
