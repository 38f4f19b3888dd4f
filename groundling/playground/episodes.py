"""Worlds that stand in banks: they can be edited, and sentences in a person's own words get a goal in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from groundling.agents.bots import Expert, RoverExpert
from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.episode import Episode
from groundling.envs.engine.constants import (
    BORDER,
    DOOR,
    FIRST_OBJECT,
    HOLDS,
    NOTHING_CODE,
    NOWHERE,
    PORTABLE_BIT,
    look_parts,
)
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.families.banked import BankFamily
from groundling.envs.families.options import WorldOptions
from groundling.envs.first_person import Camera
from groundling.envs.rendering import render_world
from groundling.envs.vector import GroundlingVectorEnv
from groundling.errors import GroundlingError, InstructionError, TaskError
from groundling.eval.pictures import drawn_kinds, picture_of
from groundling.interfaces import Teacher
from groundling.playground.editing import Edit, edited, name_of
from groundling.playground.errors import PlaygroundError
from groundling.playground.worlds import Ending, Thing

CORNER: Final = 0  # where an episode has what is carried as it begins: a place beside which nothing lies
MAP_PIXELS: Final = 560  # along the picture of a small world
LEAST_TILE, MOST_TILE = 16, 64
EYE: Final = Camera(width=320, height=200, fov_degrees=90.0)


class EpisodeWorld:
    """An episode of a family whose episodes stand in banks; see ``worlds.World`` for the attributes.

    Args:
        family: of it.
        seed: of the episode.
        options: body and senses.
    """

    def __init__(self, family: BankFamily, seed: int, options: WorldOptions) -> None:
        self.family = family
        self._embodiment = family.embodiment(options)
        self._kinds = kinds_of(self._embodiment.lexicon)
        episode = family.source.sample(seed)
        self.meaning = ""
        self._begin(episode)
        self._asked = episode.instruction  # in the person's words
        with suppress(GroundlingError):  # some sentences are a task's own, and nobody reads them
            self.meaning = family.restate(self.snapshot(), episode.instruction, episode.manual).meaning

    def _begin(self, episode: Episode) -> None:
        """A world of its own for an episode."""
        embodiment = self._embodiment
        try:
            bank = EpisodeBank.pack(
                self.family.id,
                [episode],
                length=self.family.source.instruction_length,
                vocabulary=embodiment.vocabulary,
                manual_space=embodiment.manual_space,
            )
        except TaskError as error:
            raise PlaygroundError(f"that is no possible world: {error}") from error
        self.envs: GroundlingVectorEnv = GroundlingVectorEnv(
            bank, 1, shuffle=False, embodiment=embodiment, autoreset=False
        )
        self.observation: Mapping[str, Any] = self.envs.reset()[0]
        if episode.carried != NOTHING_CODE:
            self.envs.worlds.state.positions[0, episode.carried - FIRST_OBJECT] = NOWHERE
        self.episode = episode
        self.spec = self.envs.agent_spec
        self.sentence, self.manual = episode.instruction, episode.manual
        self.steps = 0
        self.ending: Ending | None = None
        self._expert: Teacher | None = None

    def _replace(self, episode: Episode, *, steps: int) -> None:
        """Put another episode in this one's place, the body where it is, after so many steps."""
        before = self.envs
        poses = before.worlds.poses if isinstance(before.worlds, RoverBatch) else None
        pose = self.snapshot().pose
        self._begin(episode)
        worlds = self.envs.worlds
        worlds.state.step_count[0] = steps
        self.steps = steps
        if isinstance(worlds, RoverBatch) and poses is not None and episode.pose == pose:
            for own, old in zip(worlds.poses, poses, strict=True):
                own[0] = old[0]
            worlds.redraw()
            self.observation = worlds.seen()
        before.close()

    def step(self, action: int) -> None:
        """See ``World``."""
        if self.ending is not None:
            return
        observation, reward, terminated, truncated, info = self.envs.step(np.array([action]))
        self.observation = observation
        self.steps += 1
        if terminated[0] or truncated[0]:
            self.ending = Ending(bool(info["success"][0]), bool(terminated[0]), float(reward[0]))

    def say(self, sentence: str) -> None:
        """Ask for something else from here on: the agent's time begins anew, and success is judged by the new goal."""
        restated = self.family.restate(self.snapshot(), sentence, self.manual)
        self._replace(restated.episode, steps=0)
        self.meaning = restated.meaning
        self._asked = sentence

    def hand(self, manual: Sequence[str]) -> None:
        """Give another manual; what is asked for is understood by it."""
        space = self._embodiment.manual_space
        if space is None:
            raise PlaygroundError("this world has no manual")
        if len(manual) > space[0]:
            raise PlaygroundError(f"a manual has at most {space[0]} sentences here, this one has {len(manual)}")
        episode = replace(self.snapshot(), manual=tuple(manual))
        restated = self.family.restate(episode, self._asked, manual)
        self._replace(restated.episode, steps=0)
        self.meaning = restated.meaning

    def edit(self, edit: Edit) -> None:
        """Change the world where it stands; what is asked for is sought anew in it."""
        if self.ending is not None:
            raise PlaygroundError("the episode is over: begin again, then change the world")
        episode = edited(self.snapshot(), edit, self._kinds)
        try:
            restated = self.family.restate(episode, self._asked, self.manual)
        except InstructionError as error:
            raise PlaygroundError(f"then the instruction would ask for what is not there: {error}") from error
        self._replace(replace(restated.episode, max_steps=self.episode.max_steps), steps=self.steps)
        self.meaning = restated.meaning

    def snapshot(self) -> Episode:
        """The world as it stands, as the beginning of an episode; a rover's place is that of its tile."""
        worlds, own = self.envs.worlds, self.episode
        state = worlds.state
        height, width = own.cells.shape
        wide = worlds.width
        tiles = state.cells[0].reshape(-1, wide)[BORDER : BORDER + height, BORDER : BORDER + width].copy()
        count = len(own.looks)
        places = [
            NOWHERE if at == NOWHERE else (at // wide - BORDER) * width + at % wide - BORDER
            for at in state.positions[0, :count].tolist()
        ]
        carried = int(state.carried[0])
        if carried != NOTHING_CODE:
            places[carried - FIRST_OBJECT] = CORNER
        y, x = divmod(int(state.position[0]), wide)
        return replace(
            own,
            cells=tiles,
            looks=tuple(state.looks[0, FIRST_OBJECT : FIRST_OBJECT + count].tolist()),
            contents=tuple(state.contents[0, :count].tolist()),
            positions=tuple(places),
            pose=(x - BORDER, y - BORDER, int(state.direction[0])),
            carried=carried,
        )

    def above(self) -> NDArray[np.uint8]:
        """See ``World``."""
        side = min(max(MAP_PIXELS // max(self.size), LEAST_TILE), MOST_TILE)
        return render_world(self.envs.worlds, 0, tile_pixels=side)

    def inside(self) -> NDArray[np.uint8] | None:
        """See ``World``."""
        return picture_of(self.observation, self.spec, kinds=drawn_kinds(self.envs))

    def first_person(self) -> NDArray[np.uint8] | None:
        """What a camera at the agent's eyes sees, of a body that walks the grid as well."""
        if isinstance(self.envs.worlds, RoverBatch):
            return self.inside()
        body = self._embodiment.changed(body="rover", camera=EYE)
        bank = EpisodeBank.pack(self.family.id, [replace(self.snapshot(), instruction="", manual=())], length=1)
        worlds = replace(body, answers=None, num_actions=7, manual_space=None).make_batch(bank, 1, shuffle=False)
        worlds.reset()
        picture = worlds.seen()["image"][0].copy()
        worlds.close()
        return picture

    def things(self) -> list[Thing]:
        """See ``World``."""
        now = self.snapshot()
        width = now.cells.shape[1]
        found = [Thing(now.pose[0], now.pose[1], "agent", True)]
        for look, place, held in zip(now.looks, now.positions, now.contents, strict=True):
            if place not in (NOWHERE, CORNER):
                is_door, is_portable = look_parts(look)[0] == DOOR, bool(look >> PORTABLE_BIT & 1)
                moves = not is_door and held < HOLDS
                name = name_of(look, self._kinds)
                found.append(Thing(place % width, place // width, name, moves, is_portable, is_door))
        return found

    @property
    def carried(self) -> str:
        """What the agent holds; empty if nothing."""
        code = int(self.envs.worlds.state.carried[0])
        return "" if code == NOTHING_CODE else name_of(int(self.envs.worlds.state.looks[0, code]), self._kinds)

    @property
    def colors(self) -> tuple[str, ...]:
        """The colors that a thing can be added in."""
        return tuple(self._kinds.colors)

    @property
    def size(self) -> tuple[int, int]:
        """See ``World``."""
        height, width = self.episode.cells.shape
        return width, height

    @property
    def limit(self) -> int:
        """See ``World``."""
        return int(self.envs.worlds.state.max_steps[0])

    def expert(self) -> Teacher | None:
        """See ``World``: the family's own expert, or the one that sees the whole world."""
        if self._expert is None:
            worlds = self.envs.worlds
            own = self.family.expert(self.envs)
            if own is None:
                own = RoverExpert(worlds) if isinstance(worlds, RoverBatch) else Expert(worlds, sees="world")
            self._expert = own
        return self._expert

    def close(self) -> None:
        """See ``World``."""
        self.envs.close()
