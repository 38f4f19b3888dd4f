"""The task of Chaplot et al. 2018 on the real ViZDoom, behind Gymnasium's interface; the extra ``groundling[doom]``."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import Any, Final

import cv2
import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from groundling.envs.engine.batch import ObservationArrays
from groundling.envs.families.chaplot.episodes import (
    ChaplotEpisode,
    Difficulty,
    checked_instructions,
    find_difficulty,
    sample_episode,
)
from groundling.envs.families.chaplot.rules import GROUNDED_RULES as RULES
from groundling.envs.families.chaplot.rules import NUM_GROUNDED_ACTIONS
from groundling.envs.simulators.doom_engine import DoomEngine, DoomState, DoomTimeouts
from groundling.envs.simulators.doom_maps import UNITS_PER_M, PlacedActor, actors_of, map_of
from groundling.envs.simulators.doom_plan import render_plan
from groundling.envs.simulators.doom_resolutions import band_of, check_resolution, resolution_for
from groundling.envs.simulators.errors import EngineError, EngineRejectionError, EngineRestartError
from groundling.errors import ActionError, ConfigurationError
from groundling.interfaces import RGB, TOKENS, Field, Spec
from groundling.language.grounded import GROUNDED_VOCABULARY, INSTRUCTION_LENGTH, TRAIN

_log = logging.getLogger(__name__)

ACTIONS = ("left", "right", "forward")
DEFAULT_SIZE = (160, 120)
DEFAULT_HORIZON = 0.42
RESTART_INTERVAL_S = 60.0

DOOM_IDS: Final = {f"groundling/GroundedDoom-{d.capitalize()}-v0": d for d in Difficulty}


class ChaplotDoomEnv(gymnasium.Env[ObservationArrays, int]):
    """Five of Doom's objects in a room, and the instruction to go to one of them.

    ## Observation (``Dict``)
    - ``image`` [H, W, 3] uint8: RGB, what the player sees.
    - ``instruction`` [6] int32: token ids of ``GROUNDED_VOCABULARY``, 0 = padding. The sentence is in
      ``info["instruction_text"]``.

    ## Action (``Discrete(3)``)
    0 turn left, 1 turn right, 2 forward; each is held for 5 tics. The player has momentum: a turn is of 8.8 degrees, of
    17.6 after the same turn; a step of 0.3 m from rest, growing to 1.3 m.

    ## Reward
    1 at the right object, -0.2 at a wrong one, otherwise 0. An object is reached within 1.25 m of its center.

    ## End of an episode
    ``terminated`` at an object; ``truncated`` after 30 steps. ``info["success"]`` tells whether it was the right one.

    ## Episodes
    ``reset(seed=s)`` gives the same episode, to the pixel, whatever was played before. The engine is a process of its
    own, started by the first reset. Where it fails, an :class:`EngineError` tells, and the next reset starts a new one:
    at most once a minute. With ``recover`` the episode is truncated instead, with a warning and
    ``info["engine_error"]``.

    ## Version history
    v0: first version.

    Args:
        difficulty: "easy", "medium" or "hard", see :class:`Difficulty`.
        instructions: indices into ``groundling.language.grounded.INSTRUCTIONS`` to draw from.
        resolution: (width, height) at which the engine draws; None takes the smallest that suits ``image_size``.
        image_size: (width, height) of the observation; None leaves the engine's. One that is flatter than the engine's
            frames shows a band of them, with square pixels; any other shows all, squeezed into its shape. Where no
            pixel has to be made of others it is fastest.
        horizon: where the horizon lies in a band, as a fraction of the height from the top.
        recover: truncate the episode in which the engine fails, instead of raising.
        timeouts: after which the engine counts as hanging.
        render_mode: None, "rgb_array" (the engine's own frame) or "plan" (the room from above).

    Raises:
        MissingSimulatorError: if ViZDoom is not installed.
        ConfigurationError: if an argument is wrong, or the engine has no such resolution.
    """

    metadata = {"render_modes": ["rgb_array", "plan"], "render_fps": 7}  # noqa: RUF012 - Gymnasium's own convention

    def __init__(
        self,
        difficulty: str | Difficulty = Difficulty.HARD,
        *,
        instructions: Sequence[int] = TRAIN,
        resolution: tuple[int, int] | None = None,
        image_size: tuple[int, int] | None = None,
        horizon: float = DEFAULT_HORIZON,
        recover: bool = False,
        timeouts: DoomTimeouts | None = None,
        render_mode: str | None = None,
    ) -> None:
        if image_size is not None and min(image_size) < 1:
            raise ConfigurationError(f"image_size is (width, height) in pixels, got {image_size}")
        if not 0.0 <= horizon <= 1.0:
            raise ConfigurationError(f"the horizon is from 0 (top) to 1 (bottom), got {horizon:g}")
        if resolution is None:
            resolution = resolution_for(*(image_size or DEFAULT_SIZE))
        check_resolution(*resolution)
        if render_mode not in (None, "rgb_array", "plan"):
            raise ConfigurationError(f"render_mode is None, 'rgb_array' or 'plan', got {render_mode!r}")
        self.difficulty = find_difficulty(difficulty)
        self.instructions = checked_instructions(instructions)
        self.resolution = resolution
        self.image_size = image_size or resolution
        self.horizon = horizon
        self.recover = recover
        self.timeouts = timeouts or DoomTimeouts()
        self.render_mode = render_mode
        width, height = self.image_size
        self.observation_space = spaces.Dict(  # type: ignore[assignment]
            {
                "image": spaces.Box(0, 255, (height, width, 3), np.uint8),
                "instruction": spaces.Box(0, len(GROUNDED_VOCABULARY) - 1, (INSTRUCTION_LENGTH,), np.int32),
            }
        )
        self.action_space = spaces.Discrete(NUM_GROUNDED_ACTIONS)  # type: ignore[assignment]
        fields = {
            "image": Field((height, width, 3), "uint8", RGB),
            "instruction": Field((INSTRUCTION_LENGTH,), "int32", TOKENS, len(GROUNDED_VOCABULARY)),
        }
        self.agent_spec = Spec(fields, ACTIONS, GROUNDED_VOCABULARY)
        self._band = band_of(resolution, self.image_size, horizon)
        self.episode: ChaplotEpisode | None = None
        self.engine: DoomEngine | None = None
        self.state: DoomState | None = None
        self._has_started = False
        self._last_restart_s = -float("inf")
        self._num_steps = 0
        self._placed: tuple[PlacedActor, ...] = ()
        self._asked: tuple[ChaplotEpisode, int]
        self._tokens = np.zeros(INSTRUCTION_LENGTH, dtype=np.int32)
        self._observation: ObservationArrays = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationArrays, dict[str, Any]]:
        """Begin an episode, see the class.

        Raises:
            EngineError: if the engine fails, see ``groundling.envs.simulators.errors``.
        """
        self.ask_for_episode(seed)
        return self.answer_with_episode()

    def play(self, episode: ChaplotEpisode, engine_seed: int = 0) -> tuple[ObservationArrays, dict[str, Any]]:
        """Begin this episode; errors as :meth:`reset`'s.

        Args:
            episode: what to play.
            engine_seed: of the engine's own random numbers, which only move the flames.
        """
        self._ask_to_play(episode, engine_seed)
        return self.answer_with_episode()

    def step(self, action: int) -> tuple[ObservationArrays, float, bool, bool, dict[str, Any]]:
        """Act once.

        Raises:
            ActionError: if the action is not an integer in [0, 3).
            EngineError: if the engine fails and ``recover`` is not set.
            gymnasium.error.ResetNeeded: if no episode is running.
        """
        self.ask_for_step(self.checked_action(action))
        return self.answer_with_step()

    # What follows are the halves of ``reset`` and ``step``: many environments ask all their engines, then wait for all.

    def start(self) -> None:
        """Start the engine, if it does not run, without waiting for it.

        Raises:
            EngineRestartError: if it failed within the last minute.
        """
        if self.engine is not None and self.engine.is_running:
            return
        if self._has_started:
            since = time.monotonic() - self._last_restart_s
            if since < RESTART_INTERVAL_S:
                raise EngineRestartError(
                    f"ViZDoom's engine failed again {since:.0f} s after it was restarted; it is restarted at most "
                    f"once in {RESTART_INTERVAL_S:.0f} s"
                )
            self._last_restart_s = time.monotonic()
        self._has_started = True
        self.engine = DoomEngine(*self.resolution, RULES.field_of_view_rad, self.timeouts)

    def ask_for_episode(self, seed: int | None = None) -> None:
        """The first half of :meth:`reset`."""
        super().reset(seed=seed)
        episode = sample_episode(self.np_random, self.difficulty, self.instructions)
        self._ask_to_play(episode, int(self.np_random.integers(2**31)))

    def answer_with_episode(self) -> tuple[ObservationArrays, dict[str, Any]]:
        """The second half of :meth:`reset`, and its errors."""
        assert self.engine is not None
        try:
            state = self.engine.answer()
        except (EngineRejectionError, EngineRestartError):
            raise
        except EngineError as error:
            if not self.recover:
                raise
            _log.warning("%s; it is started again", error)
            self._send_episode()
            state = self.engine.answer()
        self.episode, self.state = self._asked[0], state
        self._num_steps = 0
        self._observation = self._observe(state)
        return self._observation, {"instruction_text": self.episode.text}

    def ask_for_step(self, action: int) -> None:
        """The first half of :meth:`step`, with an action that has been checked."""
        if self.episode is None or self.engine is None:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        self.engine.ask_for_step(action)

    def answer_with_step(self) -> tuple[ObservationArrays, float, bool, bool, dict[str, Any]]:
        """The second half of :meth:`step`, and its errors."""
        assert self.episode is not None
        assert self.engine is not None
        episode = self.episode
        info: dict[str, Any] = {"instruction_text": episode.text, "success": False}
        try:
            self.state = self.engine.answer()
        except EngineError as error:
            self.episode = None
            if not self.recover:
                raise
            _log.warning("%s; the episode is cut short", error)
            return self._observation, 0.0, False, True, {**info, "engine_error": str(error)}
        self._num_steps += 1
        self._observation = self._observe(self.state)
        reached = reached_object(self._placed, episode.target, self.state)
        terminated = reached is not None
        truncated = not terminated and self._num_steps >= RULES.max_steps
        info["success"] = reached == episode.target
        reward = 0.0
        if terminated:
            reward = RULES.correct_reward if info["success"] else RULES.wrong_reward
        if terminated or truncated:
            self.episode = None
        return self._observation, reward, terminated, truncated, info

    def checked_action(self, action: Any) -> int:
        """The action as an integer.

        Raises:
            ActionError: if it is none in [0, 3).
        """
        if np.ndim(action) != 0 or not self.action_space.contains(action):
            raise ActionError(f"an action is an integer in [0, {NUM_GROUNDED_ACTIONS}), got {action!r}")
        return int(action)

    def render(self) -> NDArray[np.uint8] | None:
        """The engine's last frame, or the room from above, [H, W, 3] uint8."""
        if self.render_mode is None or self.state is None:
            return None
        return render_plan(self._asked[0], self.state) if self.render_mode == "plan" else self.state.frame.copy()

    @property
    def engine_process_id(self) -> int | None:
        """Of the process that leads the engine's process group; None where none runs."""
        return self.engine.process_id if self.engine is not None and self.engine.is_running else None

    def close(self) -> None:
        """End the engine."""
        if self.engine is not None:
            self.engine.close()
            self.engine = None
            self._has_started = False
        self.episode = None

    def _ask_to_play(self, episode: ChaplotEpisode, engine_seed: int) -> None:
        self.episode = None
        self._asked = (episode, engine_seed)
        self._placed = actors_of(episode)
        self._tokens = GROUNDED_VOCABULARY.encode(episode.text, length=INSTRUCTION_LENGTH)
        self._send_episode()

    def _send_episode(self) -> None:
        self.start()
        assert self.engine is not None
        episode, engine_seed = self._asked
        self.engine.ask_for_episode(map_of(episode), self._placed, engine_seed)

    def _observe(self, state: DoomState) -> ObservationArrays:
        seen = state.frame[self._band]
        width, height = self.image_size
        image = np.empty((height, width, 3), dtype=np.uint8)
        if seen.shape == image.shape:
            image[:] = seen
        else:
            cv2.resize(seen, self.image_size, dst=image, interpolation=cv2.INTER_AREA)
        return {"image": image, "instruction": self._tokens.copy()}


def reached_object(placed: Sequence[PlacedActor], target: int, state: DoomState) -> int | None:
    """Which of an episode's objects the player has reached; of two the right one, as in the paper, or the nearer."""
    distances = [math.hypot(thing.x - state.x, thing.y - state.y) for thing in placed]
    within = [index for index, distance in enumerate(distances) if distance <= RULES.reach_m * UNITS_PER_M]
    return target if target in within else min(within, key=distances.__getitem__, default=None)
