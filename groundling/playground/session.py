"""A tab: a world, who acts in it, and the history of what happened, by which a link holds all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from groundling.envs.catalog import find_family
from groundling.envs.families.banked import BankFamily
from groundling.errors import GroundlingError
from groundling.playground.cast import NOBODY, Actor, Cast, check_fits, options_for
from groundling.playground.checks import check_ids, checked_manual, checked_text
from groundling.playground.editing import Edit
from groundling.playground.episodes import EpisodeWorld
from groundling.playground.errors import PlaygroundError
from groundling.playground.limits import MOST_EVENTS, MOST_SEED
from groundling.playground.minds import Mind, Thought
from groundling.playground.suggestions import suggestions_for
from groundling.playground.worlds import GameWorld, World
from groundling.seeding import generator
from groundling.setting_types import whole_number
from groundling.trust import only_named_code

ACT: Final = "act"  # by the person, or as the expert says
STEP: Final = "step"  # by the agent
SAY: Final = "say"
HAND: Final = "manual"
EDIT: Final = "edit"


@dataclass(frozen=True)
class Scene:
    """What a link holds: from it everything happens again.

    Attributes:
        task: id of the environment.
        seed: of the episode.
        agent: name of who acts; empty for nobody.
        events: what happened, each a kind and what belongs to it.
    """

    task: str
    seed: int
    agent: str = NOBODY
    events: tuple[tuple[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"task": self.task, "seed": self.seed, "agent": self.agent, "events": [list(e) for e in self.events]}

    @classmethod
    def of(cls, told: Any) -> Scene:
        """Read what a page or a link says.

        Raises:
            PlaygroundError: if it is no scene, or too long.
        """
        if not isinstance(told, dict) or not isinstance(told.get("task"), str):
            raise PlaygroundError("this link holds no world: it may have been cut off")
        agent, events = told.get("agent", NOBODY), told.get("events", [])
        if not isinstance(agent, str) or not isinstance(events, list):
            raise PlaygroundError("this link holds no world: it may have been cut off")
        check_ids(told["task"], agent)
        if len(events) > MOST_EVENTS:
            raise PlaygroundError(f"this link holds {len(events):,} events, at most {MOST_EVENTS:,} are played again")
        if not all(isinstance(event, list) and len(event) == 2 and isinstance(event[0], str) for event in events):
            raise PlaygroundError("this link holds no world: one of its events is not understood")
        seed = told.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
            raise PlaygroundError(f"a seed is a whole number from 0 to {MOST_SEED:,}")
        return cls(told["task"], seed, agent, tuple((kind, what) for kind, what in events))


class Session:
    """One tab. Its methods may be called from any thread, one after the other.

    Args:
        cast: who can act.
        scene: what to open; its events are played again.
        examples: sentences that are suggested where they fit the world.
        suggests: whether sentences are suggested at all.

    Raises:
        PlaygroundError, GroundlingError: if it cannot be opened; nothing stays open then.

    Attributes:
        world: the world now.
        values: what the agent expected at each step so far.
        last: the action that was taken last; None where none was.
        hint: the action that the expert was asked for; None where it was not.
        suggestions: sentences that can be said.
    """

    def __init__(self, cast: Cast, scene: Scene, examples: Sequence[str] = (), *, suggests: bool = True) -> None:
        self._cast = cast
        self._actor: Actor | None = cast.find(scene.agent)
        self._scene = scene
        self._examples = tuple(examples)
        self._suggests = suggests
        self._events: list[tuple[str, Any]] = []
        self.values: list[float] = []
        self.hint: int | None = None
        self.last: int | None = None
        self.world: World = self._make_world()
        self.suggestions: list[str] = []
        try:
            self._mind = None if self._actor is None else Mind(self._actor.agent)
            if self._actor is not None:
                check_fits(self._actor, self.world.spec, self.world.family)
            self._think()
            for kind, what in scene.events:
                self.apply(kind, what)
            self.suggest()
        except BaseException:
            self.world.close()
            raise

    def _make_world(self) -> World:
        """The world of the scene, which anybody's link may name: it makes no code run that the person did not name.

        The tasks of runs that are trusted have run already when their agents were loaded.
        """
        with only_named_code("a link"):
            family = find_family(self._scene.task)
            options = options_for(self._actor, family)
            if isinstance(family, BankFamily):
                return EpisodeWorld(family, self._scene.seed, options)
            return GameWorld(family, self._scene.seed, options)

    @property
    def scene(self) -> Scene:
        """What a link to the present state holds."""
        return Scene(self._scene.task, self._scene.seed, self._scene.agent, tuple(self._events))

    @property
    def actor(self) -> Actor | None:
        """Who acts; None for nobody."""
        return self._actor

    def apply(self, kind: str, what: Any = None) -> None:
        """Let something happen.

        Args:
            kind: "act", "step", "say", "manual" or "edit".
            what: the number of the action, nothing, the sentence, the sentences, the change.

        Raises:
            PlaygroundError, GroundlingError: if it cannot be; nothing has happened then.
        """
        if len(self._events) >= MOST_EVENTS:
            raise PlaygroundError(f"after {MOST_EVENTS:,} events it is time to begin again")
        what = self._happen(kind, what)
        self._events.append((kind, what))

    def _happen(self, kind: str, what: Any) -> Any:
        world, self.hint = self.world, None
        if kind == SAY:
            world.say(sentence := checked_text(what))
            self._begin_anew()
            return sentence
        if kind == HAND:
            world.hand(manual := checked_manual(what))
            self._begin_anew()
            return list(manual)
        if kind == EDIT:
            world.edit(edit := Edit.of(what))
            self._think()
            self.suggest()
            return edit.to_dict()
        if kind == STEP:
            if self._thought is None:
                raise PlaygroundError("there is no agent in this world: drive with the keys, or let the expert")
            action = self._drawn(self._thought) if what is None else self._checked(what)
        elif kind == ACT:
            action = self._checked(what)
        else:
            raise PlaygroundError(f"nothing is known of {kind[:40]!r}")
        self._take(action)
        self.last = action
        return action

    def _drawn(self, thought: Thought) -> int:
        """An action drawn from the policy, as evaluations draw it; the same scene draws the same ones again.

        Agents that remember little walk in circles where they always take the likeliest action.
        """
        draw = generator(self._scene.seed, "playground", len(self._events)).random()
        edges = np.cumsum(thought.probabilities)
        return int(np.searchsorted(edges, draw * edges[-1], side="right").clip(0, len(edges) - 1))

    def _checked(self, action: Any) -> int:
        number = whole_number("action", action)
        if not 0 <= number < self.world.spec.num_actions:
            raise PlaygroundError(f"there are {self.world.spec.num_actions} actions, no number {number}")
        return number

    def _take(self, action: int) -> None:
        if self.world.ending is not None:
            raise PlaygroundError("the episode is over: begin again, or ask for something else")
        if self._mind is not None:
            self._mind.move_on()
        self.world.step(action)
        self._think()

    def _begin_anew(self) -> None:
        """The agent begins, as with a new episode."""
        if self._mind is not None:
            self._mind.forget()
        self.values = []
        self._think()

    def _think(self) -> None:
        self._thought: Thought | None = None
        if self._mind is not None:
            self._thought = self._mind.think(self.world.observation, self.world.sentence)
            self.values.append(self._thought.value)

    @property
    def thought(self) -> Thought | None:
        """What the agent makes of what it is given now; None where nobody acts."""
        return self._thought

    def ask_expert(self) -> None:
        """Have the expert say the next action; it is at :attr:`hint`.

        Raises:
            PlaygroundError: if there is none, or it knows no way.
        """
        if self.world.ending is not None:
            raise PlaygroundError("the episode is over: begin again, or ask for something else")
        try:
            teacher = self.world.expert()
        except GroundlingError as error:
            raise PlaygroundError(f"no expert knows this world: {error}") from error
        if teacher is None:
            raise PlaygroundError("no expert knows this world")
        action = int(teacher.actions()[0])
        if teacher.lost[0]:
            raise PlaygroundError("the expert finds no way to do what is asked for")
        self.hint = action

    def suggest(self) -> None:
        """Find sentences that can be said in the world as it stands now."""
        if self._suggests:
            self.suggestions = suggestions_for(self.world, self._examples)

    def restart(self, seed: int | None = None) -> Session:
        """A session like this one that begins again, with another seed if one is given.

        Sentences, manuals and changes of the world are kept where the seed stays, if they can be at its beginning;
        actions are not.
        """
        task, own, agent = self._named
        kept = tuple(event for event in self._events if event[0] not in (ACT, STEP)) if seed is None else ()
        try:
            return self._like(Scene(task, own if seed is None else seed, agent, kept))
        except GroundlingError:
            if not kept:
                raise
            return self._like(Scene(task, own, agent))

    def _like(self, scene: Scene) -> Session:
        return Session(self._cast, scene, self._examples)

    def undone(self) -> Session:
        """A session in which the last event did not happen.

        Raises:
            PlaygroundError: if nothing has happened.
        """
        if not self._events:
            raise PlaygroundError("nothing has happened yet")
        return self._like(Scene(*self._named, tuple(self._events[:-1])))

    def with_agent(self, name: str) -> Session:
        """A session in the same state in which somebody else acts from now on; the steps so far are plain actions.

        Raises:
            PlaygroundError, GroundlingError: if there is no such agent, or it cannot act here.
        """
        check_ids(name)
        events = tuple((ACT if kind == STEP else kind, what) for kind, what in self._events)
        return self._like(Scene(self._scene.task, self._scene.seed, name, events))

    @property
    def _named(self) -> tuple[str, int, str]:
        return self._scene.task, self._scene.seed, self._scene.agent

    def close(self) -> None:
        """Free the world."""
        self.world.close()
