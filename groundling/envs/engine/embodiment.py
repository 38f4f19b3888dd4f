"""What an episode is played with: a body, its senses, the reward, the words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
from gymnasium import spaces

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.mixture import TaskMixture
from groundling.envs.engine.answers import MASK_KEY, Answers
from groundling.envs.engine.constants import NUM_ACTIONS, NUM_COLORS, NUM_STATES, NUM_TYPES, VIEW_SIZE, Action
from groundling.envs.engine.explored import explored_shape
from groundling.envs.engine.kinds import kinds_of
from groundling.envs.engine.manuals import MANUAL_KEY
from groundling.envs.engine.previous_action import PREVIOUS_ACTION_KEY
from groundling.envs.engine.rover import Rover, Scoring
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.first_person import Camera
from groundling.errors import ConfigurationError
from groundling.interfaces import (
    ACTION_MASK,
    CATEGORY,
    DEPTH,
    DOCUMENT,
    MAP,
    RGB,
    SEGMENTATION,
    SYMBOLS,
    TOKENS,
    Field,
    Spec,
)
from groundling.language.lexicon import PLAIN, Lexicon
from groundling.language.vocabulary import VOCABULARY, Vocabulary

MAX_CODE = 255
PLAIN_SYMBOL_SIZES: Final = (NUM_TYPES, NUM_COLORS, NUM_STATES)
Body = Literal["grid", "rover"] | Rover


@dataclass(frozen=True)
class Embodiment:
    """A body, its senses, and the rules of a task that are not of its world.

    Attributes:
        rover: the body that drives; None for the one that walks the grid and sees MiniGrid's symbolic view.
        camera: what a rover sees with.
        top_down_pixels: pixels of a tile of the view from above, a sense of either body; None leaves it out.
        explored_radius: tiles that a map of what the agent has seen reaches, a sense of the body that walks the grid;
            None leaves it out.
        on_top: whether the body that walks the grid sees what stands on the things in view, as another sense.
        previous_action: whether the agent is told which action it took last, as another sense of either body.
        scoring: the reward of a rover's episode; the grid's is MiniGrid's.
        num_actions: A, the first ones of MiniGrid's seven.
        time_scale: steps that a rover is given for each of an episode's time limit; None gives it as many as it takes
            for a move of the grid.
        vocabulary: of the instructions' token ids.
        lexicon: words of a task's own, which the vocabulary holds and the pictures show.
        answers: of tasks in which agents answer: more actions, after all seven moves, and a mask of the actions.
        text_key: the key of an observation that holds the sentence.
        manual_space: of tasks with manuals, sentences of a manual and tokens of each, a sense of either body.
        only_rover: whether no other body plays the task: its things are made to be seen in first person.

    Raises:
        ConfigurationError: if there are answers, but not all seven moves before them.
    """

    rover: Rover | None = None
    camera: Camera = field(default_factory=Camera)
    top_down_pixels: int | None = None
    explored_radius: int | None = None
    on_top: bool = False
    previous_action: bool = False
    scoring: Scoring = field(default_factory=Scoring)
    num_actions: int = NUM_ACTIONS
    time_scale: int | None = None
    vocabulary: Vocabulary = VOCABULARY
    lexicon: Lexicon = PLAIN
    answers: Answers | None = None
    text_key: str = "instruction"
    manual_space: tuple[int, int] | None = None
    only_rover: bool = False

    def __post_init__(self) -> None:
        if self.answers is not None and self.num_actions != self.answers.num_actions:
            raise ConfigurationError(
                f"answers come after all {NUM_ACTIONS} moves: set num_actions to {self.answers.num_actions}, "
                f"not {self.num_actions}"
            )

    def changed(
        self,
        body: Body | None = None,
        camera: Camera | None = None,
        top_down_pixels: int | None = None,
        explored_radius: int | None = None,
        previous_action: bool | None = None,
    ) -> Embodiment:
        """The same with another body, camera, view from above, map or sense of the last action, where they are given.

        Raises:
            ConfigurationError: if there is no such body, the task is not for it, or it lacks the sense: the grid's is
                given a camera, or a rover a map of what it has seen.
        """
        bodies = {None: self.rover, "grid": None, "rover": self.rover or Rover()}
        if not isinstance(body, Rover) and body not in bodies:
            raise ConfigurationError(f"a body is 'grid', 'rover' or a Rover(...), not {body!r}")
        rover = body if isinstance(body, Rover) else bodies[body]
        if rover is None and self.only_rover:
            raise ConfigurationError(
                "the things of this task are seen in first person only, the body 'grid' has no symbols for them: leave "
                "the body out, or take 'rover'"
            )
        if camera is not None and rover is None:
            raise ConfigurationError("the body 'grid' sees MiniGrid's symbolic view: a camera needs body='rover'")
        radius = self.explored_radius if explored_radius is None else explored_radius
        if radius is not None and rover is not None:
            raise ConfigurationError("a map of what was seen is drawn of tiles: it needs body='grid'")
        pixels = self.top_down_pixels if top_down_pixels is None else top_down_pixels
        return replace(
            self,
            rover=rover,
            camera=camera or self.camera,
            top_down_pixels=pixels,
            explored_radius=radius,
            previous_action=self.previous_action if previous_action is None else previous_action,
        )

    def make_batch(
        self,
        bank: EpisodeBank | TaskMixture,
        num_envs: int,
        *,
        shuffle: bool = True,
        order_seed: int = 0,
        num_threads: int = 1,
    ) -> WorldBatch | RoverBatch:
        """Worlds in which B such bodies are; see ``WorldBatch`` and ``RoverBatch``."""
        if self.rover is None:
            return WorldBatch(
                bank,
                num_envs,
                shuffle=shuffle,
                order_seed=order_seed,
                num_threads=num_threads,
                top_down_pixels=self.top_down_pixels,
                explored_radius=self.explored_radius,
                on_top=self.on_top,
                previous_action=self.previous_action,
                lexicon=self.lexicon,
                answers=self.answers,
                text_key=self.text_key,
                manual_space=self.manual_space,
            )
        return RoverBatch(
            bank,
            num_envs,
            rover=self.rover,
            camera=self.camera,
            scoring=self.scoring,
            num_actions=self.num_actions,
            time_scale=self.time_scale,
            shuffle=shuffle,
            order_seed=order_seed,
            num_threads=num_threads,
            top_down_pixels=self.top_down_pixels,
            previous_action=self.previous_action,
            lexicon=self.lexicon,
            answers=self.answers,
            text_key=self.text_key,
            manual_space=self.manual_space,
        )

    def spec(self, instruction_length: int, map_size: tuple[int, ...] | None = None) -> Spec:
        """What an agent is built for that has this body and these senses; arguments as of :meth:`observation_space`."""
        space = self.observation_space(instruction_length, map_size)
        kinds = {"top_down": RGB, "explored": MAP, "direction": CATEGORY, "depth": DEPTH, "segmentation": SEGMENTATION}
        kinds |= {"image": SYMBOLS if self.rover is None else RGB, self.text_key: TOKENS, MASK_KEY: ACTION_MASK}
        kinds |= {"on_top": SYMBOLS, MANUAL_KEY: DOCUMENT, PREVIOUS_ACTION_KEY: CATEGORY}
        sizes = {
            "direction": 4,
            PREVIOUS_ACTION_KEY: self.num_actions + 1,
            "segmentation": MAX_CODE + 1,
            self.text_key: len(self.vocabulary),
            MANUAL_KEY: len(self.vocabulary),
        }
        fields = {
            key: Field(
                tuple(part.shape or ()),
                str(part.dtype),
                kinds[key],
                sizes.get(key, 0),
                self._symbol_sizes() if kinds[key] in (SYMBOLS, MAP) else (),
            )
            for key, part in space.spaces.items()
        }
        moves = tuple(action.name.lower() for action in list(Action)[: self.num_actions])
        return Spec(fields, moves if self.answers is None else self.answers.action_names, self.vocabulary)

    def observation_space(self, instruction_length: int, map_size: tuple[int, ...] | None = None) -> spaces.Dict:
        """What one agent sees; the same space for all levels of as many tokens an instruction.

        Symbols are bounded by the highest type, color and state, so that no library takes them for a picture.

        Args:
            instruction_length: L, tokens.
            map_size: tiles down and across, for the view from above.
        """
        last_token = len(self.vocabulary) - 1
        instruction = spaces.Box(0, last_token, (instruction_length,), np.int32)
        senses: dict[str, spaces.Space[Any]] = {}
        if self.top_down_pixels is not None and map_size is not None:
            height, width = (tiles * self.top_down_pixels for tiles in map_size)
            senses["top_down"] = spaces.Box(0, 255, (height, width, 3), np.uint8)
        if self.manual_space is not None:
            senses[MANUAL_KEY] = spaces.Box(0, last_token, self.manual_space, np.int32)
        if self.answers is not None:
            senses[MASK_KEY] = spaces.MultiBinary(self.num_actions)
        if self.previous_action:
            senses[PREVIOUS_ACTION_KEY] = spaces.Discrete(self.num_actions + 1)
        if self.explored_radius is not None:
            senses["explored"] = self._symbols(explored_shape(self.explored_radius))
        if self.on_top and self.rover is None:
            senses["on_top"] = self._symbols((VIEW_SIZE, VIEW_SIZE, 3))
        if self.rover is None:
            image = self._symbols((VIEW_SIZE, VIEW_SIZE, 3))
            return spaces.Dict({"image": image, "direction": spaces.Discrete(4), self.text_key: instruction, **senses})
        camera = self.camera
        size = (camera.height, camera.width)
        if camera.rgb:
            senses["image"] = spaces.Box(0, 255, (*size, 3), np.uint8)
        if camera.depth:
            senses["depth"] = spaces.Box(0, np.inf, size, np.float32)
        if camera.segmentation:
            senses["segmentation"] = spaces.Box(0, MAX_CODE, size, np.uint8)
        return spaces.Dict({**senses, self.text_key: instruction})

    def _symbol_sizes(self) -> tuple[int, ...]:
        """How many types, colors and states there are, where a task brings some; else nothing."""
        if not (self.lexicon.types or self.lexicon.colors):
            return ()
        kinds = kinds_of(self.lexicon)
        return len(kinds.solids), len(kinds.rgb), NUM_STATES

    def _symbols(self, shape: tuple[int, int, int]) -> spaces.Box:
        """The space of (type, color, state) on some tiles."""
        sizes = self._symbol_sizes() or PLAIN_SYMBOL_SIZES
        highest = (np.array(sizes) - 1).astype(np.uint8)
        return spaces.Box(np.zeros(shape, np.uint8), np.broadcast_to(highest, shape).copy(), dtype=np.uint8)


GRID = Embodiment()
