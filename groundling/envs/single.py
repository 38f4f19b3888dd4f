"""One environment: the same compiled world behind Gymnasium's ``Env``, its episodes generated as they are needed."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from groundling.envs.banks.bank import EpisodeBank
from groundling.envs.banks.bank_building import tell_episodes
from groundling.envs.banks.sources import chosen_split, find_source
from groundling.envs.banks.splits import AnySplit
from groundling.envs.engine.batch import ObservationArrays
from groundling.envs.engine.embodiment import Body
from groundling.envs.engine.rovers import RoverBatch
from groundling.envs.engine.worlds import WorldBatch
from groundling.envs.first_person import Camera
from groundling.errors import ActionError, ConfigurationError, SplitError
from groundling.seeding import SEEDS_OF_EPISODES, reset_seed

MAX_REJECTED = 2048


class GroundlingEnv(gymnasium.Env[dict[str, Any], int]):
    """One instruction-following agent in one world; see ``GroundlingVectorEnv`` for spaces, reward and endings.

    ``reset(seed=s)`` gives exactly the episode that the level or task generates for seed ``s`` (with a split, the first
    one from ``s`` on that belongs to it). The sentence is at :attr:`instruction` and in ``info["instruction_text"]``,
    of tasks with manuals the sentences of the manual at :attr:`manual` and in ``info["manual_text"]``.

    Args:
        level: id of a level or task, see ``find_source``.
        split: "all", "train", "seen", "unseen" or a ``Split``.
        render_mode: None or "rgb_array".
        body: "grid", "rover" or a ``Rover``; by default the task's own.
        camera: what a rover sees with.
        top_down_pixels: pixels of a tile of the view from above, another sense; None leaves it out.
        explored_radius: tiles to each side that a map of what the agent has seen shows, a sense of the grid's body;
            None leaves it out.
        previous_action: tell the agent which action it took last, another sense.

    Raises:
        UnknownEnvironmentError, UnsupportedLevelError, TaskError: see ``find_source``.
        SplitError: if the split is unknown.
        ConfigurationError: if the render mode or the body is unknown.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(
        self,
        level: str,
        *,
        split: str | AnySplit = "all",
        render_mode: str | None = None,
        body: Body | None = None,
        camera: Camera | None = None,
        top_down_pixels: int | None = None,
        explored_radius: int | None = None,
        previous_action: bool = False,
    ) -> None:
        self.source = find_source(level)
        if render_mode not in (None, "rgb_array"):
            raise ConfigurationError(f"render_mode is None or 'rgb_array', got {render_mode!r}")
        self.level = self.source.id
        self.split = chosen_split(self.source, split)
        self.render_mode = render_mode
        self.embodiment = self.source.embodiment.changed(
            body, camera, top_down_pixels, explored_radius, previous_action or None
        )
        size = None if self.embodiment.top_down_pixels is None else self.source.sample(0).cells.shape
        self.observation_space = self.embodiment.observation_space(self.source.instruction_length, size)
        self.action_space = spaces.Discrete(self.embodiment.num_actions)  # type: ignore[assignment]
        self.worlds: WorldBatch | RoverBatch | None = None
        self.instruction = ""
        self.manual: tuple[str, ...] = ()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode, see the class.

        Raises:
            SplitError: if none of many episodes belongs to the split.
            ConfigurationError: if the seed is no whole number that is not negative, or too large to name an episode.
        """
        seed = reset_seed(seed, below=SEEDS_OF_EPISODES)
        super().reset(seed=seed)
        first = int(self.np_random.integers(2**31)) if seed is None else seed
        bank = self._first_in_split(first)
        self.worlds = self.embodiment.make_batch(bank, 1, shuffle=False)
        self.worlds.reset()
        self.instruction = bank.instruction(0)
        self.manual = bank.manual(0)
        return self._observation(), self._info()

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Act once.

        Raises:
            ActionError: if the action is not an integer in [0, 7).
            gymnasium.error.ResetNeeded: if reset was never called.
        """
        if self.worlds is None:
            raise gymnasium.error.ResetNeeded("call reset() before the first step()")
        if np.ndim(action) != 0:
            raise ActionError(f"one environment takes one action, got an array of shape {np.shape(action)}")
        self.worlds.step(np.array([action]), autoreset=False)
        out = self.worlds.outcomes
        info = {**self._info(), "success": bool(out.success[0])}
        return self._observation(), float(out.reward[0]), bool(out.terminated[0]), bool(out.truncated[0]), info

    def render(self) -> NDArray[np.uint8] | None:
        """A top-down picture [H, W, 3] uint8 of the world, what the agent sees lit up."""
        if self.render_mode is None or self.worlds is None:
            return None
        from groundling.envs.rendering import render_world

        return render_world(self.worlds, 0)

    def _first_in_split(self, seed: int) -> EpisodeBank:
        for candidate in range(seed, seed + MAX_REJECTED):
            bank = tell_episodes(self.source, [candidate], self.split)
            if bank is not None:
                return bank
        raise SplitError(f"the split {self.split.name!r} of {self.level} has no episode from seed {seed} on")

    def _observation(self) -> ObservationArrays:
        assert self.worlds is not None
        # copies; of a direction, which has no axis of its own, the plain number
        return {name: array[0].copy() if array.ndim > 1 else array[0] for name, array in self.worlds.seen().items()}

    def _info(self) -> dict[str, Any]:
        told: dict[str, Any] = {"instruction_text": self.instruction}
        return told if self.embodiment.manual_space is None else told | {"manual_text": self.manual}
