"""Who acts: agents that ship with the package, those of runs, or nobody but the person and the expert."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundling.agents.actor_critic import ActorCritic
from groundling.envs.families.base import EnvFamily
from groundling.envs.families.options import PLAIN, WorldOptions
from groundling.errors import GroundlingError
from groundling.interfaces import Spec
from groundling.playground.errors import PlaygroundError
from groundling.playground.security import inside
from groundling.training.checkpoint import CHECKPOINT_NAME, Checkpoint
from groundling.training.tasks import evaluation_options, families

ASSETS: Final = Path(__file__).parent.parent / "assets"
NOBODY: Final = ""  # the expert and the person
SHIPPED: Final = "shipped:"
RUN: Final = "run:"
MOST_KEPT: Final = 8  # agents in memory


@dataclass(frozen=True)
class Actor:
    """An agent, ready to play.

    Attributes:
        name: how the page names it.
        agent: the network.
        options: body and senses that its worlds need.
        tasks: ids that it was trained on.
    """

    name: str
    agent: ActorCritic
    options: WorldOptions
    tasks: tuple[str, ...]


class Cast:
    """Agents by name, each loaded once.

    Args:
        runs: folder below which runs are; None: there are none.
    """

    def __init__(self, runs: Path | None) -> None:
        self._runs = runs
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, float], Actor] = {}

    def find(self, name: str) -> Actor | None:
        """The agent of this name; None for nobody.

        Raises:
            PlaygroundError: if there is none.
            GroundlingError: if its checkpoint cannot be read.
        """
        if name == NOBODY:
            return None
        path = self._path(name)
        if not path.is_file():
            raise PlaygroundError(f"there is no agent {name!r}")
        key = name, path.stat().st_mtime
        with self._lock:
            if key not in self._kept:
                while len(self._kept) >= MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = load(path, name)
            return self._kept[key]

    def _path(self, name: str) -> Path:
        if name.startswith(SHIPPED):
            return inside(ASSETS, f"{name.removeprefix(SHIPPED)}.pt")
        if name.startswith(RUN) and self._runs is not None:
            return inside(self._runs, name.removeprefix(RUN)) / CHECKPOINT_NAME
        raise PlaygroundError(f"there is no agent {name[:60]!r}")


def load(path: Path, name: str) -> Actor:
    """The agent of a checkpoint, with the worlds that it needs."""
    checkpoint = Checkpoint.load(path, for_evaluation=True)
    own = families(checkpoint.config)
    options = evaluation_options(checkpoint.config, own)
    return Actor(name, checkpoint.make_agent(), options, checkpoint.config.task_ids)


def check_fits(actor: Actor, spec: Spec, family: EnvFamily) -> None:
    """Refuse an agent that cannot act in a world.

    Raises:
        PlaygroundError: saying what is different.
    """
    if found := actor.agent.spec.differences(spec):
        raise PlaygroundError(f"this agent cannot act in {family.id}: {found[0]}")


def options_for(actor: Actor | None, family: EnvFamily) -> WorldOptions:
    """What the worlds of a family are made with for an agent.

    Raises:
        PlaygroundError: if the family has no use for what the agent needs.
    """
    if actor is None:
        return PLAIN
    try:
        family.check(actor.options)
    except GroundlingError as error:
        raise PlaygroundError(f"this agent cannot act in {family.id}: {error}") from error
    known = actor.agent.spec.vocabulary
    if missing := [word for word in family.spec.vocabulary.words if word not in known]:
        raise PlaygroundError(f"this agent cannot act in {family.id}: it knows no word {missing[0]!r}")
    return actor.options
